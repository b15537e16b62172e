# frozen_string_literal: true

require "rails/generators/base"
require_relative "../../../signalbox/install/plan"

module Signalbox
  module Generators
    # Shows what Signalbox::Install::Plan has decided, and writes what is agreed to.
    class InstallGenerator < ::Rails::Generators::Base
      desc "Makes Signalbox the ENTRYPOINT of a Rails application's Dockerfile: shows the difference and asks " \
           "(--force, --skip and --pretend as for every generator). Run it again at any time."

      class_option :dockerfile, type: :string, default: "Dockerfile", desc: "The Dockerfile, from the application's root"

      SIGNS = { "+" => :green, "-" => :red, "@" => :cyan, " " => nil }.freeze
      BECOMES = { nothing: "not needed", option: "an option", step: "a step", stays: "stays", yours: "yours" }.freeze

      def say_what_the_entrypoint_does
        return if plan.findings.empty?

        say "#{plan.script_path} does this, and under Signalbox it becomes:"
        plan.findings.each do |finding|
          say_status BECOMES.fetch(finding.outcome), "line #{finding.first}: #{finding.what}",
                     finding.outcome == :yours ? :red : :blue
          say "#{" " * 14}#{finding.becomes}"
        end
        say ""
      end

      def change_files
        plan.changes.each do |change|
          say change.path, :bold
          change.difference.each { |sign, line| say(sign == "@" ? line : "#{sign}#{line}", SIGNS.fetch(sign), true) }
          create_file change.path, change.text
        end
      end

      def say_what_is_left
        plan.problems.each { |problem| say_status "by hand", problem, :red }
        if plan.changes.empty? && plan.problems.empty?
          say_status "identical", "#{options[:dockerfile]}: Signalbox is its ENTRYPOINT", :blue
        else
          plan.notes.each { |note| say_status "note", note, :yellow }
        end
        propose
      end

      private

      def plan
        @plan ||= Signalbox::Install::Plan.new(options[:dockerfile]) do |path|
          file = File.expand_path(path, destination_root)
          File.read(file, encoding: "UTF-8") if File.file?(file)
        end
      end

      def propose
        return if plan.proposals.empty?

        say "\n#{Signalbox::Install::Plan::DEPLOY}, to think about; nothing is written there:"
        plan.proposals.each { |proposal| say "  #{proposal}" }
      end
    end
  end
end
