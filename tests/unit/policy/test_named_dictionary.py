"""A dictionary that a policy names, and latents declared of it: everything wrong is told before any work."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from auditkit.errors import InputError
from auditkit.policy import load_policy
from auditkit.policy.checking import check_policy
from auditkit.policy.naming import refuse_other_weights, with_dictionary
from auditkit.sae.dictionary import dictionary_bytes
from tests.builders import model_identity
from tests.policies import REFERENCE
from tests.trained import WEIGHTS, trained_heads

POLICY = """\
auditkit: 1
system:
  name: A
  version: "1"
  intended_purpose: B
  provider: {{name: C, address: D, email: E}}
declared_by: {{name: F, role: G}}
model: {{path: '{model}'}}
{sae}
tasks:
  - id: names
    title: H
    prompts: {{generator: ioi}}
    {settings}
    expected:
      heads: ["0.0", "0.1"]
      {signature}
"""


def policy(
    folder: Path,
    signature: str = "",
    sae: str = "sae: {path: heads.safetensors}",
    settings: str = "seed: 1",
) -> Path:
    path = folder / "policy.yaml"
    text = POLICY.format(model=REFERENCE, sae=sae, settings=settings, signature=signature)
    path.write_text(text, encoding="utf-8")
    content = dictionary_bytes(trained_heads(), WEIGHTS, 2)
    (folder / "heads.safetensors").write_bytes(content)
    return path


def problems(path: Path) -> list[str]:
    """Every problem of a policy as it is printed."""
    try:
        found = check_policy(load_policy(path)).problems
    except InputError as error:
        found = tuple(error.problems)
    return [str(each) for each in found]


REFUSED = {
    "no dictionary": (
        {"sae": "", "signature": 'signature: {"0.0": [1]}'},
        ["no dictionary is named", "auditkit dictionary"],
    ),
    "a head that is not declared": (
        {"signature": 'signature: {"0.2": [1]}'},
        ["head 0.2 has declared latents and is not declared"],
    ),
    "a latent twice": ({"signature": 'signature: {"0.0": [1, 1]}'}, ["written twice"]),
    "no latent": ({"signature": 'signature: {"0.0": []}'}, ["signature"]),
    "a latent that the file has not": (
        {"signature": 'signature: {"0.0": [4]}'},
        ["there is no latent 4: the dictionary has 4", "0 to 3"],
    ),
    "a negative latent": ({"signature": 'signature: {"0.0": [-1]}'}, ["signature"]),
    "a file that is not there": ({"sae": "sae: {path: none}"}, ["sae.path", "cannot be read"]),
    "a file that is none": ({"sae": "sae: {path: policy.yaml}"}, ["not a safetensors file"]),
    "settings of a training": (
        {"settings": "autoencoder: {latents: 8}"},
        ["so none are trained", "remove this block"],
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_named_once_with_its_line(case: str, tmp_path: Path) -> None:
    """One problem, with file and line, in words that say what to write instead."""
    changes, words = REFUSED[case]
    (problem,) = problems(policy(tmp_path, **changes))
    assert problem.startswith(f"{tmp_path / 'policy.yaml'}:")
    assert all(word in problem for word in words), problem


def test_a_policy_that_names_a_dictionary_trains_nothing(tmp_path: Path) -> None:
    """Latents are the file's, the steps of a training are 0, and none of it is a default."""
    loaded = load_policy(policy(tmp_path, 'signature: {"0.0": [3, 0]}'))
    assert problems(policy(tmp_path, 'signature: {"0.0": [3, 0]}')) == []
    (task,) = loaded.policy.tasks
    assert task.expected is not None
    assert task.expected.signature == {"0.0": (3, 0)}
    written = loaded.policy.specification(task)
    settled = with_dictionary(written, loaded.dictionary)
    autoencoder = settled.autoencoder
    assert (autoencoder.latents, autoencoder.k, autoencoder.steps) == (4, 2, 0)
    assert (autoencoder.learning_rate, autoencoder.seeds) == (Decimal(0), 1)
    assert loaded.dictionary is not None
    assert autoencoder.dictionary == loaded.dictionary.digest
    assert not [key for key in settled.defaulted if key.startswith("autoencoder")]
    assert with_dictionary(written, None) == written


def test_a_dictionary_of_other_weights_is_refused(tmp_path: Path) -> None:
    """Of other weights, of too few heads, of another width: each by name, at the key that names the file."""
    loaded = load_policy(policy(tmp_path))
    model = model_identity()
    with pytest.raises(InputError) as refused:
        refuse_other_weights(loaded, model)
    (problem,) = refused.value.problems
    assert problem.key == "sae.path"
    assert "was trained on weights" in problem.message
    same = model.model_copy(update={"weights_digest": WEIGHTS})
    wide = [at.model_copy(update={"d_head": 3, "n_heads": 2}) for at in model.layers]
    for layers, words in (
        (wide, "the dictionary has no head 1.0"),
        ([wide[0].model_copy(update={"d_head": 8})], "puts out 8 numbers"),
    ):
        with pytest.raises(InputError, match=words):
            refuse_other_weights(loaded, same.model_copy(update={"layers": tuple(layers)}))
    fits = same.model_copy(update={"layers": (wide[0],)})
    refuse_other_weights(loaded, fits)
