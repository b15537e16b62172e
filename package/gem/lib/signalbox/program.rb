# frozen_string_literal: true

require "rbconfig"

module Signalbox
  # The programs in this gem, one for each processor, and which of them is meant.
  module Program
    class Unsupported < StandardError; end

    # Processors by Docker's name, with every other name that Ruby, Linux or Debian has for them.
    NAMES = {
      "amd64" => %w[amd64 x86_64 x64],
      "arm64" => %w[arm64 aarch64]
    }.freeze

    FOLDER = File.expand_path("../../libexec", __dir__)

    # Asked of Ruby and not of the kernel: an image of another processor runs under the kernel of
    # this one when it is built by emulation.
    def self.here(folder: FOLDER, system: RbConfig::CONFIG["host_os"], processor: RbConfig::CONFIG["host_cpu"])
      unless system.start_with?("linux")
        raise Unsupported, "signalbox is a program for Linux, and this is #{system}: " \
                           "run signalbox-install in the Dockerfile"
      end
      for_processor(processor, folder: folder)
    end

    def self.for_processor(processor, folder: FOLDER)
      name, = NAMES.find { |_, names| names.include?(processor.downcase) }
      return File.join(folder, name, "signalbox") if name

      raise Unsupported, "there is no signalbox for the processor #{processor}, only for " \
                         "#{NAMES.keys.join(" and ")}"
    end
  end
end
