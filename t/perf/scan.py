# SPDX-License-Identifier: Apache-2.0
"""What t/perf/measure.py measures of secretscan: speed per CPU second beside programs that only search, start-up, memory,
and the masker's share of a bulk transfer. Rows against a number hold that number as theirs."""
import base64
import json
import os
import re
import shutil
import statistics
import subprocess
import time
import urllib.parse

import yaml

DEVNULL = subprocess.DEVNULL
SOURCES = ('/usr/include', '/usr/lib/python3', '/usr/share/perl', '/usr/lib/gcc')
ENDINGS = ('.h', '.hpp', '.py', '.pl', '.pm')
BLOCK = 65536
PART = 8 << 20


def run(command, good=(0, 1)):
    """CPU seconds and peak resident KiB of a command."""
    child = subprocess.Popen(command, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in good:
        raise SystemExit(f'{child.returncode} from {command[:3]}')
    return used.ru_utime + used.ru_stime, used.ru_maxrss


def best(command, rounds):
    return min(run(command)[0] for _ in range(rounds))


def make_source(path, size):
    """Source text of this machine, over and over until it is enough."""
    files = sorted(os.path.join(folder, name) for top in SOURCES for folder, _, names in os.walk(top) for name in names
                   if name.endswith(ENDINGS))
    with open(path, 'wb') as out:
        while out.tell() < size:
            start = out.tell()
            for name in files:
                if os.path.isfile(name) and out.tell() < size:
                    with open(name, 'rb') as f:
                        out.write(f.read())
            if out.tell() == start:
                raise SystemExit('no source text on this machine')
        out.truncate(size)


def make_mixed(source, path):
    """Half as it is, an eighth each in base64, hexadecimal, percent and JSON."""
    ways = (base64.encodebytes, lambda b: b.hex().encode(), lambda b: urllib.parse.quote(b).encode(),
            lambda b: json.dumps(b.decode('latin-1')).encode())
    size = os.path.getsize(source)
    number = 0
    with open(source, 'rb') as f, open(path, 'wb') as out:
        while out.tell() < size:
            block = f.read(BLOCK)
            out.write(ways[number // 2 % 4](block[:BLOCK // 2])[:BLOCK] + b'\n' if number % 2 else block)
            number += 1
        out.truncate(size)


def literals(srcdir):
    """Every anchor of every rule, and whether its case matters."""
    found = set()
    for name in os.listdir(f'{srcdir}/secretscan/rules'):
        if name.endswith('.yaml'):
            with open(f'{srcdir}/secretscan/rules/{name}', encoding='utf-8') as f:
                for rule in yaml.safe_load(f)['rules']:
                    caseless = bool(rule.get('caseless') or rule.get('near'))
                    found |= {(str(a).lower() if caseless else str(a), caseless) for a in rule['anchors']}
    return sorted(found)


def write_alternations(words, trash):
    words = [(re.sub(r'([][\\.*^$+?(){}|])', r'\\\1', w), caseless) for w, caseless in words]
    with open(f'{trash}/rg-words', 'w', encoding='utf-8') as f:
        f.write('|'.join(f'(?i:{w})' if caseless else w for w, caseless in words) + '\n')
    with open(f'{trash}/grep-words', 'w', encoding='utf-8') as f:
        f.write('|'.join(w for w, _ in words) + '\n')


def write_part(source, path, size):
    with open(source, 'rb') as f, open(path, 'wb') as out:
        out.write(f.read(size))


def searchers(bench, ours, source, srcdir):
    """The same literals, sought on a part of the text by programs that confirm nothing. grep has no case by literal: it
    ignores it for all."""
    trash, part = bench.args.trash, f'{bench.args.trash}/part'
    write_alternations(literals(srcdir), trash)
    write_part(source, part, PART)
    for name, command in (('rg', ['rg', '-a', '-c', '-j1', '--dfa-size-limit', '1G', '--regex-size-limit', '1G',
                                  '-f', f'{trash}/rg-words', part]),
                          ('grep -E', ['grep', '-a', '-c', '-i', '-E', '-f', f'{trash}/grep-words', part])):
        if shutil.which(command[0]) is None:
            print(f'no {command[0]} here')
            continue
        bench.row(f'scan source, against {name} of its literals', ours, PART / best(command, 1) / 1e9, 'GB/s', 1.0, True)


def secretlint(bench, ours, source):
    """From npm, where that can be reached, on a small part, as it is slow; its start is taken off."""
    home = f'{bench.args.trash}/npm'
    os.makedirs(home, exist_ok=True)
    install = ['npm', 'install', '--silent', '--no-fund', '--no-audit', '--prefix', home, 'secretlint',
               '@secretlint/secretlint-rule-preset-recommend']
    if shutil.which('npm') is None or subprocess.run(install, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL).returncode != 0:
        print('secretlint cannot be had from npm: left out')
        return
    with open(f'{home}/.secretlintrc.json', 'w', encoding='ascii') as f:
        f.write('{"rules": [{"id": "@secretlint/secretlint-rule-preset-recommend"}]}\n')
    write_part(source, f'{home}/part.txt', PART)
    write_part(source, f'{home}/empty.txt', 0)
    command = [f'{home}/node_modules/.bin/secretlint', '--secretlintrc', f'{home}/.secretlintrc.json']
    taken = max(run(command + [f'{home}/part.txt'])[0] - run(command + [f'{home}/empty.txt'])[0], 0.01)
    bench.row('scan source, against secretlint', ours, PART / taken / 1e9, 'GB/s', 1.0, True)


def start_up(bench, program):
    times = []
    for _ in range(21):
        start = time.monotonic()
        subprocess.run([program, '-'], stdin=DEVNULL, stdout=DEVNULL, check=True)
        times.append((time.monotonic() - start) * 1000)
    bench.row('scan nothing: start-up', statistics.median(times), 20, 'ms', 1.0, False)


def memory(bench, program, source):
    """Of one thread, and of each further one, on files of a MiB."""
    tree = f'{bench.args.trash}/tree'
    os.makedirs(tree, exist_ok=True)
    with open(source, 'rb') as f:
        for i in range(64):
            with open(f'{tree}/{i}', 'wb') as out:
                out.write(f.read(1 << 20))
    one, four = (run([program, '--threads', n, tree])[1] for n in ('1', '4'))
    bench.row('scan: memory with one thread', one / 1024, 64 + 8, 'MiB', 1.0, False)
    bench.row('scan: memory of each further thread', max((four - one) / 3 / 1024, 0), 8, 'MiB', 1.0, False)


def masking(bench, builddir, source, cpu):
    """CPU of the masker alone, as a share of all that the bastion spends on the same bytes."""
    masker = min(float(subprocess.run([f'{builddir}/mask-speed', source], check=True, capture_output=True, text=True)
                       .stdout.split()[0]) for _ in range(3))
    before = cpu(bench.args.bastion)
    subprocess.run(bench.ours + [f'cat {source}'], stdin=DEVNULL, stdout=DEVNULL, check=True)
    bench.row('masking: share of a transfer\'s CPU', masker / (cpu(bench.args.bastion) - before) * 100, 10, '%', 1.0, False)


def measure(bench, cpu):
    trash, srcdir, builddir = bench.args.trash, os.environ['TEST_SRCDIR'], os.environ['TEST_BUILDDIR']
    program, source, mixed = f'{builddir}/secretscan/secretscan', f'{trash}/source', f'{trash}/mixed'
    make_source(source, bench.args.mib << 20)
    make_mixed(source, mixed)
    size = os.path.getsize(source) / 1e9
    ours = size / best([program, '--threads', '1', source], bench.args.rounds)
    bench.row('scan source text, per core', ours, 1.0, 'GB/s', 1.0, True)
    bench.row('scan mixed content, per core', size / best([program, '--threads', '1', mixed], bench.args.rounds), 0.5,
              'GB/s', 1.0, True)
    searchers(bench, ours, source, srcdir)
    secretlint(bench, ours, source)
    start_up(bench, program)
    memory(bench, program, source)
    masking(bench, builddir, source, cpu)
