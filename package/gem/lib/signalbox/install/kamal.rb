# frozen_string_literal: true

require "yaml"
require_relative "shell_command"

module Signalbox
  module Install
    # Reads config/deploy.yml and says what to set in it. It never writes it: the numbers are the
    # application's own.
    class Kamal
      attr_reader :proposals

      def initialize(text)
        @proposals = []
        # The ERB in it is for Kamal to run; names and keys are all that is asked for here.
        @file = YAML.safe_load(text.gsub(/<%=.*?%>/m, "erb").gsub(/<%.*?%>/m, ""), aliases: true)
        propose if @file.is_a?(Hash)
      rescue Psych::Exception => e
        @proposals = ["it cannot be read: #{e.message.lines.first.strip}"]
      end

      private

      def propose
        unless @file.key?("deploy_timeout")
          @proposals << "deploy_timeout: 300   # seconds; Kamal ends a container that is not healthy after 30, " \
                        "and the longest migration with it"
        end
        workers = roles.select { |_, role| worker?(role["cmd"]) }
        if workers.any? && !@file.key?("stop_timeout") && workers.none? { |_, role| role.key?("stop_timeout") }
          @proposals << "stop_timeout: 40      # seconds from TERM to KILL; longer than your workers take to finish their jobs"
        end
        workers.each do |name, role|
          next if variables(role).key?("SIGNALBOX_PREPARE") || variables(@file).key?("SIGNALBOX_PREPARE")

          @proposals << "servers: #{name}: env: clear: SIGNALBOX_PREPARE: wait   # #{role["cmd"]} starts when a server " \
                        "has prepared the database, and not on an old schema"
        end
      end

      def roles
        servers = @file["servers"]
        servers.is_a?(Hash) ? servers.select { |_, role| role.is_a?(Hash) } : {}
      end

      def variables(section)
        env = section["env"]
        return {} unless env.is_a?(Hash)

        env["clear"].is_a?(Hash) ? env["clear"] : env
      end

      def worker?(command)
        ShellCommand.of(command.to_s.split).worker?
      end
    end
  end
end
