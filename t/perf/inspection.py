# SPDX-License-Identifier: Apache-2.0
"""Pushes: the inspector beside git index-pack on the same pack, and git push through the bastion beside the same push to the
same kind of repository over sshd, both without thin packs."""
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time

HELPER = os.path.join(os.environ['TEST_SRCDIR'], 't', 'helper')
FOLDERS = ['/usr/include', '/usr/share/perl', '/usr/lib/python3', '/usr/share/doc', '/usr/share/vim', os.environ['TEST_SRCDIR']]
DEVNULL = subprocess.DEVNULL


def git(*words, **more):
    return subprocess.run(('git',) + words, check=True, stdout=subprocess.PIPE, **more).stdout


def make_history(trash, commits):
    """A bare repository with so many commits of this machine's text files, as git packs it itself."""
    repo, stream = f'{trash}/history.git', f'{trash}/stream'
    git('init', '-q', '--bare', repo)
    with open(stream, 'wb') as f:
        subprocess.run([sys.executable, f'{HELPER}/history.py', str(commits)] + FOLDERS, stdout=f, check=True)
    with open(stream, 'rb') as f:
        git('-C', repo, 'fast-import', '--quiet', '--done', stdin=f)
    os.unlink(stream)
    git('-C', repo, 'repack', '-adfq', '--window=10')
    return repo


def make_text(trash, mib):
    """One commit of new text, none of which is like another: numbers and words in files of 40 KiB."""
    repo = f'{trash}/text.git'
    git('init', '-q', '--bare', repo)
    child = subprocess.Popen(['git', '-C', repo, 'fast-import', '--quiet', '--done'], stdin=subprocess.PIPE)
    out, files, seed = child.stdin, mib * 1024 // 40, 1
    out.write(b'commit refs/heads/main\ncommitter A <a@example.com> 1700000000 +0000\ndata 4\ntext\n')
    for i in range(files):
        lines = []
        while len(lines) < 800:
            seed = (seed * 6364136223846793005 + 1442695040888963407) & (2 ** 64 - 1)
            lines.append(f'\tset_{seed >> 50:x}_{seed >> 20 & 0xfff:x}(&state[{seed >> 40 & 0xff}], {seed & 0xffff});\n')
        data = ''.join(lines).encode()
        out.write(b'M 100644 inline d%d/f%d.c\ndata %d\n%s\n' % (i % 97, i, len(data), data))
    out.write(b'\ndone\n')
    out.close()
    if child.wait() != 0:
        raise SystemExit('fast-import failed')
    git('-C', repo, 'config', 'pack.compression', '1')
    return repo


def pack_of(repo, path):
    tips = git('-C', repo, 'rev-parse', '--all')
    with open(path, 'wb') as f:
        subprocess.run(['git', '-C', repo, 'pack-objects', '--revs', '--stdout', '-q', '--delta-base-offset'], input=tips,
                       stdout=f, check=True)
    return sorted(set(tips.decode().split()))


