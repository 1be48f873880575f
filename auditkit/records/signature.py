"""A declared signature, held against the latents of a named dictionary by replacing exactly those."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from auditkit.records.base import Count, HeadId, Record
from auditkit.records.latents import Effects
from auditkit.records.looks import Ruled


class DeclaredLatents(Record):
    """The latents declared for one head, on the pairs of the first look, by resampling.

    ``exact`` is what is lost when the whole head is replaced, ``together`` when its declared latents are, and
    ``alone`` when each of them is, in the order declared. ``idle`` latents do none of the head's work there;
    of ``open`` ones that is not sure. ``carries``: whether the declared latents carry the head's effect.
    """

    head: HeadId
    latents: Annotated[tuple[Count, ...], Field(min_length=1)]
    exact: Effects
    together: Effects
    alone: Annotated[tuple[Effects, ...], Field(min_length=1)]
    carries: Ruled
    idle: tuple[Count, ...]
    open: tuple[Count, ...]


class SignatureCheck(Record):
    """Every head of a declared signature, and what it comes to."""

    heads: Annotated[tuple[DeclaredLatents, ...], Field(min_length=1)]
    verdict: Ruled
