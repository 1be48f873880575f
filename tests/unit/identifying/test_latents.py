"""Latents replaced alone, against hooks of the test's own: one prompt, one latent at a time."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from auditkit.circuits.effects import EMPTY_CIRCUIT, NO_RESAMPLED_EFFECT
from auditkit.circuits.latents import NO_LATENTS_SOUGHT
from auditkit.identifying.activations import Captured, MeanOutputs, capture
from auditkit.identifying.batches import batches_of
from auditkit.identifying.interventions import Intervention
from auditkit.identifying.latents import verify_latents
from auditkit.identifying.screening import Screened, screen
from auditkit.model import memory
from auditkit.model.loading import load_subject
from auditkit.model.subject import Subject
from auditkit.records.latents import VerifiedLatents
from auditkit.records.specification import Specification
from auditkit.sae.per_head import Autoencoder
from tests.builders import specification
from tests.toy_audits import pairs
from tests.toy_models import gpt2, save

HEADS = ("0.1", "1.2")
LATENTS = 5


def settings(tried: int = LATENTS) -> Specification:
    base = specification()
    return base.model_copy(
        update={
            "autoencoder": base.autoencoder.model_copy(update={"latents": 6, "k": 3}),
            "patching": base.patching.model_copy(update={"latents": tried}),
        }
    )


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    folder: Path = tmp_path_factory.mktemp("toy") / "model"
    return load_subject(save(gpt2(), folder), revision=None, dtype="float32")


@pytest.fixture(scope="module")
def captured(subject: Subject) -> tuple[Captured, ...]:
    batches = batches_of(pairs(6, 3), "logit_difference", subject.vocabulary_size)
    return capture(subject, batches, "single")


@pytest.fixture(scope="module")
def intervention(subject: Subject, captured: tuple[Captured, ...]) -> Intervention:
    return Intervention(subject, captured, "resample", MeanOutputs.over(captured))


@pytest.fixture(scope="module")
def screened(subject: Subject, captured: tuple[Captured, ...]) -> Screened:
    return screen(subject, captured, settings(), 1.0)[1]


@pytest.fixture(scope="module")
def found(
    intervention: Intervention, captured: tuple[Captured, ...], screened: Screened
) -> VerifiedLatents:
    # The toy's effect of all heads has either sign; a share of its size is what is asked here.
    intervention.task_effect = 1.0
    latents = verify_latents(intervention, captured, HEADS, screened, settings())
    assert isinstance(latents, VerifiedLatents)
    return latents


def latents_of(autoencoder: Autoencoder, z: Tensor) -> Tensor:
    """The latents of one head's outputs ``[position, d]``, the k largest of each row kept, by loops."""
    rows = []
    for row in (z - autoencoder.centre[0]) / autoencoder.scale[0]:
        dense = torch.relu(row @ autoencoder.encoder[0] + autoencoder.bias[0, 0])
        kept = sorted(dense.tolist(), reverse=True)[autoencoder.k - 1]
        rows.append(torch.tensor([value if value >= kept else 0.0 for value in dense.tolist()]))
    return torch.stack(rows)


def projection(subject: Subject, layer: int) -> nn.Module:
    return subject._model.get_submodule(f"transformer.h.{layer}.attn.c_proj")


def outputs(subject: Subject, ids: Tensor, layer: int, head: int) -> Tensor:
    """One head's outputs ``[position, 4]`` on one prompt."""
    seen: list[Tensor] = []
    module = projection(subject, layer)
    handle = module.register_forward_pre_hook(lambda _, args: seen.append(args[0].clone()))
    with torch.no_grad():
        subject._model(ids[None])
    handle.remove()
    return seen[0][0, :, 4 * head : 4 * head + 4]


