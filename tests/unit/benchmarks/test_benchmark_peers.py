"""The benchmark's peers and figures, each on a case worked out by hand.

The toy: a residual stream ``(x, y, a, junk)``; the positive is ``x = 1``, the negative ``x = 0``, the metric
the answer's logit ``a``. Heads are one number wide and linear:

====  ===========================  ==================================================
head  does                         replaced by its value on the negative, alone
====  ===========================  ==================================================
0.0   copies x to y                a = -1: the effect is 3 of 2, that is 1.5
0.1   copies x to junk             nothing changes: 0
1.0   adds 3 y to a                a = -1: 1.5
1.1   subtracts x from a           a = 3: -0.5
====  ===========================  ==================================================

The intact model has ``a = 2`` on the positive and 0 on the negative. Everything is linear, so the gradient
anywhere gives the exact effects.
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from auditkit.controls.construction import build
from auditkit.controls.family import FAMILY
from auditkit.controls.planting import CARRYING_KINDS
from auditkit.identifying.batches import batches_of
from auditkit.model.locating import HeadLocation
from auditkit.prompts.pairs import ResolvedPair
from auditkit.records.prompts import PromptPair
from benchmarks import figures
from benchmarks.chance import swapped
from benchmarks.figures import Faithfulness, cpr_and_cmd, set_figures, sizes
from benchmarks.gated import GatedModel
from benchmarks.page import page
from benchmarks.peers import (
    METHODS,
    acdc,
    head_importance,
    random_order,
    subnetwork_probing,
    unique_codes,
)
from benchmarks.peers.problem import Problem
from benchmarks.results import (
    AuditCost,
    Benchmark,
    Growth,
    KnownAnswer,
    Null,
    Result,
    Speed,
    read,
    write,
)
from benchmarks.summary import tables
from benchmarks.tasks import PLANTED, STORIES, control_task, stories_tasks

EFFECTS = [1.5, 0.0, 1.5, -0.5]
PAIR = ResolvedPair(
    PromptPair(positive="x", negative="no x", answers=("a",), wrong=("w",)), (1,), (0,), (2,), (0,)
)


class Toy(nn.Module):
    """The model of this file's first lines; ``ceiling`` cuts off y before the second layer reads it."""

    def __init__(self, ceiling: float = math.inf) -> None:
        super().__init__()
        self.embedding = nn.Embedding(3, 4)
        with torch.no_grad():
            self.embedding.weight.zero_()
            self.embedding.weight[1, 0] = 1.0  # the cue has x = 1, the other words nothing
        self.embedding.requires_grad_(requires_grad=False)
        self.ceiling = ceiling
        self.first, self.second = (
            _projection([(1, 1.0), (3, 1.0)]),
            _projection([(2, 3.0), (2, -1.0)]),
        )

    def get_input_embeddings(self) -> nn.Embedding:
        return self.embedding

    def forward(
        self, input_ids: Tensor | None = None, inputs_embeds: Tensor | None = None, **_: object
    ) -> SimpleNamespace:
        stream = self.embedding(input_ids) if inputs_embeds is None else inputs_embeds
        stream = stream + self.first(stream[..., [0, 0]])
        y = stream[..., 1:2].clamp(max=self.ceiling)
        stream = stream + self.second(torch.cat([y, stream[..., :1]], -1))
        answer = stream[..., 2:3]
        return SimpleNamespace(logits=torch.cat([0 * answer, 0 * answer, answer], -1))


def _projection(writes: list[tuple[int, float]]) -> nn.Linear:
    """Where in the stream each head writes, and by how much it scales."""
    linear = nn.Linear(len(writes), 4, bias=False)
    with torch.no_grad():
        linear.weight.zero_()
        for head, (slot, scale) in enumerate(writes):
            linear.weight[slot, head] = scale
    return linear.requires_grad_(requires_grad=False)


def gated(toy: Toy) -> GatedModel:
    return GatedModel(
        toy, [HeadLocation(n, getattr(toy, n), 2, 1, "interface") for n in ("first", "second")]
    )


def problem(toy: Toy, n: int = 3, seed: int = 0) -> Problem:
    """The toy with ``n`` times its one pair. Peers never look at the subject."""
    unused: Any = None
    pairs = (PAIR,) * n
    batches = batches_of(pairs, "logit_difference", 3)
    return Problem(unused, gated(toy), pairs, batches, "logit_difference", seed)


@pytest.mark.parametrize("name", ["eap", "eap-ig", "exact-patching"])
def test_a_linear_model_has_the_same_effects_by_gradient_and_by_patching(name: str) -> None:
    """EAP, EAP-IG and exact patching all give the table, and decide by magnitude."""
    answer = METHODS[name](problem(Toy()))
    assert answer.decide is not None
    assert answer.strength == pytest.approx(np.abs(EFFECTS), abs=1e-6)
    assert answer.decide(0.4) == {0, 2, 3}
    assert answer.decide(0.6) == {0, 2}


