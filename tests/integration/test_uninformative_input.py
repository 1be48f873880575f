"""Input that can be run and shows nothing, or less than it seems: each is told, none is a silent zero."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from auditkit.prompts.generators import generate
from auditkit.prompts.tokens import Tokenizer
from auditkit.records.prompts import PromptPair
from tests.conftest import CommandLine
from tests.policies import IOI_HEADS, REFERENCE

DOCSTRING_HEADS = ["0.0", "0.2", "0.3", "0.5", "0.7"]

POLICY = """\
auditkit: 1
system:
  name: A
  version: "1"
  intended_purpose: B
  provider: {{name: C, address: D, email: E}}
declared_by: {{name: F, role: G}}
model: {{path: model, dtype: {dtype}}}
report: {{formats: [html]}}
defaults: {{test_examples: 20, stability_draws: 20, random_sets: 0{examples}}}
tasks:
"""
TASK = "  - {{id: {name}, title: H, prompts: {prompts}, expected: {{heads: {heads}}}}}\n"

Tensors = dict[str, torch.Tensor]
Run = Callable[..., tuple[int, dict[str, dict[str, Any]], str]]


@pytest.fixture
def run(tmp_path: Path, auditkit_here: CommandLine) -> Run:
    """Audits the reference model, its tensors changed first: exit code, recorded tasks by id, errors."""

    def audited(
        change: Callable[[Tensors], object] = lambda tensors: tensors,
        dtype: str = "float32",
        examples: str = "",
        **tasks: list[str],  # the heads expected, by generator, or `file` for pairs.jsonl
    ) -> tuple[int, dict[str, dict[str, Any]], str]:
        folder = tmp_path / dtype
        shutil.copytree(REFERENCE, folder / "model")
        tensors = load_file(folder / "model" / "model.safetensors")
        change(tensors)
        save_file(tensors, folder / "model" / "model.safetensors", metadata={"format": "pt"})
        declared = tasks or {"ioi": IOI_HEADS}
        text = "".join(
            TASK.format(
                name=name,
                heads=json.dumps(heads),
                prompts="{file: ../pairs.jsonl}" if name == "file" else f"{{generator: {name}}}",
            )
            for name, heads in declared.items()
        )
        (folder / "policy.yaml").write_text(POLICY.format(dtype=dtype, examples=examples) + text)
        outcome = auditkit_here("run", folder / "policy.yaml", "--out", folder / "out", "--quiet")
        records = list((folder / "out").glob("*/evidence.json"))
        recorded = json.loads(records[0].read_bytes())["tasks"] if records else []
        return outcome.code, {task["id"]: task for task in recorded}, outcome.err

    return audited


def codes_of(task: dict[str, Any]) -> set[str]:
    """The codes of a recorded task's findings."""
    return {finding["code"] for finding in task["findings"]}


def test_prompts_that_come_again_with_another_negative_are_told(run: Run, tmp_path: Path) -> None:
    """Fifteen prompts with two negatives each are no thirty examples; the pairs are kept and counted."""
    pairs = generate("ioi", Tokenizer.from_folder(REFERENCE), 15, 0, "discovery")
    entries = [
        {"positive": p.positive, "negative": negative, "answer": p.answers, "wrong": p.wrong}
        for p in pairs
        for negative in (p.negative, _other_negative(p))
    ]
    (tmp_path / "pairs.jsonl").write_text("".join(json.dumps(each) + "\n" for each in entries))
    _, tasks, told = run(examples=", examples: 10", file=IOI_HEADS)
    assert "file" in tasks, told
    examples = tasks["file"]["examples"]
    assert (examples["discovery"]["n"], examples["discovery"]["repeated"]) == (10, 5)
    assert (examples["test"]["n"], examples["test"]["repeated"]) == (20, 10)
    assert "repeated_prompts" in codes_of(tasks["file"])


def _other_negative(pair: PromptPair) -> str:
    """The pair's negative with another stranger in place of the first one."""
    was, now = next(
        (a, b) for a, b in zip(pair.positive.split(), pair.negative.split(), strict=True) if a != b
    )
    other = "Timmy" if now.strip(",") != "Timmy" else "Molly"
    return pair.positive.replace(was, was.replace(was.strip(","), other), 1)


def test_a_task_the_model_was_not_trained_on_is_not_assessed(run: Run) -> None:
    """The reference model does not do induction: no mechanism is stated, and the exit is 3."""
    code, tasks, _ = run(induction=["0.0"])
    assert (code, tasks["induction"]["verdict"]) == (3, "not_assessed")
    assert tasks["induction"]["behaviour"]["state"] == "not_observed"
    assert not {"constant_metric", "repeated_prompts"} & codes_of(tasks["induction"])


