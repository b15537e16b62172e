# frozen_string_literal: true

require_relative "entrypoint_reader"

module Signalbox
  module Install
    # Decides what becomes of an entrypoint script, without touching anything:
    #   mode      :replaced   Signalbox can take its place
    #             :kept       it stays in front, changed by `edits`, and ends in exec signalbox
    #             :untouched  somebody has to decide first
    #   findings  what it does, part by part
    #   settings  SIGNALBOX_* variables
    #   notes     what a person should know
    class Entrypoint
      DEFAULT_STEP = %r{\A(?:bundle exec )?(?:\./)?(?:bin/)?(?:rails|rake) db:prepare\z}

      attr_reader :findings, :settings, :mode, :notes

      def initialize(text)
        @notes = []
        @settings = {}
        @reader = EntrypointReader.new(text)
        @findings = @reader.findings
        say_what_stands_in_the_way(text)
        @findings = findings.sort_by.with_index { |finding, index| [finding.first, index] }
        @mode = choose
        leave_in_the_script if mode == :kept
        choose_settings unless mode == :untouched || @reader.ends_in_signalbox?
      rescue ShellScript::Unreadable => e
        @findings = [Finding.new(1, text.lines.size, "the script", :yours, "it cannot be read (#{e.message})")]
        @mode = :untouched
      end

      def edits = mode == :kept ? @reader.changes + @reader.removals.map(&:edit) : []

      private

      def outcomes = findings.map(&:outcome)

      def say_what_stands_in_the_way(text)
        unless @reader.hands_over?
          @reader.yours(1, text.lines.size, "the script",
                        'nothing in it ends in exec "$@": end it in exec signalbox "$@"')
        end
        return unless outcomes.include?(:stays)

        # Whole lines are taken out.
        @reader.removals.map(&:statement).reject { |statement| @reader.alone?(statement) }.each do |statement|
          @reader.yours(statement.first, statement.last, @reader.short(statement), "it shares its line with something that stays")
        end
      end

      def choose
        if outcomes.include?(:yours) then :untouched
        elsif outcomes.include?(:stays) || @reader.ends_in_signalbox? then :kept
        else :replaced
        end
      end

      # A script that is kept is changed only where it must be.
      def leave_in_the_script
        findings.each do |finding|
          case finding.outcome
          when :nothing then finding.becomes += "; may be taken out"
          when :option then finding.becomes = "stays in the script" if finding.what == "jemalloc"
          end
        end
      end

      def choose_settings
        @settings = @reader.settings.dup
        settings.delete("SIGNALBOX_JEMALLOC") if mode == :kept
        steps = @reader.steps.map { |text| text.delete_prefix(@reader.wrapper.to_s) }
        settings["SIGNALBOX_STEPS"] = steps.join(" && ") unless steps.empty? || (steps.size == 1 && steps.first.match?(DEFAULT_STEP))
        if steps.empty?
          settings["SIGNALBOX_PREPARE"] = "never"
          notes << "the script prepares no database, so SIGNALBOX_PREPARE=never keeps Signalbox from it; " \
                   "take that out to let Signalbox do it"
        elsif @reader.prepares_always?
          notes << "the script prepared before every command; Signalbox does before a server, and with " \
                   "SIGNALBOX_PREPARE=any before others"
        end
      end
    end
  end
end
