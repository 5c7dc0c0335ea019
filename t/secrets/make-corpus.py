#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make-corpus.py RULES OUT [ROUNDS]: write the labelled corpus of t/secrets/README as OUT/ and OUT.truth."""
import base64
import json
import os
import random
import re
import string
import sys

import yaml

HERE = os.path.dirname(os.path.abspath(__file__))
RND = random.Random(20261121)
ALNUM = string.ascii_letters + string.digits
NOISE = ALNUM + '!@#%^&*(-_=+)'
WORDS = '''account address admin archive battery bridge builder cache calendar channel client cloud config content context
controller customer database default delivery document engine event export factory feature filter folder garden gateway
handler header history image import index invoice journal kernel label language layout letter library manager market
matrix member message method module monitor network number object office option order output package panel parser
partner payment people picture planet player policy portal product profile project provider public query record region
report request resource response result river schema screen search season section server service session setting shadow
signal silver simple socket source spring station status storage stream string summer support switch system table target
template ticket timer title topic traffic transfer travel update upload user vector version video viewer volume window
winter worker'''.split()
# Where a provider's own sample is put.
CONTEXTS = {
    'bare': '{}', 'env': 'export VALUE={}', 'json': '{{"value": "{}"}}', 'yaml': 'value: {}', 'go': 'value := "{}"',
    'python': "value = '{}'", 'js': "const value = `{}`;", 'xml': '<value>{}</value>', 'curl': "curl -d 'x={}' https://h/",
    'log': '2026-11-02 INFO got {} from client',
}


def text(n, alphabet=ALNUM):
    """n characters, of which at least one is a digit where the alphabet has any."""
    while True:
        s = ''.join(RND.choice(alphabet) for _ in range(n))
        if not set(alphabet) & set(string.digits) or any(c.isdigit() for c in s):
            return s


def b64(n):
    return base64.b64encode(RND.randbytes(n)).decode()


def phrase():
    return ' '.join(RND.choice(WORDS) for _ in range(RND.randint(2, 5))).capitalize()


def password():
    """As people choose and as managers draw them."""
    kind = RND.random()
    if kind < 0.45:
        return text(RND.randint(8, 14))
    if kind < 0.6:
        return text(RND.randint(7, 12), string.ascii_lowercase + string.digits)
    if kind < 0.7:
        return text(RND.randint(8, 12), string.ascii_lowercase)
    if kind < 0.85:
        return text(RND.randint(9, 13)) + RND.choice('!#%*?')
    return RND.choice(WORDS).capitalize() + str(RND.randint(10, 9999)) + RND.choice('!#%*?')


def hexa(n):
    return text(n, '0123456789abcdef')


def uuid():
    return '-'.join(hexa(n) for n in (8, 4, 4, 4, 12))


def crypt(n):
    return text(n, ALNUM + './')


