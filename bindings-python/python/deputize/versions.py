"""Which releases of a framework an integration was tested with. Another one is refused when it is imported."""

from __future__ import annotations

import re
from importlib import metadata

__all__ = ["require"]


def require(package: str, at_least: str, below: str, extra: str) -> None:
    """Raises ``ImportError``, with the command that mends it, unless a release in the range is installed."""
    try:
        found = metadata.version(package)
    except metadata.PackageNotFoundError:
        found = None
    if found is None or not _numbers(at_least) <= _numbers(found) < _numbers(below):
        what = "is not installed" if found is None else f"is {found}"
        wanted = f"{package}>={at_least},<{below}"
        raise ImportError(f"{package} {what}; deputize needs {wanted}: pip install 'deputize[{extra}]'", name=package)


def _numbers(version: str) -> tuple[int, ...]:
    """The numbers of a release; a release candidate counts as its release."""
    found = re.match(r"\d+(\.\d+)*", version)
    return tuple(int(part) for part in found[0].split(".")) if found else ()
