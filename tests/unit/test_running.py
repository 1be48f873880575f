"""``auditkit.running``: what fails, in which order, what is left behind then, and that nothing is printed.

The long work is a made-up record here; ``tests/integration`` runs it on a model.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import auditkit
from auditkit import running
from auditkit.bundle.evidence import parse_evidence
from auditkit.cli.commands import cli
from auditkit.errors import (
    AuditkitError,
    EnvironmentUnavailableError,
    EvidenceError,
    InputError,
    ModelError,
    Problem,
)
from auditkit.policy import LoadedPolicy, load_policy
from auditkit.policy.checking import CheckOutcome
from auditkit.progress import NoProgress
from auditkit.records.audit import AuditRecord
from auditkit.running import RunOptions, Settled, Surroundings, run, settle
from auditkit.signing.keys.signer import Signer, development_key
from auditkit.store.evidence_store import EvidenceStore
from tests.builders import audit_record, note_signer
from tests.conftest import ROOT
from tests.stores import url_of

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
RUN_ID = audit_record().run_id

POLICY = """\
auditkit: 1
system:
  name: A
  version: "1"
  intended_purpose: B
  provider: {{name: C, address: D, email: E}}
declared_by: {{name: F, role: G}}
model: {{path: '{model}', dtype: {dtype}}}
report: {{formats: [html]}}
tasks:
  - {{id: names, title: H, prompts: {{generator: ioi}}, examples: 10}}
