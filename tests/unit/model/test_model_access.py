"""Fingerprint, location of heads, capture and patching, against ways of doing it by hand."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from pathlib import Path

import pytest
import torch
from transformers import PreTrainedModel

from auditkit.errors import ModelError
from auditkit.model.fingerprint import fingerprint
from auditkit.model.loading import load_subject
from auditkit.model.locating import locate_heads
from auditkit.model.memory import Plan
from auditkit.model.subject import Patch, Subject
from auditkit.records.specification import TaskKind
from tests.toy_models import gpt2, llama, save

IDS = torch.tensor([[1, 2, 4, 6, 1], [1, 3, 5, 6, 1]])


@pytest.fixture(params=[gpt2, llama], ids=["gpt2", "llama"])
def model(request: pytest.FixtureRequest) -> PreTrainedModel:
    built: PreTrainedModel = request.param()
    return built


@pytest.fixture
def subject(model: PreTrainedModel, tmp_path: Path) -> Subject:
    return load_subject(save(model, tmp_path / "toy"), revision=None, dtype="float32")


def projections(model: PreTrainedModel) -> list[torch.nn.Module]:
    """The output projections, named by hand for the two families."""
    names = [f"transformer.h.{i}.attn.c_proj" for i in (0, 1)]
    if not hasattr(model, "transformer"):
        names = [f"model.layers.{i}.self_attn.o_proj" for i in (0, 1)]
    return [model.get_submodule(name) for name in names]


def test_heads_are_located_with_their_true_width(subject: Subject, model: PreTrainedModel) -> None:
    """Layers, heads and width come from what ran, not from hidden size divided by heads."""
    heads = 3 if hasattr(model, "transformer") else 4
    width = 4 if heads == 3 else 6
    assert [(at.index, at.n_heads, at.d_head) for at in subject.identity.layers] == [
        (0, heads, width),
        (1, heads, width),
    ]
    assert len(subject.heads) == 2 * heads


def test_heads_of_two_models_are_located_at_the_same_time() -> None:
    """Threads that locate heads do not note each other's: each model has its own layers and widths."""
    models = [llama(), gpt2()]
    alone = [[(each.name, each.n_heads, each.d_head) for each in locate_heads(m)] for m in models]
    found: list[list[tuple[str, int, int]]] = [[], []]

    def many(place: int) -> None:
        for _ in range(20):
            located = [
                (each.name, each.n_heads, each.d_head) for each in locate_heads(models[place])
            ]
            found[place] += [] if located == alone[place] else located

    threads = [threading.Thread(target=many, args=(place,)) for place in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [[], []]


def test_capture_reads_the_input_of_the_output_projection(
    subject: Subject, model: PreTrainedModel
) -> None:
    """What is captured equals what a hook put there by hand sees, and the logits are the model's."""
    seen: list[torch.Tensor] = []
    hooks = [
        module.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
        for module in projections(model)
    ]
    with torch.no_grad():
        logits = model(input_ids=IDS).logits[:, -1]
    for hook in hooks:
        hook.remove()
    captured_logits, outputs = subject.capture(IDS)
    assert torch.allclose(captured_logits, logits, atol=1e-6)
    for mine, by_hand in zip(outputs, seen, strict=True):
        assert torch.allclose(mine.flatten(2), by_hand, atol=1e-6)


def test_zeroing_one_head_removes_exactly_its_contribution(
    subject: Subject, model: PreTrainedModel
) -> None:
    """Patching a head with zeros equals zeroing its rows of the projection's weight."""
    layer, head = 1, 2
    _, outputs = subject.capture(IDS)
    masks = [torch.zeros(2, z.shape[2], dtype=torch.bool) for z in outputs]
    masks[layer][:, head] = True
    zeros = tuple(torch.zeros_like(z) for z in outputs)
    patched = subject.logits(IDS, Patch(tuple(masks), zeros))
    module = projections(model)[layer]
    width = outputs[layer].shape[3]
    rows = slice(head * width, (head + 1) * width)
    with torch.no_grad():
        if hasattr(model, "transformer"):
            module.get_parameter("weight")[rows] = 0
        else:
            module.get_parameter("weight")[:, rows] = 0
        by_hand = model(input_ids=IDS).logits[:, -1]
    assert torch.allclose(patched, by_hand, atol=1e-5)


def test_a_patch_acts_on_its_rows_and_heads_only(subject: Subject) -> None:
    """A row without a mask gives what the unpatched model gives."""
    plain, outputs = subject.capture(IDS)
    masks = [torch.zeros(2, z.shape[2], dtype=torch.bool) for z in outputs]
    masks[0][1, 0] = True
    swapped = tuple(z.flip(0) for z in outputs)
    patched = subject.logits(IDS, Patch(tuple(masks), swapped))
    assert torch.allclose(patched[0], plain[0], atol=1e-6)
    assert not torch.allclose(patched[1], plain[1], atol=1e-3)


def test_scores_that_are_not_finite_under_a_patch_are_refused(subject: Subject) -> None:
    """A replacement that the model cannot carry ends the run; it is no effect of any size."""
    _, outputs = subject.capture(IDS)
    masks = [torch.ones(2, z.shape[2], dtype=torch.bool) for z in outputs]
    endless = tuple(torch.full_like(z, float("inf")) for z in outputs)
    with pytest.raises(ModelError, match="scores with heads replaced are not finite"):
        subject.logits(IDS, Patch(tuple(masks), endless))


def test_the_gradient_predicts_a_small_change_of_a_head(subject: Subject) -> None:
    """Moving one head's output a little changes the metric by gradient times movement."""

    def measure(logits: torch.Tensor) -> torch.Tensor:
        return logits[:, 2] - logits[:, 3]

    metric, outputs, gradient = subject.capture_with_gradient(IDS, measure)
    torch.manual_seed(1)
    step = tuple(1e-3 * torch.randn_like(z) for z in outputs)
    masks = [torch.zeros(2, z.shape[2], dtype=torch.bool) for z in outputs]
    masks[0][:, 1] = True
    moved = tuple(z + d for z, d in zip(outputs, step, strict=True))
    change = measure(subject.logits(IDS, Patch(tuple(masks), moved))) - metric
    predicted = (gradient[0] * step[0])[:, :, 1].sum((1, 2))
    assert torch.allclose(change, predicted, rtol=0.05, atol=1e-5)


def test_forwards_are_counted_per_prompt(subject: Subject) -> None:
    """Two prompts in one batch are two forwards."""
    before = subject.forwards
    subject.capture(IDS)
    subject.logits(IDS)
    assert subject.forwards - before == 4


def test_the_fingerprint_is_that_of_openssf_model_signing(tmp_path: Path) -> None:
    """The root is SHA-256 over the files' raw digests in path order; weights have their own."""
    folder = save(gpt2(), tmp_path / "toy")
    raw = b"".join(hashlib.sha256(path.read_bytes()).digest() for path in sorted(folder.rglob("*")))
    assert fingerprint(folder).root_digest == f"sha256:{hashlib.sha256(raw).hexdigest()}"


def test_any_change_of_a_file_changes_the_manifest(tmp_path: Path) -> None:
    """A byte, a name, or a file more: each gives another manifest digest."""
    folder = save(gpt2(), tmp_path / "toy")
    before = fingerprint(folder)
    (folder / "config.json").rename(folder / "config2.json")
    renamed = fingerprint(folder)
    (folder / "config2.json").rename(folder / "config.json")
    (folder / "extra.txt").write_text("x")
    added = fingerprint(folder)
    assert len({f.manifest_digest for f in (before, renamed, added)}) == 3
    assert before.weights_digest == renamed.weights_digest == added.weights_digest


def test_hidden_files_are_left_out(tmp_path: Path) -> None:
    """A version control folder or a download cache is not the model."""
    folder = save(gpt2(), tmp_path / "toy")
    before = fingerprint(folder)
    (folder / ".cache").mkdir()
    (folder / ".cache" / "x").write_text("x")
    (folder / ".gitignore").write_text("x")
    assert fingerprint(folder) == before


@pytest.mark.parametrize("kind", ["link", "folder link", "pipe"])
def test_what_is_not_a_plain_file_is_refused(tmp_path: Path, kind: str) -> None:
    """The bytes hashed must be the bytes loaded: no links, no pipes."""
    folder = save(gpt2(), tmp_path / "toy")
    odd = folder / "odd"
    if kind == "link":
        odd.symlink_to(folder / "config.json")
    elif kind == "folder link":
        odd.symlink_to(tmp_path)
    else:
        os.mkfifo(odd)
    with pytest.raises(ModelError, match=r"odd: not a plain file"):
        fingerprint(folder)


@pytest.mark.parametrize("shard", ["../outside.safetensors", "/etc/outside.safetensors"])
def test_an_index_cannot_name_a_shard_outside_the_folder(tmp_path: Path, shard: str) -> None:
    """transformers would load it; it would not have been hashed."""
    folder = save(gpt2(), tmp_path / "toy")
    index = {"metadata": {}, "weight_map": {"transformer.wte.weight": shard}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(ModelError, match=r"outside\.safetensors"):
        fingerprint(folder)


def test_a_model_that_mixes_heads_before_projecting_is_refused(tmp_path: Path) -> None:
    """Something between attention and projection: said, not guessed."""
    from auditkit.model.locating import locate_heads

    model = gpt2()
    model.get_submodule("transformer.h.1.attn.c_proj").register_forward_pre_hook(
        lambda _, args: (args[0].flip(-1),), prepend=True
    )
    with pytest.raises(ModelError, match="cannot be read one by one"):
        locate_heads(model)


def test_weights_that_change_while_loading_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was hashed before loading must still be there after it."""
    from auditkit.model import loading

    folder = save(gpt2(), tmp_path / "toy")
    load = loading._load

    def load_and_swap(
        path: Path, dtype: loading.Dtype, kind: TaskKind, device: torch.device, memory: Plan
    ) -> PreTrainedModel:
        model = load(path, dtype, kind, device, memory)
        save(gpt2(seed=1), path)
        return model

    monkeypatch.setattr(loading, "_load", load_and_swap)
    with pytest.raises(ModelError, match="changed while"):
        load_subject(folder, revision=None, dtype="float32")
