#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""badclient: SSH clients that no decent program would be. One function a sub-command; see COMMANDS at the end.

What needs only bytes is made from a plain socket; what needs a key exchange uses paramiko (python3-paramiko).
Every sub-command prints one line a fact, for the shell to look at, and ends 0 when it could do what it is for.
"""

import argparse
import os
import random
import selectors
import signal
import socket
import struct
import sys
import time

WAIT = 20.0  # no answer of a bastion on the same machine takes this long


def dial(port, room=0, source=None):
    """room: how much the kernel takes for us before we read; it has to be known before the connection is made.

    Small segments keep the other side's kernel from taking much, too: a blocking write there would block.
    source: the address to come from.
    """
    s = socket.socket()
    if source:
        s.bind((source, 0))
    if room:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
    s.settimeout(WAIT)
    s.connect(("127.0.0.1", port))
    return s


def until_closed(sock, seconds):
    """True when the peer closes within that time, whatever it says before."""
    end = time.monotonic() + seconds
    try:
        while time.monotonic() < end:
            sock.settimeout(max(0.01, end - time.monotonic()))
            if not sock.recv(65536):
                return True
    except socket.timeout:
        return False
    except OSError:
        return True
    return False


# Before the key exchange: raw bytes


def packet(payload):
    """One packet of the clear phase (RFC 4253 section 6)."""
    pad = 8 - (5 + len(payload)) % 8
    pad += 8 if pad < 4 else 0
    return struct.pack(">IB", 1 + len(payload) + pad, pad) + payload + bytes(pad)


def string(s):
    return struct.pack(">I", len(s)) + s


HELLO = b"SSH-2.0-badclient\r\n"
NOISE = random.Random(1).randbytes(64 * 1024)

def names(*words):
    return string(",".join(words).encode())


def kexinit(*more_kex):
    """An offer that the bastion can take, with more words among the methods of key exchange."""
    cipher, mac = names("aes256-ctr"), names("hmac-sha2-256")
    return packet(
        b"\x14" + NOISE[:16] + names("curve25519-sha256", *more_kex) + names("ssh-ed25519") + cipher * 2 + mac * 2
        + names("none") * 2 + string(b"") * 2 + b"\x00" + bytes(4)
    )


STRICT = "kex-strict-c-v00@openssh.com"
SESSION = string(b"session") + struct.pack(">III", 0, 1 << 20, 32768)
IGNORE = packet(b"\x02" + string(b"nothing"))
# A whole exchange with a public value that is one; what was wrong before it must show by its end.
FINISH = packet(b"\x1e" + string(b"\x09" + bytes(31))) + packet(b"\x15")

# What is sent instead of a key exchange, by name.
BYTES = {
    "http": b"GET / HTTP/1.1\r\nHost: bastion\r\n\r\n",
    "tls": bytes.fromhex("160301020001000100") + NOISE[:512],
    "noise": b"\x00" + NOISE,
    "ssh-1": b"SSH-1.5-badclient\r\n",
    "banner-without-end": b"SSH-2.0-" + b"A" * 300000,
    "banner-of-zeros": b"SSH-2.0-" + bytes(255) + b"\r\n",
    "length-huge": HELLO + b"\xff\xff\xff\xff" + NOISE[:64],
    "length-300k": HELLO + struct.pack(">IB", 300000, 4) + bytes(300000),
    "length-zero": HELLO + bytes(64),
    "length-odd": HELLO + struct.pack(">IB", 13, 4) + bytes(64),
    "padding-over-length": HELLO + struct.pack(">IB", 28, 255) + bytes(64),
    "noise-after-banner": HELLO + NOISE,
    "userauth-first": HELLO
    + packet(b"\x32" + string(b"root") + string(b"ssh-connection") + string(b"none")),
    "userauth-success-first": HELLO + packet(b"\x34"),
    "channel-open-first": HELLO
    + packet(b"\x5a" + string(b"session") + struct.pack(">III", 0, 1 << 20, 32768)),
    "global-request-first": HELLO + packet(b"\x50" + string(b"tcpip-forward") + b"\x01"),
    "channel-request-first": HELLO
    + packet(b"\x62" + bytes(4) + string(b"exec") + b"\x01" + string(b"id")),
    "newkeys-first": HELLO + packet(b"\x15"),
    "kexinit-cut": HELLO + packet(b"\x14" + bytes(16) + struct.pack(">I", 0xFFFFFFF0)),
    "kexinit-no-common": HELLO
    + packet(b"\x14" + bytes(16) + string(b"x") * 10 + b"\x00" + bytes(4)),
    "message-0": HELLO + packet(b"\x00"),
    "message-255": HELLO + packet(b"\xff" * 64),
    "kexinit-twice": HELLO + kexinit() * 2,
    "kexinit-flood": HELLO + kexinit() * 2000,
    "strict-clean": HELLO + kexinit(STRICT) + FINISH,
    "strict-ignore-first": HELLO + IGNORE + kexinit(STRICT) + FINISH,
    "strict-ignore": HELLO + kexinit(STRICT) + IGNORE + FINISH,
    "strict-debug": HELLO + kexinit(STRICT) + packet(b"\x04\x00" + string(b"x") * 2) + FINISH,
    "strict-unimplemented": HELLO + kexinit(STRICT) + packet(b"\x03" + bytes(4)) + FINISH,
    "strict-ext-info": HELLO + kexinit(STRICT) + packet(b"\x07" + bytes(4)),
    "strict-unknown": HELLO + kexinit(STRICT) + packet(b"\xc0" + string(b"x")) + FINISH,
    "midkex-userauth-success": HELLO + kexinit() + packet(b"\x34"),
    "midkex-userauth": HELLO + kexinit() + packet(b"\x32" + string(b"root") + string(b"ssh-connection") + string(b"none")),
    "midkex-global-request": HELLO + kexinit() + packet(b"\x50" + string(b"tcpip-forward") + b"\x01"),
    "midkex-channel-open": HELLO + kexinit() + packet(b"\x5a" + SESSION),
    "midkex-channel-request": HELLO + kexinit() + packet(b"\x62" + bytes(4) + string(b"exec") + b"\x01" + string(b"id")),
    "midkex-newkeys": HELLO + kexinit() + packet(b"\x15"),
    "ecdh-empty": HELLO + kexinit() + packet(b"\x1e" + string(b"")),
    "ecdh-short": HELLO + kexinit() + packet(b"\x1e" + string(bytes(5))),
    "ecdh-zero": HELLO + kexinit() + packet(b"\x1e" + string(bytes(32))),
    "ecdh-long": HELLO + kexinit() + packet(b"\x1e" + string(bytes(20000))),
    "ecdh-length-lies": HELLO + kexinit() + packet(b"\x1e" + struct.pack(">I", 0xFFFFFFF0) + bytes(32)),
    "disconnect": HELLO + packet(b"\x01" + struct.pack(">I", 11) + string(b"x" * 1000) + string(b"")),
}


def cmd_bytes(a):
    """Each of BYTES on a connection of its own; which ones the bastion did not close by itself?"""
    for name, data in BYTES.items():
        s = dial(a.port)
        try:
            s.sendall(data)
        except OSError:
            pass  # closed while we were at it
        print(name, "closed" if until_closed(s, a.seconds) else "open", flush=True)
        s.close()
    return 0


def cmd_silent(a):
    """COUNT connections that say nothing (HEADER hello: no more than a banner), from SOURCES addresses in turn. Prints
    ready, and how many are left at the end."""
    sel = selectors.DefaultSelector()
    for i in range(a.count):
        source = f"127.1.{i % a.sources // 250}.{i % a.sources % 250 + 1}" if a.sources else a.source
        s = dial(a.port, source=source)
        if a.header == "hello":
            s.sendall(HELLO)
        sel.register(s, selectors.EVENT_READ)
    print("ready", flush=True)
    left = a.count
    end = time.monotonic() + a.seconds
    while left and time.monotonic() < end:
        for key, _ in sel.select(0.2):
            try:
                if key.fileobj.recv(4096):
                    continue
            except OSError:
                pass
            sel.unregister(key.fileobj)
            key.fileobj.close()
            left -= 1
    print("left", left, flush=True)
    return 0


def cmd_drip(a):
    """One byte every 0.2 s, for ever. Prints the milliseconds until it was cut off."""
    s = dial(a.port)
    start = time.monotonic()
    text = b"SSH-2.0-" + b"drip" * 1000
    for i in range(int(a.seconds / 0.2)):
        try:
            s.sendall(text[i : i + 1])
        except OSError:
            break
        if until_closed(s, 0.2):
            break
    else:
        print("never")
        return 1
    print("ms", int((time.monotonic() - start) * 1000))
    return 0


def cmd_knock(a):
    """COUNT connections, one after the other, that are closed at once."""
    for _ in range(a.count):
        s = dial(a.port, source=a.source)
        s.sendall(b"GET / HTTP/1.0\r\n\r\n")
        until_closed(s, a.seconds)
        s.close()
    return 0


# A load balancer's word before the SSH: the PROXY protocol


def proxy_v1(client, words=None):
    family = "TCP6" if ":" in client else "TCP4"
    return (words or f"PROXY {family} {client} {client} 40000 22").encode() + b"\r\n"


def proxy_v2(client, command=0x21, family=None, more=b"", length=None, addresses=None):
    v6 = ":" in client
    if addresses is None:
        addresses = socket.inet_pton(socket.AF_INET6 if v6 else socket.AF_INET, client) * 2 + struct.pack(">HH", 40000, 22)
    if family is None:
        family = 0x21 if v6 else 0x11
    body = addresses + more
    size = len(body) if length is None else length
    return b"\r\n\r\n\0\r\nQUIT\n" + struct.pack(">BBH", command, family, size) + body


def proxy_header(name, client):
    v1, v2 = proxy_v1(client), proxy_v2(client)
    return {
        "none": b"",
        "v1": v1,
        "v1-dribble": v1,
        "v1-silent": v1,
        "v1-cut": v1[:20],
        "v1-twice": v1 + v1,
        "v1-unknown": proxy_v1(client, "PROXY UNKNOWN some words"),
        "v1-long": proxy_v1(client, "PROXY UNKNOWN " + "x" * 200),
        "v1-port": proxy_v1(client, f"PROXY TCP4 {client} {client} 65536 22"),
        "v1-name": proxy_v1(client, f"PROXY TCP4 localhost {client} 1 22"),
        "v1-lf": v1[:-2] + b"\n",
        "v2": v2,
        "v2-dribble": v2,
        "v2-twice": v2 + v2,
        "v2-tlv": proxy_v2(client, more=b"\x04\x00\x08" + b"whatever"),
        "v2-local": proxy_v2(client, command=0x20),
        "v2-unspec": proxy_v2(client, family=0, addresses=b""),
        "v2-unix": proxy_v2(client, family=0x31, addresses=bytes(216)),
        "v2-long": proxy_v2(client, more=bytes(1000)),
        "v2-short": proxy_v2(client, family=0x21),
        "v2-command": proxy_v2(client, command=0x22),
        "v2-family": proxy_v2(client, family=0x12),
        "v2-signature": v2[:11] + b"\r" + v2[12:],
    }[name]


def cmd_proxy(a):
    """A connection from SOURCE that begins with HEADER and, unless it is v1-cut or v1-silent, a banner. Prints whether the
    bastion closed it; with COUNT, how many of so many it did not close."""
    data = proxy_header(a.header, a.client)
    if a.header not in ("v1-cut", "v1-silent"):
        data += HELLO
    all_of_them = [dial(a.port, source=a.source) for _ in range(a.count)]
    for s in all_of_them:
        try:
            s.sendall(data)
        except OSError:
            pass
    if a.count > 1:
        left = 0
        for s in all_of_them:
            end = time.monotonic() + a.seconds
            left += not until_closed(s, min(a.seconds, max(0.1, end - time.monotonic())))
        print("left", left)
    else:
        print(a.header, "closed" if until_closed(all_of_them[0], a.seconds) else "open")
    return 0


def cmd_via(a):
    """A ProxyCommand: a balancer at SOURCE that sends HEADER for CLIENT and then passes on what comes."""
    s = dial(a.port, source=a.source)
    data = proxy_header(a.header, a.client)
    if a.header.endswith("-dribble"):
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for i in range(len(data)):
            s.sendall(data[i : i + 1])
            time.sleep(0.005)
    else:
        s.sendall(data)
    s.settimeout(None)
    sel = selectors.DefaultSelector()
    sel.register(s, selectors.EVENT_READ)
    sel.register(0, selectors.EVENT_READ)
    while True:
        for key, _ in sel.select():
            try:
                piece = s.recv(65536) if key.fileobj is s else os.read(0, 65536)
            except OSError:
                return 0
            if not piece:
                return 0
            if key.fileobj is s:
                os.write(1, piece)
            else:
                s.sendall(piece)


# After the key exchange: paramiko


def transport(a):
    import logging

    import paramiko

    logging.getLogger("paramiko").addHandler(logging.NullHandler())
    t = paramiko.Transport(dial(a.port, a.room))
    t.daemon = True
    t.start_client(timeout=WAIT)
    return t


def load_key(a):
    import paramiko

    key = paramiko.Ed25519Key.from_private_key_file(a.key)
    if os.path.exists(a.key + "-cert.pub"):
        key.load_certificate(a.key + "-cert.pub")
    return key


def login(a):
    t = transport(a)
    t.auth_publickey(a.user, load_key(a))
    return t


def until_dead(t, seconds):
    end = time.monotonic() + seconds
    while t.is_active() and time.monotonic() < end:
        time.sleep(0.01)
    return not t.is_active()


def spoiled(key):
    """The same key, whose signatures are wrong."""

    class Spoiled(type(key)):
        def sign_ssh_data(self, data, algorithm=None):
            m = super().sign_ssh_data(data + b"!", algorithm)
            return m

    key.__class__ = Spoiled
    return key


def cmd_tries(a):
    """Authenticate COUNT times by METHOD on one connection. Prints how many were answered, and how it ended."""
    import paramiko

    t = transport(a)
    t.auth_timeout = a.seconds
    key = load_key(a) if a.key else None
    ways = {
        "publickey": lambda: t.auth_publickey(a.user, key),
        "password": lambda: t.auth_password(a.user, "hunter2", fallback=False),
        "none": lambda: t.auth_none(a.user),
        "keyboard-interactive": lambda: t.auth_interactive(a.user, lambda *_: []),
        "bad-signature": lambda: t.auth_publickey(a.user, spoiled(key)),
    }
    answered = 0
    start = time.monotonic()
    try:
        while answered < a.count:
            try:
                ways[a.method]()
                print("let-in")
                return 1
            except paramiko.AuthenticationException:
                if not t.is_active():
                    break
            answered += 1
    except (paramiko.SSHException, EOFError, OSError):
        pass
    print("answered", answered)
    print("end", "cut" if until_dead(t, a.seconds) else "open")
    print("ms", int((time.monotonic() - start) * 1000))
    t.close()
    return 0


def cmd_preauth(a):
    """After the key exchange and before authentication: messages of later phases, then a channel all the same."""
    import paramiko

    bodies = {
        52: b"",
        80: string(b"tcpip-forward") + b"\x01" + string(b"") + struct.pack(">I", 0),
        90: string(b"session") + struct.pack(">III", 0, 1 << 20, 32768),
        91: struct.pack(">IIII", 0, 0, 1 << 20, 32768),
        93: struct.pack(">II", 0, 1 << 20),
        94: struct.pack(">I", 0) + string(b"x"),
        97: struct.pack(">I", 0),
        98: struct.pack(">I", 0) + string(b"exec") + b"\x01" + string(b"id"),
    }
    for number, body in bodies.items():
        t = transport(a)
        m = paramiko.Message()
        m.add_byte(bytes([number]))
        m.add_bytes(body)
        try:
            t._send_message(m)
            c = t.open_session(timeout=a.seconds)
            c.exec_command("id")
            print(number, "channel")
        except (paramiko.SSHException, EOFError, OSError):
            print(number, "closed" if not t.is_active() else "open")
        t.close()
    return 0


# Strange names, terminals, environments: what a policy or a target would trip over


def strange(a, words):
    """A word of the command line, with \\xNN for bytes that it cannot hold, and {N} for so many letters."""
    text = words.encode().decode("unicode_escape").encode("latin-1")
    while b"{" in text:
        before, _, rest = text.partition(b"{")
        count, _, after = rest.partition(b"}")
        text = before + b"a" * int(count) + after
    return text


def run_command(t, command, prepare=None):
    """One exec on a new channel: its status (-1: none), and what it printed."""
    c = t.open_session(timeout=WAIT)
    if prepare:
        prepare(c)
    c.settimeout(WAIT)
    c.exec_command(command)
    out, err = b"", b""
    while True:
        piece = c.recv(65536)
        if not piece:
            break
        out += piece
    while True:
        piece = c.recv_stderr(65536)
        if not piece:
            break
        err += piece
    return c.recv_exit_status(), out, err


def cmd_user(a):
    """Log in as USER (see strange), run COMMAND. Prints let-in or not, the status, and what was said, as Python writes it."""
    import paramiko

    t = transport(a)
    user = strange(a, a.user)
    banner = b""
    try:
        t.auth_publickey(user.decode("latin-1") if user.isascii() else user, load_key(a))
        print("let-in")
        status, out, err = run_command(t, a.command)
        print("status", status)
        print("out", ascii(out.decode("latin-1")))
        print("err", ascii(err.decode("latin-1")))
    except (paramiko.SSHException, EOFError, OSError) as e:
        banner = t.get_banner() or b""
        print("not-let-in", type(e).__name__)
    print("banner", ascii(banner.decode("latin-1")))
    t.close()
    return 0


def channel_request(t, c, kind, body, reply=False):
    import paramiko

    m = paramiko.Message()
    m.add_byte(b"\x62")
    m.add_int(c.remote_chanid)
    m.add_string(kind)
    m.add_boolean(reply)
    m.add_bytes(body)
    t._send_user_message(m)


TERMINALS = {
    "plain": (b"xterm", 80, 24, b"\x00"),
    "zero": (b"xterm", 0, 0, b"\x00"),
    "huge": (b"xterm", 0xFFFFFFFF, 0xFFFFFFFF, b"\x00"),
    "name-64k": (b"x" * 65536, 80, 24, b"\x00"),
    "name-empty": (b"", 80, 24, b"\x00"),
    "name-escapes": (b"\x1b]0;owned\x07\x1b[2J", 80, 24, b"\x00"),
    "name-nul": (b"xterm\x00evil", 80, 24, b"\x00"),
    "modes-cut": (b"xterm", 80, 24, b"\x80\x00"),
    "modes-unknown": (b"xterm", 80, 24, bytes([99, 0, 0, 0, 1, 200]) * 20),
    "modes-long": (b"xterm", 80, 24, b"\x01\xff\xff\xff\xff" * 6000),
    "modes-none": (b"xterm", 80, 24, b""),
}


def cmd_terminal(a):
    """Ask for each of TERMINALS on a channel of its own and run COMMAND there; then COUNT changes of size at once."""
    t = login(a)
    for name, (term, cols, rows, modes) in TERMINALS.items():
        def ask(c, body=string(term) + struct.pack(">IIII", cols, rows, 0, 0) + string(modes)):
            channel_request(t, c, "pty-req", body)

        status, out, _ = run_command(t, a.command, ask)
        print(name, status, ascii(out.decode("latin-1").strip()), flush=True)

    def storm(c):
        channel_request(t, c, "pty-req", string(b"xterm") + struct.pack(">IIII", 80, 24, 0, 0) + string(b"\x00"))
        for i in range(a.count):
            size = (i * 2654435761) & 0xFFFFFFFF if i % 3 else i % 500
            channel_request(t, c, "window-change", struct.pack(">IIII", size, size, i, i))
        channel_request(t, c, "window-change", struct.pack(">IIII", 132, 43, 0, 0))

    status, out, _ = run_command(t, a.command, storm)
    print("storm", status, ascii(out.decode("latin-1").strip()))
    print("alive", "yes" if t.is_active() else "no")
    t.close()
    return 0


def cmd_environment(a):
    """COUNT variables on one channel, and some whose names are none; then COMMAND. Prints its status and its output."""
    t = login(a)

    def send(c):
        for name in (b"", b"=", b"LC_A=B", b"=LC_B", b"LC_NUL\x00LD_PRELOAD", b"LC_" + b"x" * 60000, b"LC_\x1b[2J", b"LD_PRELOAD",
                     b"LC_*", b"PATH", b"BASH_ENV", b"SSH_ORIGINAL_COMMAND", b"SALLYPORT_SESSION"):
            channel_request(t, c, "env", string(name) + string(b"value-of-the-attacker"))
        channel_request(t, c, "env", string(b"LC_BIG") + string(b"y" * 60000))
        for i in range(a.count):
            channel_request(t, c, "env", string(b"LC_%d" % i) + string(b"v"))

    status, out, err = run_command(t, a.command, send)
    print("status", status)
    print("err", ascii(err.decode("latin-1")))
    sys.stdout.flush()
    os.write(1, out)
    print("alive", "yes" if t.is_active() else "no")
    t.close()
    return 0


def cmd_borrowed(a):
    """The certificate of KEY, and signatures by OTHER: whose key is proven? Prints let-in, or how it ended."""
    import paramiko

    key = paramiko.Ed25519Key.from_private_key_file(a.other)
    key.load_certificate(a.key + "-cert.pub")
    t = transport(a)
    t.auth_timeout = a.seconds
    try:
        t.auth_publickey(a.user, key)
        print("let-in")
    except (paramiko.SSHException, EOFError, OSError) as e:
        print("not-let-in", type(e).__name__)
    t.close()
    return 0


def cmd_overrun(a):
    """Send BYTES on one channel whatever the window says. Prints how many went, and whether we were cut off."""
    t = login(a)
    c = t.open_session()
    c.exec_command(a.command)
    while a.go and not os.path.exists(a.go):
        time.sleep(0.01)
    c.out_window_size = 1 << 31
    sent = 0
    piece = bytes(32768)
    try:
        while sent < a.bytes and t.is_active():
            sent += c.send(piece)
    except (OSError, EOFError):
        pass
    print("sent", sent, flush=True)
    print("end", "cut" if until_dead(t, a.seconds) else "open", flush=True)
    t.close()
    return 0


def cmd_greedy(a):
    """A window of 2 GB on a channel whose output we never read: once the command runs, this process stops itself."""
    t = login(a)
    c = t.open_session(window_size=0x7FFFFFFF)
    c.exec_command(a.command)
    print("running", flush=True)
    os.kill(os.getpid(), signal.SIGSTOP)
    n = 0
    while True:
        data = c.recv(1 << 20)
        if not data:
            break
        n += len(data)
    print("got", n, flush=True)
    return 0


def cmd_forwards(a):
    """COUNT direct-tcpip channels to where none may go. Prints how many were refused."""
    import paramiko

    t = login(a)
    refused = 0
    for _ in range(a.count):
        try:
            t.open_channel("direct-tcpip", ("203.0.113.1", 80), ("127.0.0.1", 1), timeout=WAIT)
        except paramiko.ChannelException:
            refused += 1
    print("refused", refused)
    t.close()
    return 0


def cmd_jumps(a):
    """COUNT direct-tcpip channels to web1:22 (ssh -J), one after the other. Prints how many were greeted there, and of the
    others how many ended without a word."""
    import paramiko

    t = login(a)
    greeted = refused = 0
    for _ in range(a.count):
        try:
            c = t.open_channel("direct-tcpip", ("web1", 22), ("127.0.0.1", 1), timeout=WAIT)
            c.settimeout(WAIT)
            if c.recv(4) == b"SSH-":
                greeted += 1
            else:
                refused += 1
            c.close()
        except paramiko.SSHException:  # closed before open_channel() came to look at it
            if not t.is_active():
                raise
            refused += 1
    print("greeted", greeted)
    print("refused", refused)
    t.close()
    return 0


def cmd_crowd(a):
    """COUNT connections, sixteen at a time, that authenticate by METHOD (publickey, bad-signature). Prints how many were let in."""
    from concurrent.futures import ThreadPoolExecutor

    def one(_):
        try:
            t = transport(a)
            t.auth_timeout = a.seconds
            key = load_key(a)
            t.auth_publickey(a.user, spoiled(key) if a.method == "bad-signature" else key)
            t.close()
            return 1
        except Exception:  # whatever it was: not let in
            return 0

    with ThreadPoolExecutor(16) as pool:
        print("let in", sum(pool.map(one, range(a.count))), "of", a.count)
    return 0


def cmd_stall(a):
    """A 2 GB window, and a key exchange that somebody (we, with --method begin) begins and that never goes on: what the other side says has to wait with it."""
    t = login(a)
    t._handler_table = {**t._handler_table, 20: lambda self, m: print("stalled", flush=True)}  # their KEXINIT
    c = t.open_session(window_size=0x7FFFFFFF)
    c.exec_command(a.command)
    c.recv(1)
    if a.method == "begin":
        t._send_kex_init()
    else:
        print("up", flush=True)
        while True:  # reads on, and has no ear for a new key exchange
            c.recv(1 << 20)
    signal.pause()
    return 0


def cmd_linger(a):
    """Open a channel, ask for nothing on it, and stay. Prints whether the connection was ended."""
    t = login(a)
    c = t.open_session(timeout=WAIT)
    print("ended", "yes" if until_dead(t, a.seconds) else "no", "closed" if c.closed else "open", flush=True)
    t.close()
    return 0


def cmd_channels(a):
    """Open channels until one is refused (COUNT at most), each with COMMAND running. Prints how many there were."""
    import paramiko

    t = login(a)
    open_ones = []
    try:
        while len(open_ones) < a.count:
            c = t.open_session(timeout=a.seconds)
            if a.command:
                c.exec_command(a.command)
            open_ones.append(c)
    except paramiko.SSHException:
        pass
    print("channels", len(open_ones), flush=True)
    print("alive", "yes" if t.is_active() else "no", flush=True)
    if open_ones:
        open_ones.pop().close()
        again = "no"
        end = time.monotonic() + a.seconds
        while again == "no" and time.monotonic() < end:  # what ran on it is being sealed
            try:
                t.open_session(timeout=a.seconds)
                again = "yes"
            except paramiko.SSHException:
                time.sleep(0.05)
        print("again", again)
    t.close()
    return 0


def cmd_storm(a):
    """COUNT times: some channels opened at once, some written to, some closed in the middle, requests out of order."""
    import paramiko

    t = login(a)
    rnd = random.Random(a.count)
    done = 0
    for _ in range(a.count):
        some = []
        for i in range(8):
            try:
                c = t.open_session(timeout=a.seconds)
            except paramiko.SSHException:
                continue
            some.append(c)
            if i % 4 != 3:
                c.exec_command(a.command)
        for c in some:
            try:
                if rnd.random() < 0.5:
                    c.send(b"x" * rnd.randrange(1, 60000))
                if rnd.random() < 0.3:
                    c.shutdown_write()
                if rnd.random() < 0.3:
                    m = paramiko.Message()  # a second request on a channel that has one
                    m.add_byte(b"\x62")
                    m.add_int(c.remote_chanid)
                    m.add_string("exec")
                    m.add_boolean(False)
                    m.add_string("id")
                    t._send_user_message(m)
                if rnd.random() < 0.6:
                    c.close()
            except OSError:
                pass
        for c in some:
            c.close()
        done += 1
        if not t.is_active():
            break
    print("rounds", done)
    print("alive", "yes" if t.is_active() else "no")
    t.close()
    return 0


def cmd_halves(a):
    """A decent client, for once, but one that shows when each half of a channel ends (stock ssh keeps its output open)."""
    t = login(a)
    c = t.open_session(timeout=WAIT)
    c.exec_command(a.command)
    c.settimeout(WAIT)
    while c.recv(4096):
        pass
    print("output ended", "with" if c.exit_status_ready() else "before", "the command")
    c.sendall(b"more\n")
    print("status", c.recv_exit_status())
    t.close()
    return 0


COMMANDS = {
    "bytes": cmd_bytes,
    "silent": cmd_silent,
    "user": cmd_user,
    "terminal": cmd_terminal,
    "environment": cmd_environment,
    "borrowed": cmd_borrowed,
    "knock": cmd_knock,
    "proxy": cmd_proxy,
    "via": cmd_via,
    "drip": cmd_drip,
    "tries": cmd_tries,
    "preauth": cmd_preauth,
    "overrun": cmd_overrun,
    "greedy": cmd_greedy,
    "jumps": cmd_jumps,
    "linger": cmd_linger,
    "channels": cmd_channels,
    "storm": cmd_storm,
    "halves": cmd_halves,
    "stall": cmd_stall,
    "crowd": cmd_crowd,
    "forwards": cmd_forwards,
}


def main():
    p = argparse.ArgumentParser()
    p.add_argument("what", choices=sorted(COMMANDS))
    p.add_argument("--port", type=int, required=True)
    p.add_argument("--user", default="root")
    p.add_argument("--key", help="private key; KEY-cert.pub beside it is its certificate")
    p.add_argument("--command", default="")
    p.add_argument("--method", default="publickey")
    p.add_argument("--count", type=int, default=1)
    p.add_argument("--bytes", type=int, default=0)
    p.add_argument("--sources", type=int, default=0, help="addresses to come from; 0: the usual one")
    p.add_argument("--other", help="borrowed: the private key that signs")
    p.add_argument("--source", help="the address to come from")
    p.add_argument("--header", default="none", help="proxy, via: see proxy_header")
    p.add_argument("--client", default="192.0.2.1", help="proxy, via: whom the header names")
    p.add_argument("--go", help="a file to wait for before doing harm")
    p.add_argument("--room", type=int, default=0, help="SO_RCVBUF")
    p.add_argument("--seconds", type=float, default=WAIT)
    a = p.parse_args()
    return COMMANDS[a.what](a)


if __name__ == "__main__":
    sys.exit(main())
