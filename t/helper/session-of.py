#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""session-of CLIENT PARENT: which forked child of PARENT holds the other end of a TCP connection of the process CLIENT."""

import glob
import os
import sys


def sockets(pid):
    for fd in glob.glob("/proc/%s/fd/*" % pid):
        try:
            name = os.readlink(fd)
        except OSError:
            continue
        if name.startswith("socket:["):
            yield name[8:-1]


def connections():
    """(local, remote, inode) of every connection of IPv4."""
    with open("/proc/net/tcp") as f:
        next(f)
        for line in f:
            fields = line.split()
            yield fields[1], fields[2], fields[9]


def main():
    client, parent = sys.argv[1:3]
    mine = set(sockets(client))
    all_of_them = list(connections())
    ends = {(remote, local) for local, remote, inode in all_of_them if inode in mine}
    wanted = {inode for local, remote, inode in all_of_them if (local, remote) in ends}
    for task in glob.glob("/proc/%s/task/*/children" % parent):
        with open(task) as f:
            for child in f.read().split():
                if wanted & set(sockets(child)):
                    print(child)
                    return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
