"""A policy file as written: its values, and the line of every key. No YAML surprise survives here.

Only ``true``, ``false``, ``null``, ``~``, an empty value and plain decimal integers are typed;
everything else stays the text as written, so ``0.1``, ``NO``, ``1.10`` and ``12:30:45`` keep every
character. Anchors, aliases, tags, merge keys, duplicate keys and further documents are refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from yaml import YAMLError
from yaml.error import MarkedYAMLError
from yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.scanner import Scanner

from auditkit.errors import InputError, Problem
from auditkit.policy.characters import FORBIDDEN, describe, visible

MAX_BYTES = 1024 * 1024
"""The largest policy that is read: 1 MiB."""

MAX_DEPTH = 20
"""The deepest nesting of lists and maps that is read."""

MAX_VALUES = 20_000
"""The largest number of keys and values that is read."""

MAX_STRAY_CHARACTERS = 20
"""The largest number of forbidden characters outside of values that is reported."""

Value: TypeAlias = "bool | int | str | tuple[Value, ...] | dict[str, Value] | None"
"""What a policy is made of. A list is a tuple."""

KeyPath: TypeAlias = tuple[str | int, ...]
"""The keys and 0-based list positions from the top of a policy to a value."""

_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_WORDS: dict[str, Value] = {"": None, "~": None, "null": None, "true": True, "false": False}
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


@dataclass(frozen=True)
class Source:
    """A policy as written.

    ``lines`` gives the 1-based line of every key and list entry. ``problems`` are the faults of
    notation found so far; values below a path in ``broken`` could not be read and are not judged.
    """

    file: str
    data: dict[str, Value]
    lines: Mapping[KeyPath, int]
    problems: tuple[Problem, ...]
    broken: frozenset[KeyPath]

    def line_of(self, path: KeyPath) -> int:
        """The line of a key; of the nearest key above it when it is not written."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def problem(self, path: KeyPath, message: str, advice: str = "") -> Problem:
        """A problem at a key of this file."""
        return Problem(self.file, self.line_of(path), dotted(path), message, advice)


def dotted(path: KeyPath) -> str:
    """A key path as a reader writes it: ``tasks[0].expected.min_recall``."""
    written = ""
    for part in path:
        if isinstance(part, int):
            written += f"[{part}]"
        elif _PLAIN_KEY.fullmatch(part):
            written += f".{part}" if written else part
        else:
            written += f'["{visible(part)}"]'
    return written


def read_source(content: bytes, file: str) -> Source:
    """The values and lines of a policy's bytes; ``file`` is the name that problems carry.

    Raises:
        InputError: the bytes are not one YAML map of at most 1 MiB, 20 levels and 20,000 values.
    """
    if len(content) > MAX_BYTES:
        raise InputError([Problem(file, None, "", "the policy is larger than 1 MiB")])
    # An undecodable byte becomes a lone surrogate, so that the key it stands under can be named.
    text = content.decode("utf-8", errors="surrogateescape").removeprefix("\ufeff")
    text = text.replace("\r\n", "\n")
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        message = "the file is not text: it has a zero byte"
        raise InputError([Problem(file, line, "", message, "save the policy as UTF-8 text")])
    reading = _Reading(file, text)
    try:
        data = reading.document()
    except _StoppedError as stop:
        raise InputError([*reading.all_problems(), stop.problem]) from stop
    except MarkedYAMLError as error:
        raise InputError([*reading.all_problems(), _not_yaml(file, error)]) from error
    except (YAMLError, ValueError, OverflowError) as error:
        # PyYAML raises ValueError for an escape beyond Unicode, such as "\U99999999".
        problem = Problem(
            file, reading.line, "", "not valid YAML: an escape that means no character"
        )
        raise InputError([*reading.all_problems(), problem]) from error
    return Source(
        file, data, reading.lines, tuple(reading.all_problems()), frozenset(reading.broken)
    )


_YAML_ADVICE = {
    "mapping values are not allowed here": "put a text that contains a colon in quotes",
    "found character '\\t' that cannot start any token": "indent with spaces, not with tabs",
    "found character '%' that cannot start any token": "put the text in quotes",
    "found character '@' that cannot start any token": "put the text in quotes",
    "found character '`' that cannot start any token": "put the text in quotes",
    "could not find expected ':'": "write each key as `key: value`",
    "found unexpected end of stream": "close the quotes that were opened",
    "expected <block end>, but found '-'": "indent the entries of a list alike",
}


def _not_yaml(file: str, error: MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    line = None if mark is None else mark.line + 1
    what = str(error.problem or error.context or "it cannot be read")
    advice = _YAML_ADVICE.get(what, "check indentation, quotes and brackets around this line")
    return Problem(file, line, "", f"not valid YAML: {what}", advice)


class _StoppedError(Exception):
    """Reading cannot go on past this problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


def _index(mark: object) -> int:
    return int(getattr(mark, "index", 0))


class _Events(Reader, Scanner, Parser):
    """PyYAML's events of a text, with control characters let through: ours to refuse, by key."""

    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)

    def check_printable(self, data: object) -> None:
        """Lets every character through."""


