# SPDX-License-Identifier: Apache-2.0
"""The measuring half of t/perf/bench: ours and theirs in turns, medians, one table, one JSON file."""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time

import inspection
import push
import scan

DEVNULL = subprocess.DEVNULL


class Bench:
    def __init__(self, args):
        self.args = args
        self.rows = []
        ours = ['ssh', '-F', f'{args.trash}/id/ci.conf']
        rivals = ['ssh', '-F', f'{args.trash}/rivals']
        self.ours = ours + [f'{args.login}@web1@127.0.0.1']
        self.verb = ours + ['127.0.0.1']
        self.direct = rivals + ['web1']
        self.jump = rivals + ['-J', 'jump', 'web1']
        self.chain = rivals + ['chain']

    def row(self, name, ours, theirs, unit, budget, higher):
        """budget is on ours/theirs: a floor when higher is better, otherwise a ceiling."""
        ratio = ours / theirs if theirs else float('nan')
        met = ratio >= budget if higher else ratio <= budget
        self.rows.append({'name': name, 'ours': round(ours, 4), 'theirs': round(theirs, 4), 'unit': unit,
                          'ratio': round(ratio, 3), 'budget': f'{">=" if higher else "<="} {budget}', 'met': met})
        show(self.rows[-1])


HEAD = ('what', 'ours', 'theirs', 'unit', 'ratio', 'budget', 'met')


def show(row=None):
    if row is None:
        print('{:<44} {:>10} {:>10} {:<8} {:>7} {:>8}  {}'.format(*HEAD))
    else:
        print('{name:<44} {ours:>10.3f} {theirs:>10.3f} {unit:<8} {ratio:>7.3f} {budget:>8}  {0}'.format(
            'yes' if row['met'] else 'NO', **row))
    sys.stdout.flush()


def timed(command, stdin=None):
    """Seconds that a command takes; its failure ends the benchmark."""
    start = time.monotonic()
    with open(stdin or os.devnull, 'rb') as source:
        subprocess.run(command, stdin=source, stdout=DEVNULL, check=True)
    return time.monotonic() - start


def in_turns(rounds, commands, stdin=None):
    """Median seconds of each command, run A B C A B C.., so that a slow minute of the machine hits all alike."""
    times = [[] for _ in commands]
    for _ in range(rounds):
        for i, command in enumerate(commands):
            times[i].append(timed(command, stdin))
    return [statistics.median(t) for t in times]


def make_files(trash, mib):
    """256 MiB of nothing, and of text that looks like a source tree."""
    zeros, text = f'{trash}/zeros', f'{trash}/text'
    with open(zeros, 'wb') as f:
        f.truncate(mib << 20)
    line = 0
    with open(text, 'w', encoding='ascii') as f:
        while f.tell() < mib << 20:
            piece = []
            for _ in range(20000):
                line += 1
                piece.append(f'\tif (request_{line % 977}->length > limit[{line % 61}])\t/* line {line} */\n')
            f.write(''.join(piece))
        f.truncate(mib << 20)
    return {'zeros': zeros, 'text': text}


def bulk(bench):
    mib, rounds = bench.args.mib, bench.args.rounds
    for name, path in make_files(bench.args.trash, mib).items():
        for way, command, stdin in (('down', f'cat {path}', None), ('up', 'cat > /dev/null', path)):
            if stdin is None:
                timed(['cat', path])
            ours, jump, chain = in_turns(rounds, [c + [command] for c in (bench.ours, bench.jump, bench.chain)], stdin)
            bench.row(f'{way}, {name}, against ssh -J', mib / ours, mib / jump, 'MiB/s', 1.0, True)
            bench.row(f'{way}, {name}, against ForceCommand ssh', mib / ours, mib / chain, 'MiB/s', 1.0, True)


