"""Identity documents, what a verifier asks of the holders of a chain, and how an agent comes to an identity."""

from __future__ import annotations

import base64
import copy
import functools
import json
import pickle
import time
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from conftest import SERVER, Story, denied, refused
from deputize import (
    Agent,
    Authorized,
    Chain,
    CodeAttestor,
    Identity,
    IdentityPolicy,
    IdentityRule,
    JwtAttestor,
    MemoryStore,
    ParentAttestor,
    Registrar,
    VerifiedIdentity,
    Verifier,
    glob,
    measure,
)

IDS = "ids.acme.example"


@pytest.fixture
def ids() -> Agent:
    return Agent.generate(IDS)


def attempt(verifier: Verifier, agent: Agent, chain: Chain, *evidence: Any) -> Authorized:
    return verifier.authorize(agent.prove(chain, "read", {}, SERVER, evidence=evidence), "read", {})


def test_who_calls_is_known_by_identity_and_by_no_name_that_was_given(story: Story, ids: Agent) -> None:
    rules = [IdentityRule("leaf", kind="agent", environment="production", attributes={"team": "a"})]
    verifier = story.verifier(identities=IdentityPolicy([ids], rules))
    chain = story.chain({"read": {}})
    error = denied(lambda: attempt(verifier, story.coder, chain))
    assert (error.code, error.link) == ("identity-required", 1)
    attributes: dict[str, str | bool | int] = {"team": "a", "on_call": True, "floor": 3}
    identity = ids.issue_identity("coder-7", story.coder, environment="production", attributes=attributes)
    allowed = attempt(verifier, story.coder, chain, identity)
    assert allowed.caller == "coder-7"
    record = json.loads(allowed.record.json())
    assert record["chain"][1]["identity"]["name"] == "coder-7"
    assert record["chain"][1]["identity"]["authority"] == IDS
    assert "→ coder-7" in allowed.audit
    assert story.planner.did in allowed.audit
    claims = identity.unverified_claims()
    assert (claims["name"], claims["key"], claims["attributes"]) == ("coder-7", story.coder.key, attributes)
    assert "attestor" not in claims


def test_what_an_identity_lacks_refuses_the_call(story: Story, ids: Agent) -> None:
    rules = [IdentityRule("all", kind="service"), IdentityRule("root", attestors=["parent"])]
    verifier = story.verifier(identities=IdentityPolicy([(IDS, ids.key)], rules))
    chain = story.ana.issue(to=story.planner, tools={"read": {}})

    def issued(**options: Any) -> Identity:
        return ids.issue_identity("planner", story.planner, **{"kind": "service", "attestor": "parent", **options})

    attempt(verifier, story.planner, chain, issued())
    stranger = Agent.generate(IDS)
    for identity, code in (
        (issued(kind="agent"), "identity-refused"),
        (issued(attestor="other"), "identity-refused"),
        (issued(attestor=None), "identity-refused"),
        (issued(state="pending"), "agent-pending"),
        (stranger.issue_identity("planner", story.planner, kind="service", attestor="parent"), "identity-invalid"),
        (Agent.generate("eve").issue_identity("planner", story.planner, kind="service"), "identity-untrusted"),
        (ids.issue_identity("eve", Agent.generate("eve"), kind="service"), "identity-refused"),
    ):
        assert denied(lambda identity=identity: attempt(verifier, story.planner, chain, identity)).code == code
    error = denied(lambda: attempt(verifier, story.planner, chain, issued(), issued()))
    assert error.code == "identity-refused"
    assert denied(lambda: attempt(story.verifier(), story.planner, chain, issued())).code == "identity-untrusted"
    later = story.verifier(identities=IdentityPolicy([ids]), clock=lambda: int((time.time() + 61) * 1000))
    long = story.ana.issue(to=story.planner, tools={"read": {}})
    presentation = story.planner.prove(long, "read", {}, SERVER).attach(issued(ttl=60))
    assert denied(lambda: later.authorize(presentation, "read", {})).code in ("proof-expired", "identity-expired")


