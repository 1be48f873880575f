"""What capturing costs beside the plain forward pass, and whether a run keeps to its memory budget.

    python -m benchmarks.capture [--quick]

A model of GPT-2-small size with random weights, on the graphics device where there is one. *Overhead*: the
forward pass alone and the same with every head's output captured, each first in every other round, as the
median of the rounds' ratios. *Memory*: for each of three budgets a process of its own loads the model, runs
and differentiates pairs, trains autoencoders and replaces heads, as an audit does. It takes as many pairs as
fill two of the batches that the budget allows, so that the budget is needed; its highest memory is printed
beside the budget. Exit 1 where capture costs more than 5 % or a peak is further than 10 % from its budget.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from tokenizers import Tokenizer, models
from transformers import GPT2Config, GPT2LMHeadModel

from auditkit.cli import run as _the_command_line  # what a run holds besides the model
from auditkit.identifying.activations import MeanOutputs, within
from auditkit.identifying.attribution import attribute
from auditkit.identifying.interventions import Intervention
from auditkit.identifying.mechanism import observe
from auditkit.model.devices import called, device_of, peak_memory
from auditkit.model.loading import load_subject
from auditkit.model.memory import BASE, Load, Plan, plan_for
from auditkit.model.sizes import sizes_of
from auditkit.model.subject import Subject
from auditkit.policy.specifying import STANDARD
from auditkit.prompts.pairs import ResolvedPair
from auditkit.records.prompts import PromptPair
from auditkit.records.specification import Attribution

MOST_OVERHEAD = 0.05
BAND = 0.10
_VOCABULARY = 50257
_MOST_PAIRS = 512


@dataclass(frozen=True)
class Extent:
    """How much is run: rounds and positions of the overhead; budgets in MiB, and the pairs' positions.

    A forward pass of the overhead takes ``prompts`` of so many ``positions``; ``replaced`` is how many
    sets of heads are replaced on each set of pairs.
    """

    rounds: int
    prompts: int
    positions: int
    budgets: tuple[int, int, int]
    pair_positions: int
    attribution: Attribution
    replaced: int


FULL = Extent(31, 8, 128, (1280, 1664, 2048), 64, "halfway", 16)
QUICK = Extent(61, 2, 64, (1280, 1408, 1536), 32, "single", 2)


def main() -> int:
    """Measure, print, and say by the exit code whether both targets are met."""
    parser = argparse.ArgumentParser(prog="benchmarks.capture")
    parser.add_argument("--quick", action="store_true", help="small budgets, short prompts")
    parser.add_argument("--within", nargs=2, metavar=("FOLDER", "BYTES"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    extent = QUICK if options.quick else FULL
    torch.set_num_threads(1)
    if options.within:
        folder, budget = options.within
        print(json.dumps(within_budget(Path(folder), int(budget), extent)))
        return 0
    with tempfile.TemporaryDirectory(prefix="auditkit-capture-") as scratch:
        folder = saved_model(Path(scratch))
        print(f"device: {called(device_of('auto'))}, torch {torch.__version__}, 1 thread")
        met = [overhead_is_met(folder, extent)]
        met += [peak_is_met(folder, budget, quick=options.quick) for budget in extent.budgets]
    return 0 if all(met) else 1


def overhead_is_met(folder: Path, extent: Extent) -> bool:
    """Measure and print what capture costs; whether it is within the target."""
    ratios = overhead(folder, extent)
    low, middle, high = statistics.quantiles(ratios, n=4)
    print(
        f"capture beside the plain forward pass: {middle - 1:+.1%} (at most {MOST_OVERHEAD:+.0%});"
        f" {len(ratios)} rounds, the middle half from {low - 1:+.1%} to {high - 1:+.1%}",
        flush=True,
    )
    return middle - 1 <= MOST_OVERHEAD


def peak_is_met(folder: Path, budget: int, *, quick: bool) -> bool:
    """Measure and print the peak of a process that works within this budget in MiB."""
    command = [sys.executable, "-m", "benchmarks.capture", *(["--quick"] if quick else [])]
    command += ["--within", str(folder), str(budget << 20)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603 - ourselves
    found: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    ratio = found["peak"] / (budget << 20)
    print(
        f"budget {budget} MiB: peak {found['peak'] >> 20} MiB, {ratio:.1%} of it (90 % to 110 %);"
        f" {found['pairs']} pairs, {found['at_once']} at once in a backward pass",
        flush=True,
    )
    return abs(ratio - 1) <= BAND


def saved_model(folder: Path) -> Path:
    """A folder with random weights of GPT-2-small size."""
    torch.manual_seed(0)
    config = GPT2Config(bos_token_id=None, eos_token_id=None)
    GPT2LMHeadModel(config).save_pretrained(folder)
    Tokenizer(models.WordLevel({"a": 0}, unk_token="a")).save(str(folder / "tokenizer.json"))  # noqa: S106
    return folder


def overhead(folder: Path, extent: Extent) -> list[float]:
    """How many times as long a captured forward pass takes as a plain one, per round."""
    device = device_of("auto")
    subject = load_subject(folder, revision=None, dtype="float32", device=device)
    draw = torch.Generator().manual_seed(0)
    ids = torch.randint(_VOCABULARY, (extent.prompts, extent.positions), generator=draw).to(device)
    ratios = []
    for number in range(extent.rounds + 1):
        works = {"plain": lambda: subject.logits(ids), "captured": lambda: subject.capture(ids)}
        order = sorted(works, reverse=bool(number % 2))
        seconds = {name: _seconds(works[name], device) for name in order}
        if number:  # the first pays for what is made once
            ratios.append(seconds["captured"] / seconds["plain"])
    return ratios


def _seconds(work: Callable[[], object], device: torch.device) -> float:
    """On a processor the seconds of this thread alone: other programs' turns are not in them."""
    clock = time.perf_counter if device.type == "cuda" else time.thread_time
    start = clock()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return clock() - start


