# SPDX-License-Identifier: Apache-2.0
"""The part of a forge that gives an app its installation token: POST /app/installations/N/access_tokens with a signed
statement (JWT, RS256), which openssl verifies. Refuses, with a reason in --log, whatever is not exactly right."""
import argparse
import base64
import http.server
import json
import os
import ssl
import subprocess
import time


def unpack(text):
    return base64.urlsafe_b64decode(text + '=' * (-len(text) % 4))


class Forge(http.server.BaseHTTPRequestHandler):
    def fault(self):
        args = self.server.args
        if self.path != f'/app/installations/{args.installation}/access_tokens':
            return f'path {self.path}'
        kind, _, statement = self.headers.get('Authorization', '').partition(' ')
        parts = statement.split('.')
        if kind != 'Bearer' or len(parts) != 3:
            return 'no statement'
        with open(f'{args.dir}/signed', 'wb') as f:
            f.write(f'{parts[0]}.{parts[1]}'.encode())
        with open(f'{args.dir}/signature', 'wb') as f:
            f.write(unpack(parts[2]))
        if subprocess.run(['openssl', 'dgst', '-sha256', '-verify', args.public, '-signature', f'{args.dir}/signature',
                           f'{args.dir}/signed'], stdout=subprocess.DEVNULL, check=False).returncode != 0:
            return 'signature'
        header, claims = json.loads(unpack(parts[0])), json.loads(unpack(parts[1]))
        now = time.time()
        if header.get('alg') != 'RS256' or claims.get('iss') != args.app:
            return f'{header} {claims}'
        if not claims['iat'] <= now <= claims['exp'] <= claims['iat'] + 600:
            return f'times {claims}'
        return None

    def do_POST(self):
        fault = self.fault()
        with open(f'{self.server.args.dir}/log', 'a', encoding='utf-8') as f:
            f.write(f'{fault or "given"}\n')
        body = json.dumps({'message': 'Bad credentials'} if fault else {
            'token': self.server.args.token, 'expires_at': '2099-01-01T00:00:00Z'}).encode()
        self.send_response(401 if fault else 201)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def main():
    parser = argparse.ArgumentParser()
    for name in ('--pem', '--public', '--app', '--installation', '--token', '--dir'):
        parser.add_argument(name, required=True)
    args = parser.parse_args()
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Forge)
    server.args = args
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(args.pem)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    with open(f'{args.dir}/port.tmp', 'w', encoding='ascii') as f:
        f.write(str(server.server_port))
    os.rename(f'{args.dir}/port.tmp', f'{args.dir}/port')
    server.serve_forever()


if __name__ == '__main__':
    main()
