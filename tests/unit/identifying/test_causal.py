"""Attribution and the causal check on tiny models, against the slow way of doing the same."""

from __future__ import annotations

import itertools
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

from auditkit.circuits.intervals import rounded
from auditkit.errors import ModelError
from auditkit.identifying.activations import Captured, MeanOutputs, capture
from auditkit.identifying.attribution import attribute
from auditkit.identifying.batches import PairBatch, batches_of, in_order
from auditkit.identifying.interventions import (
    Intervention,
    heads_of,
    left_out,
    patch,
    random_sets,
    set_effects,
    task_effect,
)
from auditkit.model.loading import Dtype, load_subject
from auditkit.model.subject import Patch, Subject
from auditkit.prompts.pairs import ResolvedPair
from auditkit.records.base import NotAssessed
from auditkit.records.causal import Minimality, RandomSets
from auditkit.records.prompts import PromptPair
from tests.builders import specification
from tests.toy_models import WORDS, gpt2, gpt2_with_a_dead_head, llama, save


def pair(positive: str, negative: str, answers: str, wrong: str) -> ResolvedPair:
    """A pair of toy words."""
    texts = PromptPair(
        positive=positive,
        negative=negative,
        answers=tuple(answers.split()),
        wrong=tuple(wrong.split()),
    )
    ids = [tuple(WORDS.index(word) for word in text.split()) for text in (positive, negative)]
    return ResolvedPair(
        texts,
        ids[0],
        ids[1],
        tuple(WORDS.index(word) for word in texts.answers),
        tuple(WORDS.index(word) for word in texts.wrong),
    )


PAIRS = [
    pair("the cat sat on", "the dog sat on", "mat", "log"),
    pair("a dog ran", "a cat ran", "log a", "mat"),
    pair("the cat ran on", "the dog ran on", "mat b", "log c"),
]


@pytest.fixture(params=[gpt2, llama], ids=["gpt2", "llama"])
def subject(request: pytest.FixtureRequest, tmp_path: Path) -> Subject:
    return load_subject(save(request.param(), tmp_path / "toy"), revision=None, dtype="float32")


@pytest.fixture
def captured(subject: Subject) -> tuple[Captured, ...]:
    return capture(
        subject, batches_of(PAIRS, "logit_difference", subject.vocabulary_size), "single"
    )


def all_lost(intervention: Intervention) -> torch.Tensor:
    return intervention.lost([frozenset([head]) for head in sorted(intervention.all_heads)])


def test_pairs_of_different_lengths_come_back_in_order(captured: tuple[Captured, ...]) -> None:
    """Batches are by length; what is joined again is in the order of the prompt set."""
    batches = [item.batch for item in captured]
    assert [batch.places for batch in batches] == [(1,), (0, 2)]
    places = in_order([torch.tensor(batch.places) for batch in batches], batches)
    assert places.tolist() == [0, 1, 2]


@pytest.mark.parametrize("metric", ["logit_difference", "probability_difference"])
def test_the_metric_is_that_of_its_definition(metric: str) -> None:
    """Mean logits, or summed probabilities, of answers less those of wrong tokens."""
    (batch,) = batches_of([PAIRS[2]], metric, len(WORDS))  # type: ignore[arg-type]
    logits = torch.linspace(-1, 2, len(WORDS))[None]
    by_hand = {
        "logit_difference": logits[0, [7, 10]].mean() - logits[0, [8, 11]].mean(),
        "probability_difference": logits.softmax(-1)[0, [7, 10]].sum()
        - logits.softmax(-1)[0, [8, 11]].sum(),
    }[metric]
    assert torch.allclose(batch.measure(logits)[0], by_hand, atol=1e-6)


def slow_loss(subject: Subject, batch: PairBatch, row: int, layer: int, head: int) -> float:
    """How much the metric drops when one head of one prompt is resampled, one prompt at a time."""
    ids, other = batch.positive[row : row + 1], batch.negative[row : row + 1]
    _, source = subject.capture(other)
    masks = [torch.zeros(1, z.shape[2], dtype=torch.bool) for z in source]
    masks[layer][0, head] = True
    rows = torch.tensor([row])
    full = batch.measure(subject.logits(ids), rows)
    patched = batch.measure(subject.logits(ids, Patch(tuple(masks), source)), rows)
    return float(full - patched)


