"""What the provider declares: identity, purpose, expectations. auditkit prints it and verifies none of it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from auditkit.records.base import Count, HeadId, Measure, Record, Sha256

Line = Annotated[str, Field(min_length=1, max_length=2000)]
"""A short declared text: one to 2,000 characters."""

Paragraph = Annotated[str, Field(min_length=1, max_length=20000)]
"""A longer declared text: one to 20,000 characters."""

Date = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$")]
"""A calendar date, ``YYYY-MM-DD``."""


class AuthorisedRepresentative(Record):
    """The provider's authorised representative (Article 13(3)(a), second half)."""

    name: Line
    address: Line
    email: Line | None = None


class Provider(Record):
    """The provider of the system (Article 13(3)(a)). ``None`` means no representative was declared."""

    name: Line
    address: Line
    email: Line
    authorised_representative: AuthorisedRepresentative | None = None


class HighRisk(Record):
    """Why the provider says the system is high-risk: Annex I, or a point of Annex III."""

    annex: Literal["I", "III"]
    point: Line | None = None


class System(Record):
    """The AI system as declared. ``placed_on_market`` is ``None`` while it is not on the market."""

    name: Line
    version: Line
    intended_purpose: Paragraph
    high_risk: HighRisk | None = None
    placed_on_market: Date | None = None
    provider: Provider


class Declarer(Record):
    """The person who declared the policy's expectations, and in which role."""

    name: Line
    role: Line


class Provided(Record):
    """An item of the instructions for use that the provider states in words."""

    text: Paragraph


class NotApplicable(Record):
    """An item that does not apply, with the reason the provider gives."""

    not_applicable: Paragraph


class ToBeProvided(Record):
    """An item that is still open, with who owes it."""

    owner: Line


Statement = Provided | NotApplicable | ToBeProvided
"""What a provider may say about one item of Article 13(3)."""


class Expectation(Record):
    """The circuit declared for a task before the run, and what it is judged by.

    The verdict rule judges it (docs/verdicts.md) unless it declares ``min_precision`` and ``min_recall``:
    then those two shares do, as far as the rule does not speak against the declaration.
    ``signature`` names for some of the heads the latents of a trained dictionary that do their work.
    ``min_sufficiency``, if declared, claims that these heads alone carry that share of the task effect.
    ``declared_for`` is the weights digest the head indices belong to: they mean nothing on others.
    ``source`` says where the expectation comes from.
    """

    heads: Annotated[tuple[HeadId, ...], Field(min_length=1)]
    signature: dict[HeadId, Annotated[tuple[Count, ...], Field(min_length=1)]] | None = None
    min_precision: Measure | None = None
    min_recall: Measure | None = None
    min_sufficiency: Measure | None = None
    declared_for: Sha256 | None = None
    source: Line | None = None
