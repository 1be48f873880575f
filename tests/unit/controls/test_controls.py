"""Known-answer controls: what is said to be planted is what exact interventions find, and only that."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from auditkit.controls.construction import ControlModel, build
from auditkit.controls.family import CLASSIFIERS, FAMILY, NOISE
from auditkit.controls.planting import (
    NULL_KINDS,
    Asked,
    ControlSpecification,
    Kind,
    Negatives,
    PlannedHead,
    Role,
)
from auditkit.controls.residual import N_SIGNALS, paired, rotated
from auditkit.controls.vocabulary import BEGIN, COLOURS, SORTS, VOCABULARY, task_pairs
from auditkit.identifying.activations import MeanOutputs, capture
from auditkit.identifying.batches import batches_of
from auditkit.identifying.interventions import Intervention
from auditkit.model.fingerprint import fingerprint
from auditkit.model.subject import Subject
from auditkit.prompts.pairs import ResolvedPair
from tests.answer_key import AnswerKey, answer_key, single_effects

BY_NAME = {each.name: each for each in FAMILY}
NAMES = sorted(BY_NAME)
ENUMERATED = 4  # pairs per enumeration: every subset of heads is run on each
NOTHING = 0.01  # "no effect", as a share of the task effect


@dataclass(frozen=True)
class Examined:
    """A control model, and its exact answers. ``single`` and ``key`` are under resampling."""

    control: ControlModel
    subject: Subject
    single: dict[str, float]
    key: AnswerKey

    def effects(self, *kinds: Kind) -> list[float]:
        return [self.single[each.head] for each in self.control.heads(*kinds)]


@cache
def examined(name: str) -> Examined:
    control = build(BY_NAME[name])
    subject = control.subject()
    single = single_effects(subject, control.discovery, "resample")
    return Examined(control, subject, single, answer_key(subject, control.discovery[:ENUMERATED]))


def with_kind(kind: Kind) -> list[str]:
    """The models in which the kind is planted."""
    return [
        name
        for name in NAMES
        if any(
            BY_NAME[name].kind_of(h.role) is kind for layer in BY_NAME[name].layers for h in layer
        )
    ]


def last_logits(subject: Subject, pairs: Sequence[ResolvedPair], which: str) -> Tensor:
    return subject.logits(torch.tensor([getattr(pair, f"{which}_ids") for pair in pairs]))


def outputs(item: Examined, head: str, ids: Tensor) -> Tensor:
    """What a head adds to the residual stream, ``[prompt, position, d_model]``."""
    layer, index = map(int, head.split("."))
    _, z = item.subject.capture(ids)
    d_head = z[layer].shape[-1]
    weight = item.control.model.get_parameter(f"transformer.h.{layer}.attn.c_proj.weight")
    return z[layer][:, :, index] @ weight[index * d_head : (index + 1) * d_head]


def loudness(item: Examined, head: str) -> float:
    """The norm of a head's output where it is largest, on positives."""
    ids = torch.tensor([pair.positive_ids for pair in item.control.discovery])
    return float(outputs(item, head, ids).norm(dim=-1).mean(0).max())


def test_the_family_plants_every_kind_under_either_attention() -> None:
    """Each way of being wrong has a control, whatever the attention."""
    assert {each.kind for name in NAMES for each in examined(name).control.planted} == set(Kind)
    for attention in ("hard", "soft"):
        kinds = {
            each.kind_of(head.role)
            for each in FAMILY
            if each.attention == attention
            for layer in each.layers
            for head in layer
        }
        assert kinds == set(Kind)
    assert {each.negatives for each in FAMILY} == {"absent", "other", "swapped"}


@pytest.mark.parametrize("name", NAMES)
def test_a_control_does_its_task_on_every_positive_and_on_no_negative(name: str) -> None:
    """The answer is the likeliest of all words; on negatives it beats the wrong colour nowhere."""
    item = examined(name)
    pairs = (*item.control.discovery, *item.control.test)
    answers = torch.tensor([pair.answer_ids[0] for pair in pairs])
    assert last_logits(item.subject, pairs, "positive").argmax(-1).equal(answers)
    (batch,) = batches_of(pairs, "logit_difference", len(VOCABULARY))
    wrong = batch.measure(last_logits(item.subject, pairs, "negative"))
    expected = 0.0 if item.control.specification.negatives == "absent" else -5.0
    assert float((wrong - expected).abs().max()) < 1.0


