#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A target that OpenSSH's sshd cannot be made to be without PAM: it asks for a password, in one of several ways.

sshtarget.py --key HOSTKEY --port-file FILE --user USER --password-file FILE --ask password|one|two|shown|words
	password	the method "password"
	one		keyboard-interactive, one hidden question
	words		the same, after a round without questions
	two, shown	keyboard-interactive, two questions; one, but shown: nothing that a held password answers
Prints "method METHOD" for each try, "wrong" for each that failed, and "asked" for each round of questions. Runs commands
by the shell.
"""
import argparse
import socket
import subprocess
import threading

import paramiko


CHANNEL_REQUEST = 98
answer_request = paramiko.Transport._channel_handler_table[CHANNEL_REQUEST]


def request(channel, m):
    """paramiko answers once the request has been judged: what it starts must not speak, or close, before."""
    answer_request(channel, m)
    then = channel.__dict__.pop("then", None)
    if then:
        then.start()


paramiko.Transport._channel_handler_table[CHANNEL_REQUEST] = request


class Target(paramiko.ServerInterface):
    def __init__(self, o, password):
        self.o, self.password, self.rounds = o, password, 0

    def get_allowed_auths(self, user):
        return "password" if self.o.ask == "password" else "keyboard-interactive"

    def judge(self, user, given):
        if user == self.o.user and given == self.password:
            return paramiko.AUTH_SUCCESSFUL
        print("wrong", flush=True)
        return paramiko.AUTH_FAILED

    def check_auth_password(self, user, given):
        print("method password", flush=True)
        return self.judge(user, given) if self.o.ask == "password" else paramiko.AUTH_FAILED

    def check_auth_interactive(self, user, submethods):
        print("method keyboard-interactive", flush=True)
        self.user = user
        return self.question() if self.o.ask != "password" else paramiko.AUTH_FAILED

    def question(self):
        print("asked", flush=True)
        self.rounds += 1
        if self.o.ask == "words" and self.rounds == 1:
            return paramiko.InteractiveQuery("", "Only words.")
        if self.o.ask == "two":
            return paramiko.InteractiveQuery("", "", ("Password: ", False), ("Code: ", False))
        return paramiko.InteractiveQuery("", "", ("Password: ", self.o.ask == "shown"))

    def check_auth_interactive_response(self, answers):
        if not answers and self.o.ask == "words":
            return self.question()
        return self.judge(self.user, answers[0] if answers else "")

    def check_channel_request(self, kind, number):
        return paramiko.OPEN_SUCCEEDED if kind == "session" else paramiko.OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED

    def check_channel_env_request(self, channel, name, value):
        return True

    def check_channel_exec_request(self, channel, command):
        channel.then = threading.Thread(target=self.run, args=(channel, command), daemon=True)
        return True

    def run(self, channel, command):
        done = subprocess.run(command, shell=True, stdin=subprocess.DEVNULL, capture_output=True)
        channel.sendall(done.stdout)
        channel.sendall_stderr(done.stderr)
        channel.send_exit_status(done.returncode)
        channel.close()


def serve(sock, o, key, password):
    t = paramiko.Transport(sock)
    t.add_server_key(key)
    try:
        t.start_server(server=Target(o, password))
    except (paramiko.SSHException, EOFError):
        pass


def main():
    p = argparse.ArgumentParser()
    for name in ("key", "port-file", "user", "password-file", "ask"):
        p.add_argument("--" + name, required=True)
    o = p.parse_args()
    key = paramiko.Ed25519Key(filename=o.key)
    with open(o.password_file) as f:
        password = f.read().rstrip("\n")
    listener = socket.create_server(("127.0.0.1", 0))
    with open(o.port_file, "w") as f:
        print(listener.getsockname()[1], file=f)
    while True:
        sock, _ = listener.accept()
        threading.Thread(target=serve, args=(sock, o, key, password), daemon=True).start()


main()
