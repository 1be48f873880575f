"""Direct paths between heads: against hooks of the test's own, and where they are known by construction."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from auditkit.circuits.effects import EMPTY_CIRCUIT
from auditkit.circuits.methods import Found
from auditkit.circuits.paths import NO_PATHS, NO_PATHS_SOUGHT, asked_pairs, edges_of
from auditkit.controls.construction import build
from auditkit.controls.family import FAMILY
from auditkit.identifying.activations import MeanOutputs, capture
from auditkit.identifying.batches import batches_of
from auditkit.identifying.interventions import Intervention
from auditkit.identifying.mechanism import Question, examine
from auditkit.identifying.paths import patch_paths
from auditkit.model.loading import load_subject
from auditkit.model.subject import Subject
from auditkit.policy.specifying import STANDARD
from auditkit.progress import NoProgress
from auditkit.records.causal import Causal, Paths
from auditkit.records.specification import Specification
from tests.builders import patched, specification
from tests.toy_audits import pairs
from tests.toy_models import gpt2, save

HEADS = ("0.0", "0.2", "1.1")


def asking(paths: int) -> Specification:
    base = specification()
    return base.model_copy(update={"patching": base.patching.model_copy(update={"paths": paths})})


def put_into(
    subject: Subject, layer: int, head: int, z: Tensor, seen: list[Tensor]
) -> list[object]:
    """Hooks that have one head put out ``z``, and that note what layer 1 puts out before that."""

    def put(_: nn.Module, args: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        changed = args[0].clone()
        changed[0, :, 4 * head : 4 * head + 4] = z
        return (changed,)

    modules = [subject._model.get_submodule(f"transformer.h.{i}.attn.c_proj") for i in (0, 1)]
    note = modules[1].register_forward_pre_hook(lambda _, args: seen.append(args[0].clone()))
    return [note, modules[layer].register_forward_pre_hook(put)]


def run(subject: Subject, ids: Tensor, layer: int, head: int, z: Tensor) -> tuple[float, Tensor]:
    """The metric, and what layer 1 put out, when one head puts out ``z``."""
    seen: list[Tensor] = []
    handles = put_into(subject, layer, head, z, seen)
    with torch.no_grad():
        logits = subject._model(ids[None]).logits[0, -1]
    for handle in handles:
        handle.remove()  # type: ignore[attr-defined]
    return float(logits[3] - logits[4]), seen[0][0]


def test_a_path_is_what_hooks_measure(tmp_path: Path) -> None:
    """The source on the other prompt, what the target then puts out, and the loss when it puts out that."""
    subject = load_subject(save(gpt2(), tmp_path / "toy"), revision=None, dtype="float32")
    batches = batches_of(pairs(6, 3), "logit_difference", subject.vocabulary_size)
    captured = capture(subject, batches, "single")
    intervention = Intervention(subject, captured, "resample", MeanOutputs.over(captured))
    intervention.task_effect = 1.0
    measurements = [patched(head, "0.5000") for head in HEADS]
    paths = patch_paths(subject, intervention, captured, HEADS, measurements, asking(64))
    assert isinstance(paths, Paths)
    assert [(each.source, each.target) for each in paths.tried] == [("0.0", "1.1"), ("0.2", "1.1")]
    outputs = {}
    for item in captured:
        for row, place in enumerate(item.batch.places):
            outputs[place] = (item.positive[0][row], item.negative[0][row], item.positive[1][row])
    for each in paths.tried:
        source = int(each.source[-1])
        for place, pair in enumerate(pairs(6, 3)):
            ids = torch.tensor(pair.positive_ids)
            _, negative, positive = outputs[place]
            _, reached = run(subject, ids, 0, source, negative[:, source])
            clean, _ = run(subject, ids, 1, 1, positive[:, 1])
            changed, _ = run(subject, ids, 1, 1, reached[:, 4:8])
            assert float(each.effects[place]) == pytest.approx(clean - changed, abs=2e-4)


EDGES = {
    "lookup-hard": {("subject", "recall")},
    "swapped-hard": {("owner", "recall")},
    "backup-hard": {("subject", "recall"), ("recall", "mover")},
}
"""What reads what differs between the prompts, as it is written into the weights.

A head that opposes reads what its rival reads.
"""


@pytest.mark.parametrize("name", EDGES)
def test_the_edges_of_a_planted_circuit_are_those_that_were_planted(name: str) -> None:
    """Readers of a planted signal have an edge from its writer, and no two heads have one otherwise."""
    (plan,) = [each for each in FAMILY if each.name == name]
    control = build(plan)
    role = {each.head: each.role for each in control.planted}
    settings = STANDARD.model_copy(
        update={
            "metric": "logit_difference",
            "examples": 10,
            "max_examples": 10,
            "autoencoder": STANDARD.autoencoder.model_copy(update={"seeds": 1, "steps": 5}),
        }
    )
    subject = control.subject()
    question = Question(control.discovery, (), control.test, declared=())
    _, found = examine(subject, question, settings, name, NoProgress())
    assert isinstance(found, Found)
    assert isinstance(found.causal, Causal)
    assert isinstance(found.causal.paths, Paths)
    edges = {
        (role[each.source], role[each.target])
        for each in edges_of(found.causal.paths, settings.thresholds)
    }
    rival = "mover" if plan.relayed else "recall"
    seen = {(source, rival if target == "opposing" else target) for source, target in edges}
    assert seen == EDGES[name]


def test_too_many_pairs_leave_out_the_smallest() -> None:
    """The pairs with the smallest effects are left out and counted."""
    measurements = [patched("0.0", "0.1000"), patched("0.2", "0.9000"), patched("1.1", "0.5000")]
    assert asked_pairs(HEADS, measurements, 1) == [("0.2", "1.1")]
    assert asked_pairs(HEADS, measurements, 64) == [("0.0", "1.1"), ("0.2", "1.1")]


def test_no_paths_are_absent_for_a_reason(tmp_path: Path) -> None:
    """None asked for, no circuit, and a circuit within one layer are told apart."""
    subject = load_subject(save(gpt2(), tmp_path / "toy"), revision=None, dtype="float32")
    batches = batches_of(pairs(4, 3), "logit_difference", subject.vocabulary_size)
    captured = capture(subject, batches)
    intervention = Intervention(subject, captured, "resample", MeanOutputs.over(captured))
    measurements = [patched(head, "0.5000") for head in HEADS]

    def absent(circuit: tuple[str, ...], paths: int) -> object:
        return patch_paths(subject, intervention, captured, circuit, measurements, asking(paths))

    assert absent(HEADS, 0) == NO_PATHS_SOUGHT
    assert absent((), 4) == EMPTY_CIRCUIT
    assert absent(("0.0", "0.2"), 4) == NO_PATHS
