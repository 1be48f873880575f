"""The report as one self-contained HTML file: nothing is fetched, nothing runs.

A provider's own templates for some sections (``report.overriding``) are held to what they may write.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping

from jinja2 import (
    BaseLoader,
    ChoiceLoader,
    DictLoader,
    FileSystemLoader,
    FunctionLoader,
    StrictUndefined,
    pass_context,
)
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup, escape

from auditkit.characters.spelling import visible
from auditkit.law import Law
from auditkit.messages import N_, PLACEHOLDER, number_text, speaking, translated
from auditkit.records.audit import AuditRecord
from auditkit.report.facts import common_source
from auditkit.report.own_templates.guarding import OwnSection, guard
from auditkit.report.own_templates.overriding import SHIPPED, Templates
from auditkit.report.view import ReportView, build_view
from auditkit.resources import shipped


def _finalizer(drawable: frozenset[int] | None) -> Callable[[object], object]:
    def finalize(value: object) -> object:
        """Every value on the page passes here; only our own markup passes unchanged."""
        return value if isinstance(value, Markup) else visible(str(value), drawable)

    return finalize


LABEL = N_(
    "What follows was written or laid out by the provider ({template}), not by auditkit: it is none of its "
    "findings."
)
"""Stands before each section that a provider's own template makes."""


_PLACE = "_place"


class _OwnSections:
    """The places of a provider's sections, and what is written there.

    A place is marked by a comment, which no value of a record and no section can hold.
    """

    def __init__(self, templates: Templates) -> None:
        self._names = templates.sources.keys()
        self._asked: list[tuple[str, dict[str, object]]] = []

    def loader(self) -> BaseLoader:
        """In place of a provider's template, one that keeps its place."""
        places = {name: f"{{{{ {_PLACE}('{name}') }}}}" for name in self._names}
        return ChoiceLoader([DictLoader(places), FileSystemLoader(shipped("templates"))])

    @pass_context
    def place(self, context: Context, name: str) -> Markup:
        """The mark of a place; what stands around it is kept for the provider's template."""
        around = {key: value for key, value in context.get_all().items() if key != _PLACE}
        self._asked.append((name, around))
        return Markup(self._mark(len(self._asked) - 1))  # noqa: S704 - a comment with a number

    def written(self, environment: ImmutableSandboxedEnvironment) -> dict[str, OwnSection]:
        """What the provider's templates write, by the marks of their places."""
        return {
            self._mark(n): OwnSection(
                name,
                environment.get_template(name).render(around),
                translated(LABEL).format(template=name),
            )
            for n, (name, around) in enumerate(self._asked)
        }

    def _mark(self, n: int) -> str:
        return f"<!--place {n}-->"


def _theirs(templates: Templates) -> BaseLoader:
    """A provider's templates, each by its name in what goes wrong there, and the shipped ones."""

    def source(name: str) -> tuple[str, str, Callable[[], bool]] | None:
        own = templates.sources.get(name)
        return None if own is None else (own, name, lambda: True)

    return ChoiceLoader([FunctionLoader(source), FileSystemLoader(shipped("templates"))])


def _drawings(value: object) -> Iterator[str]:
    """Every drawing of a view."""
    if isinstance(value, Markup):
        if value.startswith("<svg"):
            yield str(value)
    elif isinstance(value, (tuple, list)):
        for each in value:
            yield from _drawings(each)
    elif isinstance(value, Mapping):
        yield from _drawings(tuple(value.values()))
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from _drawings(getattr(value, field.name))


def page(
    view: ReportView,
    *,
    templates: Templates = SHIPPED,
    extra_style: str = "",
    drawable: frozenset[int] | None = None,
    place_of_seal: bool = False,
) -> str:
    """The report's page as text. ``extra_style`` is put before the style sheet.

    ``drawable`` are the code points that can be drawn; others are spelled out as ``[U+...]``.
    Hidden characters are spelled out always. ``place_of_seal`` keeps a place for the picture of a seal,
    which only a PDF has.

    Raises:
        GuardError: a provider's template writes what it may not.
    """
    own = _OwnSections(templates)
    environment = _environment(own.loader(), drawable)
    environment.globals[_PLACE] = own.place
    style = shipped("templates/report.css").read_text(encoding="utf-8")
    template = environment.get_template("report.html.j2")
    # The style sheet is ours and holds no value from a record, so it is not escaped.
    with speaking(view.document.language):
        text = template.render(
            view=view,
            style=Markup(extra_style + style),  # noqa: S704
            place_of_seal=place_of_seal,
        )
        if not templates.sources:
            return text
        sections = own.written(_environment(_theirs(templates), drawable))
    return guard(text, sections, _drawings(view))


def _environment(
    loader: BaseLoader, drawable: frozenset[int] | None
) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalizer(drawable),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["common_source"] = common_source
    environment.globals["_"] = template_messages(environment.finalize or str)
    return environment


def render_html(record: AuditRecord, law: Law, templates: Templates = SHIPPED) -> bytes:
    """The report on this record as one HTML file in UTF-8.

    Raises:
        FileNotFoundError: the shipped templates are not there.
        ValueError: the record names other templates of the provider's own than these.
        GuardError: one of them writes what it may not.
    """
    templates.require(record)
    return page(build_view(record, law), templates=templates).encode("utf-8")


def template_messages(finalize: Callable[[object], object]) -> Callable[..., Markup]:
    """``_`` for templates. A sentence with a link in it is one message, the link one of its values.

    What a message and its values hold of markup is escaped, and so is every hidden character, by
    ``finalize``; values that are ``Markup`` already are put in as they are.
    """

    def message(text: str, /, **values: str | int) -> Markup:
        """The text in the language in force, with its values, as markup."""
        # Text and names of placeholders take turns.
        parts = PLACEHOLDER.split(translated(text))
        return Markup("").join(
            escape(finalize(number_text(values[part]) if place % 2 else part))
            for place, part in enumerate(parts)
        )

    return message