def user_seconds(command, stdin=None):
    """CPU seconds in user mode of a command and what it starts, and its output."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    with open(stdin or os.devnull, 'rb') as f:
        out = subprocess.run(command, stdin=f, stdout=subprocess.PIPE, check=True).stdout
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before, out.decode()


def inspection(bench, name, repo):
    trash = bench.args.trash
    pack, scratch = f'{trash}/{name}.pack', f'{trash}/scratch.git'
    tips = pack_of(repo, pack)
    sizes = git('-C', repo, 'cat-file', '--batch-all-objects', '--batch-check=%(objectsize)').split()
    resolved = sum(int(n) for n in sizes) / 1e6
    ours, theirs, grown = [], [], []
    for _ in range(bench.args.rounds):
        _, said = user_seconds(['inspect-pack', pack] + tips)
        took = dict(word.split('=', 1) for word in said.split(' reason=')[0].split())
        if took['status'] == 'bad':
            raise SystemExit(f'{name}: {said}')
        ours.append(float(took['user']))
        grown.append(int(took['grown']) / 1024)
        git('init', '-q', '--bare', scratch)
        seconds, _ = user_seconds(['git', '-C', scratch, '-c', 'pack.threads=1', 'index-pack', '--stdin'], stdin=pack)
        theirs.append(seconds)
        shutil.rmtree(scratch)
    us = statistics.median(ours)
    bench.row(f'inspection of {name}, user CPU, against index-pack', us, statistics.median(theirs), 's', 0.5, False)
    bench.row(f'inspection of {name}, resolved, against the floor', resolved / us, 600, 'MB/s', 1.0, True)
    bench.row(f'inspection of {name}, heap, against 64 MB and 60 B/object', statistics.median(grown),
              (64e6 + 60 * len(sizes)) / 2 ** 20, 'MiB', 1.0, False)


def push_once(clone, ssh, url, refs):
    env = dict(os.environ, GIT_SSH_COMMAND=ssh)
    start = time.monotonic()
    subprocess.run(['git', '-C', clone, 'push', '-q', '--no-thin', url] + refs, env=env, check=True, stdout=DEVNULL)
    return time.monotonic() - start


def fresh(path, base=None):
    shutil.rmtree(path, ignore_errors=True)
    if base is None:
        git('init', '-q', '--bare', path)
    else:
        shutil.copytree(base, path, symlinks=True)


def pushes(bench, name, clone, refs, budget, rounds, base=None):
    """The same push to a fresh copy of the same repository, through the bastion and through sshd, in turns."""
    trash = bench.args.trash
    hosted, direct = f'{trash}/state/repos/bench.git', f'{trash}/direct.git'
    ways = [(hosted, f'ssh -F {trash}/id/ci.conf', f'ssh://git@127.0.0.1:{bench.args.port}/hosted/bench.git'),
            (direct, f'ssh -F {trash}/rivals', f'ssh://web1{direct}')]
    times = [[], []]
    for _ in range(rounds):
        for i, (repo, ssh, url) in enumerate(ways):
            fresh(repo, base)
            times[i].append(push_once(clone, ssh, url, refs))
    ours, theirs = (statistics.median(t) for t in times)
    bench.row(f'push, {name}, held, against sshd', ours, theirs, 's', budget, False)


def measure(bench):
    trash, args = bench.args.trash, bench.args
    history = make_history(trash, args.commits)
    text = make_text(trash, args.text)
    inspection(bench, 'history', history)
    inspection(bench, 'text', text)
    # Five commits on top of the first quarter of the history.
    base, clone = f'{trash}/base.git', f'{trash}/clone'
    git('clone', '-q', '--no-local', history, clone, '--branch', 'main')
    old = git('-C', clone, 'rev-list', '--first-parent', f'--skip={args.commits // 4}', '-1', 'main').decode().strip()
    git('init', '-q', '--bare', base)
    git('-C', clone, 'push', '-q', base, f'{old}:refs/heads/main')
    git('-C', clone, 'switch', '-q', '--detach', old)
    for i in range(5):
        with open(f'{clone}/new-{i}.c', 'w', encoding='ascii') as f:
            f.write(f'int f{i}(void)\n{{\n\treturn {i};\n}}\n')
        git('-C', clone, 'add', '.')
        git('-C', clone, '-c', 'user.name=A', '-c', 'user.email=a@example.com', 'commit', '-q', '-m', f'new {i}')
    pushes(bench, 'five commits', clone, ['HEAD:refs/heads/agent/five'], 1.10, args.rounds * 2, base)
    pushes(bench, 'full history', history, ['refs/heads/main:refs/heads/agent/all'], 1.45, max(2, args.rounds // 2))
    pushes(bench, f'{args.text} MiB of new text', text, ['refs/heads/main:refs/heads/agent/text'], 1.05, max(2, args.rounds // 2))
