"""Keys: their forms, other libraries, and that they are never shown."""

from __future__ import annotations

import base64
import copy
import json
import logging
import marshal
import multiprocessing
import pickle
import shutil
import stat
import subprocess
import traceback
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from conftest import SERVER, refused
from deputize import Agent, DeputizeError, SigningKey, TrustAnchor, VerifyingKey

SEED = bytes(range(7, 39))


def windows(seed: bytes) -> set[str]:
    """Every eight bytes of a seed, as they could be written."""
    texts = set()
    for start in range(len(seed) - 7):
        part = seed[start : start + 8]
        texts |= {part.hex(), ", ".join(map(str, part)), repr(part)[2:-1]}
    for shift in range(3):
        encoded = base64.b64encode(bytes(shift) + seed).decode()
        texts |= {encoded[4 + i : 14 + i] for i in range(len(encoded) - 20)}
        texts |= {text.replace("+", "-").replace("/", "_") for text in set(texts)}
    return texts


def shows(text: str) -> bool:
    return any(window in text for window in windows(SEED))


def test_the_windows_find_a_seed() -> None:
    key = SigningKey.from_seed(SEED)
    for text in (SEED.hex(), key.to_pem(), key.to_jwk(), str(list(SEED)), repr(SEED)):
        assert shows(text), text


def test_a_signing_key_is_never_shown(caplog: pytest.LogCaptureFixture) -> None:
    key = SigningKey.from_seed(SEED)
    agent = Agent("a", key)
    logging.getLogger().warning("%r %s %r", key, key, agent)
    texts = [caplog.text]
    for value in (key, agent):
        texts += [repr(value), str(value), f"{value}", f"{value!r:>50}", "%s" % value, repr([value]), repr(dir(value))]  # noqa: UP031
        texts += [
            repr(getattr(value, "__dict__", None)),
            repr({name: str(getattr(value, name, None)) for name in dir(value)}),
        ]
        with pytest.raises(TypeError):
            vars(value)
        with pytest.raises(TypeError):
            json.dumps(value)
    assert not [text for text in texts if shows(text)]
    assert repr(key) == repr(SigningKey.generate())


def test_no_traceback_of_ours_has_a_seed_in_it() -> None:
    for use in (
        lambda secret: Agent.from_seed("a", secret),
        lambda secret: SigningKey.from_seed(secret),
        lambda secret: SigningKey.from_pem(secret),
        lambda secret: Agent("a\n", SigningKey.from_seed(secret[:32])).issue(to=Agent.generate("b")),
    ):
        with pytest.raises(DeputizeError) as caught:
            use(SEED + b"x")
        error = caught.value
        stack = traceback.TracebackException.from_exception(error, capture_locals=True)
        frames = [frame for frame in stack.stack if Path(frame.filename).parent.name == "deputize"]
        assert not shows("".join(str(frame.locals) for frame in frames) + str(error) + repr(error.__dict__))


def test_a_signing_key_does_not_leave_the_process() -> None:
    key = SigningKey.from_seed(SEED)
    for value in (key, Agent("a", key), [key], {"a": key}):
        ways = [lambda v=value, p=p: pickle.dumps(v, p) for p in range(pickle.HIGHEST_PROTOCOL + 1)]
        ways += [lambda v=value: copy.deepcopy(v)]
        if not isinstance(value, (list, dict)):
            ways += [lambda v=value: copy.copy(v), lambda v=value: v.__reduce_ex__(2), lambda v=value: v.__reduce__()]
        for way in ways:
            with pytest.raises(TypeError) as caught:
                way()
            assert isinstance(caught.value, DeputizeError)
            assert caught.value.code == "config-invalid"
        with pytest.raises(ValueError, match="unmarshallable"):
            marshal.dumps(value)
    here, there = multiprocessing.Pipe()
    with pytest.raises(TypeError):
        here.send(key)
    assert not there.poll()


def test_classes_cannot_be_extended_or_made_by_hand() -> None:
    for base in (SigningKey, VerifyingKey, Agent):
        with pytest.raises(TypeError):
            type("Mine", (base,), {})
    for made in (SigningKey, VerifyingKey):
        with pytest.raises(TypeError):
            made()
    with pytest.raises(AttributeError):
        SigningKey.generate().seed = b""  # type: ignore[attr-defined]
    with pytest.raises(AttributeError):
        Agent.generate("a").name = "b"  # type: ignore[misc]