class _Reading:
    """One pass over the events of a policy. Recursion ends at ``MAX_DEPTH``."""

    def __init__(self, file: str, text: str) -> None:
        self._file = file
        self._text = text
        self._events = _Events(text)
        self._problems: list[Problem] = []
        self._spans: list[tuple[int, int, KeyPath]] = []
        self._reported: list[tuple[int, int]] = []
        self._values = 0
        self.line = 1
        self.lines: dict[KeyPath, int] = {}
        self.broken: set[KeyPath] = set()

    def document(self) -> dict[str, Value]:
        self._next()
        start = self._next()
        if isinstance(start, StreamEndEvent):
            raise self._empty()
        if isinstance(start, DocumentStartEvent) and (start.version or start.tags):
            self._report((), "a %YAML or %TAG line is not read", "remove it")
        data = self._value((), 0)
        if data is None and not self._problems:
            raise self._empty()
        if not isinstance(data, dict):
            what = "a list" if isinstance(data, tuple) else "a single value"
            advice = "begin with `auditkit: 1` and write each key on its own line"
            message = f"the policy is {what}, not a map of keys"
            raise _StoppedError(Problem(self._file, 1, "", message, advice))
        while not isinstance(event := self._next(), StreamEndEvent):
            if not isinstance(event, DocumentEndEvent):
                message = "a second YAML document begins here; a policy is one document"
                raise _StoppedError(Problem(self._file, self.line, "", message, "remove the `---`"))
        return data

    def all_problems(self) -> list[Problem]:
        """What was found, and the forbidden characters that stand outside of any value."""
        found = list(self._problems)
        for match in FORBIDDEN.finditer(self._text):
            if any(start <= match.start() < end for start, end in self._reported):
                continue
            if len(found) >= len(self._problems) + MAX_STRAY_CHARACTERS:
                break
            line = self._text.count("\n", 0, match.start()) + 1
            message, advice = describe(match.group())
            found.append(
                Problem(self._file, line, dotted(self._at(match.start())), message, advice)
            )
        return found

    def _at(self, index: int) -> KeyPath:
        return next((path for start, end, path in self._spans if start <= index < end), ())

    def _empty(self) -> _StoppedError:
        advice = "begin with `auditkit: 1`; policies/quickstart.yaml is one to start from"
        return _StoppedError(Problem(self._file, None, "", "the policy is empty", advice))

    def _report(self, path: KeyPath, message: str, advice: str = "") -> None:
        self._problems.append(Problem(self._file, self.line, dotted(path), message, advice))

    def _next(self) -> Event:
        event: Event = self._events.get_event()  # type: ignore[no-untyped-call]
        if event.start_mark is not None:
            self.line = event.start_mark.line + 1
        return event

    def _value(self, path: KeyPath, depth: int) -> Value:
        event = self._next()
        self.lines.setdefault(path, self.line)
        self._values += 1
        if depth > MAX_DEPTH:
            message = f"lists and maps are nested more than {MAX_DEPTH} deep"
            raise _StoppedError(Problem(self._file, self.line, "", message))
        if self._values > MAX_VALUES:
            message = f"the policy has more than {MAX_VALUES} values"
            raise _StoppedError(Problem(self._file, self.line, "", message))
        if isinstance(event, AliasEvent):
            self.broken.add(path)
            self._report(path, f"the alias *{event.anchor} is not read", "write the value out")
            return None
        self._refuse_anchor_and_tag(event, path)
        if isinstance(event, MappingStartEvent):
            return self._map(path, depth)
        if isinstance(event, SequenceStartEvent):
            return self._list(path, depth)
        return self._scalar(event, path)

    def _refuse_anchor_and_tag(self, event: Event, path: KeyPath) -> None:
        anchor, tag = getattr(event, "anchor", None), getattr(event, "tag", None)
        if anchor is not None:
            self._report(path, f"the anchor &{anchor} is not read", "write each value out")
        if tag is not None:
            self._report(path, f"the tag {tag} is not read", "remove it, or put a text in quotes")

    def _scalar(self, event: Event, path: KeyPath) -> Value:
        if not isinstance(event, ScalarEvent):
            raise TypeError(f"unexpected YAML event {event!r}")
        text = str(event.value)
        self._check_characters(event, path)
        if event.style is not None or event.tag is not None:
            return text
        if _INTEGER.fullmatch(text):
            return int(text)
        return _WORDS.get(text, text)

    def _check_characters(self, event: ScalarEvent, path: KeyPath) -> None:
        span = (_index(event.start_mark), _index(event.end_mark))
        self._spans.append((*span, path))
        if found := FORBIDDEN.search(str(event.value)):
            self._reported.append(span)
            self._report(path, *describe(found.group()))

    def _list(self, path: KeyPath, depth: int) -> tuple[Value, ...]:
        items: list[Value] = []
        while not self._events.check_event(SequenceEndEvent):
            items.append(self._value((*path, len(items)), depth + 1))
        self._next()
        return tuple(items)

    def _map(self, path: KeyPath, depth: int) -> dict[str, Value]:
        entries: dict[str, Value] = {}
        while not self._events.check_event(MappingEndEvent):
            key = self._key(path, depth)
            if key is not None and key in entries:
                first = self.lines[(*path, key)]
                message = f"the key is written twice, first on line {first}"
                self._report((*path, key), message, "keep one of the two")
            elif key is not None:
                self.lines[(*path, key)] = self.line
            value = self._value((*path, key if key is not None else "?"), depth + 1)
            if key is not None:
                entries.setdefault(key, value)
        self._next()
        return entries

    def _key(self, path: KeyPath, depth: int) -> str | None:
        """The key that comes next, or ``None`` when it cannot be one."""
        if not self._events.check_event(ScalarEvent):
            self._value((*path, "?"), depth + 1)
            self._report(path, "a list, a map or an alias cannot be a key", "write a text")
            return None
        event = self._next()
        line = self.line
        text = str(getattr(event, "value", ""))
        plain = getattr(event, "style", None) is None
        if plain and text == "<<":
            self.broken.add(path)
            self._report(path, "the merge key << is not read", "write the keys out")
            return None
        self._refuse_anchor_and_tag(event, (*path, text))
        value = self._scalar(event, (*path, text))
        self.line = line
        if not isinstance(value, str):
            self._report(
                path, f"the key {text or 'that is empty'} is not a text", "put it in quotes"
            )
            return None
        return value
