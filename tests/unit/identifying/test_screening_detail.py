"""Screening in detail, against slow oracles on a toy model: one position, one head at a time."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
import torch

from auditkit.circuits.codes import (
    CodeSpace,
    RankedCodes,
    discretise,
    quorum_count,
    recorded_effects,
    signature,
)
from auditkit.circuits.null import NO_PARTNER
from auditkit.circuits.roles import NOWHERE, roles_of
from auditkit.circuits.stability import ONE_SEED
from auditkit.identifying.activations import Captured, MeanOutputs, capture
from auditkit.identifying.attribution import attribute
from auditkit.identifying.batches import batches_of
from auditkit.identifying.interventions import Intervention
from auditkit.identifying.screening import (
    TOP_EXAMPLES,
    Screened,
    in_detail,
    negative_null,
    screen,
    token_roles,
)
from auditkit.model.loading import load_subject
from auditkit.model.subject import Subject
from auditkit.prompts.pairs import ResolvedPair
from auditkit.records.base import NotAssessed, measured
from auditkit.records.codes import CodeEnvelope, NegativeNull, TokenRoles
from auditkit.records.prompts import PromptPair
from auditkit.records.specification import Specification
from auditkit.records.task import Circuit, Codes
from auditkit.verifying.recompute_codes import details
from tests.builders import copying, specification
from tests.toy_models import WORDS, gpt2, save

PAIRS = (
    ("the cat sat on", "the dog sat on"),
    ("a dog ran", "a cat ran"),
    ("the cat ran on", "the dog ran on"),
    ("a cat cat on", "a mat cat on"),
)
CIRCUIT = Circuit(heads=("0.0", "1.2"), edges=(), pairs_tested=1)


def pair(positive: str, negative: str) -> ResolvedPair:
    texts = PromptPair(positive=positive, negative=negative, answers=("mat",), wrong=("log",))
    ids = [tuple(WORDS.index(word) for word in text.split()) for text in (positive, negative)]
    return ResolvedPair(texts, ids[0], ids[1], (WORDS.index("mat"),), (WORDS.index("log"),))


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    folder: Path = tmp_path_factory.mktemp("toy") / "model"
    return load_subject(save(gpt2(), folder), revision=None, dtype="float32")


@pytest.fixture(scope="module")
def captured(subject: Subject) -> tuple[Captured, ...]:
    pairs = [pair(*texts) for texts in PAIRS]
    return capture(
        subject, batches_of(pairs, "logit_difference", subject.vocabulary_size), "single"
    )


def settings() -> Specification:
    base = specification()
    autoencoder = base.autoencoder.model_copy(update={"latents": 6, "seeds": 3})
    return base.model_copy(update={"autoencoder": autoencoder})


@pytest.fixture(scope="module")
def found(subject: Subject, captured: tuple[Captured, ...]) -> tuple[RankedCodes, Screened]:
    means = MeanOutputs.over(captured)
    effect = Intervention(subject, captured, "resample", means).task_effect
    return screen(subject, captured, settings(), abs(effect))


@pytest.fixture(scope="module")
def detailed(found: tuple[RankedCodes, Screened], captured: tuple[Captured, ...]) -> Codes:
    codes, screened = found
    return in_detail(codes, CIRCUIT, screened, captured, settings())


def rows(captured: tuple[Captured, ...]) -> list[tuple[int, Captured, int]]:
    """Each pair's place, its batch and its row there, in the order of the prompt set."""
    return sorted(
        ((place, item, row) for item in captured for row, place in enumerate(item.batch.places)),
        key=lambda each: each[0],
    )


def test_what_a_run_records_is_what_recomputing_gives(
    detailed: Codes, found: tuple[RankedCodes, Screened]
) -> None:
    """No detail of a real run differs when it is worked out again without torch."""
    task = copying().model_copy(
        update={"codes": detailed, "circuit": CIRCUIT, "specification": settings()}
    )
    assert list(details(task, detailed, found[1].space)) == []


def test_role_shares_are_those_of_one_position_after_another(
    detailed: Codes, captured: tuple[Captured, ...]
) -> None:
    """A head's share of a role is its effects at the positions of that role; shares sum to 1."""
    roles = detailed.roles
    assert isinstance(roles, TokenRoles)
    assert {"0.0", "1.2"} <= {each.head for each in roles.heads}
    for each in roles.heads:
        assert not isinstance(each.shares, NotAssessed)
        layer, head = map(int, each.head.split("."))
        shares = []
        for _, item, row in rows(captured):
            of_role = dict.fromkeys(roles.roles, 0.0)
            change = item.positive[layer] - item.negative[layer]
            for place, role in enumerate(
                roles_of(item.batch.positive[row].tolist(), item.batch.negative[row].tolist())
            ):
                of_role[role] += abs(
                    float(change[row, place, head] @ item.gradient[layer][row, place, head])
                )
            shares.append([size / sum(of_role.values()) for size in of_role.values()])
        slow = np.mean(shares, axis=0)
        assert [float(share) for share in each.shares] == pytest.approx(list(slow), abs=1e-4)
        assert abs(sum(each.shares, Decimal(-1))) < Decimal("0.0005")


