"""The server: three tools over git repositories, by MCP on loopback HTTP. Deputize decides before a tool runs."""

from __future__ import annotations

import argparse
import json
import socket
from pathlib import Path

import uvicorn
from deputize import Agent, AuditLog, NoteKey, TrustAnchor, Verifier, VerifyingKey
from deputize.mcp import caller, guard
from mcp.server import MCPServer
from repositories import Repositories

ORIGIN = "tools.acme.example/calls"


def doer() -> str:
    """Who calls, and who is accountable for it: what the tools write into git."""
    authorized = caller()
    return f"{authorized.caller} for {authorized.on_behalf_of}"


def build(repositories: Repositories, verifier: Verifier) -> MCPServer:
    server = MCPServer("repositories", log_level="WARNING")

    @server.tool()
    def read_file(repository: str, path: str) -> str:
        """Reads a file on the main branch."""
        return repositories.read_file(repository, path)

    @server.tool()
    def open_pull_request(repository: str, branch: str, path: str, content: str, title: str) -> str:
        """Proposes a changed file on a new branch."""
        commit = repositories.open_pull_request(repository, branch, path, content, title, by=doer())
        return f"branch {branch} at {commit[:7]}"

    @server.tool()
    def deploy(repository: str, version: str) -> str:
        """Deploys the main branch, as a tag."""
        return f"tag {version} at {repositories.deploy(repository, version, by=doer())[:7]}"

    guard(server, verifier)
    return server


class Server(uvicorn.Server):
    """Says where it is, and which key signs its log, as soon as it answers."""

    def __init__(self, config: uvicorn.Config, log_key: NoteKey) -> None:
        super().__init__(config)
        self.log_key = log_key

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        host, port = sockets[0].getsockname() if sockets else ("", 0)
        print(json.dumps({"url": f"http://{host}:{port}/mcp", "log_key": str(self.log_key)}), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repositories", type=Path, required=True, help="the folder of the repositories")
    parser.add_argument("--audience", required=True, help="the name that calls are proven for")
    parser.add_argument("--trust", nargs=2, metavar=("NAME", "DID"), required=True, help="who may issue tokens")
    parser.add_argument("--audit", type=Path, required=True, help="the audit log")
    options = parser.parse_args()

    keeper = Agent.generate("repositories")
    log = AuditLog(options.audit, origin=ORIGIN, key=keeper, checkpoint_every=1, arguments=True)
    name, did = options.trust
    anchor = TrustAnchor(name, VerifyingKey.from_did_key(did))
    verifier = Verifier(trust=[anchor], audience=options.audience, audit=log)
    app = build(Repositories(options.repositories), verifier).streamable_http_app(host="127.0.0.1")

    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1)
    Server(config, NoteKey.of_log(ORIGIN, keeper)).run(sockets=[listener])
    log.close()


if __name__ == "__main__":
    main()
