"""Policies with something hostile in one field, or in all: every text field of the schema, by walking it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from auditkit.policy.json_schema import policy_json_schema
from auditkit.policy.source import KeyPath, read_source
from tests.conftest import ROOT

Node = dict[str, Any]

SCHEMA: Node = json.loads(policy_json_schema())
COMPLETE = ROOT / "tests" / "fixtures" / "policy_complete.yaml"
OTHERWISE = {
    "hub": "example/model",
    "revision": "0" * 40,
    "bundle": "model.sig",
    "public_key": "publisher.pem",
    "certificate": "publisher.pem",
}
"""What stands at a required key of an alternative that the complete policy does not use."""


def complete() -> Node:
    """The policy of every key, as JSON has it."""
    data = read_source(COMPLETE.read_bytes(), "complete").data
    made: Node = json.loads(json.dumps(data))
    return made


def forms(node: Node) -> list[Node]:
    """A schema with its reference followed and its alternatives spread out."""
    if "$ref" in node:
        return forms(SCHEMA["$defs"][node["$ref"].rsplit("/", 1)[1]])
    alternatives = node.get("anyOf", []) + node.get("oneOf", [])
    return [node, *(form for each in alternatives for form in forms(each))]


def text_fields(node: Node = SCHEMA, path: KeyPath = ()) -> Iterator[KeyPath]:
    """The path of every value that the schema lets be a text, the first entry standing for a list.

    A map of free keys gives each of its alternatives another key.
    """
    shapes = forms(node)
    if any(shape.get("type") == "string" for shape in shapes):
        yield path
    for shape in shapes:
        for key, below in shape.get("properties", {}).items():
            yield from text_fields(below, (*path, key))
        if isinstance(shape.get("items"), dict):
            yield from text_fields(shape["items"], (*path, 0))
        if isinstance(shape.get("additionalProperties"), dict):
            answers = [
                form for form in forms(shape["additionalProperties"]) if "properties" in form
            ]
            for key, form in zip(shape["propertyNames"]["enum"], answers, strict=False):
                yield from text_fields(form, (*path, key))


TEXT_FIELDS = tuple(dict.fromkeys(text_fields()))
"""Every path at which a policy may hold a text."""

FREE = {
    "declared_by.name",
    "declared_by.role",
    'instructions_for_use["13(3)(a)"].text',
    'instructions_for_use["13(3)(b)(i)"].not_applicable',
    'instructions_for_use["13(3)(b)(ii)"].owner',
    "model.path",
    "model.signature.bundle",
    "model.signature.certificate",
    "model.signature.public_key",
    "report.template_dir",
    "sae.path",
    "system.high_risk.point",
    "system.intended_purpose",
    "system.name",
    "system.provider.address",
    "system.provider.authorised_representative.address",
    "system.provider.authorised_representative.email",
    "system.provider.authorised_representative.name",
    "system.provider.email",
    "system.provider.name",
    "system.version",
    "tasks[0].concerns[0]",
    "tasks[0].expected.source",
    "tasks[0].prompts.file",
    "tasks[0].title",
}
"""The fields that hold whatever text a provider writes. A new one is added here, and is then printed by
``tests/integration/test_hostile_policy_run.py``."""


def shapes_at(path: KeyPath, node: Node = SCHEMA) -> list[Node]:
    """Each shape that the schema lets a text at a path have."""
    if not path:
        return [form for form in forms(node) if form.get("type") == "string"]
    key, rest = path[0], path[1:]
    below = [
        form.get("items") if isinstance(key, int) else _below(form, key) for form in forms(node)
    ]
    return [shape for each in below if isinstance(each, dict) for shape in shapes_at(rest, each)]


def with_text(policy: Any, path: KeyPath, text: str, node: Node = SCHEMA) -> Any:  # noqa: ANN401
    """The policy, or the part of it that ``node`` describes, with ``text`` at ``path``.

    Keys of another alternative than the path's are left out, and those it requires are added.
    """
    if not path:
        return text
    key, rest = path[0], path[1:]
    if isinstance(key, int):
        (items,) = [form["items"] for form in forms(node) if "items" in form]
        below = list(policy or ())
        return [with_text(below[0] if below else None, rest, text, items), *below[1:]]
    form = next(each for each in forms(node) if _below(each, key) is not None)
    known = form.get("properties")
    made = {k: v for k, v in (policy or {}).items() if known is None or k in known}
    for required in form.get("required", ()):
        if required != key:
            made.setdefault(required, OTHERWISE.get(required))
    return {**made, key: with_text(made.get(key), rest, text, _below(form, key) or {})}


def together(texts: Mapping[KeyPath, str]) -> Iterator[tuple[Any, list[KeyPath]]]:
    """Policies that hold all these texts between them, and which of them each holds.

    A policy holds as many as it can: fields of two alternatives are in no policy together.
    """
    left = dict(texts)
    while left:
        policy, held = complete(), dict[KeyPath, str]()
        for path, text in left.items():
            more, wanted = with_text(policy, path, text), {**held, path: text}
            if all(_at(more, each) == own for each, own in wanted.items()):
                policy, held = more, wanted
        yield policy, list(held)
        left = {path: text for path, text in left.items() if path not in held}


def _at(policy: Any, path: KeyPath) -> object:  # noqa: ANN401 - any JSON value
    """What stands at a path; nothing where the path leads nowhere."""
    value = policy
    for part in path:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def _below(form: Node, key: str) -> Node | None:
    found = form.get("properties", {}).get(key, form.get("additionalProperties"))
    return found if isinstance(found, dict) else None
