"""Files below a root: what the token allows by name is below the root in fact. Named as in the list of attacks."""

from __future__ import annotations

import contextlib
import io
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import SERVER, Story, denied, refused
from deputize import open_beneath, path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="files below a root are opened on Unix only")

LINUX = sys.platform == "linux"
MODES = ("rb", "r", "wb", "w")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root with two files, and beside it a secret."""
    root = tmp_path / "root"
    (root / "docs").mkdir(parents=True)
    (root / "notes.txt").write_text("notes")
    (root / "docs" / "plan.txt").write_text("plan")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.txt").write_text("secret")
    return root


@pytest.fixture
def secret(root: Path) -> Iterator[Path]:
    """The secret, which is the same at the end."""
    secret = root.parent / "outside" / "secret.txt"
    yield secret
    assert secret.read_text() == "secret"
    assert len(list(secret.parent.iterdir())) == 1, "nothing was made beside it"


def read(root: Path, name: str) -> str:
    with open_beneath(root, name, "r") as file:
        return file.read()


def all_refused(code: str, context: str, root: Path, name: str) -> None:
    for mode in MODES:
        error = refused(lambda mode=mode: open_beneath(root, name, mode))  # type: ignore[misc]
        assert error.code == code, error
        assert context in str(error)


def test_the_modes_give_ordinary_files(root: Path) -> None:
    for name in ("notes.txt", str(root / "notes.txt")):
        with open_beneath(root, name) as raw:
            assert isinstance(raw, io.BufferedReader)
            assert raw.read() == b"notes"
            assert not os.get_inheritable(raw.fileno())
        assert raw.closed
        assert read(root, name) == "notes"
    with open_beneath(str(root), "docs/new.txt", "wb") as written:
        assert isinstance(written, io.BufferedWriter)
        written.write(b"a long text")
    with open_beneath(root, "docs/new.txt", "w") as text:
        text.write("kürzer\n")
    assert (root / "docs/new.txt").read_bytes() == "kürzer\n".encode()
    (root / "ordinary").write_text("")
    assert (root / "docs/new.txt").stat().st_mode == (root / "ordinary").stat().st_mode


def test_what_is_no_mode_root_path_or_option(root: Path) -> None:
    bad: list[tuple[str, Callable[[Any], Any]]] = [
        ("config-invalid", lambda given: given(root, "notes.txt", "r+b")),
        ("config-invalid", lambda given: given(root, "notes.txt", "a")),
        ("config-invalid", lambda given: given(root, "notes.txt", None)),
        ("config-invalid", lambda given: given("root", "notes.txt")),
        ("config-invalid", lambda given: given("", "notes.txt")),
        ("config-invalid", lambda given: given(root, "notes.txt", refuse_hard_links=1)),
        ("argument-refused", lambda given: given(root, b"notes.txt")),
        ("argument-refused", lambda given: given(root, Path("notes.txt"))),
        ("argument-refused", lambda given: given(root, None)),
        ("argument-refused", lambda given: given(root, "notes\ud800.txt")),
    ]
    for code, call in bad:
        assert refused(lambda call=call: call(open_beneath)).code == code  # type: ignore[misc]
    with pytest.raises(TypeError):
        open_beneath(7, "notes.txt")  # type: ignore[call-overload]


def test_pth_01_to_03_names_that_are_no_paths_below_the_root(root: Path, secret: Path) -> None:
    names = ["", "/", "/etc/passwd", "../outside/secret.txt", "docs/../notes.txt", "./notes.txt", "docs//plan.txt"]
    names += ["docs/", "notes.txt\0", "docs\\plan.txt", "%2e%2e/outside/secret.txt", "docs／plan.txt", "C:/notes.txt"]
    names += ["․․/outside/secret.txt", "notes.txt::$DATA", "notes.txt.", "notes.txt ", f"{root}-two/x", f"{root}//x"]
    for name in names:
        all_refused("argument-refused", "no path at or below the root", root, name)
    for name in ("~/notes.txt", "$HOME"):
        assert refused(lambda name=name: open_beneath(root, name)).code == "file-unavailable"  # type: ignore[misc]


def test_pth_04_a_symbolic_link_that_leads_out(root: Path, secret: Path) -> None:
    (root / "file").symlink_to("../outside/secret.txt")
    (root / "folder").symlink_to("../outside")
    (root / "docs" / "parent").symlink_to("../../outside")
    (root / "absolute").symlink_to(secret)
    for name in ("file", "folder/secret.txt", "docs/parent/secret.txt", "absolute"):
        assert (root / name).read_text() == "secret"
        all_refused("argument-refused", "a link that leads out", root, name)
        all_refused("argument-refused", "a link that leads out", root, str(root / name))
    assert read(root, "docs/plan.txt") == "plan"


def test_pth_04_a_symbolic_link_that_stays_inside(root: Path) -> None:
    (root / "file").symlink_to("docs/plan.txt")
    (root / "folder").symlink_to("docs")
    for name in ("file", "folder/plan.txt"):
        if LINUX:
            assert read(root, name) == "plan"
        else:
            assert refused(lambda name=name: read(root, name)).code == "argument-refused"  # type: ignore[misc]


def test_pth_04_a_missing_leaf_below_a_link(root: Path, secret: Path) -> None:
    (root / "folder").symlink_to("../outside")
    (root / "dangling").symlink_to("../outside/new.txt")
    for name in ("folder/new.txt", "folder/new/new.txt", "dangling"):
        all_refused("argument-refused", "a link that leads out", root, name)
    error = refused(lambda: open_beneath(root, "docs/new.txt"))
    assert error.code == "file-unavailable"
    assert error.context == "entity not found: `docs/new.txt`"


def test_pth_04_a_hard_link(root: Path, secret: Path) -> None:
    (root / "twin").hardlink_to(secret)
    assert read(root, "twin") == "secret", "a hard link is the file"
    for mode in MODES:
        error = refused(lambda mode=mode: open_beneath(root, "twin", mode, refuse_hard_links=True))  # type: ignore[misc]
        assert error.code == "argument-refused"
        open_beneath(root, "docs/plan.txt", mode, refuse_hard_links=True).close()  # type: ignore[call-overload]


@pytest.mark.skipif(not LINUX, reason="there is no /proc/self/root")
def test_pth_04_the_root_of_proc(root: Path, secret: Path) -> None:
    (root / "slash").symlink_to("/proc/self/root")
    assert (root / f"slash{secret}").read_text() == "secret"
    all_refused("argument-refused", "a link that leads out", root, f"slash{secret}")
    all_refused("argument-refused", "a link that leads out", Path("/proc"), f"/proc/self/root{secret}")
    assert read(Path("/proc"), "/proc/sys/kernel/ostype") == "Linux\n"


def test_pth_06_a_root_joined_with_an_absolute_path(root: Path, secret: Path) -> None:
    assert Path(root, str(secret)).read_text() == "secret", "what joining makes of it"
    all_refused("argument-refused", "no path at or below the root", root, str(secret))
    assert read(root, str(root / "notes.txt")) == "notes"


def test_only_regular_files_are_opened_and_none_is_waited_for(root: Path) -> None:
    os.mkfifo(root / "pipe")
    # In a process of its own, which can be ended if it hangs.
    script = "import sys; from deputize import open_beneath; open_beneath(sys.argv[1], 'pipe')"
    done = subprocess.run([sys.executable, "-c", script, str(root)], capture_output=True, text=True, timeout=30)
    assert "file-unavailable" in done.stderr
    listener = socket.socket(socket.AF_UNIX)
    here = os.getcwd()
    os.chdir(root)  # the name of a socket is short
    try:
        listener.bind("socket")
    finally:
        os.chdir(here)
    for name in ("pipe", "docs", str(root), "socket"):
        all_refused("file-unavailable", "not a regular file", root, name)
    all_refused("file-unavailable", "not a regular file", Path("/dev"), "/dev/null")
    listener.close()
    assert read(root, "notes.txt") == "notes"


def test_a_folder_that_becomes_a_link_meanwhile_never_leads_out(root: Path, secret: Path) -> None:
    (root / "folder").mkdir()
    (root / "folder" / "secret.txt").write_text("inside")
    (root / "link").symlink_to("../outside")
    done = threading.Event()

    def swap() -> None:
        while not done.is_set():
            for source, target in (("folder", "aside"), ("link", "folder"), ("folder", "link"), ("aside", "folder")):
                os.rename(root / source, root / target)

    swapping = threading.Thread(target=swap)
    swapping.start()
    seen = {"inside": 0, "argument-refused": 0, "file-unavailable": 0}
    naive = opens = 0
    end = time.monotonic() + 60
    try:
        while opens < 2000 or not (naive and seen["inside"] and seen["argument-refused"]):
            assert time.monotonic() < end, f"the race was not met: {naive} {seen}"
            opens += 1
            try:
                seen[read(root, "folder/secret.txt")] += 1
            except Exception as error:
                seen[getattr(error, "code", repr(error))] += 1
            with contextlib.suppress(OSError):
                naive += (root / "folder" / "secret.txt").read_text() == "secret"
    finally:
        done.set()
        swapping.join()


def test_an_allowed_name_that_is_a_link_is_not_opened(root: Path, secret: Path, story: Story) -> None:
    (root / "link.txt").symlink_to(secret)
    chain = story.chain({"read": {"path": path(str(root))}})
    verifier = story.verifier()

    def call(name: str) -> str:
        arguments = {"path": name}
        presentation = story.coder.prove(chain, "read", arguments, SERVER)
        return read(root, verifier.authorize(presentation, "read", arguments).arguments["path"])

    assert call(str(root / "notes.txt")) == "notes"
    assert refused(lambda: call(str(root / "link.txt"))).code == "argument-refused"
    assert denied(lambda: call(str(secret))).code == "argument-refused"
