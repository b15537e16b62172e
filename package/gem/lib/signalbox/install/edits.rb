# frozen_string_literal: true

module Signalbox
  module Install
    # Replace the lines FIRST to LAST (from 1) by others; with last = first - 1 it inserts before
    # FIRST.
    Edit = Struct.new(:first, :last, :lines) do
      def self.insert_after(line, lines) = new(line + 1, line, lines)
      def self.insert_before(line, lines) = new(line, line - 1, lines)
      def self.delete(first, last) = new(first, last, [])
    end

    # Edits of one text: what it becomes, and how that reads as a difference.
    class Edits
      CONTEXT = 3

      def initialize(text, edits)
        @lines = text.lines(chomp: true)
        @newline = text.include?("\r\n") ? "\r\n" : "\n"
        @edits = edits.sort_by.with_index { |edit, index| [edit.first, edit.last, index] }
      end

      def apply
        result = []
        at = 1
        @edits.each do |edit|
          result.concat(@lines[(at - 1)...(edit.first - 1)], edit.lines)
          at = edit.last + 1
        end
        result.concat(@lines[(at - 1)..] || []).map { |line| line + @newline }.join
      end

      # Rows of a unified difference: a sign (" ", "-", "+" or "@") and a line.
      def difference
        hunks.flat_map { |hunk| ["@", "@@ line #{hunk.first.first} @@"].then { |head| [head, *rows_of(hunk)] } }
      end

      private

      # Edits whose context would overlap are shown together.
      def hunks
        @edits.slice_when { |one, other| other.first - one.last > 2 * CONTEXT }
      end

      def rows_of(hunk)
        at = [hunk.first.first - CONTEXT, 1].max
        rows = []
        hunk.each do |edit|
          rows.concat(same(at, edit.first - 1))
          rows.concat(@lines[(edit.first - 1)..(edit.last - 1)].map { |line| ["-", line] }) if edit.last >= edit.first
          rows.concat(edit.lines.map { |line| ["+", line] })
          at = edit.last + 1
        end
        rows.concat(same(at, [at + CONTEXT - 1, @lines.size].min))
      end

      def same(first, last)
        first > last ? [] : @lines[(first - 1)..(last - 1)].map { |line| [" ", line] }
      end
    end
  end
end
