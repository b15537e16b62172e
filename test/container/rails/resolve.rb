# What real Rails makes of the vectors: reads cases from standard input and prints one block each,
# in the form of test/vectors. Its one argument is what to do: `urls` or `configurations`.
#
# VERSION in RAILS_VERSION picks installed gems; without it the application's own are used.

if ENV["RAILS_VERSION"]
  gem "railties", "= #{ENV["RAILS_VERSION"]}"
  gem "activerecord", "= #{ENV["RAILS_VERSION"]}"
else
  require "bundler/setup"
end
require "json"
require "logger"
require "rails"
require "active_record"
require "active_record/database_configurations"

# libpq's own keywords where the driver is there, otherwise those that the vectors use.
KEYWORDS =
  begin
    require "pg"
    PG::Connection.conndefaults_hash.keys.map(&:to_s)
  rescue LoadError
    %w[application_name channel_binding client_encoding connect_timeout dbname gssencmode host hostaddr
       keepalives options passfile password port service sslcert sslkey sslmode sslrootcert
       target_session_attrs user]
  end

CREATION = %w[encoding template collation ctype locale locale_provider owner tablespace connection_limit]
POSTGRES = %w[postgresql postgis]

# The parameters as PostgreSQLAdapter#initialize forwards them.
def connection(hash)
  params = hash.compact
  params[:user] = params.delete(:username) if params[:username]
  params[:dbname] = params.delete(:database) if params[:database]
  params.select { |key, _| KEYWORDS.include?(key.to_s) }.transform_values(&:to_s).transform_keys(&:to_s)
end

def options(params)
  (params.keys - %w[host port user password dbname]).map { |key| "#{key}=#{params[key]}" }
end

def url_fields(url)
  hash = ActiveRecord::DatabaseConfigurations::ConnectionUrlResolver.new(url).to_hash
  params = connection(hash)
  adapter = hash[:adapter].to_s
  chosen = POSTGRES.include?(adapter) ? options(params) : ["adapter=#{adapter}"]
  [params["host"], params["port"], params["user"], params["password"],
   POSTGRES.include?(adapter) ? params["dbname"] : hash[:database], chosen.join(" ")].map(&:to_s)
rescue StandardError, LoadError => e
  ["!#{e.class}"]
end

def rows_of(config)
  hash = config.configuration_hash
  params = connection(hash)
  postgres = POSTGRES.include?(hash[:adapter].to_s)
  creation = CREATION.filter_map { |key| "#{key}=#{hash[key.to_sym]}" unless hash[key.to_sym].nil? }
  [config.name, hash[:adapter], hash[:host], hash[:port], hash[:username] || hash[:user],
   hash[:password], hash[:database] || hash[:dbname],
   hash[:schema_search_path] || hash[:schema_order], Array(hash[:migrations_paths]).join(","),
   postgres ? creation.join(" ") : "", postgres ? options(params).join(" ") : ""].map(&:to_s)
end

# One case: an application with that file, in an environment of its own.
def resolve(path, environment)
  configuration = Rails::Application::Configuration.new(Pathname.new("/nonexistent"))
  configuration.paths.add "config/database", with: path
  configuration.paths["config/database"].instance_variable_set(:@paths, [path])
  ActiveRecord::DatabaseConfigurations.new(configuration.database_configuration)
    .configs_for(env_name: environment).map { |config| rows_of(config) }
rescue Exception => e # rubocop:disable Lint/RescueException -- a syntax error is an answer
  root = e
  root = root.cause while root.cause
  [["!#{root.class}"]]
end

def with_environment(variables)
  before = ENV.to_h
  ENV.keys.grep(/DATABASE|DB_|_ENV\z|\APG|POSTGRES|HOST|PORT|USER|PASS|POOL|THREADS|_URL\z/).each { |name| ENV.delete(name) }
  variables.each { |name, value| ENV[name] = value }
  Rails.env = ENV["RAILS_ENV"] if ENV["RAILS_ENV"]
  yield
ensure
  ENV.replace(before)
end

case ARGV.fetch(0)
when "urls"
  puts JSON.generate(JSON.parse($stdin.read).map { |url| url_fields(url) })
when "configurations"
  answers = JSON.parse($stdin.read).map do |path, variables|
    with_environment(variables) { resolve(path, variables["RAILS_ENV"]) }
  end
  puts JSON.generate(answers)
end
