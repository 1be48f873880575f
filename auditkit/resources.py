"""Where the files that ship with auditkit lie: templates and policies, in a checkout or a wheel."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import auditkit
from auditkit.digest import canonical_json, sha256_hex
from auditkit.errors import InputError, Problem
from auditkit.records.audit import Tool
from auditkit.records.base import Sha256

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


def given_path(value: object, name: str) -> Path:
    """The path that a caller gave under a name.

    Raises:
        InputError: it is neither a text nor a path.
    """
    if isinstance(value, str | Path):
        return Path(value)
    message = f"a path is needed here, not {type(value).__name__}"
    raise InputError([Problem(name, None, "", message, "give a str or a pathlib.Path")])


def policy_file(named: str | Path) -> Path:
    """The path of a policy file; ``example:NAME`` is one that comes with auditkit.

    Raises:
        InputError: no example has the name, or it is no path.
    """
    if not str(named).startswith("example:"):
        return given_path(named, "policy")
    name = str(named).removeprefix("example:")
    examples = sorted(path.stem for path in shipped("policies").glob("*.yaml"))
    if name not in examples:
        message = f"no example named {name!r}; there is: {', '.join(examples)}"
        raise InputError([Problem(str(named), None, "", message)])
    return shipped(f"policies/{name}.yaml")


_SOURCE_SUFFIXES = frozenset({".py", ".yaml", ".j2", ".css", ".ttf", ".po"})


def tool() -> Tool:
    """The running tool. ``source_digest`` changes with any byte of its code, law data or templates."""
    roots = {"auditkit": Path(auditkit.__file__).parent, "templates": shipped("templates")}
    return Tool(name="auditkit", version=auditkit.__version__, source_digest=_digest_of(roots))


def page_digest() -> Sha256:
    """The digest of what lays out the page: templates, fonts, catalogues, code."""
    package = Path(auditkit.__file__).parent
    return _digest_of(
        {
            "report": package / "report",
            "characters": package / "characters",
            "templates": shipped("templates"),
        },
    )


def _digest_of(roots: Mapping[str, Path]) -> Sha256:
    """One digest over every source file below these folders, each by its name."""
    digests = {
        f"{name}/{path.relative_to(root).as_posix()}": sha256_hex(path.read_bytes())
        for name, root in roots.items()
        for path in root.rglob("*")
        if path.is_file() and path.suffix in _SOURCE_SUFFIXES and "_shipped" not in path.parts
    }
    return f"sha256:{sha256_hex(canonical_json(digests))}"
