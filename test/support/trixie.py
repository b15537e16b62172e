"""The servers of Debian trixie beside the machine's own: what test/servers.sh has unpacked."""

import os
import pathlib
import subprocess

_SERVERS = pathlib.Path(__file__).resolve().parents[1] / "servers.sh"

# A view of the file system that only what is started has: trixie's programs and libraries, with
# this machine's temporary files, users and devices. Nothing is mounted once it has ended.
_ENTER = r"""
root=$1; user=$2; shift 2
mkdir -p "$root/tmp" "$root/proc" "$root/dev" "$root/run"
for file in passwd group; do
  [ -e "$root/etc/$file" ] || : >"$root/etc/$file"
  mount --bind "/etc/$file" "$root/etc/$file"
done
for directory in tmp proc dev; do
  mount --rbind "/$directory" "$root/$directory"
done
exec chroot --userspec="$user" "$root" "$@"
"""

_found = []


def root():
    """The folder with trixie's servers, made if it is not there yet."""
    if not _found:
        made = subprocess.run(["sh", str(_SERVERS)], stdout=subprocess.PIPE, text=True, check=True)
        _found.append(made.stdout.strip())
    return _found[0]


def inside(command, user, group):
    """`command` as it runs with trixie's files, as this user (by number)."""
    as_root = [] if os.geteuid() == 0 else ["sudo", "-n", "-E"]
    return [*as_root, "unshare", "--mount", "--propagation", "private", "sh", "-euc", _ENTER,
            "enter", root(), f"{user}:{group}", *command]
