"""The policy's JSON Schema and docs/settings.md, from the code: ``make reference``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from auditkit.policy.json_schema import policy_json_schema

ROOT = Path(__file__).resolve().parent.parent
SCHEMA = ROOT / "policies" / "auditkit-policy.schema.json"
SETTINGS = ROOT / "docs" / "settings.md"
HEAD = """# The settings of a policy

Made by `make reference` from `auditkit/policy/settings.py`; do not edit.

A setting stands under `defaults`, for all tasks, or in a task, for that one. A key with a dot is a key in a
block: `thresholds.tau` is written `thresholds: {tau: 0.05}`. What stands where a setting is left out is in
parentheses. `examples: 24` is short for `examples: {first: 24, max: 24}`. Whether 0 and 1 themselves may be
written, `auditkit check` says. The report lists every setting of a task, and says of each whether the policy
set it or its default stands.

| key | what it is | what may be written |
|---|---|---|
"""


def settings_page() -> bytes:
    """docs/settings.md: every setting with its default and its limits."""
    schema = json.loads(policy_json_schema())
    rows = _rows(schema["$defs"], "Settings", "")
    return (HEAD + "".join(f"| `{key}` | {what} | {may} |\n" for key, what, may in rows)).encode()


def _rows(definitions: dict[str, Any], block: str, prefix: str) -> Iterator[tuple[str, str, str]]:
    for name, field in definitions[block]["properties"].items():
        blocks = [each for each in (field, *field.get("oneOf", [])) if "$ref" in each]
        if blocks:
            below = blocks[0]["$ref"].rsplit("/", 1)[1]
            yield from _rows(definitions, below, f"{prefix}{name}.")
        else:
            yield prefix + name, field["description"], _may_be(field)


def _may_be(field: dict[str, Any]) -> str:
    """What a setting may hold, in words."""
    if "items" in field:
        return "a list of " + _choices(field["items"])
    if "enum" in field:
        return _choices(field)
    if field.get("type") == "integer":
        return f"a whole number from {field['minimum']:,} to {field['maximum']:,}"
    return "a decimal number between 0 and 1"


def _choices(field: dict[str, Any]) -> str:
    return ", ".join(f"`{choice}`" for choice in field["enum"])


def main() -> None:
    """Write both files."""
    SCHEMA.write_bytes(policy_json_schema())
    SETTINGS.write_bytes(settings_page())


if __name__ == "__main__":
    main()
