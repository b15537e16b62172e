# frozen_string_literal: true

require_relative "shell_lexer"

module Signalbox
  module Install
    # A shell script as a tree of commands, as far as is needed to say what an entrypoint does. It
    # runs nothing and expands nothing: a word is its own text.
    class ShellScript
      Unreadable = ShellLexer::Unreadable

      # redirections: texts such as "2>/dev/null".
      Simple = Struct.new(:words, :redirections, :first, :last)
      # kind: :if, :while, :until, :for, :case, :function, :group. branches: [condition, body] each,
      # where a condition is a list of statements (if, while, until), or the text of the patterns
      # (case), or nil. head: the word of a case, the name of a function, the words of a for.
      Compound = Struct.new(:kind, :head, :branches, :first, :last)
      # An and-or list: commands with the operators between them, and whether & ended it.
      Statement = Struct.new(:commands, :operators, :background, :first, :last, :text)

      CLOSERS = %w[then elif else fi do done esac } ;; ;& ;;& )].freeze

      def self.parse(text) = new(text).parse

      # Every simple command below a node, functions' bodies included.
      def self.simple_commands(node)
        case node
        when Simple then [node]
        when Statement then node.commands.flat_map { |command| simple_commands(command) }
        when Compound
          node.branches.flatten.grep_v(String).compact.flat_map { |part| simple_commands(part) }
        when Array then node.flat_map { |part| simple_commands(part) }
        else []
        end
      end

      def initialize(text)
        @text = text
        @tokens = ShellLexer.tokens(text)
        @at = 0
      end

      def parse
        result = statements
        fail_at(peek) if peek
        result
      end

      private

      def peek = @tokens[@at]

      def take
        token = peek
        @at += 1
        token
      end

      def fail_at(token)
        raise Unreadable, token ? "line #{token.line}: cannot read \"#{token.text.strip}\" here" : "it ends too early"
      end

      def expect(text)
        skip_newlines
        fail_at(peek) unless peek&.text == text
        take
      end

      def skip_newlines
        take while peek&.kind == :newline || (peek&.kind == :operator && peek.text == ";")
      end

      def statements
        result = []
        loop do
          skip_newlines
          return result if peek.nil? || CLOSERS.include?(peek.text)

          result << statement
        end
      end

      def statement
        from = peek
        commands = [command]
        operators = []
        while peek&.kind == :operator && ["&&", "||", "|", "|&"].include?(peek.text)
          operators << take.text
          take while peek&.kind == :newline
          commands << command
        end
        ending = @tokens[@at - 1]
        background = peek&.kind == :operator && peek.text == "&"
        take if background
        Statement.new(commands, operators, background, from.line, ending.last_line, @text[from.from...ending.to])
      end

      def command
        fail_at(peek) if peek.nil?
        return compound if peek.kind == :operator && peek.text == "("

        case peek.text
        when "!"
          take
          command
        when "if", "while", "until", "for", "case", "{", "function" then compound
        else
          function? ? function(take.text) : simple
        end
      end

      def function?
        following = @tokens[@at + 1]
        peek.kind == :word && (peek.text.end_with?("()") ||
          (following&.text == "(" && @tokens[@at + 2]&.text == ")"))
      end

      def simple
        from = peek
        words = []
        redirections = []
        while peek && %i[word redirection].include?(peek.kind)
          token = take
          (token.kind == :word ? words : redirections) << token.text
        end
        fail_at(peek) if words.empty? && redirections.empty?
        Simple.new(words, redirections, from.line, @tokens[@at - 1].last_line)
      end

      def compound
        token = take
        node = case token.text
               when "if" then conditional(token)
               when "while", "until" then loop_of(token)
               when "for" then for_loop(token)
               when "case" then case_of(token)
               when "{" then group(token, "}")
               when "(" then group(token, ")")
               when "function" then function(take.text)
               end
        node.last = @tokens[@at - 1].line
        take while peek&.kind == :redirection
        node
      end

      def conditional(token)
        branches = []
        loop do
          condition = statements
          expect("then")
          branches << [condition, statements]
          skip_newlines
          break unless peek&.text == "elif"

          take
        end
        if peek&.text == "else"
          take
          branches << [nil, statements]
        end
        expect("fi")
        Compound.new(:if, nil, branches, token.line)
      end

      def loop_of(token)
        condition = statements
        expect("do")
        body = statements
        expect("done")
        Compound.new(token.text.to_sym, nil, [[condition, body]], token.line)
      end

      def for_loop(token)
        head = []
        head << take.text while peek && peek.text != "do" && peek.kind == :word
        expect("do")
        body = statements
        expect("done")
        Compound.new(:for, head.join(" "), [[nil, body]], token.line)
      end

      def case_of(token)
        head = take.text
        expect("in")
        branches = []
        loop do
          skip_newlines
          break if peek.nil? || peek.text == "esac"

          take if peek.text == "("
          pattern = +""
          pattern << take.text while peek && peek.text != ")"
          expect(")")
          branches << [pattern, statements]
          take if peek && [";;", ";&", ";;&"].include?(peek.text)
        end
        expect("esac")
        Compound.new(:case, head, branches, token.line)
      end

      def group(token, closer)
        body = statements
        expect(closer)
        Compound.new(:group, nil, [[nil, body]], token.line)
      end

      def function(name)
        from = @tokens[@at - 1]
        take while peek&.kind == :operator && ["(", ")"].include?(peek.text)
        take while peek&.kind == :newline
        body = command
        Compound.new(:function, name.delete_suffix("()"), [[nil, [body]]], from.line, @tokens[@at - 1].line)
      end
    end
  end
end
