#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""rawsftp: SFTP packets of any kind, through stock ssh. One function a sub-command; see COMMANDS at the end.

	rawsftp.py WHAT SSH-CONF LOGIN@TARGET [ARGUMENT..]

Every sub-command prints one line a fact, for the shell to look at.
"""

import hashlib
import os
import random
import select
import struct
import subprocess
import sys
import time

WAIT = 30.0

OPEN, CLOSE, READ, WRITE, LSTAT, FSTAT, SETSTAT, FSETSTAT, OPENDIR, READDIR = range(3, 13)
REMOVE, MKDIR, RMDIR, REALPATH, STAT, RENAME, READLINK, SYMLINK = range(13, 21)
STATUS, HANDLE, DATA, NAME, ATTRS = range(101, 106)
FOR_READ, FOR_WRITE, APPEND, CREAT, TRUNC, EXCL = 1, 2, 4, 8, 16, 32
WORDS = ["ok", "eof", "no-such-file", "denied", "failure", "bad-message", "no-connection", "lost", "unsupported"]


def u32(n):
    return struct.pack(">I", n)


def string(s):
    return u32(len(s)) + (s if isinstance(s, bytes) else s.encode())


class Closed(Exception):
    """The other side has ended."""


class Raw:
    def __init__(self, conf, to):
        self.ssh = subprocess.Popen(
            ["ssh", "-F", conf, "-s", "-l", to, "127.0.0.1", "sftp"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
        self.data = b""
        self.id = 0
        os.set_blocking(self.ssh.stdin.fileno(), False)

    def send(self, raw):
        """All of it, or Closed; what comes meanwhile is kept."""
        out, inn = self.ssh.stdin.fileno(), self.ssh.stdout.fileno()
        end = time.monotonic() + WAIT
        while raw:
            r, w, _ = select.select([inn], [out], [], 1)
            if time.monotonic() > end:
                raise TimeoutError("nobody reads")
            if r:
                more = os.read(inn, 1 << 20)
                if not more:
                    raise Closed()
                self.data += more
            if w:
                try:
                    raw = raw[os.write(out, raw[:65536]):]
                except BrokenPipeError:
                    raise Closed() from None

    def packet(self, kind, body):
        self.id += 1
        return u32(5 + len(body)) + bytes([kind]) + u32(self.id) + body

    def read(self, n):
        end = time.monotonic() + WAIT
        while len(self.data) < n:
            r, _, _ = select.select([self.ssh.stdout], [], [], max(0, end - time.monotonic()))
            if not r:
                raise TimeoutError("no answer")
            more = os.read(self.ssh.stdout.fileno(), 1 << 20)
            if not more:
                raise Closed()
            self.data += more
        got, self.data = self.data[:n], self.data[n:]
        return got

    def answer(self):
        n = struct.unpack(">I", self.read(4))[0]
        p = self.read(n)
        return p[0], struct.unpack(">I", p[1:5])[0], p[5:]

    def ask(self, kind, body):
        self.send(self.packet(kind, body))
        return self.answer()

    def hello(self):
        self.send(u32(5) + b"\x01" + u32(3))
        return self.answer()

    def open(self, path, flags):
        kind, _, body = self.ask(OPEN, string(path) + u32(flags) + u32(0))
        return body[4:] if kind == HANDLE else word(kind, body)

    def pread(self, handle, offset, n):
        kind, _, body = self.ask(READ, string(handle) + struct.pack(">QI", offset, n))
        return body[4:] if kind == DATA else word(kind, body)

    def pwrite(self, handle, offset, data):
        kind, _, body = self.ask(WRITE, string(handle) + struct.pack(">Q", offset) + string(data))
        return word(kind, body)

    def close(self, handle):
        kind, _, body = self.ask(CLOSE, string(handle))
        return word(kind, body)

    def end(self):
        """No more from here. The exit status, and what was said on stderr."""
        self.ssh.stdin.close()
        self.ssh.stdin = None
        out, err = self.ssh.communicate(timeout=WAIT)
        del out
        return self.ssh.returncode, err.decode(errors="replace")


def word(kind, body):
    return WORDS[struct.unpack(">I", body[:4])[0]] if kind == STATUS else {HANDLE: "handle", NAME: "name", ATTRS: "attrs",
                                                                           201: "reply"}.get(kind, str(kind))


def text(body):
    n = struct.unpack(">I", body[4:8])[0]
    return body[8:8 + n].decode()


def finish(r):
    code, err = r.end()
    print("exit", code)
    sys.stdout.write(err)


def status(r, args):
    """KIND PATH [PATH2]: the word of the answer, for requests about names."""
    r.hello()
    for one in args:
        kind, *paths = one.split("|")
        body = b"".join(string(p.encode().decode("unicode_escape").encode("latin-1")) for p in paths)
        if kind == "OPEN-READ":
            body, kind = body + u32(FOR_READ) + u32(0), "OPEN"
        elif kind == "OPEN-WRITE":
            body, kind = body + u32(FOR_WRITE | CREAT) + u32(0), "OPEN"
        elif kind in ("MKDIR", "SETSTAT"):
            body += u32(4) + u32(0o755)
        elif kind == "TRUNCATE":
            body, kind = body + u32(1) + struct.pack(">Q", 0), "SETSTAT"
        if kind in ("hardlink", "posix-rename", "lsetstat"):
            if kind == "lsetstat":
                body += u32(4) + u32(0o755)
            got, _, answer = r.ask(200, string(kind + "@openssh.com") + body)
        else:
            got, _, answer = r.ask(globals()[kind], body)
        print(one.encode("unicode_escape").decode(), word(got, answer), text(answer) if got == STATUS else "")
    finish(r)


def orders(r, args):
    """PATH SIZE: read it in odd orders; every piece that comes must be the file's. Prints what was refused."""
    path, want = args[0], open(args[1], "rb").read()
    rnd = random.Random(7)
    r.hello()
    denied = 0
    for how in ("backwards", "bytes", "random", "overlap", "twice"):
        h = r.open(path, FOR_READ)
        places = {
            "backwards": [(o, 1000) for o in range(max(0, len(want) - 1000), -1, -997)],
            "bytes": [(o, 1) for o in range(min(len(want), 400))],
            "random": [(rnd.randrange(len(want)), rnd.randrange(1, 5000)) for _ in range(150)],
            "overlap": [(o, 5000) for o in range(0, len(want), 1234)],
            "twice": [(o, 30000) for o in list(range(0, len(want), 30000)) * 2],
        }[how]
        for o, n in places:
            got = r.pread(h, o, n)
            if isinstance(got, str):
                denied += got == "denied"
                if got not in ("eof", "denied"):
                    print(how, "unexpected", got)
                if got == "denied":
                    break
            elif got != want[o:o + n]:
                print(how, "WRONG at", o)
        print(how, "read")
        r.close(h)
    print("denied", denied)
    finish(r)


