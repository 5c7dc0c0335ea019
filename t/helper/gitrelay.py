# SPDX-License-Identifier: Apache-2.0
"""gitrelay.py PORT-FILE COMMAND..: a git:// server on 127.0.0.1 for one client that cannot run our ssh: what it asks for is run as
"COMMAND git-receive-pack '/path'", its bytes are that command's input and output."""
import os
import socket
import subprocess
import sys
import threading


def pump(source, sink, shut):
    while True:
        data = source()
        if not data:
            break
        sink(data)
    shut()


def exactly(conn, n):
    data = b''
    while len(data) < n:
        piece = conn.recv(n - len(data))
        if not piece:
            raise SystemExit(1)
        data += piece
    return data


def main():
    server = socket.create_server(('127.0.0.1', 0))
    with open(sys.argv[1] + '.new', 'w', encoding='ascii') as f:
        f.write(str(server.getsockname()[1]))
    os.rename(sys.argv[1] + '.new', sys.argv[1])
    conn, _ = server.accept()
    word, path = exactly(conn, int(exactly(conn, 4), 16) - 4).split(b'\0')[0].decode().split(' ', 1)
    child = subprocess.Popen(sys.argv[2:] + [f"{word} '{path}'"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def send(data):
        child.stdin.write(data)
        child.stdin.flush()

    threading.Thread(target=pump, args=(lambda: conn.recv(65536), send, child.stdin.close), daemon=True).start()
    pump(lambda: child.stdout.read1(65536), conn.sendall, lambda: conn.shutdown(socket.SHUT_WR))
    child.wait()


main()
