"""The command `deputize` in its three packages: each prints what the guide shows, and the same as the others."""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from deputize import SigningKey

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "cli" / "tests" / "expected"
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# What is different in each run: new keys, and what is left of lifetimes.
NEW = [
    (r"(?m)^did\t.*\nthumbprint\t.*\nnote key\t.*$", "did\t…\nthumbprint\t…\nnote key\t…"),
    (r"\((?:expired|valid in) .*?\)|\([^()]* left\)", "(…)"),
]


def blocks(page: str) -> list[str]:
    found = BLOCK.findall((ROOT / page).read_text(encoding="utf-8"))
    assert found, f"{page} has no console"
    return found


def varying(text: str) -> str:
    for pattern, instead in NEW:
        text = re.sub(pattern, instead, text)
    return text


def run(command: str | list[str], folder: Path, **environment: str) -> str:
    """Both outputs, in their order; the exit code is for the command to tell."""
    variables = {**os.environ, "NO_COLOR": "1", **environment}
    done = subprocess.run(
        command,
        cwd=folder,
        env=variables,
        shell=isinstance(command, str),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        encoding="utf-8",
        timeout=600,
        check=False,
    )
    return done.stdout


@pytest.fixture(scope="module", params=["rust", "python", "node"])
def command(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with nothing but `deputize` of one of the packages."""
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "python":
        made = Path(sys.executable).with_name("deputize")
    elif request.param == "rust":
        target = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target")
        assert "error" not in run(["cargo", "build", "--quiet", "-p", "deputize-cli"], ROOT)
        made = target / "debug" / "deputize"
    else:
        app = tmp_path_factory.mktemp("app")
        archive = run(["npm", "pack", "--silent", "--pack-destination", str(app), str(ROOT / "bindings-node")], app)
        (app / "package.json").write_text('{"private": true}\n', encoding="utf-8")
        options = ["--silent", "--offline", "--no-audit", "--no-fund", "--omit=peer"]
        run(["npm", "install", *options, str(app / archive.split()[-1])], app)
        made = app / "node_modules" / ".bin" / "deputize"
    assert made.exists(), made
    (folder / "deputize").symlink_to(made)
    return folder


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """Where the guide's reader sits: a log, the key of the log, a chain."""
    for name, fixture in [("calls.log", "calls.log"), ("coding.token", "chain.token")]:
        shutil.copy(FIXTURES / fixture, tmp_path / name)
    (tmp_path / "keys").mkdir(mode=0o700)
    SigningKey.from_seed(bytes([9]) * 32).save(tmp_path / "keys" / "calls.pem")
    return tmp_path


def told(block: str, command: Path, desk: Path) -> str:
    """A block as it is when its commands have run."""
    path = f"{command}{os.pathsep}{os.environ['PATH']}"
    lines = [line for line in block.splitlines() if line.startswith("$ ")]
    return "".join(f"{line}\n{varying(run(line[2:], desk, PATH=path))}" for line in lines)


def test_the_guide_shows_what_the_command_prints(command: Path, desk: Path) -> None:
    for block in blocks("docs/guide/audit.md"):
        assert told(block, command, desk) == block


def test_every_package_prints_the_same_bytes(command: Path, desk: Path) -> None:
    path = f"{command}{os.pathsep}{os.environ['PATH']}"

    def output(arguments: str) -> str:
        return run(f"deputize {arguments}; echo $?", desk, PATH=path)

    assert output("audit show calls.log") == (FIXTURES / "show.txt").read_text(encoding="utf-8") + "0\n"
    assert output("audit show calls.log --json") == (FIXTURES / "calls.log").read_text(encoding="utf-8") + "0\n"
    assert varying(output("inspect - < coding.token")) == varying((FIXTURES / "chain.txt").read_text("utf-8") + "0\n")
    assert output("frob").endswith("\n2\n")
    assert output("--version") == "deputize 0.1.0\n0\n"
    assert output("audit show calls.log | head -c 1 | wc -c") == "1\n0\n"
    assert output(r"explain $(printf '\033[31m')").endswith(
        "no code is in `\\u{1b}[31m`)\nhelp: correct what is named in the message\n1\n"
    )


def test_every_package_names_what_was_done_to_a_log_and_where(command: Path, desk: Path) -> None:
    lines = (desk / "calls.log").read_bytes().splitlines(keepends=True)
    deputize = str(command / "deputize")
    origin = ["--key", "keys/calls.pem", "--origin", "acme.example/calls"]
    signed = run([deputize, "audit", "checkpoint", "calls.log", *origin, "-o", "kept.note"], desk)
    assert signed.startswith("signed 31 entries of acme.example/calls into kept.note")
    flipped = bytearray(b"".join(lines))
    flipped[len(b"".join(lines[:10])) + lines[10].index(b"conflict")] ^= 1
    for done, (text, fault) in {
        "nothing": (b"".join(lines), None),
        "a byte is flipped": (bytes(flipped), "at entry 10: log-changed"),
        "the tail is cut": (b"".join(lines[:25]), "at entry 25: log-truncated"),
        "the last line is cut": (b"".join(lines)[:-9], "at entry 30: log-torn"),
        "a record is dropped": (b"".join([*lines[:7], *lines[8:]]), "at entry 7: log-gap"),
        "two are swapped": (b"".join([*lines[:7], lines[8], lines[7], *lines[9:]]), "at entry 7: log-gap"),
        "an old copy is put back": (b"".join(lines[:16]), "at entry 16: log-truncated"),
        "it is empty": (b"", "at entry 0: log-truncated"),
    }.items():
        (desk / "tried.log").write_bytes(text)
        found = subprocess.run(
            [deputize, "audit", "verify", "tried.log", "--checkpoint", "kept.note"],
            cwd=desk,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
        if fault is None:
            assert (found.returncode, found.stdout.splitlines()[0]) == (
                0,
                "WHOLE: 31 entries, anchored up to 31 by kept.note",
            )
        else:
            assert (found.returncode, found.stdout) == (1, f"BROKEN {fault}\n"), done
            assert found.stderr.startswith(f"error: {fault.split(': ')[1]}: "), done
    other = run([deputize, "keygen", "other", "--directory", "keys", "--origin", "acme.example/calls", "--json"], desk)
    key = json.loads(other)["note_key"]
    wrong = run([deputize, "audit", "verify", "calls.log", "--checkpoint", "kept.note", "--key", key], desk)
    assert wrong.startswith("error: checkpoint-invalid: ")


def test_an_interrupt_ends_a_command_that_waits(command: Path, desk: Path) -> None:
    arguments = [str(command / "deputize"), "audit", "follow", "calls.log", "--last", "1"]
    # As in a terminal, and not as in a job that was started in the background and ignores interrupts.
    heed = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(arguments, cwd=desk, stdout=subprocess.PIPE, encoding="utf-8", preexec_fn=heed) as follower:
        try:
            assert follower.stdout is not None
            assert follower.stdout.readline().startswith("30 2026-11-21T08:01:12Z ALLOW deployer called deploy")
            follower.send_signal(signal.SIGINT)
            assert follower.wait(10) != 0
        finally:
            follower.kill()
