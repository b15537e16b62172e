# frozen_string_literal: true

require_relative "helper"
require "rubygems/package"

# The gem as package/gem.sh makes it.
class PackageTest < Minitest::Test
  def setup
    @folder = Dir.mktmpdir
    @amd64 = Elf.write("#{@folder}/amd64", "amd64")
    @arm64 = Elf.write("#{@folder}/arm64", "arm64")
  end

  def teardown = FileUtils.rm_rf(@folder)

  def pack(*arguments, environment: {})
    output, errors, status = Open3.capture3({ "SOURCE_DATE_EPOCH" => "1790000000" }.merge(environment), "sh", "#{TOP}/package/gem.sh", *arguments)
    [status.exitstatus, output.chomp, errors]
  end

  def test_has_the_project_s_version_both_programs_and_no_platform
    code, path, errors = pack(@amd64, @arm64, "#{@folder}/dist")
    assert_equal 0, code, errors
    version = File.read("#{TOP}/CMakeLists.txt")[/^project\(signalbox VERSION (\S+)/, 1]
    assert_equal "#{@folder}/dist/signalbox-rails-#{version}.gem", path

    spec = Gem::Package.new(path).spec
    assert_equal ["ruby", ["signalbox-install"], ["railties"]],
                 [spec.platform.to_s, spec.executables, spec.dependencies.map(&:name)]
    Gem::Package.new(path).extract_files("#{@folder}/out")
    assert_equal Elf.program("amd64"), File.binread("#{@folder}/out/libexec/amd64/signalbox")
    assert_equal Elf.program("arm64"), File.binread("#{@folder}/out/libexec/arm64/signalbox")
    assert File.executable?("#{@folder}/out/libexec/arm64/signalbox")
    assert_path_exists "#{@folder}/out/LICENSE"
    assert_empty Dir["#{@folder}/out/**/check_program.rb"]
  end

  def test_has_the_same_bytes_in_another_folder_with_another_umask
    _, one, = pack(@amd64, @arm64, "#{@folder}/one")
    File.chmod(0o700, @amd64)
    _, two, = Dir.mktmpdir do |elsewhere|
      FileUtils.cp([@amd64, @arm64], elsewhere)
      old = File.umask(0o077)
      pack("#{elsewhere}/amd64", "#{elsewhere}/arm64", "#{@folder}/two").tap { File.umask(old) }
    end
    assert_equal File.binread(one), File.binread(two)
    _, other, = pack(@amd64, @arm64, "#{@folder}/three", environment: { "SOURCE_DATE_EPOCH" => "1790000060" })
    refute_equal File.binread(one), File.binread(other)
  end

  def test_refuses_what_is_not_both_static_programs
    dynamic = Elf.write("#{@folder}/dynamic", "amd64", segment: Elf::INTERPRETER)
    [[[@amd64], 64, "usage"],
     [[@amd64, "#{@folder}/nothing"], 65, "nothing is not there; it should be the static binary for arm64"],
     [[@arm64, @arm64], 65, "is not for amd64"],
     [[@amd64, @amd64], 65, "is not for arm64"],
     [["#{TOP}/LICENSE", @arm64], 65, "is no 64-bit ELF program"],
     [[dynamic, @arm64], 65, "is not static"]].each do |arguments, status, sentence|
      code, output, errors = pack(*arguments)
      assert_equal [status, ""], [code, output]
      assert_includes errors, sentence
    end
  end
end
