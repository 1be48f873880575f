"""Batches: the pairs of a prompt set as tensors, those that are of one length and aligned alike together.

Nothing is padded, which is right by construction for every model.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from auditkit.model.cached import Outputs
from auditkit.model.reading import AnswerPosition
from auditkit.model.subject import Subject
from auditkit.prompts.pairs import ResolvedPair
from auditkit.prompts.tokens import Encoding
from auditkit.records.specification import Metric


@dataclass(frozen=True)
class PairBatch:
    """Pairs of one length. ``places`` are their positions in the prompt set they came from.

    ``positive`` and ``negative`` are token ids ``[n, position]``; ``answers`` and ``wrong`` say what is
    compared, ``[n, n_scores]``, true where a token, a label or a candidate belongs. ``positive_types``
    and ``negative_types`` are the segment numbers where the model is given any. ``alignment``
    ``[position]`` says which position of the negatives stands in the place of each of the positives;
    ``None`` where it is the same one. ``candidates`` ``[n_scores, d_model]`` are the embeddings that a
    similarity task compares with. ``anchor`` is the position of the positives that prompts of different
    length have in common: the one the answer is ``answer_position``, or else the first.
    """

    places: tuple[int, ...]
    positive: Tensor
    negative: Tensor
    answers: Tensor
    wrong: Tensor
    metric: Metric
    positive_types: Tensor | None = None
    negative_types: Tensor | None = None
    alignment: Tensor | None = None
    candidates: Tensor | None = None
    answer_position: AnswerPosition = "last"
    anchor: int = -1

    @property
    def positions(self) -> int:
        """How many tokens the longer prompt of a pair has."""
        return max(self.positive.shape[1], self.negative.shape[1])

    def parts(self, most: int) -> Iterator[PairBatch]:
        """The same pairs in order, at most so many at a time."""
        for start in range(0, len(self.places), most):
            rows = slice(start, start + most)
            yield replace(
                self,
                places=self.places[rows],
                positive=self.positive[rows],
                negative=self.negative[rows],
                answers=self.answers[rows],
                wrong=self.wrong[rows],
                positive_types=None if self.positive_types is None else self.positive_types[rows],
                negative_types=None if self.negative_types is None else self.negative_types[rows],
            )

    def measure(self, scores: Tensor, rows: Tensor | None = None) -> Tensor:
        """The task metric ``[batch]`` from the model's scores ``[batch, n_scores]``.

        ``logit_difference``: mean logit of the answers minus mean logit of the wrong ones.
        ``probability_difference``: probability of the answers minus that of the wrong ones.
        ``cosine_difference``: the scores are embeddings ``[batch, d_model]`` of length 1; mean cosine
        with the answers minus mean cosine with the wrong texts.
        ``rows`` says which pair each row of the scores belongs to; by default they are in order.
        """
        answers = self.answers if rows is None else self.answers[rows]
        wrong = self.wrong if rows is None else self.wrong[rows]
        if self.candidates is not None:
            scores = scores @ self.candidates.T
        if self.metric == "probability_difference":
            p = scores.softmax(-1)
            return (p * answers).sum(-1) - (p * wrong).sum(-1)
        return _mean_of(scores, answers) - _mean_of(scores, wrong)

    def types_of(self, rows: Tensor) -> Tensor | None:
        """The segment numbers of these rows of the positives."""
        return None if self.positive_types is None else self.positive_types[rows]

    def aligned(self, outputs: Outputs) -> Outputs:
        """What was put out on the negatives, in the places of the positives."""
        if self.alignment is None:
            return outputs
        return tuple(z[:, self.alignment] for z in outputs)


def _mean_of(scores: Tensor, chosen: Tensor) -> Tensor:
    """The mean score of the chosen places of each row; the others are not read."""
    counts = chosen.sum(-1)
    most = int(counts.max())
    places = chosen.to(torch.int8).topk(most, dim=-1).indices
    weights = chosen.gather(-1, places).to(scores.dtype) / counts[:, None]
    return (scores.gather(-1, places) * weights).sum(-1)


def batches_of(
    pairs: Sequence[ResolvedPair],
    metric: Metric,
    n_scores: int,
    device: torch.device | None = None,
    answer_position: AnswerPosition = "last",
    candidates: Candidates | None = None,
) -> tuple[PairBatch, ...]:
    """The pairs grouped by token length, shortest first, each group in the order given.

    Pairs of a group also have negatives of one length, one alignment, and the mask at one place. Their
    tensors are on ``device``, by default the processor.
    """
    at = device or torch.device("cpu")
    alike: dict[tuple[int, int, tuple[int, ...], int], list[int]] = defaultdict(list)
    for place, pair in enumerate(pairs):
        lengths = len(pair.positive_ids), len(pair.negative_ids)
        anchor = {"mask": pair.mask or 0, "last": lengths[0] - 1, "first": 0, "every": 0}[
            answer_position
        ]
        alike[(*lengths, pair.alignment, anchor)].append(place)
    return tuple(
        replace(
            _batch([pairs[i] for i in places], tuple(places), metric, n_scores, at, candidates),
            alignment=torch.tensor(alignment, device=at) if alignment else None,
            answer_position=answer_position,
            anchor=anchor,
        )
        for (_, _, alignment, anchor), places in sorted(alike.items())
    )


@dataclass(frozen=True)
class Candidates:
    """The texts that similarity tasks compare with: each by its token ids, and its embedding."""

    texts: tuple[tuple[int, ...], ...]
    embeddings: Tensor

    @classmethod
    def of(cls, subject: Subject, pairs: Sequence[ResolvedPair], *, typed: bool) -> Candidates:
        """Every right and wrong text of the pairs, embedded once by the model as it is."""
        encoded = {
            text.ids: text for pair in pairs for text in (*pair.answer_texts, *pair.wrong_texts)
        }
        at = subject.device
        embeddings = [
            subject.logits(
                torch.tensor([ids], device=at),
                types=torch.tensor([text.types], device=at) if typed else None,
            )
            for ids, text in encoded.items()
        ]
        return cls(tuple(encoded), torch.cat(embeddings))

    def rows(self, texts: Sequence[Encoding]) -> list[int]:
        """The places of these texts."""
        return [self.texts.index(text.ids) for text in texts]


def batches_for(
    subject: Subject, pairs: Sequence[ResolvedPair], metric: Metric
) -> tuple[PairBatch, ...]:
    """The pairs as batches for this model, read as its reading says."""
    candidates, n_scores = None, subject.n_scores
    if subject.reading.kind == "similarity":
        candidates = Candidates.of(subject, pairs, typed=subject.reading.typed)
        n_scores = len(candidates.texts)
    batches = batches_of(
        pairs, metric, n_scores, subject.device, subject.answer_position, candidates
    )
    if subject.reading.typed:
        return tuple(_typed(batch, [pairs[i] for i in batch.places]) for batch in batches)
    return batches


def _typed(batch: PairBatch, pairs: Sequence[ResolvedPair]) -> PairBatch:
    at = batch.positive.device
    return replace(
        batch,
        positive_types=torch.tensor([pair.positive_types for pair in pairs], device=at),
        negative_types=torch.tensor([pair.negative_types for pair in pairs], device=at),
    )


def _batch(
    pairs: Sequence[ResolvedPair],
    places: tuple[int, ...],
    metric: Metric,
    n_scores: int,
    device: torch.device,
    candidates: Candidates | None,
) -> PairBatch:
    answers = torch.zeros(len(pairs), n_scores, device=device)
    wrong = torch.zeros(len(pairs), n_scores, device=device)
    for row, pair in enumerate(pairs):
        if candidates is None:
            answers[row, list(pair.answer_ids)] = 1.0
            wrong[row, list(pair.wrong_ids)] = 1.0
        else:
            answers[row, candidates.rows(pair.answer_texts)] = 1.0
            wrong[row, candidates.rows(pair.wrong_texts)] = 1.0
    return PairBatch(
        places=places,
        positive=torch.tensor([pair.positive_ids for pair in pairs], device=device),
        negative=torch.tensor([pair.negative_ids for pair in pairs], device=device),
        answers=answers,
        wrong=wrong,
        metric=metric,
        candidates=None if candidates is None else candidates.embeddings,
    )


def in_order(values: Sequence[Tensor], batches: Sequence[PairBatch]) -> Tensor:
    """Per-batch values (pairs along the last axis) joined in the order of the prompt set."""
    joined = torch.cat(list(values), dim=-1)
    places = torch.tensor(
        [place for batch in batches for place in batch.places], device=joined.device
    )
    return joined[..., torch.argsort(places)]
