# SPDX-License-Identifier: Apache-2.0
"""The remote protocol in its simplest form, for tests that drive a guest without a debugger."""
import socket


class Gone(Exception):
    """The other side has closed the connection."""


class Rsp:
    """A connection to HOST:PORT or to the Unix socket at a path."""

    def __init__(self, target, seconds=60):
        if "/" in target:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(seconds)
            self.socket.connect(target)
        else:
            host, port = target.rsplit(":", 1)
            self.socket = socket.create_connection((host, int(port)), seconds)
        self.held = b""
        self.ask("QStartNoAckMode", acks=True)

    def more(self):
        try:
            got = self.socket.recv(65536)
        except ConnectionError:
            got = b""
        if not got:
            raise Gone()
        self.held += got

    def send(self, payload):
        data = payload.encode()
        try:
            self.socket.sendall(b"$%s#%02x" % (data, sum(data) % 256))
        except OSError as error:
            raise Gone() from error

    def receive(self, acks=False):
        """The payload of the next packet."""
        while b"#" not in self.held or len(self.held) < self.held.index(b"#") + 3:
            self.more()
        end = self.held.index(b"#") + 3
        packet, self.held = self.held[:end], self.held[end:]
        if acks:
            self.socket.sendall(b"+")
        return packet[packet.index(b"$") + 1 : -3].decode("latin-1")

    def ask(self, payload, acks=False):
        self.send(payload)
        return self.receive(acks)

    def is_closed(self):
        """Waits for the end of the connection, whatever comes before it."""
        try:
            while True:
                self.more()
        except Gone:
            return True
        except socket.timeout:
            return False

    def interrupt(self):
        self.socket.sendall(b"\3")
        return self.receive()

    def close(self):
        self.socket.close()
