"""Files that a token allows by name, opened so that the name leads nowhere else."""

from __future__ import annotations

import os
from io import BufferedReader, BufferedWriter, TextIOWrapper
from typing import Literal, overload

from deputize import _native

__all__ = ["open_beneath"]

_MODES = ("r", "rb", "w", "wb")


@overload
def open_beneath(
    root: str | os.PathLike[str], path: str, mode: Literal["rb"] = "rb", *, refuse_hard_links: bool = False
) -> BufferedReader: ...
@overload
def open_beneath(
    root: str | os.PathLike[str], path: str, mode: Literal["wb"], *, refuse_hard_links: bool = False
) -> BufferedWriter: ...
@overload
def open_beneath(
    root: str | os.PathLike[str], path: str, mode: Literal["r", "w"], *, refuse_hard_links: bool = False
) -> TextIOWrapper: ...
def open_beneath(
    root: str | os.PathLike[str], path: str, mode: str = "rb", *, refuse_hard_links: bool = False
) -> BufferedReader | BufferedWriter | TextIOWrapper:
    """Opens a regular file at or below ``root``, so that no symbolic link leads out of it.

    ``path`` is the text of the argument as it was decided about, or a relative path, which is read below the root;
    ``root`` is an absolute path. The modes are ``"rb"``, ``"wb"``, and in UTF-8 ``"r"`` and ``"w"``; writing makes the
    file or empties it, after it was examined. On Linux relative links are followed as long as they stay below the root;
    elsewhere every link is refused, and on Windows every call. ``refuse_hard_links`` refuses a file that has another
    name too.

    ``argument-refused`` if the path or a link on it leads out, ``file-unavailable`` if there is no such regular file or
    it cannot be opened, ``config-invalid`` for a root that is not absolute and for other modes.
    """
    if mode not in _MODES:
        raise _native.make_error("config-invalid", "a mode other than r, rb, w and wb:", str(mode))
    descriptor = _native.open_beneath(root, path, mode.startswith("w"), refuse_hard_links)
    if mode == "rb":
        return os.fdopen(descriptor, "rb")
    if mode == "wb":
        return os.fdopen(descriptor, "wb")
    text: Literal["r", "w"] = "w" if mode == "w" else "r"
    return os.fdopen(descriptor, text, encoding="utf-8")