def test_a_saturated_model_is_seen_by_integrated_gradients_only() -> None:
    """With y cut off at 0.5 the gradient through it is 0 at the positive, 3 at 2 of the 5 points.

    Full minus corrupt is 1.5 - 1, so head 0.0 has 0 by EAP, (2 / 5 x 3) / 0.5 by EAP-IG, 1.5 / 0.5 exactly.
    """
    toy = Toy(ceiling=0.5)
    found = {
        name: METHODS[name](problem(toy)).strength[0]
        for name in ("eap", "eap-ig", "exact-patching")
    }
    assert found == pytest.approx({"eap": 0.0, "eap-ig": 2.4, "exact-patching": 3.0}, abs=1e-5)


def test_forward_passes_are_counted_by_prompt() -> None:
    """Both prompts of three pairs, and what each method adds: nothing, 5 points, 4 heads."""
    counted = {}
    for name in ("eap", "eap-ig", "exact-patching"):
        case = problem(Toy())
        METHODS[name](case)
        counted[name] = case.model.forwards
    assert counted == {"eap": 6, "eap-ig": 6 + 15, "exact-patching": 6 + 12}


def test_head_importance_is_the_gate_gradient_within_its_layer() -> None:
    """|z . gradient| is 3 and 0 in the first layer, 3 and 1 in the second, over each layer's norm."""
    answer = head_importance.find(problem(Toy()))
    assert answer.strength == pytest.approx([1, 0, 3 / math.sqrt(10), 1 / math.sqrt(10)], abs=1e-6)
    assert answer.decide is None


def test_acdc_prunes_by_divergence_from_the_last_head() -> None:
    """Logits (0, 0, 2); without 1.1 they are (0, 0, 3): it survives thresholds below that divergence.

    0.1 changes nothing and goes at every threshold. The smallest faithful circuit is the rest.
    """
    answer = acdc.find(problem(Toy()))
    p = [1 / (2 + math.e**2)] * 2 + [math.e**2 / (2 + math.e**2)]
    q = [1 / (2 + math.e**3)] * 2 + [math.e**3 / (2 + math.e**3)]
    divergence = sum(a * math.log(a / b) for a, b in zip(p, q, strict=True))
    survived = max(t for t in acdc.THRESHOLDS if t <= divergence)
    assert answer.strength[3] == pytest.approx(math.log(survived))
    assert answer.strength[1] == min(answer.strength) < math.log(min(acdc.THRESHOLDS))
    assert answer.decide is not None
    assert answer.decide(0.0) == {0, 2, 3}


def test_subnetwork_probing_closes_the_gate_that_earns_nothing() -> None:
    """Each other gate is worth more than its penalty; training repeats with the seed."""
    answer = subnetwork_probing.find(problem(Toy()))
    assert answer.decide is not None
    assert answer.decide(0.0) == {0, 2, 3}
    assert int(answer.strength.argmin()) == 1
    again = subnetwork_probing.find(problem(Toy()))
    assert answer.strength.tolist() == again.strength.tolist()


def test_unique_codes_cannot_work_where_positives_and_negatives_are_exchangeable() -> None:
    """With both directions of a pair no code is only a positive's: all heads tie, and none is found."""
    turned = swapped_pair()
    batches = batches_of((PAIR, turned), "logit_difference", 3)
    unused: Any = None
    both = Problem(unused, gated(Toy()), (PAIR, turned), batches, "logit_difference", 0)
    answer = unique_codes.find(both)
    assert answer.strength.tolist() == [0.25] * 4
    assert answer.decide is not None
    assert answer.decide(0.0) == frozenset()


def swapped_pair() -> ResolvedPair:
    turned = [swapped([PAIR], seed)[0] for seed in range(20)]
    return next(pair for pair in turned if pair != PAIR)


def test_swapping_trades_prompts_and_keeps_answers() -> None:
    """A swapped pair has the other's prompts, texts included; about half are swapped."""
    turned = swapped_pair()
    assert (turned.positive_ids, turned.negative_ids) == (PAIR.negative_ids, PAIR.positive_ids)
    assert (turned.pair.positive, turned.answer_ids) == (PAIR.pair.negative, PAIR.answer_ids)
    assert 30 < sum(pair != PAIR for pair in swapped([PAIR] * 100, 1)) < 70


def test_random_order_repeats_with_its_seed() -> None:
    """One seed one order, another seed another."""
    orders = [random_order.find(problem(Toy(), seed=s)).strength.tolist() for s in (0, 0, 1)]
    assert orders[0] == orders[1] != orders[2]


def test_auc_counts_ties_as_one_half() -> None:
    """Of four comparisons three are won and one is tied; without both classes it is undefined."""
    strengths = np.array([3.0, 2.0, 2.0, 1.0])
    assert figures.roc_auc(strengths, frozenset({0, 2})) == 3.5 / 4
    assert figures.roc_auc(strengths, frozenset()) is None
    assert figures.roc_auc(strengths, frozenset(range(4))) is None


def test_average_precision_takes_ties_as_one_step() -> None:
    """First head: precision 1 for half the recall; the tied two: 2 of 3 for the other half."""
    strengths = np.array([3.0, 2.0, 2.0, 1.0])
    truth = frozenset({0, 2})
    assert figures.average_precision(strengths, truth) == pytest.approx(1 / 2 + 2 / 3 / 2)
    assert figures.average_precision(np.ones(4), truth) == 0.5
    assert figures.average_precision(strengths, frozenset()) is None


