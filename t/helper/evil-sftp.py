#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""evil-sftp: a target's SFTP server that is not what it should be. Its one argument is how; see MODES at the end."""

import os
import random
import select
import struct
import sys

INIT, HELLO, OPEN, CLOSE, READ, WRITE, LSTAT, FSTAT, SETSTAT, FSETSTAT, OPENDIR, READDIR = range(1, 13)
REMOVE, MKDIR, RMDIR, REALPATH, STAT, RENAME, READLINK, SYMLINK = range(13, 21)
STATUS, HANDLE, DATA, NAME, ATTRS = range(101, 106)
CONTENT = b"".join(b"line %d\n" % i for i in range(20000))


def u32(n):
    return struct.pack(">I", n)


def string(s):
    return u32(len(s)) + s


def put(raw):
    while raw:
        raw = raw[os.write(1, raw):]


def get(n):
    got = b""
    while len(got) < n:
        more = os.read(0, n - len(got))
        if not more:
            sys.exit(0)
        got += more
    return got


class Server:
    """An honest one, of one file and one folder; what is wrong comes in by the methods of a mode."""

    def __init__(self):
        self.listed = 0
        self.late = []

    def send(self, kind, ident, body):
        put(u32(5 + len(body)) + bytes([kind]) + u32(ident) + body)

    def status(self, ident, code):
        self.send(STATUS, ident, u32(code) + string(b"evil") + string(b""))

    def name(self, ident, *names):
        self.send(NAME, ident, u32(len(names)) + b"".join(string(n) + string(b"long " + n) + u32(0) for n in names))

    def hello(self):
        self.send(HELLO, 3, b"")

    def realpath(self, ident, path):
        self.name(ident, b"/home/evil" if path == b"." else b"/proc/77" if path == b"/proc/self" else path)

    def open(self, ident, _path):
        self.send(HANDLE, ident, string(b"h"))

    def read(self, ident, offset, n):
        piece = CONTENT[offset:offset + n]
        if piece:
            self.send(DATA, ident, string(piece))
        else:
            self.status(ident, 1)

    def write(self, ident):
        self.status(ident, 0)

    def close(self, ident):
        self.status(ident, 0)

    def attrs(self, ident):
        self.send(ATTRS, ident, u32(5) + struct.pack(">Q", len(CONTENT)) + u32(0o100644))

    def readdir(self, ident):
        self.listed += 1
        if self.listed > 1:
            self.status(ident, 1)
        else:
            self.name(ident, b"good")

    def one(self, kind, ident, body):
        n = struct.unpack(">I", body[:4])[0] if len(body) >= 4 else 0
        first, rest = body[4:4 + n], body[4 + n:]
        if kind == INIT:
            self.hello()
        elif kind == REALPATH:
            self.realpath(ident, first)
        elif kind in (OPEN, OPENDIR):
            self.open(ident, first)
        elif kind == READ:
            self.read(ident, *struct.unpack(">QI", rest))
        elif kind == WRITE:
            self.write(ident)
        elif kind == CLOSE:
            self.close(ident)
        elif kind in (STAT, LSTAT) and first.endswith(b"dir"):
            self.send(ATTRS, ident, u32(4) + u32(0o040755))
        elif kind in (STAT, LSTAT, FSTAT):
            self.attrs(ident)
        elif kind == READDIR:
            self.readdir(ident)
        elif kind == READLINK:
            self.name(ident, b"77")
        else:
            self.status(ident, 0)

    def run(self):
        while True:
            n = struct.unpack(">I", get(4))[0]
            p = get(n)
            self.one(p[0], struct.unpack(">I", p[1:5])[0], p[5:])


class Plain(Server):
    pass


class Noise(Server):
    def hello(self):
        put(random.Random(1).randbytes(200000))


class HugeLength(Server):
    def attrs(self, ident):
        put(b"\x7f\xff\xff\xff" + bytes(100000))


class Silent(Server):
    def one(self, kind, ident, body):
        pass