def test_keys_come_from_and_go_to_cryptography() -> None:
    theirs = Ed25519PrivateKey.generate()
    raw = theirs.private_bytes(
        serialization.Encoding.Raw, serialization.PrivateFormat.Raw, serialization.NoEncryption()
    )
    pem = theirs.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = theirs.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    public_pem = theirs.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    ours = SigningKey.from_pem(pem)
    assert ours.to_seed() == raw
    assert ours.to_pem().encode() == pem
    assert ours.verifying_key.bytes == public
    assert ours.verifying_key.to_pem().encode() == public_pem
    assert VerifyingKey.from_pem(public_pem.decode()) == ours.verifying_key == VerifyingKey.from_bytes(public)
    loaded = serialization.load_pem_private_key(ours.to_pem().encode(), None)
    assert isinstance(loaded, Ed25519PrivateKey)
    signature = loaded.sign(b"message")
    assert ours.verifying_key.verify(b"message", signature) is True
    for message, wrong in (
        (b"massage", signature),
        (b"message", signature[:-1]),
        (b"message", bytes(64)),
        (b"message", b""),
    ):
        assert ours.verifying_key.verify(message, wrong) is False
    Ed25519PublicKey.from_public_bytes(ours.verifying_key.bytes).verify(signature, b"message")


def test_jwk_did_and_thumbprint_round_trip() -> None:
    key = SigningKey.from_seed(SEED)
    assert SigningKey.from_jwk(key.to_jwk()).to_seed() == SEED
    public = key.verifying_key
    assert VerifyingKey.from_jwk(public.to_jwk()) == public
    assert VerifyingKey.from_did_key(public.did_key) == public
    assert json.loads(public.to_jwk())["x"] == base64.urlsafe_b64encode(public.bytes).decode().rstrip("=")
    # RFC 8037, appendix A.3
    known = VerifyingKey.from_jwk('{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}')
    assert known.thumbprint == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    assert pickle.loads(pickle.dumps(public)) == public
    assert hash(copy.deepcopy(public)) == hash(public)
    assert public != SigningKey.generate().verifying_key
    assert public != public.bytes


def test_openssl_reads_what_is_written_and_writes_what_is_read(tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("there is no openssl")
    run = lambda *words: subprocess.run([openssl, *words], check=True, capture_output=True, cwd=tmp_path).stdout  # noqa: E731
    theirs = run("genpkey", "-algorithm", "ed25519").decode()
    key = SigningKey.from_pem(theirs)
    assert key.to_pem() == theirs
    key.save(tmp_path / "key.pem")
    assert run("pkey", "-in", "key.pem", "-pubout").decode() == key.verifying_key.to_pem()
    (tmp_path / "message").write_bytes(b"message")
    run("pkeyutl", "-sign", "-rawin", "-inkey", "key.pem", "-in", "message", "-out", "signature")
    assert key.verifying_key.verify(b"message", (tmp_path / "signature").read_bytes())


@pytest.mark.parametrize(
    "bad", [None, 1, "", "x" * 32, b"", b"\0" * 32, b"x" * 31, b"x" * 33, [1] * 32, "\ud800"], ids=repr
)
def test_bad_keys_are_key_invalid(bad: object) -> None:
    for read in (
        SigningKey.from_seed,
        SigningKey.from_pem,
        SigningKey.from_jwk,
        VerifyingKey.from_bytes,
        VerifyingKey.from_pem,
        VerifyingKey.from_jwk,
        VerifyingKey.from_did_key,
    ):
        assert refused(lambda read=read: read(bad)).code == "key-invalid"  # type: ignore[arg-type]


def test_key_files(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    agent = Agent.load_or_create("planner", folder)
    path = folder / "planner.pem"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert Agent.load_or_create("planner", folder).key == agent.key
    assert (Agent.load(path).name, Agent.load(path).key) == ("planner", agent.key)
    assert Agent.load(path, "p").name == "p"
    assert refused(lambda: SigningKey.generate().save(path)).code == "key-file-exists"
    assert refused(lambda: SigningKey.load(folder / "none.pem")).code == "key-file-invalid"
    assert refused(lambda: SigningKey.generate().save(path / "a.pem")).code == "key-file-unwritable"
    assert refused(lambda: Agent.load_or_create("coder", path)).code == "key-file-unwritable"
    path.chmod(0o644)
    assert refused(lambda: Agent.load(path)).code == "key-file-insecure"
    for name in ("", "..", "a/b", ".hidden", "a\0", "a\\b", 5):
        assert refused(lambda name=name: Agent.load_or_create(name, folder)).code == "name-invalid"


def test_what_an_agent_is_made_of() -> None:
    key = SigningKey.generate()
    assert refused(lambda: Agent(5, key)).code == "name-invalid"  # type: ignore[arg-type]
    assert refused(lambda: Agent("a", key.verifying_key)).code == "key-invalid"  # type: ignore[arg-type]
    assert Agent("a", key).did == key.verifying_key.did_key
    assert refused(lambda: TrustAnchor("", key.verifying_key)).code == "name-invalid"
    assert refused(lambda: TrustAnchor("a", key)).code == "key-invalid"  # type: ignore[arg-type]
    assert refused(lambda: TrustAnchor("a", key.verifying_key, may_impersonate=1)).code == "config-invalid"  # type: ignore[arg-type]
    assert Agent.from_seed("a", SEED).prove is not None
    assert refused(lambda: Agent.generate("a").prove(None, "t", {}, SERVER)).code == "malformed"  # type: ignore[arg-type]
