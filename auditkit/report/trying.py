"""Reads a provider's own templates, and tries each on a page made up for it, before any long work."""

from __future__ import annotations

import dataclasses
import re
import stat
import types
import typing
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, TypeVar, Union

from jinja2 import TemplateError
from markupsafe import Markup

from auditkit.errors import InputError, Problem
from auditkit.law.overclaims import OVERCLAIMS
from auditkit.report.html import page
from auditkit.report.own_templates.guarding import ANY_PLACE, GuardError
from auditkit.report.own_templates.overriding import OVERRIDABLE, Templates
from auditkit.report.view import ReportView, Spoken

MAX_BYTES = 256 * 1024
_COMMENT = re.compile(r"\{#.*?#\}", re.DOTALL)


def read_templates(folder: Path) -> Templates:
    """A provider's templates in a folder, each tried by itself on a page with everything and with nothing.

    Raises:
        InputError: every file that is not a template a provider may write, with the line where known.
    """
    problems: list[Problem] = []
    sources: dict[str, str] = {}
    for path in _entries(folder):
        try:
            sources[path.name] = _read(path)
            _try(path.name, sources[path.name])
        except _RefusedError as error:
            problems.append(Problem(str(path), error.line, "", str(error), error.advice))
    if problems:
        raise InputError(problems)
    return Templates(sources)


class _RefusedError(Exception):
    def __init__(self, message: str, advice: str = "", line: int | None = None) -> None:
        super().__init__(message)
        self.advice = advice
        self.line = line


def _entries(folder: Path) -> list[Path]:
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        reason = f"the folder of templates cannot be read: {error.strerror}"
        raise InputError([Problem(str(folder), None, "", reason)]) from error
    if not entries:
        advice = f"put one of these there: {_names()}; or leave report.template_dir out"
        raise InputError([Problem(str(folder), None, "", "there is no template", advice)])
    return entries


def _names() -> str:
    return ", ".join(sorted(OVERRIDABLE))


def _read(path: Path) -> str:
    if path.name not in OVERRIDABLE:
        raise _RefusedError("no template of this name can be overridden", f"there is: {_names()}")
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode):
            raise _RefusedError("this is not a regular file", "put the template itself there")
        if status.st_size > MAX_BYTES:
            raise _RefusedError(f"a template has at most {MAX_BYTES:,} bytes")
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise _RefusedError(f"the template cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise _RefusedError("the template is not UTF-8 text") from error
    _refuse_overclaims(text)
    return text


def _refuse_overclaims(text: str) -> None:
    for number, line in enumerate(_COMMENT.sub(_blank, text).splitlines(), start=1):
        said = OVERCLAIMS.search(line)
        if said is not None:
            raise _RefusedError(
                f"{said[0]!r} says more than a measurement can", "say what was measured", number
            )


def _blank(comment: re.Match[str]) -> str:
    return "\n" * comment[0].count("\n")


def _try(name: str, source: str) -> None:
    for full in (True, False):
        try:
            page(specimen(ReportView, full=full), templates=Templates({name: source}))
        except GuardError as error:
            raise _RefusedError(str(error), error.advice) from error
        except TemplateError as error:
            raise _RefusedError(
                f"not a template that works: {error}", line=_line(error, name)
            ) from error
        except (TypeError, ValueError, ArithmeticError, LookupError, RecursionError) as error:
            raise _RefusedError(
                f"the template breaks off: {error}", "print values as they are", _line(error, name)
            ) from error


def _line(error: BaseException, name: str) -> int | None:
    """The line of the template where it happened: Jinja writes templates into the traceback."""
    line = getattr(error, "lineno", None)
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == name:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


T = TypeVar("T")


_PLAIN: dict[object, tuple[object, object]] = {
    str: (ANY_PLACE, ""),
    Spoken: ("en", "en"),
    bool: (True, False),
    int: (1, 0),
    float: (1.0, 0.0),
    Decimal: (Decimal(1), Decimal(0)),
    Markup: (Markup("<svg></svg>"), Markup("")),
}
"""What stands for a value of each type: where everything is there, and where nothing is."""


def specimen(kind: type[T], *, full: bool) -> T:
    """A dataclass with every field filled in: with something everywhere, or with as little as can be.

    Raises:
        TypeError: a field has a type that no view has had so far.
    """
    return typing.cast("T", _value(kind, full=full))


def _value(kind: Any, *, full: bool) -> object:  # noqa: ANN401 - any annotation
    if kind in _PLAIN:
        return _PLAIN[kind][0 if full else 1]
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        return _value(inner[0], full=full)
    if origin is Literal:
        return inner[0]
    if origin is tuple:
        return _tuple(inner, full=full)
    if origin in {Union, types.UnionType}:
        return None if not full and type(None) in inner else _value(inner[0], full=full)
    return _fields(kind, full=full)


def _tuple(inner: tuple[object, ...], *, full: bool) -> tuple[object, ...]:
    if inner[-1] is Ellipsis:
        return (_value(inner[0], full=full),) if full else ()
    return tuple(_value(each, full=full) for each in inner)


def _fields(kind: type, *, full: bool) -> object:
    hints = typing.get_type_hints(kind, include_extras=True)
    if dataclasses.is_dataclass(kind):
        return kind(**{f.name: _value(hints[f.name], full=full) for f in dataclasses.fields(kind)})
    fields = getattr(kind, "model_fields", None)  # the law's words come as records
    if fields is None:
        raise TypeError(f"no specimen of {kind}")
    return kind.model_construct(**{name: _value(hints[name], full=full) for name in fields})  # type: ignore[attr-defined]