def test_a_policy_reads_a_document_for_those_who_need_a_key(story: Story, ids: Agent) -> None:
    policy = IdentityPolicy([ids])
    identity = ids.issue_identity("coder", story.coder, attestor="parent", evidence=b"e" * 32, attributes={"a": 1})
    for form in (identity, identity.bytes):
        verified = policy.verify(form)
        assert type(verified) is VerifiedIdentity
        assert (verified.name, verified.key, verified.authority) == ("coder", story.coder.key, IDS)
        assert (verified.kind, verified.state, verified.environment) == ("agent", "active", None)
        assert (verified.attestor, verified.evidence) == ("parent", (b"e" * 32).hex())
        verified.attributes.clear()
        assert verified.attributes == {"a": 1}
        assert verified.expires - verified.issued == 3600
        assert verified.id == identity.unverified_claims()["id"]
    assert refused(lambda: policy.verify(identity, lambda: int((time.time() + 3601) * 1000))).code == "identity-expired"
    assert refused(lambda: policy.verify(identity, lambda: True)).code == "clock-invalid"
    assert refused(lambda: policy.verify(identity, 5)).code == "config-invalid"  # type: ignore[arg-type]
    for wrong in (None, "text", 5, story.coder):
        assert refused(lambda wrong=wrong: policy.verify(wrong)).code == "malformed"
    data = identity.bytes
    for bit in range(0, len(data) * 8, 7):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        refused(lambda changed=changed: policy.verify(changed))


def test_documents_travel(story: Story, ids: Agent) -> None:
    identity = ids.issue_identity("coder", story.coder)
    for same in (
        Identity.decode(identity.bytes),
        Identity.from_text(str(identity)),
        pickle.loads(pickle.dumps(identity)),
        copy.deepcopy(identity),
    ):
        assert same == identity
        assert hash(same) == hash(identity)
    assert identity != ids.issue_identity("coder", story.coder)
    for wrong in (b"", b"x" * 100, identity.bytes[:-1], identity.bytes + b"\0", None, 5, "text"):
        assert refused(lambda wrong=wrong: Identity.decode(wrong)).code == "malformed"
    assert refused(lambda: Identity.decode(b"x" * 5000)).code == "too-large"
    assert refused(lambda: Identity.from_text("\ud800")).code == "text-malformed"


@pytest.mark.parametrize(
    ("options", "code"),
    [
        *[({"name": bad}, "name-invalid") for bad in (None, "", "\n", "\ud800", 5, True, "x" * 257)],
        *[({"key": bad}, "key-invalid") for bad in (None, "coder", b"k" * 32, 5)],
        *[({"kind": bad}, "claim-invalid") for bad in ("", "Agent", "robot", 5, "\ud800")],
        *[({"state": bad}, "claim-invalid") for bad in ("", "suspended", True)],
        *[({"ttl": bad}, "claim-invalid") for bad in (0, "25h", -1, True, 1.5)],
        *[({"environment": bad}, "name-invalid") for bad in ("", 5, "\ud800")],
        *[({"attributes": {"a": bad}}, "claim-invalid") for bad in (None, 0.5, [1], b"x", {"b": 1}, "a\nb")],
        *[({"attributes": bad}, "claim-invalid") for bad in ([], "a", 5)],
        ({"attributes": {"a": 1.0}}, "claim-invalid"),
        ({"attributes": {"": 1}}, "name-invalid"),
        ({"attributes": {5: 1}}, "value-unsupported"),
        ({"attributes": {str(n): n for n in range(33)}}, "too-many"),
        *[({"evidence": bad}, "claim-invalid") for bad in (b"", b"e" * 31, "E" * 64, 5)],
        *[({"attestor": bad}, "name-invalid") for bad in ("", 5)],
    ],
)
def test_documents_that_cannot_be_are_not_issued(story: Story, ids: Agent, options: dict[str, Any], code: str) -> None:
    given: dict[str, Any] = {"name": "coder", "key": story.coder, **options}
    name, key = given.pop("name"), given.pop("key")
    error = refused(lambda: ids.issue_identity(name, key, **given))
    assert error.code == code


def test_policies_that_cannot_be_are_refused(ids: Agent) -> None:
    for authorities in ([], [ids, ids], None, [None], ["ids"], [("ids",)], [("ids", "key")], [(5, ids.key)], ids):
        assert refused(lambda authorities=authorities: IdentityPolicy(authorities)).code == "config-invalid"
    assert refused(lambda: IdentityPolicy([("", ids.key)])).code == "name-invalid"
    for rules in (IdentityRule("all"), [None], ["all"], [{"on": "all"}], 5):
        assert refused(lambda rules=rules: IdentityPolicy([ids], rules)).code == "config-invalid"
    for on in (None, "", "ALL", "holder", 5, True, "\ud800"):
        assert refused(lambda on=on: IdentityRule(on)).code == "config-invalid"
    for options in ({"kind": "robot"}, {"kind": 5}, {"environment": 5}, {"attestors": "parent"}, {"attestors": [5]}):
        assert refused(lambda options=options: IdentityRule("all", **options)).code == "config-invalid"
    for impossible in ({"attestors": []}, {"environment": ""}, {"attributes": {"a": [1]}}, {"attributes": {"a": None}}):
        rule = IdentityRule("all", **impossible)
        assert refused(lambda rule=rule: IdentityPolicy([ids], [rule])).code == "config-invalid"


