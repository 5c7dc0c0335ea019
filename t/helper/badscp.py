#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The scp of a hostile target, as its sshd's ForceCommand: badscp.py FOLDER. The last part of the path that is copied says
what it does; FOLDER/sftp, if it is there, says the same of its SFTP, which is an honest one otherwise."""
import os
import struct
import sys
import time

out = sys.stdout.buffer.raw


def say(data):
    view = memoryview(data)
    while view:
        view = view[out.write(view):]


def heard(n=1):
    got = b''
    while len(got) < n:
        piece = os.read(0, n - len(got))
        if not piece:
            sys.exit(1)
        got += piece
    return got


def answer():
    """Whether the sink says yes; its words are read over otherwise."""
    yes = heard() == b'\0'
    while not yes and heard() != b'\n':
        pass
    return yes


def send(line, data=None):
    """One message as scp's source sends it, and its content when it is taken."""
    say(line)
    if answer() and data is not None:
        say(data + b'\0')
        answer()


def for_ever(data):
    while True:
        say(data)


def misdeed(what):
    if what == 'banner':
        say(b'Welcome to this host!\n')
    heard()
    names = {'parent': b'../parent', 'absolute': b'/etc/absolute', 'inside': b'a/b', 'dots': b'..', 'dot': b'.', 'empty': b'',
             'other': b'.bashrc', 'nul': b'nul\0x', 'long': b'x' * 300, 'control': b'\x1b]0;x\x07'}
    if what in names:
        send(b'C0644 5 ' + names[what] + b'\n', b'evil\n')
    elif what == 'folder':
        send(b'D0755 0 folder\n')
    elif what == 'tree':
        send(b'D0755 0 tree\n')
        send(b'D0755 0 ..\n')
        send(b'C0644 5 up\n', b'evil\n')
    elif what == 'links':		# says that a folder has what is a link out of it
        send(b'D0755 0 links\n')
        send(b'C0644 5 out\n', b'evil\n')
        send(b'C0644 5 fine\n', b'fine\n')
        send(b'E\n')
    elif what == 'leave':
        send(b'E\n')
    elif what == 'deep':
        while True:
            send(b'D0755 0 d\n')
    elif what == 'more':
        send(b'C0644 5 more\n', b'evil\nand more')
    elif what == 'less':
        say(b'C0644 500000 less\n')
        heard()
        say(b'x' * 200000)
    elif what == 'huge':
        say(b'C0644 99999999999999999999 huge\n')
    elif what == 'line':
        for_ever(b'C0644 5 ' + b'x' * 65536)
    elif what == 'notes':
        for_ever(b'\001scp: no, and again no, and so for ever\n' * 100)
    elif what == 'data':
        say(b'C0644 999999999999999 data\n')
        heard()
        for_ever(b'x' * 65536)
    elif what == 'twice':
        send(b'C0644 2 twice\n', b'a\n')
        send(b'C0644 2 other\n', b'b\n')
    elif what == 'drip':		# honest, but its last bytes come one by one
        with open(folder + '/far/drip', 'rb') as file:
            data = file.read()
        say(b'C0644 %d drip\n' % len(data))
        heard()
        say(data[:-60])
        for byte in data[-60:]:
            time.sleep(0.01)
            say(bytes([byte]))
    elif what == 'nonsense':
        for_ever(os.urandom(65536))


def sftp(what):
    if what == 'line':
        for_ever(b'Welcome!\n' * 1000)
    if what == 'silent':
        while os.read(0, 65536):
            pass
    if what == 'huge':
        say(struct.pack('>I', 0x7fffffff) + b'x' * 100000)
    say(struct.pack('>IBI', 5, 2, 3))
    while True:
        n, = struct.unpack('>I', heard(4))
        packet = heard(n)
        if packet[0] == 1:
            continue
        number = packet[1:5]
        asked = packet[9:9 + struct.unpack('>I', packet[5:9])[0]]
        plain = b'/root' if asked == b'.' else asked
        name = {'plain': plain, 'relative': b'etc/x', 'dots': b'/srv/../etc', 'none': b''}.get(what, b'/root')
        if what == 'other-id':
            number = struct.pack('>I', 99)
        names = struct.pack('>I', len(name)) + name + struct.pack('>I', 1) + b'x' + struct.pack('>I', 0)
        body = bytes([104]) + number + struct.pack('>I', 0xffffff if what == 'many' else 1) + names
        say(struct.pack('>I', len(body)) + body)


def sink():
    """scp -t: answers all that could be asked before it is, then takes nothing in."""
    for_ever(b'\0')


command = os.environ.get('SSH_ORIGINAL_COMMAND', '')
folder = sys.argv[1]
try:
    if 'sftp' in command.split('/')[-1].split()[0]:
        if os.path.exists(folder + '/sftp'):
            with open(folder + '/sftp') as file:
                sftp(file.read().strip())
        os.execv('/usr/lib/openssh/sftp-server', ['sftp-server'])
    elif ' -t ' in command:
        sink()
    else:
        misdeed(command.split('/')[-1])
except (BrokenPipeError, ConnectionError):
    pass