def within_budget(folder: Path, budget: int, extent: Extent) -> dict[str, int]:
    """Work as an audit does, within a budget: the most memory held, the pairs, and how many ran at once."""
    device = device_of("auto")
    assert _the_command_line is not None  # noqa: S101
    with tempfile.TemporaryDirectory() as spill:
        sizes = sizes_of(folder, "float32")
        assert sizes is not None  # noqa: S101 - saved_model states them

        def planned(load: Load) -> Plan:
            base = BASE if device.type == "cpu" else 0
            return plan_for(
                sizes, [load], budget=budget, base=base, spill=Path(spill), offload=False
            )

        whole = Plan(sizes, working=budget)
        subject = load_subject(folder, revision=None, dtype="float32", device=device, memory=whole)
        one = within(budget, subject, _pairs(1, extent.pair_positions, 0), STANDARD.metric).counted
        load, subject.memory = filling(lambda load: replace(planned(load), counted=one), extent)
        discovery = _pairs(load.discovery, load.positions, 0)
        work(subject, discovery, _pairs(load.test, load.positions, 1), extent)
        return {
            "peak": peak_memory(device),
            "pairs": load.discovery,
            "at_once": subject.memory.prompts(load.positions, gradient=True),
        }


def filling(planned: Callable[[Load], Plan], extent: Extent) -> tuple[Load, Plan]:
    """The smallest load of which the discovery pairs take two full batches, and its plan."""
    for pairs in range(2, _MOST_PAIRS):
        load = _load_of(pairs, extent)
        plan = planned(load)
        if plan.working is not None and 2 * plan.prompts(load.positions, gradient=True) <= pairs:
            return load, plan
    raise SystemExit(f"{_MOST_PAIRS} pairs do not fill the budget")


def _load_of(pairs: int, extent: Extent) -> Load:
    return Load(pairs, pairs // 2, extent.pair_positions, STANDARD.autoencoder.latents)


def work(
    subject: Subject,
    discovery: Sequence[ResolvedPair],
    test: Sequence[ResolvedPair],
    extent: Extent,
) -> None:
    """Both sets of pairs, their gradients, autoencoders, and heads replaced under both ablations."""
    settings = STANDARD.model_copy(update={"attribution": extent.attribution})
    on_test = observe(subject, test, settings, attributed=False, positives=False)
    captured = observe(subject, discovery, settings, attributed=True)
    attribute(captured, settings.autoencoder, 0, 1.0)
    means = MeanOutputs.over(captured)
    heads = [frozenset([head]) for head in subject.heads[: extent.replaced]]
    Intervention(subject, captured, "resample", means).metrics(heads)
    Intervention(subject, on_test, "mean", means).metrics(heads)


def _pairs(number: int, positions: int, seed: int) -> tuple[ResolvedPair, ...]:
    draw = torch.Generator().manual_seed(seed)
    ids = torch.randint(_VOCABULARY, (number, 2, positions), generator=draw).tolist()
    text = PromptPair(positive="p", negative="n", answers=("a",), wrong=("w",))
    return tuple(
        ResolvedPair(text, tuple(positive), tuple(negative), (7,), (8,))
        for positive, negative in ids
    )


if __name__ == "__main__":
    sys.exit(main())