SECRETS = {
    'password': password, 'random': lambda: text(RND.randint(8, 14)), 'token': lambda: text(RND.randint(20, 44)),
    'hex': lambda: hexa(RND.choice((32, 40, 64))), 'base64': lambda: b64(RND.choice((18, 24, 32))), 'uuid': uuid,
    'basic': lambda: base64.b64encode(('deploy:' + text(12)).encode()).decode(), 'hex128': lambda: hexa(128),
    'crypt22': lambda: crypt(22), 'crypt53': lambda: crypt(53), 'crypt86': lambda: crypt(86), 'aws40': lambda: b64(30),
    'key32': lambda: hexa(32), 'key40': lambda: hexa(40), 'key64': lambda: hexa(64),
    'noise50': lambda: text(50, NOISE), 'noise64': lambda: text(64, NOISE + ' ~|;<>[]{}'), 'dpapi': lambda: hexa(400).upper(),
    'pem64': lambda: base64.b64encode(('-----BEGIN RSA PRI' + 'VATE KEY-----\n' + b64(400)).encode()).decode(),
    'b64line': lambda: b64(48),
}
OTHERS = {
    'user': lambda: RND.choice(('app', 'deploy', 'alice', 'svc', 'web')), 'word': lambda: RND.choice(WORDS), 'phrase': phrase,
    'host': lambda: RND.choice(WORDS) + '.corp.net', 'name': lambda: phrase().title(), 'salt8': lambda: text(8),
    'path': lambda: '/etc/' + RND.choice(WORDS) + '.conf', 'hex32': lambda: hexa(32), 'hex40': lambda: hexa(40),
    'hex64': lambda: hexa(64), 'uuid0': uuid, 'token0': lambda: text(32), 'private': lambda: 'PRI' + 'VATE KEY',
}
# In the place of a secret: what programs and settings have there.
NONE = (
    lambda: RND.choice(WORDS), lambda: '_'.join(RND.sample(WORDS, 2)), lambda: '-'.join(RND.sample(WORDS, 3)),
    lambda: RND.choice(WORDS) + ''.join(w.capitalize() for w in RND.sample(WORDS, 2)),
    lambda: '${' + RND.choice(WORDS).upper() + '}', lambda: '{{ ' + RND.choice(WORDS) + ' }}',
    lambda: '<' + RND.choice(WORDS) + '>', lambda: '.'.join(RND.sample(WORDS, 3)), lambda: 'changeme', lambda: 'xxxxxxxx',
    lambda: 'your-' + RND.choice(WORDS), lambda: RND.choice(WORDS) + '()', lambda: '********', lambda: 'null',
    lambda: 'EXAMPLE_' + RND.choice(WORDS).upper(), lambda: RND.choice(WORDS) + '1', lambda: '%s', lambda: 'password',
    lambda: RND.choice(WORDS).upper() + '_' + RND.choice(WORDS).upper(), lambda: '$' + RND.choice(WORDS).upper(),
)


class Corpus:
    def __init__(self, out):
        self.out = out
        self.truth = open(out + '.truth', 'w')
        os.makedirs(out)
        self.n = 0

    def add(self, group, name, pieces):
        """pieces: texts and, as tuples of one, secrets. A secret is truth: file, line, column, length, group."""
        path = '%s-%d-%s' % (group, self.n, name)
        self.n += 1
        whole = ''
        for piece in pieces:
            if isinstance(piece, tuple):
                line = whole.count('\n') + 1
                column = len(whole.encode()) - (whole.encode().rfind(b'\n') + 1) + 1
                self.truth.write('%s\t%d\t%d\t%d\t%s\n' % (path, line, column, len(piece[0].encode()), group))
                whole += piece[0]
            else:
                whole += piece
        with open(os.path.join(self.out, path), 'wb') as f:
            f.write(whole.encode() if whole.endswith('\n') else whole.encode() + b'\n')


def fill(template, secrets=SECRETS, none=None):
    pieces = []
    template = template.replace('@@@', '@\x00')
    for i, part in enumerate(re.split(r'@([a-z0-9]+)@', template)):
        if i % 2 == 0:
            pieces.append(part.replace('\x00', '@').replace('\\n', '\n').replace('\\t', '\t').replace('\\\\', '\\'))
        elif part in secrets:
            pieces.append((secrets[part](),) if none is None else none())
        else:
            pieces.append(OTHERS[part]())
    return pieces


def split_at(template):
    """A host after a secret is written @x@@@host@: the sign between them is the text's."""
    return re.sub(r'@([a-z0-9]+)@@@([a-z0-9]+)@', lambda m: '@%s@\x00@%s@' % m.groups(), template)


def lines(name):
    with open(os.path.join(HERE, name)) as f:
        return [line.rstrip('\n') for line in f if line.strip()]


def add_own(corpus, rounds):
    for template in lines('positive.txt'):
        group, body = template.split('\t', 1)
        body = split_at(body)
        for _ in range(rounds):
            corpus.add('own-' + group, 'x', fill(body))
        # In a file that only holds passwords, a word is one.
        for _ in range(5 * rounds if group != 'rc' else 0):
            corpus.add('none', 'x', fill(body, none=RND.choice(NONE)))
    for template in lines('negative.txt'):
        corpus.add('none', 'x', [p[0] if isinstance(p, tuple) else p for p in fill(split_at(template))])
    for name in sorted(os.listdir(os.path.join(HERE, 'leaky'))):
        body = ''.join(open(os.path.join(HERE, 'leaky', name)).readlines())
        corpus.add('leaky', name, fill(split_at(body)))


