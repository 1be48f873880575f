"""Latents replaced alone: which of a circuit head's latents do its work, measured and not estimated.

With ``f`` the latents of the head on the positive and on the matched negative, and ``d`` the direction that
one unit of a latent adds to the head's output ``z``, replacing the latents S leaves

    z - sum over S of (f_positive - f_negative) d

in the head's place, at every position. With all latents replaced, what is left of the difference between the
prompts is what the autoencoder does not reconstruct; it is replaced by itself too. So an autoencoder that
misses what the head does shows it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from auditkit.circuits.circuit import layer_order
from auditkit.circuits.effects import NO_RESAMPLED_EFFECT
from auditkit.circuits.latents import (
    Candidate,
    carrying,
    first_by_work,
    tried_latent,
    verified,
    why_none,
)
from auditkit.circuits.signature import NO_SIGNATURE, checked, declared_latents
from auditkit.identifying.activations import Captured
from auditkit.identifying.interventions import Intervention, heads_of
from auditkit.identifying.screening import Screened
from auditkit.records.base import Measure, NotAssessed, measured
from auditkit.records.latents import HeadLatents, VerifiedLatents
from auditkit.records.signature import SignatureCheck
from auditkit.records.specification import Specification
from auditkit.sae.per_head import Autoencoder


def verify_latents(
    intervention: Intervention,
    captured: Sequence[Captured],
    circuit: Sequence[str],
    screened: Screened,
    specification: Specification,
) -> VerifiedLatents | NotAssessed:
    """The latents of every circuit head, replaced alone and together.

    ``intervention`` is the resampling of the ``captured`` pairs, whatever the ablations are: a latent has
    no mean to be replaced by that means the same.
    """
    absent = why_none(circuit, specification)
    if absent is not None:
        return absent
    if not intervention.has_effect:
        return NO_RESAMPLED_EFFECT
    heads = [_verified(intervention, captured, h, screened, specification) for h in circuit]
    return verified(heads, specification)


def check_signature(
    intervention: Callable[[], Intervention],
    captured: Sequence[Captured],
    signature: Mapping[str, Sequence[int]],
    screened: Screened,
    specification: Specification,
) -> SignatureCheck | NotAssessed:
    """The declared latents of each head, replaced alone and together, on all the captured pairs.

    ``intervention`` gives the resampling of these pairs; it is not asked for where nothing is declared.
    """
    if not signature:
        return NO_SIGNATURE
    on_pairs = intervention()
    if not on_pairs.has_effect:
        return NO_RESAMPLED_EFFECT
    found = []
    for head in sorted(signature, key=layer_order):
        latents = list(signature[head])
        parts = _Parts.of(
            captured, head, screened.attribution.autoencoder_of(_place(screened, head))
        )
        sets = [latents, *([latent] for latent in latents)]
        together, *alone = _rows(on_pairs.instead(parts.head, parts.without(sets)))
        (exact,) = _rows(on_pairs.lost([heads_of([head])]))
        found.append(declared_latents(head, latents, (exact, together, alone), specification))
    return checked(found)


def _verified(
    intervention: Intervention,
    captured: Sequence[Captured],
    head: str,
    screened: Screened,
    specification: Specification,
) -> HeadLatents:
    parts = _Parts.of(captured, head, screened.attribution.autoencoder_of(_place(screened, head)))

    def lost(sets: Sequence[Sequence[int]]) -> list[tuple[Measure, ...]]:
        return _rows(intervention.instead(parts.head, parts.without(sets)))

    (exact,) = _rows(intervention.lost([heads_of([head])]))
    candidates = {each.latent: each for each in _candidates(head, screened, specification)}
    singles = dict(zip(candidates, lost([[latent] for latent in candidates]), strict=True))
    order = first_by_work(singles, exact)
    tried = tuple(
        tried_latent(head, candidates[latent], singles[latent], screened.space, specification)
        for latent in order
    )
    more = lost([order[:n] for n in range(2, len(order) + 1)]) if len(order) > 1 else []
    together = (singles[order[0]], *more)
    all_latents, unexplained = _rows(intervention.instead(parts.head, parts.whole()))
    return HeadLatents(
        head=head,
        exact=exact,
        tried=tried,
        together=together,
        all_latents=all_latents,
        unexplained=unexplained,
        carrying=carrying(tried, together, exact, specification.thresholds.sufficiency),
    )


def _place(screened: Screened, head: str) -> int:
    return screened.space.head_ids.index(head)


def _candidates(head: str, screened: Screened, specification: Specification) -> list[Candidate]:
    """The head's latents with the largest attributed effects, as many as may be tried."""
    effects = screened.attribution.latents[:, _place(screened, head), :].mean(axis=0)
    order = np.argsort(-np.abs(effects), kind="stable")[: specification.patching.latents]
    return [Candidate(int(at), measured(float(effects[at]))) for at in order]


def _rows(lost: Tensor) -> list[tuple[Measure, ...]]:
    return [tuple(measured(value) for value in row) for row in lost.tolist()]


@dataclass(frozen=True)
class _Parts:
    """A head's output on the positives, and how each latent differs between the two prompts.

    Per batch: ``positive`` and ``negative`` ``[n, position, d_head]``, ``differences``
    ``[n, position, latents]``; ``directions`` ``[latents, d_head]``.
    """

    head: tuple[int, int]
    positive: tuple[Tensor, ...]
    negative: tuple[Tensor, ...]
    differences: tuple[Tensor, ...]
    directions: Tensor

    @classmethod
    def of(cls, captured: Sequence[Captured], head: str, autoencoder: Autoencoder) -> _Parts:
        layer, place = layer_order(head)
        at = autoencoder.directions().device
        positive = tuple(item.positive[layer][:, :, place].float().to(at) for item in captured)
        negative = tuple(item.negative[layer][:, :, place].float().to(at) for item in captured)

        def latents(outputs: Tensor) -> Tensor:
            flat = outputs.reshape(1, -1, outputs.shape[-1])
            return autoencoder.read(flat).latents.reshape(*outputs.shape[:2], -1)

        return cls(
            head=(layer, place),
            positive=positive,
            negative=negative,
            differences=tuple(
                latents(one) - latents(other) for one, other in zip(positive, negative, strict=True)
            ),
            directions=autoencoder.directions()[0],
        )

    def without(self, sets: Sequence[Sequence[int]]) -> list[Tensor]:
        """Per batch what the head puts out with each set of latents replaced."""

        def of_batch(place: int) -> Tensor:
            changes = [
                self.differences[place][..., s] @ self.directions[s] for s in map(list, sets)
            ]
            return torch.stack([self.positive[place] - change for change in changes])

        return self._each(of_batch)

    def whole(self) -> list[Tensor]:
        """Per batch what it puts out with all latents replaced, then with only what they do not explain."""

        def of_batch(place: int) -> Tensor:
            by_latents = self.differences[place] @ self.directions
            positive, negative = self.positive[place], self.negative[place]
            return torch.stack([positive - by_latents, negative + by_latents])

        return self._each(of_batch)

    def _each(self, of_batch: Callable[[int], Tensor]) -> list[Tensor]:
        return [of_batch(place) for place in range(len(self.positive))]