"""


@dataclasses.dataclass
class World:
    """Surroundings that note what they were asked for, and fail where a test says so."""

    folder: Path
    asked: list[str] = dataclasses.field(default_factory=list)
    warned: list[str] = dataclasses.field(default_factory=list)
    store_fails: AuditkitError | None = None
    key_fails: AuditkitError | None = None

    @property
    def out(self) -> Path:
        return self.folder / "out"

    def store(self) -> EvidenceStore:
        self.asked.append("store")
        if self.store_fails:
            raise self.store_fails
        return EvidenceStore.open(url_of(self.folder / "evidence.db"), signer=note_signer())

    def key(self, name: str) -> Signer:
        self.asked.append(f"key {name}")
        if self.key_fails:
            raise self.key_fails
        return development_key(self.folder / "keys", NOW)

    def surroundings(self) -> Surroundings:
        return Surroundings(
            now=lambda: NOW,
            new_run_id=lambda: RUN_ID,
            automated=False,
            snapshots=self.folder / "snapshots",
            models=self.folder / "models",
            store=self.store,
            key=self.key,
            warn=self.warned.append,
        )

    def policy(self, dtype: str = "float32") -> Path:
        path = self.folder / "policy.yaml"
        model = ROOT / "policies" / "models" / "reference"
        path.write_text(POLICY.format(model=model, dtype=dtype))
        return path

    def settle(self, options: RunOptions | None = None) -> Settled:
        return settle(self.policy(), self.out, options or RunOptions(), self.surroundings())


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[RunOptions]:
    """The long work gives a made-up record of the policy at once; the options it got are listed."""
    given: list[RunOptions] = []

    def record(
        loaded: LoadedPolicy, options: RunOptions, stated: running.Stated, *_: object
    ) -> AuditRecord:
        given.append(options)
        made = audit_record()
        policy = made.policy.model_copy(update={"sha256": loaded.sha256})
        report = made.report.model_copy(update={"formats": ("html",)})
        updated = {"policy": policy, "report": report, "signing": stated.signing}
        return made.model_copy(update={**updated, "checkpoint": None})

    monkeypatch.setattr(running, "recorded", record)
    return given


# What fails before the long work, in order.


def test_an_invalid_policy_fails_before_anything_is_asked_for(world: World) -> None:
    """Neither store nor key is opened, and the folder of runs is not made."""
    path = world.policy()
    path.write_text("auditkit: 1\n")
    with pytest.raises(InputError):
        settle(path, world.out, RunOptions(), world.surroundings())
    assert (world.asked, world.out.exists()) == ([], False)


def test_a_commitment_to_something_else_fails_before_the_folder_is_made(world: World) -> None:
    """A commitment to another policy is refused, and no folder is left behind."""
    other = world.folder / "other.p7s"
    other.write_bytes(b"no signature")
    with pytest.raises(InputError, match=r"no commitment to policy\.yaml as it now is"):
        world.settle(RunOptions(commitment=other))
    assert (world.asked, world.out.exists()) == ([], False)


def test_a_folder_that_cannot_be_written_fails_before_store_and_key(world: World) -> None:
    """Where nothing can be written, neither the store nor the key is opened."""
    world.out.write_text("a file")
    with pytest.raises(EnvironmentUnavailableError, match="cannot be written"):
        world.settle()
    assert world.asked == []


def test_a_spoiled_store_fails_before_the_key_is_opened(world: World) -> None:
    """A key may ask for a secret: nobody is asked for one in vain."""
    world.store_fails = EvidenceError("spoiled")
    with pytest.raises(EvidenceError, match="spoiled"):
        world.settle()
    assert world.asked == ["store"]


def test_a_key_that_cannot_be_opened_fails_last(world: World) -> None:
    """The key is opened once policy, folder and store are known to hold."""
    world.key_fails = EnvironmentUnavailableError("no key")
    with pytest.raises(EnvironmentUnavailableError, match="no key"):
        world.settle()
    assert world.asked == ["store", "key default"]
    assert list(world.out.iterdir()) == []


# What a run leaves.


def test_a_run_is_stored_and_written_and_nothing_is_printed(
    world: World, measured: list[RunOptions], capfd: pytest.CaptureFixture[str]
) -> None:
    """The directory holds the record that the store holds; there is not a word on the terminal."""
    options = RunOptions(operator="Ada", threads=2)
    finished = run(world.settle(options), NoProgress())
    assert finished.directory == world.out / RUN_ID
    assert parse_evidence((finished.directory / "evidence.json").read_bytes()) == finished.record
    assert world.store().get(RUN_ID) is not None
    assert measured == [options]
    assert capfd.readouterr() == ("", "")
    assert world.warned == []


def test_a_report_that_cannot_be_written_leaves_its_evidence_and_nothing_else(
    world: World, measured: list[RunOptions], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error says where the evidence is, beside its own advice; no part of a directory is left."""

    def full(*_: object) -> None:
        raise EnvironmentUnavailableError("the disk is full", advice="free some space")

    monkeypatch.setattr("auditkit.bundle.run_files._write", full)
    settled = world.settle()
    with pytest.raises(EnvironmentUnavailableError, match="the disk is full") as raised:
        run(settled, NoProgress())
    kept = f"(the evidence is kept: auditkit show {RUN_ID})"
    assert raised.value.advice == f"free some space {kept}"
    assert list(world.out.iterdir()) == []
    assert world.store().get(RUN_ID) is not None


def test_a_run_that_cannot_be_stored_writes_no_report(
    world: World, measured: list[RunOptions]
) -> None:
    """The same id twice: no second record, and no report of one."""
    run(world.settle(), NoProgress())
    again = dataclasses.replace(world.settle(), out=world.folder / "again")
    with pytest.raises(EvidenceError, match="already in the store"):
        run(again, NoProgress())
    assert not (world.folder / "again").exists()


def test_python_may_hand_in_its_own_surroundings(
    world: World, measured: list[RunOptions], home: Path
) -> None:
    """``auditkit.audit`` then asks those, and the user's own folder is not touched."""
    options = RunOptions(operator="Ada")
    around = world.surroundings()
    made = auditkit.audit(world.policy(), world.out, options=options, surroundings=around)
    assert (made.id, made.directory) == (RUN_ID, world.out / RUN_ID)
    assert world.asked == ["store", "key default"]
    assert measured == [options]
    assert not home.exists()


# What the user is told beside errors.