# Enrolment.


def enrolled(registrar: Registrar, ids: Agent, runner: Agent, agent: Agent, name: str, store: Any) -> Identity:
    challenge = registrar.challenge()
    evidence = runner.vouch(name, agent, challenge)
    return registrar.enrol(agent.enrol(challenge, ids, "parent", evidence), store, environment="test", ttl="10m")


def test_a_launcher_vouches_and_the_agent_gets_an_identity(story: Story, ids: Agent) -> None:
    runner, store = Agent.generate("runner"), MemoryStore()
    registrar = Registrar(ids, [ParentAttestor("parent", [runner])])
    identity = enrolled(registrar, ids, runner, story.coder, "runner/coder", store)
    claims = identity.unverified_claims()
    assert (claims["name"], claims["key"], claims["attestor"]) == ("runner/coder", story.coder.key, "parent")
    assert (claims["attributes"], claims["environment"]) == ({"launcher": "runner"}, "test")
    verifier = story.verifier(identities=IdentityPolicy([ids], [IdentityRule("leaf", attestors=["parent"])]))
    assert attempt(verifier, story.coder, story.chain({"read": {}}), identity).caller == "runner/coder"


def test_a_challenge_is_answered_once(story: Story, ids: Agent) -> None:
    runner, store = Agent.generate("runner"), MemoryStore()
    registrar = Registrar(ids, [ParentAttestor("parent", [runner])])
    challenge = registrar.challenge(ttl="1m")
    request = story.coder.enrol(challenge, IDS, "parent", runner.vouch("runner/coder", story.coder, challenge))
    admitted = registrar.admit(request, store)
    assert registrar.issue(admitted, kind="service").unverified_claims()["kind"] == "service"
    assert refused(lambda: registrar.admit(request, store)).code == "attestation-failed"
    # A store that was made later may have forgotten the first answer.
    time.sleep(0.01)
    assert refused(lambda: registrar.admit(request, MemoryStore())).code == "token-predates-store"
    for wrong in (None, "store", 5, object()):
        assert refused(lambda wrong=wrong: registrar.admit(request, wrong)).code == "config-invalid"
    for request in (b"", b"x" * 100, challenge, None, "text", 5):
        assert refused(lambda request=request: registrar.admit(request, store)).code in (
            *("malformed", "claim-missing", "kind-mismatch", "attestation-failed"),
        )
    for wrong in (None, request, {"name": "coder"}):
        assert refused(lambda wrong=wrong: registrar.issue(wrong)).code == "config-invalid"
    for options in ({"name": "root"}, {"key": ids.key}, {"attestor": "ci"}, {"evidence": bytes(32)}):
        assert refused(lambda options=options: registrar.issue(admitted, **options)).code == "config-invalid"
        challenge = registrar.challenge()
        request = story.coder.enrol(challenge, IDS, "parent", runner.vouch("runner/coder", story.coder, challenge))
        enrols = functools.partial(registrar.enrol, request, store)
        assert refused(functools.partial(enrols, **options)).code == "config-invalid"
        # The refusal used nothing up.
        assert enrols().unverified_claims()["attestor"] == "parent"


def test_a_store_of_ones_own_claims_challenges(story: Story, ids: Agent) -> None:
    runner, asked = Agent.generate("runner"), list[Any]()
    registrar = Registrar(ids, [ParentAttestor("parent", [runner])])

    class Store:
        answer: Any = True

        def commit(self, operations: list[Any], now_ms: int) -> Any:
            asked.append(operations)
            if isinstance(self.answer, BaseException):
                raise self.answer
            return self.answer

    store = Store()
    enrolled(registrar, ids, runner, story.coder, "runner/coder", store)
    ((name, key, expires, since),) = asked[0]
    assert (name, key[:33]) == ("claim", b"c" + ids.key.bytes)
    assert expires > since / 1000
    for answer, code in (
        (("refused", 0), "attestation-failed"),
        (("predates", 0), "token-predates-store"),
        ("full", "store-full"),
        (1, "store-unavailable"),
        (OSError(), "store-unavailable"),
    ):
        store.answer = answer
        assert refused(lambda: enrolled(registrar, ids, runner, story.coder, "runner/coder", store)).code == code
    store.answer = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        enrolled(registrar, ids, runner, story.coder, "runner/coder", store)


