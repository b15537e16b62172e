"""While a step waits for a lock in the server, the log says for whom."""

from flights import in_the_way
from test_terminal import Terminal

# On a terminal what takes ten seconds elsewhere is said after one.


def wait_for_blocked(terminal):
    terminal.read_until(lambda shown: "in its way: " in shown and
                        "\n" in shown.partition("in its way: ")[2])
    line, = [line for line in terminal.shown.split("\r\n") if "in its way: " in line]
    return line


def test_whom_a_step_waits_for_is_said_with_role_and_statement(trains):
    with in_the_way(trains.server, trains.url(), "UPDATE trains SET owner = 'a secret' WHERE id = 7"):
        trains.tell_step("alter")
        terminal = Terminal(trains)
        said = wait_for_blocked(terminal)
    terminal.read_until(lambda shown: "starting the command" in shown)
    terminal.close()
    assert "warning: has waited for a lock for " in said
    assert ": ALTER TABLE trains ADD COLUMN IF NOT EXISTS name text; in its way: backend " in said
    assert f"of role {trains.role}, sidekiq, idle in transaction, its transaction " in said
    assert said.endswith("old, its statement: UPDATE trains SET owner = ? WHERE id = ?"), said


def test_what_a_role_may_not_see_is_left_out(trains):
    with trains.held("LOCK TABLE trains IN ACCESS SHARE MODE"):
        trains.tell_step("alter")
        terminal = Terminal(trains)
        said = wait_for_blocked(terminal)
    terminal.close()
    assert said.endswith("of role postgres, signalbox-test"), said


def test_on_another_server_too(shop, own_server):
    shop.use("queue", own_server)
    shop.create()
    shop.query("queue", "CREATE TABLE trains (id int)")
    shop.query("queue", f"ALTER TABLE trains OWNER TO {shop.scene.role}")
    with in_the_way(own_server, shop.url("queue"), "SELECT * FROM trains"):
        terminal = Terminal(shop.scene, f"--step=psql -X -q -d '{shop.url('queue')}'"
                            " -c 'ALTER TABLE trains ADD COLUMN name text'")
        said = wait_for_blocked(terminal)
    terminal.close()
    assert "; in its way: backend " in said and said.endswith("SELECT * FROM trains"), said
