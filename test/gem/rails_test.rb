# frozen_string_literal: true

require_relative "helper"
require_relative "cluster"

# The packed gem in applications that `rails new` makes, on each Rails that this Ruby can run. The
# gems of a Rails lie in a folder of SIGNALBOX_RAILS (run.sh puts them there).
class RailsTest < Minitest::Test
  FOLDERS = Dir["#{ENV.fetch("SIGNALBOX_RAILS")}/rails-*"].sort
  WORK = Dir.mktmpdir
  Minitest.after_run { FileUtils.rm_rf(WORK) }

  # An application with the gem in its bundle, made once for each Rails.
  App = Struct.new(:folder, :environment) do
    def run(*command, input: "")
      output, status = Open3.capture2e(environment, *command, chdir: folder, stdin_data: input, unsetenv_others: true)
      raise "#{command.join(" ")}: #{output}" unless status.success?

      output
    end

    def read(path) = File.read("#{folder}/#{path}")

    def write(path, text) = File.write("#{folder}/#{path}", text)
  end

  def self.packed
    @packed ||= begin
      Elf::MACHINES.each_key { |processor| Elf.write("#{WORK}/#{processor}", processor) }
      output, errors, status = Open3.capture3("sh", "#{TOP}/package/gem.sh", "#{WORK}/amd64", "#{WORK}/arm64", "#{WORK}/dist")
      raise errors unless status.success?

      system("gem", "install", "--silent", "--local", "--ignore-dependencies", "--no-document", "-i", "#{WORK}/gems", output.chomp, exception: true)
      "#{WORK}/gems"
    end
  end

  def self.app(gems)
    @apps ||= {}
    @apps[gems] ||= begin
      version = File.basename(gems).delete_prefix("rails-")
      environment = ENV.to_h.slice("PATH", "HOME", "LANG").merge(
        "GEM_HOME" => packed, "GEM_PATH" => "#{packed}:#{gems}", "RUBYOPT" => "-W0", "DISABLE_SPRING" => "1", "NO_COLOR" => "1"
      )
      app = App.new(WORK, environment)
      app.run("ruby", "#{gems}/bin/rails", "_#{version}_", "new", "shop-#{version}", "-d", "postgresql", "--skip-bundle", "--skip-git",
              "--skip-asset-pipeline", "--skip-javascript", "--skip-hotwire", "--skip-jbuilder", "--skip-bootsnap", "--skip-test", "--skip-action-mailer",
              "--skip-action-mailbox", "--skip-action-text", "--skip-active-storage", "--skip-action-cable", "--skip-active-job")
      app = App.new("#{WORK}/shop-#{version}", environment)
      app.write("Gemfile", "gem \"rails\", \"#{version}\"\ngem \"pg\"\ngem \"signalbox-rails\"\n")
      app.run("bundle", "install", "--local", "--quiet")
      app
    end
  end

  FOLDERS.each do |gems|
    name = File.basename(gems).tr("-.", "_")

    define_method("test_#{name}_pretends_asks_writes_and_is_then_done") do
      app = self.class.app(gems)
      original = app.read("Dockerfile")

      pretended = app.run("bin/rails", "generate", "signalbox:install", "--pretend")
      assert_includes pretended, "\n \n-# Entrypoint prepares the database.\n-ENTRYPOINT [\"/rails/bin/docker-entrypoint\"]\n"
      assert_includes pretended, "\n+ENTRYPOINT [\"/usr/local/bin/signalbox\"]\n"
      assert_equal original, app.read("Dockerfile")

      # The task asks as the generator does.
      assert_match(/skip +Dockerfile/, app.run("bin/rails", "signalbox:install", input: "n\n"))
      assert_equal original, app.read("Dockerfile")

      app.run("bin/rails", "generate", "signalbox:install", "--force")
      written = app.read("Dockerfile")
      assert_equal ["RUN bundle exec signalbox-install /usr/local/bin/signalbox",
                    "COPY --from=build /usr/local/bin/signalbox /usr/local/bin/signalbox",
                    "ENTRYPOINT [\"/usr/local/bin/signalbox\"]"],
                   (written.lines(chomp: true) - original.lines(chomp: true)).grep(/\A(?:RUN|COPY|ENTRYPOINT)/)

      assert_match(/identical +Dockerfile: Signalbox is its ENTRYPOINT/, app.run("bin/rails", "generate", "signalbox:install"))
      assert_equal written, app.read("Dockerfile")
    ensure
      app.write("Dockerfile", original)
    end

    define_method("test_#{name}_keeps_the_ledger_out_of_both_kinds_of_schema_file") do
      app = self.class.app(gems)
      Cluster.start.create("shop_#{name}") do |database|
        # As src/prepare makes it, with the sequence that an identity column brings.
        Cluster.start.query(database, "CREATE TABLE signalbox_runs (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, run text); " \
                                      "CREATE TABLE products (id bigserial PRIMARY KEY)")
        app = App.new(app.folder, app.environment.merge("DATABASE_URL" => Cluster.start.url(database), "PGUSER" => "shop"))
        # An application's own list, which is assigned when ours may be set already.
        app.write("config/initializers/schema.rb", "ActiveRecord::SchemaDumper.ignore_tables = [\"audits\"]\n")
        { "ruby" => "db/schema.rb", "sql" => "db/structure.sql" }.each do |format, path|
          app.environment["SCHEMA_FORMAT"] = format
          app.run("bin/rails", "db:schema:dump")
          assert_includes app.read(path), "products"
          refute_includes app.read(path), "signalbox_runs"
        end
      ensure
        FileUtils.rm_f("#{app.folder}/config/initializers/schema.rb")
      end
    end

    # What follows does not depend on the version.
    next unless gems == FOLDERS.last

    define_method("test_#{name}_keeps_a_script_of_one_s_own_in_front") do
      app = self.class.app(gems)
      dockerfile, script = app.read("Dockerfile"), app.read("bin/docker-entrypoint")
      app.write("bin/docker-entrypoint", script.sub("\n\n", "\n\nexport SHOP=\"$(hostname)\"\n\n"))

      app.run("bin/rails", "generate", "signalbox:install", input: "y\ny\n")
      assert_includes app.read("Dockerfile"), "COPY --from=build /usr/local/bin/signalbox"
      assert_includes app.read("bin/docker-entrypoint"), "exec signalbox \"${@}\""
      refute_includes app.read("bin/docker-entrypoint"), "db:prepare"
      assert File.executable?("#{app.folder}/bin/docker-entrypoint")
    ensure
      app.write("Dockerfile", dockerfile)
      app.write("bin/docker-entrypoint", script)
    end

    define_method("test_#{name}_puts_the_program_into_an_image_s_place") do
      app = self.class.app(gems)
      app.run("bundle", "exec", "signalbox-install", "#{app.folder}/signalbox")
      assert_equal Elf.program("amd64"), File.binread("#{app.folder}/signalbox")
    end

    define_method("test_#{name}_loads_two_files_in_production_and_does_nothing") do
      app = self.class.app(gems)
      environment = app.environment.merge("RAILS_ENV" => "production", "SECRET_KEY_BASE" => "x" * 64, "DATABASE_URL" => "postgresql:///nothing")
      output = App.new(app.folder, environment).run("ruby", "-e", <<~RUBY)
        require "./config/environment"
        puts $LOADED_FEATURES.grep(%r{/signalbox-rails-[^/]+/}).map { |path| File.basename(path) }.sort.join(" ")
        p ActiveRecord::SchemaDumper.ignore_tables
      RUBY
      assert_equal "railtie.rb signalbox-rails.rb\n[]\n", output
    end
  end

  def test_there_is_a_rails_to_test_with
    assert_operator FOLDERS.size, :>=, 2
  end
end
