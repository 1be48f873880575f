"""A policy, prompt file or model that cannot be used: what is said, with which exit code, what is left.

Whatever is wrong is found before anything is recorded: no run directory, no run in the store.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from auditkit.prompts.generators import generate
from auditkit.prompts.tokens import Tokenizer
from auditkit.store.evidence_store import EvidenceStore
from tests.conftest import QUICK, Auditkit, CommandLine, Outcome
from tests.policies import POLICY, REFERENCE


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A policy that could be run, its 30 pairs, and a copy of the reference model (4 layers of 8)."""
    made = tmp_path / "audit"
    shutil.copytree(REFERENCE, made / "model")
    (made / "policy.yaml").write_text(POLICY)
    pairs = generate("ioi", Tokenizer.from_folder(REFERENCE), 30, 0, "discovery")
    entries = [
        {
            "positive": pair.positive,
            "negative": pair.negative,
            "answer": pair.answers[0],
            "wrong": pair.wrong[0],
        }
        for pair in pairs
    ]
    (made / "pairs.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    return made


def replaced(old: str, new: str) -> Callable[[Path], None]:
    """An edit of the policy's text."""

    def edit(folder: Path) -> None:
        path = folder / "policy.yaml"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))

    return edit


def written(text: str) -> Callable[[Path], None]:
    """Another policy altogether."""
    return replaced(POLICY, text)


def third_pair(**changes: object) -> Callable[[Path], None]:
    """An edit of the pair on line 3."""

    def edit(folder: Path) -> None:
        lines = (folder / "pairs.jsonl").read_text().splitlines()
        lines[2] = json.dumps({**json.loads(lines[2]), **changes})
        (folder / "pairs.jsonl").write_text("\n".join(lines))

    return edit


def third_like_first(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[Path], None]:
    """An edit that writes the pair of line 1, changed, on line 3."""

    def edit(folder: Path) -> None:
        lines = (folder / "pairs.jsonl").read_text().splitlines()
        lines[2] = json.dumps(change(json.loads(lines[0])))
        (folder / "pairs.jsonl").write_text("\n".join(lines))

    return edit


def spaced(entry: dict[str, Any]) -> dict[str, Any]:
    """Both prompts with more space: other texts, the same tokens to the reference model."""
    wider = {key: entry[key].replace(" ", "  ", 1) for key in ("positive", "negative")}
    return {**entry, **wider}


def nothing_left(folder: Path, home: Path) -> bool:
    """Whether there is no run, whole or in part, neither in ``out`` nor in the store."""
    out, store = folder / "out", home / "evidence.db"
    if out.exists() and list(out.iterdir()):
        return False
    return not store.exists() or not EvidenceStore.open(f"sqlite:///{store}", create=False).list()


def assert_told(outcome: Outcome, code: int, *parts: str) -> None:
    """The outcome has the code, nothing on standard output, no traceback, and every part."""
    assert (outcome.code, outcome.out) == (code, "")
    assert "Traceback" not in outcome.err
    for part in parts:
        assert part in outcome.err