@pytest.mark.parametrize("name", NAMES)
def test_layer_norm_is_linear(name: str) -> None:
    """Every LayerNorm subtracts the mean and does nothing else, to about one part in a million."""
    item = examined(name)
    errors: list[float] = []

    def compare(_: nn.Module, args: tuple[Any, ...], after: Tensor) -> None:
        linear = args[0] - args[0].mean(-1, keepdim=True)
        errors.append(float((after - linear).abs().max() / linear.abs().max()))

    norms = [m for m in item.control.model.modules() if isinstance(m, nn.LayerNorm)]
    handles = [norm.register_forward_hook(compare) for norm in norms]
    last_logits(item.subject, item.control.test, "positive")
    for handle in handles:
        handle.remove()
    assert len(errors) == len(norms)
    assert max(errors) < 1e-6


def test_signals_are_orthonormal_and_sum_to_zero() -> None:
    """In coordinates as in a rotation, no signal is part of another or of the mean."""
    generator = torch.Generator().manual_seed(0)
    width = 2 * N_SIGNALS + 3
    for residual in (paired(width), rotated(width, generator)):
        gram = residual.basis @ residual.basis.T
        torch.testing.assert_close(gram, torch.eye(N_SIGNALS), atol=1e-6, rtol=0)
        assert float(residual.basis.sum(1).abs().max()) < 1e-5
        assert torch.equal(residual.slot("unread"), residual.basis[-8:])


@pytest.mark.parametrize("name", NAMES)
def test_heads_are_located_layer_by_layer(name: str) -> None:
    """Each layer's own output projection is found, also where another layer's heads are as quiet."""
    item = examined(name)
    assert [at.module for at in item.subject.identity.layers] == [
        f"transformer.h.{layer}.attn.c_proj"
        for layer in range(len(item.control.specification.layers))
    ]
    assert [each.head for each in item.control.planted] == [
        f"{layer}.{head}" for layer, head in item.subject.heads
    ]


@pytest.mark.parametrize("name", NAMES)
def test_the_planted_circuits_are_the_only_minimal_sufficient_sets(name: str) -> None:
    """Over all subsets of heads, what suffices with nothing to spare is what was planted."""
    item = examined(name)
    assert set(item.key.minimal_sufficient_sets()) == set(item.control.circuits)
    assert item.key.is_unique == (name != "redundant-hard")
    assert item.key.necessary_heads() == frozenset.intersection(*item.control.circuits)


@pytest.mark.parametrize("name", NAMES)
def test_null_heads_have_no_effect_alone_nor_together(name: str) -> None:
    """INERT, NOISY, DECOY and UNRELATED heads move the metric by less than one per cent."""
    item = examined(name)
    assert max(map(abs, item.effects(*NULL_KINDS))) < NOTHING
    null = [each.head for each in item.control.heads(*NULL_KINDS)]
    assert abs(item.key.lost_without(null)) < NOTHING


@pytest.mark.parametrize("name", [name for name in NAMES if name != "redundant-hard"])
def test_circuit_and_tiny_heads_are_needed_and_negative_heads_oppose(name: str) -> None:
    """Each carrying head alone loses a third of the task effect or more; NEGATIVE ones add to it."""
    item = examined(name)
    assert min(item.effects(Kind.CIRCUIT, Kind.TINY)) > 1 / 3
    assert max(item.effects(Kind.NEGATIVE), default=-1.0) < -0.2


@pytest.mark.parametrize("name", with_kind(Kind.TINY))
def test_a_tiny_head_is_a_whisper_that_decides(name: str) -> None:
    """Its output is below a twentieth of any circuit head's, and it carries half the effect."""
    item = examined(name)
    quietest = min(loudness(item, each.head) for each in item.control.heads(Kind.CIRCUIT))
    for each in item.control.heads(Kind.TINY):
        assert loudness(item, each.head) < quietest / 20
    assert min(item.effects(Kind.TINY)) > 0.45