def sftp(bench):
    """Files by scp over SFTP: read, decided, scanned, hashed and recorded, beside sshd's that does none of it."""
    mib, rounds, trash = bench.args.mib, bench.args.rounds, bench.args.trash
    ours = ['scp', '-q', '-F', f'{trash}/id/ci.conf', '-o', f'User={bench.args.login}@web1'], '127.0.0.1'
    direct = ['scp', '-q', '-F', f'{trash}/rivals'], 'web1'
    jump = ['scp', '-q', '-F', f'{trash}/rivals', '-J', 'jump'], 'web1'
    for name, path in make_files(trash, mib).items():
        timed(['cat', path])
        for way in ('get', 'put'):
            commands = [c + ([f'{host}:{path}', f'{trash}/copy'] if way == 'get' else [path, f'{host}:{trash}/copy'])
                        for c, host in (ours, direct, jump)]
            us, sshd, through = in_turns(rounds, commands)
            bench.row(f'sftp {way}, {name}, against ssh -J', mib / us, mib / through, 'MiB/s', 1.0, True)
            bench.row(f'sftp {way}, {name}, against direct', mib / us, mib / sshd, 'MiB/s', 0.5, True)


def exec_true(bench):
    ours, direct = in_turns(bench.args.rounds * 4, [bench.ours + ['true'], bench.direct + ['true']])
    bench.row('exec true, against direct ssh', ours * 1000, direct * 1000, 'ms', 1.15, False)


def parents():
    """pid -> parent, command name."""
    table = {}
    for entry in os.listdir('/proc'):
        if entry.isdigit():
            try:
                with open(f'/proc/{entry}/stat', encoding='ascii', errors='replace') as f:
                    stat = f.read()
            except OSError:
                continue
            name = stat[stat.index('(') + 1:stat.rindex(')')]
            table[int(entry)] = (int(stat[stat.rindex(')') + 2:].split()[1]), name)
    return table


def tree(root):
    table = parents()
    found = [root]
    for pid in found:
        found += [p for p, (parent, _) in table.items() if parent == pid]
    return [(p, table[p][1]) for p in found if p in table]


def pss(root, only=None):
    """Kilobytes of the proportional set size of a process and all below it."""
    total = 0
    for pid, name in tree(root):
        if only is not None and name != only:
            continue
        try:
            with open(f'/proc/{pid}/smaps_rollup', encoding='ascii') as f:
                total += sum(int(line.split()[1]) for line in f if line.startswith('Pss:'))
        except OSError:
            pass
    return total


