# SPDX-License-Identifier: Apache-2.0
"""A session beside doomed.py's that looks on until somebody kills gdb, or drives when the other one is gone.

It says on standard output when it has begun.
"""
from session import *


def onlooker():
    print("onlooker: at work", flush=True)
    while True:
        try:
            do("info registers")
            value("total_rounds")
            do("info threads")
            stop_now(0.1)
        except KeyboardInterrupt:  # a Ctrl-C of stop_now() that came when gdb was not waiting any more
            pass


run(onlooker)
