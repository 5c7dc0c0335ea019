#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""score-real.py TSV DIR FINDINGS: recall and precision over the labelled lines of the sources unpacked in DIR."""
import collections
import json
import os
import sys


def read_labels(path, root):
    """Set -> label -> lines as (file, line); the names of packages that are not in `root`."""
    labels = collections.defaultdict(lambda: collections.defaultdict(list))
    absent = set()
    with open(path) as f:
        for line in f:
            if line.startswith('#') or not line.strip():
                continue
            part, package, version, name, row, label = line.rstrip('\n').split('\t')
            folder = package + '-' + version
            if os.path.isfile(os.path.join(root, folder, name)):
                labels[part][label].append((os.path.join(root, folder, name), int(row)))
            else:
                absent.add(folder)
    return labels, absent


def read_findings(path):
    found = collections.defaultdict(list)
    with open(path, errors='replace') as f:
        for line in f:
            x = json.loads(line)
            found[os.path.normpath(x['file'])].append((x['line'], x['end_line']))
    return found


def main():
    labels, absent = read_labels(sys.argv[1], sys.argv[2])
    found = read_findings(sys.argv[3])

    def hit(name, row):
        return any(first <= row <= last for first, last in found.get(os.path.normpath(name), []))

    for name in sorted(absent):
        print('real lines: no ' + name)
    for part in sorted(labels):
        secrets, others = labels[part]['T'], labels[part]['F']
        true, false = sum(hit(*x) for x in secrets), sum(hit(*x) for x in others)
        print('real lines, %s: %d of %d secrets found, %d of %d others flagged, recall %.3f, precision %.3f' % (
            part, true, len(secrets), false, len(others), true / max(1, len(secrets)), true / max(1, true + false)))
    return 0


sys.exit(main())
