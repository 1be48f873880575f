"""Every attention family that transformers has in a usual form: heads located, and really one by one."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from auditkit.errors import ModelError
from auditkit.model.locating import HeadLocation, locate_heads
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
