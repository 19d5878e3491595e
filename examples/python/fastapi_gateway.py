"""A gateway of tools with FastAPI: each route is a tool, nothing runs without a proof, a person approves."""

from typing import Annotated

import anyio
import httpx
from deputize import Actor, Agent, ApprovalPolicy, ApprovalRequest, Authorized, Verifier, at_most, one_of, optional
from deputize.asgi import caller, guard_routes
from deputize.http import sign_calls
from fastapi import Depends, FastAPI
from pydantic import BaseModel

SERVER = "https://deploy.example"
ROUTES = {"POST /deploy/{env}": "deploy", "POST /release": "release"}
app = FastAPI(openapi_url=None)


class Deployment(BaseModel):
    replicas: int = 1


@app.post("/deploy/{env}")
async def deploy(env: str, body: Deployment, who: Annotated[Authorized, Depends(caller)]) -> str:
    return f"{body.replicas} replicas of {env} by {who.caller} for {who.on_behalf_of}"


@app.post("/release")
def release() -> str:
    return f"released by {caller().caller}"


async def main() -> None:
    ana, coder, bo = Agent.generate("ana"), Agent.generate("coder"), Agent.generate("bo")
    policy = ApprovalPolicy(1, [bo], harmless=["deploy"])
    guard_routes(app, Verifier(trust=[ana], audience=SERVER, approvals=policy), ROUTES)
    tools = {"deploy": {"env": one_of("staging", "test"), "replicas": optional(at_most(2))}, "release": {}}
    actor = Actor(coder, ana.issue(to=coder, tools=tools, reason="release 1.0"))

    async with httpx.AsyncClient(base_url=SERVER, transport=httpx.ASGITransport(app)) as client:

        async def post(about: str, path: str, **body: object) -> None:
            answer = await client.post(path, **body)
            told = f"200 {answer.json()}" if answer.is_success else answer.json()["error"]["code"]
            print(f"{about}: {told}")

        await post("without a proof", "/deploy/staging", json={})
        sign_calls(client, actor, SERVER, SERVER, ROUTES)
        await post("two replicas", "/deploy/staging", json={"replicas": 2})
        await post("nine replicas", "/deploy/staging", json={"replicas": 9})
        client.event_hooks = {}
        twice = {"content": '{"replicas":2,"replicas":9}', "headers": {"Content-Type": "application/json"}}
        await post("a number given twice", "/deploy/staging", **twice)

        sign_calls(client, actor, SERVER, SERVER, ROUTES)
        await post("a release", "/release")
        request = ApprovalRequest(actor.chain, "release", {}, SERVER)  # bo reads request.text
        sign_calls(client, actor.with_evidence([bo.approve(request)]), SERVER, SERVER, ROUTES)
        await post("with an approval", "/release")
        sign_calls(client, actor, SERVER, SERVER, ROUTES)
        await post("again", "/release")


anyio.run(main)
