#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""cast-text FILE..: the output events of asciicast v3 recordings, as bytes. A cut last line is passed over, as it should be."""

import json
import sys

for name in sys.argv[1:]:
    with open(name, encoding="utf-8", errors="surrogateescape") as f:
        for i, line in enumerate(f):
            if i == 0 or line.startswith("#") or not line.endswith("\n"):
                continue
            event = json.loads(line)
            if event[1] == "o":
                sys.stdout.buffer.write(event[2].encode("utf-8", "surrogateescape"))
