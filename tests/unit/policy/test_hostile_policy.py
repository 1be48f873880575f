"""Whatever stands in a text field of a policy is refused with its key, or kept as the text it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from auditkit.errors import InputError, Problem
from auditkit.policy import Policy, parse_policy
from auditkit.policy.source import KeyPath, dotted
from tests.hostile_policies import (
    FREE,
    SCHEMA,
    TEXT_FIELDS,
    complete,
    shapes_at,
    together,
    with_text,
)

MARKUP = (
    '</p><script>alert(1)</script><img src=x onerror=alert(1)>" onload="x" <a href="file:///etc">'
)
PAYLOADS = {
    "html": MARKUP,
    "jinja": "{{ 7*7 }}{% include '/etc/passwd' %}{{ self.__init__.__globals__ }}{# gone #}",
    "javascript": "javascript:alert(document.domain)",
    "file": "file:///etc/hostname",
    "style": "</style></title><link rel=attachment href=file:///etc/hostname>url(https://a.invalid)",
    "control": "a\x07b\x1b[31mc",
    "bidi": "\u202etxt.exe\u202c",
    "isolate": "\u2066hidden\u2069",
    "line_separator": "one\u2028two",
    "megabyte": "a" * 1_000_000,
}
NEVER_KEPT = {"control", "bidi", "isolate", "line_separator", "megabyte"}
"""Payloads that no field may hold."""

ONE_OF_EACH_KIND: tuple[KeyPath, ...] = (
    ("system", "name"),
    ("tasks", 0, "prompts", "file"),
    ("report", "language"),
    ("tasks", 0, "id"),
    ("defaults", "thresholds", "tau"),
    ("model", "hub"),
    ("tasks", 0, "method"),
)
"""A text and the name of a file, both free; a language; a name, a number and an address of a pattern; and
one of a list."""

MORE_THAN_ANY_PATTERN = "a" * 10_000


def outcome(policy: Any) -> Policy | tuple[Problem, ...]:  # noqa: ANN401
    """The policy as read, or what is wrong with it."""
    try:
        return parse_policy(json.dumps(policy).encode(), Path("p.yaml")).policy
    except InputError as error:
        return error.problems


def at(policy: Policy, path: KeyPath) -> object:
    """What a policy that was read holds at a path."""
    value: Any = policy
    for part in path:
        if isinstance(part, int) or isinstance(value, dict):
            value = value[part]
        else:
            value = getattr(value, "circuit" if part == "expected" else part)
    return value


def assert_can_be_shown(problems: tuple[Problem, ...]) -> None:
    """No problem brings to the terminal what it complains about, and none fills the screen."""
    for problem in problems:
        for text in (problem.key, problem.message, problem.advice):
            assert text.isprintable(), repr(text)
            assert len(text) < 1000, len(text)


def test_the_walk_finds_the_fields_of_every_block() -> None:
    """Required and optional, free and patterned, in lists, maps and alternatives."""
    assert isinstance(outcome(complete()), Policy)
    found = {dotted(path) for path in TEXT_FIELDS}
    assert found >= FREE
    assert {
        "model.hub",
        "model.revision",
        "tasks[0].prompts.generator",
        "tasks[0].expected.heads[0]",
        "tasks[0].evidence_for[0]",
        "defaults.thresholds.tau",
        "report.formats[0]",
        "signing.key",
        "system.placed_on_market",
    } <= found
    assert len(found) > 60


def kind_of(path: KeyPath) -> tuple[bool, frozenset[str]]:
    """Whether a field is free, and by what its shapes bound it."""
    limits = {"maxLength", "pattern", "enum", "const"}
    return dotted(path) in FREE, frozenset(key for s in shapes_at(path) for key in limits & set(s))


def test_every_kind_of_field_has_one_that_stands_for_it() -> None:
    """A kind of field that the schema gains is a kind on which each payload is tried by itself."""
    assert {kind_of(path) for path in ONE_OF_EACH_KIND} == {kind_of(path) for path in TEXT_FIELDS}


@pytest.mark.parametrize("kind", PAYLOADS)
@pytest.mark.parametrize("path", ONE_OF_EACH_KIND, ids=dotted)
def test_a_hostile_text_is_refused_with_its_key_or_kept_as_it_is(path: KeyPath, kind: str) -> None:
    """Free fields keep markup, template syntax and addresses as text; every other field refuses them."""
    found = outcome(with_text(complete(), path, PAYLOADS[kind]))
    if dotted(path) in FREE and kind not in NEVER_KEPT:
        assert isinstance(found, Policy), found
        assert at(found, path) == PAYLOADS[kind]
    else:
        assert isinstance(found, tuple)
        assert {problem.key for problem in found} == {dotted(path)}
        assert_can_be_shown(found)


def refused(texts: Mapping[KeyPath, str]) -> set[str]:
    """The keys that are refused when these texts are each in its field, a policy full at a time."""
    found: set[str] = set()
    for policy, held in together(texts):
        problems = outcome(policy)
        if isinstance(problems, Policy):
            assert {path: at(problems, path) for path in held} == {p: texts[p] for p in held}
        else:
            assert_can_be_shown(problems)
            found |= {problem.key for problem in problems}
    return found


@pytest.mark.parametrize("kind", [kind for kind in PAYLOADS if kind != "megabyte"])
def test_no_field_lets_a_hostile_text_by(kind: str) -> None:
    """In all fields at once, each is refused by its key that may not hold it; the free ones keep theirs.

    A megabyte in each would be no policy at all: lengths are the next test's.
    """
    free = {path for path in TEXT_FIELDS if dotted(path) in FREE}
    bad = set(TEXT_FIELDS) if kind in NEVER_KEPT else set(TEXT_FIELDS) - free
    everywhere = refused(dict.fromkeys(TEXT_FIELDS, PAYLOADS[kind]))
    assert everywhere == {dotted(path) for path in bad}
    kept = refused(dict.fromkeys(free, PAYLOADS[kind]))
    assert kept == ({dotted(path) for path in free} if kind in NEVER_KEPT else set())


def test_every_field_has_its_greatest_length() -> None:
    """A free field holds as many letters as the schema says and not one more; no pattern goes on for ever."""
    longest = {
        path: max(shape["maxLength"] for shape in shapes_at(path))
        for path in TEXT_FIELDS
        if dotted(path) in FREE
    }
    assert refused({path: "a" * length for path, length in longest.items()}) == set()
    too_long = dict.fromkeys(TEXT_FIELDS, MORE_THAN_ANY_PATTERN)
    too_long |= {path: "a" * (length + 1) for path, length in longest.items()}
    assert refused(too_long) == {dotted(path) for path in TEXT_FIELDS}


@pytest.mark.parametrize("kind", PAYLOADS)
def test_a_hostile_key_is_refused_and_shown_without_what_it_hides(kind: str) -> None:
    """No block of a policy takes a key it does not know, and the problem names it in visible letters."""
    for block in ((), ("system",), ("instructions_for_use",), ("tasks", 0), ("report",)):
        policy = complete()
        place: Any = policy
        for part in block:
            place = place[part]
        place[PAYLOADS[kind]] = {"text": "x"}
        found = outcome(policy)
        assert isinstance(found, tuple)
        assert found
        assert_can_be_shown(found)


def test_a_text_of_a_mebibyte_and_more_is_not_read_at_all() -> None:
    """The file is measured before anything of it is read."""
    policy = with_text(complete(), ("system", "name"), "a" * 1024 * 1024)
    with pytest.raises(InputError, match="larger than 1 MiB"):
        parse_policy(json.dumps(policy).encode(), Path("p.yaml"))


def test_every_free_field_of_the_schema_is_bounded() -> None:
    """No text field lacks a greatest length, a pattern or a list of its values."""

    def unbounded(node: object, where: str) -> list[str]:
        if isinstance(node, list):
            return [f for i, each in enumerate(node) for f in unbounded(each, f"{where}/{i}")]
        if not isinstance(node, dict):
            return []
        limits = {"maxLength", "pattern", "enum", "const"}
        own = [where] if node.get("type") == "string" and not limits & set(node) else []
        return own + [f for key, each in node.items() for f in unbounded(each, f"{where}/{key}")]

    assert unbounded(SCHEMA, "") == []
