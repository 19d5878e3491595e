"""What the tools do: three actions on bare git repositories, by git's own commands.

Files are read from and written to git's objects, never to a working folder, so that no path of a caller is ever
resolved on the disk. No shell is involved, and no text of a caller is where git would take it for an option.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path, PurePosixPath

MAIN = "refs/heads/main"
NO_OBJECT = "0" * 40
EMAIL = "repositories@git.acme.example"
ENVIRONMENT = {
    "PATH": os.environ.get("PATH", os.defpath),
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_COMMITTER_NAME": "repository server",
    "GIT_COMMITTER_EMAIL": EMAIL,
}


class Refused(Exception):
    """The action is not possible, whoever asks for it."""


class Repositories:
    """The bare repositories in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    def create(self, name: str, files: dict[str, str]) -> None:
        """Makes a repository whose branch main has these files."""
        subprocess.run(
            ["git", "init", "--quiet", "--bare", "--initial-branch=main", "--", str(self._folder / name)],
            check=True,
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
        )
        commit = self._commit(name, None, files, "Start", "ana")
        self._git(name, "update-ref", MAIN, commit, NO_OBJECT)

    def read_file(self, repository: str, path: str) -> str:
        """The content of a file on the branch main."""
        return self._git(repository, "cat-file", "blob", f"{MAIN}:{inside(path)}")

    def open_pull_request(self, repository: str, branch: str, path: str, content: str, title: str, by: str) -> str:
        """Puts one changed file on a new branch; returns the commit."""
        ref = f"refs/heads/{branch}"
        self._git(repository, "check-ref-format", ref)
        commit = self._commit(repository, MAIN, {path: content}, title, by)
        self._git(repository, "update-ref", ref, commit, NO_OBJECT)
        return commit

    def deploy(self, repository: str, version: str, by: str) -> str:
        """Puts a new tag on the branch main; returns the commit that it is on."""
        ref = f"refs/tags/{version}"
        self._git(repository, "check-ref-format", ref)
        commit = self._git(repository, "rev-parse", "--verify", f"{MAIN}^{{commit}}").strip()
        tagger = {"GIT_COMMITTER_NAME": by, "GIT_COMMITTER_EMAIL": EMAIL}
        self._git(repository, "tag", "--annotate", f"--message=Deployed by {by}", "--", version, commit, more=tagger)
        return commit

    def refs(self, repository: str) -> list[str]:
        """The names of all branches and tags, sorted."""
        return self._git(repository, "for-each-ref", "--format=%(refname)").split()

    def made_by(self, repository: str, ref: str) -> str:
        """Who made a commit or a tag, as git has it."""
        names = self._git(repository, "for-each-ref", "--format=%(authorname)%(taggername)", "--", ref)
        return names.strip()

    def _commit(self, repository: str, parent: str | None, files: dict[str, str], title: str, by: str) -> str:
        with tempfile.TemporaryDirectory() as scratch:
            index = {"GIT_INDEX_FILE": str(Path(scratch) / "index")}
            if parent is not None:
                self._git(repository, "read-tree", parent, more=index)
            for path, content in files.items():
                blob = self._git(repository, "hash-object", "-w", "--stdin", stdin=content).strip()
                entry = f"100644,{blob},{inside(path)}"
                self._git(repository, "update-index", "--add", "--cacheinfo", entry, more=index)
            tree = self._git(repository, "write-tree", more=index).strip()
        author = {"GIT_AUTHOR_NAME": by, "GIT_AUTHOR_EMAIL": EMAIL}
        onto = [] if parent is None else ["-p", parent]
        return self._git(repository, "commit-tree", tree, *onto, stdin=title, more=author).strip()

    def _git(self, repository: str, *arguments: str, stdin: str = "", more: dict[str, str] | None = None) -> str:
        if repository not in {folder.name for folder in self._folder.iterdir()}:
            raise Refused(f"no repository {repository!r}")
        done = subprocess.run(
            ["git", f"--git-dir={self._folder / repository}", *arguments],
            input=stdin.encode(),
            check=False,
            capture_output=True,
            env={**ENVIRONMENT, **(more or {})},
            timeout=10,
        )
        if done.returncode != 0:
            raise Refused(done.stderr.decode(errors="replace").strip() or f"git {arguments[0]} failed")
        return done.stdout.decode(errors="replace")


def inside(path: str) -> str:
    """A path from the root of a repository as git names it, below that root."""
    parts = PurePosixPath(path).parts
    if not path.startswith("/") or path.startswith("//") or len(parts) < 2 or ".." in parts or "\0" in path:
        raise Refused(f"no path of a file in a repository: {path!r}")
    return "/".join(parts[1:])
