#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""peak PID FILE: the most memory of its own (RssAnon, KiB) that any forked child of PID has had, in FILE, until we are ended.

Looks a hundred times a second, so that a process that grew and went has been seen, too.
"""

import os
import sys
import time


def children(pid):
    for task in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/children" % (pid, task)) as f:
            yield from f.read().split()


def own(pid, exe):
    if os.readlink("/proc/%s/exe" % pid) != exe:
        return 0
    with open("/proc/%s/status" % pid) as f:
        for line in f:
            if line.startswith("RssAnon:"):
                return int(line.split()[1])
    return 0


def put(name, n):
    with open(name + ".new", "w") as f:
        f.write("%d\n" % n)
    os.rename(name + ".new", name)


def main():
    pid, name = int(sys.argv[1]), sys.argv[2]
    exe = os.readlink("/proc/%d/exe" % pid)
    most = -1
    while True:
        now = max(most, 0)
        try:
            for child in list(children(pid)):
                try:
                    now = max(now, own(child, exe))
                except OSError:
                    pass
        except OSError:
            return 0
        if now > most:
            most = now
            put(name, most)
        time.sleep(0.01)


if __name__ == "__main__":
    sys.exit(main())
