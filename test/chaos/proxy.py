"""A link that can be cut: what is sent is then dropped in both directions, and nobody is told."""

import selectors
import socket


class Link:
    """Listens on a port of its own and passes everything on to the server's."""

    def __init__(self, loop, server_port):
        self.loop = loop
        self.server_port = server_port
        self.is_cut = False
        self.peers = {}
        self.held = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        loop.register(self.listener, selectors.EVENT_READ, self._accept)

    def _accept(self):
        client, _ = self.listener.accept()
        self.held.append(client)
        if self.is_cut:
            return
        try:
            server = socket.create_connection(("127.0.0.1", self.server_port))
        except OSError:
            client.close()
            return
        self.held.append(server)
        for here, there in ((client, server), (server, client)):
            here.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.peers[here] = there
            self.loop.register(here, selectors.EVENT_READ, lambda here=here: self._pass_on(here))

    def _pass_on(self, here):
        if here not in self.peers:
            return
        there = self.peers[here]
        try:
            data = here.recv(65536)
            if data:
                there.sendall(data)
                return
        except OSError:
            pass
        for end in (here, there):
            self.loop.unregister(end)
            del self.peers[end]
            end.close()

    def cut(self):
        self.is_cut = True
        for end in self.peers:
            self.loop.unregister(end)
        self.peers.clear()

    def close(self):
        self.loop.unregister(self.listener)
        for end in self.peers:
            self.loop.unregister(end)
        for end in (self.listener, *self.held):
            end.close()
