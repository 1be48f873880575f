"""The figures by which rankings and head sets are compared, with their conventions.

*ROC AUC* is the chance that a head of the true set has a larger strength than one outside it, a tie
counting one half. *Average precision* adds precision times gained recall down the ranking; heads of one
strength are one step, so their order cannot matter. *Precision, recall, F1* are of the final set.

*CPR* and *CMD* (MIB, arXiv:2504.13151) are areas under a curve over the share of heads kept, from 0 to 1.
With ``m`` the mean task metric, ``N`` the whole model, ``0`` the model with every head replaced, and
``C`` the first heads of the ranking, all other heads replaced::

    f(C) = (m(C) - m(0)) / (m(N) - m(0))        CPR = area of f        CMD = area of |1 - f|

Conventions here: heads are the nodes (feed-forward layers and embeddings are never replaced), replacement
is by the matched negative (resample), the pairs are test pairs that no method saw, the curve is taken at
``sizes`` and joined by the trapezoid rule. Both figures are of one curve, the method's own ranking, which
is by magnitude where effects have a sign; MIB ranks by signed score for CPR. Heads of equal strength are
in an order drawn from the seed. CPR is better when higher and may exceed 1; for CMD 0 is best.

An undefined value is ``None``, never 0.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from auditkit.identifying.batches import PairBatch
from benchmarks.gated import GatedModel

Strengths = NDArray[np.float64]
"""One number per head, in layer order."""

Heads = frozenset[int]
"""Heads by their place in layer order."""


def roc_auc(strengths: Strengths, truth: Heads) -> float | None:
    """The area under the ROC curve, or nothing when every head or no head is true."""
    inside = np.isin(np.arange(len(strengths)), list(truth))
    above, below = strengths[inside][:, None], strengths[~inside][None, :]
    if above.size == 0 or below.size == 0:
        return None
    return float(((above > below) + 0.5 * (above == below)).mean())


def average_precision(strengths: Strengths, truth: Heads) -> float | None:
    """The average precision, or nothing when no head is true."""
    if not truth:
        return None
    inside = np.isin(np.arange(len(strengths)), list(truth))
    area = taken = 0.0
    for strength in np.unique(strengths)[::-1]:
        step = strengths >= strength
        hits = float((step & inside).sum())
        area += (hits - taken) / len(truth) * hits / float(step.sum())
        taken = hits
    return area


@dataclass(frozen=True)
class SetFigures:
    """How a head set compares with the true one. Undefined shares are ``None``."""

    precision: float | None
    recall: float | None
    f1: float | None


def set_figures(found: Heads | None, truth: Heads) -> SetFigures:
    """Precision, recall and F1 of a set; all undefined where a method gives no set."""
    if found is None:
        return SetFigures(None, None, None)
    hits, either = len(found & truth), len(found) + len(truth)
    return SetFigures(
        precision=hits / len(found) if found else None,
        recall=hits / len(truth) if truth else None,
        f1=2 * hits / either if either else None,
    )


def sizes(n_heads: int) -> tuple[int, ...]:
    """The circuit sizes at which faithfulness is taken: 0, then by about a third more, then all."""
    chosen = {0, n_heads}
    size = 1
    while size < n_heads:
        chosen.add(size)
        size = max(size + 1, round(size * 4 / 3))
    return tuple(sorted(chosen))


def descending(values: Strengths, seed: int) -> tuple[int, ...]:
    """Heads by falling value; equal ones in an order drawn from the seed."""
    shuffled = np.random.default_rng(seed).permutation(len(values))
    return tuple(int(head) for head in shuffled[np.argsort(-values[shuffled], kind="stable")])


def area(shares: Sequence[float], values: Sequence[float]) -> float:
    """The area under a curve by the trapezoid rule."""
    return float(np.trapezoid(np.asarray(values), np.asarray(shares)))


class Faithfulness:
    """The faithfulness ``f`` of head sets on test pairs; every set is run once."""

    def __init__(self, model: GatedModel, batches: Sequence[PairBatch]) -> None:
        self._model = model
        self._batches = tuple(batches)
        self._sources = [model.outputs(batch.negative)[1] for batch in batches]
        self._metric: dict[Heads, float] = {}
        self._everything: Heads = frozenset(range(len(model.heads)))

    def of(self, kept: Sequence[Heads]) -> list[float] | None:
        """``f`` of each set, or nothing when replacing every head changes nothing."""
        self._run({*kept, frozenset(), self._everything} - self._metric.keys())
        none, full = self._metric[frozenset()], self._metric[self._everything]
        if full == none:
            return None
        return [(self._metric[each] - none) / (full - none) for each in kept]

    def _run(self, wanted: Collection[Heads]) -> None:
        new = sorted(wanted, key=sorted)
        if not new:
            return
        replaced = torch.ones(len(new), len(self._everything), dtype=torch.bool)
        for row, heads in enumerate(new):
            replaced[row, sorted(heads)] = False
        total = torch.zeros(len(new), dtype=torch.float64)
        for batch, source in zip(self._batches, self._sources, strict=True):
            logits = self._model.logits_without(batch.positive, replaced, source)
            total += torch.stack([batch.measure(each) for each in logits]).double().sum(1)
        n = sum(batch.positive.shape[0] for batch in self._batches)
        self._metric.update(zip(new, (total / n).tolist(), strict=True))


def cpr_and_cmd(
    faithfulness: Faithfulness, strengths: Strengths, seed: int
) -> tuple[float | None, float | None]:
    """CPR and CMD of a ranking."""
    grid, ranked = sizes(len(strengths)), descending(strengths, seed)
    curve = faithfulness.of([frozenset(ranked[:size]) for size in grid])
    if curve is None:
        return None, None
    shares = [size / len(strengths) for size in grid]
    return area(shares, curve), area(shares, [abs(1 - each) for each in curve])