@pytest.mark.parametrize("same_scores", [True, False], ids=["all zero", "by token"])
def test_scores_that_do_not_depend_on_the_prompt_are_told(run: Run, same_scores: bool) -> None:
    """A metric that no prompt changes is named as such; no mechanism is claimed, and the exit is 3."""

    def blind(tensors: Tensors) -> None:
        tensors["transformer.ln_f.weight"].zero_()
        if same_scores:
            tensors["transformer.ln_f.bias"].zero_()

    code, tasks, _ = run(blind)
    task = tasks["ioi"]
    assert (code, task["verdict"], task["causal"]["state"]) == (3, "not_assessed", "not_assessed")
    assert "constant_metric" in codes_of(task)
    distinct = set(task["behaviour"]["positive_values"])
    assert (distinct == {"0.0000"}) == same_scores


def test_values_that_are_not_numbers_are_placed(run: Run) -> None:
    """Damaged weights that only long prompts reach end the run: exit 6, with head, prompt and pair."""

    def spoil(tensors: Tensors) -> None:
        tensors["transformer.wpe.weight"][12] = float("nan")

    code, tasks, told = run(spoil)
    assert (code, tasks) == (6, {})
    assert "(NaN or infinity): first in head 0.0 on the positive of test pair " in told
    assert "check the weights, or declare model.dtype: float32" in told


def large_at_one_place(tensors: Tensors) -> None:
    """Large numbers that single precision holds; half precision does not hold their sum."""
    wide = torch.tensor([65504.0, -65504.0]).repeat(64)
    tensors["transformer.wpe.weight"][12] = wide
    tensors["transformer.h.0.attn.c_proj.bias"] += 100 * wide.sign()


def test_half_precision_that_overflows_is_placed(run: Run) -> None:
    """What becomes infinite on the way is named where it shows, and single precision is advised."""
    code, tasks, told = run(large_at_one_place, "float16")
    assert (code, tasks) == (6, {})
    assert "(NaN or infinity): first in head 1.0 on the positive of test pair " in told
    assert "declare model.dtype: float32" in told
    assert run(large_at_one_place, "float32")[0] in {0, 1, 3}


def test_half_precision_that_overflows_on_every_prompt_is_placed(run: Run) -> None:
    """The first head that shows it is named before any prompt is run."""

    def enlarge(tensors: Tensors) -> None:
        tensors["transformer.h.1.mlp.c_proj.bias"] += 1e6

    code, _, told = run(enlarge, "float16")
    assert code == 6
    assert "running it gives numbers that are not finite, first in head 2.0" in told
    assert "too large for model.dtype" in told


def test_heads_that_put_out_the_same_everywhere_are_named(run: Run) -> None:
    """Heads without value weights are listed and told of, whether a bias is left to them or nothing."""

    def silence(tensors: Tensors) -> None:
        for head in (2, 5):
            columns = slice(256 + 16 * head, 256 + 16 * (head + 1))  # queries, keys, then values
            tensors["transformer.h.3.attn.c_attn.weight"][:, columns] = 0
            if head == 5:
                tensors["transformer.h.3.attn.c_attn.bias"][columns] = 0

    code, tasks, _ = run(silence)
    assert code == 0
    assert tasks["ioi"]["codes"]["unvarying"] == ["3.2", "3.5"]
    assert "unvarying_heads" in codes_of(tasks["ioi"])
    owned = {h["head"]: h for h in tasks["ioi"]["codes"]["heads"]}
    for head in ("3.2", "3.5"):
        assert set(owned[head]["effects"]) == {"0.0000"}
        assert owned[head]["support"] == 0


@pytest.mark.slow
def test_bfloat16_finds_the_heads_that_float32_finds(run: Run) -> None:
    """Weights stored and run in bfloat16 give the same circuits, and the record says which format."""

    def shorten(tensors: Tensors) -> None:
        tensors.update({name: each.to(torch.bfloat16) for name, each in tensors.items()})

    expected = {"ioi": IOI_HEADS, "docstring": DOCSTRING_HEADS}
    found = {}
    for dtype, change in (("float32", lambda tensors: tensors), ("bfloat16", shorten)):
        code, tasks, told = run(change, dtype, **expected)
        assert code == 0, told
        found[dtype] = {
            name: sorted(task["comparison"]["matched"] + task["comparison"]["extra"])
            for name, task in tasks.items()
        }
        assert all(task["codes"]["unvarying"] == [] for task in tasks.values())
    assert found["float32"] == found["bfloat16"] == expected
