# frozen_string_literal: true

require_relative "shell_script"

module Signalbox
  module Install
    # What one simple command of an entrypoint is, by its words alone.
    class ShellCommand
      ASSIGNMENT = /\A[A-Za-z_]\w*\+?=/
      POSITIONAL = /\A"?\$(?:\{[@*]\}|[@*])"?\z/
      # Programs that run what follows them.
      WRAPPERS = %w[bundle gosu su-exec sudo runuser setpriv chpst env nice ionice nohup setsid tini dumb-init
                    catatonit thrust with-contenv dotenvx doppler ddprofrb exec command].freeze
      SERVERS = %w[puma unicorn unicorn_rails pitchfork falcon iodine rackup thin passenger].freeze
      WORKERS = %w[sidekiq jobs good_job resque resque-pool delayed_job shoryuken karafka].freeze
      TESTS = ["[", "[[", "((", "test", "!"].freeze
      SILENT = %w[echo printf : true false set shopt exit return break continue].freeze
      # What each container has to do in its own file system: never a step.
      OWN_FILES = /\A(?:assets|webpacker|shakapacker|vite|css|javascript|tailwindcss|bootsnap|tmp|log|yarn|i18n|js|sitemap):/
      MIGRATING = /\Adb:(?:prepare|migrate|setup)(?::|\z)/
      LADDER = /\Adb:(?:version|create|exists|migrate|setup|prepare|schema:load|migrate:status|abort_if_pending_migrations)\z/
      DESTRUCTIVE = /\Adb:(?:drop|reset|purge|migrate:reset|seed:replant|truncate_all|schema:load|setup)(?::|\z)/

      # What waits, and may therefore stand in a loop that waits.
      LOOP_WORDS = %w[sleep seq let expr date local].freeze
      WAITERS = %w[wait-for-it wait-for-it.sh wait-for wait-for.sh wait_for_it.sh dockerize].freeze
      DATABASE_NAME = /(?:\A|[^a-z])(?:db|database|postgres\w*|pg\w*)(?:[^a-z]|\z)|5432/i

      # What may run before the database is prepared as well as after it.
      ANY_TIME = %w[mkdir chown chmod export unset cd umask ulimit . source readonly].freeze

      attr_reader :words, :assignments, :redirections

      def self.of(words) = new(ShellScript::Simple.new(words, [], 1, 1))

      def initialize(simple)
        @simple = simple
        @assignments, @words = split(simple.words)
        @redirections = simple.redirections
      end

      def assignments_only? = words.empty? && @assignments.any?

      def name = File.basename(unquoted(words.first.to_s))

      def test? = !words.empty? && (TESTS.include?(unquoted(words.first)) || words.first.start_with?("((", "[["))

      # Says or decides something, and changes nothing outside the script.
      def silent?
        return true if words.empty? && @assignments.empty?

        (test? || SILENT.include?(name)) && redirections.all? { |text| text.match?(%r{/dev/|&\d\z}) }
      end

      def any_time?
        silent? || assignments_only? || ANY_TIME.include?(name) ||
          (tasks.to_a.any? && tasks.all? { |task| task.match?(OWN_FILES) })
      end

      def exec? = words.first == "exec"

      # The words that are started, for a command that hands over to the container's command or
      # starts a server or worker itself; nil for any other.
      def launched
        rest = exec? ? words.drop(1) : words
        return if rest.empty? || rest.any? { |word| word.match?(/\A"?\$\{?0\}?"?\z/) }
        return rest if rest.any? { |word| word.match?(POSITIONAL) } && (exec? || WRAPPERS.include?(File.basename(rest.first)) || rest.first.match?(POSITIONAL))

        rest if server?(rest) || worker?(rest)
      end

      def hands_over? = exec? && words.size == 2 && words.last.match?(POSITIONAL)

      def signalbox? = exec? && words[1] && File.basename(unquoted(words[1])) == "signalbox"

      # "rails db:prepare" and the like: their tasks, or nil.
      def tasks
        program, *rest = inner
        return unless %w[rails rake].include?(File.basename(program.to_s))

        rest.map { |word| unquoted(word) }.reject { |word| word.start_with?("-") || word.match?(ASSIGNMENT) }
      end

      def step?
        found = tasks
        found&.any? && !%w[server s console c dbconsole secret new generate g].include?(found.first) &&
          found.none? { |task| task.match?(OWN_FILES) || task.match?(DESTRUCTIVE) }
      end

      def migrating? = tasks.to_a.any? { |task| task.match?(MIGRATING) }

      def destructive? = tasks.to_a.any? { |task| task.match?(DESTRUCTIVE) }

      # One of the commands by which "create it if it is not there, otherwise migrate" is spelt.
      def ladder? = tasks.to_a.any? && tasks.all? { |task| task.match?(LADDER) }

      # As Signalbox takes a step: words, with no shell. nil where it needs one.
      def plain
        text = [*@assignments, *words].join(" ")
        text unless text.match?(/[$`*?~(){}<>\\]/)
      end

      def removes_pid_file?
        name == "rm" && operands.any? && operands.all? { |word| word.end_with?("server.pid") }
      end

      def asks_database?
        case name
        when "pg_isready", "psql" then true
        when "nc", "ncat" then words.drop(1).any? { |word| word.match?(DATABASE_NAME) }
        else ladder? && !migrating? && !tasks.include?("db:create")
        end
      end

      def waits_for_database?
        WAITERS.include?(name) && !words.include?("--") &&
          operands.grep(%r{:|\A"?\$|//}).then { |places| places.any? && places.all? { |place| place.match?(DATABASE_NAME) } }
      end

      def part_of_waiting? = silent? || assignments_only? || LOOP_WORDS.include?(name) || asks_database?

      def sleeps? = name == "sleep"

      def sets?(variable)
        @simple.words.any? { |word| word.match?(/\A#{variable}(?:=|\z)/) } && (assignments_only? || name == "export")
      end

      def server?(rest = words)
        program, *arguments = inner(rest)
        base = File.basename(program.to_s)
        SERVERS.include?(base) || (base == "rails" && %w[server s].include?(arguments.find { |word| !word.start_with?("-") }))
      end

      def worker?(rest = words)
        program, *arguments = inner(rest)
        base = File.basename(program.to_s)
        WORKERS.include?(base) || (%w[rails rake].include?(base) && arguments.any? { |word| %w[solid_queue:start jobs:work].include?(word) })
      end

      private

      def split(all)
        assignments = all.take_while { |word| word.match?(ASSIGNMENT) }
        [assignments, all.drop(assignments.size)]
      end

      def unquoted(word) = word.delete("\"'")

      def operands = words.drop(1).map { |word| unquoted(word) }.reject { |word| word.start_with?("-") }

      # The words behind wrappers and their assignments.
      def inner(rest = words)
        rest = rest.map { |word| unquoted(word) }
        while rest.any? && (WRAPPERS.include?(File.basename(rest.first)) || rest.first.match?(ASSIGNMENT))
          wrapper = File.basename(rest.first)
          rest = rest.drop(1)
          rest = rest.drop(1) if (wrapper == "bundle" && rest.first == "exec") || %w[gosu su-exec].include?(wrapper)
          rest = rest.drop(1) while rest.first&.start_with?("-") || rest.first == "run"
        end
        rest
      end

    end
  end
end
