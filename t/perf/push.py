# SPDX-License-Identifier: Apache-2.0
"""Five-commit pushes to an upstream on an SSH server: through the bastion, and the same push direct to the same sshd."""
import os
import signal
import statistics
import subprocess
import time

COMMITS = 5
BASE = 200


def git(repo, *words, env=None):
    subprocess.run(['git', '-C', repo, *words], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                   env={**os.environ, **(env or {})})


def commits(repo, start, count):
    for i in range(start, start + count):
        name = f'{repo}/dir{i % 17}/file{i % 61}.c'
        os.makedirs(os.path.dirname(name), exist_ok=True)
        with open(name, 'a', encoding='ascii') as f:
            f.writelines(f'\tif (request_{k * i % 977}->length > limit[{k}])\t/* {i} */\n' for k in range(40))
        git(repo, 'add', '.')
        git(repo, 'commit', '-q', '-m', f'commit {i}')


def masters(bastion):
    """The processes that hold connections to upstreams."""
    with open(f'/proc/{bastion}/task/{bastion}/children', encoding='ascii') as f:
        for pid in f.read().split():
            try:
                with open(f'/proc/{pid}/cmdline', 'rb') as c:
                    if c.read().split(b'\0')[1:2] == [b'master']:
                        yield int(pid)
            except OSError:
                pass


def drop_connections(bastion):
    for pid in masters(bastion):
        os.kill(pid, signal.SIGKILL)
    while list(masters(bastion)):
        time.sleep(0.01)


def push(bench):
    args, trash = bench.args, bench.args.trash
    repos, work = f'{trash}/upstream-forge/repos', f'{trash}/push-work'
    ways = {
        'ours': (f'ssh://git@127.0.0.1:{args.port}/forge/ours.git', f"ssh -F '{trash}/id/ci.conf'"),
        'direct': (f'ssh://forge{repos}/direct.git', f"ssh -F '{trash}/rivals'"),
    }
    git(trash, 'init', '-q', '-b', 'main', work)
    commits(work, 0, BASE)
    for name in ways:
        git(trash, 'init', '-q', '--bare', '-b', 'main', f'{repos}/{name}.git')
        git(work, 'push', '-q', f'{repos}/{name}.git', 'main')
    done = BASE

    def one(name, cold):
        if cold and name == 'ours':
            drop_connections(args.bastion)
        url, ssh = ways[name]
        start = time.monotonic()
        git(work, 'push', '-q', '--no-thin', url, 'HEAD:refs/heads/agent/x', env={'GIT_SSH_COMMAND': ssh})
        return time.monotonic() - start

    for cold, budget in ((False, 1.10), (True, 1.40)):
        times = {name: [] for name in ways}
        for turn in range(args.rounds * 2 + 1):
            commits(work, done, COMMITS)
            done += COMMITS
            for name in sorted(ways, reverse=turn % 2 == 1):
                taken = one(name, cold)
                if turn > 0:
                    times[name].append(taken)
        us, them = (statistics.median(times[n]) * 1000 for n in ('ours', 'direct'))
        bench.row(f'push of five commits, {"cold" if cold else "pooled"} upstream', us, them, 'ms', budget, False)
