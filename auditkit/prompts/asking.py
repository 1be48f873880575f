"""What a task asks of a pair: how its prompts are encoded, and what its answers are to the model."""

from __future__ import annotations

from dataclasses import dataclass

from auditkit.errors import Problem
from auditkit.prompts.kinds import CALLED
from auditkit.prompts.tokens import MASK, Encoding, NotOneTokenError, Tokenizer
from auditkit.records.prompts import Matched, PromptPair
from auditkit.records.specification import TaskKind


@dataclass(frozen=True)
class Asking:
    """The kind of a task, and the labels of the model where it is a classifier."""

    kind: TaskKind = "next_token"
    labels: tuple[str, ...] = ()


NEXT_TOKEN = Asking()


@dataclass(frozen=True)
class Place:
    """Where a pair stands, and the list its problems go to."""

    where: str
    line: int | None
    key: str
    problems: list[Problem]

    def add(self, key: str, message: str, advice: str = "") -> None:
        """Note a problem of a key of the pair."""
        self.problems.append(Problem(self.where, self.line, f"{self.key}.{key}", message, advice))


def as_encoded(pair: PromptPair, asking: Asking, tokenizer: Tokenizer) -> PromptPair:
    """The pair with its texts as the tokenizer is given them: ``[MASK]`` is the model's own mask."""
    if asking.kind != "masked_token":
        return pair
    return pair.model_copy(
        update={
            "positive": tokenizer.masked(pair.positive),
            "negative": tokenizer.masked(pair.negative),
            "parts": tuple(
                Matched(
                    positive=tokenizer.masked(each.positive),
                    negative=tokenizer.masked(each.negative),
                )
                for each in pair.parts
            ),
        }
    )


def check_texts(pair: PromptPair, asking: Asking, place: Place) -> None:
    """Note a second text where the kind has none."""
    if pair.second is not None and asking.kind != "classification":
        place.add(
            "positive",
            f"a prompt of two texts, and a {CALLED[asking.kind]} task has prompts of one",
            "write one text, or declare kind: classification",
        )


def check_masks(
    pair: PromptPair, positive: Encoding, negative: Encoding, tokenizer: Tokenizer, place: Place
) -> bool:
    """Whether each prompt holds the mask token exactly once; notes the problem where not."""
    if tokenizer.mask_id is None:
        place.add(
            "positive",
            "the model's tokenizer files name no mask token",
            "save the tokenizer of a masked language model with the model",
        )
        return False
    counts = {
        "positive": positive.ids.count(tokenizer.mask_id),
        "negative": negative.ids.count(tokenizer.mask_id),
    }
    for key, count in counts.items():
        if count != 1:
            text = getattr(pair, key)
            message = (
                f"the prompt {text!r} holds {count} mask tokens, and a masked token task has one"
            )
            place.add(key, message, f"write {MASK} once, where the answer stands")
    return set(counts.values()) == {1}


def answer_ids(
    pair: PromptPair, key: str, asking: Asking, tokenizer: Tokenizer, place: Place
) -> list[int | None]:
    """The tokens or labels that the answers of one key are, ``None`` where one is none of them."""
    answers = pair.answers if key == "answer" else pair.wrong
    ids: list[int | None] = []
    for text in answers:
        found = _id_of(pair.positive, text, key, asking, tokenizer, place)
        if found is not None and found in ids:
            place.add(key, f"{text!r} is the same token as {answers[ids.index(found)]!r}")
        ids.append(found)
    return ids


def _id_of(
    prompt: str, text: str, key: str, asking: Asking, tokenizer: Tokenizer, place: Place
) -> int | None:
    if asking.kind == "classification":
        return _label(text, key, asking.labels, place)
    masked = asking.kind == "masked_token"
    try:
        return (tokenizer.token_at_mask if masked else tokenizer.next_token)(prompt, text)
    except NotOneTokenError as error:
        shown = " ".join(repr(each) for each in error.tokens) or "no token"
        if masked:
            message = f"{text!r} is not one token of this model at the prompt's mask: it is {shown}"
            advice = "choose an answer that is one token, written as it stands in the text"
        else:
            message = f"{text!r} is not one token of this model after its prompt: it adds {shown}"
            advice = "choose an answer that is one token; most need the space before the word"
        place.add(key, message, advice)
        return None


def _label(text: str, key: str, labels: tuple[str, ...], place: Place) -> int | None:
    if text in labels:
        return labels.index(text)
    shown = ", ".join(repr(label) for label in labels)
    place.add(key, f"{text!r} is not a label of this model", f"its labels are {shown}")
    return None


def texts_of(
    pair: PromptPair, key: str, tokenizer: Tokenizer, place: Place
) -> tuple[Encoding, ...]:
    """The answers of one key as texts of their own, for a similarity task."""
    found = tuple(
        tokenizer.encode(text) for text in (pair.answers if key == "answer" else pair.wrong)
    )
    if any(not each.ids for each in found):
        place.add(key, "an answer has no tokens")
    return found
