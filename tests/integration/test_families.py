"""Every attention family that transformers has in a usual form: heads located, and really one by one."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from auditkit.errors import ModelError
from auditkit.model.locating import HeadLocation, locate_heads
from auditkit.model.reading import Reading
from auditkit.model.subject import Patch, Subject
from auditkit.records.specification import TaskKind
from tests.builders import model_identity
from tests.families import BY_INTERFACE, BY_STRUCTURE, HEADS, WIDTH, tiny

IDS = torch.tensor([[5, 9, 11, 7, 3, 20]])


def output_of(model: PreTrainedModel) -> Tensor:
    """Logits where the model has them, else its last hidden state."""
    with torch.no_grad():
        given: Any = model(input_ids=IDS)
    value: Tensor = given.logits if hasattr(given, "logits") else given.last_hidden_state
    return value


def without_by_hook(model: PreTrainedModel, at: HeadLocation, head: int) -> Tensor:
    """The output when one head's part of the projection's input is 0."""

    def silence(_: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
        z = args[0].clone()
        z[..., head * at.d_head : (head + 1) * at.d_head] = 0
        return (z, *args[1:])

    handle = at.module.register_forward_pre_hook(silence)
    try:
        return output_of(model)
    finally:
        handle.remove()


def without_by_hand(model: PreTrainedModel, at: HeadLocation, head: int) -> Tensor:
    """The output when the weights that read the head are 0."""
    weight: Any = at.module.weight
    kept = weight.detach().clone()
    part = slice(head * at.d_head, (head + 1) * at.d_head)
    if isinstance(at.module, Conv1D):
        weight[part] = 0
    else:
        weight[:, part] = 0
    try:
        return output_of(model)
    finally:
        weight.copy_(kept)


@pytest.mark.parametrize("family", [*BY_INTERFACE, *BY_STRUCTURE])
def test_families_have_their_heads_located_and_separable(family: str) -> None:
    """Two layers of four heads; silencing one is leaving out the weights that read it, and does something."""
    model = tiny(family)
    locations = locate_heads(model)
    found_by = "interface" if family in BY_INTERFACE else "structure"
    assert [(at.n_heads, at.d_head, at.found_by) for at in locations] == [
        (HEADS, WIDTH, found_by)
    ] * 2
    whole = output_of(model)
    for at in locations:
        for head in range(at.n_heads):
            by_hook = without_by_hook(model, at, head)
            assert torch.allclose(by_hook, without_by_hand(model, at, head), atol=1e-5)
            assert not torch.equal(by_hook, whole)
    assert torch.equal(output_of(model), whole)


def subject_of(model: PreTrainedModel) -> Subject:
    """The model as a task of the kind that it can do reads it."""
    kind: TaskKind = "similarity"
    if "logits_to_keep" in inspect.signature(model.forward).parameters:
        kind = "next_token"
    elif hasattr(model(input_ids=IDS), "logits"):
        kind = "masked_token"
    return Subject(
        model, locate_heads(model), model_identity(), reading=Reading(kind=kind, mask_id=MASK)
    )


MASK = 3
ONE = torch.tensor([[5, 9, 11, MASK, 7, 20], [5, 9, 4, MASK, 8, 2], [5, 9, 30, MASK, 1, 6]])
OTHER = torch.tensor([[5, 9, 10, MASK, 7, 21], [5, 9, 6, MASK, 9, 2], [5, 9, 31, MASK, 2, 6]])


@pytest.mark.parametrize("family", [*BY_INTERFACE, *BY_STRUCTURE])
@torch.no_grad()
def test_a_run_from_a_layer_gives_what_a_whole_run_gives(family: str) -> None:
    """Every family can be run so from every layer: one head at a time, and on shared positions.

    The oracle replaces one head by a hook of its own, in a whole run of one prompt.
    """
    subject = subject_of(tiny(family))
    resumable = subject.resumable
    assert resumable is not None
    assert resumable.layers == {0, 1}
    causal = subject.reading.kind == "next_token" and family not in NOT_CAUSAL
    assert resumable.shares == causal
    _, source = subject.capture(OTHER)
    rows = torch.tensor([2, 0])
    for shared in (0, 2) if causal else (0,):
        recording = subject.recording(ONE, None, shared, resumable.layering)
        for layer, head in subject.heads:
            masks = subject.masks([frozenset([(layer, head)])], ONE.device)
            patch = Patch(tuple(mask.expand(2, -1) for mask in masks), source, rows)
            resumed = subject.logits_from(recording, layer, patch, rows)
            whole = torch.cat([replaced(subject, row, layer, head, source) for row in (2, 0)])
            assert float((resumed - whole).abs().max()) <= 1e-5 * max(1.0, float(whole.abs().max()))


def replaced(subject: Subject, row: int, layer: int, head: int, source: Sequence[Tensor]) -> Tensor:
    """The scores of one prompt, run whole, with one head's part of the projection's input put in by hand."""
    at = subject._locations[layer]

    def put(_: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
        z = args[0].clone()
        part = slice(head * at.d_head, (head + 1) * at.d_head)
        z[..., part] = source[layer][row, :, head]
        return (z, *args[1:])

    handle = at.module.register_forward_pre_hook(put)
    try:
        return subject.logits(ONE[row : row + 1])
    finally:
        handle.remove()


NOT_CAUSAL = frozenset(
    {"bert", "roberta", "xlm-roberta", "roformer", "electra", "camembert", "ernie"}
)
"""Families whose head for the next token is put on an encoder: there, first positions see later ones."""


def test_a_layer_from_which_something_else_comes_out_is_not_run_from() -> None:
    """Layer 1 adds what the layer below left aside in this run: left out, that leaves nothing."""
    model: Any = tiny("gpt2")
    aside: list[Tensor] = []
    model.transformer.h[0].mlp.register_forward_hook(lambda *call: aside.append(call[-1]))

    def adding(_: nn.Module, _args: object, output: Any) -> Any:  # noqa: ANN401
        first = output[0] if isinstance(output, tuple) else output
        return first + aside.pop() if aside else first

    model.transformer.h[1].register_forward_hook(adding)
    resumable = subject_of(model).resumable
    assert resumable is not None
    assert resumable.layers == {0}
    assert not resumable.shares


@pytest.mark.parametrize("family", ["deberta-v2", "mpnet", "roformer"])
def test_families_of_their_own_put_the_heads_side_by_side(family: str) -> None:
    """What the second rule assumes: with only one head's values left, only its part is not 0."""
    model = tiny(family)
    (at, *_) = locate_heads(model)
    values = [
        module
        for name, module in model.named_modules()
        if name.rsplit(".", 1)[-1] in ("value_proj", "value", "v") and isinstance(module, nn.Linear)
    ]
    kept = slice(WIDTH, 2 * WIDTH)
    value = values[0]
    rows = torch.zeros(value.out_features, dtype=torch.bool)
    rows[kept] = True
    value.weight[~rows] = 0
    value.bias[~rows] = 0
    seen: list[Tensor] = []
    handle = at.module.register_forward_pre_hook(lambda _, args: seen.append(args[0].clone()))
    output_of(model)
    handle.remove()
    assert float(seen[0][..., kept].abs().max()) > 0
    others = torch.cat([seen[0][..., : kept.start], seen[0][..., kept.stop :]], -1)
    assert float(others.abs().max()) == 0


@pytest.mark.parametrize(
    ("family", "why"),
    [
        ("albert", "share one attention module"),
        ("bitnet", "mixes or changes the heads before they are projected"),
        ("mamba", "runs no attention"),
    ],
)
def test_families_that_cannot_be_separated_say_so(family: str, why: str) -> None:
    """One module for all layers, a norm over all heads, no heads at all: refused with the reason."""
    with pytest.raises(ModelError, match=why):
        locate_heads(tiny(family))


def test_there_are_forty_families() -> None:
    """At least forty families of models are tried."""
    assert len(set(BY_INTERFACE) | set(BY_STRUCTURE)) >= 40
