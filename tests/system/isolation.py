# SPDX-License-Identifier: Apache-2.0
"""isolation: two debuggers at two guests by the common address; driven by lines on stdin.

Each line is a command, each answer one line.  `A attach N`, `A break ADDRESS`, `A hit`, `A registers`,
`A closed`, `A leave`; NAME is any name, a new one connects.
"""
import sys

from rsp import Gone, Rsp

peers = {}


def attach(name, number):
    peers[name] = Rsp(sys.argv[1])
    peers[name].ask("qSupported:multiprocess+")
    peers[name].ask("!")
    reply = peers[name].ask("vAttach;%x" % int(number))
    return reply[:1]


def lobby(name):
    """One that stays where VMs are chosen."""
    peers[name] = Rsp(sys.argv[1])
    peers[name].ask("qSupported:multiprocess+")
    return "ok" if peers[name].ask("!") == "OK" else "refused"


def set_break(name, address):
    return peers[name].ask("Z0,%s,%s" % (address, sys.argv[2]))


def hit(name):
    return peers[name].ask("vCont;c")[:3]


def registers(name):
    return "%d bytes" % (len(peers[name].ask("g")) // 2)


def closed(name):
    return "closed" if peers.pop(name).is_closed() else "open"


def leave(name):
    reply = peers[name].ask("D")
    peers.pop(name).close()
    return reply


COMMANDS = {
    "attach": attach,
    "lobby": lobby,
    "break": set_break,
    "hit": hit,
    "registers": registers,
    "closed": closed,
    "leave": leave,
}

for line in sys.stdin:
    name, command, *arguments = line.split()
    try:
        answer = COMMANDS[command](name, *arguments)
    except Gone:
        answer = "gone"
    except OSError as error:
        answer = "failed: %s" % error
    print(answer, flush=True)
