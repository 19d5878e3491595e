"""The demo: a person, two agents and a thief, each in a process of its own, and a server that decides about every call.

Ends with 0 if every outcome is what it should be, with 1 if one is not, and with 2 if the demo could not be run.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from processes import PATIENCE, CannotRun, Process
from report import Report, Step, diagram

if TYPE_CHECKING:
    from deputize import Checkpoint

HERE = Path(__file__).resolve().parent
AUDIENCE = "https://git.acme.example"

LOGIN = "def login(given, stored):\n    return given == stored\n"
FILES = {
    "website": {"/src/login.py": LOGIN, "/src/app.py": "import login\n", "/secrets/production.env": "PASSWORD=demo\n"},
    "payroll": {"/src/salaries.py": "SALARIES = {}\n"},
}

SCENES: dict[str, list[Step]] = {
    "Allowed calls": [
        Step("read", "coder reads /src/login.py of website", "allowed", shows=LOGIN),
        Step("pull-request", "coder opens a pull request with /src/login.py", "allowed", shows="branch fix-login at "),
    ],
    "Outside the scope": [
        Step("other-repository", "coder reads the repository payroll", "argument-refused"),
        Step("other-folder", "coder reads /secrets/production.env", "argument-refused"),
        Step("climbing-path", "coder reads /src/../secrets/production.env", "argument-refused"),
        Step("other-tool", "coder deploys", "tool-not-allowed"),
        Step("no-token", "a call without a token", "proof-missing"),
    ],
    "A widened token": [
        Step("widen-by-sdk", "coder asks the SDK to pass on deploy as well", "tool-not-granted", by="SDK"),
        Step("widen-by-hand", "coder signs that token by hand, for a helper", "tool-not-granted"),
        Step("widen-own-token", "coder rewrites its own token", "signature-invalid"),
        Step("drop-own-token", "coder leaves its own token out, to use the planner's", "proof-signature-invalid"),
    ],
    "A stolen token without its key": [
        Step("leak", "coder reads /src/login.py; its token and this call leak", "allowed", shows=LOGIN),
        Step("steal-by-sdk", "thief asks the SDK to prove a call with coder's token", "holder-mismatch", by="SDK"),
        Step("steal-by-hand", "thief puts that proof together by hand", "proof-signature-invalid"),
        Step("pretend", "thief issues a token in the name of ana", "signature-invalid"),
    ],
    "A replayed call": [
        Step("replay", "thief sends the recorded call again", "proof-replayed"),
        Step("replay-other", "thief sends it with another path", "proof-mismatch"),
    ],
    "An expired token": [
        Step("expired", "coder uses a token that was for one second", "token-expired"),
    ],
    "What the planner kept for itself": [
        Step("deploy", "planner deploys website as v1.1.0", "allowed", shows="tag v1.1.0 at "),
    ],
}

REFS = {
    "website": ["refs/heads/fix-login", "refs/heads/main", "refs/tags/v1.1.0"],
    "payroll": ["refs/heads/main"],
}
MADE_BY = {"refs/heads/fix-login": "coder for ana", "refs/tags/v1.1.0": "planner for ana"}


async def play(scene: str, process: Process, report: Report, first: dict[str, Any] | None = None) -> None:
    """Tells the outcome of each step of a scene as the process that tries it reports it."""
    report.scene(scene)
    for step in SCENES[scene]:
        line = first or await process.hear()
        first = None
        if line.get("step") != step.name:
            raise CannotRun(f"{process.name} told of {line} where {step.name} was expected")
        report.outcome(step, line["code"], line["text"])


async def demo(folder: Path, report: Report, output: Path | None) -> None:
    from deputize import (
        Agent,
        Chain,
        CheckpointPolicy,
        NoteKey,
        Verifier,
        VerifyingKey,
        anything,
        check_log,
        open_calls,
        path,
        read_log,
        record_sentence,
    )
    from repositories import Repositories

    (folder / "repositories").mkdir()
    repositories = Repositories(folder / "repositories")
    for name, files in FILES.items():
        repositories.create(name, files)

    ana = Agent.generate("ana")
    audit, leak = folder / "audit.jsonl", folder / "leaked.json"
    serve = ["--repositories", str(folder / "repositories"), "--audience", AUDIENCE, "--audit", str(audit)]
    commands = {
        "server": [sys.executable, "server.py", *serve, "--trust", "ana", ana.did],
        "planner": [sys.executable, "planner.py"],
        "coder": ["node", "coder.mjs"],
        "thief": ["node", "thief.mjs"],
    }
    processes: dict[str, Process] = {}
    try:
        for name, command in commands.items():
            processes[name] = await Process.start(name, command, HERE, folder)
        server, planner, coder, thief = processes.values()
        said = await server.hear()
        url, log_key = said["url"], NoteKey.from_text(said["log_key"])
        dids = {process.name: (await process.hear())["did"] for process in (planner, coder, thief)}

        report.title("Deputize: who acts, for whom, and what it may do")
        report.note(f"server   process {server.child.pid}, Python, MCP at {url}: three tools over two git repositories")
        for name, language in (("planner", "Python"), ("coder", "Node"), ("thief", "Node")):
            report.note(f"{name:<8} process {processes[name].child.pid}, {language}, {dids[name]}")

        scope = {"repository": list(FILES), "path": path("/")}
        root = ana.issue(
            to=VerifyingKey.from_did_key(dids["planner"]),
            holder_name="planner",
            tools={
                "read_file": scope,
                "open_pull_request": {**scope, "*": anything()},
                "deploy": {"repository": list(FILES), "version": anything()},
            },
            audience=AUDIENCE,
            ttl="1h",
            reason="make the login safe and deploy it",
        )
        planner.tell(chain=root.text, coder=dids["coder"])
        given = await planner.hear()
        chain = Chain.from_text(given["chain"])
        links = Verifier(trust=[ana], audience=AUDIENCE).verify_chain(chain).claims

        report.scene("Delegation")
        givers = ["ana", *(link["holder_name"] for link in links)]
        for giver, link in zip(givers, links, strict=False):
            minutes = (link["expires"] - link["issued"]) // 60
            tools = ", ".join(sorted(link["tools"]))
            report.note(f"{giver} → {link['holder_name']}: {tools}; {minutes} minutes; to {link['reason']}")

        coder.tell(url=url, audience=AUDIENCE, leak=str(leak), **given)
        for scene in ("Allowed calls", "Outside the scope", "A widened token"):
            await play(scene, coder, report)
        leaked = await coder.hear()
        thief.tell(url=url, audience=AUDIENCE, leak=str(leak))
        await play("A stolen token without its key", thief, report, first=leaked)
        await play("A replayed call", thief, report)
        coder.tell(go="on")
        await play("An expired token", coder, report)
        planner.tell(url=url, audience=AUDIENCE)
        await play("What the planner kept for itself", planner, report)
    finally:
        await asyncio.gather(*(process.end() for process in processes.values()))

    report.scene("What happened to the repositories")
    for name, expected in REFS.items():
        report.check(f"{name} has {', '.join(expected)}, and nothing else", repositories.refs(name), expected)
    for ref, by in MADE_BY.items():
        report.check(f"{ref} was made by {by}", repositories.made_by("website", ref), by)

    records = [record for _, record in read_log(audit)]
    sentences = [record_sentence(json.dumps(record)) for record in records]
    report.scene("The audit trail: one sentence for each record of the server")
    report.sentences(sentences)
    decisions = [record for record in records if record["kind"] == "decision"]
    decided = [step.code for steps in SCENES.values() for step in steps if step.by == "server"]
    report.check(
        f"{len(decided)} decisions, as they were told above", [record["code"] for record in decisions], decided
    )
    report.check("an outcome for each call that ran", [record["proof"] for _, record in open_calls(audit)], [])

    report.scene("Whether anybody touched the trail")
    note = audit.with_name("audit.jsonl.checkpoint").read_text(encoding="utf-8")
    kept = CheckpointPolicy([log_key]).verify(note)
    whole = check_log(audit, [kept])
    report.check(f"{whole.size} entries, as the server's signed checkpoint says", whole.anchored, whole.size)
    for how, entry, expected in tampered(audit, folder / "tampered.jsonl", kept):
        report.check(how, entry, expected)

    picture = diagram(decisions, links)
    report.scene("The delegation, as a Mermaid diagram")
    report.text(picture)
    if output is not None:
        output.mkdir(parents=True, exist_ok=True)
        shutil.copy(audit, output / "audit.jsonl")
        shutil.copy(audit.with_name("audit.jsonl.checkpoint"), output / "audit.jsonl.checkpoint")
        (output / "log.key").write_text(f"{log_key}\n", encoding="utf-8")
        (output / "audit.txt").write_text("\n".join(sentences) + "\n", encoding="utf-8")
        (output / "delegation.mmd").write_text(picture, encoding="utf-8")
        command, log = Path(sys.executable).with_name("deputize"), output / "audit.jsonl"
        report.scene("Look at it yourself")
        report.text(
            f"{command} audit verify {log} --key {log_key}\n{command} audit report {log} -o {output}/report.html"
        )


def tampered(log: Path, copy: Path, kept: Checkpoint) -> Iterator[tuple[str, str, str]]:
    """What checking says of copies of the log that somebody changed, and what it should say."""
    from deputize import DeputizeError, check_log

    lines = log.read_bytes().splitlines(keepends=True)
    changes = {
        "a word is changed": (
            [*lines[:3], lines[3].replace(b'"allow"', b'"allew"'), *lines[4:]],
            "log-changed at entry 3",
        ),
        "the end is cut off": (lines[:-2], f"log-truncated at entry {len(lines) - 2}"),
        "a record is taken out": (lines[:4] + lines[5:], "log-gap at entry 4"),
        "two records are swapped": ([*lines[:4], lines[5], lines[4], *lines[6:]], "log-gap at entry 4"),
    }
    for how, (copied, expected) in changes.items():
        copy.write_bytes(b"".join(copied))
        try:
            found = str(check_log(copy, [kept]))
        except DeputizeError as error:
            found = f"{error.code} at entry {error.entry}"
        yield f"{how}: {expected}", found, expected


def missing() -> str | None:
    """What the demo needs and does not find."""
    for program in ("git", "node"):
        if shutil.which(program) is None:
            return f"the program {program} is missing"
    for module, source in (("deputize", "../../bindings-python"), ("mcp", "-r requirements.txt")):
        if importlib.util.find_spec(module) is None:
            return f"the Python package {module} is missing: in {HERE}, run {sys.executable} -m pip install {source}"
    code = "for (const name of process.argv.slice(1)) await import(name)"
    names = ["deputize/mcp", "@modelcontextprotocol/sdk/client/index.js"]
    tried = subprocess.run(
        ["node", "--input-type=module", "--eval", code, *names],
        cwd=HERE,
        check=False,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    if tried.returncode != 0:
        why = next((line for line in tried.stderr.splitlines() if "Error" in line), tried.stderr.strip())
        return f"the Node packages are missing: {why}\nrun node bindings-node/scripts/build.mjs, then npm ci in {HERE}"
    return None


async def run(report: Report, output: Path | None) -> int:
    task = asyncio.current_task()
    assert task is not None
    with contextlib.suppress(NotImplementedError):
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="deputize-demo-") as folder:
        await demo(Path(folder), report, output)
    return report.conclude(time.monotonic() - began)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, help="a folder for the audit trail and the diagram")
    options = parser.parse_args()
    lacking = missing()
    if lacking is not None:
        print(f"The demo cannot run: {lacking}", file=sys.stderr)
        return 2
    coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    try:
        return asyncio.run(run(Report(sys.stdout, coloured), options.output))
    except CannotRun as error:
        print(f"The demo could not run to its end: {error}", file=sys.stderr)
        return 2
    except (KeyboardInterrupt, asyncio.CancelledError):
        print("The demo was stopped.", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
