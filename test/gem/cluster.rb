# frozen_string_literal: true

require "English"
require "fileutils"
require "open3"
require "tmpdir"

# A PostgreSQL of its own, on a socket, for as long as the tests run.
class Cluster
  def self.start = @start ||= new

  def initialize
    @folder = Dir.mktmpdir
    FileUtils.chown("postgres", "postgres", @folder) if Process.uid.zero?
    binaries = Dir["/usr/lib/postgresql/*/bin"].max_by { |path| path[/\d+/].to_i }
    as_postgres("#{binaries}/initdb", "-D", "#{@folder}/data", "-A", "trust", "-U", "shop", "--no-sync")
    as_postgres("#{binaries}/pg_ctl", "-D", "#{@folder}/data", "-w", "-l", "#{@folder}/log", "-o", "-k #{@folder} -h '' -F", "start")
    Minitest.after_run do
      as_postgres("#{binaries}/pg_ctl", "-D", "#{@folder}/data", "-m", "immediate", "stop")
      FileUtils.rm_rf(@folder)
    end
  end

  def url(database) = "postgresql:///#{database}?host=#{@folder}"

  def query(database, sql)
    output, status = Open3.capture2e({ "PGUSER" => "shop" }, "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", sql, url(database))
    raise output unless status.success?
  end

  def create(database)
    query("postgres", "CREATE DATABASE #{database}")
    yield database
  end

  private

  def as_postgres(*command)
    user = Process.uid.zero? ? %w[setpriv --reuid=postgres --regid=postgres --clear-groups] : []
    output, status = Open3.capture2e(*user, *command, chdir: "/")
    raise "#{command.first}: #{output}" unless status.success?
  end
end