def test_figures_of_a_set_are_undefined_where_nothing_is_divided() -> None:
    """No set is not an empty set, and an empty set has no precision but a recall of 0."""
    truth = frozenset({1, 2})
    assert set_figures(frozenset({2, 3, 4}), truth) == figures.SetFigures(1 / 3, 1 / 2, 2 / 5)
    assert set_figures(frozenset(), truth) == figures.SetFigures(None, 0.0, 0.0)
    assert set_figures(None, truth) == figures.SetFigures(None, None, None)
    assert set_figures(frozenset(), frozenset()) == figures.SetFigures(None, None, None)


def test_cpr_and_cmd_are_the_areas_of_a_curve_drawn_by_hand() -> None:
    """In the order 0.0, 1.0, 1.1, 0.1 the kept shares are 0, 0, 1.5, 1, 1 at every quarter."""
    case = problem(Toy())
    faithfulness = Faithfulness(case.model, case.batches)
    assert sizes(4) == (0, 1, 2, 3, 4)
    cpr, cmd = cpr_and_cmd(faithfulness, np.array([4.0, 1.0, 3.0, 2.0]), seed=0)
    assert cpr == pytest.approx((0 + 0.75 + 1.25 + 1) / 4)
    assert cmd == pytest.approx((1 + 0.75 + 0.25 + 0) / 4)


def test_cpr_and_cmd_are_undefined_without_an_effect() -> None:
    """Pairs on which replacing every head changes nothing have no faithfulness."""
    case = problem(Toy())
    (batch,) = case.batches
    same = Faithfulness(case.model, [replace(batch, negative=batch.positive)])
    assert cpr_and_cmd(same, np.arange(4.0), seed=0) == (None, None)


def test_sizes_reach_from_nothing_to_everything_once_each() -> None:
    """Small circuits one by one, then ever larger steps."""
    assert sizes(1) == (0, 1)
    assert sizes(32) == (0, 1, 2, 3, 4, 5, 7, 9, 12, 16, 21, 28, 32)


def test_attributed_codes_find_a_planted_circuit_and_nothing_else() -> None:
    """Through the adapter, on a model whose circuit is written down; forward passes are counted."""
    control = build(next(plan for plan in FAMILY if plan.name == "lookup-soft"))
    task = control_task(control)
    case = task.problem(task.draw(0)[0], 0)
    answer = METHODS["attributed-codes"](case)
    assert answer.decide is not None
    before = case.subject.forwards
    found = answer.decide(0.05)
    carrying = {i for i, each in enumerate(control.planted) if each.kind in CARRYING_KINDS}
    assert found == carrying == task.truths[PLANTED]
    assert case.subject.forwards - before > 2 * len(case.pairs)
    assert case.model.forwards == 0


@pytest.mark.skipif(
    not STORIES.is_dir(), reason="the stories260K model is not beside this checkout"
)
def test_stories_draws_share_no_text() -> None:
    """Examples and test pairs are 44 different prompt pairs, one direction each."""
    (task,) = stories_tasks()
    examples, test = task.draw(3)
    texts = [text for p in (*examples, *test) for text in (p.pair.positive, p.pair.negative)]
    assert len(set(texts)) == len(texts) == 88


RESULT = Result("m", "t", "eap", 0.03, 0, 0.5, None, None, 0.0, None, None, 0.25, 20, 0.5)
MEASURED = Benchmark(
    results=(RESULT,),
    speed=Speed(
        1.0, 4.0, 13, 20.0, 0.5, (Growth(144, 12, 96, 0.1, 0.5, 0.4, 2.0, 12),), 3.5, 12, 1
    ),
    null=Null(200, 8, 2, 100),
    known_answers=(
        KnownAnswer("k", "eap", "0.0", "circuit", found=True),
        KnownAnswer("k", "eap", "0.1", "backup", found=None),
    ),
    costs=(AuditCost("m", "t", 60, 90, 1200, 300, 20),),
)


def test_results_come_back_as_they_were_written(tmp_path: Path) -> None:
    """What is undefined is null in the document; every part of it is read back."""
    write(MEASURED, tmp_path / "out.json")
    assert read(tmp_path / "out.json") == MEASURED
    text = (tmp_path / "out.json").read_text("utf-8")
    assert '"average_precision": null' in text
    assert '"with_false_head": 8' in text


def test_the_page_prints_undefined_as_a_dash() -> None:
    """Never as 0: an average precision that is not defined, a backup that was not assessed."""
    told = page(MEASURED)
    assert "| eap | 0.500 | - | - | 0.000 | - | - | 0.250 | - | - |" in told
    assert "| backup | - |" in told
    assert "| circuit | 1 of 1 |" in told
    assert "8 of 200 (0.04)" in told
    assert "| m: t | 0.20 | 0.30 | 0.50 | 4.00 |" in told
    assert len(list(tables(MEASURED))) == 4
