"""What of an ELF file says how it is loaded."""

import dataclasses
import struct

# https://refspecs.linuxfoundation.org/elf/gabi4+/ch5.pheader.html, and GNU's own.
KINDS = {1: "LOAD", 2: "DYNAMIC", 3: "INTERP", 0x6474E551: "GNU_STACK"}
MACHINES = {62: "amd64", 183: "arm64"}
FIXED_ADDRESS = 2  # ET_EXEC
EXECUTE, WRITE = 1, 2


@dataclasses.dataclass
class Segment:
    kind: str
    flags: int
    alignment: int

    @property
    def is_writable(self):
        return bool(self.flags & WRITE)

    @property
    def is_executable(self):
        return bool(self.flags & EXECUTE)


class Elf:
    def __init__(self, path):
        with open(path, "rb") as file:
            data = file.read()
        if data[:6] != b"\x7fELF\x02\x01":
            raise ValueError(f"{path} is no 64-bit little-endian ELF file")
        self.size = len(data)
        kind, machine = struct.unpack_from("<HH", data, 16)
        self.has_fixed_address = kind == FIXED_ADDRESS
        self.processor = MACHINES.get(machine, machine)
        first, = struct.unpack_from("<Q", data, 32)
        size, count = struct.unpack_from("<HH", data, 54)
        self.segments = []
        for at in range(first, first + size * count, size):
            number, flags = struct.unpack_from("<II", data, at)
            alignment, = struct.unpack_from("<Q", data, at + 48)
            self.segments.append(Segment(KINDS.get(number, hex(number)), flags, alignment))

    def of_kind(self, kind):
        return [segment for segment in self.segments if segment.kind == kind]