POLICY_FAULTS: dict[str, tuple[Callable[[Path], None], list[str]]] = {
    "not YAML": (
        replaced('version: "1"', 'version: "1'),
        ["policy.yaml:16: not valid YAML", "(check indentation, quotes and brackets"],
    ),
    "empty": (written(""), ["policy.yaml: the policy is empty (begin with `auditkit: 1`"]),
    "alias": (
        replaced("title: H", "title: *name"),
        ["policy.yaml:12: tasks[0].title: the alias *name is not read (write the value out)"],
    ),
    "duplicate key": (
        replaced("    title: H\n", "    title: H\n    title: J\n"),
        ["policy.yaml:13: tasks[0].title: the key is written twice, first on line 12 (keep one"],
    ),
    "unknown key": (
        replaced("examples: 10", "exampels: 10"),
        ["policy.yaml:14: tasks[0].exampels: this key is not known here", "`examples`"],
    ),
    "wrong type": (
        replaced("examples: 10", "examples: ten"),
        [
            "policy.yaml:14: tasks[0].examples: a whole number is needed here, not 'ten' (write digits"
        ],
    ),
    "no tasks": (
        written(POLICY[: POLICY.index("tasks:")] + "tasks: []\n"),
        ["policy.yaml:10: tasks: there are no tasks (declare at least one"],
    ),
    "no negative": (
        third_pair(negative=""),
        ["pairs.jsonl:3: negative: there is no negative prompt (write the matched prompt"],
    ),
    "negative equal to the positive": (
        third_like_first(lambda entry: {**entry, "negative": entry["positive"]}),
        ["pairs.jsonl:3: negative: the negative prompt is the positive prompt (write the matched"],
    ),
    "a pair twice": (
        third_like_first(lambda entry: entry),
        ["pairs.jsonl:3: the pair of line 1 again (remove one"],
    ),
    "a prompt twice to the model": (
        third_like_first(lambda entry: {**spaced(entry), "negative": entry["negative"]}),
        [
            "pairs.jsonl:3: pairs[2].positive: to this model the positive is the same tokens as",
            "as a prompt of line 1, written differently (remove one",
        ],
    ),
    "answer and wrong the same token": (
        third_pair(answer=" Mary", wrong="  Mary"),
        ["pairs.jsonl:3: pairs[2].wrong: answer ' Mary' and wrong answer '  Mary' are the same"],
    ),
    "unequal length": (
        third_pair(negative="Then, Lucy"),
        ["pairs.jsonl:3:", "tokens", "the negative 4", "("],
    ),
    "answer of several tokens": (
        third_pair(answer=" Lucy Mary"),
        ["pairs.jsonl:3: pairs[2].answer: ' Lucy Mary' is", "(choose an answer that is one token"],
    ),
    "no such head": (
        replaced('"3.7"', '"9.9"'),
        [
            "policy.yaml:16: tasks[0].expected.heads[1]: the model has no head 9.9",
            "it has 4 layers of 8 (layers are 0 to 3, heads are 0 to 7)",
        ],
    ),
    "threshold above 1": (
        replaced("    examples: 10\n", "    examples: 10\n    thresholds: {head_effect: 1.5}\n"),
        ["policy.yaml:15: tasks[0].thresholds.head_effect:", "1.5", "("],
    ),
    "too few examples for the null": (
        replaced("examples: 10", "examples: 5"),
        [
            "policy.yaml:14: tasks[0].examples: with 5 examples nothing can be told from chance",
            "at the null_level 0.05: the label-swap test gives no p-value below 0.0625",
            "(write at least 6 examples, or a larger null_level",
        ],
    ),
    "a budget below one pair for each head": (
        replaced("    examples: 10\n", "    examples: 10\n    patching: {budget: 31}\n"),
        [
            "policy.yaml:15: tasks[0].patching.budget: a budget of 31 prompts does not hold one pair",
            "(write at least 32; the standard budget is 40000)",
        ],
    ),
    "a level out of reach of ten examples": (
        replaced("    examples: 10\n", "    examples: 10\n    null_level: 0.001\n"),
        ["policy.yaml:14: tasks[0].examples: with 10 examples", "(write at least 11 examples"],
    ),
    "a level out of reach of all examples": (
        replaced("    examples: 10\n", "    examples: 20\n    null_level: 0.00001\n"),
        ["policy.yaml:15: tasks[0].null_level:", "(write a null_level of at least 0.0001"],
    ),
    "no policy": (
        lambda folder: (folder / "policy.yaml").unlink(),
        ["policy.yaml: there is no such file (`auditkit run example:quickstart` runs"],
    ),
    "no prompt file": (
        lambda folder: (folder / "pairs.jsonl").unlink(),
        ["pairs.jsonl: there is no such file (prompts.file starts from the folder"],
    ),
}


@pytest.mark.parametrize(("spoil", "parts"), POLICY_FAULTS.values(), ids=POLICY_FAULTS.keys())
def test_a_fault_of_the_policy_is_placed_and_explained(
    spoil: Callable[[Path], None],
    parts: list[str],
    folder: Path,
    home: Path,
    auditkit_here: CommandLine,
) -> None:
    """One fault is one problem with file, line, key and remedy, exit 4, and nothing is run."""
    spoil(folder)
    outcome = auditkit_here("run", folder / "policy.yaml", "--out", folder / "out")
    assert_told(outcome, 4, *parts, "auditkit: 1 problem; nothing was run")
    assert outcome.err.startswith(str(folder))
    assert len(outcome.err.splitlines()) == 2
    assert not (folder / "out").exists()
    assert not home.exists()


