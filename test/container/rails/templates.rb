# Prints config/database.yml as `rails new -d DATABASE` of each installed Rails writes it, as JSON of
# "VERSION-DATABASE" and text: versions are arguments.
require "erb"
require "json"

# What the templates ask of their generator; everything is chosen as `rails new` does by default.
class Answers < BasicObject
  def initialize(skip) = @skip = skip
  def app_name = "shop"
  def mysql_socket = "/var/run/mysqld/mysqld.sock"
  def devcontainer? = false
  def database = self
  def socket = "/var/run/mysqld/mysqld.sock"
  def host = "localhost"
  def options = self
  def skip_solid? = @skip
  def skip_kamal? = @skip
  def skip_action_cable? = false
  def render(source) = ::ERB.new(source, trim_mode: "-").result(instance_eval { ::Kernel.binding })
  def instance_eval(&) = ::BasicObject.instance_method(:instance_eval).bind_call(self, &)
end

files = ARGV.flat_map do |version|
  directory = Gem::Specification.find_by_name("railties", version).gem_dir
  %w[postgresql mysql sqlite3].flat_map do |database|
    source = File.read("#{directory}/lib/rails/generators/rails/app/templates/config/databases/#{database}.yml.tt")
    short = version[/\A\d+\.\d+/]
    skips = source.include?("skip_solid?") && database == "postgresql" ? [false, true] : [false]
    skips.map do |skip|
      ["rails-#{short}-#{database}#{"-skip-solid" if skip}", Answers.new(skip).render(source)]
    end
  end
end
puts JSON.generate(files.to_h)
