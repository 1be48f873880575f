"""Wall times on random weights, where only the shape matters: GPT-2 small, and three growing sizes.

All times are of one process. *Identification* is everything before the causal check: the passes, the
autoencoders, the codes and the ranking. *Exact patching* runs the whole model for every head and pair; in
a quick run it is timed on a few heads and multiplied, which is exact as every head costs the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from transformers import GPT2Config, GPT2LMHeadModel

from auditkit.digest import sha256_hex
from auditkit.identifying.batches import batches_of
from auditkit.model.locating import locate_heads, recorded
from auditkit.model.subject import Subject
from auditkit.prompts.pairs import ResolvedPair
from auditkit.records.model import AttentionLayer, FileDigest, ModelIdentity
from auditkit.records.prompts import PromptPair
from auditkit.records.specification import Attribution, Metric
from benchmarks.engine_adapter import captured, screening, strengths
from benchmarks.gated import GatedModel
from benchmarks.results import Growth, Speed

METRIC: Metric = "logit_difference"
PAIRS, TOKENS = 10, 20
_CHANGED = 3  # tokens in which a negative differs
_QUICK_HEADS = 12


@dataclass(frozen=True)
class Shape:
    """A model's shape; ``width`` is that of the residual stream."""

    layers: int
    heads_per_layer: int
    width: int
    vocabulary: int


GPT2_SMALL = Shape(12, 12, 768, 50257)
GROWING = (Shape(12, 12, 96, 1000), Shape(20, 20, 160, 1000), Shape(32, 32, 256, 1000))
"""144, 400 and 1,024 heads, each 8 wide."""


def measure(*, quick: bool, advance: Callable[[], None]) -> Speed:
    """Time identification and exact patching at GPT-2-small size and at three growing sizes."""
    case = _case(GPT2_SMALL)
    n_heads = len(case.subject.heads)
    timed = _QUICK_HEADS if quick else n_heads
    passes = _best(case.passes)
    single = _best(partial(case.identify, "single"))
    advance()
    before = case.subject.forwards
    start = time.perf_counter()
    seen = captured(case.subject, case.pairs, METRIC)
    default_passes = time.perf_counter() - start
    # Of its passes, one is on the negatives and one has every head replaced: no gradient.
    steps = (case.subject.forwards - before) // PAIRS - 2
    advance()
    beyond = _best(partial(strengths, case.subject, seen, METRIC, 0))
    advance()
    exact = case.exact(timed) * n_heads / timed
    advance()
    growth = []
    for shape in GROWING:
        growth.append(_grown(shape, _QUICK_HEADS if quick else 4 * _QUICK_HEADS))
        advance()
    return Speed(
        single_gradient_s=single,
        default_s=default_passes + beyond,
        steps=steps,
        exact_patching_s=exact,
        forward_backward_s=passes,
        growth=tuple(growth),
        default_passes_s=default_passes,
        exact_heads_timed=timed,
        threads=torch.get_num_threads(),
    )


STAGES = 4 + len(GROWING)
"""How often ``measure`` says that it has advanced."""


def _grown(shape: Shape, timed: int) -> Growth:
    case = _case(shape)
    n_heads = len(case.subject.heads)
    passes = _best(case.passes)
    single = _best(partial(case.identify, "single"))
    seen = captured(case.subject, case.pairs, METRIC, "single")
    beyond = _best(partial(strengths, case.subject, seen, METRIC, 0))
    return Growth(
        heads=n_heads,
        layers=shape.layers,
        width=shape.width,
        forward_backward_s=passes,
        single_gradient_s=single,
        beyond_passes_s=beyond,
        exact_patching_s=case.exact(timed) * n_heads / timed,
        exact_heads_timed=timed,
    )


@dataclass(frozen=True)
class _Case:
    """A random model and ten random pairs."""

    subject: Subject
    pairs: tuple[ResolvedPair, ...]

    def passes(self) -> None:
        """The pairs once: forward on both prompts, backward on the positive."""
        model = GatedModel.of(self.subject)
        (batch,) = batches_of(self.pairs, METRIC, self.subject.vocabulary_size)
        model.gradients(batch.positive, batch.measure)
        model.outputs(batch.negative)

    def identify(self, attribution: Attribution) -> None:
        """Everything before the causal check."""
        screening(self.subject, self.pairs, METRIC, 0, attribution)

    def exact(self, n_heads: int) -> float:
        """The seconds of patching so many heads, spread over the layers."""
        model = GatedModel.of(self.subject)
        (batch,) = batches_of(self.pairs, METRIC, self.subject.vocabulary_size)
        _, source = model.outputs(batch.negative)
        total = len(model.heads)
        replaced = torch.eye(total, dtype=torch.bool)[:: max(1, total // n_heads)][:n_heads]
        return _seconds(partial(model.logits_without, batch.positive, replaced, source))


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _best(work: Callable[[], object]) -> float:
    """The shorter of two times: the first may pay for what is made once."""
    return min(_seconds(work), _seconds(work))


def _case(shape: Shape) -> _Case:
    torch.manual_seed(0)
    model = GPT2LMHeadModel(
        GPT2Config(
            n_layer=shape.layers,
            n_head=shape.heads_per_layer,
            n_embd=shape.width,
            vocab_size=shape.vocabulary,
            n_positions=TOKENS,
            bos_token_id=None,
            eos_token_id=None,
        )
    )
    model.train(mode=False)
    model.requires_grad_(requires_grad=False)
    locations = locate_heads(model)
    layers = recorded(locations)
    return _Case(Subject(model, locations, nameless(layers)), _random_pairs(shape.vocabulary))


def nameless(layers: tuple[AttentionLayer, ...]) -> ModelIdentity:
    """An identity for weights that are in no file: every digest is that of no bytes."""
    nothing = f"sha256:{sha256_hex(b'')}"
    return ModelIdentity(
        name="random-weights",
        revision=None,
        architecture="GPT2LMHeadModel",
        n_parameters=0,
        layers=layers,
        manifest=(FileDigest(path="none", size=0, sha256=nothing),),
        manifest_digest=nothing,
        root_digest=nothing,
        weights_digest=nothing,
        tokenizer_digest=nothing,
        read_from="memory",
        pinned=(),
    )


def _random_pairs(vocabulary: int) -> tuple[ResolvedPair, ...]:
    draw = torch.Generator().manual_seed(0)
    pairs = []
    for number in range(PAIRS):
        ids = torch.randint(vocabulary, (TOKENS,), generator=draw).tolist()
        other = torch.randint(vocabulary, (_CHANGED + 2,), generator=draw).tolist()
        negative = [*ids[:5], *other[:_CHANGED], *ids[5 + _CHANGED :]]
        answer, wrong = other[-2], (other[-2] + 1) % vocabulary
        texts = PromptPair(
            positive=f"p{number}", negative=f"n{number}", answers=("a",), wrong=("w",)
        )
        pairs.append(ResolvedPair(texts, tuple(ids), tuple(negative), (answer,), (wrong,)))
    return tuple(pairs)
