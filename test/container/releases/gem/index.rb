# frozen_string_literal: true

# ruby index.rb GEM: makes the folder it is called in a source of gems that has this one, as
# `gem generate_index` did, which newer RubyGems no longer have.

require "fileutils"
require "rubygems/package"
require "zlib"

spec = Gem::Package.new(ARGV.fetch(0)).spec
FileUtils.mkdir_p(["gems", "quick/Marshal.4.8"])
FileUtils.cp(ARGV.fetch(0), "gems")
{ "specs" => [spec], "latest_specs" => [spec], "prerelease_specs" => [] }.each do |name, specs|
  tuples = specs.map { |each| [each.name, each.version, each.platform.to_s] }
  File.binwrite("#{name}.4.8.gz", Zlib.gzip(Marshal.dump(tuples)))
end
File.binwrite("quick/Marshal.4.8/#{spec.full_name}.gemspec.rz", Zlib.deflate(Marshal.dump(spec)))
