"""An agent restarts: its new key is vouched for and gets an identity; the old key is refused."""

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
        state = TrustState([ana])
        state.apply_list(RevocationList(1).sign(ana, "5m"))
        rule = IdentityRule(on="leaf", kind="agent", attestors=["release"])
        policy = IdentityPolicy([acme], rules=[rule])
        verifier = Verifier(trust=[ana], audience=SERVER, state=state, identities=policy)

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

        before, identity = start()
        read(before, identity)

        # The machine goes down. Nobody knows who has the old key, so it is revoked; the agent starts with a new one.
        state.apply_list(RevocationList(2, base=1, revoke=[Target.key(before.key)]).sign(ana, "5m"))
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
