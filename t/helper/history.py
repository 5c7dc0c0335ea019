# SPDX-License-Identifier: Apache-2.0
"""history.py COMMITS FOLDER..: a history for git fast-import on stdout, the same for the same folders: their text files go in
step by step, are edited a few lines at a time, renamed, copied, deleted; side branches are merged; some files are binary,
some become links; tags of all kinds stand on the way."""
import os
import random
import sys

SIZE_LEAST, SIZE_MOST = 400, 60000
WHO = b'A U Thor <author@example.com>'


def texts(folders, wanted):
    """At most so many files of a decent size, as lists of lines."""
    found = []
    for folder in folders:
        for place, inside, names in os.walk(folder):
            # No repository's own files, nor what changes while a test runs.
            inside[:] = sorted(d for d in inside if d[0] != '.' and not d.startswith('build') and d != 'autom4te.cache')
            for name in sorted(n for n in names if n[0] != '.'):
                path = os.path.join(place, name)
                try:
                    if os.path.islink(path) or not SIZE_LEAST <= os.path.getsize(path) <= SIZE_MOST:
                        continue
                    with open(path, 'rb') as f:
                        data = f.read()
                except OSError:
                    continue
                if b'\0' in data[:4096]:
                    continue
                found.append((os.path.relpath(path, folder).encode(errors='replace').replace(b'"', b''), data.splitlines(True)))
                if len(found) >= wanted:
                    return found
    return found


class History:
    def __init__(self, out, supply, seed=7):
        self.out = out
        self.rand = random.Random(seed)
        self.supply = supply
        self.marks = 0
        self.when = 1700000000

    def blob(self, data):
        self.marks += 1
        self.out.write(b'blob\nmark :%d\ndata %d\n%s\n' % (self.marks, len(data), data))
        return self.marks

    def commit(self, branch, changes, merge=None):
        self.marks += 1
        self.when += 61
        message = b'Change %d\n\nIn %d places.\n' % (self.marks, len(changes))
        self.out.write(b'commit refs/heads/%s\nmark :%d\nauthor %s %d +0100\ncommitter %s %d +0000\ndata %d\n%s'
                       % (branch, self.marks, WHO, self.when, WHO, self.when, len(message), message))
        if merge is not None:
            self.out.write(b'merge :%d\n' % merge)
        for line in changes:
            self.out.write(line + b'\n')
        self.out.write(b'\n')
        return self.marks

    def tag(self, name, mark):
        self.when += 1
        self.out.write(b'tag %s\nfrom :%d\ntagger %s %d +0000\ndata 8\nrelease\n' % (name, mark, WHO, self.when))


def put(path, mark, mode=b'100644'):
    return b'M %s :%d "%s"' % (mode, mark, path.replace(b'\\', b'/'))


def edited(rand, lines):
    """A few lines changed, added, or taken out."""
    for _ in range(rand.randint(1, 4)):
        at = rand.randrange(len(lines) + 1)
        what = rand.randrange(4)
        if what == 0 and len(lines) > 10:
            del lines[at:at + rand.randint(1, 4)]
        else:
            word = b'value_%d' % rand.randrange(1 << 24)
            lines[at:at + (what == 1)] = [b'\t%s = compute(%s, %d);\n' % (word, word[::-1], rand.randrange(100))]
    return lines


def one_change(h, files, n):
    """One change of one file: what it says to fast-import."""
    rand = h.rand
    path = rand.choice(sorted(files)) if len(files) < 50 else rand.choice(list(files))
    what = rand.randrange(40)
    if h.supply and (what < 4 or len(files) < 20):
        path, lines = h.supply.pop()
        path = b'%s/%s' % (rand.choice([b'src', b'lib', b'doc']), path)
        files[path] = lines
        return [put(path, h.blob(b''.join(lines)))]
    if what == 4:
        files[b'moved/%d/%s' % (n, os.path.basename(path))] = files.pop(path)
        return [b'R "%s" "moved/%d/%s"' % (path, n, os.path.basename(path))]
    if what == 5:
        files[b'copied/%d' % n] = list(files[path])
        return [b'C "%s" "copied/%d"' % (path, n)]
    if what == 6 and len(files) > 60:
        del files[path]
        return [b'D "%s"' % path]
    if what == 7:
        return [put(b'bin/%d.dat' % (n % 40), h.blob(rand.randbytes(rand.randint(100, 9000))))]
    if what == 8:
        return [put(b'links/%d' % (n % 30), h.blob(b'../' + path), b'120000')]
    return [put(path, h.blob(b''.join(edited(rand, files[path]))), b'100755' if what == 9 else b'100644')]


def main():
    commits, folders = int(sys.argv[1]), sys.argv[2:]
    h = History(sys.stdout.buffer, texts(folders, commits))
    h.supply.reverse()
    files, base = {}, []
    for _ in range(min(300, commits, len(h.supply))):
        path, lines = h.supply.pop()
        files[b'src/' + path] = lines
        base.append(put(b'src/' + path, h.blob(b''.join(lines))))
    main_tip = h.commit(b'main', base)
    side, side_files = None, None
    for n in range(commits):
        changes = {}
        for _ in range(h.rand.randint(1, 4)):
            for line in one_change(h, files if side is None else side_files, n):
                changes.setdefault(line.split(b' ', 1)[1].split(b' ')[-1], line)
        if side is None:
            main_tip = h.commit(b'main', list(changes.values()))
        else:
            side = h.commit(b'side', list(changes.values()))
        if side is None and n % 97 == 50:
            h.out.write(b'reset refs/heads/side\nfrom :%d\n\n' % main_tip)
            side, side_files = main_tip, {path: list(lines) for path, lines in files.items()}
        elif side is not None and n % 97 == 60:
            # An evil merge: besides the other side's tip it brings a file that neither side had.
            extra = put(b'merged/%d' % n, h.blob(b'made by merge %d\n' % n))
            main_tip = h.commit(b'main', [extra], side)
            side = side_files = None
        if n % 500 == 499:
            h.tag(b'v%d' % n, main_tip)
    h.out.write(b'done\n')


main()