def test_single_head_effects_equal_patching_one_prompt_at_a_time(
    subject: Subject, captured: tuple[Captured, ...]
) -> None:
    """Batched over heads and pairs, the effects are those of one patch after another."""
    intervention = Intervention(subject, captured, "resample", MeanOutputs.over(captured))
    lost = all_lost(intervention) * intervention.task_effect
    for item in captured:
        for row, place in enumerate(item.batch.places):
            for i, (layer, head) in enumerate(sorted(intervention.all_heads)):
                slow = slow_loss(subject, item.batch, row, layer, head)
                assert float(lost[i, place]) == pytest.approx(slow, abs=1e-4)


@pytest.mark.parametrize("ablation", ["resample", "mean"])
def test_all_and_none_are_the_ends_of_the_scale(
    subject: Subject, captured: tuple[Captured, ...], ablation: str
) -> None:
    """Replacing every head loses the whole effect, replacing none loses nothing; on average."""
    means = MeanOutputs.over(captured)
    intervention = Intervention(subject, captured, ablation, means)  # type: ignore[arg-type]
    everything = intervention.all_heads
    assert float(intervention.lost([everything])[0].mean()) == pytest.approx(1, abs=1e-4)
    assert float(intervention.lost([frozenset()])[0].mean()) == pytest.approx(0, abs=1e-4)
    assert float(intervention.kept(everything).mean()) == pytest.approx(1, abs=1e-4)
    assert float(intervention.kept(frozenset()).mean()) == pytest.approx(0, abs=1e-4)


def test_kept_and_lost_are_complements(subject: Subject, captured: tuple[Captured, ...]) -> None:
    """What a set keeps is one less what its complement loses, set by set."""
    intervention = Intervention(subject, captured, "resample", MeanOutputs.over(captured))
    heads = sorted(intervention.all_heads)
    for chosen in itertools.combinations(heads, 2):
        kept = frozenset(chosen)
        lost = intervention.lost([intervention.all_heads - kept])[0]
        assert float(intervention.kept(kept).mean() + lost.mean()) == pytest.approx(1, abs=1e-4)


def test_means_are_aligned_at_the_end_of_the_prompt(captured: tuple[Captured, ...]) -> None:
    """The last row is the mean over every prompt's last position, whatever the lengths."""
    means = MeanOutputs.over(captured)
    last = torch.cat(
        [z[:, -1] for item in captured for z in (item.positive[0], item.negative[0])]
    ).mean(0)
    assert torch.allclose(means.aligned[0][-1], last, atol=1e-6)
    laid_out = means.at(2, 9, 8, torch.float32)
    assert laid_out[0].shape == (2, 9, *captured[0].positive[0].shape[2:])
    assert torch.allclose(laid_out[0][0, -1], last, atol=1e-6)
    assert torch.allclose(laid_out[0][0, 0], means.beyond[0], atol=1e-6)


def test_latent_effects_add_up_to_the_head_where_the_autoencoder_is_exact(
    subject: Subject, captured: tuple[Captured, ...]
) -> None:
    """With every latent active and long training, latents explain what the head does."""
    settings = specification().autoencoder.model_copy(
        update={"latents": 24, "k": 24, "steps": 3000, "batch": 64}
    )
    attribution = attribute(captured, settings, 0, task_effect=1.0)
    assert attribution.latents.shape == (3, len(subject.heads), 24)
    assert attribution.unexplained_variance < 0.01
    scale = np.abs(attribution.heads).max()
    assert np.abs(attribution.latents.sum(2) - attribution.heads).max() < 0.15 * scale


def test_attribution_of_a_head_is_gradient_times_difference(
    captured: tuple[Captured, ...],
) -> None:
    """The whole-head effect is exact to first order, and divided by the task effect."""
    attribution = attribute(captured, specification().autoencoder, 0, task_effect=2.0)
    item = captured[1]
    change = (item.positive[1] - item.negative[1]) * item.gradient[1]
    by_hand = change[0, :, 2].sum() / 2.0  # pair 0, layer 1, head 2
    heads_per_layer = item.positive[0].shape[2]
    assert attribution.heads[0, heads_per_layer + 2] == pytest.approx(float(by_hand), rel=1e-4)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_head_that_puts_out_the_same_everywhere_is_noted_and_has_no_effect(
    dtype: Dtype, tmp_path: Path
) -> None:
    """Its rounding errors are nothing to learn from, in either format; the other heads vary."""
    subject = load_subject(
        save(gpt2_with_a_dead_head(), tmp_path / "toy"), revision=None, dtype=dtype
    )
    captured = capture(
        subject, batches_of(PAIRS, "logit_difference", subject.vocabulary_size), "halfway"
    )
    for item in captured:
        item.positive[1][0, 0, 2] *= 1 + torch.finfo(item.positive[1].dtype).eps  # one rounding
    attribution = attribute(captured, specification().autoencoder, 0, task_effect=1.0)
    assert attribution.unvarying == (False, False, False, False, False, True)
    assert np.abs(attribution.heads[:, 5]).max() < 1e-2
    assert np.abs(attribution.latents[:, 5]).max() < 1e-2
    assert np.isfinite(attribution.latents).all()
    assert 0 < attribution.unexplained_variance < 2


