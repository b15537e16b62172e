# frozen_string_literal: true

require "minitest/autorun"
require "fileutils"
require "open3"
require "tmpdir"

TOP = File.expand_path("../..", __dir__)
GEM = File.join(TOP, "package/gem")
FIXTURES = File.join(__dir__, "fixtures")

# The binary that says whether the options which the generator writes are options.
SIGNALBOX = File.expand_path(ENV.fetch("SIGNALBOX", "build/dev/signalbox"), TOP)

# In 5.17 the diff of strings takes one program for each; that is slow and says less.
Minitest::Assertions.diff = ["diff", "-u"].join(" ")

module Elf
  MACHINES = { "amd64" => 62, "arm64" => 183 }.freeze
  LOAD = 1
  INTERPRETER = 3

  # A whole static program: it ends with 42 on amd64, and bears the name of any processor.
  def self.program(processor, segment: LOAD)
    code = [0xbf, 42, 0, 0, 0, 0xb8, 60, 0, 0, 0, 0x0f, 0x05].pack("C*") # edi = 42; eax = exit; syscall
    header = ["\x7FELF", 2, 1, 1, 2, MACHINES.fetch(processor), 1, 0x400078, 64, 0, 0, 64, 56, 1, 0, 0, 0]
             .pack("a4CCCx9S<S<L<Q<Q<Q<L<S<S<S<S<S<S<")
    size = 120 + code.size
    header + [segment, 5, 0, 0x400000, 0x400000, size, size, 0x1000].pack("L<L<Q<Q<Q<Q<Q<Q<") + code
  end

  def self.write(path, processor, **options)
    FileUtils.mkdir_p(File.dirname(path))
    File.binwrite(path, program(processor, **options))
    File.chmod(0o755, path)
    path
  end
end
