# frozen_string_literal: true

require_relative "helper"
require_relative "said"
require_relative "../../package/gem/lib/signalbox/install/entrypoint"

# Entrypoint scripts in the forms that public applications have. Beside each lies what is said of it
# (NAME.said) and, where it stays, what it becomes (NAME.after).
class EntrypointTest < Minitest::Test
  include Said

  Entrypoint = Signalbox::Install::Entrypoint
  Edits = Signalbox::Install::Edits

  SCRIPTS = Dir["#{FIXTURES}/entrypoints/*.sh"].sort

  # What a script may call, beside rails and bundle.
  COMMANDS = %w[cat chown cloud-sql-proxy gosu id litestream mkdir nc pg_isready psql rm ruby seq service sleep su-exec].freeze

  def self.after(text)
    entrypoint = Entrypoint.new(text)
    Edits.new(text, entrypoint.edits).apply if entrypoint.edits.any?
  end

  SCRIPTS.each do |path|
    name = File.basename(path, ".sh")
    text = File.read(path)

    define_method("test_#{name}") do
      entrypoint = Entrypoint.new(text)
      assert_said path.sub(/sh\z/, "said"), said(entrypoint)
      after = self.class.after(text)
      after ? assert_said(path.sub(/sh\z/, "after"), after) : refute_path_exists(path.sub(/sh\z/, "after"))
    end

    next unless (after = after(text))

    define_method("test_#{name}_again_changes_nothing") do
      assert_nil self.class.after(after)
      assert_equal :kept, Entrypoint.new(after).mode
    end

    define_method("test_#{name}_hands_over_and_prepares_nothing_itself") do
      started, called = run_script(after, text.lines.first.include?("bash") ? "bash" : "sh")
      assert_match(/\A(?:(?:gosu rails|su-exec app|bundle exec) )?(?:\.\/bin\/rails server|rails server.*|rails s .*|\.\/bin\/puma)\z/, started)
      refute_match(/db:|data:/, called)
    end
  end

  def said(entrypoint)
    rows = ["mode: #{entrypoint.mode}\n"]
    rows += entrypoint.settings.map { |name, value| "#{name}=#{value}\n" }
    rows += entrypoint.findings.map { |finding| "#{finding.first}-#{finding.last} #{finding.outcome}: #{finding.what}: #{finding.becomes}\n" }
    (rows + entrypoint.notes.map { |note| "note: #{note}\n" }).join
  end

  # Runs it for `./bin/rails server` among commands that do nothing; answers with what signalbox
  # was given, and what rails and bundle were called for before.
  def run_script(text, shell)
    Dir.mktmpdir do |folder|
      FileUtils.mkdir_p(["#{folder}/bin", "#{folder}/commands", "#{folder}/storage"])
      File.write("#{folder}/storage/production.sqlite3", "")
      File.write("#{folder}/script", text)
      command(folder, "commands/signalbox", 'echo "$*" > started')
      COMMANDS.each { |name| command(folder, "commands/#{name}", "exit 0") }
      %w[commands/rails commands/bundle commands/rake bin/rails].each { |path| command(folder, path, 'echo "$*" >> called') }
      output, status = Open3.capture2e({ "PATH" => "#{folder}/commands" }, "/bin/#{shell}", "./script", "./bin/rails", "server",
                                       chdir: folder, unsetenv_others: true)
      assert_predicate status, :success?, output
      [File.read("#{folder}/started").chomp, File.exist?("#{folder}/called") ? File.read("#{folder}/called") : ""]
    end
  end

  def command(folder, path, text)
    File.write("#{folder}/#{path}", "#!/bin/sh\n#{text}\n")
    File.chmod(0o755, "#{folder}/#{path}")
  end
end

# That the settings which come out of these scripts are ones that signalbox takes, as it is asked.
class SettingsTest < Minitest::Test
  EntrypointTest::SCRIPTS.each do |path|
    settings = Signalbox::Install::Entrypoint.new(File.read(path)).settings
    next if settings.empty?

    define_method("test_signalbox_takes_those_of_#{File.basename(path, ".sh")}") do
      Dir.mktmpdir do |folder|
        environment = settings.merge("SIGNALBOX_DATABASE_URL" => "postgresql://localhost/shop", "SIGNALBOX_LOG" => "json")
        output, errors, status = Open3.capture3(environment, SIGNALBOX, "--explain", "./bin/rails", "server", chdir: folder)
        assert_predicate status, :success?, errors
        require "json"
        steps = JSON.parse(output)["steps"]
        assert_equal settings["SIGNALBOX_STEPS"], steps.join(" && ") if settings["SIGNALBOX_STEPS"]
        refute_match(/unknown|SIGNALBOX_/, errors)
      end
    end
  end
end