def metric_with(subject: Subject, ids: Tensor, layer: int, head: int, z: Tensor) -> float:
    """Logit of token 3 less that of token 4 when one head puts out ``z``."""

    def put(_: nn.Module, args: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        changed = args[0].clone()
        changed[0, :, 4 * head : 4 * head + 4] = z
        return (changed,)

    handle = projection(subject, layer).register_forward_pre_hook(put)
    with torch.no_grad():
        logits = subject._model(ids[None]).logits[0, -1]
    handle.remove()
    return float(logits[3] - logits[4])


def slow(
    subject: Subject, autoencoder: Autoencoder, head: str, latents: Sequence[int] | str
) -> list[float]:
    """What each pair loses when these latents of a head, all, or only the unexplained, are replaced."""
    layer, place = map(int, head.split("."))
    lost = []
    for each in pairs(6, 3):
        positive, negative = torch.tensor(each.positive_ids), torch.tensor(each.negative_ids)
        here, there = (outputs(subject, ids, layer, place) for ids in (positive, negative))
        difference = latents_of(autoencoder, here) - latents_of(autoencoder, there)
        directions = autoencoder.decoder[0] * autoencoder.scale[0]
        chosen = range(6) if isinstance(latents, str) else latents
        change = sum(difference[:, [i]] * directions[i] for i in chosen)
        if latents == "unexplained":
            change = here - there - change
        full = metric_with(subject, positive, layer, place, here)
        lost.append(full - metric_with(subject, positive, layer, place, here - change))
    return lost


@pytest.mark.parametrize("head", HEADS)
def test_each_latent_and_each_beginning_is_what_hooks_measure(
    head: str, subject: Subject, screened: Screened, found: VerifiedLatents
) -> None:
    """Alone, together, all of them, and what they leave: pair by pair the numbers of the slow way."""
    place = screened.space.head_ids.index(head)
    autoencoder = screened.attribution.autoencoder_of(place)
    (mine,) = [each for each in found.heads if each.head == head]
    order = [each.latent for each in mine.tried]
    assert len(order) == LATENTS
    measured: list[tuple[Sequence[Decimal], Sequence[int] | str]] = [
        *((each.effects, [each.latent]) for each in mine.tried),
        *((lost, order[:n]) for n, lost in enumerate(mine.together, start=1)),
        (mine.all_latents, "all"),
        (mine.unexplained, "unexplained"),
    ]
    for values, latents in measured:
        expected = slow(subject, autoencoder, head, latents)
        assert [float(value) for value in values] == pytest.approx(expected, abs=2e-4)


def test_the_latents_to_which_most_is_attributed_are_tried(
    screened: Screened, found: VerifiedLatents
) -> None:
    """The latent left out is the one with the least, and the attributed effect stands beside each."""
    for mine in found.heads:
        place = screened.space.head_ids.index(mine.head)
        means = abs(screened.attribution.latents[:, place].mean(0))
        assert {each.latent for each in mine.tried} == set(means.argsort()[-LATENTS:].tolist())
        for each in mine.tried:
            assert abs(float(abs(each.attributed)) - means[each.latent]) < 1e-4


def test_the_size_of_memory_changes_no_number(
    subject: Subject,
    captured: tuple[Captured, ...],
    screened: Screened,
    found: VerifiedLatents,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Run two prompts at a time, or from the layer on, what is measured is the same but for rounding."""
    narrow = Intervention(subject, captured, "resample", MeanOutputs.over(captured))
    narrow.task_effect = 1.0
    monkeypatch.setattr(memory, "MOST_PROMPTS", 2)
    again = verify_latents(narrow, captured, HEADS, screened, settings())
    assert isinstance(again, VerifiedLatents)
    for one, other in zip(found.heads, again.heads, strict=True):
        for few, many in zip(one.together, other.together, strict=True):
            assert max(map(abs, (a - b for a, b in zip(few, many, strict=True)))) <= Decimal(
                "0.0002"
            )


def test_nothing_to_replace_is_said_to_be_so(
    intervention: Intervention,
    captured: tuple[Captured, ...],
    screened: Screened,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No latents asked for, no circuit, and no effect on these pairs: each for its own reason."""

    def verify(circuit: tuple[str, ...], tried: int) -> object:
        return verify_latents(intervention, captured, circuit, screened, settings(tried))

    assert verify(HEADS, 0) == NO_LATENTS_SOUGHT
    assert verify((), 2) == EMPTY_CIRCUIT
    monkeypatch.setattr(intervention, "task_effect", 0.0001)
    assert verify(HEADS, 2) == NO_RESAMPLED_EFFECT
