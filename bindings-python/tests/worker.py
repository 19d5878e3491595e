"""What a worker process can make: run by test_runtime."""

from deputize import Agent, DeputizeError, MemoryStore, Verifier


def outcome(**options: MemoryStore) -> str:
    try:
        Verifier(trust=[Agent.generate("ana")], audience="https://tools.acme.example", **options)
    except DeputizeError as error:
        return error.code
    return "made"


def outcomes() -> list[str]:
    return [outcome(), outcome(store=MemoryStore())]
