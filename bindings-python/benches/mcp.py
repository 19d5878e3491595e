"""The latency of a guarded call of MCP beside the same call without a guard, over stdio and loopback HTTP.

The calls alternate, so that whatever else the machine does slows both. `mcp.py [CALLS]`."""

import random
import socket
import statistics
import sys
import time
from contextlib import AsyncExitStack

# This file's folder, where `mcp` would be this file.
sys.path.pop(0)

import anyio
import uvicorn
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.server import MCPServer

import deputize.mcp
from deputize import Actor, Agent, AuditLog, TrustAnchor, Verifier, VerifyingKey

AUDIENCE = "https://tools.example"
WARM = 100


def serve(transport, port, ana=None, log=None):
    server = MCPServer("bench", log_level="CRITICAL")

    @server.tool()
    async def add(a: int, b: int) -> int:
        return a + b

    if ana is not None:
        trust = [TrustAnchor("ana", VerifyingKey.from_did_key(ana))]
        audit = None if log is None else AuditLog(log)
        deputize.mcp.guard(server, Verifier(trust=trust, audience=AUDIENCE, audit=audit))
    if transport == "stdio":
        server.run()
    else:
        uvicorn.run(server.streamable_http_app(), host="127.0.0.1", port=int(port), log_level="critical")


async def reach(stack, transport, *arguments):
    """A client of a server that is a process of its own."""
    if transport == "stdio":
        command = StdioServerParameters(command=sys.executable, args=[__file__, "serve", "stdio", "0", *arguments])
        return await stack.enter_async_context(Client(stdio_client(command)))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, __file__, "serve", "http", str(port), *arguments]
    process = await anyio.open_process(command, stdin=None, stdout=None, stderr=None)
    stack.push_async_callback(process.wait)
    stack.callback(process.terminate)
    with anyio.fail_after(60):
        while True:
            try:
                await (await anyio.connect_tcp("127.0.0.1", port)).aclose()
                break
            except OSError:
                await anyio.sleep(0.05)
    return await stack.enter_async_context(Client(f"http://127.0.0.1:{port}/mcp"))


async def measure(transport, calls, folder):
    ana, coder = Agent.generate("ana"), Agent.generate("coder")
    actor = Actor(coder, ana.issue(to=coder, tools={"add": {}}))
    async with AsyncExitStack() as stack:
        clients = {
            "plain": await reach(stack, transport),
            "guarded": await reach(stack, transport, ana.did),
            "and logged": await reach(stack, transport, ana.did, f"{folder}/{transport}.log"),
        }
        took = {name: [] for name in clients}
        for name, client in clients.items():
            if name != "plain":
                deputize.mcp.sign_calls(client, actor, AUDIENCE)
        order = list(clients.items())
        for number in range(WARM + calls):
            random.shuffle(order)
            for name, client in order:
                start = time.perf_counter()
                result = await client.call_tool("add", {"a": 1, "b": number})
                took[name].append(time.perf_counter() - start)
                assert not result.is_error, result
    medians = {name: statistics.median(times[WARM:]) * 1e6 for name, times in took.items()}
    for name, median in medians.items():
        print(f"| Python | {transport} | {name} | {median:.0f} | {median / medians['plain']:.3f} |")


async def main(calls):
    print("| language | transport | server | median µs | to plain |\n|---|---|---|---|---|")
    async with anyio.TemporaryDirectory() as folder:
        for transport in ("stdio", "http"):
            await measure(transport, calls, folder)


if sys.argv[1:2] == ["serve"]:
    serve(*sys.argv[2:])
else:
    anyio.run(main, int(sys.argv[1]) if sys.argv[1:] else 2000)
