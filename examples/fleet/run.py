"""A mixed fleet: a supervisor in LangGraph, a coder in Mastra, a server in FastMCP, each a process with its own key.

ana and bo are here: ana lets the supervisor act, bo approves. Ends with 0 if every outcome is what it should be, with 1
if one is not, and with 2 if the fleet could not be run.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import re
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from deputize import (
    Agent,
    ApprovalRequest,
    Approver,
    AuditLog,
    CheckpointPolicy,
    NoteKey,
    VerifyingKey,
    check_log,
    one_of,
    open_calls,
    path,
    read_log,
    record_sentence,
)

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "demo"))
from processes import CannotRun, Process  # noqa: E402
from report import Report, Step  # noqa: E402

SERVER, SUPERVISOR = "https://git.acme.example", "https://supervisor.acme.example"
ORIGIN = "acme.example/fleet"
READS = "reads /src/login.py"

CODER = [
    Step("read_file", f"coder {READS}", "allowed", shows="def login"),
    Step("read_file", "coder reads the payroll, which the supervisor may", "argument-refused"),
    Step("deploy", "coder deploys to staging", "approval-required"),
]
APPROVED = [Step("deploy", "coder deploys what bo approved", "allowed", shows="by coder for ana")]
ITSELF = [
    Step("ask_coder", "supervisor gets the coder's answer", "allowed", shows="deployed to staging"),
    Step("read_file", "supervisor reads the payroll itself", "allowed", shows="ana,1"),
]
INTERN = [Step("ask_intern", f"intern, for whom nothing is declared, {READS}", "proof-missing", by="signer")]
# What the trail has: who called what, and what was decided.
TRAIL = [
    ("ana → supervisor → coder", "read_file", "allowed"),
    ("ana → supervisor → coder", "read_file", "argument-refused"),
    ("ana → supervisor → coder", "deploy", "approval-required"),
    ("ana → supervisor → coder", "deploy", "allowed"),
    ("ana → supervisor", "read_file", "allowed"),
    ("ana → supervisor", "ask_intern", "allowed"),
]


async def play(steps: list[Step], process: Process, report: Report) -> None:
    """Tells the outcomes of calls as the models were told of them."""
    for step in steps:
        line = await process.hear()
        if line.get("step") != step.name:
            raise CannotRun(f"{process.name} told of {line} where {step.name} was expected")
        refused = re.match(r"denied: ([a-z-]+)", line["text"])
        report.outcome(step, refused[1] if refused else "allowed", line["text"])


async def fleet(folder: Path, report: Report, node: str) -> None:
    audit = folder / "audit.jsonl"
    log = AuditLog(audit, origin=ORIGIN)  # one trail, which each process writes to
    ana, bo = Agent.generate("ana", audit=log), Agent.generate("bo", audit=log)
    about = ["--audience", SERVER, "--ana", ana.did, "--bo", bo.did, "--audit", str(audit), "--origin", ORIGIN]
    commands = {
        "server": [sys.executable, "server.py", *about],
        "supervisor": [sys.executable, "supervisor.py", "--audit", str(audit), "--origin", ORIGIN],
        "coder": [node, "coder.mjs"],
    }
    processes: dict[str, Process] = {}
    try:
        for name, command in commands.items():
            processes[name] = await Process.start(name, command, HERE, folder)
        server, supervisor, coder = processes.values()
        said = await server.hear()
        dids = {process.name: (await process.hear())["did"] for process in (supervisor, coder)}
        report.title("A mixed fleet: who acts, for whom, through whom")
        report.note(f"server      process {server.child.pid}, Python, FastMCP at {said['url']}")
        report.note(f"supervisor  process {supervisor.child.pid}, Python, LangGraph, {dids['supervisor']}")
        report.note(f"coder       process {coder.child.pid}, Node, Mastra, {dids['coder']}")

        chain = ana.issue(
            to=VerifyingKey.from_did_key(dids["supervisor"]),
            holder_name="supervisor",
            tools={
                "read_file": {"path": path("/")},
                "deploy": {"env": one_of("staging", "production")},
                "ask_intern": {},
            },
            audience=[SERVER, SUPERVISOR],
            ttl="1h",
            reason="release 1.0",
        )
        coder.tell(url=said["url"], audience=SERVER)
        about_coder = {"coder": dids["coder"], "coder_url": (await coder.hear())["url"]}
        places = {"url": said["url"], "audience": SERVER, "here": SUPERVISOR}
        supervisor.tell(ana=ana.did, chain=chain.text, **about_coder, **places)

        report.scene("The supervisor hands a part of what it has to the coder")
        await play(CODER, coder, report)
        report.scene("bo is shown what the coder wants, and signs")
        request = ApprovalRequest.from_text((await coder.hear())["request"])

        def ask(asked: ApprovalRequest) -> bool:
            report.text("".join(f"  {line}\n" for line in asked.text.splitlines()))
            return asked.tool == "deploy" and asked.arguments == {"env": "staging"}

        coder.tell(approval=Approver(bo, ask).decide(request).text)
        await play(APPROVED, coder, report)
        report.scene("The supervisor itself, and an intern")
        await play([*ITSELF, *INTERN], supervisor, report)
    finally:
        await asyncio.gather(*(process.end() for process in processes.values()))

    records = [record for _, record in read_log(audit)]
    report.scene("The audit trail of all processes")
    report.sentences([record_sentence(json.dumps(record)) for record in records])
    decisions = [record for record in records if record["kind"] == "decision"]
    found = [(through(record), record["tool"], record["code"]) for record in decisions]
    report.check(f"{len(TRAIL)} decisions, each with its whole chain", found, TRAIL)
    report.check("an outcome for each call that ran", [record["proof"] for _, record in open_calls(audit)], [])
    note = audit.with_name("audit.jsonl.checkpoint").read_text(encoding="utf-8")
    whole = check_log(audit, [CheckpointPolicy([NoteKey.from_text(said["log_key"])]).verify(note)])
    report.check(
        f"{whole.size} entries hold together, and the server's signed checkpoint fits", bool(whole.anchored), True
    )


def through(record: dict[str, Any]) -> str:
    """Who gave, and who got, down to the caller."""
    return " → ".join([record["issuer"], *(link["name"] for link in record["chain"])])


async def run(node: str) -> int:
    task = asyncio.current_task()
    assert task is not None
    with contextlib.suppress(NotImplementedError):
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    began = time.monotonic()
    report = Report(sys.stdout, coloured=False)
    with tempfile.TemporaryDirectory(prefix="deputize-fleet-") as folder:
        await fleet(Path(folder), report, node)
    return report.conclude(time.monotonic() - began)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--node", default="node", help="Node 22 or later, which Mastra needs")
    options = parser.parse_args()
    node = shutil.which(options.node)
    if node is None:
        print(f"The fleet cannot run: the program {options.node} is missing", file=sys.stderr)
        return 2
    try:
        return asyncio.run(run(str(Path(node).absolute())))
    except CannotRun as error:
        print(f"The fleet could not run to its end: {error}", file=sys.stderr)
        return 2
    except (KeyboardInterrupt, asyncio.CancelledError):
        print("The fleet was stopped.", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
