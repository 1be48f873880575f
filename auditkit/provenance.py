"""Which auditkit made a record: its version and the digest of its own source, law data and templates."""

from __future__ import annotations

from pathlib import Path

import auditkit
from auditkit.digest import canonical_json, sha256_hex
from auditkit.records.audit import Tool
from auditkit.resources import shipped

_SOURCE_SUFFIXES = frozenset({".py", ".yaml", ".j2", ".css", ".ttf"})


def tool() -> Tool:
    """The running tool. ``source_digest`` changes with any byte of its code, law data or templates."""
    roots = (("auditkit", Path(auditkit.__file__).parent), ("templates", shipped("templates")))
    digests = {
        f"{name}/{path.relative_to(root).as_posix()}": sha256_hex(path.read_bytes())
        for name, root in roots
        for path in root.rglob("*")
        if path.is_file() and path.suffix in _SOURCE_SUFFIXES and "_shipped" not in path.parts
    }
    return Tool(
        name="auditkit",
        version=auditkit.__version__,
        source_digest=f"sha256:{sha256_hex(canonical_json(digests))}",
    )
