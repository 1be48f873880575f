"""A check finds what a run would fail on, without loading the model, and says what it left out."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tokenizers import Tokenizer as Backend
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit

from auditkit.errors import ModelError
from auditkit.policy import load_policy
from auditkit.policy.asked import small_budget
from auditkit.policy.checking import CheckOutcome, check_policy
from auditkit.policy.model_folder import (
    MissingModelError,
    UnsafeModelError,
    UnsupportedModelError,
    inspect_folder,
)
from auditkit.policy.prompting import prepare_task
from auditkit.prompts.tokens import Tokenizer
from tests.conftest import ROOT, STORIES

WORDS = ["?", *(f"w{n}" for n in range(100)), "yes", "no"]
CONFIG: dict[str, object] = {
    "model_type": "gpt2",
    "n_layer": 4,
    "n_head": 6,
    "n_positions": 8,
}

POLICY = """auditkit: 1
system:
  name: A
  version: "1"
  intended_purpose: B
  provider: {name: C, address: D, email: E}
declared_by: {name: F, role: G}
model: {path: model}
tasks:
  - id: words
    title: H
    prompts: {file: pairs.jsonl}
    expected:
      heads: ["3.5", "0.0"]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A policy with 30 pairs of words, and the folder of a 4-layer model of 6 heads."""
    (tmp_path / "policy.yaml").write_text(POLICY)
    model = tmp_path / "model"
    model.mkdir()
    (model / "config.json").write_text(json.dumps(CONFIG))
    (model / "model.safetensors").write_bytes(b"never read")
    vocabulary = {word: number for number, word in enumerate(WORDS)}
    backend = Backend(WordLevel(vocabulary, unk_token="?"))  # noqa: S106
    backend.pre_tokenizer = WhitespaceSplit()
    backend.save(str(model / "tokenizer.json"))
    write_pairs(tmp_path, [entry(n) for n in range(30)])
    return tmp_path


def entry(n: int) -> dict[str, object]:
    return {"positive": f"w{n} w0", "negative": f"w{n} w1", "answer": " yes", "wrong": " no"}


def write_pairs(folder: Path, entries: list[dict[str, object]]) -> None:
    text = "\n".join(json.dumps(each) for each in entries)
    (folder / "pairs.jsonl").write_text(text)


def edit(folder: Path, old: str, new: str) -> None:
    path = folder / "policy.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def check(folder: Path) -> CheckOutcome:
    return check_policy(load_policy(folder / "policy.yaml"))


def model_errors(folder: Path) -> list[tuple[type[ModelError], str]]:
    return [(type(each), str(each)) for each in check(folder).model_errors]


def test_a_sound_policy_passes_and_lists_what_was_and_was_not_checked(folder: Path) -> None:
    """Nothing is wrong, and the outcome says what was looked at and that the weights were not."""
    outcome = check(folder)
    assert (outcome.problems, outcome.model_errors) == ((), ())
    assert outcome.checked == (
        "the policy's keys and values",
        "the model folder: configuration, weights format and tokenizer",
        "the kinds of task that the model's class fits, by its name",
        "task words: the expected heads",
        "task words: the prompts under the model's tokenizer",
    )
    assert [each.what for each in outcome.not_checked] == ["the contents of the weights"]


def test_a_head_beyond_the_model_is_a_problem_at_its_line(folder: Path) -> None:
    """Each head that the model does not have is placed by line and key, with the heads it has."""
    edit(folder, '["3.5", "0.0"]', '\n        - "0.0"\n        - "9.9"\n        - "3.6"')
    found = check(folder).problems
    assert [(each.line, each.key) for each in found] == [
        (16, "tasks[0].expected.heads[1]"),
        (17, "tasks[0].expected.heads[2]"),
    ]
    assert found[0].message == "the model has no head 9.9: it has 4 layers of 6"
    assert found[0].advice == "layers are 0 to 3, heads are 0 to 5"


def test_a_model_of_more_heads_than_the_standard_budget_is_no_fault_of_the_policy(
    folder: Path,
) -> None:
    """Only a budget that somebody wrote can be written otherwise; beyond it heads are screened."""
    assert small_budget(load_policy(folder / "policy.yaml"), 0, 50_000) is None


def test_a_missing_folder_is_named_and_heads_and_tokens_are_not_checked(folder: Path) -> None:
    """Without the model its heads and tokens are listed as not checked; the prompt file is checked."""
    edit(folder, "path: model", "path: nowhere")
    outcome = check(folder)
    (error,) = outcome.model_errors
    assert isinstance(error, MissingModelError)
    assert "nowhere: no such folder" in str(error)
    assert "starts from the folder of the policy" in error.advice
    assert [each.what for each in outcome.not_checked] == [
        "the contents of the weights",
        "task words: the expected heads",
        "task words: the prompts as tokens",
    ]
    assert "task words: the prompt file and its two sets" in outcome.checked


def test_pickled_weights_are_refused_with_the_way_out(folder: Path) -> None:
    """Weights that could run code are refused, and the advice is to convert them."""
    (folder / "model" / "model.safetensors").rename(folder / "model" / "pytorch_model.bin")
    (error,) = check(folder).model_errors
    assert isinstance(error, UnsafeModelError)
    assert "pytorch_model.bin" in str(error)
    assert "convert to safetensors" in error.advice


def test_a_folder_without_weights_tokenizer_or_configuration_lists_all_three(folder: Path) -> None:
    """An empty folder is three errors, one for each file that is missing."""
    for path in (folder / "model").iterdir():
        path.unlink()
    kinds = [kind for kind, _ in model_errors(folder)]
    text = " ".join(message for _, message in model_errors(folder))
    assert kinds == [MissingModelError] * 3
    assert all(name in text for name in ("config.json", ".safetensors", "tokenizer.json"))


@pytest.mark.parametrize(
    ("change", "kind", "part"),
    [
        ({"auto_map": {"AutoModel": "code.Model"}}, UnsafeModelError, "auto_map"),
        ({"model_type": None}, UnsupportedModelError, "no model_type"),
        ({"n_head": None}, UnsupportedModelError, "no number of attention heads"),
    ],
)
def test_a_configuration_that_cannot_be_audited_is_refused(
    folder: Path, change: dict[str, object], kind: type[ModelError], part: str
) -> None:
    """Code of its own, no kind and no heads are each refused by what they lack or ask for."""
    config = {key: value for key, value in {**CONFIG, **change}.items() if value is not None}
    (folder / "model" / "config.json").write_text(json.dumps(config))
    ((found, message),) = model_errors(folder)
    assert found is kind
    assert part in message


@pytest.mark.parametrize("content", ["{", "[]", "[" * 100_000, "\xff"])
def test_a_configuration_that_is_not_json_is_refused(folder: Path, content: str) -> None:
    """Half, no object, far too deep and not UTF-8: each is one error, and none crashes."""
    (folder / "model" / "config.json").write_bytes(content.encode("latin-1"))
    assert [kind for kind, _ in model_errors(folder)] == [UnsupportedModelError]


def test_a_tokenizer_that_cannot_be_read_is_a_fault_of_the_model(folder: Path) -> None:
    """A tokenizer file that is none is an error of the model, not of the policy."""
    (folder / "model" / "tokenizer.json").write_text("{}")
    (error,) = check(folder).model_errors
    assert "not a readable tokenizer" in str(error)


def test_the_shape_is_read_under_any_of_its_names(tmp_path: Path) -> None:
    """Numbers of layers and heads are found in a nested configuration too."""
    nested = {"model_type": "m", "text_config": {"num_hidden_layers": 2, "num_attention_heads": 3}}
    for name in ("model.safetensors", "tokenizer.json"):
        (tmp_path / name).write_text("{}")
    (tmp_path / "config.json").write_text(json.dumps(nested))
    found = inspect_folder(tmp_path)
    assert (found.shape.layers, found.shape.heads, found.errors) == (2, 3, ())


def test_prompt_problems_of_every_kind_are_found_with_file_and_line(folder: Path) -> None:
    """Uneven prompts and an answer of several tokens are each placed by file and line."""
    entries = [entry(n) for n in range(30)]
    entries[3]["negative"] = "w3"
    entries[5]["answer"] = " yes no"
    write_pairs(folder, entries)
    found = check(folder).problems
    assert [(Path(each.file).name, each.line) for each in found] == [
        ("pairs.jsonl", 4),
        ("pairs.jsonl", 6),
    ]
    assert "2 tokens and the negative 1" in found[0].message
    assert "'yes' 'no'" in found[1].message


def test_a_task_without_negatives_is_refused(folder: Path) -> None:
    """Pairs without a matched negative are refused for that reason alone."""
    write_pairs(folder, [{**entry(n), "negative": ""} for n in range(30)])
    assert {each.message for each in check(folder).problems} == {"there is no negative prompt"}


def test_problems_of_heads_prompts_and_model_are_found_at_once(folder: Path) -> None:
    """One check finds the wrong head, all thirty wrong answers and the pickled weights."""
    edit(folder, '"3.5"', '"9.9"')
    write_pairs(folder, [{**entry(n), "answer": " yes no"} for n in range(30)])
    (folder / "model" / "model.safetensors").rename(folder / "model" / "weights.pt")
    outcome = check(folder)
    assert len(outcome.problems) == 31
    assert [type(each) for each in outcome.model_errors] == [UnsafeModelError]


def test_two_tasks_on_one_faulty_file_report_it_once(folder: Path) -> None:
    """A faulty prompt file that two tasks share is reported once."""
    edit(folder, "tasks:\n", "tasks:\n  - {id: b, title: B, prompts: {file: pairs.jsonl}}\n")
    write_pairs(folder, [{**entry(n), "answer": " yes no"} for n in range(30)])
    assert len(check(folder).problems) == 30


def test_a_prompt_longer_than_the_model_reads_is_refused(folder: Path) -> None:
    """The longest prompt is held against the positions the model has, and both are named."""
    longer = [
        {**entry(n), "positive": f"w{n} w0" + " w2" * 8, "negative": f"w{n} w1" + " w2" * 8}
        for n in range(30)
    ]
    write_pairs(folder, longer)
    (problem,) = check(folder).problems
    assert (problem.line, problem.key) == (12, "tasks[0].prompts")
    assert problem.message == "the longest prompt has 10 tokens; the model reads 8"


def test_a_generator_that_does_not_fit_is_a_problem_at_its_line(folder: Path) -> None:
    """A generator whose words are not in the model's vocabulary is placed by line and key."""
    edit(folder, "{file: pairs.jsonl}", "{generator: docstring}")
    (problem,) = check(folder).problems
    assert (problem.line, problem.key) == (12, "tasks[0].prompts")