def test_all_faults_are_told_at_once(folder: Path, home: Path, auditkit: Auditkit) -> None:
    """Faults of policy, heads and prompts come together, in one run of the real command line."""
    replaced('"3.7"', '"9.9"')(folder)
    third_pair(answer=" Lucy Mary")(folder)
    (folder / "model" / "model.safetensors").unlink()
    outcome = auditkit("run", folder / "policy.yaml", "--out", folder / "out")
    parts = ["no head 9.9", "pairs.jsonl:3", "no .safetensors file", "2 problems; nothing was run"]
    assert_told(outcome, 4, *parts)
    replaced("examples: 10", "examples: ten")(folder)
    replaced("title: H", "titel: H")(folder)
    outcome = auditkit("run", folder / "policy.yaml", "--out", folder / "out")
    parts = ["tasks[0].examples", "tasks[0].titel", "tasks[0].title", "3 problems"]
    assert_told(outcome, 4, *parts)
    assert nothing_left(folder, home)


def test_a_file_of_one_pair_again_and_again_is_refused(
    folder: Path, home: Path, auditkit_here: CommandLine
) -> None:
    """Thirty copies are not thirty examples: each repeated line is named, and nothing is run."""
    first = (folder / "pairs.jsonl").read_text().splitlines()[0]
    (folder / "pairs.jsonl").write_text(f"{first}\n" * 30)
    outcome = auditkit_here("run", folder / "policy.yaml", "--out", folder / "out")
    parts = ["pairs.jsonl:2: the pair of line 1 again", "pairs.jsonl:30: the pair of line 1 again"]
    assert_told(outcome, 4, *parts, "29 problems; nothing was run")
    assert nothing_left(folder, home)


def test_a_file_of_one_pair_in_other_spellings_is_refused(
    folder: Path, home: Path, auditkit_here: CommandLine
) -> None:
    """Texts that are the same tokens to the model are one example, however they are written."""
    entry = json.loads((folder / "pairs.jsonl").read_text().splitlines()[0])
    entries = [entry]
    for _ in range(29):
        entries.append(spaced(entries[-1]))
    (folder / "pairs.jsonl").write_text("".join(json.dumps(each) + "\n" for each in entries))
    outcome = auditkit_here("run", folder / "policy.yaml", "--out", folder / "out")
    assert_told(outcome, 4, "pairs.jsonl:30: pairs[29].negative: to this model", "58 problems")
    assert nothing_left(folder, home)


def test_a_check_tells_what_a_run_would(folder: Path, auditkit_here: CommandLine) -> None:
    """``check --json`` lists the same problems, each with file, line, key, message and advice."""
    replaced('"3.7"', '"9.9"')(folder)
    outcome = auditkit_here("check", folder / "policy.yaml", "--json")
    (problem,) = outcome.json()["problems"]
    assert (outcome.code, outcome.json()["ok"]) == (4, False)
    assert (problem["line"], problem["key"]) == (16, "tasks[0].expected.heads[1]")
    assert Path(problem["file"]) == folder / "policy.yaml"
    assert problem["advice"] == "layers are 0 to 3, heads are 0 to 7"


# Models. Each fault is made in a copy of the reference model.


def changed_config(**changes: object) -> Callable[[Path], None]:
    """The configuration with other values; ``None`` removes a key."""

    def spoil(model: Path) -> None:
        config = {**json.loads((model / "config.json").read_text()), **changes}
        kept = {key: value for key, value in config.items() if value is not None}
        (model / "config.json").write_text(json.dumps(kept))

    return spoil


