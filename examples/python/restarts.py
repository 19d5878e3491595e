"""An agent and its server restart: the new key is vouched for and gets an identity; the old key is still refused."""

import tempfile
from pathlib import Path

from deputize import (
    Agent,
    CodeAttestor,
    Denied,
    DeputizeError,
    Identity,
    IdentityPolicy,
    IdentityRule,
    MemoryStore,
    Registrar,
    RevocationList,
    StateFile,
    Target,
    TrustState,
    Verifier,
    measure,
)

SERVER = "https://git.acme.example"


def main() -> None:
    ana, acme, runner = Agent.generate("ana"), Agent.generate("acme"), Agent.generate("runner")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "agent.py").write_text("print('working')\n")
        code = measure(folder, ["agent.py"])

        registrar = Registrar(acme, [CodeAttestor("release", [runner], {code: "coder"})])
        store = MemoryStore()
        rule = IdentityRule(on="leaf", kind="agent", attestors=["release"])
        policy = IdentityPolicy([acme], rules=[rule])
        kept = Path(folder, "trust.state")
        StateFile.create(kept, TrustState([ana]))

        def serve() -> tuple[StateFile, Verifier]:
            """What the server does when it starts: what it knows of revocations is in a file."""
            file = StateFile.open(kept, TrustState([ana]))
            return file, Verifier(trust=[ana], audience=SERVER, state=file.state, identities=policy)

        def start() -> tuple[Agent, Identity]:
            """What the runner does when it starts the agent, and what the agent does first."""
            agent = Agent.generate("coder")
            challenge = registrar.challenge()
            word = runner.vouch("coder", agent.key, challenge, measurement=measure(folder, ["agent.py"]))
            return agent, registrar.enrol(agent.enrol(challenge, "acme", "release", word), store)

        def read(agent: Agent, identity: Identity) -> None:
            chain = ana.issue(to=agent, tools={"read_file": {}})
            presentation = agent.prove(chain, "read_file", {}, SERVER, evidence=[identity])
            try:
                print(verifier.authorize(presentation, "read_file", {}).audit)
            except Denied as denied:
                print(f"{denied.code}: {denied.record.sentence}")

        file, verifier = serve()
        file.apply_list(RevocationList(1).sign(ana, "5m"))
        before, identity = start()
        read(before, identity)

        # The agent's machine goes down. Nobody knows who has the old key now, so it is revoked.
        file.apply_list(RevocationList(2, base=1, revoke=[Target.key(before.key)]).sign(ana, "5m"))
        # Then the server goes down too. It starts with what it knew, and the agent with a new key.
        file, verifier = serve()
        after, fresh = start()
        read(after, fresh)
        read(before, identity)

        # Other code than the release is not attested.
        Path(folder, "agent.py").write_text("print('stealing')\n")
        try:
            start()
        except DeputizeError as refused:
            print(refused)


if __name__ == "__main__":
    main()