def idle_memory(bench):
    """What one more idle session costs; the command behind it is not counted."""
    count = 8
    costs = []
    for command, root, only in ((bench.ours, bench.args.bastion, None), (bench.direct, bench.args.sshd, 'sshd')):
        before = pss(root, only)
        clients = []
        for _ in range(count):
            client = subprocess.Popen(command + ['cat'], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            client.stdin.write(b'?')
            client.stdin.flush()
            client.stdout.read(1)
            clients.append(client)
        costs.append((pss(root, only) - before) / count)
        for client in clients:
            client.stdin.close()
            client.wait()
    bench.row('idle session, PSS, against sshd', costs[0], costs[1], 'KiB', 0.4, False)


def cpu(root):
    """CPU seconds of a process, what is below it, and what it has waited for."""
    ticks = 0
    for pid, _ in tree(root):
        try:
            with open(f'/proc/{pid}/stat', encoding='ascii', errors='replace') as f:
                fields = f.read().rsplit(')', 1)[1].split()
        except OSError:
            continue
        ticks += sum(int(v) for v in fields[11:15])
    return ticks / os.sysconf('SC_CLK_TCK')


def connect(command, count):
    """count connections, four at a time; seconds."""
    start = time.monotonic()
    running = []
    for _ in range(count):
        if len(running) == 4:
            if running.pop(0).wait() != 0:
                raise SystemExit(f'failed: {command}')
        running.append(subprocess.Popen(command, stdin=DEVNULL, stdout=DEVNULL))
    for client in running:
        if client.wait() != 0:
            raise SystemExit(f'failed: {command}')
    return time.monotonic() - start


def connections(bench):
    """What each server answers by itself, without a shell: a verb here, its internal-sftp there. The client costs the
    same on both sides and hides the servers' difference, so their own CPU is a second row."""
    count = 40
    sides = ((bench.verb + ['whoami'], bench.args.bastion), (bench.direct + ['-s', 'sftp'], bench.args.sshd))
    seconds, used = [[], []], [[], []]
    for _ in range(max(2, bench.args.rounds // 2)):
        for i, (command, root) in enumerate(sides):
            before = cpu(root)
            seconds[i].append(connect(command, count))
            used[i].append(cpu(root) - before)
    rate = [count / statistics.median(s) for s in seconds]
    per_cpu = [count / max(statistics.median(u), 0.001) for u in used]
    bench.row('connections, 4 at a time, against sshd', rate[0], rate[1], '1/s', 3.0, True)
    bench.row('connections per CPU second of the server', per_cpu[0], per_cpu[1], '1/s', 3.0, True)


def idle_crowd(bench):
    """One exec beside 2,000 connections that have logged in and do nothing, and without them."""
    rounds = bench.args.rounds * 4
    before, = in_turns(rounds, [bench.ours + ['true']])
    crowd = subprocess.Popen(['idle-crowd', str(bench.args.port), f'{bench.args.trash}/id/ci', '2000'],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    if not crowd.stdout.readline().startswith('ready 2000 '):
        raise SystemExit('no 2,000 connections')
    beside, = in_turns(rounds, [bench.ours + ['true']])
    left = crowd.communicate()[0].strip()
    if left != 'left 2000':
        raise SystemExit(f'of 2,000 idle connections {left}')
    bench.row('exec true beside 2,000 idle, against none', beside * 1000, before * 1000, 'ms', 2.0, False)


def long_transfer(bench):
    """Memory of the whole bastion while very much passes: the most after the first tenth, against the most within it."""
    total = bench.args.gib << 30
    command = bench.ours + [f'head -c {total} /dev/zero']
    client = subprocess.Popen(command, stdin=DEVNULL, stdout=subprocess.PIPE)
    early = late = got = 0
    look = time.monotonic() + 0.5
    while True:
        piece = client.stdout.read1(1 << 20)
        if not piece:
            break
        got += len(piece)
        if time.monotonic() >= look:
            look = time.monotonic() + 0.5
            now = pss(bench.args.bastion)
            if got < total // 10:
                early = max(early, now)
            else:
                late = max(late, now)
    if client.wait() != 0 or got != total:
        raise SystemExit(f'{got} of {total} bytes')
    bench.row(f'{bench.args.gib} GiB down: memory late, against early', late, early, 'KiB', 1.1, False)


def secretscan(bench):
    scan.measure(bench, cpu)


MEASURES = {'exec': exec_true, 'memory': idle_memory, 'connections': connections, 'bulk': bulk, 'sftp': sftp,
            'idle2000': idle_crowd, 'long': long_transfer, 'secretscan': secretscan, 'push': push.push,
            'inspection': inspection.measure}


def main():
    parser = argparse.ArgumentParser()
    for name in ('--trash', '--login', '--json'):
        parser.add_argument(name, required=True)
    for name in ('--bastion', '--port', '--sshd', '--mib', '--rounds', '--gib'):
        parser.add_argument(name, type=int, required=True)
    parser.add_argument('--commits', type=int, default=9500)
    parser.add_argument('--text', type=int, default=500)
    parser.add_argument('what', nargs='*', choices=[[], *MEASURES], default=[])
    args = parser.parse_args()
    bench = Bench(args)
    show()
    for name in args.what or MEASURES:
        MEASURES[name](bench)
    with open(args.json, 'w', encoding='ascii') as f:
        json.dump(bench.rows, f, indent=1)
        f.write('\n')
    met = sum(row['met'] for row in bench.rows)
    print(f'{met} of {len(bench.rows)} budgets met; written to {args.json}')


if __name__ == '__main__':
    main()
