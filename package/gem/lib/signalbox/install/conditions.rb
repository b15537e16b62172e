# frozen_string_literal: true

module Signalbox
  module Install
    # The part of EntrypointReader that is about conditions: on the command that the container was
    # given, and on variables.
    module Conditions
      SERVER_WORD = /\b(?:rails|puma|unicorn|thrust|thruster|falcon|pitchfork|passenger|rackup|iodine|server)\b/
      WORKER_WORD = /\b(?:jobs|sidekiq|worker|good_job|solid_queue)\b/

      MIGRATING = /\bdb:(?:prepare|migrate)\b/

      private

      def mentions_positional?(text)
        text.match?(EntrypointReader::POSITIONAL) || @aliases.any? { |name| text.match?(/\$\{?#{name}\b/) }
      end

      def guard?(statement) = !positional_condition(statement).nil?

      # The text that asks which command was given, where a statement does.
      def positional_condition(statement)
        first = statement.commands.first
        text = if first.is_a?(ShellScript::Compound)
                 case first.kind
                 when :if then first.branches.map { |condition, _| condition.to_a.map(&:text).join("\n") }.join("\n")
                 when :case then ([first.head] + first.branches.map(&:first)).join(" ")
                 end
               elsif statement.operators.any? && simple(first).all?(&:test?)
                 # [ "$1" = server ] && rails db:prepare
                 statement.commands.select { |command| simple(command).all?(&:test?) }.map { |command| command.words.join(" ") }.join(" ")
               end
        text if text && mentions_positional?(text)
      end

      def guard(statement, tail)
        asked = positional_condition(statement)
        return if asked.nil?

        verdicts = cases_of(statement, asked).map do |condition, body|
          before = @steps.size
          verdict = guarded { visit_all(body, tail: tail, nested: true) }
          for_whom(statement, condition) if @steps.size > before && simple(body).none?(&:server?)
          verdict
        end
        close_guard(statement, verdicts)
      end

      def guarded
        @guards += 1
        yield
      ensure
        @guards -= 1
      end

      # What is asked, and what is done then, case by case.
      def cases_of(statement, asked)
        compound = statement.commands.first
        return [[asked, statement_tail(statement)]] unless compound.is_a?(ShellScript::Compound)

        compound.branches.map do |condition, body|
          text = condition.is_a?(Array) ? condition.map(&:text).join("\n") : [compound.head, condition].compact.join(" = ")
          [text, body]
        end
      end

      # The commands of `test && command` without its tests.
      def statement_tail(statement)
        statement.commands.reject { |command| simple(command).all?(&:test?) }.map do |command|
          ShellScript::Statement.new([command], [], false, command.first, command.last, text_of(command))
        end
      end

      def text_of(command)
        command.is_a?(ShellScript::Simple) ? [*command.words, *command.redirections].join(" ") : @lines[(command.first - 1)..(command.last - 1)].join("\n")
      end

      def for_whom(statement, asked)
        return if asked.match?(SERVER_WORD)

        command = asked[/\$\{?1\b[^=]*=+\s*["']?([\w.\/-]+)["']?\s*(?:\]|\z)/, 1]
        if asked.match?(WORKER_WORD) || command.nil?
          yours(statement.first, statement.last, "a condition on the command",
                "it prepares for a command that is no server: #{asked.lines.first.strip}")
        else
          settings["SIGNALBOX_SERVER"] = command
          found(statement, "a condition on the command", :option, "SIGNALBOX_SERVER=#{command}")
        end
      end

      def close_guard(statement, bodies)
        verdicts = bodies.flatten(1).map(&:last)
        return :silent if verdicts.all?(:silent)

        if verdicts.none?(:stays)
          @removals.reject! { |removal| removal.statement.first >= statement.first && removal.statement.last <= statement.last }
          remove(statement)
          return :gone
        end

        bodies.each do |body|
          next unless body.any? && body.all? { |_, verdict| verdict == :gone }

          last = body.last.first
          @changes << Edit.insert_before(last.first, ["#{indentation(last.first)}:"])
        end
        :stays
      end

      # if [ "$MIGRATE" = true ]; then …steps…; fi: whether to prepare is decided by a variable.
      def condition(statement)
        asked, operator, body = asked_and_done(statement)
        return if asked.nil? || mentions_positional?(asked)

        before = [findings.size, @steps.dup, @removals.dup]
        verdicts = visit_all(body, tail: false, nested: true).map(&:last)
        more = @steps.drop(before[1].size)
        if more.empty? || verdicts.include?(:stays)
          rewind(*before)
          return
        end
        return seldom(statement, before) if more.none? { |step| step.match?(MIGRATING) }

        @removals = before.last
        line = "#{asked} #{operator} export SIGNALBOX_PREPARE=\"${SIGNALBOX_PREPARE:-never}\""
        found(statement, "a condition on a variable", :stays, "as `#{line}`")
        @changes << Edit.new(statement.first, statement.last, [indentation(statement.first) + line])
        :stays
      end

      # A condition for something beside the migrations: a step that asks for itself.
      def seldom(statement, before)
        rewind(*before)
        add_steps(statement, [by_shell(statement)])
      end

      def rewind(findings_before, steps_before, removals)
        @findings = findings.take(findings_before)
        @steps = steps_before
        @removals = removals
      end

      # The condition's text, the operator behind which a command runs where nothing is done, and
      # what is done otherwise.
      def asked_and_done(statement)
        first = statement.commands.first
        if first.is_a?(ShellScript::Compound) && first.kind == :if
          (condition, body), (other, other_body), *rest = first.branches
          return if rest.any? || other

          asked = condition.map(&:text).join("; ").gsub(/\\\n\s*/, "")
          return [asked, "||", body] if simple(other_body.to_a).all?(&:silent?)

          [asked, "&&", other_body] if simple(body).all?(&:silent?)
        elsif statement.operators.uniq.size == 1 && simple(first).all?(&:test?)
          tests = statement.commands.take_while { |command| simple(command).all?(&:test?) }
          return if tests.size == statement.commands.size

          operator = statement.operators.first
          [tests.map { |command| command.words.join(" ") }.join(" #{operator} "), operator == "&&" ? "||" : "&&", statement_tail(statement)]
        end
      end
    end
  end
end
