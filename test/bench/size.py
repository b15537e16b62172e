"""The binary's size, by the archive that each part of it is from, as the linker's map has it."""

import os
import pathlib
import re

from figures import BINARY, OURS, Figure

# An input section: its name, where it lies, its size, and the object in its archive.
SECTION = re.compile(r"^ \.\S+\s+0x([0-9a-f]+)\s+0x([0-9a-f]+) (\S+)$", re.MULTILINE)
NAMES = {"libcrypto": "OpenSSL's libcrypto", "libssl": "OpenSSL's libssl", "libc": "musl",
         "libpq": "libpq", "libpgcommon": "libpq", "libpgcommon_shlib": "libpq",
         "libpgport": "libpq", "libpgport_shlib": "libpq", "libyaml": "libyaml",
         "libcap": "libcap", "libgcc": "libgcc", "libsignalbox_core": "our own code"}
# What takes up no room in the file, or is not loaded.
NOT_LOADED = re.compile(r"^ \.(?:bss|tbss|comment|debug|note|symtab|strtab|shstrtab)")


def parts(text):
    """Bytes by part."""
    # Before it there is what the linker left out.
    text = text[text.index("Linker script and memory map"):]
    # A long name has the rest of its line on the next.
    text = re.sub(r"^( \.\S+)\n\s+0x", r"\1 0x", text, flags=re.MULTILINE)
    sizes = {}
    for match in SECTION.finditer(text):
        address, size, origin = int(match[1], 16), int(match[2], 16), match[3]
        if address == 0 or NOT_LOADED.match(match[0]):
            continue
        archive = re.search(r"(\w+)\.a\(", origin)
        name = NAMES.get(archive[1], archive[1]) if archive else "our own code"
        sizes[name] = sizes.get(name, 0) + size
    return sizes


def measure():
    size = os.path.getsize(BINARY)
    figures = [Figure("size", "the whole binary", "kB", {OURS: size / 1000}, 2600)]
    sizes = parts(pathlib.Path(BINARY).with_suffix(".map").read_text())
    figures += [Figure("size", name, "kB", {OURS: bytes_of_it / 1000})
                for name, bytes_of_it in sorted(sizes.items(), key=lambda part: -part[1])]
    return figures
