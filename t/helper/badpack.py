# SPDX-License-Identifier: Apache-2.0
"""badpack.py KIND >PACK: a pack that is small and wants much, and the commit to push it by as one line on stderr. Kinds: see the
functions named make_*. "badpack.py kinds" lists them with what a refusal must say."""
import hashlib
import struct
import sys
import zlib

COMMIT, TREE, BLOB, OFS = 1, 2, 3, 6
WORDS = {COMMIT: b'commit', TREE: b'tree', BLOB: b'blob'}


class Pack:
    def __init__(self):
        self.parts, self.size, self.count = [], 12, 0

    def put(self, kind, size, data, base=None):
        """One entry with its data compressed already; where it begins."""
        at, head, c = self.size, bytearray(), kind << 4 | size & 15
        size >>= 4
        while size:
            head.append(c | 0x80)
            c, size = size & 0x7f, size >> 7
        head.append(c)
        if base is not None:
            back, digits = at - base, []
            digits.append(back & 0x7f)
            while back >> 7:
                back = (back >> 7) - 1
                digits.append(back & 0x7f | 0x80)
            head += bytes(reversed(digits))
        self.parts.append(bytes(head) + data)
        self.size += len(self.parts[-1])
        self.count += 1
        return at

    def add(self, kind, data, base=None):
        return self.put(kind, len(data), zlib.compress(data), base)

    def tree(self, entries):
        data = b''.join(b'%s %s\0%s' % e for e in entries)
        self.add(TREE, data)
        return name(TREE, data)

    def commit(self, tree):
        data = b'tree %s\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n\nx\n' % tree.hex().encode()
        self.add(COMMIT, data)
        return name(COMMIT, data)

    def write(self, tip):
        body = b'PACK' + struct.pack('>II', 2, self.count) + b''.join(self.parts)
        sys.stdout.buffer.write(body + hashlib.sha1(body).digest())
        print(tip.hex(), file=sys.stderr)


def name(kind, data):
    return hashlib.sha1(b'%s %d\0' % (WORDS[kind], len(data)) + data).digest()


def number(v):
    out = bytearray()
    while v >= 0x80:
        out.append(v & 0x7f | 0x80)
        v >>= 7
    out.append(v)
    return bytes(out)


def copy(offset, size):
    return bytes([0xff]) + struct.pack('<I', offset) + struct.pack('<I', size)[:3]


def zeros(mib):
    """So many MiB of zeros as a zlib stream, without having them."""
    block = zlib.compressobj(9, zlib.DEFLATED, -15)
    piece = block.compress(bytes(1 << 24)) + block.flush(zlib.Z_FULL_FLUSH)
    n = mib << 20
    adler = (n % 65521) << 16 | 1	# of zeros: a stays 1, b counts
    return b'\x78\x9c' + piece * (mib // 16) + b'\x03\0' + struct.pack('>I', adler)


def one_file(pack, oid):
    return pack.commit(pack.tree([(b'100644', b'f', oid)]))


def make_zeros(mib):
    pack = Pack()
    pack.put(BLOB, mib << 20, zeros(mib))
    pack.write(one_file(pack, bytes(20)))


def make_zeros_1g():
    make_zeros(1024)


def make_zeros_512m():
    make_zeros(512)


def make_chain(depth, size):
    pack, data = Pack(), bytearray(b'the same again \n' * (size // 16))
    at = pack.add(BLOB, bytes(data))
    for i in range(depth):
        delta = number(size) + number(size) + bytes([8]) + b'%08d' % i + copy(8, size - 8)
        at = pack.add(OFS, delta, at)
    pack.write(one_file(pack, bytes(20)))


def make_chain_5000_of_1m():
    make_chain(5000, 1 << 20)


def make_chain_60000():
    make_chain(60000, 1024)


def make_copies():
    pack, size = Pack(), 0xffffff
    at = pack.add(BLOB, b'a' * size)
    pack.add(OFS, number(size) + number(size * 64) + copy(0, size) * 64, at)
    pack.write(one_file(pack, bytes(20)))


def make_copies_256m():
    pack = Pack()
    base = b'b' * (1 << 16)
    at = pack.add(BLOB, base)
    pack.add(OFS, number(1 << 16) + number(1 << 28) + (bytes([0x80]) * 4096), at)
    pack.write(one_file(pack, bytes(20)))


def make_paths():
    """A million paths of eight objects."""
    pack = Pack()
    pack.add(BLOB, b'x')
    oid, mode = name(BLOB, b'x'), b'100644'
    for _ in range(6):
        oid, mode = pack.tree([(mode, b'%d' % i, oid) for i in range(10)]), b'40000'
    pack.write(pack.commit(oid))


def make_twins():
    """Two folders a level, neither the other's copy: the paths double all the same."""
    pack = Pack()
    pack.add(BLOB, b'x')
    blob = name(BLOB, b'x')
    pair = [blob, blob]
    mode = b'100644'
    for _ in range(40):
        pair = [pack.tree(sorted([(mode, b'l', pair[0]), (mode, b'r', pair[1]), (b'100644', b'%d' % i, blob)],
                                 key=lambda e: e[1] + (b'/' if e[0] == b'40000' else b''))) for i in range(2)]
        mode = b'40000'
    pack.write(pack.commit(pack.tree([(mode, b'l', pair[0]), (mode, b'r', pair[1])])))


def make_entry_claims_2g():
    pack = Pack()
    pack.put(BLOB, 2 << 30, zlib.compress(b'x'))
    pack.write(one_file(pack, bytes(20)))


KINDS = {
    'zeros-1g': (make_zeros_1g, 'the limit is'),
    'zeros-512m': (make_zeros_512m, 'the limit is'),
    'entry-claims-2g': (make_entry_claims_2g, 'the limit is'),
    'chain-5000-of-1m': (make_chain_5000_of_1m, 'chain of more than'),
    'chain-60000': (make_chain_60000, 'chain of more than'),
    'copies-1g': (make_copies, 'the limit is'),
    'copies-256m': (make_copies_256m, 'the limit is'),
    'paths-1m': (make_paths, 'paths lead through'),
    'twins': (make_twins, 'paths lead through'),
}

if sys.argv[1] == 'kinds':
    for kind, (_, why) in KINDS.items():
        print(kind, why)
else:
    KINDS[sys.argv[1]][0]()
