"""The snippets of the README and of the guides, extracted and run as their readers would, and the examples."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "bindings-python" / "tests"))
from redis_server import Server  # noqa: E402

CORE = (ROOT / "core").as_posix()
TOKEN = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ALLOWED = re.compile(r"^\S+Z ALLOW coder called github\.update_pr for ana at https://tools\.acme\.example ")
DENIED = re.compile(r"^\S+Z DENY argument-refused: coder called github\.update_pr for ana at ")


def snippets(page: str, language: str, heading: str | None = None) -> list[str]:
    text = (ROOT / page).read_text(encoding="utf-8")
    if heading:
        text = text.split(f"\n{heading}\n", 1)[1].split("\n## ", 1)[0]
    found = [body for kind, body in TOKEN.findall(text) if kind == language]
    assert found, f"{page} has no {language}"
    return found


def run(command: list[str], folder: Path) -> str:
    environment = {**os.environ, "CARGO_TARGET_DIR": str(ROOT / "target" / "snippets"), "NO_COLOR": "1"}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def node_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty folder with the npm package, installed from its archive."""
    folder = tmp_path_factory.mktemp("node")
    archive = run(["npm", "pack", "--silent", "--pack-destination", str(folder), str(ROOT / "bindings-node")], folder)
    (folder / "package.json").write_text('{"private": true, "type": "module"}\n', encoding="utf-8")
    name = archive.split()[-1]
    options = ["--silent", "--offline", "--no-audit", "--no-fund", "--omit=peer"]
    run(["npm", "install", *options, str(folder / name)], folder)
    return folder


