"""Audit records in a file: one JSON line for each decision."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deputize._native import AuditRecord

__all__ = ["AuditLog"]


class AuditLog:
    """Appends one line of canonical JSON for each decision, with one write, before the call returns.

    A new file is readable by its owner only. ``arguments`` puts the arguments of the calls in the lines; ``fsync``
    waits until the system says that the line is on the disk.
    """

    def __init__(self, path: str | os.PathLike[str], arguments: bool = False, fsync: bool = False) -> None:
        self._path = os.fspath(path)
        self._arguments = arguments
        self._fsync = fsync
        self._torn = False
        self._lock = threading.Lock()
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
        self._file = os.open(self._path, flags, 0o600)

    @property
    def path(self) -> str:
        """Where the lines go."""
        return self._path

    def __call__(self, record: AuditRecord) -> None:
        line = (record.json(arguments=self._arguments) + "\n").encode()
        with self._lock:
            if self._torn:  # the rest of a line that the system took in part stays a line of its own
                line = b"\n" + line
            written = os.write(self._file, line)
            self._torn = written != len(line)
            if self._torn:
                raise OSError(f"{written} of {len(line)} bytes of the audit record were written")
            if self._fsync:
                os.fsync(self._file)

    def close(self) -> None:
        """Closes the file. Whatever is decided after that is denied."""
        with self._lock:
            if self._file >= 0:
                os.close(self._file)
                self._file = -1

    def __enter__(self) -> AuditLog:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_file", -1) >= 0:
            self.close()