class Version6(Server):
    def hello(self):
        self.send(HELLO, 6, b"")


class WrongId(Server):
    def attrs(self, ident):
        self.status(ident + 12345, 0)


class Twice(Server):
    def attrs(self, ident):
        super().attrs(ident)
        super().attrs(ident)


class WrongType(Server):
    def attrs(self, ident):
        self.send(HANDLE, ident, string(b"h"))


class HugeHandle(Server):
    def open(self, ident, _path):
        self.send(HANDLE, ident, string(b"h" * 300))


class TooMuch(Server):
    def read(self, ident, offset, n):
        self.send(DATA, ident, string(b"x" * (n + 1)))


class NoData(Server):
    def read(self, ident, offset, n):
        self.send(DATA, ident, string(b""))


class Endless(Server):
    def read(self, ident, offset, n):
        self.send(DATA, ident, string(b"x" * n))


class Dribble(Server):
    """Odd, but right: short answers."""

    def read(self, ident, offset, n):
        super().read(ident, offset, min(n, 1 + offset % 777))


class LeakyDribble(Server):
    """Right, a byte at a time, with what should not leave: its second word is a file of that."""

    def __init__(self):
        super().__init__()
        self.content = open(sys.argv[2], "rb").read()

    def read(self, ident, offset, n):
        if offset < len(self.content):
            self.send(DATA, ident, string(self.content[offset:offset + 1]))
        else:
            self.status(ident, 1)


class Shuffle(Server):
    """Odd, but right: answers in another order. A READ that stays alone is answered as well."""

    def read(self, ident, offset, n):
        self.late.append((ident, offset, n))
        if len(self.late) >= 2 or not select.select([0], [], [], 0.1)[0]:
            random.shuffle(self.late)
            for one in self.late:
                super().read(*one)
            self.late = []


class BadNames(Server):
    def readdir(self, ident):
        self.listed += 1
        if self.listed > 1:
            self.status(ident, 1)
        else:
            self.name(ident, b".", b"..", b"../evil", b"/etc/passwd", b"a/b", b"nul\0nul", b"", b"good", b"bell\x07\x1b]0;x\x07")


class OnlyBadNames(Server):
    def readdir(self, ident):
        self.name(ident, b"../evil", b"../evil2")


class EndlessNames(Server):
    def readdir(self, ident):
        self.name(ident, *[b"n%d" % i for i in range(3000)])


class ManyNames(Server):
    def readdir(self, ident):
        self.send(NAME, ident, u32(0xffffffff) + string(b"a") + string(b"a") + u32(0))


class TextPaths(Server):
    """Resolves no links."""

    def realpath(self, ident, path):
        self.name(ident, b"/home/evil" if path == b"." else path)


class RelativePath(Server):
    def realpath(self, ident, path):
        self.name(ident, b"etc" if path != b"." else b"/home/evil")


class TwoPaths(Server):
    def realpath(self, ident, path):
        self.name(ident, b"/a", b"/b")


class NoHome(Server):
    def realpath(self, ident, path):
        self.status(ident, 4)


class Elsewhere(Server):
    """Every name is a link to a place that is not allowed."""

    def realpath(self, ident, path):
        self.name(ident, b"/home/evil" if path == b"." else b"/etc/shadow")


class WriteFails(Server):
    def write(self, ident):
        self.status(ident, 4)


class CloseFails(Server):
    def close(self, ident):
        self.status(ident, 4)


class Flood(Server):
    def attrs(self, ident):
        while True:
            self.status(ident, 0)


class LongWords(Server):
    def attrs(self, ident):
        self.send(STATUS, ident, u32(4) + string(b"\x1b]0;owned\x07" + b"w" * 100000) + string(b""))


class DiesInRead(Server):
    def read(self, ident, offset, n):
        if offset > 60000:
            sys.exit(3)
        super().read(ident, offset, n)


MODES = {c.__name__: c for c in Server.__subclasses__()}

if __name__ == "__main__":
    MODES[sys.argv[1]]().run()