@pytest.fixture(scope="module")
def rust_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new crate that depends on deputize alone, with the versions that the workspace has locked."""
    folder = tmp_path_factory.mktemp("rust")
    profile = '[profile.dev]\nopt-level = 1\n[profile.dev.package."*"]\nopt-level = 3\n'
    manifest = '[package]\nname = "snippet"\nversion = "0.0.0"\nedition = "2024"\n\n[dependencies]\n'
    (folder / "Cargo.toml").write_text(
        f'{manifest}deputize = {{ path = "{CORE}", features = ["redis"] }}\n\n{profile}', encoding="utf-8"
    )
    (folder / "Cargo.lock").write_bytes((ROOT / "Cargo.lock").read_bytes())
    (folder / "src").mkdir()
    return folder


def python(source: str, folder: Path) -> str:
    (folder / "snippet.py").write_text(source, encoding="utf-8")
    return run([sys.executable, "snippet.py"], folder)


def node(source: str, folder: Path) -> str:
    (folder / "snippet.mjs").write_text(source, encoding="utf-8")
    return run(["node", "snippet.mjs"], folder)


def without_logs(folder: Path) -> Path:
    """The folder, without the logs that another page left in it."""
    for left in folder.glob("calls.log*"):
        left.unlink()
    return folder


def rust(source: str, folder: Path) -> str:
    (folder / "src" / "main.rs").write_text(source, encoding="utf-8")
    return run(["cargo", "run", "--quiet"], folder)


def check_sentences(output: str) -> None:
    allowed, denied = output.strip().splitlines()
    assert ALLOWED.match(allowed), allowed
    assert DENIED.match(denied), denied
    assert allowed.endswith(": fix the login bug")


def test_readme_python(tmp_path: Path) -> None:
    (source,) = snippets("README.md", "python", "## Quick start")
    check_sentences(python(source, tmp_path))


def test_readme_node(node_folder: Path) -> None:
    (source,) = snippets("README.md", "js", "## Quick start")
    check_sentences(node(source, node_folder))


def test_readme_rust(rust_folder: Path) -> None:
    (source,) = snippets("README.md", "rust", "## Quick start")
    check_sentences(rust(source, rust_folder))


def test_guide_python(tmp_path: Path) -> None:
    assert python("\n".join(snippets("docs/guide/quickstart.md", "python")), tmp_path)


def test_guide_node(node_folder: Path) -> None:
    assert node("\n".join(snippets("docs/guide/quickstart.md", "js")), node_folder)


def test_guide_rust(rust_folder: Path) -> None:
    body = "\n".join(snippets("docs/guide/quickstart.md", "rust"))
    main = f"fn main() -> Result<(), Box<dyn std::error::Error>> {{\n{body}\nOk(())\n}}\n"
    assert rust(f"#![allow(unused)]\n{main}", rust_folder)


def test_the_guide_of_constraints_says_the_same_in_three_languages(node_folder: Path, rust_folder: Path) -> None:
    page = "docs/guide/constraints.md"
    body = "\n".join(snippets(page, "rust"))
    main = f"fn main() -> Result<(), Box<dyn std::error::Error>> {{\n{body}\nOk(())\n}}\n"
    told = [
        python("\n".join(snippets(page, "python")), node_folder),
        node("\n".join(snippets(page, "js")), node_folder),
        rust(f"#![allow(unused)]\n{main}", rust_folder),
    ]
    assert len(set(told)) == 1, told
    # The block without a language is what the section prints.
    text = (ROOT / page).read_text(encoding="utf-8")
    (shown,) = re.findall(r"^Each of them prints:\n\n```\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert told[0].startswith(shown), told[0]


def test_the_guide_of_authority_says_the_same_in_both_languages(tmp_path: Path, node_folder: Path) -> None:
    page = "docs/guide/authority.md"
    told = [
        python("\n".join(snippets(page, "python")), tmp_path),
        node("\n".join(snippets(page, "js")), node_folder),
    ]
    assert told == ["1\n1 token\nagent-suspended\n"] * 2


def test_the_guide_of_the_log_says_the_same_in_three_languages(
    tmp_path: Path, node_folder: Path, rust_folder: Path
) -> None:
    page = "docs/guide/log.md"
    expected = ["0 opened", "1 issued", "2 delegated", "3 decision", "4 outcome", "anchored up to 5 open: 0"]
    assert python(*snippets(page, "python"), tmp_path).splitlines() == expected
    assert node(*snippets(page, "js"), without_logs(node_folder)).splitlines() == expected
    assert rust(*snippets(page, "rust"), without_logs(rust_folder)).splitlines() == ["anchored up to 5"]


def test_the_guide_of_mcp_protects_a_server_in_both_languages(tmp_path: Path, node_folder: Path) -> None:
    page, evidence = "docs/guide/mcp.md", "## Evidence beside a call"
    scope = node_folder / "node_modules" / "@modelcontextprotocol"
    for package in (scope, node_folder / "node_modules" / "zod"):
        package.symlink_to(ROOT / "bindings-node" / "node_modules" / package.name)
    server, client = snippets(page, "python", "## Python")
    (tmp_path / "server.py").write_text(server, encoding="utf-8")
    told = [python(client, tmp_path)]
    server, client = snippets(page, "js", "## Node")
    (node_folder / "server.mjs").write_text(server, encoding="utf-8")
    told.append(node(client, node_folder))
    for output in told:
        allowed, refused = output.lower().splitlines()
        assert allowed == "false coder for ana: staging × 1"
        assert refused.startswith("true ") and " argument-refused: " in refused
    told = [
        python("".join(snippets(page, "python", evidence)), tmp_path),
        node("".join(snippets(page, "js", evidence)), node_folder),
    ]
    assert told == ["approval-required\ndeployed to staging\n"] * 2


def test_the_guide_of_telemetry_says_the_same_in_both_languages(tmp_path: Path, node_folder: Path) -> None:
    scope = node_folder / "node_modules" / "@opentelemetry"
    scope.symlink_to(ROOT / "bindings-node" / "node_modules" / scope.name)
    page = "docs/guide/telemetry.md"
    told = [
        python("\n".join(snippets(page, "python")), tmp_path),
        node("\n".join(snippets(page, "js")), without_logs(node_folder)),
    ]
    text = (ROOT / page).read_text(encoding="utf-8")
    (shown,) = re.findall(r"^Each prints:\n\n```\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    (signal,) = re.findall(r"^Each prints `(.*?)`", text, re.MULTILINE)
    assert told == [f"{shown}{signal}\n"] * 2


def test_the_guide_of_the_store_says_the_same_in_three_languages(
    node_folder: Path, rust_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Server()
    monkeypatch.setenv("REDIS_URL", server.address)
    for package in ("redis", "@redis"):
        (node_folder / "node_modules" / package).symlink_to(ROOT / "bindings-node" / "node_modules" / package)
    page = "docs/guide/store.md"
    (body,) = snippets(page, "rust")
    main = f"fn main() -> Result<(), Box<dyn std::error::Error>> {{\n{body}\nOk(())\n}}\n"
    try:
        (code,) = snippets(page, "python")
        told = [python(code, node_folder), node(snippets(page, "js")[0], node_folder), rust(main, rust_folder)]
    finally:
        server.close()
    assert told == ["coder\nproof-replayed\n"] * 3


def test_the_examples_of_narrowing_tell_the_same_story_in_three_languages(node_folder: Path, rust_folder: Path) -> None:
    examples = ROOT / "examples"
    told = [
        python((examples / "python" / "narrowing.py").read_text(encoding="utf-8"), node_folder),
        node((examples / "node" / "narrowing.mjs").read_text(encoding="utf-8"), node_folder),
        rust((examples / "rust" / "src" / "bin" / "narrowing.rs").read_text(encoding="utf-8"), rust_folder),
    ]
    assert len({re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z|session [0-9a-f]{8}", "…", output) for output in told}) == 1, told
    assert re.findall(r"^(\w+) may read (.*)$", told[0], re.MULTILINE) == [
        ("planner", "a path at or below `/src`"),
        ("coder", "a text like `/src/*.py`"),
        ("reviewer", "one of `/src/app.py`, `/src/login.py`"),
        ("linter", "`/src/login.py`"),
    ]
    shown = re.search(r"^for example (\S+) is allowed by the child alone$", told[0], re.MULTILINE)
    assert shown, told
    assert f"the child allows `{shown[1]}`, the parent only `/src/login.py`; " in told[0]
    assert "\nnot-provably-narrower: " in told[0]
    assert "\n/src/login.py: allowed\n" in told[0]
    assert "\n/src/app.py: argument-refused by token 3, argument `path` must be `/src/login.py`\n" in told[0]


def test_the_examples_tell_the_same_story_in_three_languages(node_folder: Path, rust_folder: Path) -> None:
    def story(output: str) -> str:
        return re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z|session [0-9a-f]{8}", "…", output)

    examples = ROOT / "examples"
    told = [
        python((examples / "python" / "quickstart.py").read_text(encoding="utf-8"), node_folder),
        node((examples / "node" / "quickstart.mjs").read_text(encoding="utf-8"), node_folder),
        rust((examples / "rust" / "src" / "bin" / "quickstart.rs").read_text(encoding="utf-8"), rust_folder),
    ]
    assert len({story(output) for output in told}) == 1, told


def test_the_example_of_the_audit_log_tells_what_was_done_to_it(rust_folder: Path) -> None:
    source = (ROOT / "examples" / "rust" / "src" / "bin" / "audit_log.rs").read_text(encoding="utf-8")
    *sentences, as_written, changed, cut_unseen, cut = rust(source, rust_folder).splitlines()
    expected = ["opened", "ana issued", "ALLOW coder", "succeeded", "DENY tool-not-allowed", "ALLOW coder", "failed"]
    assert all(part in sentence for part, sentence in zip(expected, sentences, strict=True)), sentences
    assert as_written == "as it was written: 7 entries, as the checkpoint says"
    assert changed == "with one word changed: log-changed at entry 4"
    assert cut_unseen == "cut, and nobody kept a checkpoint: 4 entries that fit together, unanchored"
    assert cut == "cut: log-truncated at entry 4"


def the_same_story(name: str, node_folder: Path) -> list[str]:
    """What an example prints in both languages, without what is different in each run."""
    examples = ROOT / "examples"
    told = [
        python((examples / "python" / f"{name}.py").read_text(encoding="utf-8"), node_folder),
        node((examples / "node" / f"{name.replace('_', '-')}.mjs").read_text(encoding="utf-8"), node_folder),
    ]
    varying = r"\d{4}-\d\d-\d\dT[\d:.]+Z|session [0-9a-f]{8}|did:key:\w+|\b[0-9a-f]{32,64}\b"
    stories = {re.sub(varying, "…", output) for output in told}
    assert len(stories) == 1, told
    return stories.pop().splitlines()


def test_a_deployment_by_two_people_tells_the_same_story_in_both_languages(node_folder: Path) -> None:
    lines = the_same_story("two_humans", node_folder)
    assert lines[0] == "approval-required, request …"
    assert "with one approval: approval-required" in lines
    assert any(line.startswith("with two: … ALLOW coder called deploy for ana") for line in lines)
    assert lines[-1] == "again: approval-spent"


def test_a_compromised_agent_tells_the_same_story_in_both_languages(node_folder: Path) -> None:
    lines = the_same_story("compromised", node_folder)
    allowed = [f"  coder-{number}: allowed" for number in (1, 2, 3)]
    assert lines[:4] == ["before:", *allowed]
    assert lines[4:7] == ["after the key of coder-2 was revoked:", allowed[0], "  coder-2: key-revoked"]
    assert "DENY key-revoked" in lines[7]
    assert lines[8:] == [allowed[2]]


def test_a_restarted_agent_tells_the_same_story_in_both_languages(node_folder: Path) -> None:
    lines = the_same_story("restarts", node_folder)
    assert ["ALLOW" in line for line in lines] == [True, True, False, False]
    assert lines[2].startswith("key-revoked: ")
    assert lines[3].startswith("attestation-failed: ")
