# frozen_string_literal: true

# The version is the project's, from CMakeLists.txt; package/gem.sh hands it over, since it builds
# in a folder of its own.
version = ENV.fetch("SIGNALBOX_VERSION") do
  File.read(File.expand_path("../../CMakeLists.txt", __dir__))[/^project\(signalbox VERSION (\S+)/, 1]
end

Gem::Specification.new do |spec|
  spec.name = "signalbox-rails"
  spec.version = version
  spec.summary = "Signalbox for a Rails image: runs db:prepare once for all replicas, then your server as PID 1"
  spec.description = "Both Linux programs, amd64 and arm64, for the build of an image: signalbox-install puts the " \
                     "right one into it, and bin/rails generate signalbox:install edits the Dockerfile. In " \
                     "development it keeps Signalbox's ledger out of schema.rb and structure.sql."
  spec.authors = ["The Signalbox authors"]
  spec.license = "MIT"
  spec.required_ruby_version = ">= 3.1"
  spec.metadata = { "rubygems_mfa_required" => "true" }

  spec.files = Dir.chdir(__dir__) { Dir["{exe,lib,libexec}/**/*", "LICENSE", "README.md"].select { |path| File.file?(path) }.sort }
  spec.bindir = "exe"
  spec.executables = ["signalbox-install"]

  spec.add_dependency "railties", ">= 7.1"
end