def changed_bytes(change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    """The weight file with other bytes."""

    def spoil(model: Path) -> None:
        weights = model / "model.safetensors"
        weights.write_bytes(change(weights.read_bytes()))

    return spoil


def changed_tensors(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    """The weight file, well formed, with other tensors."""

    def spoil(model: Path) -> None:
        tensors = load_file(model / "model.safetensors")
        change(tensors)
        save_file(tensors, model / "model.safetensors", metadata={"format": "pt"})

    return spoil


def pickle_only(model: Path) -> None:
    (model / "model.safetensors").rename(model / "pytorch_model.bin")


def linked(model: Path) -> None:
    (model / "model.safetensors").rename(model.parent / "elsewhere")
    (model / "model.safetensors").symlink_to(model.parent / "elsewhere")


def not_finite(tensors: dict[str, Any]) -> None:
    tensors["transformer.wte.weight"] = np.full_like(tensors["transformer.wte.weight"], np.nan)


def one_layer_more(tensors: dict[str, Any]) -> None:
    tensors["transformer.h.4.ln_1.weight"] = tensors["transformer.h.3.ln_1.weight"]


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def garbled_header(content: bytes) -> bytes:
    return content[:8] + b"\xff" * 64 + content[72:]


def adapter_only(model: Path) -> None:
    (model / "config.json").unlink()
    (model / "model.safetensors").rename(model / "adapter_model.safetensors")
    (model / "adapter_config.json").write_text('{"peft_type": "LORA"}')


def gguf_only(model: Path) -> None:
    (model / "model.safetensors").rename(model / "model-q4_0.gguf")


def larger_tokenizer(model: Path) -> None:
    document = json.loads((model / "tokenizer.json").read_text())
    document["model"]["vocab"]["<far>"] = 9999
    (model / "tokenizer.json").write_text(json.dumps(document))


DAMAGED = ["model: a weight file is damaged", "copy the model again"]
NOT_THESE = ["the weights are not those of the model in config.json", "copy the whole model again"]
NO_ATTENTION = ["config.json: not a transformer", "other models have none"]
COMES_WITHOUT = ["save_pretrained(folder)"]

SEEN_BY_CHECK: dict[str, tuple[Callable[[Path], object], list[str]]] = {
    "missing folder": (shutil.rmtree, ["model: no such folder", "check model.path"]),
    "no weights": (
        lambda model: (model / "model.safetensors").unlink(),
        ["model: no .safetensors file", *COMES_WITHOUT],
    ),
    "pickle only": (pickle_only, ["pytorch_model.bin", "can run code", "convert to safetensors"]),
    "no tokenizer": (
        lambda model: (model / "tokenizer.json").unlink(),
        ["model: no tokenizer.json", *COMES_WITHOUT],
    ),
    "unreadable tokenizer": (
        lambda model: (model / "tokenizer.json").write_text("{}"),
        ["tokenizer.json: not a readable tokenizer", *COMES_WITHOUT],
    ),
    "code of its own": (
        changed_config(auto_map={"AutoModelForCausalLM": "modeling.Model"}),
        ["config.json: asks to run code of its own (auto_map)", "runs no code from a model folder"],
    ),
    "no attention": (changed_config(n_head=None, n_layer=None), NO_ATTENTION),
    "no kind": (changed_config(model_type=None), NO_ATTENTION),
    "no configuration": (
        lambda model: (model / "config.json").unlink(),
        ["model: no config.json", *COMES_WITHOUT],
    ),
    "an adapter alone": (
        adapter_only,
        ["model: an adapter alone, not a model", "merge it into its base model"],
    ),
    "GGUF only": (gguf_only, ["model: the weights are GGUF", "audit the model that it was"]),
    "quantised weights": (
        changed_config(quantization_config={"quant_method": "gptq", "bits": 4}),
        ["config.json: the weights are quantised (gptq)", "before it is quantised"],
    ),
    "an encoder-decoder": (
        changed_config(is_encoder_decoder=True),
        ["config.json: an encoder-decoder", "audit its encoder alone"],
    ),
    "two sets of weights": (
        lambda model: shutil.copy(model / "model.safetensors", model / "consolidated.safetensors"),
        ["model: more than one set of weights (consolidated.safetensors, model.safetensors)"],
    ),
    "a whole file and an index of shards": (
        lambda model: (model / "model.safetensors.index.json").write_text('{"weight_map": {}}'),
        ["model: more than one set of weights (model.safetensors, model.safetensors.index.json)"],
    ),
    "a tokenizer of a larger model": (
        larger_tokenizer,
        ["the tokenizer does not fit the weights", "token numbers up to 9999", "402 tokens"],
    ),
    "a state-space model": (
        lambda model: (model / "config.json").write_text(
            '{"model_type": "mamba", "hidden_size": 8, "num_hidden_layers": 2, "vocab_size": 402}'
        ),
        NO_ATTENTION,
    ),
    "configuration not JSON": (
        lambda model: (model / "config.json").write_text("n_layer: 4"),
        ["config.json: not a readable configuration", "copy the whole model again"],
    ),
}

SEEN_BY_RUN: dict[str, tuple[Callable[[Path], object], list[str]]] = {
    "cut weights": (changed_bytes(cut), DAMAGED),
    "empty weights": (changed_bytes(lambda _: b""), DAMAGED),
    "garbled header": (changed_bytes(garbled_header), DAMAGED),
    "header without its data": (changed_bytes(lambda content: content[:-1]), DAMAGED),
    "a tensor less": (
        changed_tensors(lambda tensors: tensors.pop("transformer.ln_f.bias")),
        ["transformer.ln_f.bias is not in them", *NOT_THESE],
    ),
    "a layer more in the configuration": (
        changed_config(n_layer=5),
        ["transformer.h.4.", "and 11 more", *NOT_THESE],
    ),
    "a layer less than the weights": (
        changed_tensors(one_layer_more),
        ["transformer.h.4.ln_1.weight is in them and not used", *NOT_THESE],
    ),
    "another vocabulary": (
        changed_config(vocab_size=500),
        ["transformer.wte.weight has shape", *NOT_THESE],
    ),
    "numbers that are not finite": (
        changed_tensors(not_finite),
        ["numbers that are not finite", "its weights are damaged"],
    ),
    "a vision model": (
        changed_config(model_type="vit", architectures=["ViTForImageClassification"]),
        ["not a causal language model that transformers can load", "ViT"],
    ),
    "unknown kind": (
        changed_config(model_type="frobnicate"),
        ["not a causal language model that transformers can load", "frobnicate"],
    ),
    "configuration of wrong types": (
        changed_config(n_head="many"),
        ["not a causal language model that transformers can load", "n_head"],
    ),
    "weights behind a link": (linked, ["model.safetensors: not a plain file", "without links"]),
}


def assert_model_refused(outcome: Outcome, folder: Path, parts: list[str]) -> None:
    """Exit 6, one line that names what is wrong, one line that says what to do, nothing else."""
    assert_told(outcome, 6, *parts)
    message, advice = outcome.err.splitlines()
    assert message.startswith("auditkit: ")
    assert advice.startswith("  ")
    assert not (folder / "out").exists() or not list((folder / "out").iterdir())


@pytest.mark.parametrize(("spoil", "parts"), SEEN_BY_CHECK.values(), ids=SEEN_BY_CHECK.keys())
def test_a_model_that_cannot_be_audited_is_refused_at_once(
    spoil: Callable[[Path], None],
    parts: list[str],
    folder: Path,
    home: Path,
    auditkit_here: CommandLine,
) -> None:
    """What shows without loading the model ends check and run alike: exit 6, and nothing is made."""
    spoil(folder / "model")
    checked = auditkit_here("check", folder / "policy.yaml")
    outcome = auditkit_here("run", folder / "policy.yaml", "--out", folder / "out")
    assert_model_refused(outcome, folder, [str(folder / "model"), *parts])
    assert (checked.code, checked.err) == (6, outcome.err)
    assert not (folder / "out").exists()
    assert not home.exists()


@pytest.mark.parametrize(("spoil", "parts"), SEEN_BY_RUN.values(), ids=SEEN_BY_RUN.keys())
def test_a_model_that_cannot_be_loaded_is_refused(
    spoil: Callable[[Path], None],
    parts: list[str],
    folder: Path,
    home: Path,
    auditkit_here: CommandLine,
) -> None:
    """What shows only when the model is loaded ends a run: exit 6, no run directory, no stored run."""
    spoil(folder / "model")
    outcome = auditkit_here("run", folder / "policy.yaml", "--out", folder / "out", "--quiet")
    assert_model_refused(outcome, folder, parts)
    assert nothing_left(folder, home)


def test_no_code_of_a_model_folder_is_run(folder: Path, auditkit: Auditkit) -> None:
    """Python files in a model folder, wherever transformers would look for them, stay unread."""
    trap = "from pathlib import Path\nPath(__file__).with_name('ran').touch()\n"
    places = [folder / "model", folder / "model" / "custom_generate"]
    for place, name in zip(places, ["modeling.py", "generate.py"], strict=True):
        place.mkdir(exist_ok=True)
        (place / name).write_text(trap)
    mapping = {"auto_map": {"AutoTokenizer": ["modeling.T", None]}, "tokenizer_class": "T"}
    (folder / "model" / "tokenizer_config.json").write_text(json.dumps(mapping))
    replaced("tasks:\n", f"defaults: {{{QUICK}}}\ntasks:\n")(folder)
    outcome = auditkit("run", folder / "policy.yaml", "--out", folder / "out", "--quiet")
    assert outcome.code in {0, 1, 3}
    assert not list(folder.rglob("ran"))


def test_a_hub_model_out_of_reach_is_unavailable(
    folder: Path, home: Path, auditkit: Auditkit
) -> None:
    """Without a network a model on the hub is exit 6, with the way around it."""
    model = f"model: {{hub: nobody/nothing, revision: {'0' * 40}}}"
    replaced("model: {path: model}", model)(folder)
    policy, out = folder / "policy.yaml", folder / "out"
    # Without this variable the hub's client tries again for half a minute.
    outcome = auditkit("run", policy, "--out", out, "--quiet", HF_HUB_OFFLINE="1")
    assert_model_refused(outcome, folder, ["nobody/nothing at 000", "use model.path"])
    assert nothing_left(folder, home)


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["--memory", "1MiB"], ["too small for one pair", "take at least", "run with --memory"]),
        (["--device", "cuda"], ["no CUDA device that torch can use", "--device cpu"]),
    ],
    ids=["memory", "device"],
)
def test_resources_that_are_not_there_end_a_run_at_once(
    arguments: list[str], parts: list[str], folder: Path, home: Path, auditkit_here: CommandLine
) -> None:
    """A budget too small for one pair, a device that is missing: exit 6 before anything is calibrated."""
    if "cuda" in arguments and torch.cuda.is_available():
        pytest.skip("there is a CUDA device here")
    out = folder / "out"
    outcome = auditkit_here("run", folder / "policy.yaml", "--out", out, "--quiet", *arguments)
    assert_model_refused(outcome, folder, parts)
    assert nothing_left(folder, home)


