#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Receivers of webhooks that no decent service would be (standard library only).

bad-sink.py MODE PORT-FILE LOG

endless     answers 200 with a body without end; LOG gets how many bytes could be sent, once the peer has hung up
headers     the same with header lines
redirect    answers 307 to itself, with another path
mute        takes the request and says nothing
LOG gets a line for each connection: its number and its request line.
"""
import socket
import sys
import threading


def log(path, text):
    with open(path, "a") as f:
        f.write(text + "\n")


def pour(s, piece):
    sent = 0
    try:
        while True:
            sent += s.send(piece)
    except OSError:
        return sent


def serve(mode, s, number, port, path):
    head = b""
    while b"\r\n\r\n" not in head:
        head += s.recv(65536)
    log(path, "%d %s" % (number, head.split(b"\r\n")[0].decode()))
    if mode == "endless":
        s.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        log(path, "%d sent %d" % (number, pour(s, b"x" * 65536)))
    elif mode == "headers":
        s.sendall(b"HTTP/1.1 200 OK\r\n")
        log(path, "%d sent %d" % (number, pour(s, b"x-%d: y\r\n" % number * 4096)))
    elif mode == "redirect":
        s.sendall(b"HTTP/1.1 307 Elsewhere\r\nLocation: http://127.0.0.1:%d/elsewhere\r\nContent-Length: 0\r\n\r\n" % port)
        s.close()
    else:
        while s.recv(65536):
            pass
        log(path, "%d hung up" % number)


def main():
    mode, port_file, path = sys.argv[1:]
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    with open(port_file, "w") as f:
        f.write("%d\n" % port)
    number = 0
    while True:
        s, unused = listener.accept()
        number += 1
        threading.Thread(target=serve, args=(mode, s, number, port, path), daemon=True).start()


main()
