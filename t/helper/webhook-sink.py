#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A receiver of Standard Webhooks for the tests: checks each signature on its own (standard library only).

webhook-sink.py --port 0 --secret-file F --port-file P --out DIR [--fail N]

Verified bodies become DIR/NNN.json, others DIR/NNN.bad; answers 200 or 401. The first N requests are answered 503 and
not kept (--fail). The port is written to P once it listens (P may be a FIFO). Ends on SIGTERM.
"""
import argparse
import base64
import hashlib
import hmac
import http.server
import os
import signal
import sys
import time

BODY_MAX = 1024 * 1024
CLOCK_SKEW = 300


def verified(key, headers, body):
    msg_id = headers.get("webhook-id", "")
    stamp = headers.get("webhook-timestamp", "")
    if not msg_id or not stamp.isdigit() or abs(time.time() - int(stamp)) > CLOCK_SKEW:
        return False
    mac = hmac.new(key, f"{msg_id}.{stamp}.".encode() + body, hashlib.sha256).digest()
    good = b"v1," + base64.b64encode(mac)
    return any(hmac.compare_digest(good, s.encode()) for s in headers.get("webhook-signature", "").split(" "))


class Sink(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def answer(self, status):
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def keep(self, suffix, body):
        name = os.path.join(self.server.out, "%03d.%s" % (self.server.count, suffix))
        self.server.count += 1
        with open(name + ".tmp", "wb") as f:
            f.write(body)
        os.rename(name + ".tmp", name)

    def do_POST(self):
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > BODY_MAX:
            self.answer(413)
            return
        body = self.rfile.read(int(length))
        if self.server.fail > 0:
            self.server.fail -= 1
            self.answer(503)
            return
        if verified(self.server.key, self.headers, body):
            self.keep("json", body)
            self.answer(200)
        else:
            self.keep("bad", body)
            self.answer(401)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--port", type=int, default=0)
    p.add_argument("--secret-file", required=True)
    p.add_argument("--port-file", required=True)
    p.add_argument("--out", required=True)
    p.add_argument("--fail", type=int, default=0)
    args = p.parse_args()
    with open(args.secret_file) as f:
        secret = f.read().strip()
    if not secret.startswith("whsec_"):
        sys.exit("webhook-sink: the secret does not start with whsec_")
    server = http.server.HTTPServer(("127.0.0.1", args.port), Sink)
    server.key = base64.b64decode(secret[len("whsec_"):])
    server.out = args.out
    server.count = 0
    server.fail = args.fail
    signal.signal(signal.SIGTERM, lambda *unused: os._exit(0))
    with open(args.port_file, "w") as f:
        f.write("%d\n" % server.server_address[1])
    server.serve_forever()


main()