class Refusing(BaseHTTPRequestHandler):
    """A hub that answers every request with one error."""

    def do_GET(self) -> None:
        self.send_response(self.server.status)  # type: ignore[attr-defined]
        self.end_headers()

    do_HEAD = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Nothing is printed."""


@pytest.mark.parametrize("status", [None, 403, 503])
def test_a_hub_that_does_not_answer_is_told_in_one_line_at_once(
    status: int | None, tmp_path: Path
) -> None:
    """A refused connection, a refusal and an overloaded server: no retries shown, no half minute waited.

    The hub is a server on this machine, so the command runs without the tests' own guard.
    """
    with HTTPServer(("127.0.0.1", 0), Refusing) as server:
        port = server.server_port
        server.status = status  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        if status is None:
            server.shutdown()
            server.server_close()
        call = (
            "from pathlib import Path\nfrom auditkit.errors import ModelError\n"
            "from auditkit.model.hub import fetch\n"
            f"try: fetch('a/b', '0' * 40, Path({str(tmp_path)!r}))\n"
            "except ModelError as error: print(error.message)"
        )
        started = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-c", call],
            env={**os.environ, "HF_ENDPOINT": f"http://127.0.0.1:{port}"},
            capture_output=True,
            text=True,
            timeout=60,
        )
        took = time.monotonic() - started
        if status is not None:
            server.shutdown()
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 1
    assert done.stdout.startswith("a/b at 0000")
    assert "cannot be fetched" in done.stdout
    assert took < 15
    assert not list(tmp_path.rglob(".fetched"))


# The command line itself.


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["frobnicate"], "No such command 'frobnicate'"),
        (["run"], "Missing argument 'POLICY'"),
        (["run", "example:none"], "there is: applicant_screening, quickstart"),
        (["run", "example:quickstart", "--threads", "0"], "'--threads'"),
        (["check", "example:quickstart", "--colour"], "'--colour'"),
        (["show", "0199"], "no stored run starts with '0199'; see auditkit list"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_command_line_is_a_usage_error(
    arguments: list[str], part: str, tmp_path: Path, auditkit_here: CommandLine
) -> None:
    """A command line that means nothing is exit 2 and says which word is wrong."""
    EvidenceStore.open(f"sqlite:///{tmp_path / 'evidence.db'}")
    if arguments[0] == "show":
        arguments = [*arguments, "--store", f"sqlite:///{tmp_path / 'evidence.db'}"]
    assert_told(auditkit_here(*arguments), 2, part)


def test_a_bug_leaves_a_log_file_and_no_traceback(
    folder: Path, home: Path, auditkit_here: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An exception nobody foresaw is exit 70; the traceback is in the log file that is named."""

    def break_down(*_: object) -> None:
        raise ZeroDivisionError("nobody foresaw this")

    monkeypatch.setattr("auditkit.running.check_policy", break_down)
    outcome = auditkit_here("run", folder / "policy.yaml", "--out", folder / "out")
    assert_told(outcome, 70, "this is a bug in auditkit (ZeroDivisionError)")
    assert "nobody foresaw this" not in outcome.err
    (log,) = (home / "logs").iterdir()
    assert log.stat().st_mode & 0o777 == 0o600
    assert outcome.err.rstrip().endswith(str(log))
    assert "Traceback" in log.read_text()
    assert "ZeroDivisionError: nobody foresaw this" in log.read_text()
