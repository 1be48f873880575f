"""Dictionaries: what is written is what is read, and whatever else a file is, it is refused by name."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
import torch

from auditkit.records.specification import AutoencoderSettings
from auditkit.sae.dictionary import DictionaryError, dictionary_bytes, read_dictionary
from auditkit.sae.per_head import from_numbers, to_numbers, train
from tests.builders import D, specification
from tests.trained import WEIGHTS, outputs, trained_heads

SETTINGS: AutoencoderSettings = specification().autoencoder


def test_what_is_read_gives_the_latents_of_what_was_trained(tmp_path: Path) -> None:
    """Bit for bit the same latents, from a file whose bytes depend on nothing but its contents."""
    heads = trained_heads()
    path = tmp_path / "heads.safetensors"
    path.write_bytes(dictionary_bytes(heads, WEIGHTS, SETTINGS.k))
    assert path.read_bytes() == dictionary_bytes(trained_heads(), WEIGHTS, SETTINGS.k)
    read = read_dictionary(path)
    assert (read.weights_digest, read.latents, read.k, read.width("0.1")) == (WEIGHTS, 4, 2, 3)
    again = from_numbers([read.heads["0.0"], read.heads["0.1"]], read.k, outputs())
    expected = train(outputs(), SETTINGS, seed=0).read(outputs())
    assert torch.equal(again.read(outputs()).latents, expected.latents)
    assert torch.equal(again.directions(), train(outputs(), SETTINGS, seed=0).directions())


def spoiled(**changes: object) -> bytes:
    """A dictionary's bytes with parts of head 0.0 changed, or left out where ``None``."""
    heads = trained_heads()
    tensors = {f"{head}.{part}": each for head, ps in heads.items() for part, each in ps.items()}
    for part, value in changes.items():
        del tensors[f"0.0.{part}"]
        if value is not None:
            tensors[f"0.0.{part}"] = value  # type: ignore[assignment]
    header = {"format": "auditkit-dictionary-1", "weights_digest": WEIGHTS, "k": 2}
    content: bytes = safetensors.numpy.save(tensors, metadata={"auditkit": json.dumps(header)})
    return content


def headed(**changes: object) -> bytes:
    """A dictionary's bytes with another header."""
    heads = trained_heads()
    tensors = {f"{head}.{part}": each for head, ps in heads.items() for part, each in ps.items()}
    header = {"format": "auditkit-dictionary-1", "weights_digest": WEIGHTS, "k": 2, **changes}
    content: bytes = safetensors.numpy.save(tensors, metadata={"auditkit": json.dumps(header)})
    return content


NAN = np.array([np.nan, 0, 0], dtype=np.float32)
REFUSED = {
    "not there": (None, "cannot be read"),
    "text": (b"latents: 4", "not a safetensors file"),
    "cut short": (spoiled()[:200], "not a safetensors file"),
    "another format": (headed(format="sae"), "does not say"),
    "no header": (safetensors.numpy.save({"0.0.bias": NAN}), "does not say"),
    "no k": (headed(k=None), "None of 4"),
    "k above latents": (headed(k=5), "5 of 4"),
    "k of true": (headed(k=True), "True of 4"),
    "a part missing": (spoiled(bias=None), "0.0 has no bias"),
    "another shape": (spoiled(offset=np.zeros(4, dtype=np.float32)), "offset of head 0.0"),
    "not finite": (spoiled(centre=NAN), "0.0.centre"),
    "another type": (spoiled(centre=np.zeros(3, dtype=np.float64)), "0.0.centre"),
    "no scale": (spoiled(scale=np.zeros(1, dtype=np.float32)), "scale of head 0.0"),
    "other latents": (
        spoiled(
            bias=np.zeros(3, dtype=np.float32),
            encoder=np.zeros((3, 3), dtype=np.float32),
            decoder=np.zeros((3, 3), dtype=np.float32),
        ),
        "same number of latents",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_dictionary_is_refused_in_a_few_words(case: str, tmp_path: Path) -> None:
    """The words name what is wrong, whatever the file is."""
    content, words = REFUSED[case]
    path = tmp_path / "file"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DictionaryError, match=words):
        read_dictionary(path)


def test_the_learning_rate_of_the_standard_is_no_part_of_a_dictionary() -> None:
    """What was trained with other settings is another dictionary."""
    heads = trained_heads()
    other = SETTINGS.model_copy(update={"learning_rate": D("0.02")})
    changed = to_numbers(train(outputs(), other, seed=0), 0)
    assert dictionary_bytes({"0.0": changed}, WEIGHTS, 2) != dictionary_bytes(
        {"0.0": heads["0.0"]}, WEIGHTS, 2
    )
