# frozen_string_literal: true

module Signalbox
  module Install
    # Cuts a shell script into words, operators, redirections and newlines. Quotes and expansions
    # stay in their words as they are written; comments and here-documents are left out.
    class ShellLexer
      class Unreadable < StandardError; end

      # `from` and `to` are offsets in the text; `line` is where it begins.
      Token = Struct.new(:kind, :text, :line, :from, :to) do
        def last_line = line + text.chomp.count("\n")
      end

      OPERATORS = [";;&", "&&", "||", ";;", ";&", "|&", "|", "&", ";", "(", ")"].freeze
      REDIRECTION = /\G\d*(?:&>>|&>|<<<|<<-|<<|>>|<>|>&|<&|>\||>|<)/

      def self.tokens(text) = new(text).tokens

      def initialize(text)
        @text = text
        @tokens = []
        @documents = []
        @at = 0
        @line = 1
      end

      def tokens
        read_token while @at < @text.size
        @tokens
      end

      private

      def read_token
        case @text[@at]
        when "\n" then newline
        when " ", "\t", "\r" then @at += 1
        when "#" then @at = @text.index("\n", @at) || @text.size
        when "\\" then @text[@at + 1] == "\n" ? continue_line : add(:word, word_end(@at))
        else
          redirection = @text.match(REDIRECTION, @at)
          operator = OPERATORS.find { |one| @text[@at, one.size] == one }
          if redirection then redirect(redirection[0])
          elsif @text[@at, 2] == "((" then add(:word, closing(@at, "(", ")"))
          elsif operator then add(:operator, @at + operator.size)
          else add(:word, word_end(@at))
          end
        end
      end

      def add(kind, to, text = @text[@at...to])
        @tokens << Token.new(kind, text, @line, @at, to)
        @line += @text[@at...to].count("\n")
        @at = to
      end

      def newline
        add(:newline, @at + 1)
        skip_document(*@documents.shift) while @documents.any?
      end

      def continue_line
        @at += 2
        @line += 1
      end

      def redirect(operator)
        target = @at + operator.size
        target += 1 while [" ", "\t"].include?(@text[target])
        finish = word_end(target)
        @documents << [@text[target...finish].delete("\"'\\"), operator.end_with?("-")] if operator.match?(/\A\d*<<-?\z/)
        add(:redirection, finish, operator + @text[target...finish])
      end

      def skip_document(word, tabs)
        while @at < @text.size
          ending = @text.index("\n", @at) || @text.size
          content = @text[@at...ending]
          @at = [ending + 1, @text.size].min
          @line += 1
          return if (tabs ? content.sub(/\A\t+/, "") : content) == word
        end
        raise Unreadable, "the here-document #{word} does not end"
      end

      # The following look ahead: each takes an offset and gives the one behind what it read.

      def word_end(at)
        while at < @text.size
          case @text[at]
          when " ", "\t", "\r", "\n", ";", "&", "|", "<", ">", ")" then break
          when "(" then at = closing(at, "(", ")")
          when "\\" then at += 2
          when "'", "`" then at = find(at + 1, @text[at]) + 1
          when '"' then at = double_quoted(at)
          when "$" then at = expansion(at)
          else at += 1
          end
        end
        [at, @text.size].min
      end

      def find(at, character)
        @text.index(character, at) || unclosed(character)
      end

      def double_quoted(at)
        at += 1
        until @text[at] == '"'
          unclosed('"') if at >= @text.size
          at = case @text[at]
               when "\\" then at + 2
               when "$" then expansion(at)
               when "`" then find(at + 1, "`") + 1
               else at + 1
               end
        end
        at + 1
      end

      def expansion(at)
        case @text[at + 1]
        when "(" then closing(at + 1, "(", ")")
        when "{" then closing(at + 1, "{", "}")
        when "'" then find(at + 2, "'") + 1
        else at + 1
        end
      end

      # What an opening bracket began, quotes inside it respected.
      def closing(at, opening, closing)
        depth = 0
        loop do
          unclosed(opening) if at >= @text.size
          case @text[at]
          when opening then depth += 1
          when closing
            depth -= 1
            return at + 1 if depth.zero?
          when "\\" then at += 1
          when "'" then at = find(at + 1, "'") unless opening == "{"
          when '"' then at = double_quoted(at) - 1
          end
          at += 1
        end
      end

      def unclosed(character) = raise(Unreadable, "line #{@line}: a #{character} is not closed")
    end
  end
end
