# frozen_string_literal: true

require "json"
require "shellwords"

module Signalbox
  module Install
    # A Dockerfile as its instructions and stages, with the lines that each stands on. It reads;
    # what is to be changed is decided elsewhere.
    class Dockerfile
      Instruction = Struct.new(:name, :arguments, :first, :last) do
        def flags = arguments[/\A(?:--\S+\s+)*/].split

        def operands = arguments.sub(/\A(?:--\S+\s+)*/, "")

        # The words of the exec form, or nil where it is the shell form.
        def exec_form
          words = JSON.parse(operands)
          words if words.is_a?(Array) && words.all?(String)
        rescue JSON::ParserError
          nil
        end

        def words
          exec_form || Shellwords.split(operands)
        rescue ArgumentError
          operands.split
        end
      end

      Stage = Struct.new(:index, :name, :base, :from, :instructions) do
        # How COPY --from= names it.
        def reference = name || index.to_s

        def all(name) = instructions.select { |instruction| instruction.name == name }

        def last(name) = all(name).last

        # The instructions that are in force at a line.
        def before(line, name) = all(name).select { |instruction| instruction.last < line }
      end

      attr_reader :stages, :lines

      def initialize(text)
        @lines = text.lines(chomp: true)
        @stages = to_stages(read)
      end

      def final = stages.last

      def stage(reference)
        stages.reverse.find { |stage| stage.name&.casecmp?(reference) } ||
          (stages[reference.to_i] if reference.match?(/\A\d+\z/))
      end

      # A stage and those of this file that it was begun from, nearest first.
      def lineage(stage)
        line = []
        while stage && !line.include?(stage)
          line << stage
          stage = stages[0...stage.index].reverse.find { |earlier| earlier.name&.casecmp?(stage.base) }
        end
        line
      end

      # The stages that a stage copies from, and those that these copy from.
      def sources(stage, seen = [])
        lineage(stage).flat_map { |member| member.all("COPY") + member.all("RUN") }.each do |instruction|
          instruction.arguments.scan(/(?:--|,)from=([^\s,]+)/).flatten.each do |reference|
            source = stage(reference)
            next if source.nil? || seen.include?(source)

            seen << source
            sources(source, seen)
          end
        end
        seen
      end

      # The last one of that name that holds in a stage, its own or inherited, with its stage.
      def effective(stage, name)
        lineage(stage).each do |member|
          instruction = member.last(name)
          return [instruction, member] if instruction
        end
        nil
      end

      private

      def read
        escape = lines.take_while { |line| line.match?(/\A#\s*\w+\s*=/) }
                      .filter_map { |line| line[/\A#\s*escape\s*=\s*(\S)/i, 1] }.first || "\\"
        instructions = []
        at = 0
        while at < lines.size
          if lines[at].match?(/\A\s*(?:#|\z)/)
            at += 1
            next
          end
          last, text = logical_line(at, escape)
          name, arguments = text.strip.split(/\s+/, 2)
          before = last
          last = skip_here_documents(text, last)
          arguments = [arguments, *lines[(before + 1)..last]].join("\n")
          instructions << Instruction.new(name.upcase, arguments, at + 1, last + 1)
          at = last + 1
        end
        instructions
      end

      # Comments and empty lines inside a continued instruction belong to nothing.
      def logical_line(at, escape)
        text = +""
        loop do
          line = lines[at]
          unless line.match?(/\A\s*#/) || (line.strip.empty? && !text.empty?)
            continued = line.rstrip.end_with?(escape)
            text << (continued ? line.rstrip.delete_suffix(escape) : line)
            return [at, text] unless continued
          end
          return [at, text] if at + 1 >= lines.size

          at += 1
        end
      end

      def skip_here_documents(text, last)
        return last unless text.match?(/\A\s*(?:RUN|COPY|ADD)\s/i)

        text.scan(/<<-?\s*(["']?)([A-Za-z_]\w*)\1/).each do |_, word|
          ending = ((last + 1)...lines.size).find { |index| lines[index].strip == word }
          last = ending if ending
        end
        last
      end

      def to_stages(instructions)
        stages = []
        instructions.each do |instruction|
          if instruction.name == "FROM"
            base, name = instruction.operands.match(/\A(\S+)(?:\s+as\s+(\S+))?/i)&.captures
            stages << Stage.new(stages.size, name, base.to_s, instruction, [])
          elsif stages.any?
            stages.last.instructions << instruction
          end
        end
        stages
      end
    end
  end
end
