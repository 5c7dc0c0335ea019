#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""paramiko-sftp: another client's habits: prefetching, reads here and there, writes in pieces. KEY PORT USER FOLDER"""

import os
import random
import sys

import paramiko

key, port, user, folder = sys.argv[1:5]
pkey = paramiko.Ed25519Key.from_private_key_file(key)
pkey.load_certificate(key + "-cert.pub")
t = paramiko.Transport(("127.0.0.1", int(port)))
t.connect(username=user, pkey=pkey)
s = paramiko.SFTPClient.from_transport(t)
want = random.Random(5).randbytes(700000)
with open("local", "wb") as f:
    f.write(want)
print("put", s.put("local", folder + "/p").st_size)
s.get(folder + "/p", "back")
with open("back", "rb") as f:
    print("get", f.read() == want)
with s.open(folder + "/p", "rb") as f:
    f.prefetch()
    f.seek(500000)
    ok = f.read(1000) == want[500000:501000]
    f.seek(10)
    ok &= f.read(70000) == want[10:70010]
    ok &= b"".join(f.readv([(0, 5), (699990, 100), (333333, 40000)])) == want[:5] + want[699990:] + want[333333:373333]
    print("here-and-there", ok)
with s.open(folder + "/q", "wb") as f:
    f.set_pipelined(True)
    for i in range(0, len(want), 1111):
        f.write(want[i:i + 1111])
print("stat", s.stat(folder + "/q").st_size)
with s.open(folder + "/q", "r+b") as f:
    f.seek(1000)
    f.write(b"patch")
    f.seek(995)
    print("patched", f.read(15) == want[995:1000] + b"patch" + want[1005:1010])
s.truncate(folder + "/q", 5)
s.posix_rename(folder + "/q", folder + "/r")
s.symlink("r", folder + "/s")
print("link", s.readlink(folder + "/s"), s.lstat(folder + "/s").st_size, s.normalize(folder + "/s") == folder + "/r")
print("list", sorted(s.listdir(folder)))
s.chdir(folder)
print("relative", s.stat("r").st_size)
try:
    s.open(folder + "/vault/gold")
    print("vault OPEN")
except IOError as e:
    print("vault", e)
for name in ("p", "r", "s"):
    s.remove(name)
print("left", os.listdir(folder))
t.close()
