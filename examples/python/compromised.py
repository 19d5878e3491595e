"""One agent is compromised: its key is revoked, its siblings go on, and the record says who and when."""

from deputize import Agent, Denied, RevocationList, Target, TrustState, Verifier

SERVER = "https://git.acme.example"


def main() -> None:
    ana, planner = Agent.generate("ana"), Agent.generate("planner")
    coders = [Agent.generate(f"coder-{number}") for number in range(1, 4)]

    chain = ana.issue(to=planner, tools={"read_file": {}}, reason="fix the login page")
    chains = {coder.name: planner.delegate(chain, to=coder) for coder in coders}

    state = TrustState([ana])
    state.apply_list(RevocationList(1).sign(ana, "5m"))
    verifier = Verifier(trust=[ana], audience=SERVER, state=state)

    def everybody_reads() -> None:
        for coder in coders:
            presentation = coder.prove(chains[coder.name], "read_file", {"path": "README.md"}, SERVER)
            try:
                print(f"  {verifier.authorize(presentation, 'read_file', {'path': 'README.md'}).caller}: allowed")
            except Denied as denied:
                print(f"  {coder.name}: {denied.code}\n  {denied.record.sentence}")

    print("before:")
    everybody_reads()

    stolen = coders[1]
    change = RevocationList(2, base=1, revoke=[Target.key(stolen.key)])
    state.apply_list(change.sign(ana, "5m"))

    print(f"after the key of {stolen.name} was revoked:")
    everybody_reads()


if __name__ == "__main__":
    main()
