"""The law as frozen values, read once from the package's YAML files."""

from __future__ import annotations

import calendar
import json
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Annotated, Literal

import yaml
from pydantic import Field

from auditkit.records.base import Record
from auditkit.records.declared import Date

Qualifier = Literal[
    "unconditional", "where applicable", "when appropriate", "if any", "where relevant"
]
Confidence = Literal["H", "M", "L", "U"]

ARTICLE_13_ITEMS: tuple[str, ...] = (
    "13(3)(a)",
    "13(3)(b)(i)",
    "13(3)(b)(ii)",
    "13(3)(b)(iii)",
    "13(3)(b)(iv)",
    "13(3)(b)(v)",
    "13(3)(b)(vi)",
    "13(3)(b)(vii)",
    "13(3)(c)",
    "13(3)(d)",
    "13(3)(e)",
    "13(3)(f)",
)
"""The leaf items of Article 13(3), in the law's order: the ids ``instructions_for_use`` may use."""

EVIDENCE_HOOKS: tuple[str, ...] = (
    "13(3)(b)(ii)",
    "13(3)(b)(iv)",
    "13(3)(b)(vii)",
    "13(3)(d)",
    "IV.2(b)",
    "IV.2(e)",
    "IV.2(g)",
    "IV.3",
    "IV.4",
    "IV.6",
)
"""The items that evidence about a circuit may be cited for: the ids ``evidence_for`` may use."""


class Article13Item(Record):
    """One leaf item of Article 13(3): the law's words, its qualifier, and a short title of ours."""

    id: str
    title: str
    qualifier: Qualifier
    qualifier_note: str | None
    quote: str


class Article13(Record):
    """Article 13 with its twelve leaf items, in the law's order."""

    citation: str
    paragraph_1: str
    paragraph_2: str
    lead_in: str
    point_b_lead_in: str
    items: Annotated[tuple[Article13Item, ...], Field(min_length=12, max_length=12)]


class AnnexPoint(Record):
    """One point of Annex IV: the law's words and a short title of ours."""

    id: str
    title: str
    quote: str


class AnnexIV(Record):
    """Annex IV, point by point, in the law's order."""

    citation: str
    opening: str
    point_1_lead_in: str
    point_2_lead_in: str
    points: Annotated[tuple[AnnexPoint, ...], Field(min_length=1)]


class Hook(Record):
    """What evidence about a circuit may support under one item, and what it does not support."""

    id: str
    may_support: str
    not_supported: str


class RegisterRow(Record):
    """One date of the legal register, with its basis in the law and how well it was confirmed."""

    date: Date
    scope: str
    basis: str
    confidence: Confidence
    note: str | None = None


class Standard(Record):
    """One standard and its state, dated where the state can change."""

    id: str
    subject: str
    state: str
    confidence: Confidence


class Guideline(Record):
    """One set of Commission guidelines and its state."""

    id: str
    state: str
    confidence: Confidence


class Retention(Record):
    """How long technical documentation is kept, counted from placing on the market."""

    years: Annotated[int, Field(ge=1)]
    basis: str
    text: str
    with_date: str
    without_date: str


class Register(Record):
    """One edition of the legal register. ``review_by``: the day to read its sources again.

    Texts with names in braces (``status``, ``stale_warning``, ``stale_at_check``, ``edition_differs``)
    are filled in by whoever prints them, from the record or the day and from this edition.
    """

    version: str
    read_on: Date
    review_by: Date
    base_act: str
    amending_act: str
    source_note: str
    status: str
    stale_warning: str
    stale_at_check: str
    edition_differs: str
    rows: Annotated[tuple[RegisterRow, ...], Field(min_length=1)]
    confidence_words: dict[Confidence, str]
    standards_checked_on: Date
    standards_note: str
    standards: tuple[Standard, ...]
    guidelines: tuple[Guideline, ...]
    retention: Retention

    def warning_on(self, today: str) -> str | None:
        """What to say of this edition on a day (``YYYY-MM-DD``) after ``review_by``; else ``None``."""
        if today <= self.review_by:
            return None
        return self.stale_at_check.format(review_by=self.review_by, today=today)


class Notices(Record):
    """Sentences about the law that every report prints unchanged."""

    subtitle: str
    not_this: str
    review_of_result: str
    criteria_before: str
    criteria_fixed: str
    criteria_after: str
    criteria_undated: str
    article_13_intro: str
    no_qualifier_flag: str
    annex_iv_intro: str
    annex_iv_rest: str
    unknown_hook: str
    persons: str
    individual_explanation: str


class Law(Record):
    """Everything a report says about law: Article 13, Annex IV, hooks, register and notices."""

    article_13: Article13
    annex_iv: AnnexIV
    hooks: tuple[Hook, ...]
    legal_register: Register
    notices: Notices

    def item(self, item_id: str) -> Article13Item:
        """The item of Article 13(3) with this id.

        Raises:
            KeyError: no item of Article 13(3) has this id.
        """
        return {item.id: item for item in self.article_13.items}[item_id]

    def point(self, point_id: str) -> AnnexPoint:
        """The point of Annex IV with this id.

        Raises:
            KeyError: no point of Annex IV has this id.
        """
        return {point.id: point for point in self.annex_iv.points}[point_id]

    def hook(self, hook_id: str) -> Hook:
        """What evidence may and may not support under this id.

        Raises:
            KeyError: evidence about a circuit has no business under this id.
        """
        return {hook.id: hook for hook in self.hooks}[hook_id]


def _read(name: str) -> object:
    return yaml.safe_load(files("auditkit.law").joinpath(name).read_text(encoding="utf-8"))


@cache
def load_law() -> Law:
    """The law this version of auditkit prints. Read from the package once.

    Raises:
        pydantic.ValidationError: the packaged files were damaged.
    """
    hooks = _read("hooks.yaml")
    content = {
        "article_13": _read("article_13.yaml"),
        "annex_iv": _read("annex_iv.yaml"),
        "hooks": hooks["hooks"] if isinstance(hooks, dict) else hooks,
        "legal_register": _read("register.yaml"),
        "notices": _read("notices.yaml"),
    }
    return Law.model_validate_json(json.dumps(content))


def retention_end(placed_on_market: str, years: int) -> str:
    """The last day of ``years`` counted from ``placed_on_market`` (both ``YYYY-MM-DD``).

    A period that began on 29 February ends on the last day of February where that year has no such
    day (Regulation (EEC, Euratom) No 1182/71, Article 3(2), point (c)).

    Raises:
        ValueError: ``placed_on_market`` is not a calendar date.
    """
    start = date.fromisoformat(placed_on_market)
    year = start.year + years
    day = min(start.day, calendar.monthrange(year, start.month)[1])
    return start.replace(year=year, day=day).isoformat()
