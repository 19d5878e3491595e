"""A process that uses a state file: run by test_state_file. It takes lists until it is killed, or ``once``."""

import sys

from deputize import Agent, RevocationList, StateFile, Target, TrustState

ANA = Agent.from_seed("ana", b"a" * 32)
IDS = 2000


def following(state: TrustState) -> bytes:
    """A full list now and then, otherwise a change; so large that it is not written in an instant."""
    held = state.held("ana")
    number = 1 if held is None else held["sequence"] + 1
    revoke = [Target.token((number * IDS + at).to_bytes(16, "big")) for at in range(IDS)]
    return RevocationList(number, base=None if number % 8 == 1 else number - 1, revoke=revoke).sign(ANA, "1h")


def main(what: str, path: str) -> None:
    state = TrustState([ANA])
    file = StateFile.open(path, state)
    while True:
        assert file.apply_list(following(state)) == "accepted"
        held = state.held("ana")
        assert held is not None
        print(held["sequence"], flush=True)
        if what == "once":
            break


if __name__ == "__main__":
    main(*sys.argv[1:])
