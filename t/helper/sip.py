#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""sip PID [FILE]: a slow reader of standard input or FILE, in small pieces, that watches how large a process gets meanwhile.

Prints the bytes read and by how many KiB the process's private memory (RssAnon) ever grew over its size at the start.
"""

import os
import sys
import time

PIECE = 16384


def size(pid):
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as f:
            for line in f:
                if line.startswith("RssAnon:"):
                    return int(line.split()[1])
    except OSError:
        pass
    return 0  # it has ended


def main():
    pid = int(sys.argv[1])
    first = top = size(pid)
    fd = os.open(sys.argv[2], os.O_RDONLY) if len(sys.argv) > 2 else 0
    n = 0
    count = 0
    while True:
        data = os.read(fd, PIECE)
        if not data:
            break
        n += len(data)
        count += 1
        if count % 16 == 0:
            top = max(top, size(pid))
            time.sleep(0.001)
    print("bytes", n)
    print("grew", top - first)
    return 0


if __name__ == "__main__":
    sys.exit(main())
