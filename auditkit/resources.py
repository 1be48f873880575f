"""Where the files that ship with auditkit lie: templates and policies, in a checkout or a wheel."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_FOLDERS = ("templates", "policies")


def shipped(relative: str) -> Path:
    """The path of a shipped file or folder, named as ``templates/...`` or ``policies/...``.

    In a source checkout that is the top-level folder; in an installed wheel it is the copy inside
    the package.

    Raises:
        ValueError: ``relative`` names neither folder, or climbs out of it.
        FileNotFoundError: nothing of that name was shipped.
    """
    parts = Path(relative).parts
    if not parts or parts[0] not in _FOLDERS or ".." in parts:
        raise ValueError(f"{relative!r} is not below templates/ or policies/")
    roots = (_PACKAGE / "_shipped", _PACKAGE.parent)
    if (_PACKAGE.parent / "pyproject.toml").is_file():  # a checkout, whatever a build left inside
        roots = roots[::-1]
    for root in roots:
        if (root / relative).exists():
            return root / relative
    raise FileNotFoundError(f"{relative} was not shipped with this auditkit")
