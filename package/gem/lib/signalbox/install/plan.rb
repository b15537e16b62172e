# frozen_string_literal: true

require_relative "edits"
require_relative "image"
require_relative "kamal"

module Signalbox
  module Install
    # All that is to be done to one application, decided from the texts of its files. `read` gives
    # the text of a file, or nil.
    class Plan
      DEPLOY = "config/deploy.yml"

      # One file: what it becomes, and the rows of the difference.
      Change = Struct.new(:path, :text, :difference)

      attr_reader :changes, :problems, :notes, :findings, :script_path, :proposals

      def initialize(dockerfile, &read)
        @changes = []
        @findings = []
        @notes = []
        @problems = []
        @proposals = read.call(DEPLOY).then { |deploy| deploy ? Kamal.new(deploy).proposals : [] }
        text = read.call(dockerfile)
        text ? plan(dockerfile, text, read) : @problems << "there is no #{dockerfile}"
      end

      private

      def plan(dockerfile, text, read)
        image = Image.new(text, database: !read.call("config/database.yml").nil?, &read)
        @problems = image.problems
        @notes = image.notes if image.problems.empty?
        @script_path = image.script_path
        @findings = image.script ? image.script.findings : []
        # The script must not hand over to a program that the image has not got.
        return if problems.any?

        change(dockerfile, text, image.edits)
        change(script_path, read.call(script_path), image.script.edits) if image.script
      end

      def change(path, text, edits)
        return if edits.empty?

        edits = Edits.new(text, edits)
        @changes << Change.new(path, edits.apply, edits.difference)
      end
    end
  end
end
