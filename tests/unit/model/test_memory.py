"""Batches within a memory budget, layers read from files, tensors on the model's device: same results."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate.utils import PrefixedDataset  # type: ignore[import-untyped]
from torch import Tensor
from transformers import PreTrainedModel

from auditkit.errors import EnvironmentUnavailableError
from auditkit.identifying.mechanism import find_unique_codes, investigate, observe
from auditkit.model.devices import device_of, peak_memory
from auditkit.model.loading import Dtype, load_subject
from auditkit.model.memory import BASE, Load, Plan, bytes_of, plan_for
from auditkit.model.sizes import sizes_of
from auditkit.model.subject import Patch, Subject
from tests.builders import specification
from tests.devices import OnNoDevice
from tests.toy_audits import alike, found, pairs, question_of, run_whole
from tests.toy_models import gpt2, llama, save

IDS = torch.tensor([[1, 2, 4, 6, 1], [1, 3, 5, 6, 1]])


@pytest.fixture(params=[gpt2, llama], ids=["gpt2", "llama"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    model: PreTrainedModel = request.param()
    return save(model, tmp_path / "model")


def test_one_pair_at_a_time_in_files_gives_the_same(folder: Path, tmp_path: Path) -> None:
    """However few run at once and wherever outputs are kept, the same is found, but for a last digit."""
    sizes = sizes_of(folder, "float32")
    (tmp_path / "spill").mkdir()
    one = Plan(sizes=sizes, working=1, spill=tmp_path / "spill")
    assert one.prompts(6, gradient=True) == one.prompts(6, gradient=False) == 1
    assert alike(found(folder, one), found(folder, Plan()))
    assert list((tmp_path / "spill").iterdir())


def test_a_budget_bounds_the_prompts_of_every_pass(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No forward pass takes more prompts than the plan says."""
    seen: list[int] = []
    forward = Subject._forward

    def noting(self: Subject, ids: Tensor, types: Tensor | None = None) -> Tensor:
        seen.append(ids.shape[0])
        return forward(self, ids, types)

    monkeypatch.setattr(Subject, "_forward", noting)
    sizes = sizes_of(folder, "float32")
    assert sizes is not None
    found(folder, Plan(sizes=sizes, working=3 * sizes.gradient(6)))
    gradients = 3 * sizes.gradient(6) // sizes.forward(5)
    assert 3 <= max(seen) <= gradients < 256


def test_a_budget_below_one_pair_is_refused_with_the_least_that_would_do(
    folder: Path, tmp_path: Path
) -> None:
    """The advice can be followed: the size that it names is enough."""
    sizes = sizes_of(folder, "float32")
    assert sizes is not None
    loads = [Load(8, 8, 6, 8)]
    with pytest.raises(EnvironmentUnavailableError, match="too small for one pair") as refused:
        plan_for(sizes, loads, budget=BASE, base=BASE, spill=tmp_path, offload=False)
    least = refused.value.advice.split()[3]
    plan_for(sizes, loads, budget=bytes_of(least), base=BASE, spill=tmp_path, offload=False)


def offloaded(folder: Path, tmp_path: Path) -> Subject:
    """The model with as few layers in memory as possible."""
    sizes = sizes_of(folder, "float32")
    assert sizes is not None
    resident = sizes.outside + sizes.largest
    memory = Plan(sizes=sizes, resident=resident, folder=tmp_path)
    return load_subject(folder, revision=None, dtype="float32", memory=memory)


