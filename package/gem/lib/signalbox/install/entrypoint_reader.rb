# frozen_string_literal: true

require_relative "conditions"
require_relative "edits"
require_relative "shell_command"
require_relative "shell_script"

module Signalbox
  module Install
    # What one part of an entrypoint does, and what becomes of it under Signalbox.
    #   outcome  :nothing  Signalbox does that by itself
    #            :option   an option of Signalbox
    #            :step     a step, run by one replica for all
    #            :stays    stays in the script, in front of Signalbox
    #            :yours    somebody has to decide
    Finding = Struct.new(:first, :last, :what, :outcome, :becomes)

    # Goes through an entrypoint script statement by statement and collects what there is to say
    # of each. What follows for the whole script is Entrypoint's to decide.
    class EntrypointReader
      include Conditions

      DEFAULT_STEP = "./bin/rails db:prepare"
      TAKE_APART = "it prepares, or starts the command, in a way that only you can take apart"
      # Those of the programs in front of a command that Signalbox puts before each step as well.
      CARRIED = %w[gosu su-exec sudo runuser setpriv chpst env dotenvx doppler].freeze
      POSITIONAL = /\$\{?[#!]?[1-9@*#]/

      Removal = Struct.new(:edit, :statement)

      # removals, changes: what is to be edited if the script is kept. wrapper: what stands in front
      # of the command where the script hands over. The rest as in Entrypoint.
      attr_reader :findings, :settings, :steps, :removals, :changes, :wrapper

      def initialize(text)
        @lines = text.lines(chomp: true)
        @findings = []
        @settings = {}
        @steps = []
        @removals = []
        @changes = []
        @aliases = []
        @functions = {}
        @guards = 0
        visit_all(ShellScript.parse(text), tail: true)
      end

      # Whether it ends in Signalbox already, hands over to the command at all, and prepares for
      # whatever the command is.
      def ends_in_signalbox? = @ends_in_signalbox

      def hands_over? = @hands_over

      def prepares_always? = @prepares_always && @takes_command

      # Whether a statement has its lines for itself.
      def alone?(statement)
        @lines[(statement.first - 1)..(statement.last - 1)].join("\n").strip.sub(/\s*(?:;|#.*)?\z/, "") == statement.text.strip
      end

      def yours(first, last, what, becomes)
        findings << Finding.new(first, last, what, :yours, becomes)
        :stays
      end

      def short(statement)
        line, *rest = statement.text.lines(chomp: true)
        rest.any? ? "#{line.strip} …" : line.strip
      end

      private

      # Verdicts: :silent, :gone (a step, or what Signalbox does itself), :stays. `tail` says that
      # nothing follows them.
      def visit_all(statements, tail:, nested: false)
        statements.each_with_index.map do |statement, index|
          [statement, visit(statement, tail: tail && index == statements.size - 1, nested: nested)]
        end
      end

      def visit(statement, tail:, nested:)
        commands = simple(statement)
        return :silent if commands.all?(&:silent?) && !guard?(statement)

        function(statement, commands) || call(statement, commands, tail) ||
          jemalloc(statement, commands) || pid_file(statement, commands) || waiting(statement, commands) ||
          positional_alias(commands) || launch(statement, commands, tail, nested) ||
          ladder(statement, commands) || step(statement, commands) ||
          guard(statement, tail) || condition(statement) ||
          compound_with_launch(statement, commands, tail) || other(statement, commands)
      end

      def simple(node) = ShellScript.simple_commands(node).map { |command| ShellCommand.new(command) }

      # Functions: what one does that prepares is said where it is called.

      def function(statement, commands)
        definition = statement.commands.first
        return unless definition.is_a?(ShellScript::Compound) && definition.kind == :function
        return unless commands.any?(&:step?)

        @functions[definition.head] = [statement, definition.branches.flat_map(&:last)]
        :silent
      end

      def call(statement, commands, tail)
        definition, body = @functions[commands.first.name] if statement.commands.size == 1 && commands.size == 1
        return if definition.nil?

        body = body.first.branches.flat_map(&:last) if body.first.is_a?(ShellScript::Compound)
        before = @removals.dup
        verdicts = visit_all(body, tail: tail, nested: true).map(&:last)
        return yours(statement.first, statement.last, short(statement), TAKE_APART) if verdicts.include?(:stays)

        @removals = before
        remove(definition) unless before.any? { |removal| removal.statement == definition }
        remove(statement)
        :gone
      end

      # What Signalbox has an option for, or does by itself.

      def jemalloc(statement, commands)
        about = statement.text.include?("jemalloc") || commands.all? { |command| command.sets?("LD_PRELOAD") }
        return unless about && commands.any? { |command| command.sets?("LD_PRELOAD") }
        return unless commands.all? { |command| command.silent? || command.assignments_only? || command.name == "export" }

        variables = statement.text.scan(/\$\{?(\w+)/).flatten.uniq - %w[LD_PRELOAD]
        return if variables.any? { |name| !name.match?(/jemalloc|\ALD_|\A(?:arch|lib)/i) || name.match?(/disable|enable/i) }

        found(statement, "jemalloc", :option, "SIGNALBOX_JEMALLOC=1")
        settings["SIGNALBOX_JEMALLOC"] = "1"
        :gone
      end

      def pid_file(statement, commands)
        return unless commands.any?(&:removes_pid_file?)
        return unless commands.all? { |command| command.removes_pid_file? || command.silent? }

        found(statement, "stale pid file", :nothing, "Signalbox removes it itself before a Rails server")
        :gone
      end

      def waiting(statement, commands)
        loop = statement.commands.first
        loops = loop.is_a?(ShellScript::Compound) && %i[until while for].include?(loop.kind)
        waits = loops && commands.any?(&:asks_database?) && commands.all?(&:part_of_waiting?)
        return unless waits || commands.all?(&:waits_for_database?) || commands.all?(&:sleeps?)

        found(statement, "waiting for the database", :nothing,
              "Signalbox waits for it before a server (--connect-timeout, 60s), and a worker under SIGNALBOX_PREPARE=wait")
        :gone
      end

      # last="${@: -1:1}" and the like, used by the guard that follows.
      def positional_alias(commands)
        return unless commands.all?(&:assignments_only?)

        pairs = commands.flat_map { |command| command.assignments.map { |word| word.split("=", 2) } }
        return unless pairs.all? { |_, value| value.match?(POSITIONAL) }

        @aliases.concat(pairs.map(&:first))
        :silent
      end

      # Steps.

      def step(statement, commands)
        return unless statement.commands.all?(ShellScript::Simple) && commands.any?(&:step?)
        return unless commands.all? { |command| command.step? || (command.silent? && !command.test?) }
        return if statement.background

        plain = commands.map(&:plain)
        only_and = statement.operators.all?("&&") && commands.all?(&:step?)
        add_steps(statement, only_and && plain.all? ? plain : [by_shell(statement)])
      end

      # "migrate, or create it where it is not there": that is db:prepare.
      def ladder(statement, commands)
        asked = commands.select(&:tasks)
        return unless asked.any?(&:migrating?) && asked.all?(&:ladder?)
        return unless commands.all? { |command| command.silent? || command.ladder? }
        return if mentions_positional?(statement.text)

        kinds = asked.flat_map(&:tasks).uniq
        alternatives = statement.operators.include?("||") || !statement.commands.all?(ShellScript::Simple)
        return unless kinds.any? { |task| task.match?(/setup|schema:load/) } || (alternatives && kinds.size > 1)

        add_steps(statement, [DEFAULT_STEP], note: ", which creates, loads or migrates as is due")
      end

      def add_steps(statement, texts, note: "")
        if texts.any?(&:nil?)
          return yours(statement.first, statement.last, short(statement), "it cannot be written as a step on one line")
        end

        texts.each do |text|
          next if @steps.include?(text)
          next if text == DEFAULT_STEP && @steps.any? { |step| step.end_with?(" db:prepare") }

          @steps << text
        end
        note = "#{note}; once a release, by one replica" unless texts.all? { |text| text.match?(/db:(?:prepare|migrate)\z/) }
        @prepares_always ||= @guards.zero? && simple(statement).any?(&:migrating?)
        found(statement, short(statement), :step, texts.join(" && ") + note)
        remove(statement)
        :gone
      end

      # A step that needs a shell, on one line.
      def by_shell(statement)
        return if statement.text.match?(/<<|(?:^|\s)#/)

        line = statement.text.lines(chomp: true).map(&:strip).reject(&:empty?).reduce do |before, after|
          before.match?(/(?:\b(?:then|do|else|in)|&&|\|\|?|;|\{|\(|\\)\z/) ? "#{before.delete_suffix("\\")} #{after}" : "#{before}; #{after}"
        end
        "#{shell} -c '#{line.gsub("'") { "'\\''" }}'"
      end

      def shell = @lines.first.to_s.include?("bash") ? "bash" : "sh"

      # Handing over.

      def launch(statement, commands, tail, nested)
        return unless statement.commands.size == 1 && statement.commands.first.is_a?(ShellScript::Simple)

        command = commands.first
        if command.signalbox?
          @hands_over = @ends_in_signalbox = true
          return nested ? :stays : :silent
        end
        return if (words = command.launched).nil?

        unless command.exec? || (tail && !statement.background)
          return yours(statement.first, statement.last, short(statement),
                       "the script stays and looks after several processes: put signalbox in front of this command by hand")
        end

        @hands_over = true
        @takes_command = true if words.last.match?(ShellCommand::POSITIONAL)
        wrapper = words.take_while { |word| !word.match?(ShellCommand::POSITIONAL) }
        @wrapper = "#{wrapper.join(" ")} " if CARRIED.include?(File.basename(wrapper.first.to_s))
        return hand_over(statement) if command.hands_over? && !nested

        found(statement, short(statement), :stays, "exec signalbox #{words.join(" ")}") unless command.hands_over?
        hand_over(statement)
        :stays
      end

      def hand_over(statement)
        line = @lines[statement.first - 1]
        at = line.index(statement.text.lines.first.chomp)
        changed = statement.text.sub(/\A(?:exec\s+)?/, "exec signalbox ")
        whole = (@lines[(statement.first - 1)..(statement.last - 1)]).join("\n")
        @changes << Edit.new(statement.first, statement.last, whole.sub(statement.text) { changed }.lines(chomp: true)) if at
        :silent
      end

      # A compound that starts something in one of its branches: case "$1" in web) exec puma …
      def compound_with_launch(statement, commands, tail)
        compound = statement.commands.first
        return unless compound.is_a?(ShellScript::Compound) && compound.kind != :function
        return unless commands.any?(&:launched)

        bodies = compound.branches.map { |_, body| visit_all(body, tail: tail, nested: true) }
        close_guard(statement, bodies)
      end

      # Everything else.

      def other(statement, commands)
        if commands.any?(&:destructive?)
          return yours(statement.first, statement.last, short(statement), "it empties or overwrites a database at every start: take it out")
        end
        if commands.any? { |command| %w[trap wait].include?(command.name) }
          return yours(statement.first, statement.last, short(statement), "signals are Signalbox's: it forwards them, and reaps")
        end
        if commands.any? { |command| command.step? || command.launched || @functions.key?(command.name) }
          return yours(statement.first, statement.last, short(statement), TAKE_APART)
        end
        if @steps.any? && !(commands.all?(&:any_time?) && !writes_file?(statement))
          return yours(statement.first, statement.last, short(statement), "it runs after the database is prepared, and would run before: make it a step, or move it")
        end

        found(statement, short(statement), :stays, "stays in the script")
        :stays
      end

      def writes_file?(statement) = statement.text.match?(%r{>>?\s*(?!/dev/|&)["$\w./]})

      def found(statement, what, outcome, becomes)
        findings << Finding.new(statement.first, statement.last, what, outcome, becomes)
      end

      def indentation(line) = @lines[line - 1][/\A\s*/]

      # With the comment right above it, and without leaving two empty lines.
      def remove(statement)
        first = statement.first
        first -= 1 while first > 2 && @lines[first - 2].match?(/\A\s*#/)
        last = statement.last
        last += 1 if last < @lines.size && @lines[last].strip.empty? && @lines[first - 2].match?(/(?:\A|\b(?:then|do|else)|[{)])\s*\z/)
        @removals << Removal.new(Edit.delete(first, last), statement)
      end
    end
  end
end