def search(r, args):
    """PATH SECRET AT: read around that place in many ways, each with a handle of its own, and look for it in what came."""
    path, secret, at = args[0], args[1].encode(), int(args[2])
    begin, end = max(0, at - 1000), at + len(secret) + 1000
    r.hello()
    seen = 0
    for step, jump in ((1, 0), (1, 3), (7, 0), (64, 0), (4096, 0), (32768, 0), (10, 5), (3, 1)):
        got, o = bytearray(end + 40000 - begin), begin
        h = r.open(path, FOR_READ)
        while o < end:
            piece = r.pread(h, o, step)
            if isinstance(piece, str):
                if piece == "denied":
                    break
            else:
                got[o - begin:o - begin + len(piece)] = piece
            o += step + jump
        r.close(h)
        # Half of it is as bad as all of it to whoever can guess.
        seen += any(secret[i:i + 12] in got for i in range(len(secret) - 11))
    print("seen", seen)
    # From the end, backwards, with a new handle for every byte.
    tail = b""
    for o in range(at + len(secret) - 1, at - 1, -1):
        h = r.open(path, FOR_READ)
        piece = r.pread(h, o, 1)
        tail = (piece if isinstance(piece, bytes) else b"?") + tail
        r.close(h)
    print("byte-by-byte", "SEEN" if any(secret[i:i + 12] in tail for i in range(len(secret) - 11)) else "hidden")
    finish(r)


def put_split(r, args):
    """PATH SECRET: write it in pieces of one byte, of seven, and in two; how each ends."""
    path, secret = args[0], args[1].encode()
    content = b"some text before\npassword = " + secret + b"\nand behind\n"
    r.hello()
    for step in (1, 7, 40, 1000):
        h = r.open("%s-%d" % (path, step), FOR_WRITE | CREAT | TRUNC)
        words = [r.pwrite(h, o, content[o:o + step]) for o in range(0, len(content), step)]
        print(step, "write", "denied" if "denied" in words else "ok", "close", r.close(h))
    finish(r)