@pytest.mark.parametrize("name", with_kind(Kind.CONSTANT_ROLE))
def test_a_constant_role_shows_only_against_a_baseline(name: str) -> None:
    """Resampled it does nothing; silenced, or at its mean, it takes the answer with it."""
    item = examined(name)
    assert max(map(abs, item.effects(Kind.CONSTANT_ROLE))) < NOTHING
    # On pairs whose negative has an answer too, no answer at all is half way between.
    silenced = 1.0 if item.control.specification.negatives == "absent" else 0.5
    zero, mean = (
        single_effects(item.subject, item.control.discovery, baseline)
        for baseline in ("zero", "mean")
    )
    for each in item.control.heads(Kind.CONSTANT_ROLE):
        assert zero[each.head] == pytest.approx(silenced, abs=0.05)
        assert mean[each.head] > 0.3


@pytest.mark.parametrize("name", with_kind(Kind.BACKUP))
def test_a_backup_matters_once_its_primary_is_gone(name: str) -> None:
    """Alone it has no effect; with its primary it takes what it had made up for."""
    item = examined(name)
    gain = item.control.specification.backup_gain
    for each in item.control.heads(Kind.BACKUP):
        assert each.primary is not None
        primary = item.key.lost_without([each.primary])
        assert abs(item.key.lost_without([each.head])) < NOTHING
        assert primary == pytest.approx(1 - gain, abs=0.15)
        joint = item.key.lost_without([each.head, each.primary])
        assert joint == pytest.approx(1.0, abs=0.05)
        assert joint - primary > 0.35


@pytest.mark.parametrize("name", with_kind(Kind.DECOY))
def test_a_decoy_knows_the_answer(name: str) -> None:
    """Its output names the right colour on every positive, and is another on the matched negative."""
    item = examined(name)
    pairs = (*item.control.discovery, *item.control.test)
    answers = torch.tensor([pair.answer_ids[0] for pair in pairs])
    positive, negative = (
        torch.tensor([getattr(pair, f"{which}_ids") for pair in pairs])
        for which in ("positive", "negative")
    )
    for each in item.control.heads(Kind.DECOY):
        on_positives = outputs(item, each.head, positive)[:, -1]
        on_negatives = outputs(item, each.head, negative)[:, -1]
        for answer in set(answers.tolist()):
            same = on_positives[answers == answer]
            centre = same.mean(0)
            assert float((same - centre).norm(dim=-1).max()) < 0.2 * float(centre.norm())
            elsewhere = torch.cat(
                [on_positives[answers != answer], on_negatives[answers == answer]]
            )
            assert float((elsewhere - centre).norm(dim=-1).min()) > 0.5 * float(centre.norm())


@pytest.mark.parametrize("name", NAMES)
def test_noisy_heads_are_the_loudest_and_inert_ones_silent(name: str) -> None:
    """Magnitude says nothing: the largest outputs are null, and so are the absent ones."""
    item = examined(name)
    loud = {each.head: loudness(item, each.head) for each in item.control.planted}
    noisy = {each.head for each in item.control.heads(Kind.NOISY)}
    assert min(loud[head] for head in noisy) > 5 * max(
        value for head, value in loud.items() if head not in noisy
    )
    for each in item.control.heads(Kind.INERT):
        assert loud[each.head] < 0.1


@pytest.mark.parametrize("name", with_kind(Kind.UNRELATED))
def test_an_unrelated_head_is_all_of_another_task(name: str) -> None:
    """It has no effect here because this is not its task, not because it does nothing."""
    item = examined(name)
    effects = single_effects(item.subject, item.control.other_task, "resample")
    for each in item.control.planted:
        expected = 1.0 if each.kind is Kind.UNRELATED else 0.0
        assert effects[each.head] == pytest.approx(expected, abs=NOTHING)


def test_prompts_are_sentences_of_known_words_and_sets_share_none() -> None:
    """Ids spell the text after the token that begins it; discovery and test have no text in common."""
    for name in NAMES:
        control = examined(name).control
        texts = []
        for pairs in (control.discovery, control.test):
            texts.append({text for p in pairs for text in (p.pair.positive, p.pair.negative)})
            for pair in pairs:
                words = [VOCABULARY[i] for i in pair.positive_ids]
                assert words == [BEGIN, *pair.pair.positive.split()]
                assert len(pair.negative_ids) == len(pair.positive_ids)
                assert pair.pair.answers[0] in COLOURS
        assert texts[0].isdisjoint(texts[1])


