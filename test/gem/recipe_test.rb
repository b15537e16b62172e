# frozen_string_literal: true

require_relative "helper"

# The config/deploy.yml of doc/recipes, read by Kamal itself. run.sh puts its gems into the folder
# `kamal` of SIGNALBOX_RAILS.
class RecipeTest < Minitest::Test
  GEMS = "#{ENV.fetch("SIGNALBOX_RAILS")}/kamal"
  RAILS = Dir["#{ENV.fetch("SIGNALBOX_RAILS")}/rails-*"].max
  DEPLOY = File.read("#{TOP}/doc/recipes/kamal.md")[/^```yaml kamal\n(.*?)^```$/m, 1]

  def read_by_kamal(deploy)
    Dir.mktmpdir do |folder|
      FileUtils.mkdir_p(["#{folder}/config", "#{folder}/.kamal"])
      File.write("#{folder}/config/deploy.yml", deploy)
      secrets = deploy.scan(/^ *- ([A-Z_]+)$/).flatten.map { |name| "#{name}=x\n" }.join
      File.write("#{folder}/.kamal/secrets", secrets)
      environment = { "GEM_HOME" => GEMS, "GEM_PATH" => "#{GEMS}:#{RAILS}", "HOME" => folder }
      output, status = Open3.capture2e(environment, "#{GEMS}/bin/kamal", "config", "--version=1", chdir: folder)
      [output, status.success?]
    end
  end

  def test_kamal_takes_the_recipe
    output, is_taken = read_by_kamal(DEPLOY)
    assert is_taken, output
    assert_includes output, ":roles:\n- job\n- web\n"
  end

  def test_kamal_refuses_what_it_does_not_know
    output, is_taken = read_by_kamal(DEPLOY.sub("deploy_timeout:", "deploy_patience:"))
    refute is_taken
    assert_includes output, "deploy_patience"
  end
end
