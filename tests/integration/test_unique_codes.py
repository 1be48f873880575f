"""The published method on real tensors: residual space, codes, silence, and the engine's call of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from transformers import PreTrainedModel

from auditkit.circuits.unique_codes import PUBLISHED, differences
from auditkit.controls.construction import build
from auditkit.controls.family import FAMILY
from auditkit.controls.planting import Kind
from auditkit.identifying.mechanism import find_unique_codes
from auditkit.identifying.unique_codes import CodeTable, discretise, pooled
from auditkit.model.loading import load_subject
from auditkit.model.subject import Subject
from auditkit.policy.specifying import STANDARD
from auditkit.prompts.pairs import ResolvedPair
from auditkit.records.prompts import PromptPair
from auditkit.records.unique_codes import UniqueCodes
from tests.toy_audits import question_of
from tests.toy_models import gpt2, llama, save

SPECIFICATION = STANDARD.model_copy(update={"method": "unique-codes"})


@pytest.fixture(params=[gpt2, llama], ids=["gpt2", "llama"])
def model(request: pytest.FixtureRequest) -> PreTrainedModel:
    built: PreTrainedModel = request.param()
    return built


@pytest.fixture
def subject(model: PreTrainedModel, tmp_path: Path) -> Subject:
    return load_subject(save(model, tmp_path / "toy"), revision=None, dtype="float32")


def pair(*ids: int, other: int) -> ResolvedPair:
    texts = PromptPair(positive="p", negative="n", answers=("a",), wrong=("w",))
    return ResolvedPair(texts, ids, (other, *ids[1:]), (2,), (3,))


PAIRS = (
    pair(1, 2, 4, 6, other=9),
    pair(5, 4, other=7),
    pair(3, 2, 8, 6, other=10),
    pair(6, 1, other=11),
)


def test_what_the_heads_write_adds_up_to_the_output_projection(
    subject: Subject, model: PreTrainedModel
) -> None:
    """Head by head through its own rows, the sum over heads is what the whole projection gives."""
    modules = [
        module
        for name, module in model.named_modules()
        if name.endswith(("attn.c_proj", "self_attn.o_proj"))
    ]
    seen: list[torch.Tensor] = []
    hooks = [m.register_forward_hook(lambda _m, _i, out: seen.append(out)) for m in modules]
    ids = torch.tensor([PAIRS[0].positive_ids])
    with torch.no_grad():
        model(ids)
    for hook in hooks:
        hook.remove()
    by_head = pooled(subject.capture(ids)[1], subject.w_o())
    heads = len(subject.heads) // 2
    assert by_head.shape[:2] == (1, 2 * heads)
    for layer, (module, whole) in enumerate(zip(modules, seen, strict=True)):
        bias = getattr(module, "bias", None)
        summed = by_head[:, layer * heads : (layer + 1) * heads].sum(1)
        expected = whole.mean(1) - (0 if bias is None else bias)
        torch.testing.assert_close(summed, expected, atol=1e-5, rtol=1e-4)


def observed(subject: Subject, pairs: Sequence[ResolvedPair]) -> UniqueCodes:
    """The codes that the published method observes, by the engine's own call."""
    found = find_unique_codes(subject, question_of(pairs), (), SPECIFICATION, lambda _done: None)
    assert isinstance(found.codes, UniqueCodes)
    return found.codes


def test_pairs_of_several_lengths_keep_their_places(subject: Subject) -> None:
    """Batches are by length; the record is in the order of the pairs, and follows from its codes."""
    found = observed(subject, PAIRS)
    head_ids = [f"{layer}.{head}" for layer, head in subject.heads]
    assert list(differences(found, head_ids, len(PAIRS), SPECIFICATION.seed)) == []
    assert found.autoencoder == PUBLISHED
    vectors = torch.cat(
        [
            pooled(subject.capture(torch.tensor([ids]))[1], subject.w_o())
            for side in ("positive_ids", "negative_ids")
            for ids in (getattr(each, side) for each in PAIRS)
        ]
    )
    slow = discretise(vectors, SPECIFICATION.seed).codes.tolist()
    recorded = [each.positive.codes for each in found.examples]
    recorded += [each.negative.codes for each in found.examples]
    assert [list(codes) for codes in recorded] == slow


def test_silence_and_feature_0_share_a_code_and_are_told_apart_beside_it() -> None:
    """No feature, feature 0, feature 2: codes 0, 0 and 2, and only the first is silent."""
    table = CodeTable.of(torch.tensor([[[0.0, 0.0, 0.0], [2.0, 1.0, 0.0], [0.0, 0.0, 1.0]]]))
    assert table.codes.tolist() == [[0, 0, 2]]
    assert table.silent.tolist() == [[True, False, False]]


def test_a_head_that_writes_nothing_new_is_silent_with_code_0() -> None:
    """Where no feature answers, the code is 0 as published, and the silence is kept apart from it."""
    generator = torch.Generator().manual_seed(1)
    loud = torch.randn(20, 3, 6, generator=generator)
    table = discretise(loud, seed=0)
    assert not table.silent.any()
    again = discretise(loud, seed=0)
    assert torch.equal(table.codes, again.codes)
    constant = torch.zeros(20, 3, 6)  # the bias stays 0, so every feature is exactly 0
    silent = discretise(constant, seed=0)
    assert silent.silent.all()
    assert not silent.codes.any()


def test_a_noisy_head_without_a_role_is_counted() -> None:
    """On models with written circuits the method reports heads that do nothing for the task.

    That is why its report says that it only observes.
    """
    reported_null = 0
    for each in FAMILY:
        control = build(each)
        subject = control.subject()
        found = observed(subject, control.discovery)
        idle = {planted.head for planted in control.heads(Kind.NOISY, Kind.DECOY)}
        reported_null += len(idle & set(found.reported))
    assert reported_null > 0