def test_evidence_for_somebody_else_is_refused(story: Story, ids: Agent) -> None:
    runner, eve, store = Agent.generate("runner"), Agent.generate("eve"), MemoryStore()
    registrar = Registrar(ids, [ParentAttestor("parent", [runner])])

    def judged(agent: Agent, evidence: Any, challenge: bytes, attestor: str = "parent") -> str:
        return refused(lambda: registrar.admit(agent.enrol(challenge, ids, attestor, evidence), store)).code

    challenge, other = registrar.challenge(), registrar.challenge()
    good = runner.vouch("runner/coder", story.coder, challenge)
    for agent, evidence, answered in (
        (eve, good, challenge),
        (story.coder, good, other),
        (story.coder, eve.vouch("runner/coder", story.coder, challenge), challenge),
        (story.coder, Agent.generate("runner").vouch("runner/coder", story.coder, challenge), challenge),
        (story.coder, runner.vouch("coder", story.coder, challenge), challenge),
        (story.coder, runner.vouch("runner/coder", story.coder, challenge, b"m" * 32), challenge),
    ):
        assert judged(agent, evidence, answered) == "attestation-failed"
    assert judged(story.coder, good, challenge, "code") == "attestation-failed"
    assert judged(story.coder, "no evidence", challenge) == "malformed"
    assert refused(lambda: story.coder.enrol(challenge, "eve", "parent", good)).code == "attestation-failed"
    assert refused(lambda: runner.vouch("runner", runner, challenge)).code == "holder-repeated"
    for bad in (None, "", "\ud800", 5):
        assert refused(lambda bad=bad: runner.vouch(bad, story.coder, challenge)).code == "name-invalid"
        assert refused(lambda bad=bad: story.coder.enrol(challenge, ids, bad, good)).code == "name-invalid"
        assert refused(lambda bad=bad: story.coder.enrol(challenge, bad, "parent", good)).code == "name-invalid"
    for bad in (None, "challenge", 5, b"", b"x" * 50):
        assert refused(lambda bad=bad: runner.vouch("runner/coder", story.coder, bad)).code == "malformed"
        assert refused(lambda bad=bad: story.coder.enrol(bad, ids, "parent", good)).code == "malformed"
    for bad in (None, 5, ["x"], "\ud800"):
        assert refused(lambda bad=bad: story.coder.enrol(challenge, ids, "parent", bad)).code == "malformed"
    assert refused(lambda: story.coder.enrol(challenge, ids, "parent", b"x" * 20_000)).code == "too-large"
    for ttl in (0, 601, "11m", True, -1):
        assert refused(lambda ttl=ttl: registrar.challenge(ttl)).code == "claim-invalid"
    assert registrar.enrol(story.coder.enrol(challenge, ids, "parent", good), store)


