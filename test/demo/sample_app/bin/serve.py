"""The server of the timetable: says on every page which replica it is."""

import signal
import socket
import sys

# A real server ends in its own way when it is told to, and so does this one.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))

# By hand, since Python's own HTTP server takes longer to load than all the
# rest of a boot, and a picture of that would be beside the point.
server = socket.socket()
server.bind(("127.0.0.1", 0))
server.listen()
print(f"listening on {server.getsockname()[1]}", flush=True)
page = f"The timetable, from {socket.gethostname()}\n".encode()
head = (
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n"
    f"Content-Length: {len(page)}\r\nConnection: close\r\n\r\n"
).encode()
while True:
    client, _ = server.accept()
    with client:
        request = b""
        while b"\r\n\r\n" not in request:
            part = client.recv(4096)
            if not part:
                break
            request += part
        else:
            client.sendall(head + page)
