# SPDX-License-Identifier: Apache-2.0
"""count_packets.py SOCKET TARGET FILE DELAY: stands between gdb, which connects to SOCKET, and TARGET.

FILE gets a letter for each packet of gdb's: r where it lets the guest go, else p. gdb itself tells nobody
of stops that it finds to be nothing. SOCKET is there as soon as it may be connected to. What goes through
takes DELAY seconds, either way, as over a network.
"""
import collections
import os
import selectors
import socket
import sys
import time


def connect(target):
    if "/" in target:
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(target)
        return connection
    host, port = target.rsplit(":", 1)
    return socket.create_connection((host, int(port)))


def deliver(held, wait=False):
    """What is due; to wait for the rest is for the end."""
    while held and (wait or held[0][0] <= time.monotonic()):
        due, to, data = held.popleft()
        time.sleep(max(due - time.monotonic(), 0))
        to.sendall(data)


def main(path, target, count, delay):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path + ".new")
    listener.listen(1)
    os.rename(path + ".new", path)
    gdb, _ = listener.accept()
    there = connect(target)
    selector = selectors.DefaultSelector()
    selector.register(gdb, selectors.EVENT_READ, there)
    selector.register(there, selectors.EVENT_READ, gdb)
    held = collections.deque()  # (when it is due, to whom, what)
    while True:
        for key, _ in selector.select(max(held[0][0] - time.monotonic(), 0) if held else None):
            data = key.fileobj.recv(1 << 16)
            if not data:
                deliver(held, wait=True)
                return
            if key.fileobj is gdb and b"$" in data:
                with open(count, "ab") as file:
                    file.write(b"r" if b"$vCont;" in data else b"p")
            held.append((time.monotonic() + float(delay), key.data, data))
        deliver(held)


main(*sys.argv[1:])
