"""A name server on an address of the loopback that nobody else has: `with NameServer(zone) as server`.

The zone says what is told of a name: addresses, or the name that it is another name of. A name that
ends in `!` is told over TCP only: over UDP its answer is cut off, and empty.
"""

import contextlib
import secrets
import socket
import struct
import threading

A, CNAME, AAAA = 1, 5, 28
NO_SUCH_NAME = 3
CUT_OFF = 0x0200


def unused_address():
    return "127." + ".".join(str(1 + secrets.randbelow(250)) for _ in range(3))


class NameServer:
    def __init__(self, zone, address=None):
        self.address = address or unused_address()
        self.asked = []  # ("udp" or "tcp", name), in order
        self._zone = {name.removesuffix("!"): told for name, told in zone.items()}
        self._only_tcp = {name.removesuffix("!") for name in zone if name.endswith("!")}

    def __enter__(self):
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind((self.address, 53))
        self._tcp = socket.create_server((self.address, 53))
        self._threads = [threading.Thread(target=serve, daemon=True)
                         for serve in (self._serve_udp, self._serve_tcp)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        for listener in self._udp, self._tcp:
            # Of a socket for datagrams this says so, and wakes the reader all the same.
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._udp.close()
        self._tcp.close()

    def _serve_udp(self):
        while True:
            question, client = self._udp.recvfrom(4096)
            if not question:
                return
            self._udp.sendto(self._answer(question, "udp"), client)

    def _serve_tcp(self):
        while True:
            try:
                connection, _ = self._tcp.accept()
            except OSError:
                return
            with connection:
                length, = struct.unpack("!H", connection.recv(2, socket.MSG_WAITALL))
                answer = self._answer(connection.recv(length, socket.MSG_WAITALL), "tcp")
                connection.sendall(struct.pack("!H", len(answer)) + answer)

    def _answer(self, question, over):
        labels, at = [], 12
        while question[at]:
            labels.append(question[at + 1:at + 1 + question[at]].decode())
            at += 1 + question[at]
        kind, = struct.unpack("!H", question[at + 1:at + 3])
        name = ".".join(labels)
        self.asked.append((over, name))
        records, flags = [], 0x8180
        if name not in self._zone:
            flags |= NO_SUCH_NAME
        elif over == "udp" and name in self._only_tcp:
            flags |= CUT_OFF
        else:
            records = self._records(name, kind)
        return (question[:2] + struct.pack("!HHHHH", flags, 1, len(records), 0, 0)
                + question[12:at + 5] + b"".join(records))

    def _records(self, name, kind):
        told = self._zone[name]
        if isinstance(told, str):
            return [_record(name, CNAME, _encoded(told)), *self._records(told, kind)]
        return [_record(name, kind, socket.inet_pton(family, address)) for address in told
                for family in [socket.AF_INET6 if ":" in address else socket.AF_INET]
                if kind == (AAAA if family == socket.AF_INET6 else A)]


def _encoded(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def _record(name, kind, data):
    return _encoded(name) + struct.pack("!HHIH", kind, 1, 60, len(data)) + data