def test_code_is_known_by_its_measurement(story: Story, ids: Agent, tmp_path: Path) -> None:
    (tmp_path / "agent").mkdir()
    (tmp_path / "agent" / "main.py").write_text("print('hello')")
    (tmp_path / "config.toml").write_text("a = 1")
    digest = measure(tmp_path, ["agent", "config.toml"])
    assert digest == measure(str(tmp_path), ("config.toml", "agent")) == measure(tmp_path, ["."])
    runner, store = Agent.generate("runner"), MemoryStore()
    for known in ({digest: "coder"}, {digest.hex(): "coder"}):
        registrar = Registrar(ids, [CodeAttestor("code", [runner], known)])
        challenge = registrar.challenge()
        evidence = runner.vouch("coder", story.coder, challenge, digest)
        identity = registrar.enrol(story.coder.enrol(challenge, ids, "code", evidence), store)
        claims = identity.unverified_claims()
        assert (claims["name"], claims["attributes"]["measurement"]) == ("coder", digest.hex())
    (tmp_path / "config.toml").write_text("a = 2")
    changed = measure(tmp_path, ["."])
    assert changed != digest
    challenge = registrar.challenge()
    evidence = runner.vouch("coder", story.coder, challenge, changed)
    assert refused(lambda: registrar.admit(story.coder.enrol(challenge, ids, "code", evidence), store)).code == (
        "attestation-failed"
    )
    for paths in (["../x"], ["/etc"], ["missing"], [""], [], "agent", [5], None, ["a\0"], ["\ud800"]):
        assert refused(lambda paths=paths: measure(tmp_path, paths)).code == "file-unavailable"
    (tmp_path / "link").symlink_to(tmp_path / "config.toml")
    assert refused(lambda: measure(tmp_path, ["link"])).code == "file-unavailable"
    for wrong in ({}, {b"x": "coder"}, {digest: 5}, {digest: ""}, {digest.hex().upper(): "coder"}, [digest], None):
        assert refused(lambda wrong=wrong: CodeAttestor("code", [runner], wrong)).code == "config-invalid"


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Platform:
    """Somebody who gives workloads their tokens."""

    def __init__(self) -> None:
        self.key = ed25519.Ed25519PrivateKey.generate()

    @property
    def jwks(self) -> str:
        public = self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return json.dumps({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "1", "x": base64url(public)}]})

    def token(self, agent: Agent, header: dict[str, Any] | None = None, **claims: Any) -> str:
        now = int(time.time())
        body = {
            "iss": "https://platform.example",
            "aud": f"{IDS}#{agent.key.thumbprint}",
            "sub": "job/coder",
            "iat": now,
            "exp": now + 300,
            **claims,
        }
        parts = [json.dumps(part).encode() for part in (header or {"alg": "EdDSA", "kid": "1"}, body)]
        signed = ".".join(map(base64url, parts))
        return f"{signed}.{base64url(self.key.sign(signed.encode()))}"


def test_a_platforms_token_bound_to_the_agents_key_is_evidence(story: Story, ids: Agent) -> None:
    platform, store = Platform(), MemoryStore()
    registrar = Registrar(
        ids,
        [
            JwtAttestor(
                "platform",
                "https://platform.example",
                IDS,
                glob("job/*"),
                platform.jwks,
                require={"ref": ["main", "next"], ("run", "trusted"): True},
                attributes={"branch": "ref", "attempt": ("run", "attempt")},
            )
        ],
    )

    def judge(token: str | bytes, agent: Agent = story.coder) -> Identity:
        return registrar.enrol(agent.enrol(registrar.challenge(), ids, "platform", token), store)

    good: dict[str, Any] = {"ref": "main", "run": {"trusted": True, "attempt": 2}}
    token = platform.token(story.coder, **good)
    for form in (token, token.encode()):
        claims = judge(form).unverified_claims()
        assert (claims["name"], claims["attributes"]) == ("job/coder", {"branch": "main", "attempt": 2})
    unbound = platform.token(story.coder, **good, aud=IDS, cnf={"jkt": story.coder.key.thumbprint})
    judge(unbound)
    head, body, signature = token.split(".")
    none = base64url(json.dumps({"alg": "none"}).encode())
    for bad in (
        platform.token(story.planner, **good),
        platform.token(story.coder, **good, aud=IDS),
        platform.token(story.coder, **{**good, "ref": "evil"}),
        platform.token(story.coder, ref="main"),
        platform.token(story.coder, **good, iss="https://eve.example"),
        platform.token(story.coder, **good, sub="root"),
        platform.token(story.coder, **good, exp=int(time.time()) - 60, iat=int(time.time()) - 120),
        platform.token(story.coder, {"alg": "HS256", "kid": "1"}, **good),
        platform.token(story.coder, {"alg": "EdDSA", "kid": "2"}, **good),
        platform.token(story.coder, {"alg": "EdDSA", "kid": "1", "jku": "https://eve.example"}, **good),
        Platform().token(story.coder, **good),
        f"{none}.{body}.",
        f"{head}.{body}.{signature[:-2]}",
        f"{head}.{body}",
        "",
    ):
        assert refused(lambda bad=bad: judge(bad)).code == "attestation-failed"
    assert refused(lambda: judge(token, Agent.generate("eve"))).code == "attestation-failed"


