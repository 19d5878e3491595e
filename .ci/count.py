"""Adds up what the test runners printed: the last line is the sum. Fails unless all passed and every runner ran."""

import re
import sys
from pathlib import Path

PASSED = {
    "cargo test": r"^test result: \w+\. (\d+) passed",
    "node": r"^(?:#|ℹ) pass (\d+)$",
    "pytest": r"^(?:=+ )?(?:\d+ failed, )?(\d+) passed",
}
FAILED = [r"^test result: \w+\. \d+ passed; (\d+) failed", r"^(?:#|ℹ) fail (\d+)$", r"^(?:=+ )?(\d+) failed"]


def total(pattern, text):
    return sum(int(number) for number in re.findall(pattern, text, re.MULTILINE))


def main():
    log, status = Path(sys.argv[1]), int(sys.argv[2])
    text = re.sub(r"\x1b\[[0-9;]*m", "", log.read_text(encoding="utf-8", errors="replace"))
    counts = {name: total(pattern, text) for name, pattern in PASSED.items()}
    failed = sum(total(pattern, text) for pattern in FAILED)
    for name, count in counts.items():
        print(f"{name}: {count} passed")
    bad = status != 0 or failed > 0 or 0 in counts.values()
    print(f"{sum(counts.values())} passed, {max(failed, int(bad))} failed")
    return int(bad)


if __name__ == "__main__":
    sys.exit(main())
