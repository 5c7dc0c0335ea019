#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""sip PID [FILE]: a slow reader of standard input or FILE, in small pieces, that watches how large a process gets meanwhile.

Prints the bytes read and how many KiB the process's private memory ever took while they were.
"""

import os
import sys
import time

PIECE = 16384


def size(pid):
    """KiB that are the process's alone: what it shares with its parent since the fork is nobody's growth."""
    total = 0
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
            for line in f:
                if line.startswith(("Private_Clean:", "Private_Dirty:")):
                    total += int(line.split()[1])
    except OSError:
        pass
    return total  # 0: it has ended


def main():
    pid = int(sys.argv[1])
    top = size(pid)
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
    print("top", top)
    return 0


if __name__ == "__main__":
    sys.exit(main())
