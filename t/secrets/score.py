#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""score.py OUT FINDINGS [JSON]: recall by group, precision and spans, from OUT.truth and secretscan's JSON lines."""
import collections
import json
import os
import sys

# What the specification asks for on sets that are not ours, and more, as these are.
FLOORS = {'own_recall': 0.95, 'leaky_recall': 0.9, 'provider_recall': 0.98, 'precision': 0.97, 'span': 0.99}
CEILINGS = {
    'clean_flagged': 0.01, 'plain_minus_crlf': 0.02, 'plain_minus_diff': 0.02, 'plain_minus_json': 0.02,
    'plain_minus_terminal': 0.02,
}


def read_truth(path):
    truth = collections.defaultdict(list)
    groups = {}
    with open(path) as f:
        for line in f:
            name, row, column, length, group = line.rstrip('\n').split('\t')
            truth[name].append((int(row), int(column), int(length)))
            groups[name] = group
    return truth, groups


def read_findings(path):
    found = collections.defaultdict(list)
    with open(path, errors='replace') as f:
        for line in f:
            x = json.loads(line)
            found[os.path.basename(x['file'])].append((x['line'], x['column'], x['end_line'], x['end_column'], x['rule']))
    return found


def covers(finding, secret):
    """0: elsewhere, 1: on the same lines, 2: every byte of the secret."""
    row, column, length = secret
    if row == 0:
        return 2
    if not finding[0] <= row <= finding[2]:
        return 0
    starts = finding[0] < row or finding[1] <= column
    ends = finding[2] > row or finding[3] >= column + length - 1
    return 2 if starts and ends else 1


def score(truth, groups, found):
    total, hit, span = collections.Counter(), collections.Counter(), collections.Counter()
    missed = []
    for name, secrets in truth.items():
        group = groups[name]
        best = [max([covers(f, s) for f in found.get(name.lstrip('='), [])] or [0]) for s in secrets]
        if group == 'leaky':
            total[group] += 1
            hit[group] += max(best) > 0
            span[group] += max(best) == 2
        else:
            total[group] += len(best)
            hit[group] += sum(b > 0 for b in best)
            span[group] += sum(b == 2 for b in best)
        if not max(best):
            missed.append(name)
    return total, hit, span, missed


def main():
    truth, groups = read_truth(sys.argv[1] + '.truth')
    found = read_findings(sys.argv[2])
    total, hit, span, missed = score(truth, groups, found)
    clean = [n for n in os.listdir(sys.argv[1]) if n not in truth]
    false = sorted(n for n in clean if n in found)
    figures = {}
    for family in ('own', 'leaky', 'provider'):
        keys = [g for g in total if g.startswith(family)]
        figures[family + '_recall'] = sum(hit[g] for g in keys) / sum(total[g] for g in keys)
    real = sum(hit[g] for g in hit if g.startswith('own'))
    figures['precision'] = real / (real + sum(n.startswith('none-') for n in false))
    figures['clean_flagged'] = len(false) / len(clean)
    plain = hit['variant-plain'] / total['variant-plain']
    for g in ('crlf', 'diff', 'json', 'terminal'):
        figures['plain_minus_' + g] = plain - hit['variant-' + g] / total['variant-' + g]
    figures['span'] = sum(span.values()) / sum(hit.values())
    for g in sorted(total):
        print('%-20s %5d of %5d found  %5.1f %%' % (g, hit[g], total[g], 100 * hit[g] / total[g]))
    for name, value in figures.items():
        print('%-20s %.4f' % (name, value))
    for name in missed + false:
        print(('missed ' if name in truth else 'false ') + name)
    low = [n for n, floor in FLOORS.items() if figures[n] < floor] + [n for n, top in CEILINGS.items() if figures[n] > top]
    for name in low:
        print('below the floor: ' + name)
    if len(sys.argv) > 3:
        with open(sys.argv[3], 'w') as f:
            json.dump({k: round(v, 4) for k, v in figures.items()}, f, indent=1)
            f.write('\n')
    return 1 if low else 0


sys.exit(main())
