"""``auditkit run`` from a policy to a directory, an exit code and a stored run; then reading it back."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from auditkit.bundle.names import ALL_NAMES, COMMITMENT
from auditkit.model.fingerprint import fingerprint
from tests.conftest import QUICKSTART, Auditkit, CommandLine, FinishedRun, short_policy

RUN_FILES = {
    "evidence.json",
    "report.html",
    "report.html.p7s",
    "report.pdf",
    "attestation.dsse.json",
    "policy.yaml",
    "certificate.pem",
    "MANIFEST.json",
}
DIFFERS_BETWEEN_RUNS = ("run_id", "times", "checkpoint")

PRONOUN_HEADS = ("4.2", "4.0", "1.2", "1.3", "1.1")
"""What exact patching of stories260K shows (its NOTES.md), largest effect first."""

STORIES_POLICY = """\
auditkit: 1
system:
  name: Story assistant
  version: "1"
  intended_purpose: A test.
  provider: {{name: A, address: B, email: c@example.invalid}}
declared_by: {{name: D, role: E}}
model: {{path: '{model}'}}
report: {{formats: [html]}}
defaults: {{random_sets: 0}}
tasks:
  - id: pronoun
    title: Uses the pronoun that fits
    prompts: {prompts}
{expected}"""


def only_run(out: Path) -> Path:
    (directory,) = out.iterdir()
    return directory


def names(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


# The quickstart policy, run once in a process of its own.


def test_a_run_leaves_exactly_its_eight_files(finished_run: FinishedRun) -> None:
    """A run that asks for both reports leaves the eight documented files and nothing beside them."""
    assert names(finished_run.directory) == RUN_FILES == ALL_NAMES - {COMMITMENT}
    assert list(finished_run.directory.parent.iterdir()) == [finished_run.directory]


def test_the_policy_is_kept_byte_for_byte(finished_run: FinishedRun) -> None:
    """The ``policy.yaml`` of a run is the policy as it was read."""
    assert (finished_run.directory / "policy.yaml").read_bytes() == QUICKSTART.read_bytes()


def test_json_names_directory_verdict_code_and_heads(finished_run: FinishedRun) -> None:
    """``--json`` says where the run is, what came of it, and which heads each task has."""
    summary = finished_run.outcome.json()
    assert Path(summary["directory"]).name == summary["run_id"]
    assert (summary["verdict"], summary["exit_code"]) == ("consistent", finished_run.outcome.code)
    recorded = evidence(finished_run.directory)["tasks"]
    heads = {task["id"]: task["circuit"]["heads"] for task in recorded}
    assert len(heads) == 4
    assert all(heads.values())
    assert {task["id"]: task["heads_found"] for task in summary["tasks"]} == heads
    assert {task["verdict"] for task in summary["tasks"]} == {"consistent"}


def test_a_second_run_measures_the_same(
    short_run: FinishedRun, calibrating_auditkit: Auditkit
) -> None:
    """Under another hash seed, time zone and language, quiet, with little memory and layers read from
    files, a run records the same evidence."""
    outcome = calibrating_auditkit(
        "run",
        short_policy(calibrating_auditkit.home.parent),
        "--out",
        calibrating_auditkit.home / "out",
        "--quiet",
        "--memory",
        "512MiB",
        "--offload",
        PYTHONHASHSEED="7",
        TZ="Pacific/Auckland",
        LC_ALL="C",
    )
    assert (outcome.code, outcome.out, outcome.err) == (short_run.outcome.code, "", "")
    first = evidence(short_run.directory)
    second = evidence(only_run(calibrating_auditkit.home / "out"))
    for key in DIFFERS_BETWEEN_RUNS:
        assert first.pop(key) != second.pop(key)
    here, there = (record["environment"].pop("memory") for record in (first, second))
    assert (here["layers_offloaded"], there["layers_offloaded"]) == (False, True)
    assert there["budget"] == 512 << 20 < here["budget"]
    assert min(here["peak"], there["peak"]) > 0
    assert first == second


def evidence(directory: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((directory / "evidence.json").read_bytes())
    return content


# Reading the store the run is in.


@pytest.fixture
def reading(
    finished_run: FinishedRun, auditkit_here: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> CommandLine:
    """The command line of the user who made the finished run."""
    monkeypatch.setenv("AUDITKIT_HOME", str(finished_run.home))
    return auditkit_here


def test_list_shows_the_run(finished_run: FinishedRun, reading: CommandLine) -> None:
    """``list`` has one line for the run: whole id, system, model and verdict."""
    outcome = reading("list")
    (line,) = [line for line in outcome.out.splitlines() if finished_run.directory.name in line]
    assert outcome.code == 0
    assert "Example text assistant" in line
    assert line.split()[-2:] == ["reference", "consistent"]


def test_list_as_json_has_one_object_per_run(
    finished_run: FinishedRun, reading: CommandLine
) -> None:
    """``list --json`` is a list of runs, each with its place in the store, id and verdict."""
    (run,) = reading("list", "--json").json()
    assert (run["leaf_index"], run["run_id"]) == (0, finished_run.directory.name)
    assert (run["verdict"], run["model"]) == ("consistent", "reference")


def test_show_finds_a_run_by_its_first_characters(
    finished_run: FinishedRun, reading: CommandLine
) -> None:
    """``show`` takes the beginning of an id and prints every task and the verdict."""
    outcome = reading("show", finished_run.directory.name[:8])
    assert outcome.code == 0
    assert f"run {finished_run.directory.name}" in outcome.out
    assert all(task["id"] in outcome.out for task in finished_run.outcome.json()["tasks"])
    assert outcome.out.splitlines()[-1] == "verdict: consistent"


def test_show_as_json_is_the_stored_bytes(finished_run: FinishedRun, reading: CommandLine) -> None:
    """``show --json`` prints the record exactly as the store keeps it, and a newline."""
    with sqlite3.connect(f"file:{finished_run.home / 'evidence.db'}?mode=ro", uri=True) as database:
        (body,) = database.execute("SELECT body FROM leaf").fetchone()
    database.close()
    assert reading("show", finished_run.directory.name, "--json").out.encode() == body + b"\n"


# stories260K: a model that auditkit did not train.

RunStories = Callable[..., tuple[int, dict[str, Any], Path]]


@pytest.fixture
def run_stories(shared_model: Path, tmp_path: Path, auditkit_here: CommandLine) -> RunStories:
    """Audits stories260K by its own pronoun pairs, or by a generator, with an expectation or none."""
    pairs = json.loads((shared_model / "gender_pronoun_prompts.json").read_bytes())
    keys = {"clean": "positive", "corrupt": "negative", "answer": "answer", "wrong": "wrong"}
    entries = [
        {new: pair[old].replace("\u2581", " ") for old, new in keys.items()} for pair in pairs
    ]
    lines = "".join(json.dumps(entry) + "\n" for entry in entries)
    (tmp_path / "pairs.jsonl").write_text(lines, encoding="utf-8")
    weights = fingerprint(shared_model).weights_digest

    def run(
        heads: Sequence[str] = PRONOUN_HEADS,
        declared_for: str = weights,
        prompts: str = "{file: pairs.jsonl}",
        demands: str = "",
    ) -> tuple[int, dict[str, Any], Path]:
        named = f"heads: {json.dumps(heads)}, declared_for: '{declared_for}'{demands}"
        expected = f"    expected: {{{named}}}\n"
        policy = tmp_path / "policy.yaml"
        policy.write_text(
            STORIES_POLICY.format(
                model=shared_model, prompts=prompts, expected=expected if heads else ""
            )
        )
        outcome = auditkit_here("run", policy, "--out", tmp_path / "out", "--json")
        (task,) = outcome.json()["tasks"]
        assert outcome.json()["exit_code"] == outcome.code
        return outcome.code, task, Path(outcome.json()["directory"])

    return run


def test_a_known_circuit_of_another_model_is_found(
    run_stories: RunStories, auditkit_here: CommandLine
) -> None:
    """The heads that exact patching shows in stories260K are found, and the run exits 0.

    The policy asks for HTML only: there is no PDF, and the run verifies.
    """
    code, task, directory = run_stories()
    assert (code, task["verdict"], task["causal"]) == (0, "consistent", "observed")
    assert {"4.2", "4.0", "1.2"} <= set(task["heads_found"])
    assert names(directory) == RUN_FILES - {"report.pdf"}
    verified = auditkit_here("verify", directory, "--json")
    assert (verified.code, verified.json()["ok"]) == (0, True)


def test_a_task_the_model_does_not_do_is_not_assessed(run_stories: RunStories) -> None:
    """stories260K does not do IOI: no mechanism is stated, whatever was expected, and the exit is 3."""
    code, task, _ = run_stories(prompts="{generator: ioi}")
    assert (code, task["behaviour"], task["mechanism"]) == (3, "not_observed", "not_assessed")
    assert (task["verdict"], task["heads_found"]) == ("not_assessed", None)


def test_a_wrong_expectation_is_not_consistent(run_stories: RunStories) -> None:
    """One wrong head among the declared ones is named as missing, and the run exits 1."""
    code, task, _ = run_stories(heads=("4.2", "4.0", "1.2", "0.0"))
    assert (code, task["verdict"]) == (1, "not_consistent")
    assert task["missing"] == ["0.0"]


def test_an_expectation_at_the_edge_of_stability_is_inconclusive(run_stories: RunStories) -> None:
    """Exactly the heads found are declared, and all are demanded: it agrees, and does not hold.

    Redrawn examples leave one of them out too often, so the run exits 3.
    """
    _, found, _ = run_stories(heads=())
    exactly = ", min_precision: 1, min_recall: 1"
    code, task, directory = run_stories(heads=found["heads_found"], demands=exactly)
    assert (code, task["verdict"]) == (3, "inconclusive")
    assert (task["missing"], task["causal"]) == ([], "observed")
    record = json.loads((directory / "evidence.json").read_bytes())
    assert record["tasks"][0]["stability"]["state"] == "not_observed"


def test_an_expectation_for_other_weights_is_inconclusive(run_stories: RunStories) -> None:
    """Heads declared for other weights settle nothing, although they are the right ones: exit 3."""
    code, task, _ = run_stories(declared_for="sha256:" + "0" * 64)
    assert (code, task["verdict"]) == (3, "inconclusive")


def test_a_task_without_an_expectation_is_not_assessed(run_stories: RunStories) -> None:
    """Without an expectation the circuit is stated and nothing is concluded from it: exit 3."""
    code, task, _ = run_stories(heads=())
    assert (code, task["verdict"], task["mechanism"]) == (3, "not_assessed", "assessed")
    assert (task["heads_expected"], task["missing"]) == (None, None)
    assert {"4.2", "4.0", "1.2"} <= set(task["heads_found"])


def test_a_run_for_a_reader_ends_in_verdict_and_place(
    shared_model: Path, tmp_path: Path, auditkit: Auditkit
) -> None:
    """Without ``--json`` a run prints its tasks, the verdict and the directory on standard output.

    Bars go to standard error, and no connection is tried.
    """
    policy = tmp_path / "policy.yaml"
    text = STORIES_POLICY.format(
        model=shared_model, prompts="{generator: gendered_pronoun}", expected=""
    )
    policy.write_text(text)
    outcome = auditkit("run", policy, cwd=tmp_path)
    *_, verdict, report = outcome.out.splitlines()
    assert (outcome.code, verdict) == (3, "verdict: not assessed")
    assert report == f"report:  runs/{only_run(tmp_path / 'runs').name}"
    assert "pronoun" in outcome.out
    assert "patch heads" in outcome.err
    assert auditkit.network_attempts() == ""