def add_out_of_place(corpus, rule):
    """A keyword's token too far from the keyword, or with a sign that it cannot have: none."""
    if 'near' not in rule or 'bare' in rule:
        return
    sample = ''.join(rule['good'][0])
    tokens = [m.group() for m in re.finditer(rule['secret'], sample)]
    if not tokens or len(max(tokens, key=len)) < 16 or not rule['id'].endswith(('-key', '-token', '-secret')):
        return
    token, word = max(tokens, key=len), rule['anchors'][0]
    broken = token[:len(token) // 2] + '?' + token[len(token) // 2 + 1:]
    corpus.add('displaced', rule['id'], ['%s is the name of a service that is not what this is about.\nx = "%s"' % (word, token)])
    corpus.add('displaced', rule['id'], ["%s = '%s'" % (word, broken)])


def add_providers(corpus, rules):
    for name in sorted(os.listdir(rules)):
        if not name.endswith('.yaml'):
            continue
        with open(os.path.join(rules, name)) as f:
            for rule in yaml.safe_load(f)['rules']:
                add_out_of_place(corpus, rule)
                prefixed = 'lead' not in rule and 'near' not in rule
                for sample in rule['good'][:1]:
                    sample = ''.join(sample) if isinstance(sample, list) else sample
                    found = re.search('(?i)' + rule['secret'], sample) if prefixed else None
                    if found is None or 'tail' in rule or '\n' in found.group():
                        corpus.add('provider-asis', rule['id'], [sample])
                        corpus.truth.write('%s\t0\t0\t0\tprovider-asis\n' % ('provider-asis-%d-%s' % (corpus.n - 1, rule['id'])))
                        continue
                    for context, body in CONTEXTS.items():
                        before, after = body.format('\x00').split('\x00')
                        corpus.add('provider-' + context, rule['id'], [before, (found.group(),), after])


def escape(body):
    """As a terminal shows it: coloured, with a change of colour between the words and the cursor's moves at the ends."""
    words = [('\x1b[3%dm' % (i % 8)) + w + '\x1b[0m' if w else w for i, w in enumerate(body.split(' '))]
    return ' '.join(words).replace('\n', '\x1b[K\r\n')


VARIANTS = {
    'crlf': lambda body: body.replace('\n', '\r\n'),
    'diff': lambda body: '--- a/x\n+++ b/x\n@@ -0,0 +1 @@\n' + ''.join('+' + s for s in body.splitlines(True)),
    'json': lambda body: json.dumps({'text': body}),
    'terminal': escape,
}


def add_variants(corpus):
    """Every file that holds a secret once more in other clothes; that it is found at all is the question."""
    corpus.truth.flush()
    with open(corpus.out + '.truth') as f:
        truth = sorted({(line.split('\t')[0]) for line in f if line.startswith(('own-', 'leaky-', 'provider-bare', 'provider-json'))})
    for name in truth:
        with open(os.path.join(corpus.out, name), newline='') as f:
            body = f.read()
        for variant, dress in VARIANTS.items():
            path = 'variant-%s-%s' % (variant, name)
            with open(os.path.join(corpus.out, path), 'w', newline='') as f:
                f.write(dress(body))
            corpus.truth.write('%s\t0\t0\t0\tvariant-%s\n' % (path, variant))
        corpus.truth.write('%s\t0\t0\t0\tvariant-plain\n' % ('=' + name))


def main():
    corpus = Corpus(sys.argv[2])
    add_own(corpus, int(sys.argv[3]) if len(sys.argv) > 3 else 2)
    add_providers(corpus, sys.argv[1])
    add_variants(corpus)
    corpus.truth.close()


main()
