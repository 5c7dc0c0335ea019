#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""badtarget: SSH servers that no decent machine would be. One function a misdeed; see WAYS at the end.

	badtarget.py --host-key FILE --ports FILE WAY..

Each WAY has a port of its own; FILE gets a line "WAY PORT" for each. What needs only bytes is made from a plain socket; what
needs a key exchange uses paramiko (python3-paramiko). Whoever comes with a public key is let in: what counts is what the
bastion does then.
"""

import argparse
import logging
import os
import random
import socket
import struct
import sys
import threading
import time

import paramiko
from paramiko.common import byte_chr

HELLO = b"SSH-2.0-badtarget\r\n"
NOISE = random.Random(2).randbytes(64 * 1024)
FLOOD = 100000  # that many of a kind


def string(s):
    return struct.pack(">I", len(s)) + s


def packet(payload):
    """One packet of the clear phase (RFC 4253 section 6)."""
    pad = 8 - (5 + len(payload)) % 8
    pad += 8 if pad < 4 else 0
    return struct.pack(">IB", 1 + len(payload) + pad, pad) + payload + bytes(pad)


def kexinit():
    names = [b"curve25519-sha256", b"ssh-ed25519"] + [b"aes256-ctr"] * 2 + [b"hmac-sha2-256"] * 2 + [b"none"] * 2 + [b""] * 2
    return b"\x14" + bytes(16) + b"".join(string(n) for n in names) + bytes(5)


def hold(s):
    """Until the other side has gone."""
    s.settimeout(120)
    try:
        while s.recv(65536):
            pass
    except OSError:
        pass


def endless(s, piece, pause=0.0):
    try:
        while True:
            s.sendall(piece)
            if pause:
                time.sleep(pause)
    except OSError:
        pass


# Before the key exchange: a socket

def silent(s):
    hold(s)


def close_at_once(s):
    pass


def banner_endless(s):
    endless(s, b"so much to say before the version line\r\n" * 100)


def banner_one_line(s):
    endless(s, b"x" * 4096)


def version_slow(s):
    endless(s, b"S", 0.1)


def version_then_noise(s):
    s.sendall(HELLO + NOISE)
    hold(s)


def version_then_nothing(s):
    s.sendall(HELLO)
    hold(s)


def version_then_close(s):
    s.sendall(HELLO)


def length_huge(s):
    s.sendall(HELLO + b"\xff\xff\xff\xff" + NOISE[:1024])
    hold(s)


def kexinit_then_nothing(s):
    s.sendall(HELLO + packet(kexinit()))
    hold(s)


def kexinit_then_close(s):
    s.sendall(HELLO + packet(kexinit()))


def kexinit_slow(s):
    s.sendall(HELLO)
    for byte in packet(kexinit()):
        s.sendall(bytes([byte]))
        time.sleep(0.1)


def kexinit_endless(s):
    s.sendall(HELLO)
    endless(s, packet(kexinit()))


def kex_reply_noise(s):
    s.sendall(HELLO + packet(kexinit()) + packet(b"\x1f" + string(NOISE[:51]) + string(NOISE[:32]) + string(NOISE[:83])))
    hold(s)


def ignore_endless_before_kex(s):
    s.sendall(HELLO)
    endless(s, packet(b"\x02" + string(b"x" * 30000)))


# After it: a transport in a thread, and a server that says yes

class Yes(paramiko.ServerInterface):
    def get_allowed_auths(self, username):
        return "publickey"

    def check_auth_publickey(self, username, key):
        return paramiko.AUTH_SUCCESSFUL

    def check_channel_request(self, kind, chanid):
        return paramiko.OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel, command):
        return True

    def check_channel_pty_request(self, *rest):
        return True

    def check_channel_env_request(self, *rest):
        return True


class No(Yes):
    def check_auth_publickey(self, username, key):
        return paramiko.AUTH_FAILED


class Partial(Yes):
    def check_auth_publickey(self, username, key):
        return paramiko.AUTH_PARTIALLY_SUCCESSFUL


class NoChannel(Yes):
    def check_channel_request(self, kind, chanid):
        return paramiko.OPEN_FAILED_RESOURCE_SHORTAGE


class NoExec(Yes):
    def check_channel_exec_request(self, channel, command):
        return False


def serve(s, server=None, before=None):
    """The transport, authenticated unless the server says no; before(t) changes it first."""
    t = paramiko.Transport(s)
    t.daemon = True
    t.add_server_key(HOST_KEY)
    if before:
        t._handler_table = dict(t._handler_table)
        t._channel_handler_table = dict(t._channel_handler_table)
        before(t)
    t.start_server(server=server or Yes())
    return t


def over(t):
    while t.is_active():
        time.sleep(0.02)


def wait_channel(t):
    """The channel whose command has been asked for."""
    c = t.accept(60)
    if c is None:
        sys.exit(0)
    return c


def message(number, *fields):
    m = paramiko.Message()
    m.add_byte(byte_chr(number))
    for f in fields:
        if isinstance(f, bool):
            m.add_boolean(f)
        elif isinstance(f, int):
            m.add_int(f)
        else:
            m.add_string(f)
    return m


def asked(t, c):
    """The exec request is answered by then: paramiko does so in its own thread, before it reads on."""
    while t.is_active() and not getattr(t, "was_asked", False):
        time.sleep(0.005)


def watch_exec(t):
    real = t._channel_handler_table[98]

    def request(chan, m):
        real(chan, m)
        t.was_asked = True

    t._channel_handler_table[98] = request


def ready(s, server=None, before=None):
    """A transport and its channel, whose command has been accepted."""
    def both(t):
        watch_exec(t)
        if before:
            before(t)

    t = serve(s, server, both)
    c = wait_channel(t)
    asked(t, c)
    return t, c


def ignore(number):
    def before(t):
        t._handler_table[number] = lambda self, m: None
        t._channel_handler_table[number] = lambda chan, m: None

    return before


def deaf(t):
    """Nothing is read from now on: the reading thread sleeps in a handler."""
    t.packetizer.read_message = lambda: time.sleep(1000)


def auth_never(s):
    class Never(Yes):
        def check_auth_publickey(self, username, key):
            time.sleep(1000)

    over(serve(s, Never()))


def auth_no(s):
    over(serve(s, No()))


def auth_partial(s):
    over(serve(s, Partial()))


def auth_then_close(s):
    t = serve(s)
    while t.is_active() and not t.is_authenticated():
        time.sleep(0.005)
    t.close()


def auth_banners(s):
    class Wordy(Yes):
        def check_auth_publickey(self, username, key):
            for _ in range(3000):
                TRANSPORTS[s]._send_message(message(53, b"y" * 30000, b""))
            return paramiko.AUTH_SUCCESSFUL

    TRANSPORTS[s] = None

    def keep(t):
        TRANSPORTS[s] = t

    t = serve(s, Wordy(), keep)
    watch_exec(t)
    c = wait_channel(t)
    asked(t, c)
    finish(t, c, 0)


TRANSPORTS = {}


def service_never(s):
    over(serve(s, None, ignore(5)))


def service_then_close(s):
    def before(t):
        t._handler_table[5] = lambda self, m: t.close()

    over(serve(s, None, before))


def noise_after_newkeys(s):
    t = serve(s)
    while t.is_active() and not t.initial_kex_done:
        time.sleep(0.005)
    try:
        s.sendall(NOISE)
    except OSError:
        pass
    over(t)


def open_never(s):
    over(serve(s, None, ignore(90)))


def open_no(s):
    over(serve(s, NoChannel()))


def open_then_close(s):
    t = serve(s)
    wait_channel(t)
    t.close()


def open_confirmed_wrongly(s):
    """Confirmations of channels that there are none of."""
    def before(t):
        def confirm(self, m):
            for n in (7, 4242, 0xFFFFFFFF):
                t._send_message(message(91, n, 0, 1 << 20, 32768))

        t._handler_table[90] = confirm

    over(serve(s, None, before))


def exec_never(s):
    over(serve(s, None, ignore(98)))


def exec_no(s):
    over(serve(s, NoExec()))


def exec_then_close(s):
    t, c = ready(s)
    t.close()


def exec_then_reset(s):
    t, c = ready(s)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()
    t.close()


def finish(t, c, status):
    c.send_exit_status(status)
    c.close()
    over(t)


def close_without_status(s):
    t, c = ready(s)
    c.sendall(b"some output\n")
    c.close()
    over(t)


def open_back(s):
    """Channels that only a client may open, and those of forwardings that nobody has asked for."""
    t, c = ready(s)
    kinds = {
        "session": b"",
        "direct-tcpip": string(b"127.0.0.1") + struct.pack(">I", 22) + string(b"127.0.0.1") + struct.pack(">I", 1),
        "forwarded-tcpip": string(b"127.0.0.1") + struct.pack(">I", 22) + string(b"127.0.0.1") + struct.pack(">I", 1),
        "x11": string(b"127.0.0.1") + struct.pack(">I", 1),
        "auth-agent@openssh.com": b"",
        "forwarded-streamlocal@openssh.com": string(b"/run/x") + string(b""),
        "tun@openssh.com": struct.pack(">II", 1, 0),
        "nothing@example.org": b"",
    }
    answers = []
    t._handler_table[91] = lambda self, m: answers.append("granted")
    t._handler_table[92] = lambda self, m: answers.append("refused")
    for i, (kind, rest) in enumerate(kinds.items()):
        m = message(90, kind, 1000 + i, 1 << 20, 32768)
        m.add_bytes(rest)
        t._send_message(m)
    end = time.monotonic() + 5
    while len(answers) < len(kinds) and time.monotonic() < end and t.is_active():
        time.sleep(0.01)
    c.sendall(("%d refused, %d granted\n" % (answers.count("refused"), answers.count("granted"))).encode())
    finish(t, c, 0)


def open_back_flood(s):
    t, c = ready(s)
    for i in range(FLOOD):
        m = message(90, "forwarded-tcpip", 1000 + i, 1 << 20, 32768)
        m.add_bytes(string(b"127.0.0.1") + struct.pack(">I", 22) + string(b"127.0.0.1") + struct.pack(">I", 1))
        t._send_message(m)
    c.sendall(b"after the flood\n")
    finish(t, c, 0)


def globals_flood(s):
    t, c = ready(s)
    for i in range(FLOOD):
        name = ("hostkeys-00@openssh.com", "keepalive@openssh.com", "nothing@example.org")[i % 3]
        t._send_message(message(80, name, i % 2 == 0))
    c.sendall(b"after the flood\n")
    finish(t, c, 0)


def forward_flood(s):
    """tcpip-forward is for clients to ask."""
    t, c = ready(s)
    for i in range(FLOOD):
        t._send_message(message(80, "tcpip-forward", i % 2 == 0, "127.0.0.1", 0))
    c.sendall(b"after the flood\n")
    finish(t, c, 0)


def requests_flood(s):
    t, c = ready(s)
    for i in range(FLOOD):
        t._send_user_message(message(98, c.remote_chanid, ("nothing@example.org", "exec", "env", "pty-req")[i % 4], i % 2 == 0, "x", "y"))
    c.sendall(b"after the flood\n")
    finish(t, c, 0)


def ask_and_not_read(s):
    """Everything asked wants an answer, and no answer is ever read."""
    t, c = ready(s)
    deaf(t)
    try:
        for _ in range(20 * FLOOD):
            t._send_message(message(80, "keepalive@openssh.com", True))
    except (OSError, EOFError, paramiko.SSHException):
        pass
    time.sleep(60)


def pings_and_not_read(s):
    t, c = ready(s)
    deaf(t)
    try:
        for _ in range(20 * FLOOD):
            t._send_message(message(192, "x"))
    except (OSError, EOFError, paramiko.SSHException):
        pass
    time.sleep(60)


def ignore_flood(s):
    t, c = ready(s)
    for _ in range(3000):
        t._send_message(message(2, b"x" * 30000))
        t._send_message(message(4, True, b"debug " * 1000, b""))
    c.sendall(b"after the flood\n")
    finish(t, c, 0)


def output_endless(s):
    t, c = ready(s)
    piece = bytes(32768)
    try:
        while t.is_active():
            c.sendall(piece)
    except OSError:
        pass


def errors_endless(s):
    t, c = ready(s)
    piece = b"e" * 32768
    try:
        while t.is_active():
            c.sendall_stderr(piece)
    except OSError:
        pass


def window_overrun(s):
    t, c = ready(s)
    c.out_window_size = 1 << 40
    piece = bytes(32768)
    try:
        while t.is_active():
            c.sendall(piece)
    except OSError:
        pass


def extended_unknown(s):
    """Data of a stream that nobody has a name for."""
    t, c = ready(s)
    for _ in range(100):
        t._send_user_message(message(95, c.remote_chanid, 7, b"z" * 1000))
    c.sendall(b"known\n")
    finish(t, c, 0)


def data_after_eof(s):
    t, c = ready(s)
    c.sendall(b"before\n")
    t._send_user_message(message(96, c.remote_chanid))
    for _ in range(50):
        t._send_user_message(message(94, c.remote_chanid, b"after eof\n"))
        t._send_user_message(message(95, c.remote_chanid, 1, b"after eof\n"))
    finish(t, c, 3)


def data_after_close(s):
    t, c = ready(s)
    c.sendall(b"before\n")
    number = c.remote_chanid
    t._send_user_message(message(98, number, "exit-status", False, 3))
    t._send_user_message(message(97, number))
    try:
        for _ in range(1000):
            t._send_user_message(message(94, number, b"after close\n"))
            t._send_user_message(message(96, number))
            t._send_user_message(message(98, number, "exit-status", False, 4))
            t._send_user_message(message(97, number))
    except (OSError, EOFError):
        pass
    over(t)


def data_elsewhere(s):
    """To channels that there are none of."""
    t, c = ready(s)
    try:
        for n in (c.remote_chanid + 1, 4242, 0xFFFFFFFF):
            for _ in range(100):
                t._send_user_message(message(94, n, b"nobody\n"))
                t._send_user_message(message(93, n, 1 << 20))
                t._send_user_message(message(98, n, "exit-status", False, 4))
                t._send_user_message(message(97, n))
        c.sendall(b"here\n")
    except (OSError, EOFError):
        pass
    finish(t, c, 0)


def status_twice(s):
    t, c = ready(s)
    for status in (3, 0, 255, 0xFFFFFFFF, 3):
        t._send_user_message(message(98, c.remote_chanid, "exit-status", True, status))
    c.close()
    over(t)


def status_and_signal(s):
    t, c = ready(s)
    t._send_user_message(message(98, c.remote_chanid, "exit-status", False, 3))
    t._send_user_message(message(98, c.remote_chanid, "exit-signal", False, b"KILL", False, b"", b""))
    c.close()
    over(t)


def signal_huge(s):
    t, c = ready(s)
    text = b"\x1b]0;owned\x07" * 3000
    t._send_user_message(message(98, c.remote_chanid, "exit-signal", False, b"\x1b[31mTERM\n" * 1000, True, text[:20000], b"en"))
    c.close()
    over(t)


def unasked_answers(s):
    t, c = ready(s)
    for _ in range(1000):
        t._send_user_message(message(99, c.remote_chanid))
        t._send_user_message(message(100, c.remote_chanid))
        t._send_message(message(81))
        t._send_message(message(82))
    c.sendall(b"known\n")
    finish(t, c, 0)


def window_none(s):
    """It never opens its window: what is sent to it stays with the sender."""
    def before(t):
        t.default_window_size = 0

    t, c = ready(s, None, before)
    over(t)


def window_byte(s):
    """One byte at a time."""
    def before(t):
        t.default_window_size = 1

    t, c = ready(s, None, before)
    got = 0
    while got < 500:
        data = c.recv(1)
        if not data:
            break
        got += len(data)
        t._send_user_message(message(93, c.remote_chanid, 1))
    c.sendall(b"%d bytes\n" % got)
    finish(t, c, 0)


def window_overflow(s):
    t, c = ready(s)
    for _ in range(50):
        t._send_user_message(message(93, c.remote_chanid, 0xFFFFFFFF))
    c.sendall(b"known\n")
    finish(t, c, 0)


def window_huge_deaf(s):
    """A window of 4 GB, and nothing is read."""
    t, c = ready(s)
    t._send_user_message(message(93, c.remote_chanid, 0xF0000000))
    deaf(t)
    time.sleep(120)


def packet_none(s):
    """A channel that takes packets of no byte."""
    def before(t):
        def confirm(self, m):
            m.get_text()
            number = m.get_int()
            t._send_message(message(91, number, 0, 1 << 20, 0))

        def request(self, m):
            number = m.get_int()
            if m.get_text() == "exec":
                t._send_message(message(99, 0))

        t._handler_table[90] = confirm
        t._handler_table[98] = request

    over(serve(s, None, before))


def rekey_endless(s):
    t, c = ready(s)
    for _ in range(100):
        try:
            t.renegotiate_keys()
        except (paramiko.SSHException, EOFError, OSError):
            return
    c.sendall(b"still here\n")
    finish(t, c, 0)


def rekey_unfinished(s):
    """Keys are to be exchanged anew, and then nothing more is said."""
    t, c = ready(s)
    c.sendall(b"before\n")
    t._send_kex_init()
    deaf(t)
    time.sleep(120)


def rekey_and_pings(s):
    """Keys are to be exchanged anew; instead come pings, and nothing is read."""
    t, c = ready(s)
    t._send_kex_init()
    deaf(t)
    try:
        for _ in range(20 * FLOOD):
            t.packetizer.send_message(message(192, "x"))
    except (OSError, EOFError, paramiko.SSHException):
        pass
    time.sleep(60)


def disconnect_wordy(s):
    t, c = ready(s)
    t._send_message(message(1, 2, b"\x1b]52;c;ZXZpbA==\x07go away\n" * 500, b"en"))
    over(t)


PLAIN = [silent, close_at_once, banner_endless, banner_one_line, version_slow, version_then_noise, version_then_nothing,
         version_then_close, length_huge, kexinit_then_nothing, kexinit_then_close, kexinit_slow, kexinit_endless,
         kex_reply_noise, ignore_endless_before_kex]
SPEAKING = [auth_never, auth_no, auth_partial, auth_then_close, auth_banners, service_never, service_then_close,
            noise_after_newkeys, open_never, open_no, open_then_close, open_confirmed_wrongly, exec_never, exec_no,
            exec_then_close, exec_then_reset, close_without_status, open_back, open_back_flood, globals_flood, forward_flood,
            requests_flood, ask_and_not_read, pings_and_not_read, ignore_flood, output_endless, errors_endless, window_overrun,
            extended_unknown, data_after_eof, data_after_close, data_elsewhere, status_twice, status_and_signal, signal_huge,
            unasked_answers, window_none, window_byte, window_overflow, window_huge_deaf, packet_none, rekey_endless,
            rekey_unfinished, rekey_and_pings, disconnect_wordy]
WAYS = {f.__name__: f for f in PLAIN + SPEAKING}
HOST_KEY = None


def one(way, s):
    try:
        way(s)
    except (paramiko.SSHException, EOFError, OSError):
        pass
    finally:
        s.close()


def listen(way, listener):
    while True:
        s, _ = listener.accept()
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=one, args=(way, s), daemon=True).start()


def main():
    global HOST_KEY
    p = argparse.ArgumentParser()
    p.add_argument("--host-key", required=True)
    p.add_argument("--ports", required=True)
    p.add_argument("ways", nargs="+", choices=sorted(WAYS), metavar="WAY")
    a = p.parse_args()
    logging.getLogger("paramiko").addHandler(logging.NullHandler())
    HOST_KEY = paramiko.Ed25519Key.from_private_key_file(a.host_key)
    with open(a.ports + ".new", "w") as f:
        for name in a.ways:
            listener = socket.create_server(("127.0.0.1", 0), backlog=32)
            f.write("%s %d\n" % (name, listener.getsockname()[1]))
            threading.Thread(target=listen, args=(WAYS[name], listener), daemon=True).start()
    os.rename(a.ports + ".new", a.ports)
    while True:
        time.sleep(1000)


if __name__ == "__main__":
    sys.exit(main())