def test_an_ec_key_verifies_a_real_size_of_token(story: Story, ids: Agent) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    numbers = key.public_key().public_numbers()
    jwk = {"kty": "EC", "crv": "P-256", "x": base64url(numbers.x.to_bytes(32)), "y": base64url(numbers.y.to_bytes(32))}
    attestor = JwtAttestor.kubernetes("k8s", "https://cluster", IDS, "prod", "coder", json.dumps({"keys": [jwk]}))
    now = int(time.time())
    claims = {
        "iss": "https://cluster",
        "aud": [f"{IDS}#{story.coder.key.thumbprint}"],
        "sub": "system:serviceaccount:prod:coder",
        "iat": now,
        "exp": now + 600,
        "kubernetes.io": {"namespace": "prod", "serviceaccount": {"name": "coder"}, "pod": {"name": "x" * 500}},
    }
    signed = ".".join(base64url(json.dumps(part).encode()) for part in ({"alg": "ES256", "typ": "JWT"}, claims))
    r, s = utils.decode_dss_signature(key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
    token = f"{signed}.{base64url(r.to_bytes(32) + s.to_bytes(32))}"
    registrar, store = Registrar(ids, [attestor]), MemoryStore()
    request = story.coder.enrol(registrar.challenge(), ids, "k8s", token)
    identity = registrar.enrol(request, store).unverified_claims()
    assert identity["name"] == "system:serviceaccount:prod:coder"
    assert identity["attributes"] == {"namespace": "prod", "service_account": "coder"}


def test_attestors_of_platforms_say_what_is_wrong_with_them(ids: Agent) -> None:
    jwks = Platform().jwks
    assert JwtAttestor.github_actions("gh", IDS, "acme/app", jwks, {"environment": "production"}).name == "gh"
    assert JwtAttestor.spiffe("spiffe", "acme.example", IDS, jwks.encode()).name == "spiffe"
    for make in (
        lambda: JwtAttestor.github_actions("gh", IDS, "acme", jwks),
        lambda: JwtAttestor.github_actions("gh", IDS, "acme/app/x", jwks),
        lambda: JwtAttestor.kubernetes("k", "https://cluster", IDS, "Prod", "coder", jwks),
        lambda: JwtAttestor.spiffe("s", "", IDS, jwks),
        lambda: JwtAttestor.spiffe("s", None, IDS, jwks),  # type: ignore[arg-type]
        lambda: JwtAttestor("p", "", IDS, "a", jwks),
        lambda: JwtAttestor("p", "iss", "a#b", "a", jwks),
        lambda: JwtAttestor("p", "iss", IDS, "a", '{"keys": []}'),
        lambda: JwtAttestor("p", "iss", IDS, "a", 5),  # type: ignore[arg-type]
        lambda: JwtAttestor("p", "iss", IDS, "a", jwks, require={5: "a"}),  # type: ignore[dict-item]
        lambda: JwtAttestor("p", "iss", IDS, "a", jwks, require=[("a", "b")]),  # type: ignore[arg-type]
        lambda: JwtAttestor("p", "iss", IDS, "a", jwks, attributes={"a": 5}),  # type: ignore[dict-item]
        lambda: JwtAttestor("p", "iss", IDS, "a", jwks, attributes={"a": ("b", 5)}),  # type: ignore[dict-item]
    ):
        assert refused(make).code == "config-invalid"
    assert refused(lambda: JwtAttestor("p", "iss", IDS, "a", "no json")).code == "malformed"
    assert refused(lambda: JwtAttestor("p", "iss", IDS, "a", b"x" * 70_000)).code == "too-large"
    assert refused(lambda: JwtAttestor("p", "iss", IDS, object(), jwks)).code == "value-unsupported"  # type: ignore[arg-type]


def test_a_registrar_holds_a_key_and_is_not_copied(ids: Agent) -> None:
    parent = ParentAttestor("parent", [Agent.generate("runner")])
    registrar = Registrar(ids, [parent])
    for copies in (pickle.dumps, copy.copy, copy.deepcopy):
        assert refused(lambda copies=copies: copies(registrar)).code == "config-invalid"
    assert repr(registrar) == f'Registrar("{IDS}")'
    for wrong in (None, "ids", ids.key, object()):
        assert refused(lambda wrong=wrong: Registrar(wrong, [parent])).code == "key-invalid"
    for attestors in (None, parent, [parent, parent], [None], ["parent"]):
        assert refused(lambda attestors=attestors: Registrar(ids, attestors)).code == "config-invalid"
    for launchers in ([], None, [None], ["runner"], [("runner",)], [ids, ids]):
        assert refused(lambda launchers=launchers: ParentAttestor("parent", launchers)).code == "config-invalid"
    assert refused(lambda: Registrar(ids, [ParentAttestor("", [ids])])).code == "config-invalid"
