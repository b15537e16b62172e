"""An application with several databases, and what stands for Rails in it."""

import json

VERSIONS = {"db/migrate": ["20261101000000", "20261102000000"],
            "db/queue_migrate": ["20261101000000"]}

# Stands for Rails with several databases: `db:prepare` creates each, and gives
# it its tables and its versions; `db:migrate` gives only the versions.
RAILS = r"""#!/bin/sh
set -eu
export PGOPTIONS="${PGOPTIONS-} -c client_min_messages=warning"
sql() { psql -X -q -t -A -v ON_ERROR_STOP=1 -d "$@"; }
# Until it is killed in the middle, as CUT says.
prepare() {
  things="CREATE TABLE IF NOT EXISTS ${role}_things (id int)"
  rest=; [ "${CUT-}" != "$role" ] || rest='SELECT'
  migrate $rest 2>/dev/null || { sql "$maintenance" -c "CREATE DATABASE $quoted"; migrate $rest; }
  [ -z "$rest" ] || kill -s KILL $$
}
migrate() {
  rows="('0')"
  for file in "$path"/*.rb; do
    version=${file##*/}
    [ ! -e "$file" ] || rows="$rows, ('${version%%_*}')"
  done
  sql "$url" <<SQL
    SET search_path TO $search;
    ${things-};
    ${1-CREATE TABLE IF NOT EXISTS schema_migrations (version varchar PRIMARY KEY);
    INSERT INTO schema_migrations VALUES $rows ON CONFLICT DO NOTHING}
SQL
}
each() {
  while IFS='|' read -r role url maintenance quoted path search; do "$1"; done \
    <"$BYPRODUCTS/databases"
}
case ${1-} in
  db:prepare) echo "$1" >>"$BYPRODUCTS/steps"; each prepare ;;
  db:migrate) echo "$1" >>"$BYPRODUCTS/steps"; each migrate ;;
  server) trap 'exit 42' TERM; sleep infinity & echo "serving $$"; wait ;;
  *) exit 98 ;;
esac
"""

PATHS = {"primary": "db/migrate", "cache": "db/cache_migrate", "queue": "db/queue_migrate"}


class Shop:
    """An application with three databases, none of which exists yet."""

    def __init__(self, scene):
        self.scene = scene
        self.roles = list(PATHS)
        self.names = {role: scene.database + ("" if role == "primary" else f"_{role}")
                      for role in PATHS}
        self.servers = dict.fromkeys(PATHS, scene.server)
        self.search = dict.fromkeys(PATHS)
        self.further = dict.fromkeys(PATHS, {})
        (scene.directory / "config").mkdir()
        rails = scene.directory / "bin" / "rails"
        rails.write_text(RAILS)
        rails.chmod(0o755)
        for path, versions in VERSIONS.items():
            (scene.directory / path).mkdir(exist_ok=True)
            for file in (scene.directory / path).iterdir():
                file.unlink()
            for version in versions:
                self.add_migration(path, version)
        self.write()

    def add_migration(self, path, version):
        (self.scene.directory / path / f"{version}_change.rb").write_text("change\n")

    def use(self, role, server):
        """Puts a database on another server, where the role of the application has no database."""
        self.servers[role] = server
        server.create_role(self.scene.role, self.scene.password, "CREATEDB")
        self.write()

    def url(self, role, **options):
        return self.servers[role].url(
            self.names[role], self.scene.role, self.scene.password, **options)

    def settings(self, role):
        server = self.servers[role]
        settings = {"adapter": "postgresql", "host": server.host, "port": server.port,
                    "sslmode": "require", "database": self.names[role],
                    "username": self.scene.role, "password": self.scene.password}
        if role != "primary":
            settings["migrations_paths"] = PATHS[role]
        if self.search[role]:
            settings["schema_search_path"] = self.search[role]
        return settings | self.further[role]

    def write(self, **more):
        """Writes config/database.yml, and for the step the same in its own words."""
        configurations = {role: self.settings(role) for role in self.roles} | more
        # JSON is YAML.
        (self.scene.directory / "config" / "database.yml").write_text(
            json.dumps({"production": configurations}))
        lines = []
        for role in self.roles:
            server = self.servers[role]
            maintenance = server.url(
                "postgres", self.scene.role, self.scene.password, sslmode="disable")
            lines.append("|".join([role, self.url(role, sslmode="disable"), maintenance, self.quoted(role),
                                   PATHS[role], self.search[role] or "public"]) + "\n")
        (self.scene.byproducts / "databases").write_text("".join(lines))

    def quoted(self, role):
        return '"' + self.names[role].replace('"', '""') + '"'

    def create(self, *roles):
        for role in roles or self.roles:
            self.servers[role].query(
                f"CREATE DATABASE {self.quoted(role)} OWNER {self.scene.role}")

    def drop(self, role):
        self.servers[role].query(f"DROP DATABASE {self.quoted(role)} WITH (FORCE)")

    def may_create(self, may):
        for server in set(self.servers.values()):
            server.query(f"ALTER ROLE {self.scene.role} {'' if may else 'NO'}CREATEDB")

    def query(self, role, sql):
        return self.servers[role].query(sql, self.names[role])

    def exist(self, role):
        return self.servers[role].query(
            "SELECT 1 FROM pg_database WHERE datname = "
            + "'" + self.names[role].replace("'", "''") + "'") != []

    def start(self, count=1, *options, environment=None, **more):
        started = self.scene.start(count, *options, environment={
            "DATABASE_URL": None, **(environment or {})}, **more)
        return started[0] if count == 1 else started

    def serve(self, *options, **more):
        replica = self.start(1, *options, **more)
        replica.wait_for_stdout("serving")
        return replica

    def steps(self):
        path = self.scene.byproducts / "steps"
        return len(path.read_text().splitlines()) if path.exists() else 0

    def in_order(self):
        """What the newest row of the ledger says about the databases."""
        rows = self.query(
            "primary", f"SET search_path TO {self.search['primary'] or 'public'};"
            "SELECT replace(coalesce(databases, ''), chr(10), ' ')"
            " FROM signalbox_runs ORDER BY id DESC LIMIT 1")
        return rows[0][0].split()