def test_layers_read_from_files_give_the_same_bits(folder: Path, tmp_path: Path) -> None:
    """Logits, outputs, patches, both kinds of gradient and the projections' weights are equal."""
    there, here = offloaded(folder, tmp_path), load_subject(folder, revision=None, dtype="float32")
    placed: Any = there._model.hf_device_map
    assert "disk" in placed.values()
    assert any(p.device.type == "meta" for p in there._model.parameters())
    assert there.identity == here.identity

    def measure(logits: Tensor) -> Tensor:
        return logits[:, 3] - logits[:, 4]

    for one, other in zip(there.w_o(), here.w_o(), strict=True):
        assert torch.equal(one, other)
    metric, *kept = there.capture_with_gradient(IDS, measure)
    expected, *by_layer = here.capture_with_gradient(IDS, measure)
    assert torch.equal(metric, expected)
    for mine, whole in zip(kept, by_layer, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(mine, whole, strict=True))
    _, outputs = here.capture(IDS)
    half = outputs[0] / 2
    assert torch.equal(
        there.gradient_at_layer(IDS, measure, 0, half),
        here.gradient_at_layer(IDS, measure, 0, half),
    )
    for one, other in zip(
        there.gradient_between(IDS, IDS.flip(0), 0.5, measure),
        here.gradient_between(IDS, IDS.flip(0), 0.5, measure),
        strict=True,
    ):
        assert torch.equal(one, other)
    masks = here.masks([frozenset([(1, 2)]), frozenset()], here.device)
    patch = Patch(masks, tuple(z.flip(0) for z in outputs))
    assert torch.equal(there.logits(IDS, patch), here.logits(IDS, patch))


def test_a_backward_pass_holds_no_weight_of_an_offloaded_layer(
    folder: Path, tmp_path: Path
) -> None:
    """What the pass keeps for later is no weight that is read layer by layer: it is read again."""
    subject = offloaded(folder, tmp_path)
    read: list[str] = []
    alive: list[int] = []
    for module in subject._model.modules():
        hook: Any = getattr(module, "_hf_hook", None)
        if hook is not None and getattr(hook, "offload", False) and hook.weights_map is not None:
            hook.weights_map = Counting(hook.weights_map, read)

    def measure(logits: Tensor) -> Tensor:
        alive.append(len(subject._loaded))
        read.append("backward begins")
        return logits[:, 3]

    subject.capture_with_gradient(IDS, measure)
    begins = read.index("backward begins")
    assert alive == [0]
    assert any(name.endswith("weight") for name in read[begins + 1 :])


class Counting:
    """Weights by name that note each reading."""

    def __init__(self, weights: PrefixedDataset, read: list[str]) -> None:
        self._weights, self._read = weights, read
        self.dataset, self.prefix = weights.dataset, weights.prefix

    def __getitem__(self, name: str) -> Tensor:
        self._read.append(name)
        weight: Tensor = self._weights[name]
        return weight

    def get(self, name: str, default: Tensor | None = None) -> Tensor | None:
        return self[name] if name in list(self) else default

    def __iter__(self) -> Iterator[str]:
        return iter(self._weights)

    def __len__(self) -> int:
        return len(self._weights)

    def __contains__(self, name: str) -> bool:
        return name in list(self)

    def keys(self) -> list[str]:
        return list(self)


def test_an_offloaded_model_gives_the_same_audit(folder: Path, tmp_path: Path) -> None:
    """With layers read from files when they run, the mechanism found is the same record."""
    there = offloaded(folder, tmp_path)
    here = load_subject(folder, revision=None, dtype="float32")
    settings = specification()
    results = []
    for subject in (there, here):
        run_whole(subject)
        test = observe(subject, pairs(8, 1), settings, attributed=False, positives=False)
        results.append(
            investigate(subject, question_of(pairs(8, 0)), test, settings, lambda _done: None)
        )
    assert results[0] == results[1]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_shards_are_the_same_model(dtype: Dtype, tmp_path: Path) -> None:
    """Weights in many files give the same mechanism as in one, and the same sizes."""
    model = llama()
    whole, parts = save(model, tmp_path / "whole"), tmp_path / "parts"
    model.save_pretrained(parts, max_shard_size="2KB")
    save_tokenizer = (whole / "tokenizer.json").read_bytes()
    (parts / "tokenizer.json").write_bytes(save_tokenizer)
    assert len(list(parts.glob("*.safetensors"))) > 2
    assert sizes_of(parts, dtype) is not None
    assert sizes_of(parts, "float32") == sizes_of(whole, "float32")
    seen = [load_subject(each, revision=None, dtype=dtype).capture(IDS) for each in (whole, parts)]
    assert torch.equal(seen[0][0], seen[1][0])
    assert found(whole, Plan()) == found(parts, Plan())