def handles(r, args):
    """PATH N: open it so often; how often it worked, and whether a closed handle is one."""
    r.hello()
    good = []
    for _ in range(int(args[1])):
        h = r.open(args[0], FOR_READ)
        if isinstance(h, bytes):
            good.append(h)
    print("open", len(good))
    print("unknown", r.close(b"\xff" * 8), r.close(b""), r.close(b"x" * 200))
    print("close", r.close(good[0]), "again", r.close(good[0]))
    print("after", "open" if isinstance(r.open(args[0], FOR_READ), bytes) else "not")
    finish(r)


def unknown(r, _args):
    """Requests that nobody knows."""
    r.hello()
    for kind in (21, 22, 99, 199, 255):
        got, _, body = r.ask(kind, string("x"))
        print(kind, word(got, body))
    for name in ("copy-data", "check-file", "x" * 5000):
        got, _, body = r.ask(200, string(name) + string("x"))
        print(name[:10], word(got, body))
    finish(r)


GARBAGE = {
    "noise": random.Random(1).randbytes(100000),
    "http": b"GET / HTTP/1.1\r\n\r\n",
    "no-init": u32(9) + bytes([REALPATH]) + u32(1) + string(b""),
    "version-2": u32(5) + b"\x01" + u32(2),
    "huge-length": u32(5) + b"\x01" + u32(3) + b"\x7f\xff\xff\xff" + bytes(5000),
    "length-zero": u32(5) + b"\x01" + u32(3) + u32(0),
    "string-over-packet": u32(5) + b"\x01" + u32(3) + u32(9) + bytes([STAT]) + u32(1) + u32(0xffffffff),
    "second-init": 2 * (u32(5) + b"\x01" + u32(3)),
    "an-answer": u32(5) + b"\x01" + u32(3) + u32(9) + bytes([STATUS]) + u32(1) + u32(0),
    "half-a-packet": u32(5) + b"\x01" + u32(3) + u32(100) + b"abc",
    "nothing": b"",
}


def garbage(conf, to):
    for name, raw in GARBAGE.items():
        r = Raw(conf, to)
        try:
            r.send(raw)
            code, err = r.end()
        except (Closed, BrokenPipeError):
            r.ssh.stdin = None
            _, err = r.ssh.communicate(timeout=WAIT)
            code, err = r.ssh.returncode, err.decode(errors="replace")
        print(name, code, err.strip().replace("\n", " / "))


def names(r, args):
    """PATH: the names of a folder, as they come."""
    r.hello()
    kind, _, body = r.ask(OPENDIR, string(args[0]))
    h = body[4:]
    while True:
        kind, _, body = r.ask(READDIR, string(h))
        if kind != NAME:
            print("end", word(kind, body))
            break
        count, body = struct.unpack(">I", body[:4])[0], body[4:]
        for _ in range(count):
            n = struct.unpack(">I", body[:4])[0]
            name, body = body[4:4 + n], body[4 + n:]
            n = struct.unpack(">I", body[:4])[0]
            long, body = body[4:4 + n], body[4 + n:]
            flags = struct.unpack(">I", body[:4])[0]
            body = body[4 + (8 if flags & 1 else 0) + (8 if flags & 2 else 0) + (4 if flags & 4 else 0) + (8 if flags & 8 else 0):]
            print("name", name, long if len(args) > 1 else "")
    r.close(h)
    finish(r)


def windows(r, args):
    """PATH N: read from N handles on it, a few pieces of each, in turns; wait for a line; then close them all."""
    r.hello()
    n = int(args[1])
    open_ = [r.open(args[0], FOR_READ) for _ in range(n)]
    for o in range(0, 10 * 32768, 32768):
        for h in open_:
            r.pread(h, o, 32768)
    print("read", flush=True)
    sys.stdin.readline()
    print("closed", {r.close(h) for h in open_})
    finish(r)


def many(r, args):
    """PATH N: so many STATs without reading one answer, then all the answers."""
    r.hello()
    n = int(args[1])
    r.send(b"".join(r.packet(STAT, string(args[0])) for _ in range(n)))
    ok = sum(r.answer()[0] == ATTRS for _ in range(n))
    print("answers", ok)
    finish(r)