def test_asking_for_more_pairs_than_there_are_is_refused() -> None:
    """Pairs that share no text run out; that is said, not papered over."""
    with pytest.raises(ValueError, match="not 400 pairs"):
        task_pairs(Asked("other"), 400, seed=0)


@pytest.mark.parametrize("name", ["lookup-hard", "tiny-soft"])
def test_the_same_plan_gives_the_same_model(name: str) -> None:
    """Weights, places and prompts follow from the seed alone, and the caller's chance is untouched."""
    torch.manual_seed(1)
    before = torch.get_rng_state()
    again = build(BY_NAME[name])
    assert torch.equal(before, torch.get_rng_state())
    item = examined(name)
    assert again.subject().identity == item.subject.identity
    assert (again.planted, again.discovery, again.test) == (
        item.control.planted,
        item.control.discovery,
        item.control.test,
    )
    other = build(replace(BY_NAME[name], seed=1000))
    assert other.subject().identity.weights_digest != item.subject.identity.weights_digest
    assert other.planted != item.control.planted


@pytest.mark.parametrize(
    ("name", "rotate", "noise"),
    [
        (name, rotate, noise)
        for name in ("lookup-hard", "lookup-soft", "tiny-hard", "swapped-hard")
        for rotate in (False, True)
        for noise in (0.0, NOISE)
    ],
)
def test_rotation_and_noise_leave_the_answer_as_it_is(
    name: str, rotate: bool, noise: float
) -> None:
    """Any seed, any basis, with noise or without: the same kinds, the same only circuit."""
    plan = replace(BY_NAME[name], seed=90, rotated=rotate, noise=noise)
    control = build(plan)
    subject = control.subject()
    key = answer_key(subject, control.discovery[:2])
    assert key.minimal_sufficient_sets() == control.circuits
    single = single_effects(subject, control.discovery, "resample")
    null = control.heads(*NULL_KINDS, Kind.CONSTANT_ROLE)
    assert max(abs(single[each.head]) for each in null) < NOTHING


def test_the_answer_key_agrees_with_the_causal_check() -> None:
    """Two independent ways of replacing heads give the same shares, sets and single heads alike."""
    item = examined("backup-soft")
    batches = batches_of(item.control.discovery[:ENUMERATED], "logit_difference", len(VOCABULARY))
    captured = capture(item.subject, batches)
    patching = Intervention(item.subject, captured, "resample", MeanOutputs.over(captured))
    assert item.key.task_effect == pytest.approx(patching.task_effect, abs=1e-4)
    heads = item.subject.heads
    for chosen in (heads[:1], heads[4:6], heads[::2]):
        ids = [f"{layer}.{head}" for layer, head in chosen]
        lost = float(patching.lost([frozenset(chosen)])[0].mean())
        assert item.key.lost_without(ids) == pytest.approx(lost, abs=1e-4)
        kept = float(patching.kept(frozenset(chosen)).mean())
        assert item.key.kept_by(ids) == pytest.approx(kept, abs=1e-4)