def test_negatives_that_do_not_change_the_answer_have_no_effect(
    subject: Subject, captured: tuple[Captured, ...]
) -> None:
    """Replacing each head by its own output leaves nothing to share out."""
    same = [replace(item, negative=item.positive) for item in captured]
    assert not Intervention(subject, same, "resample", MeanOutputs.over(same)).has_effect


def test_a_model_that_returns_nan_is_refused(subject: Subject) -> None:
    """Values that are not finite numbers end the run; they are never rounded into a record."""
    with torch.no_grad():
        next(subject._model.parameters()).fill_(float("nan"))
    with pytest.raises(ModelError, match=r"not finite.* head 0\.0 on the positive of pair 2$"):
        capture(subject, batches_of(PAIRS, "logit_difference", len(WORDS)))


def test_scores_that_are_not_finite_are_placed_too(subject: Subject) -> None:
    """Where every head is sound, the scores are named, with the first pair that shows it."""
    final = "transformer.ln_f" if subject.identity.architecture.startswith("GPT2") else "model.norm"
    with torch.no_grad():
        subject._model.get_submodule(final).get_parameter("weight").fill_(float("inf"))
    with pytest.raises(ModelError, match=r"first in the scores after the positive of test pair 2$"):
        capture(
            subject,
            batches_of(PAIRS, "logit_difference", len(WORDS)),
            called="test pair",
        )


def test_set_effects_come_in_the_order_of_the_ablations(
    subject: Subject, captured: tuple[Captured, ...]
) -> None:
    """One sufficiency and one necessity per ablation, with a share per pair."""
    means = MeanOutputs.over(captured)
    interventions = [
        Intervention(subject, captured, ablation, means) for ablation in specification().ablations
    ]
    every = [f"{layer}.{head}" for layer, head in subject.heads]
    sufficiency, necessity = set_effects(interventions, every, specification())
    assert [each.ablation for each in sufficiency] == ["resample", "mean"]
    assert all(len(each.shares) == 3 for each in (*sufficiency, *necessity))
    assert {each.state for each in (*sufficiency, *necessity)} == {"observed"}
    nothing = set_effects(interventions, [], specification())
    assert {each.state for each in nothing[1]} == {"not_observed"}


def test_patched_heads_carry_their_effect_on_every_example(
    subject: Subject, captured: tuple[Captured, ...]
) -> None:
    """What is recorded of a head is what the intervention gives, example by example."""
    intervention = Intervention(subject, captured, "resample", MeanOutputs.over(captured))
    (recorded,) = patch(intervention, ["0.0"], "ranked", specification())
    (lost, *_) = intervention.lost([frozenset([(0, 0)])])
    assert [float(e) for e in recorded.effects] == pytest.approx(lost.tolist(), abs=1e-4)
    assert (recorded.head, recorded.chosen) == ("0.0", "ranked")


def test_no_set_of_heads_is_run_twice(subject: Subject, captured: tuple[Captured, ...]) -> None:
    """Asking again costs no forward pass and gives the same numbers."""
    intervention = Intervention(subject, captured, "resample", MeanOutputs.over(captured))
    sets = [frozenset([(0, 0)]), frozenset([(0, 0), (1, 1)]), frozenset([(0, 0)])]
    first = intervention.metrics(sets)
    before = subject.forwards
    assert torch.equal(intervention.metrics(sets), first)
    assert subject.forwards == before
    assert torch.equal(first[0], first[2])


