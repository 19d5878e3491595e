"""Reads decisions of the library from standard input and decides them again; exits with 1 unless all agree."""

import collections
import json
import multiprocessing
import sys

import serve


def decide(line):
    query = json.loads(line)
    expected = query.pop("expected")
    answer = serve.authorize(query)
    return line, expected, {name: answer.get(name) for name in ("decision", "code", "link")}


def main():
    least = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    outcomes = collections.Counter()
    faults = 0
    with multiprocessing.Pool() as pool:
        for line, expected, actual in pool.imap(decide, sys.stdin, chunksize=50):
            outcomes[expected["code"] or "allowed"] += 1
            if actual != expected:
                faults += 1
                print(f"the library says {expected}, the reference {actual}: {line[:2000]}", file=sys.stderr)
    count = sum(outcomes.values())
    print(f"the reference agrees with {count - faults} of {count} decisions; {len(outcomes)} different outcomes")
    enough = count >= least and outcomes["allowed"] >= count // 20 and len(outcomes) >= 15
    if not enough:
        print("too few decisions, too few that allow, or too few kinds of outcome", file=sys.stderr)
    return 1 if faults or not enough else 0


if __name__ == "__main__":
    sys.exit(main())
