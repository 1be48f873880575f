"""The report as one self-contained HTML file: nothing is fetched, nothing runs.

A provider's own templates for some sections (``report.overriding``) are held to what they may write.
"""

from __future__ import annotations

from collections.abc import Callable

from jinja2 import ChoiceLoader, FileSystemLoader, FunctionLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup, escape

from auditkit.law import Law
from auditkit.messages import PLACEHOLDER, number_text, speaking, translated
from auditkit.records.audit import AuditRecord
from auditkit.report.facts import common_source
from auditkit.report.own_templates.guarding import guard, mark
from auditkit.report.own_templates.overriding import SHIPPED, Templates
from auditkit.report.view import ReportView, build_view
from auditkit.report.wording import visible
from auditkit.resources import shipped


def _finalizer(drawable: frozenset[int] | None) -> Callable[[object], object]:
    def finalize(value: object) -> object:
        """Every value on the page passes here; only our own markup passes unchanged."""
        return value if isinstance(value, Markup) else visible(str(value), drawable)

    return finalize


def _loader(templates: Templates) -> ChoiceLoader:
    def own(name: str) -> tuple[str, str, Callable[[], bool]] | None:
        """A provider's template between its marks, on the lines where the provider wrote them."""
        source = templates.sources.get(name)
        if source is None:
            return None
        return f"{mark(source)}{source}{mark(source)}", name, lambda: True

    return ChoiceLoader([FunctionLoader(own), FileSystemLoader(shipped("templates"))])


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
    environment = ImmutableSandboxedEnvironment(
        loader=_loader(templates),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalizer(drawable),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["common_source"] = common_source
    environment.globals["_"] = template_messages(environment.finalize or str)
    style = shipped("templates/report.css").read_text(encoding="utf-8")
    template = environment.get_template("report.html.j2")
    # The style sheet is ours and holds no value from a record, so it is not escaped.
    with speaking(view.document.language):
        text = template.render(
            view=view,
            style=Markup(extra_style + style),  # noqa: S704
            place_of_seal=place_of_seal,
        )
    return guard(text, frozenset(templates.sources.values())) if templates.sources else text


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
