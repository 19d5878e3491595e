"""A warm `authorize` through Python, over the bytes that `core/benches/bindings.rs` wrote: `authorize.py FILE`."""

import base64
import json
import sys
import time
from functools import partial
from pathlib import Path

from deputize import MemoryStore, TrustAnchor, Verifier, VerifyingKey


def unbase64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def deeper(frames, work):
    """Further down on the stack: where the vectors of a verification lie there changes its time."""
    return work() if frames == 0 else next(deeper(frames - 1, work) for _ in (0,))


def fastest(rounds, prepare, inputs, work):
    """The nanoseconds of one call in the fastest of all rounds."""

    def timed(prepared):
        start = time.perf_counter_ns()
        for one in inputs:
            work(prepared, *one)
        return (time.perf_counter_ns() - start) / len(inputs)

    return min(deeper(number % 16, partial(timed, prepare())) for number in range(rounds))


def main():
    shared = json.loads(Path(sys.argv[1]).read_text())
    tool, arguments, rounds = shared["tool"], shared["arguments"], shared["rounds"]
    trust = [TrustAnchor("ana", VerifyingKey.from_bytes(unbase64(shared["issuer"])))]
    signed = list(zip(map(unbase64, shared["messages"]), map(unbase64, shared["signatures"]), strict=True))
    *presentations, first = ((unbase64(text),) for text in shared["presentations"])

    def clock():
        return shared["now_ms"]

    def warm():
        store = MemoryStore(len(presentations) + 1)
        verifier = Verifier(trust=trust, audience=shared["audience"], store=store, clock=clock)
        verifier.authorize(*first, tool, arguments)
        return verifier

    def authorize(verifier, presentation):
        verifier.authorize(presentation, tool, arguments)

    verification = fastest(rounds, lambda: trust[0].key, signed, VerifyingKey.verify)
    call = fastest(rounds, warm, presentations, authorize)
    print(f"| Python | {call / verification:.3f} | {call / shared['rust_ns']['authorize']:.3f} |")


main()
