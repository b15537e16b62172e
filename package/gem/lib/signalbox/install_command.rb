# frozen_string_literal: true

require "fileutils"
require_relative "program"

module Signalbox
  # `signalbox-install PATH`: puts the program for this processor at PATH, in an image's build.
  class InstallCommand
    USAGE = <<~TEXT
      signalbox-install [--arch=amd64|arm64] PATH

      Copies the signalbox program for this machine's processor to PATH:

        RUN bundle exec signalbox-install /usr/local/bin/signalbox
    TEXT

    # As signalbox itself has them, from sysexits.h.
    WRONG_USAGE = 64
    UNAVAILABLE = 69
    CANNOT_CREATE = 73

    def initialize(arguments, folder: Program::FOLDER, out: $stdout, err: $stderr)
      @arguments = arguments
      @folder = folder
      @out = out
      @err = err
    end

    def run
      return help if (@arguments & %w[-h --help]).any?

      options, paths = @arguments.partition { |word| word.start_with?("-") }
      unknown = options.grep_v(/\A--arch=/).first
      return refuse(WRONG_USAGE, "no such option: #{unknown}") if unknown
      return refuse(WRONG_USAGE, "one path is needed: signalbox-install /usr/local/bin/signalbox") if paths.size != 1

      copy(program(options.last), File.expand_path(paths.first))
    rescue Program::Unsupported => e
      refuse(UNAVAILABLE, e.message)
    rescue SystemCallError => e
      refuse(CANNOT_CREATE, "#{paths.first} cannot be written: #{e.message}")
    end

    private

    def program(option)
      return Program.here(folder: @folder) if option.nil?

      Program.for_processor(option.delete_prefix("--arch="), folder: @folder)
    end

    # Written beside its place and moved there, so that a program which runs is never changed and
    # a link is replaced rather than followed.
    def copy(from, to)
      return refuse(UNAVAILABLE, "this gem was built without #{from}") unless File.file?(from)
      return refuse(CANNOT_CREATE, "#{to} is a directory: name the file") if File.directory?(to)

      beside = "#{to}.#{Process.pid}"
      begin
        FileUtils.copy_file(from, beside)
        File.chmod(0o755, beside)
        File.rename(beside, to)
      ensure
        FileUtils.rm_f(beside)
      end
      0
    end

    def help
      @out.puts USAGE
      0
    end

    def refuse(status, sentence)
      @err.puts "signalbox-install: #{sentence}"
      status
    end
  end
end
