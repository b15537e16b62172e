# frozen_string_literal: true

require_relative "helper"

# The config/deploy.yml of doc/recipes, read by Kamal itself, and the commands that the page has for it.
# run.sh puts its gems into the folder `kamal` of SIGNALBOX_RAILS.
class RecipeTest < Minitest::Test
  GEMS = "#{ENV.fetch("SIGNALBOX_RAILS")}/kamal"
  RAILS = Dir["#{ENV.fetch("SIGNALBOX_RAILS")}/rails-*"].max
  PAGE = File.read("#{TOP}/doc/recipes/kamal.md")
  DEPLOY = PAGE[/^```yaml kamal\n(.*?)^```$/m, 1]
  HOOK = PAGE[/^```sh pre-deploy\n(.*?)^```$/m, 1]

  # Kamal itself, but for the servers: each command that one of them would be given is printed.
  PRINTING = <<~RUBY
    require "kamal"
    class NoServer < SSHKit::Backend::Printer
      def capture_with_info(*words, **) = puts("RUN \#{words.flatten.compact.join(" ")}") || ""
      def execute(*, **) = true
    end
    class Kamal::Commander
      private def configure_sshkit_with(_) = SSHKit.config.backend = NoServer
    end
    Kamal::Cli::Main.start(ARGV)
  RUBY

  def in_a_project(deploy = DEPLOY)
    Dir.mktmpdir do |folder|
      FileUtils.mkdir_p(["#{folder}/config", "#{folder}/.kamal"])
      File.write("#{folder}/config/deploy.yml", deploy)
      secrets = deploy.scan(/^ *- ([A-Z_]+)$/).flatten.map { |name| "#{name}=x\n" }.join
      File.write("#{folder}/.kamal/secrets", secrets)
      yield folder, { "GEM_HOME" => GEMS, "GEM_PATH" => "#{GEMS}:#{RAILS}", "HOME" => folder }
    end
  end

  def read_by_kamal(deploy)
    in_a_project(deploy) do |folder, environment|
      output, status = Open3.capture2e(environment, "#{GEMS}/bin/kamal", "config", "--version=1", chdir: folder)
      [output, status.success?]
    end
  end

  # What the servers would run when a script calls `kamal`.
  def commands_of(script, variables)
    in_a_project do |folder, environment|
      File.write("#{folder}/kamal.rb", PRINTING)
      File.write("#{folder}/kamal", "#!/bin/sh\nexec ruby #{folder}/kamal.rb \"$@\"\n", perm: 0o755)
      environment = environment.merge(variables, "VERSION" => "git", "PATH" => "#{folder}:#{ENV.fetch("PATH")}")
      output, status = Open3.capture2e(environment, "sh", "-ec", script, chdir: folder)
      assert_predicate status, :success?, output
      output.lines.grep(/^RUN /)
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

  def test_the_step_runs_once_and_in_the_image_of_the_deploy
    commands = commands_of(HOOK, "KAMAL_VERSION" => "new", "KAMAL_COMMAND" => "deploy")
    assert_equal 1, commands.size, commands
    assert_match %r{ example/shop:new bin/rails db:prepare$}, commands.first
    assert_empty commands_of(HOOK, "KAMAL_VERSION" => "old", "KAMAL_COMMAND" => "rollback")
  end

  def test_the_page_says_what_the_step_needs_of_kamal
    # What the page warns of, so that it goes when Kamal does otherwise.
    commands = commands_of(%(kamal app exec --primary "bin/rails db:prepare"), {})
    # Kamal does not say in which order.
    assert_equal %w[job web], commands.map { |command| command[/shop-(\w+)-exec/, 1] }.sort
    assert commands.all? { |command| command.include?(" example/shop:latest ") }, commands
  end

  def test_steps_of_ones_own_run_in_the_image_of_the_deploy
    typed = PAGE[/^  `(kamal app exec .* true)`\.$/, 1]
    commands = commands_of(typed, "KAMAL_VERSION" => "new")
    assert_equal 1, commands.size, commands
    assert_match %r{ --env SIGNALBOX_PREPARE="any" .* example/shop:new true$}, commands.first
  end
end
