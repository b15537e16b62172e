# frozen_string_literal: true

require_relative "helper"
require_relative "said"
require_relative "../../package/gem/lib/signalbox/install/plan"

# Dockerfiles as Rails generates them and as people write them. Beside each lies what becomes of it
# (Dockerfile.after, and the script's), and what is said (said).
class ImageTest < Minitest::Test
  include Said

  Plan = Signalbox::Install::Plan

  # The files of a folder, those of `changed` instead of what lies there.
  def plan_of(folder, changed = {})
    Plan.new("Dockerfile") do |path|
      places = { "config/database.yml" => "../../database.yml" }
      places["config/database.yml"] = nil if folder.include?("no-database")
      places["bin/docker-entrypoint"] = "docker-entrypoint" if folder.include?("/rails/")
      file = places.fetch(path, path)
      changed[path] || (file && File.file?("#{folder}/#{file}") ? File.read("#{folder}/#{file}") : nil)
    end
  end

  Dir["#{FIXTURES}/{dockerfiles,rails}/*"].sort.each do |folder|
    name = File.basename(folder)

    define_method("test_#{name}") do
      plan = plan_of(folder)
      assert_said "#{folder}/said", said(plan)
      plan.changes.each { |change| assert_said "#{folder}/#{File.basename(change.path)}.after", change.text }
      assert_empty(Dir["#{folder}/*.after"].map { |path| File.basename(path, ".after") } - plan.changes.map { |change| File.basename(change.path) })
    end

    define_method("test_#{name}_again") do
      changed = plan_of(folder).changes.to_h { |change| [change.path, change.text] }
      again = plan_of(folder, changed)
      assert_empty again.changes
      assert_equal plan_of(folder).problems, again.problems
    end
  end

  def said(plan)
    plan.findings.map { |finding| "#{finding.outcome}: #{finding.what}: #{finding.becomes}\n" }.join +
      plan.problems.map { |problem| "problem: #{problem}\n" }.join +
      plan.notes.map { |note| "note: #{note}\n" }.join
  end

  def test_says_so_where_there_is_no_dockerfile_or_nothing_in_it
    assert_equal ["there is no Dockerfile"], Plan.new("Dockerfile") { nil }.problems
    assert_equal ["there is no FROM in it"], Plan.new("Dockerfile") { |path| path == "Dockerfile" ? "# empty\n" : nil }.problems
  end
end
