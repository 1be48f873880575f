"""How much memory an audit takes, from the model's sizes; how many prompts run at once within a budget.

The budget is what the run aims to hold at its highest, by an estimate: on a processor the whole
process, on a graphics device what torch holds there. A plan is a function of the budget, the model and
the prompts alone, so the same command runs the same batches. What one prompt takes is first estimated
from the model's sizes, fitted to models of GPT-2 and Llama type: that refuses a budget that is too small
before the model is loaded. Where the budget bounds how many prompts run at once, one prompt is counted on
the loaded model (``auditkit.model.counting``), whatever its layers are, and that count takes the
estimate's place. ``python -m benchmarks.capture`` measures whether it holds. What a run really held is in
its record.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from auditkit.errors import EnvironmentUnavailableError

MOST_PROMPTS = 256
"""Prompts per forward pass at most: more gain no speed. A plan within it changes no result but rounding."""

BASE = 460 << 20
"""What the interpreter and the libraries take on a processor, before a model is loaded, in bytes."""

SHARE_OF_FREE = 0.8
"""The part of the memory that is free when a run starts which is its budget unless one is named."""

_SINGLE = 4  # bytes of a number in single precision
_HELD_FORWARD = (8, 5)  # numbers held at once per position: times the width, times the inner width
_HELD_GRADIENT = (6, 5)  # the same kept per layer and position for the backward pass
_SCORES = 8  # vectors over all scores held at once per prompt, in single precision
_SCORES_EVERYWHERE = 2  # the same per position where every one is scored (measured: 1.1)
_SCREENED_HEADS = 64  # heads whose autoencoders are trained together
_READ_ROWS, _READ = 1 << 10, 12  # positions read at once, numbers held for each and each latent
_SCREENED = 12  # numbers per head, position and prompt while they are, times the head's width
_KEPT_MEANWHILE = 3  # every head's outputs held beside a backward pass: negative, gradient, mixed
_ROOMY = (
    2  # times what tensors take is what a process can hold while the C library keeps freed pieces
)
_UNITS = {"": 1, "B": 1, "KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30, "TIB": 1 << 40}
_UNITS |= {"KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


@dataclass(frozen=True)
class Sizes:
    """The sizes of a model that decide what it takes.

    ``weights`` is in bytes in the format it runs in, of which ``largest`` in its largest layer and
    ``outside`` in no layer; ``converted`` is what its files take while they are read, if in another format;
    ``width`` is that of the residual stream, ``inner`` that of the feed-forward part, ``heads`` the sum
    of all heads' widths over all layers; ``scores`` is how many scores are made of a prompt, or of each
    of its positions where they are ``scored_everywhere``; ``number`` is the bytes of one number in the
    model's format.
    """

    weights: int
    outside: int
    largest: int
    converted: int
    layers: int
    width: int
    inner: int
    heads: int
    d_head: int
    scores: int
    scored_everywhere: bool
    number: int

    def forward(self, positions: int) -> int:
        """The bytes that one more prompt takes in a forward pass that keeps every head's output."""
        width, inner = _HELD_FORWARD
        held = positions * (width * self.width + inner * self.inner) * self.number
        return held + self.kept(positions) + self._scores(positions)

    def gradient(self, positions: int) -> int:
        """The bytes that one more prompt takes in a forward and a backward pass."""
        width, inner = _HELD_GRADIENT
        graph = positions * (width * self.width + inner * self.inner) * self.number * self.layers
        return graph + 2 * self.kept(positions) + self.forward(positions)

    def kept(self, positions: int) -> int:
        """The bytes of every head's output on one prompt."""
        return positions * self.heads * self.number

    def kept_gradients(self, positions: int) -> int:
        """The bytes of the gradients on one prompt, which are in single precision."""
        return positions * self.heads * _SINGLE

    def screening(self, rows: int, latents: int) -> int:
        """The bytes that the autoencoders of one group of heads take over so many positions."""
        heads = min(_SCREENED_HEADS, self.heads // self.d_head)
        read = min(rows, _READ_ROWS) * _READ * latents
        return heads * (rows * _SCREENED * self.d_head + read) * _SINGLE

    def _scores(self, positions: int) -> int:
        everywhere = _SCORES_EVERYWHERE * positions if self.scored_everywhere else 0
        return (_SCORES + everywhere) * self.scores * _SINGLE


@dataclass(frozen=True)
class Load:
    """What a task asks for: pairs of either set, the longest prompt, latents per autoencoder."""

    discovery: int
    test: int
    positions: int
    latents: int

    def one_pair(self, sizes: Sizes) -> int:
        """The least working memory: one pair at a time, and the autoencoders of one group of heads."""
        return max(
            sizes.gradient(self.positions),
            sizes.screening(self.discovery * self.positions, self.latents),
        )

    def kept(self, sizes: Sizes) -> int:
        """The bytes of all that is kept at once: both prompts and gradients, and the test negatives."""
        outputs = (2 * self.discovery + self.test) * sizes.kept(self.positions)
        compared = 2 * (self.discovery + self.test) * sizes.scores * _SINGLE
        return outputs + compared + self.discovery * sizes.kept_gradients(self.positions)

    def most(self, sizes: Sizes) -> int:
        """The bytes that are taken at the highest where no batch is bounded by memory."""
        batch = max(
            min(MOST_PROMPTS, self.discovery) * sizes.gradient(self.positions),
            MOST_PROMPTS * sizes.forward(self.positions),
            sizes.screening(self.discovery * self.positions, self.latents),
        )
        return self.kept(sizes) + batch


@dataclass(frozen=True)
class Counted:
    """The bytes that one prompt of so many positions took, in a forward and in a backward pass."""

    positions: int
    forward: int
    gradient: int


@dataclass(frozen=True)
class Plan:
    """How an audit keeps to its memory.

    ``working`` is what batches may take, in bytes; ``None`` bounds them by ``MOST_PROMPTS`` alone.
    ``counted`` is what the longest prompt was found to take; ``None``: the estimate stands.
    ``spill`` is the folder for head outputs that memory does not hold; ``None`` keeps them in memory.
    ``resident``: bytes of weights that may stay loaded; ``None`` for all of them. ``folder`` is for
    weights that have to be written anew before they can be read layer by layer.
    """

    sizes: Sizes | None = None
    working: int | None = None
    spill: Path | None = None
    resident: int | None = None
    folder: Path | None = None
    counted: Counted | None = None

    @property
    def to_count(self) -> bool:
        """Whether memory bounds the batches of a model that is loaded whole, of which a prompt is counted.

        Of layers that are read when they run the count would take in the weights.
        """
        return self.working is not None and self.resident is None

    def prompts(self, positions: int, *, gradient: bool) -> int:
        """How many prompts of this length run at once, at least one."""
        if self.working is None or self.sizes is None:
            return MOST_PROMPTS
        return max(
            1, min(MOST_PROMPTS, self.working // self._each(self.sizes, positions, gradient))
        )

    def _each(self, sizes: Sizes, positions: int, gradient: bool) -> int:
        """The bytes of one prompt: as counted, where it was, in proportion to its length."""
        found = self.counted
        if found is None:
            return sizes.gradient(positions) if gradient else sizes.forward(positions)
        one = found.gradient + _KEPT_MEANWHILE * sizes.kept_gradients(found.positions)
        of_any_length = _SCORES * sizes.scores * _SINGLE
        shorter = max(0, found.positions - positions) * of_any_length
        return ((one if gradient else found.forward) * positions + shorter) // found.positions

    def with_count(self, counted: Counted, budget: int) -> Plan:
        """The plan with what one prompt was found to take.

        Raises:
            EnvironmentUnavailableError: the budget does not hold one pair after all.
        """
        plan = replace(self, counted=counted)
        if self.sizes is None or self.working is None:
            return plan
        lacking = plan._each(self.sizes, counted.positions, gradient=True) - self.working  # noqa: SLF001
        if lacking > 0:
            raise _too_small(budget, budget + lacking)
        return plan


UNBOUNDED = Plan()
"""For models that are small beside any memory, such as the known-answer controls."""


def plan_for(
    sizes: Sizes, loads: Sequence[Load], *, budget: int, base: int, spill: Path, offload: bool
) -> Plan:
    """How an audit of these loads, one after the other, keeps to a budget of so many bytes.

    ``base`` is what is held before the model is loaded. Layers stay in the model's files until they run
    where ``offload`` asks for it or the budget does not hold all weights; kept outputs go to ``spill``
    where they would take more than half of what the weights leave. A budget that is more than enough
    bounds nothing.

    Raises:
        EnvironmentUnavailableError: the budget does not hold the layers that run and one pair.
    """
    one = max(load.one_pair(sizes) for load in loads)
    layerwise = min(sizes.weights, sizes.outside + 2 * sizes.largest)
    least = base + layerwise + max(one, sizes.converted)
    if budget < least:
        raise _too_small(budget, least)
    offload = offload or budget < base + sizes.weights + max(one, sizes.converted)
    spare = max(0, budget - base - layerwise - one) // 2
    resident = min(sizes.weights, layerwise + spare) if offload else sizes.weights
    left = budget - base - resident
    if not offload and left >= _ROOMY * max(load.most(sizes) for load in loads):
        return Plan(sizes=sizes, folder=spill)
    kept = max(load.kept(sizes) for load in loads)
    to_files = kept > left // 2 or left - kept < one
    return Plan(
        sizes=sizes,
        working=left if to_files else left - kept,
        spill=spill if to_files else None,
        resident=resident if offload else None,
        folder=spill,
    )


def _too_small(budget: int, least: int) -> EnvironmentUnavailableError:
    return EnvironmentUnavailableError(
        f"the memory budget of {text_of(budget)} is too small for one pair: this model and these"
        f" prompts take at least {text_of(least)}",
        advice=f"run with --memory {text_of(least)} or more, with shorter prompts or fewer examples",
    )


def text_of(size: int) -> str:
    """Bytes as a budget is written, rounded up to whole MiB: ``1536MiB``."""
    return f"{-(-size // (1 << 20))}MiB"


def bytes_of(text: str) -> int:
    """The bytes of a budget as it is written: ``8GiB``, ``500 MB``, ``1073741824``.

    Raises:
        ValueError: it is not written like that, or is 0.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*)", text.strip())
    if found is None or found[2].upper() not in _UNITS or not float(found[1]):
        raise ValueError(text)
    return int(float(found[1]) * _UNITS[found[2].upper()])
