#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""wire: a client that tells what comes over the wire, message by message. Needs python3-paramiko.

	wire.py --port PORT --user LOGIN@TARGET --key FILE [--window N] [--packet N] STEP..

One channel is opened, the steps are done in turn, and what the server says of the channel is printed one message a line, in its
order, until the channel is closed both ways: "success", "failure", "out N", "err N", "status N", "signal NAME", "eof",
"close", "request NAME" (anything else that it asks), "global NAME", "open TYPE". Runs of out or of err are one line.

	pty=COLSxROWS	resize=COLSxROWS	env=NAME=VALUE	exec=COMMAND	shell	subsystem=NAME	request=NAME	x11	agent
			each of these asks for an answer, and waits for it (resize and signal have none)
	unasked=COMMAND	exec without asking for an answer
	data=TEXT	fill=N (that many bytes)	eof	signal=NAME	close
	ping		message 192, as ping@openssh.com	global=NAME
	until=TEXT	wait until TEXT has come on stdout
	wait=FILE	wait until FILE is there
	out=FILE	what comes on stdout goes there as well
"""

import argparse
import logging
import os
import socket
import sys
import threading
import time

import paramiko
from paramiko.common import byte_chr

WAIT = 30.0


class Teller:
    """Prints, and keeps what has been said."""

    def __init__(self):
        self.lock = threading.Condition()
        self.run = None
        self.got = b""
        self.answers = 0
        self.sink = None
        self.closed = False

    def flush(self):
        if self.run:
            print(*self.run, flush=True)
            self.run = None

    def say(self, *words):
        with self.lock:
            self.flush()
            print(*words, flush=True)
            self.lock.notify_all()

    def data(self, what, data):
        with self.lock:
            if self.run and self.run[0] == what:
                self.run[1] += len(data)
            else:
                self.flush()
                self.run = [what, len(data)]
            if what == "out":
                self.got = (self.got + data)[-(1 << 20) :]
                if self.sink:
                    self.sink.write(data)
            self.lock.notify_all()

    def wait(self, test):
        end = time.monotonic() + WAIT
        with self.lock:
            while not test():
                if time.monotonic() > end:
                    sys.exit("wire: waited in vain")
                self.lock.wait(0.05)


def hooked(t, teller):
    """A session channel whose messages are told before paramiko acts on them."""

    class Told(paramiko.Channel):
        def _feed(self, m):
            data = m if isinstance(m, bytes) else m.get_binary()
            teller.data("out", data)
            super()._feed(data)

        def _feed_extended(self, m):
            kind = m.get_int()
            teller.data("err" if kind == 1 else "extended-%d" % kind, m.get_binary())

        def _request_success(self, m):
            with teller.lock:
                teller.answers += 1
            teller.say("success")

        def _request_failed(self, m):
            with teller.lock:
                teller.answers += 1
            teller.say("failure")

        def _handle_request(self, m):
            name = m.get_text()
            want = m.get_boolean()
            if name == "exit-status":
                teller.say("status", m.get_int())
            elif name == "exit-signal":
                teller.say("signal", m.get_text())
            else:
                teller.say("request", name)
            if want:
                r = paramiko.Message()
                r.add_byte(byte_chr(100))
                r.add_int(self.remote_chanid)
                t._send_user_message(r)

        def _handle_eof(self, m):
            teller.say("eof")
            super()._handle_eof(m)

        def _handle_close(self, m):
            teller.say("close")
            super()._handle_close(m)
            with teller.lock:
                teller.closed = True

    return Told


def open_channel(t, teller, window, packet):
    """As Transport.open_session does it, but with our class of channel."""
    kind = hooked(t, teller)
    real = paramiko.transport.Channel
    paramiko.transport.Channel = kind
    try:
        c = t.open_session(window_size=window, max_packet_size=packet, timeout=WAIT)
    finally:
        paramiko.transport.Channel = real
    # The table by which messages find their handler holds plain functions of the base class.
    table = dict(paramiko.Transport._channel_handler_table)
    for number, name in {99: "_request_success", 100: "_request_failed", 93: "_window_adjust", 94: "_feed",
                         95: "_feed_extended", 96: "_handle_eof", 97: "_handle_close", 98: "_handle_request"}.items():
        table[number] = getattr(kind, name)
    t._channel_handler_table = table
    return c


def tell_globals(t, teller):
    def global_request(m):
        name = m.get_text()
        want = m.get_boolean()
        teller.say("global", name)
        if want:
            r = paramiko.Message()
            r.add_byte(byte_chr(82))
            t._send_message(r)

    def channel_open(m):
        kind = m.get_text()
        number = m.get_int()
        teller.say("open", kind)
        r = paramiko.Message()
        r.add_byte(byte_chr(92))
        r.add_int(number)
        r.add_int(1)
        r.add_string("no")
        r.add_string("en")
        t._send_message(r)

    t._handler_table = dict(t._handler_table)
    t._handler_table[80] = lambda self, m: global_request(m)
    t._handler_table[90] = lambda self, m: channel_open(m)


def request(t, c, teller, name, want, *fields):
    before = teller.answers
    m = paramiko.Message()
    m.add_byte(byte_chr(98))
    m.add_int(c.remote_chanid)
    m.add_string(name)
    m.add_boolean(want)
    for f in fields:
        if isinstance(f, bool):
            m.add_boolean(f)
        elif isinstance(f, int):
            m.add_int(f)
        else:
            m.add_string(f)
    t._send_user_message(m)
    if want:
        teller.wait(lambda: teller.answers > before or teller.closed)


def size(text):
    return [int(n) for n in text.split("x")]


def do(t, c, teller, step):
    word, _, rest = step.partition("=")
    if word == "pty":
        request(t, c, teller, "pty-req", True, os.environ.get("WIRE_TERM", "xterm"), *size(rest), 0, 0, b"\x00")
    elif word == "resize":
        request(t, c, teller, "window-change", False, *size(rest), 0, 0)
    elif word == "env":
        name, _, value = rest.partition("=")
        request(t, c, teller, "env", True, name, value)
    elif word in ("exec", "unasked"):
        request(t, c, teller, "exec", word == "exec", rest)
    elif word == "shell":
        request(t, c, teller, "shell", True)
    elif word == "subsystem":
        request(t, c, teller, "subsystem", True, rest)
    elif word == "request":
        request(t, c, teller, rest, True)
    elif word == "x11":
        request(t, c, teller, "x11-req", True, False, "MIT-MAGIC-COOKIE-1", "00" * 16, 0)
    elif word == "agent":
        request(t, c, teller, "auth-agent-req@openssh.com", True)
    elif word == "signal":
        request(t, c, teller, "signal", False, rest)
    elif word == "data":
        c.sendall(rest.encode().decode("unicode_escape").encode("latin-1"))
    elif word == "fill":
        left = int(rest)
        while left:
            left -= c.send(bytes(min(left, 1 << 20)))
    elif word == "eof":
        c.shutdown_write()
    elif word == "close":
        c.close()
    elif word == "ping":
        m = paramiko.Message()
        m.add_byte(byte_chr(192))
        m.add_string("are you there")
        t._send_message(m)
    elif word == "global":
        m = paramiko.Message()
        m.add_byte(byte_chr(80))
        m.add_string(rest)
        m.add_boolean(False)
        t._send_message(m)
    elif word == "until":
        teller.wait(lambda: rest.encode() in teller.got or teller.closed)
    elif word == "wait":
        teller.wait(lambda: os.path.exists(rest))
    elif word == "out":
        teller.sink = open(rest, "wb")
    else:
        sys.exit("wire: no step " + step)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--port", type=int, required=True)
    p.add_argument("--user", required=True)
    p.add_argument("--key", required=True)
    p.add_argument("--window", type=int)
    p.add_argument("--packet", type=int)
    p.add_argument("steps", nargs="+")
    a = p.parse_args()
    logging.getLogger("paramiko").addHandler(logging.NullHandler())
    teller = Teller()
    key = paramiko.Ed25519Key.from_private_key_file(a.key)
    key.load_certificate(a.key + "-cert.pub")
    t = paramiko.Transport(socket.create_connection(("127.0.0.1", a.port), timeout=WAIT))
    t.daemon = True
    tell_globals(t, teller)
    t.start_client(timeout=WAIT)
    t.auth_publickey(a.user, key)
    c = open_channel(t, teller, a.window, a.packet)
    reader = threading.Thread(target=drain, args=(c,), daemon=True)
    reader.start()
    try:
        for step in a.steps:
            do(t, c, teller, step)
    except OSError as e:
        print("wire: stuck:", e, file=sys.stderr)
    end = time.monotonic() + WAIT
    while not teller.closed and t.is_active() and time.monotonic() < end:
        time.sleep(0.01)
    teller.say("over" if teller.closed else "cut" if not t.is_active() else "open")
    if teller.sink:
        teller.sink.close()
    t.close()
    return 0


def drain(c):
    """Reads, so that the window opens again."""
    while c.recv(1 << 18):
        pass


if __name__ == "__main__":
    sys.exit(main())
