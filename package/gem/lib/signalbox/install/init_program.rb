# frozen_string_literal: true

module Signalbox
  module Install
    # A small init in front of an ENTRYPOINT's words. Signalbox takes its place, so its options
    # become Signalbox's.
    module InitProgram
      NAMES = %w[tini tini-static dumb-init catatonit docker-init].freeze
      WITH_VALUE = %w[-e -p -r --rewrite].freeze

      # The words behind it, and settings. Without an init: the words as they are.
      def self.take_off(words)
        return [words, {}] unless NAMES.include?(File.basename(words.first.to_s))

        rest = words.drop(1)
        settings = {}
        while rest.first&.start_with?("-")
          option = rest.shift
          break if option == "--"

          option, value = option.split("=", 2)
          value ||= rest.shift if WITH_VALUE.include?(option)
          note(settings, option, value)
        end
        [rest, settings]
      end

      def self.note(settings, option, value)
        case option
        when "-g", "-sg", "-gs" then settings["SIGNALBOX_SIGNAL_GROUP"] = "1"
        when "-e" then join(settings, "SIGNALBOX_OK_EXIT", value)
        when "-r", "--rewrite" then join(settings, "SIGNALBOX_REWRITE", value)
        end
      end

      def self.join(settings, name, value)
        settings[name] = [settings[name], value].compact.join(";")
      end
      private_class_method :note, :join
    end
  end
end