def test_leaving_a_head_out_is_one_more_head_replaced(
    subject: Subject, captured: tuple[Captured, ...]
) -> None:
    """The loss of each circuit head is what the circuit keeps, less what it keeps without the head."""
    intervention = Intervention(subject, captured, "resample", MeanOutputs.over(captured))
    minimality = left_out(intervention, ["0.0", "1.1"], specification())
    assert isinstance(minimality, Minimality)
    for each, other in zip(minimality.left_out, [(1, 1), (0, 0)], strict=True):
        both = intervention.kept(frozenset([(0, 0), (1, 1)]))
        without = intervention.kept(frozenset([other]))
        expected = (both - without).tolist()
        assert [float(loss) for loss in each.losses] == pytest.approx(expected, abs=1e-4)
    assert isinstance(left_out(intervention, [], specification()), NotAssessed)


def test_the_task_effect_is_recorded_per_pair(
    subject: Subject, captured: tuple[Captured, ...]
) -> None:
    """Drops are in units of the metric, and their mean is the unit of every share."""
    intervention = Intervention(subject, captured, "mean", MeanOutputs.over(captured))
    effect = task_effect(intervention, "test", specification())
    assert (effect.pairs, effect.ablation) == ("test", "mean")
    assert float(effect.drop.mean) == pytest.approx(intervention.task_effect, abs=1e-3)
    none = intervention.metrics([intervention.all_heads])[0]
    expected = (intervention.full - none).tolist()
    assert [float(drop) for drop in effect.drops] == pytest.approx(expected, abs=1e-4)


def test_other_sets_are_of_the_circuits_size_and_all_outside_it(
    subject: Subject, captured: tuple[Captured, ...]
) -> None:
    """Where there are no more sets than asked for, each is measured once; else as many as are asked for."""
    intervention = Intervention(subject, captured, "resample", MeanOutputs.over(captured))
    rule = specification().model_copy(update={"random_sets": 50})
    yardstick = random_sets(intervention, ["1.0", "1.1"], rule)
    assert isinstance(yardstick, RandomSets)
    outside = [head for head in subject.heads if head not in {(1, 0), (1, 1)}]
    possible = [frozenset(pair) for pair in itertools.combinations(outside, 2)]
    each = sorted(float(row.mean()) for row in intervention.lost(possible))
    assert sorted(map(float, yardstick.shares)) == pytest.approx(each, abs=1e-4)
    assert float(yardstick.circuit) == pytest.approx(
        float(intervention.lost([frozenset({(1, 0), (1, 1)})]).mean()), abs=1e-4
    )
    assert yardstick.p_value == rounded(Fraction(1 + yardstick.at_least, 1 + len(possible)))
    few = rule.model_copy(update={"random_sets": 3})
    drawn = random_sets(intervention, ["1.0", "1.1"], few)
    assert isinstance(drawn, RandomSets)
    assert len(drawn.shares) == min(3, len(possible))


@pytest.mark.parametrize("circuit", [[], ["0.0", "0.1", "0.2", "0.3", "1.0", "1.1", "1.2", "1.3"]])
def test_a_circuit_without_an_equal_has_no_yardstick(
    subject: Subject, captured: tuple[Captured, ...], circuit: list[str]
) -> None:
    """An empty circuit, or one of every head, has no set of its size outside it."""
    present = [head for head in circuit if head in {f"{a}.{b}" for a, b in subject.heads}]
    intervention = Intervention(subject, captured, "resample", MeanOutputs.over(captured))
    assert isinstance(random_sets(intervention, present, specification()), NotAssessed)


def test_dispensable_heads_are_left_out_together_the_least_loss_first(
    subject: Subject, captured: tuple[Captured, ...]
) -> None:
    """Each time the head whose loss with all before it is least, as the slow way finds it."""
    intervention = Intervention(subject, captured, "resample", MeanOutputs.over(captured))
    circuit = subject.head_ids
    minimality = left_out(intervention, circuit, specification())
    assert isinstance(minimality, Minimality)
    waiting = list(minimality.dispensable)
    if len(waiting) < 2:  # the one that there is was left out alone
        assert minimality.removed == ()
        return
    gone: list[str] = []
    whole = intervention.kept(heads_of(circuit))
    for step in minimality.removed:
        losses = {
            head: (whole - intervention.kept(heads_of(circuit) - heads_of([*gone, head]))).mean()
            for head in waiting
        }
        least = min(losses, key=lambda head: abs(float(losses[head])))
        assert step.head == least
        assert float(step.loss.mean) == pytest.approx(float(losses[least]), abs=1e-3)
        gone.append(least)
        waiting.remove(least)
    shown = [step.loss.low > 0 or step.loss.high < 0 for step in minimality.removed]
    assert not any(shown[:-1])
    assert shown[-1] or not waiting