def told(outcome: CheckOutcome) -> tuple[list[str], AuditkitError | None]:
    warned: list[str] = []
    try:
        outcome.refuse(warned.append)
    except AuditkitError as error:
        return warned, error
    return warned, None


def test_problems_of_the_policy_come_before_those_of_the_model() -> None:
    """Problems are the error and the model's faults are warnings; alone, these are the error."""
    problem = Problem("policy.yaml", 3, "tasks", "wrong")
    faults = (ModelError("no weights", advice="get them"), ModelError("no tokenizer"))
    warned, error = told(CheckOutcome((problem,), faults, (), ()))
    assert warned == ["no weights", "no tokenizer"]
    assert isinstance(error, InputError)
    assert error.problems == (problem,)
    warned, error = told(CheckOutcome((), faults, (), ()))
    assert (warned, type(error)) == ([], ModelError)
    assert str(error) == "no weights; no tokenizer"
    assert told(CheckOutcome((), (), (), ())) == ([], None)


@pytest.mark.parametrize(("dtype", "warnings"), [("float16", 1), ("float32", 0)])
def test_half_precision_on_a_processor_is_warned_of(
    dtype: str, warnings: int, world: World, capfd: pytest.CaptureFixture[str]
) -> None:
    """The warning goes to whoever was handed in; memory and offloading are as asked for."""
    options = RunOptions(device="cpu", memory=1 << 30, offload=True)
    loaded = load_policy(world.policy(dtype))
    machine = running._machine(options, world.folder, loaded, world.warned.append)
    assert (machine.device.type, machine.budget, machine.offload) == ("cpu", 1 << 30, True)
    assert ["float16 is many times slower" in line for line in world.warned] == [True] * warnings
    assert capfd.readouterr() == ("", "")


def test_the_command_line_has_every_option_with_the_same_default() -> None:
    """``auditkit run`` hands its options over by name: each is a field of ``RunOptions``."""
    own = {"policy", "out", "store", "as_json", "quiet"}
    offered = {p.name: p for p in cli.commands["run"].params if p.name not in own}
    fields = {field.name: field.default for field in dataclasses.fields(RunOptions)}
    assert offered.keys() == fields.keys()
    context: Callable[..., Any] = cli.commands["run"].make_context
    with context("run", ["policy.yaml"]) as parsed:
        assert {name: parsed.params[name] for name in fields} == fields


def test_a_process_measures_one_run_at_a_time(
    monkeypatch: pytest.MonkeyPatch, world: World
) -> None:
    """torch's threads and switches belong to the process: a second thread waits until the first is done."""
    inside, together = [0], []

    def audit(*_: object) -> AuditRecord:
        inside[0] += 1
        together.append(inside[0])
        time.sleep(0.05)
        inside[0] -= 1
        return audit_record()

    monkeypatch.setattr("auditkit.engine.audit", audit)
    monkeypatch.setattr(running, "_machine", lambda *_: None)
    monkeypatch.setattr(running, "model_folder", lambda *_: world.folder)
    loaded, stated = load_policy(world.policy()), running.Stated(signing=audit_record().signing)

    def once() -> None:
        running.recorded(loaded, RunOptions(), stated, world.surroundings(), NoProgress())

    threads = [threading.Thread(target=once) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == [1, 1, 1, 1]


@pytest.mark.parametrize("name", ["policy", "out"])
def test_an_argument_that_is_no_path_is_told_in_one_line(name: str, tmp_path: Path) -> None:
    """Which argument, what it is, and what to give instead."""
    given: dict[str, Any] = {"policy": tmp_path / "policy.yaml", "out": tmp_path, name: 5}
    with pytest.raises(InputError, match="a path is needed here, not int") as told:
        auditkit.audit(**given, surroundings=World(tmp_path).surroundings())
    assert told.value.problems[0].file == name


def test_a_run_that_is_no_path_is_told_in_one_line() -> None:
    """The same of ``load``."""
    nothing: Any = None
    with pytest.raises(InputError, match="a path is needed here, not NoneType"):
        auditkit.load(nothing)
