# frozen_string_literal: true

require_relative "helper"
require "stringio"
require_relative "../../package/gem/lib/signalbox/install_command"

class InstallCommandTest < Minitest::Test
  def setup
    @folder = Dir.mktmpdir
    Elf::MACHINES.each_key { |processor| Elf.write("#{@folder}/libexec/#{processor}/signalbox", processor) }
    @target = "#{@folder}/image/signalbox"
    FileUtils.mkdir_p(File.dirname(@target))
  end

  def teardown = FileUtils.rm_rf(@folder)

  def install(*arguments)
    errors = StringIO.new
    status = Signalbox::InstallCommand.new(arguments, folder: "#{@folder}/libexec", err: errors).run
    [status, errors.string.chomp]
  end

  def test_puts_an_executable_copy_there_that_runs
    assert_equal [0, ""], install(@target)
    assert_equal 0o755, File.stat(@target).mode & 0o7777
    assert File.lstat(@target).file?
    assert_equal 1, File.stat(@target).nlink
    system(@target)
    assert_equal 42, $?.exitstatus
  end

  def test_replaces_an_older_one_and_a_link_but_not_what_the_link_leads_to
    File.write("#{@folder}/other", "other")
    File.symlink("#{@folder}/other", @target)
    assert_equal [0, ""], install(@target)
    assert File.lstat(@target).file?
    assert_equal "other", File.read("#{@folder}/other")
    assert_equal [0, ""], install(@target)
    assert_equal ["signalbox"], Dir.children(File.dirname(@target))
  end

  def test_takes_the_processor_that_an_image_is_built_for
    assert_equal [0, ""], install("--arch=arm64", @target)
    assert_equal Elf.program("arm64"), File.binread(@target)
    assert_equal [69, "signalbox-install: there is no signalbox for the processor s390x, only for amd64 and arm64"],
                 install("--arch=s390x", @target)
  end

  REFUSALS = [
    [[], 64, "one path is needed: signalbox-install /usr/local/bin/signalbox"],
    [%w[a b], 64, "one path is needed: signalbox-install /usr/local/bin/signalbox"],
    [%w[--force a], 64, "no such option: --force"],
    [["/"], 73, "/ is a directory: name the file"],
    [["/nowhere/signalbox"], 73, "/nowhere/signalbox cannot be written: No such file or directory"]
  ].freeze

  REFUSALS.each do |arguments, status, sentence|
    define_method("test_refuses_#{arguments.join("_")}") do
      code, errors = install(*arguments)
      assert_equal status, code
      assert errors.start_with?("signalbox-install: #{sentence}"), errors
      assert_equal 1, errors.lines.size
    end
  end

  def test_says_so_where_the_gem_has_no_program
    FileUtils.rm_rf("#{@folder}/libexec")
    code, errors = install(@target)
    assert_equal 69, code
    assert_match(/this gem was built without/, errors)
  end

  def test_the_program_of_the_gem_ends_with_its_status
    _, errors, status = Open3.capture3("#{GEM}/exe/signalbox-install")
    assert_equal [64, 1], [status.exitstatus, errors.lines.size]
    help, status = Open3.capture2("#{GEM}/exe/signalbox-install", "--help")
    assert_includes help, "RUN bundle exec signalbox-install /usr/local/bin/signalbox"
    assert_predicate status, :success?
  end

  def test_knows_processors_by_all_their_names
    program = Signalbox::Program
    [%w[linux x86_64 amd64], %w[linux-gnu amd64 amd64], %w[linux-musl aarch64 arm64], %w[linux arm64 arm64]].each do |system, processor, folder|
      assert_equal folder, File.basename(File.dirname(program.here(system: system, processor: processor)))
    end
    error = assert_raises(program::Unsupported) { program.here(system: "darwin23", processor: "arm64") }
    assert_equal "signalbox is a program for Linux, and this is darwin23: run signalbox-install in the Dockerfile", error.message
    assert_raises(program::Unsupported) { program.here(system: "linux", processor: "i686") }
  end
end
