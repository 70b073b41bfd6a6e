# SPDX-License-Identifier: Apache-2.0
"""process detach, process kill, and coming back."""
from session import *


def detach():
    set_breakpoint("breakpoint set -n worker_round")
    go()
    said = do("process detach")
    check("process detach from a breakpoint", becomes(lldb.eStateDetached), said)
    delete()


def again():
    begin = time.monotonic()
    attach()
    check("process connect again: stopped, with registers", becomes(lldb.eStateStopped) and
          register("pc" if not IS_X86 else "rip") != 0, do("process status"))
    check("process connect again: soon", time.monotonic() - begin < 20)


def kill():
    begin = time.monotonic()
    said = do("process kill")
    took = time.monotonic() - begin
    check("process kill: answered at once (the guest lives: it is its VMM's)",
          becomes(lldb.eStateExited) and took < 2.5, "%.1f s\n%s" % (took, said))


def leaving():
    detach()
    again()
    kill()
    attach()
    stop = go("thread step-inst")
    check("process connect after process kill, and a step", stop.reason == "plan", stop)


run(leaving)
