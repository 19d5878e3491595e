"""Which releases of a framework an integration was tested with. Another one is refused when it is imported."""

from __future__ import annotations

import re
from importlib import metadata

__all__ = ["installed", "require"]


def installed(package: str) -> tuple[int, ...] | None:
    """The numbers of the release that is installed."""
    try:
        return _numbers(metadata.version(package))
    except metadata.PackageNotFoundError:
        return None


def require(package: str, at_least: str, below: str, extra: str) -> None:
    """Raises ``ImportError``, with the command that mends it, unless a release in the range is installed."""
    found = installed(package)
    if found is None or not _numbers(at_least) <= found < _numbers(below):
        what = "is not installed" if found is None else f"is {metadata.version(package)}"
        wanted = f"{package}>={at_least},<{below}"
        raise ImportError(f"{package} {what}; deputize needs {wanted}: pip install 'deputize[{extra}]'", name=package)


def _numbers(version: str) -> tuple[int, ...]:
    """The numbers of a release; a release candidate counts as its release."""
    found = re.match(r"\d+(\.\d+)*", version)
    return tuple(int(part) for part in found[0].split(".")) if found else ()
