"""The model's own tokenizer, read from its folder without torch or transformers.

One code path serves ``auditkit check`` (fast, no torch) and ``auditkit run``: an answer that is one
token here is one token there. Truncation and padding that a tokenizer file holds are not applied: a
prompt is read whole, and nothing is added to it but the special tokens of the file's own rule.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from tokenizers import Tokenizer as _FastTokenizer

from auditkit.errors import ModelError

MASK = "[MASK]"
"""Written in a prompt, it stands for the mask token of whatever tokenizer the model has."""

_NAMING = ("tokenizer_config.json", "special_tokens_map.json")
"""The files that say which token of a tokenizer is its mask."""


class NotOneTokenError(ValueError):
    """An answer is not exactly the one token its prompt leaves open. Carries the tokens seen."""

    def __init__(self, prompt: str, answer: str, tokens: tuple[str, ...]) -> None:
        self.prompt = prompt
        self.answer = answer
        self.tokens = tokens
        shown = " ".join(repr(token) for token in tokens) or "no token"
        super().__init__(f"answer {answer!r} is not one token after its prompt: it adds {shown}")


@dataclass(frozen=True)
class Encoding:
    """Token ids and token strings of a prompt, special tokens of the tokenizer's own rule included.

    ``types`` are the segment numbers (``token_type_ids``). ``spans`` say where each token stands: the
    text, 0 or 1, and the first and the last-plus-one character of it; ``None`` for special tokens.
    """

    ids: tuple[int, ...]
    tokens: tuple[str, ...]
    types: tuple[int, ...] = ()
    spans: tuple[tuple[int, int, int] | None, ...] = ()


class Tokenizer:
    """A fast tokenizer from a model folder. Encodes with the special tokens the file itself declares."""

    def __init__(self, backend: _FastTokenizer, mask: str | None = None) -> None:
        backend.no_padding()
        backend.no_truncation()
        self._backend = backend
        self._mask = mask
        # A prompt is encoded again for each answer that may follow it, and for each check made of it.
        self._encoded = lru_cache(maxsize=1 << 16)(self._encode)

    @classmethod
    def from_folder(cls, folder: Path) -> Tokenizer:
        """The tokenizer of a model folder.

        Raises:
            ModelError: no ``tokenizer.json``, or one that cannot be read.
        """
        path = folder / "tokenizer.json"
        if not path.is_file():
            raise ModelError(
                f"{folder}: no tokenizer.json",
                advice="save the tokenizer with the model: tokenizer.save_pretrained(folder)",
            )
        try:
            return cls(_FastTokenizer.from_file(str(path)), _mask_of(folder))
        except Exception as error:  # the library raises bare Exception on a malformed file
            raise ModelError(
                f"{path}: not a readable tokenizer ({error})",
                advice="save the tokenizer with the model: tokenizer.save_pretrained(folder)",
            ) from error

    @property
    def vocabulary_size(self) -> int:
        """Number of token ids, added tokens included."""
        return int(self._backend.get_vocab_size(with_added_tokens=True))

    @property
    def mask_id(self) -> int | None:
        """The id of the mask token, or ``None`` where the folder names none."""
        return None if self._mask is None else self._backend.token_to_id(self._mask)

    @property
    def highest_id(self) -> int:
        """The largest token id there is."""
        return int(max(self._backend.get_vocab(with_added_tokens=True).values(), default=0))

    def masked(self, text: str) -> str:
        """The text with ``[MASK]`` written as this tokenizer's mask token."""
        return text if self._mask is None else text.replace(MASK, self._mask)

    def encode(self, text: str, second: str | None = None) -> Encoding:
        """Ids and tokens of one text or of two, with the special tokens of the tokenizer's own rule."""
        return self._encoded(text, second)

    def _encode(self, text: str, second: str | None) -> Encoding:
        encoding = self._backend.encode(text, second, add_special_tokens=True)
        spans = (
            None if sequence is None else (sequence, *span)
            for sequence, span in zip(encoding.sequence_ids, encoding.offsets, strict=True)
        )
        return Encoding(
            tuple(encoding.ids), tuple(encoding.tokens), tuple(encoding.type_ids), tuple(spans)
        )

    def next_token(self, prompt: str, answer: str) -> int:
        """The id of the one token that ``answer`` adds when it follows ``prompt``.

        Both are encoded as running text (``prompt`` alone, then ``prompt + answer``), so the token is
        the one the model would have to produce there.

        Raises:
            NotOneTokenError: the answer adds none or several tokens, changes the prompt's own tokens,
                or is the unknown token.
        """
        before = self.encode(prompt)
        after = self.encode(prompt + answer)
        added = after.tokens[len(before.tokens) :]
        if after.ids[: len(before.ids)] != before.ids or len(added) != 1:
            raise NotOneTokenError(prompt, answer, after.tokens[_alike(before.ids, after.ids) :])
        return self._known(prompt, answer, after.ids[-1], added)

    def token_at_mask(self, prompt: str, answer: str) -> int:
        """The id of the one token that stands at the prompt's mask when ``answer`` is written there.

        The prompt holds the mask token once. It is encoded as it is, then with the answer in the mask's
        place, as running text; all other tokens must be the same.

        Raises:
            NotOneTokenError: the answer is none or several tokens there, changes other tokens, or is
                the unknown token.
        """
        mask = self._mask or MASK
        before = self.encode(prompt)
        after = self.encode(prompt.replace(mask, answer))
        at = _alike(before.ids, after.ids)
        behind = _alike(before.ids[at:][::-1], after.ids[at:][::-1])
        if (
            len(after.ids) != len(before.ids)
            or before.ids[at : at + 1] != (self.mask_id,)
            or after.ids[at + 1 :] != before.ids[at + 1 :]
        ):
            raise NotOneTokenError(prompt, answer, after.tokens[at : len(after.ids) - behind])
        return self._known(prompt, answer, after.ids[at], after.tokens[at : at + 1])

    def _known(self, prompt: str, answer: str, token: int, shown: tuple[str, ...]) -> int:
        unknown = getattr(self._backend.model, "unk_token", None)
        if unknown is not None and shown[0] == unknown:
            raise NotOneTokenError(prompt, answer, shown)
        return token


def _alike(one: tuple[int, ...], other: tuple[int, ...]) -> int:
    """How many ids two sequences begin with in common."""
    common = 0
    while common < min(len(one), len(other)) and one[common] == other[common]:
        common += 1
    return common


def _mask_of(folder: Path) -> str | None:
    """The mask token that the folder's tokenizer files name, or ``None``."""
    for name in _NAMING:
        path = folder / name
        if not path.is_file():
            continue
        written = json.loads(path.read_bytes()).get("mask_token")
        content = written.get("content") if isinstance(written, dict) else written
        if isinstance(content, str) and content:
            return content
    return None