def test_a_single_effect_is_that_of_a_hook_written_by_hand() -> None:
    """Overwriting the slice of one head's output gives the effect the key states."""
    item = examined("lookup-soft")
    pairs = item.control.discovery[:ENUMERATED]
    (head,) = (each.head for each in item.control.planted if each.role == "recall")
    layer, index = map(int, head.split("."))
    _, negative = item.subject.capture(torch.tensor([pair.negative_ids for pair in pairs]))
    d_head = negative[layer].shape[-1]

    def overwrite(_: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
        changed = args[0].clone()
        changed[:, :, index * d_head : (index + 1) * d_head] = negative[layer][:, :, index]
        return (changed, *args[1:])

    (batch,) = batches_of(pairs, "logit_difference", len(VOCABULARY))
    full = batch.measure(last_logits(item.subject, pairs, "positive")).mean()
    projection = item.control.model.get_submodule(f"transformer.h.{layer}.attn.c_proj")
    handle = projection.register_forward_pre_hook(overwrite)
    patched = batch.measure(last_logits(item.subject, pairs, "positive")).mean()
    handle.remove()
    lost = float(full - patched) / item.key.task_effect
    assert item.key.single_effects()[head] == pytest.approx(lost, abs=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_minimal_and_necessary_are_what_the_definitions_say(seed: int) -> None:
    """On arbitrary tables, against the definitions spelled out over all subsets."""
    heads = ("0.0", "0.1", "1.0", "1.1", "2.0")
    kept = np.random.default_rng(seed).uniform(0.5, 1.3, 1 << len(heads))
    key = AnswerKey(heads, kept, kept, 0.9)
    sufficient = {
        frozenset(chosen)
        for size in range(len(heads) + 1)
        for chosen in itertools.combinations(heads, size)
        if 0.9 <= key.kept_by(chosen) <= 1.1
    }
    minimal = {s for s in sufficient if not any(other < s for other in sufficient)}
    assert set(key.minimal_sufficient_sets()) == minimal
    assert key.is_unique == (len(minimal) == 1)
    assert key.necessary_heads() == frozenset(heads).intersection(*sufficient)


def test_one_sided_sufficiency_would_overshoot() -> None:
    """Without the upper bound a set that leaves out the opposing head would count, at 130 %."""
    item = examined("lookup-hard")
    opposing = {each.head for each in item.control.heads(Kind.NEGATIVE)}
    (circuit,) = item.control.circuits
    assert item.key.kept_by(circuit - opposing) == pytest.approx(1.3, abs=0.01)


def test_what_cannot_be_enumerated_or_shared_is_refused() -> None:
    """More than 16 heads, and pairs on which replacing every head changes nothing."""
    idle = tuple(PlannedHead("inert") for _ in range(7))
    plan = ControlSpecification(
        "large",
        seed=0,
        layers=(
            (PlannedHead("subject"), PlannedHead("owner"), *idle),
            (PlannedHead("recall"), PlannedHead("inert"), *idle),
        ),
        attention="hard",
    )
    control = build(plan)
    with pytest.raises(ValueError, match="18 heads are too many"):
        answer_key(control.subject(), control.discovery[:1])
    same = [replace(pair, negative_ids=pair.positive_ids) for pair in control.discovery[:2]]
    with pytest.raises(ValueError, match="no effect to share"):
        single_effects(control.subject(), same, "resample")


@pytest.mark.parametrize(
    ("layers", "negatives", "message"),
    [
        ((("subject",),), "absent", "two or three layers"),
        ((("subject", "owner"), ("recall",)), "absent", "equally many"),
        ((("subject", "recall"), ("owner", "decoy")), "absent", "recall cannot work in layer 0"),
        ((("subject",), ("recall",), ("backup",)), "other", "silence its primary"),
    ],
)
def test_a_plan_that_cannot_work_is_refused(
    layers: tuple[tuple[Role, ...], ...], negatives: Negatives, message: str
) -> None:
    """A head in a layer too early for what it reads, or a backup that can never be seen."""
    planned = tuple(tuple(PlannedHead(role) for role in layer) for layer in layers)
    with pytest.raises(ValueError, match=message):
        ControlSpecification("x", seed=0, layers=planned, attention="hard", negatives=negatives)


def test_the_identity_from_memory_is_that_of_the_saved_weights(tmp_path: Path) -> None:
    """A control saved to a folder has the weights digest it had in memory."""
    control = examined("lookup-hard").control
    control.model.save_pretrained(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}")
    saved = fingerprint(tmp_path)
    identity = control.subject().identity
    assert identity.weights_digest == saved.weights_digest
    assert identity.manifest[0] in saved.manifest


@pytest.mark.parametrize("name", ["lookup-hard", "backup-soft", "inhibition-hard"])
def test_a_classifier_is_the_same_plan_read_as_a_label(name: str) -> None:
    """It gives every right label, and each head has the share of the effect that it has in its twin."""
    (plan,) = [each for each in CLASSIFIERS if each.name == f"{name}-labels"]
    control = build(plan)
    subject = control.subject()
    assert subject.n_scores == len(SORTS)
    for pair in control.discovery:
        scores = subject.logits(torch.tensor([pair.positive_ids]))[0]
        assert scores[pair.answer_ids[0]] - scores[pair.wrong_ids[0]] > 1.0
    single = single_effects(subject, control.discovery, "resample")
    assert single == pytest.approx(examined(name).single, abs=0.05)
