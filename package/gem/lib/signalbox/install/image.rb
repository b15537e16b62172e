# frozen_string_literal: true

require_relative "dockerfile"
require_relative "edits"
require_relative "entrypoint"
require_relative "init_program"

module Signalbox
  module Install
    # Decides what a Dockerfile has to become: the program installed where the gems are, copied
    # into the final stage, and made the ENTRYPOINT. `read` gives the text of a file of the
    # repository, or nil.
    class Image
      PROGRAM = "/usr/local/bin/signalbox"
      COMMENT = "# Signalbox prepares the database, once for all replicas, and starts the command."
      SHORT_COMMENT = "# Signalbox starts the command."
      BUNDLE_INSTALL = /\bbundler?(?:\s+_\S+_)?(?:\s+(?:install|i|update)\b|\s*(?:\z|&&|;|\|\|))/
      # Comments that Rails and others put above what is replaced, and that are then no longer true.
      OLD_COMMENT = /entry ?point.*prepares? the database|prepares? the database/i

      # problems: what a person has to do by hand. notes: what a person should know.
      attr_reader :edits, :problems, :notes, :script, :script_path

      def initialize(text, database: true, &read)
        @file = Dockerfile.new(text)
        @read = read
        @database = database
        @edits = []
        @problems = []
        @notes = []
        @settings = {}
        decide
      end

      def done? = problems.empty? && edits.empty? && (script.nil? || script.edits.empty?)

      private

      def decide
        return @problems << "there is no FROM in it" if @file.final.nil?

        decide_entrypoint
        return if @entrypoint == :unknown

        program = program_lines
        return if program.nil?

        place(program + setting_lines)
        note_command
      end

      # Where the gems are, nearest to the final stage first.
      def gems
        @gems ||= [*@file.lineage(@file.final), *@file.sources(@file.final)].uniq.each do |stage|
          run = stage.all("RUN").select { |instruction| instruction.arguments.match?(BUNDLE_INSTALL) }.last
          return @gems = [stage, run] if run
        end && nil
      end

      # The lines that bring the program into the final stage; nil where that is not clear.
      def program_lines
        family = @file.lineage(@file.final)
        return [] if family.any? { |stage| brings_program?(stage) }

        installed = @file.stages.find { |stage| stage.all("RUN").any? { |run| run.arguments.include?("signalbox-install") } }
        return [copy(installed, installed_path(installed))] if installed

        stage, run = gems
        if stage.nil?
          @problems << "no stage runs bundle install. After the line that installs the gems: " \
                       "RUN bundle exec signalbox-install #{PROGRAM}"
          return
        end

        path = root_at?(stage, run.first) ? PROGRAM : "/tmp/signalbox"
        if family.include?(stage)
          return install_as_root(stage, run) if path != PROGRAM

          install(stage, run, path)
          []
        else
          install(stage, run, path)
          [copy(stage, path)]
        end
      end

      def brings_program?(stage)
        stage.all("RUN").any? { |run| run.arguments.match?(/signalbox-install\b.*#{PROGRAM}/) } ||
          stage.all("COPY").any? { |copy| copy.operands.match?(%r{(?:/|\s)signalbox\s*\z}) || copy.operands.match?(%r{/signalbox\s+/usr/local/bin/?\s*\z}) }
      end

      def installed_path(stage)
        run = stage.all("RUN").reverse.find { |instruction| instruction.arguments.include?("signalbox-install") }
        run.arguments[/signalbox-install(?:\s+--\S+)*\s+(\S+)/, 1] || PROGRAM
      end

      def copy(stage, path) = "COPY --from=#{stage.reference} #{path} #{PROGRAM}"

      def install(stage, run, path)
        @edits << Edit.insert_after(run.last, ["", "# Signalbox, for this image's processor", *install_lines(stage, run, path)])
      end

      def install_as_root(stage, run)
        @problems << "line #{run.first} runs bundle install as #{user_at(stage, run.first)}, who may not write " \
                     "#{PROGRAM}. Before the USER: RUN bundle exec signalbox-install #{PROGRAM}"
        nil
      end

      # The same mounts and folder as where the gems were installed. A stage that runs on the
      # builder's own processor is told for which one it builds.
      def install_lines(stage, run, path)
        mounts = run.flags.select { |flag| flag.start_with?("--mount=") && !flag.match?(/type=(?:secret|ssh)/) }
        folder = run.operands[/\A(cd\s+\S+\s*&&\s*)/, 1]
        foreign = @file.lineage(stage).any? { |member| member.from.flags.any? { |flag| flag.include?("BUILDPLATFORM") } }
        command = ["bundle exec signalbox-install", ("--arch=$TARGETARCH" if foreign), path].compact.join(" ")
        [("ARG TARGETARCH" if foreign), ["RUN", *mounts, "#{folder}#{command}"].join(" ")].compact
      end

      def user_at(stage, line)
        own = stage.before(line, "USER").last
        return own.operands.strip if own

        parent = @file.lineage(stage)[1]
        parent && @file.effective(parent, "USER")&.first&.operands&.strip
      end

      def root_at?(stage, line) = [nil, "root", "0"].include?(user_at(stage, line)&.split(":")&.first)

      # The ENTRYPOINT: what it is now, and what it becomes (nil: it stays).

      def decide_entrypoint
        @old, @old_stage = @file.effective(@file.final, "ENTRYPOINT")
        return none if @old.nil? || @old.operands.strip == "[]"

        words = @old.exec_form
        return unknown("line #{@old.first}: ENTRYPOINT in its shell form runs /bin/sh and ignores CMD. Write it as a list first") if words.nil?

        rest, @settings = InitProgram.take_off(words)
        first = rest.find { |word| !word.match?(%r{\A(?:/usr)?(?:/bin/)?(?:env|sh|bash|ash|dash)\z}) && !word.start_with?("-") }
        return none if rest.empty?
        return if File.basename(first.to_s) == "signalbox"

        path = first && repository_path(first)
        text = path && @read.call(path)
        if text.nil?
          return @entrypoint = [PROGRAM, *rest] if %w[bundle rails rake].include?(File.basename(first.to_s))

          return unknown("line #{@old.first}: #{first || rest.join(" ")} is not in this repository. Where it ends in " \
                         "exec \"$@\", end it in exec signalbox \"$@\"")
        end
        decide_script(path, text, words, rest)
      end

      def none
        @entrypoint = [PROGRAM]
        @settings["SIGNALBOX_PREPARE"] = "never" unless @database
        @notes << "nothing prepared the database so far; Signalbox will, before a server. " \
                  "ENV SIGNALBOX_PREPARE=never keeps it from that" if @database
      end

      def unknown(problem)
        @problems << problem
        @entrypoint = :unknown
      end

      def decide_script(path, text, words, rest)
        @script_path = path
        unless text.start_with?("#!") ? text.lines.first.match?(/\b(?:ba|da|a|z)?sh\b/) : true
          return unknown("#{path} is no shell script: let it end by replacing itself with signalbox and its arguments")
        end

        @script = Entrypoint.new(text)
        @settings = @script.settings.merge(@settings)
        case @script.mode
        when :replaced
          @entrypoint = [PROGRAM]
          @notes << "#{path} is no longer called and may be deleted"
        when :kept then @entrypoint = rest unless rest == words
        when :untouched then unknown("#{path}: decide what is marked above; then run this again")
        end
        @notes.concat(@script.notes)
      end

      # Where a program of the image comes from: a file below WORKDIR, or one that was copied.
      def repository_path(program)
        folder = @file.effective(@file.final, "WORKDIR")&.first&.operands&.strip&.chomp("/")
        inside = program.delete_prefix("#{folder}/") if folder && program.start_with?("#{folder}/")
        relative = program.delete_prefix("./") unless program.start_with?("/")
        name = File.basename(program)
        copied = @file.lineage(@file.final).flat_map { |stage| stage.all("COPY") + stage.all("ADD") }.flat_map do |instruction|
          instruction.words.reject { |word| word.start_with?("--") }[0...-1].to_a.map { |source| source.delete_prefix("./").delete_prefix("/") }
        end
        [inside, relative, *copied.select { |source| File.basename(source) == name }, "bin/#{name}", "docker/#{name}", name]
          .compact.find { |candidate| @read.call(candidate) }
      end

      # Writing.

      def setting_lines
        return [] if @settings.empty?

        pairs = @settings.map { |name, value| "#{name}=\"#{value.gsub(/[\\"$]/) { |character| "\\#{character}" }}\"" }
        ["ENV #{pairs.join(" \\\n    ")}"].flat_map(&:lines).map(&:chomp)
      end

      def place(lines)
        lines += ["ENTRYPOINT #{@entrypoint.to_json.gsub(",", ", ")}"] if @entrypoint
        return if lines.empty?

        if @old && @old_stage == @file.final
          first = @old.first
          first -= 1 while @entrypoint && first > 1 && @file.lines[first - 2].match?(/\A\s*#/) && @file.lines[first - 2].match?(OLD_COMMENT)
          @edits << (@entrypoint ? Edit.new(first, @old.last, [comment, *lines]) : Edit.insert_before(above_comment(@old.first), [comment, *lines, ""]))
        else
          place_at_end(lines)
        end
      end

      def comment = @settings["SIGNALBOX_PREPARE"] == "never" ? SHORT_COMMENT : COMMENT

      # An ENTRYPOINT empties the CMD that a stage has inherited, so that is said again.
      def place_at_end(lines)
        own = @file.final.last("CMD")
        inherited, = @file.effective(@file.final, "CMD") unless own
        lines += ["CMD #{inherited.arguments}"] if inherited && @entrypoint
        if own
          @edits << Edit.insert_before(above_comment(own.first), [comment, *lines, ""])
        else
          last = @file.final.instructions.last || @file.final.from
          @edits << Edit.insert_after(last.last, ["", comment, *lines])
        end
      end

      def above_comment(line)
        line -= 1 while line > 1 && @file.lines[line - 2].match?(/\A\s*#/)
        line
      end

      def note_command
        command, = @file.effective(@file.final, "CMD")
        return @notes << "there is no CMD: Signalbox ends with 64 where no command is given" if command.nil?

        words = command.exec_form
        return if words.nil? || @settings["SIGNALBOX_SERVER"] || words.first == "/bin/sh"

        known = ShellCommand.of(words).launched
        @notes << "CMD: if #{words.first} starts your server, say so with ENV SIGNALBOX_SERVER=#{words.first}" unless known
      end
    end
  end
end