def greedy(r, args):
    """PATH MIB: ask for so much and read nothing until a file appears; then all of it."""
    r.hello()
    n = int(args[1]) * 32
    h = r.open(args[0], FOR_READ)
    packets = [r.packet(READ, string(h) + struct.pack(">QI", i * 32768, 32768)) for i in range(n)]
    os.set_blocking(r.ssh.stdin.fileno(), False)
    raw = b"".join(packets)
    sent, quiet = 0, time.monotonic()
    while sent < len(raw) and time.monotonic() - quiet < 2:
        try:
            sent += os.write(r.ssh.stdin.fileno(), raw[sent:sent + 65536])
            quiet = time.monotonic()
        except BlockingIOError:
            select.select([], [r.ssh.stdin], [], 0.1)
    print("stuffed", flush=True)
    sys.stdin.readline()
    r.send(raw[sent:])
    total = hashlib.sha256()
    for _ in range(n):
        kind, _, body = r.answer()
        if kind == DATA:
            total.update(body[4:])
    print("sha256", total.hexdigest())
    finish(r)


def scattered(r, args):
    """PATH FILE [SIZE]: write the file's content in pieces, in a random order."""
    content = open(args[1], "rb").read()
    size = int(args[2]) if len(args) > 2 else 3000
    r.hello()
    h = r.open(args[0], FOR_WRITE | CREAT | TRUNC)
    places = list(range(0, len(content), size))
    random.Random(3).shuffle(places)
    words = {r.pwrite(h, o, content[o:o + size]) for o in places}
    print("writes", *sorted(words), "close", r.close(h) if len(args) < 4 else "left open")
    finish(r)


def hole(r, args):
    """PATH: a word at the beginning of it, one far behind the first, one at the end of all numbers, one near."""
    r.hello()
    h = r.open(args[0], FOR_WRITE | CREAT | TRUNC)
    for name, at in ("first", 0), ("far", 1 << 40), ("last", (1 << 64) - 4), ("near", 1 << 20):
        print(name, r.pwrite(h, at, b"some words"))
    print("close", r.close(h))
    finish(r)


def two_writers(r, args):
    """PATH FILE: it up to the middle of a token by one handle, the rest by another on the same path."""
    content = open(args[1], "rb").read()
    half = content.index(b"gh" + b"p_") + 12
    r.hello()
    a = r.open(args[0], FOR_WRITE | CREAT | TRUNC)
    b = r.open(args[0], FOR_WRITE)
    print("first", r.pwrite(a, 0, content[:half]))
    print("second", b if isinstance(b, str) else r.pwrite(b, half, content[half:]))
    print("close", r.close(a))
    b = r.open(args[0], FOR_WRITE)
    print("again", b if isinstance(b, str) else r.close(b))
    finish(r)


def append_read(r, args):
    """PATH: one handle for both: what is written is read back, and then more of it."""
    r.hello()
    h = r.open(args[0], FOR_READ | FOR_WRITE | CREAT | TRUNC)
    print("write", r.pwrite(h, 0, b"hello "))
    print("read", r.pread(h, 0, 100))
    print("read", r.pread(h, 6, 100))
    print("write", r.pwrite(h, 6, b"world"))
    print("read", r.pread(h, 0, 100))
    print("close", r.close(h))
    finish(r)


def stat_between(r, args):
    """PATH FILE: its bytes in ten pieces, and after each the file is looked at, so that all of it has to be there."""
    content = open(args[1], "rb").read()
    r.hello()
    h = r.open(args[0], FOR_WRITE | CREAT | TRUNC)
    size = len(content) // 10 + 1
    words = set()
    for at in range(0, len(content), size):
        words.add(r.pwrite(h, at, content[at:at + size]))
        r.ask(FSTAT, string(h))
    print("writes", *sorted(words))
    print("close", r.close(h))
    finish(r)


COMMANDS = {"status": status, "orders": orders, "search": search, "put-split": put_split, "handles": handles,
            "unknown": unknown, "many": many, "names": names, "windows": windows, "greedy": greedy, "scattered": scattered,
            "append-read": append_read, "hole": hole, "two-writers": two_writers, "stat-between": stat_between}

if __name__ == "__main__":
    if sys.argv[1] == "garbage":
        garbage(sys.argv[2], sys.argv[3])
    else:
        COMMANDS[sys.argv[1]](Raw(sys.argv[2], sys.argv[3]), sys.argv[4:])