def test_a_head_without_any_effect_has_no_roles(
    found: tuple[RankedCodes, Screened], captured: tuple[Captured, ...]
) -> None:
    """Where nothing was attributed the shares are absent, not zero."""
    silent = tuple(
        Captured(
            item.batch,
            item.positive_metric,
            item.negative_metric,
            item.positive,
            item.negative,
            tuple(torch.zeros_like(gradient) for gradient in item.gradient),
        )
        for item in captured
    )
    (head,) = token_roles(silent, ("0.1",), found[1]).heads
    assert (head.examples, head.shares) == (0, NOWHERE)


def test_latents_carry_the_effects_and_prompts_of_their_code(
    detailed: Codes, found: tuple[RankedCodes, Screened], captured: tuple[Captured, ...]
) -> None:
    """Each latent of the signature, its support as counted in the codes, its prompts by search."""
    space, attribution = found[1].space, found[1].attribution
    assert not isinstance(detailed.latents, NotAssessed)
    assert len(detailed.latents) >= 2
    (trained,) = attribution.trained
    for latent in detailed.latents:
        place = space.head_ids.index(latent.head)
        carried = sum(latent.code in example.codes for example in detailed.examples)
        assert latent.support == carried
        recorded = attribution.latents[:, place, latent.latent].tolist()
        assert latent.effects == tuple(measured(effect) for effect in recorded)
        layer, head = map(int, latent.head.split("."))
        best: dict[tuple[int, str], tuple[float, int]] = {}
        for example, item, row in rows(captured):
            for prompt, z in (("positive", item.positive), ("negative", item.negative)):
                outputs = torch.zeros(len(space.head_ids), z[layer].shape[1], z[layer].shape[3])
                outputs[place] = z[layer][row, :, head]
                active = trained.read(outputs).latents[place, :, latent.latent]
                at = int(active.argmax())
                best[example, prompt] = (float(active[at]), at - len(active))
        largest = max(size for size, _ in best.values())
        for top in latent.top:
            size, position = best[top.example, top.prompt]
            assert float(top.size) == pytest.approx(size / largest, abs=1e-3)
            assert position == top.position or size == pytest.approx(largest, rel=1e-5)
        shown = sorted((float(top.size) for top in latent.top), reverse=True)
        slow = sorted((size / largest for size, _ in best.values()), reverse=True)[:TOP_EXAMPLES]
        assert shown == pytest.approx([size for size in slow if size > 0], abs=1e-3)


def test_negatives_are_compared_with_the_next_of_their_length(
    detailed: Codes, found: tuple[RankedCodes, Screened], captured: tuple[Captured, ...]
) -> None:
    """The one pair of three tokens has no partner; the other three go round."""
    null = detailed.negatives
    assert isinstance(null, NegativeNull)
    assert null.examples == (0, 2, 3)
    item = next(each for each in captured if len(each.batch.places) == 3)
    for place, head in enumerate(null.heads):
        layer, index = map(int, head.head.split("."))
        z, gradient = item.negative[layer][:, :, index], item.gradient[layer][:, :, index]
        slow = [
            float(((z[row] - z[(row + 1) % 3]) * gradient[row]).sum()) / found[1].task_effect
            for row in range(3)
        ]
        assert [float(effect) for effect in head.effects] == pytest.approx(slow, abs=1e-4)
        sizes = sorted(abs(effect) for effect in detailed.heads[place].effects)
        middle = (sizes[1] + sizes[2]) / 2
        as_large = sum(abs(effect) >= middle for effect in head.effects)
        assert head.p_value == measured((1 + as_large) / 4)


def test_without_two_negatives_of_a_length_there_is_no_null(
    found: tuple[RankedCodes, Screened], captured: tuple[Captured, ...]
) -> None:
    """The null says why it is absent."""
    alone = [item for item in captured if len(item.batch.places) == 1]
    assert negative_null(alone, found[0].heads, found[1]) == NO_PARTNER


def test_the_envelope_is_that_of_making_every_setting_s_codes(
    detailed: Codes, found: tuple[RankedCodes, Screened], captured: tuple[Captured, ...]
) -> None:
    """Attributing, discretising and intersecting for each setting gives the recorded heads."""
    envelope, (_, screened) = detailed.envelope, found
    assert isinstance(envelope, CodeEnvelope)
    assert len(envelope.settings) == 27
    space: CodeSpace = screened.space
    for setting in envelope.settings:
        again = attribute(captured, settings().autoencoder, setting.seed, screened.task_effect)
        effects = recorded_effects(again.heads)
        examples = discretise(again.latents, effects, setting.tau)
        shared = signature(examples, quorum_count(setting.quorum, len(examples)), space)
        assert set(setting.heads) == {space.head_of(code) for code in shared}
        assert set(setting.latent_heads) == {
            space.head_of(code) for code in shared if space.latent_of(code) is not None
        }


def test_one_seed_gives_no_envelope(
    found: tuple[RankedCodes, Screened], captured: tuple[Captured, ...]
) -> None:
    """With one seed nothing is trained again, and the record says so."""
    base = settings()
    once = base.model_copy(update={"autoencoder": base.autoencoder.model_copy(update={"seeds": 1})})
    assert in_detail(found[0], CIRCUIT, found[1], captured, once).envelope == ONE_SEED


def test_nothing_is_run_for_the_details(
    subject: Subject, found: tuple[RankedCodes, Screened], captured: tuple[Captured, ...]
) -> None:
    """All details come from what was captured: not one forward pass more."""
    before = subject.forwards
    in_detail(found[0], CIRCUIT, found[1], captured, settings())
    assert subject.forwards == before
