"""Prompt pairs: what is asked of the model, and the matched prompt that differs only in the task."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from auditkit.records.base import Record

Text = Annotated[str, Field(min_length=1)]


class PromptPair(Record):
    """A positive prompt, its matched negative, and the answers that tell them apart.

    ``answers`` are texts that are right after ``positive`` and not after ``negative``; ``wrong`` are
    the texts compared against. Each is resolved to the one token that follows the prompt. Positive
    and negative have the same number of tokens, position by position. ``template`` names the form
    the pair was made from, or is empty for a pair read from a file.
    """

    positive: Text
    negative: Text
    answers: Annotated[tuple[Text, ...], Field(min_length=1)]
    wrong: Annotated[tuple[Text, ...], Field(min_length=1)]
    template: str = ""
