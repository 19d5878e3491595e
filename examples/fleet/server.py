"""The tool server: FastMCP over streamable HTTP. Deputize decides before a tool runs, and keeps the audit trail."""

from __future__ import annotations

import argparse
import json
import socket

import uvicorn
from deputize import Agent, ApprovalPolicy, AuditLog, NoteKey, TrustAnchor, Verifier, VerifyingKey
from deputize.fastmcp import caller, guard
from fastmcp import FastMCP

FILES = {"/src/login.py": "def login(): ...", "/payroll/salaries.csv": "ana,1"}
server = FastMCP("repository")


@server.tool
def read_file(path: str) -> str:
    """Reads a file."""
    return FILES[path]


@server.tool
def deploy(env: str) -> str:
    """Deploys what is on the main branch."""
    who = caller()
    return f"deployed to {env}, by {who.caller} for {who.on_behalf_of}"


class Served(uvicorn.Server):
    """Says where it is, and which key signs its log, as soon as it answers."""

    log_key: NoteKey

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        port = sockets[0].getsockname()[1] if sockets else 0
        print(json.dumps({"url": f"http://127.0.0.1:{port}/mcp", "log_key": str(self.log_key)}), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--audience", required=True, help="the name that calls are proven for")
    parser.add_argument("--ana", required=True, help="who may issue tokens, as did:key")
    parser.add_argument("--bo", required=True, help="who may approve, as did:key")
    parser.add_argument("--audit", required=True, help="the audit log")
    parser.add_argument("--origin", required=True, help="the name of the log")
    options = parser.parse_args()

    keeper = Agent.generate("repository")
    bo = VerifyingKey.from_did_key(options.bo)
    verifier = Verifier(
        trust=[TrustAnchor("ana", VerifyingKey.from_did_key(options.ana))],
        audience=options.audience,
        approvals=ApprovalPolicy(1, [bo], harmless=["read_file"]),
        audit=AuditLog(options.audit, origin=options.origin, key=keeper, checkpoint_every=1, arguments=True),
    )
    app = guard(server, verifier).http_app(path="/mcp")

    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("127.0.0.1", 0))
    served = Served(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1))
    served.log_key = NoteKey.of_log(options.origin, keeper)
    served.run(sockets=[listener])


if __name__ == "__main__":
    main()
