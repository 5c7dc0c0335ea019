#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""gate: a relay on 127.0.0.1 that opens when it is told to, for a peer that is slow to come, slow to go, or goes away.

	gate.py --to PORT --port-file FILE [--go FILE] [--rate BYTES] [--stop FILE] [--cut BYTES]

Accepts at once. Nothing is passed on before the file of --go is there. --rate: so many bytes a second each way. While the file
of --stop is there nothing is passed on, though connections stay. --cut: each connection is reset after so many bytes
from PORT.
"""

import argparse
import os
import socket
import struct
import sys
import threading
import time

PIECE = 16384


def reset(s):
    """Closed with an RST, as by a machine that went down."""
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()


def paced(a, start, done):
    """Sleep until so many bytes are due."""
    due = start + done / a.rate if a.rate else 0
    while time.monotonic() < due or (a.stop and os.path.exists(a.stop)):
        time.sleep(0.005)


def pump(a, src, dst, cut):
    done, start = 0, time.monotonic()
    try:
        while True:
            data = src.recv(PIECE)
            if not data:
                break
            done += len(data)
            paced(a, start, done)
            dst.sendall(data)
            if cut and done >= cut:
                reset(src)
                reset(dst)
                return
        dst.shutdown(socket.SHUT_WR)
    except OSError:
        for s in (src, dst):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def carry(a, client):
    while a.go and not os.path.exists(a.go):
        time.sleep(0.005)
    try:
        target = socket.create_connection(("127.0.0.1", a.to))
    except OSError:
        client.close()
        return
    back = threading.Thread(target=pump, args=(a, target, client, a.cut), daemon=True)
    back.start()
    pump(a, client, target, 0)
    back.join()
    client.close()
    target.close()


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--to", type=int, required=True)
    p.add_argument("--port-file", required=True)
    p.add_argument("--go")
    p.add_argument("--stop")
    p.add_argument("--rate", type=float, default=0)
    p.add_argument("--cut", type=int, default=0)
    a = p.parse_args()
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    with open(a.port_file + ".new", "w") as f:
        f.write(str(listener.getsockname()[1]))
    os.rename(a.port_file + ".new", a.port_file)
    while True:
        client, _ = listener.accept()
        threading.Thread(target=carry, args=(a, client), daemon=True).start()


if __name__ == "__main__":
    sys.exit(main())
