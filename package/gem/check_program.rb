# frozen_string_literal: true

# ruby check_program.rb FILE PROCESSOR: fails, in a sentence, where FILE is not a static program for
# that processor. A gem with the wrong one in it would show only in somebody's image.

path, processor = ARGV
machine = { "amd64" => 62, "arm64" => 183 }.fetch(processor)
INTERPRETER = 3

def die(sentence)
  warn "gem.sh: #{sentence}"
  exit 65
end

die("#{path} is not there; it should be the static binary for #{processor}") unless File.file?(path)
content = File.binread(path)
magic, bits, order = content.unpack("a4CC")
die("#{path} is no 64-bit ELF program") unless magic == "\x7FELF".b && bits == 2 && order == 1
die("#{path} is not for #{processor}") unless content.unpack1("@18S<") == machine

headers = content.unpack1("@32Q<")
size, count = content.unpack("@54S<S<")
if Array.new(count) { |index| content.unpack1("@#{headers + index * size}L<") }.include?(INTERPRETER)
  die("#{path} is not static: build it with package/build.sh")
end
