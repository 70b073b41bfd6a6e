# SPDX-License-Identifier: Apache-2.0
"""count_packets.py SOCKET TARGET FILE: stands between gdb, which connects to SOCKET, and TARGET.

FILE gets a letter for each packet of gdb's: r where it lets the guest go, else p. gdb itself tells nobody
of stops that it finds to be nothing. SOCKET is there as soon as it may be connected to.
"""
import os
import selectors
import socket
import sys


def connect(target):
    if "/" in target:
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(target)
        return connection
    host, port = target.rsplit(":", 1)
    return socket.create_connection((host, int(port)))


def main(path, target, count):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path + ".new")
    listener.listen(1)
    os.rename(path + ".new", path)
    gdb, _ = listener.accept()
    there = connect(target)
    selector = selectors.DefaultSelector()
    selector.register(gdb, selectors.EVENT_READ, there)
    selector.register(there, selectors.EVENT_READ, gdb)
    while True:
        for key, _ in selector.select():
            data = key.fileobj.recv(1 << 16)
            if not data:
                return
            if key.fileobj is gdb and b"$" in data:
                with open(count, "ab") as file:
                    file.write(b"r" if b"$vCont;" in data else b"p")
            key.data.sendall(data)


main(*sys.argv[1:])
