"""``auditkit model inspect``: what a folder holds, without auditing it."""

from __future__ import annotations

from pathlib import Path

import pytest

from auditkit.model.fingerprint import fingerprint
from auditkit.records.specification import TaskKind
from tests.conftest import CommandLine
from tests.families import tiny
from tests.text_models import text_model
from tests.toy_models import llama, save


def test_a_folder_is_described_by_its_heads_and_digests(
    tmp_path: Path, auditkit_here: CommandLine
) -> None:
    """Grouped keys and values, a head width that is not hidden size over heads, every file by digest."""
    folder = save(llama(), tmp_path / "model")
    found = auditkit_here("model", "inspect", folder, "--json").json()
    assert found["architecture"] == "LlamaForCausalLM"
    assert [(each["n_heads"], each["d_head"]) for each in found["layers"]] == [(4, 6), (4, 6)]
    assert {each["separable"] for each in found["layers"]} == {True}
    assert found["layers"][1]["module"] == "model.layers.1.self_attn.o_proj"
    assert (found["key_value_heads"], found["task_kinds"]) == (2, ["next_token"])
    files = fingerprint(folder)
    assert found["root_digest"] == files.root_digest
    assert found["weights_digest"] == files.weights_digest
    assert {each["path"] for each in found["files"]} == {each.path for each in files.manifest}


def test_a_reader_sees_layers_that_are_alike_in_one_row(
    tmp_path: Path, auditkit_here: CommandLine
) -> None:
    """Layers of one form are one row with a star for the number, and the range they reach over."""
    outcome = auditkit_here("model", "inspect", save(llama(), tmp_path / "model"))
    assert outcome.code == 0
    assert "model.layers.*.self_attn.o_proj" in outcome.out
    assert "0 to 1" in outcome.out


@pytest.mark.parametrize(
    ("family", "said"),
    [("mamba", "runs no attention"), ("albert", "share one attention module")],
)
def test_heads_that_cannot_be_told_apart_exit_with_6(
    family: str, said: str, tmp_path: Path, auditkit_here: CommandLine
) -> None:
    """The reason is printed, and the digests all the same; in JSON no layer is called separable."""
    folder = save(tiny(family), tmp_path / "model")
    outcome = auditkit_here("model", "inspect", folder)
    assert outcome.code == 6
    assert said in outcome.out
    found = auditkit_here("model", "inspect", folder, "--json")
    assert (found.code, found.json()["layers"], found.json()["task_kinds"]) == (6, [], [])
    assert said in found.json()["not_separable"]


@pytest.mark.parametrize("kind", ["classification", "masked_token", "similarity"])
def test_the_kinds_of_task_that_fit_are_listed(
    kind: TaskKind, tmp_path: Path, auditkit_here: CommandLine
) -> None:
    """Of a model with a head for one kind of task, exactly that kind is listed."""
    folder = text_model("distilbert", kind, tmp_path / "model")
    found = auditkit_here("model", "inspect", folder, "--json").json()
    assert (len(found["layers"]), found["task_kinds"]) == (2, [kind])


def test_a_masked_language_model_without_a_mask_token_fits_nothing(
    tmp_path: Path, auditkit_here: CommandLine
) -> None:
    """Its heads can be read, but no prompt can be written for it."""
    folder = save(tiny("distilbert"), tmp_path / "model")
    found = auditkit_here("model", "inspect", folder, "--json").json()
    assert found["architecture"] == "DistilBertForMaskedLM"
    assert (len(found["layers"]), found["task_kinds"]) == (2, [])


def test_a_folder_without_a_model_is_one_line(tmp_path: Path, auditkit_here: CommandLine) -> None:
    """A configuration that names no architecture is exit 6, and no traceback."""
    folder = save(llama(), tmp_path / "model")
    (folder / "config.json").write_text("{}")
    outcome = auditkit_here("model", "inspect", folder)
    assert outcome.code == 6
    assert "no architecture" in outcome.err
    assert "Traceback" not in outcome.err


def test_what_is_no_whole_model_is_one_line(tmp_path: Path, auditkit_here: CommandLine) -> None:
    """An adapter alone, quantised weights, GGUF, an encoder-decoder, two models: refused unloaded, exit 6."""
    folder = save(llama(), tmp_path / "model")
    config, weights = folder / "config.json", folder / "model.safetensors"
    whole, content = config.read_text(), weights.read_bytes()

    def refused(part: str) -> None:
        outcome = auditkit_here("model", "inspect", folder)
        assert (outcome.code, outcome.out) == (6, "")
        assert part in outcome.err.splitlines()[0]
        assert len(outcome.err.splitlines()) == 2

    config.write_text(whole.replace("{", '{"quantization_config": {"quant_method": "awq"},', 1))
    refused("quantised (awq)")
    config.write_text(whole.replace("{", '{"is_encoder_decoder": true,', 1))
    refused("an encoder-decoder")
    config.write_text(whole)
    (folder / "other.safetensors").write_bytes(content)
    refused("more than one set of weights")
    (folder / "other.safetensors").unlink()
    weights.rename(folder / "model.gguf")
    refused("GGUF")
    config.unlink()
    (folder / "adapter_config.json").write_text("{}")
    refused("an adapter alone")