def test_a_hub_model_is_not_checked_but_its_prompt_file_is(folder: Path) -> None:
    """Without the model on disk the file's pairs are counted, and the rest is listed as not checked."""
    edit(folder, "{path: model}", "{hub: a/b, revision: " + "0" * 40 + "}")
    write_pairs(folder, [entry(n) for n in range(12)])
    outcome = check(folder)
    assert "29 pairs are needed, and there are 12" in outcome.problems[0].message
    assert [each.what for each in outcome.not_checked] == [
        "the model",
        "task words: the expected heads",
        "task words: the prompts as tokens",
    ]


def test_a_file_gives_what_remains_as_test_pairs_unless_the_policy_says_how_many(
    folder: Path,
) -> None:
    """Without a number the rest is the test set; with one that the file lacks, the policy is refused."""
    loaded = load_policy(folder / "policy.yaml")
    tokenizer = Tokenizer.from_folder(folder / "model")
    specification, prompts = prepare_task(loaded, loaded.policy.tasks[0], tokenizer)
    assert specification.test_examples == prompts.examples.test.n == 6
    assert "test_examples" in specification.defaulted
    edit(folder, "    title: H\n", "    title: H\n    test_examples: 40\n")
    (problem,) = check(folder).problems
    assert "64 pairs are needed, and there are 30" in problem.message


def test_a_real_model_folder_passes(folder: Path) -> None:
    """stories260K passes with a generator that fits it, and a head it does not have is named."""
    if not STORIES.is_dir():
        pytest.skip("the stories260K model is not beside this checkout")
    edit(folder, "{path: model}", f"{{path: '{STORIES}'}}")
    edit(folder, "{file: pairs.jsonl}", "{generator: gendered_pronoun}")
    outcome = check(folder)
    assert (outcome.problems, outcome.model_errors) == ((), ())
    edit(folder, '"3.5"', '"5.0"')
    assert [each.key for each in check(folder).problems] == ["tasks[0].expected.heads[0]"]


def test_checking_imports_neither_torch_nor_transformers() -> None:
    """A policy is checked without the libraries that run models."""
    code = (
        "import sys, auditkit.policy.checking\n"
        "sys.exit(any(name in sys.modules for name in ('torch', 'transformers')))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
