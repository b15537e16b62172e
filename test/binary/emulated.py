"""Runs a command where programs of the other processor run as any others, emulated by QEMU:

    python3 test/binary/emulated.py COMMAND…

The kernel is told so in a user namespace of the command's own (Linux 6.7 and later), so that nothing
of it stays behind and nobody else sees it. Everybody in there is who they are outside. Ends with 69
where the kernel cannot do that.
"""

import ctypes
import os
import subprocess
import sys

CANNOT = 69
CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000

# What the first 20 bytes of an executable of that processor are, and which bits of them count.
EMULATORS = {"x86_64": ("qemu-aarch64", r"\xb7"), "aarch64": ("qemu-x86_64", r"\x3e")}
MAGIC = r"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00{}\x00"
MASK = r"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff"
FORMATS = "/proc/sys/fs/binfmt_misc"


def enter_namespaces():
    """Only somebody outside may say that everybody stays who they are."""
    reading, writing = os.pipe()
    target = os.getpid()
    outside = os.fork()
    if outside == 0:
        os.read(reading, 1)
        for kind in "uid", "gid":
            with open(f"/proc/{target}/{kind}_map", "w", encoding="ascii") as file:
                file.write("0 0 4294967295")
        os._exit(0)
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    os.write(writing, b"x")
    _, status = os.waitpid(outside, 0)
    if status != 0:
        raise OSError("no users can be mapped")
    for descriptor in reading, writing:
        os.close(descriptor)


def main():
    name, machine = EMULATORS[os.uname().machine]
    try:
        enter_namespaces()
        subprocess.run(["mount", "--make-rprivate", "/"], check=True)
        subprocess.run(["mount", "-t", "binfmt_misc", "none", FORMATS], check=True)
        # F opens the emulator now, so that it is found in any root.
        with open(f"{FORMATS}/register", "w", encoding="ascii") as file:
            file.write(f":{name}:M::{MAGIC.format(machine)}:{MASK}:/usr/bin/{name}-static:F")
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"emulated.py: this kernel takes no formats of programs in a user namespace: {error}",
              file=sys.stderr)
        sys.exit(CANNOT)
    os.execvp(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    main()
