"""One of several processes that race for the same proofs, approvals and last units: see test_race.py."""

import json
import sys
from pathlib import Path

from deputize import Denied, TrustAnchor, Verifier, VerifyingKey
from deputize.redis import RedisStore


def main() -> None:
    address, path = sys.argv[1:]
    scene = json.loads(Path(path).read_text(encoding="utf-8"))
    now_ms = scene["now_ms"]
    store = RedisStore(address)
    anchor = TrustAnchor("ana", VerifyingKey.from_did_key(scene["issuer"]))
    verifier = Verifier(trust=[anchor], audience=scene["audience"], store=store, clock=lambda: now_ms)
    print("ready", flush=True)
    sys.stdin.readline()
    won = {"proofs": [], "approvals": [], "units": []}
    expires = now_ms // 1000 + 60
    for at, presentation in enumerate(scene["presentations"]):
        try:
            verifier.authorize(presentation, "t", {})
            won["proofs"].append(at)
        except Denied as denied:
            assert denied.code == "proof-replayed", denied
        number = at.to_bytes(4, "big")
        claim = ("claim", b"a" + bytes(44) + number, expires, now_ms)
        spend = ("spend", b"b" + bytes(29) + number, 1, 3, expires, now_ms)
        for name, operation in (("approvals", claim), ("units", spend)):
            answer = store.commit([operation], now_ms)
            if answer is True:
                won[name].append(at)
            else:
                assert answer == ("refused", 0), answer
    print(json.dumps(won))


if __name__ == "__main__":
    main()
