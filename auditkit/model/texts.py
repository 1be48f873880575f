"""What stands between texts and the model: its tokenizer, its labels, how its scores are read.

Ids come from ``auditkit.prompts.tokens``. For every kind but ``next_token`` they are held against those of
the same folder's tokenizer in transformers, prompt by prompt: a classifier is audited on the inputs that
it has when it is used.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer

from auditkit.errors import ModelError
from auditkit.model.reading import NEXT_TOKEN, Reading
from auditkit.model.subject import Subject
from auditkit.prompts.asking import Asking, as_encoded
from auditkit.prompts.kinds import head_of
from auditkit.prompts.pairs import ResolvedPair
from auditkit.prompts.tokens import Tokenizer
from auditkit.records.specification import Specification

_Given = tuple[str, str | None, tuple[int, ...], tuple[int, ...]]
"""A text, the second text with it, and the ids and segment numbers it was resolved to."""


@dataclass(frozen=True)
class Texts:
    """A model folder's tokenizer and labels."""

    folder: Path
    tokenizer: Tokenizer
    labels: tuple[str, ...]

    @classmethod
    def from_folder(cls, folder: Path) -> Texts:
        """The tokenizer and the labels of a model folder.

        Raises:
            ModelError: either cannot be read.
        """
        return cls(folder, Tokenizer.from_folder(folder), head_of(folder).labels)

    @cached_property
    def _in_transformers(self) -> Any:  # noqa: ANN401 - transformers returns one of many classes
        try:
            return AutoTokenizer.from_pretrained(
                self.folder, local_files_only=True, trust_remote_code=False
            )
        except Exception as error:  # transformers raises all kinds on a malformed folder
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            raise ModelError(
                f"{self.folder}: transformers cannot load its tokenizer ({reason})",
                advice="save the tokenizer with the model: tokenizer.save_pretrained(folder)",
            ) from error

    def reading(self, subject: Subject, specification: Specification) -> Reading:
        """How the scores of a task are read off this model."""
        if specification.kind == "next_token":
            return NEXT_TOKEN
        named = "token_type_ids" in self._in_transformers.model_input_names
        return Reading(
            specification.kind,
            specification.pooling,
            self.tokenizer.mask_id,
            typed=named and subject.accepts("token_type_ids"),
        )

    def check(self, pairs: Sequence[ResolvedPair], reading: Reading) -> None:
        """Raises unless transformers gives every prompt the same ids and segment numbers.

        Raises:
            ModelError: transformers reads a prompt differently; names the first.
        """
        if reading.kind == "next_token":
            return
        asking = Asking(reading.kind, self.labels)
        for first, second, ids, types in _given(pairs, asking, self.tokenizer):
            plain = self._in_transformers(first, second)
            same = tuple(plain["input_ids"]) == ids
            if reading.typed:
                same = same and tuple(plain["token_type_ids"]) == types
            if not same:
                raise ModelError(
                    f"{self.folder}: tokenizer.json and the tokenizer that transformers builds from "
                    f"this folder read the prompt {first[:80]!r} differently",
                    advice="save the tokenizer again: tokenizer.save_pretrained(folder)",
                )


def _given(pairs: Sequence[ResolvedPair], asking: Asking, tokenizer: Tokenizer) -> Iterator[_Given]:
    """Every text that the pairs give to the model."""
    for each in pairs:
        pair = as_encoded(each.pair, asking, tokenizer)
        second = (
            (None, None) if pair.second is None else (pair.second.positive, pair.second.negative)
        )
        yield pair.positive, second[0], each.positive_ids, each.positive_types
        yield pair.negative, second[1], each.negative_ids, each.negative_types
        if each.answer_texts:
            texts = (*each.answer_texts, *each.wrong_texts)
            for text, encoding in zip((*pair.answers, *pair.wrong), texts, strict=True):
                yield text, None, encoding.ids, encoding.types