def test_every_tensor_of_a_stage_is_made_on_the_models_device(folder: Path) -> None:
    """No stage leaves the device to torch's default, whatever the method and the attribution."""
    subject = load_subject(folder, revision=None, dtype="float32")
    with OnNoDevice() as mode:
        for attribution in ("halfway", "single", "input_ig"):
            settings = specification().model_copy(update={"attribution": attribution})
            test = observe(subject, pairs(8, 1), settings, attributed=False, positives=False)
            investigate(subject, question_of(pairs(8, 0)), test, settings, lambda _done: None)
        find_unique_codes(subject, question_of(pairs(8, 0)), test, settings, lambda _done: None)
    assert mode.found == []


def test_the_watch_for_tensors_without_a_device_sees_one(folder: Path) -> None:
    """A forgotten device is noted with its file and line."""
    subject = load_subject(folder, revision=None, dtype="float32")
    with OnNoDevice() as mode:
        exec(  # noqa: S102 - stands for a line of the package
            compile("torch.zeros(2)", "/x/auditkit/forgotten.py", "exec"), {"torch": torch}
        )
    assert len(mode.found) == 1
    assert subject.device.type == "cpu"


def test_a_device_that_is_not_there_is_refused() -> None:
    """Without a CUDA device, ``cuda`` is refused and ``auto`` is the processor."""
    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device here")
    with pytest.raises(EnvironmentUnavailableError, match="no CUDA device"):
        device_of("cuda")
    assert device_of("auto") == torch.device("cpu")


def test_the_peak_is_that_of_this_process() -> None:
    """It stays when what was held is given back; the system counts it to within a few pages."""
    few_pages = 1 << 20
    size = peak_memory(torch.device("cpu")) + (64 << 20)
    held = torch.ones(size, dtype=torch.uint8)
    del held
    assert peak_memory(torch.device("cpu")) >= size - few_pages


@pytest.mark.parametrize(
    ("text", "size"),
    [("8GiB", 8 << 30), ("500 MB", 500_000_000), ("1.5GiB", 3 << 29), ("4096", 4096)],
)
def test_sizes_are_read_with_their_units(text: str, size: int) -> None:
    """Decimal and binary units, fractions and plain bytes are read exactly."""
    assert bytes_of(text) == size


@pytest.mark.parametrize("text", ["", "8 bananas", "-1GiB", "0", "GiB"])
def test_what_is_no_size_is_refused(text: str) -> None:
    """Nothing, a word, a negative number, zero and a unit alone are no sizes."""
    with pytest.raises(ValueError):  # noqa: PT011 - the command line says what is wrong
        bytes_of(text)


@pytest.mark.gpu
def test_a_graphics_device_gives_the_same_heads(folder: Path) -> None:
    """The same circuit as on the processor; the peak is the device's own."""
    if not torch.cuda.is_available():
        pytest.skip("torch can use no CUDA device here")
    device = torch.device("cuda")
    subject = load_subject(folder, revision=None, dtype="float32", device=device)
    settings = specification()
    test = observe(subject, pairs(8, 1), settings, attributed=False, positives=False)
    there = investigate(subject, question_of(pairs(8, 0)), test, settings, lambda _done: None)
    here = found(folder, Plan())
    assert there.effect.state == here.effect.state
    assert getattr(there.mechanism, "circuit", None) == getattr(here.mechanism, "circuit", None)
    assert peak_memory(device) > 0
