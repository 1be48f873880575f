"""What one prompt takes, counted on the model; plans that follow the count; freed memory given back."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

from auditkit.errors import EnvironmentUnavailableError
from auditkit.identifying.activations import within
from auditkit.model.counting import Counting, bytes_of_prompt
from auditkit.model.loading import load_subject
from auditkit.model.memory import BASE, Load, Plan, bytes_of, plan_for
from auditkit.model.sizes import sizes_of
from auditkit.model.subject import Subject
from tests.toy_audits import found, pairs
from tests.toy_models import gpt2, llama, save

_MB = 1 << 18  # numbers in single precision that take 1 MiB


@pytest.fixture(params=[gpt2, llama], ids=["gpt2", "llama"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return save(request.param(), tmp_path / "model")


@pytest.fixture
def subject(folder: Path) -> Subject:
    return load_subject(folder, revision=None, dtype="float32")


def metric(scores: Tensor) -> Tensor:
    return scores[:, 3] - scores[:, 4]


def of_prompts(subject: Subject, number: int, positions: int) -> tuple[int, int]:
    ids = torch.arange(number * positions).reshape(number, positions) % 5 + 1
    one = bytes_of_prompt(subject, ids, metric)
    return one.forward, one.gradient


def test_the_count_is_the_most_that_was_held_at_once() -> None:
    """A tensor let go counts no more; a view, a change in place and what was there before never do."""
    before = torch.ones(8 * _MB)
    with Counting() as count:
        first = before[: 2 * _MB] + 1
        del first
        second = torch.ones(3 * _MB)
        second.view(3, -1).mul_(2)
        before.add_(1)
        both = torch.cat([second, torch.ones(_MB)])
    assert count.most == (3 + 1 + 4) << 20
    assert both.numel() == 4 * _MB


def test_what_a_backward_pass_keeps_is_counted() -> None:
    """The graph's tensors are held until the backward pass lets go of them."""
    start = torch.ones(_MB, requires_grad=True)
    with Counting() as alone:
        start.detach().exp().exp().exp()
    with Counting() as kept:
        start.exp().exp().exp().sum().backward()  # type: ignore[no-untyped-call]
    assert alone.most == 2 << 20
    assert kept.most >= 4 << 20


def test_the_count_grows_with_prompts_and_is_the_same_again(subject: Subject) -> None:
    """Four prompts take nearly four times what one takes, and no more: so many are held to a batch."""
    once, four = of_prompts(subject, 1, 6), of_prompts(subject, 4, 6)
    assert once == of_prompts(subject, 1, 6)
    for one, more in zip(once, four, strict=True):
        assert 3.7 * one < more <= 4 * one


def budgeted(folder: Path, tmp_path: Path, more: int, offload: bool = False) -> tuple[Plan, int]:
    """The plan of 8 and 8 pairs with so many bytes beyond the least, and its budget."""
    sizes = sizes_of(folder, "float32")
    assert sizes is not None
    loads = [Load(8, 8, 6, 8)]
    with pytest.raises(EnvironmentUnavailableError) as refused:
        plan_for(sizes, loads, budget=BASE, base=BASE, spill=tmp_path, offload=offload)
    budget = bytes_of(refused.value.advice.split()[3]) + more
    plan = plan_for(sizes, loads, budget=budget, base=BASE, spill=tmp_path, offload=offload)
    return plan, budget


def test_a_budget_that_is_more_than_enough_bounds_nothing_and_counts_nothing(
    folder: Path, tmp_path: Path
) -> None:
    """With memory to spare the plan stays as it is, and no forward pass is spent on counting."""
    plan, budget = budgeted(folder, tmp_path, 1 << 30)
    assert plan.working is None
    subject = load_subject(folder, revision=None, dtype="float32", memory=plan)
    assert within(budget, subject, pairs(2, 0), "logit_difference") is plan
    assert subject.forwards == 0


def test_a_tight_budget_follows_the_count_and_finds_the_same(folder: Path, tmp_path: Path) -> None:
    """The longest pair is counted, and as many prompts run at once as its count says."""
    plan, budget = budgeted(folder, tmp_path, 0)
    assert plan.to_count
    subject = load_subject(folder, revision=None, dtype="float32", memory=plan)
    planned = within(budget, subject, pairs(8, 0), "logit_difference")
    assert planned.counted is not None
    assert planned.counted.positions == 6
    assert planned.sizes is not None
    each = planned.counted.gradient + 3 * planned.sizes.kept_gradients(6)
    twice = Plan(planned.sizes, working=2 * each, counted=planned.counted)
    assert twice.prompts(6, gradient=True) == 2
    assert twice.prompts(3, gradient=True) > 2
    assert found(folder, planned) == found(folder, twice) == found(folder, Plan())


def test_a_model_that_takes_more_than_estimated_is_refused_with_what_would_do(
    folder: Path, subject: Subject
) -> None:
    """The advice can be followed: with so much more the same count is accepted."""
    one = bytes_of_prompt(subject, torch.arange(6)[None], metric)
    plan = Plan(sizes_of(folder, "float32"), working=one.gradient // 2)
    with pytest.raises(EnvironmentUnavailableError, match="too small for one pair") as refused:
        plan.with_count(one, 1 << 30)
    least = bytes_of(refused.value.advice.split()[3])
    assert least > 1 << 30
    more = Plan(plan.sizes, working=one.gradient // 2 + least - (1 << 30))
    assert more.with_count(one, least).prompts(6, gradient=True) >= 1


def test_layers_that_are_read_when_they_run_are_not_counted(folder: Path, tmp_path: Path) -> None:
    """A plan whose layers are offloaded is not counted by a trial run."""
    plan, budget = budgeted(folder, tmp_path, 0, offload=True)
    subject = load_subject(folder, revision=None, dtype="float32", memory=plan)
    assert within(budget, subject, pairs(2, 0), "logit_difference").counted is None


_KEEPING = """
import re, sys, torch
from pathlib import Path
from auditkit.model.devices import give_back_at_once

def held():
    return int(re.search(r"^VmRSS:\\s*(\\d+)", Path("/proc/self/status").read_text(), re.M)[1]) >> 10

torch.ones(31 << 18)  # freed: from now on glibc keeps pieces as large as this
if sys.argv[1] == "at once":
    give_back_at_once()
before = held()
pieces = [torch.ones(1 << 18) for _ in range(128)]
last = torch.ones(1 << 18)
pieces.clear()
print(held() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's way with freed memory")
def test_freed_memory_is_given_back_at_once() -> None:
    """128 pieces of 1 MiB are gone when they are freed though one made after them stays."""

    def kept(how: str) -> int:
        command = [sys.executable, "-c", _KEEPING, how]
        return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    assert kept("at once") < 16
    assert kept("later") > 100
