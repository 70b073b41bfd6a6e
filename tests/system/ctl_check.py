# SPDX-License-Identifier: Apache-2.0
"""
ctl_check.py json EXPRESSION     a JSON value on standard input, as `d`: the expression is true of it
ctl_check.py metrics [FILE]      Prometheus' text format 0.0.4, strictly; with FILE, an earlier one: no counter
                                 has gone back.  Prints each sample of it as `name{labels} value`
ctl_check.py log                 log lines in JSON, each with just the members that are documented
"""
import json
import re
import sys

NAME = re.compile(r'[a-zA-Z_:][a-zA-Z0-9_:]*')
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"')
SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? ([0-9]+)')


def fail(text):
    print(text)
    sys.exit(1)


def check_json(expression):
    text = sys.stdin.read()
    d = json.loads(text)
    if not eval('(' + expression + ')', {'d': d, 'by': lambda rows, **want: [
            row for row in rows if all(row.get(k) == v for k, v in want.items())]}):
        fail(f'{expression} is not true of {text}')


def parse_labels(text, line):
    labels, at = {}, 0
    while at < len(text):
        found = LABEL.match(text, at)
        if not found or found.group(1) in labels:
            fail(f'labels of {line!r}')
        labels[found.group(1)] = found.group(2)
        at = found.end()
        if at < len(text):
            if text[at] != ',' or at + 1 == len(text):
                fail(f'labels of {line!r}')
            at += 1
    return tuple(sorted(labels.items()))


def parse_metrics(text):
    """The samples and the types of their families: HELP, TYPE and all samples of one stand together."""
    if not text.endswith('\n'):
        fail('the last line has no end')
    samples, types, family, helped = {}, {}, None, None
    for line in text[:-1].split('\n'):
        if line.startswith('# HELP '):
            name, _, words = line[7:].partition(' ')
            if name in types or not NAME.fullmatch(name) or not words or '\\' in words:
                fail(f'HELP: {line!r}')
            helped = name
        elif line.startswith('# TYPE '):
            name, _, kind = line[7:].partition(' ')
            if name != helped or name in types or kind not in ('counter', 'gauge'):
                fail(f'TYPE: {line!r}')
            if (kind == 'counter') != name.endswith('_total'):
                fail(f'the name does not fit the type: {line!r}')
            family, types[name] = name, kind
        else:
            found = SAMPLE.fullmatch(line)
            if not found or found.group(1) != family:
                fail(f'sample: {line!r}')
            key = (family, parse_labels(found.group(2) or '', line))
            if key in samples:
                fail(f'twice: {line!r}')
            samples[key] = int(found.group(3))
    return samples, types


def check_metrics(earlier):
    samples, types = parse_metrics(sys.stdin.read())
    if len(types) < 15:
        fail(f'only {len(types)} families')
    if earlier:
        with open(earlier, encoding='ascii') as file:
            before, _ = parse_metrics(file.read())
        for key, value in before.items():
            if types[key[0]] == 'counter' and key in samples and samples[key] < value:
                fail(f'{key} went back from {value} to {samples[key]}')
    for (name, labels), value in samples.items():
        print(name + '{' + ','.join(f'{k}={v}' for k, v in labels) + '}', value)


def check_log():
    lines = sys.stdin.read().split('\n')
    if lines.pop() != '' or len(lines) < 3:
        fail('there are hardly any lines, or the last one has no end')
    for line in lines:
        event = json.loads(line)
        if set(event) - {'vm'} != {'time', 'level', 'pid', 'event'}:
            fail(f'members of {line}')
        if not re.fullmatch(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z', event['time']):
            fail(f'time of {line}')
        if event['level'] not in ('error', 'warning', 'info', 'debug'):
            fail(f'level of {line}')


if sys.argv[1] == 'json':
    check_json(sys.argv[2])
elif sys.argv[1] == 'metrics':
    check_metrics(sys.argv[2] if len(sys.argv) > 2 else None)
else:
    check_log()
