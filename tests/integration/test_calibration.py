"""Calibration: what the controls come to by stated rules, and what the engine finds in them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import torch

from auditkit.bundle.evidence import evidence_bytes
from auditkit.circuits.effects import NO_BEHAVIOUR
from auditkit.circuits.methods import METHODS, Found
from auditkit.controls.calibrating import N_CONTROLS, calibrate
from auditkit.controls.construction import build
from auditkit.controls.family import FAMILY
from auditkit.controls.negative_controls import with_random_weights, with_shuffled_labels
from auditkit.controls.outcomes import (
    RECORDED,
    Truth,
    control_specification,
    distinct,
)
from auditkit.controls.planting import Kind
from auditkit.judging.conclusions import conclude
from auditkit.judging.editions import CURRENT
from auditkit.judging.measured import Measured
from auditkit.policy.specifying import STANDARD
from auditkit.progress import Advance, NoProgress, Progress
from auditkit.records.audit import AuditRecord
from auditkit.records.calibration import (
    CalibratedSetting,
    Calibration,
    Outcome,
    Place,
    PlantedKind,
)
from auditkit.records.specification import Ablation, Specification
from auditkit.records.task import Circuit
from auditkit.verifying.recompute import mismatches
from tests.builders import (
    audit_record,
    calibration,
    causal,
    codes,
    copying,
    effect,
    specification,
    summed_up,
)
from tests.recorded_calibration import recalling

ALL_PLACES: tuple[Place, ...] = ("circuit", "constant_role", "backup")
KINDS: dict[str, PlantedKind] = {
    "0.0": "circuit",
    "0.1": "constant_role",
    "1.0": "circuit",
    "1.1": "backup",
    "1.2": "noisy",
}


def truth(
    looked_for: tuple[Place, ...] = ALL_PLACES,
    *,
    wholly: bool = False,
    first: Ablation = "resample",
) -> Truth:
    """Head 1.1 backs 1.0 up; ``wholly``, so that 0.0 and 1.1 are a circuit too."""
    return Truth(
        kinds=KINDS,
        primaries={"1.1": "1.0"},
        circuits=(("0.0", "1.0"), ("0.0", "1.1")) if wholly else (("0.0", "1.0"),),
        looked_for=looked_for,
        first=first,
    )


@pytest.mark.parametrize(
    ("head", "found", "outcome"),
    [
        ("0.0", {"0.0": "circuit"}, "recovered"),
        ("0.0", {}, "missed"),
        ("0.0", {"0.0": "backup"}, "falsely_reported"),
        ("0.1", {"0.1": "constant_role"}, "recovered"),
        ("0.1", {"0.1": "circuit"}, "falsely_reported"),
        ("1.0", {}, "missed"),
        ("1.1", {"1.1": "backup"}, "recovered"),
        ("1.1", {"1.1": "circuit"}, "falsely_reported"),
        ("1.1", {}, "missed"),
        ("1.2", {}, "rightly_left_out"),
        ("1.2", {"1.2": "backup"}, "falsely_reported"),
    ],
)
def test_a_head_is_judged_by_what_was_planted(
    head: str, found: Mapping[str, Place], outcome: Outcome
) -> None:
    """Reported as planted is recovered; as anything else, false; not at all, missed or right."""
    assert truth().outcome(head, found) == outcome


def test_a_pass_that_was_not_made_misses_nothing() -> None:
    """Heads of a kind nobody looked for are neither missed nor recovered."""
    only = truth(("circuit",))
    assert [only.outcome(head, {}) for head in KINDS] == [
        "missed",
        "not_looked_for",
        "missed",
        "not_looked_for",
        "rightly_left_out",
    ]


@pytest.mark.parametrize(
    ("looked_for", "found", "outcome"),
    [
        (ALL_PLACES, {"1.0": "circuit"}, "recovered"),
        (ALL_PLACES, {"1.0": "backup"}, "recovered"),
        (ALL_PLACES, {"0.0": "circuit", "1.1": "backup"}, "other_circuit_found"),
        (ALL_PLACES, {"0.0": "circuit"}, "missed"),
        (("circuit",), {"0.0": "circuit"}, "not_looked_for"),
        (("circuit", "constant_role"), {"1.0": "constant_role"}, "not_looked_for"),
    ],
)
def test_a_primary_that_is_replaced_wholly_is_not_missed_where_the_other_circuit_is_found(
    looked_for: tuple[Place, ...], found: Mapping[str, Place], outcome: Outcome
) -> None:
    """Two circuits are right: finding either is, and only a search for backups can show the head."""
    assert truth(looked_for, wholly=True).outcome("1.0", found) == outcome


def test_under_mean_ablation_a_constant_role_belongs_in_the_circuit() -> None:
    """What is needed alike on both prompts is missed when averaged, and then it is in the circuit."""
    assert truth(first="mean").outcome("0.1", {"0.1": "circuit"}) == "recovered"


def test_every_kind_has_a_name_in_the_record() -> None:
    """No planted kind is left out of the totals."""
    assert set(RECORDED) == set(Kind)
    assert [total.kind for total in calibration().settings[0].totals] == list(RECORDED.values())


def test_tasks_with_equal_settings_share_one_calibration() -> None:
    """Metric, numbers of pairs and who chose are the task's own; a threshold is not."""
    other = STANDARD.model_copy(
        update={"metric": "probability_difference", "examples": 7, "defaulted": ("seed",)}
    )
    stricter = with_head_effect("0.5")
    found = distinct({"a": STANDARD, "b": other, "c": stricter})
    assert list(found.values()) == [("a", "b"), ("c",)]


def with_head_effect(share: str) -> Specification:
    thresholds = STANDARD.thresholds.model_copy(update={"head_effect": Decimal(share)})
    return STANDARD.model_copy(update={"thresholds": thresholds})


# The engine on the controls.


@dataclass(frozen=True)
class Calibrated:
    """The standard settings of two tasks, calibrated afresh, and what was seen of it from outside."""

    calibration: Calibration
    watched: Watched
    before: tuple[torch.Tensor, int]
    after: tuple[torch.Tensor, int]

    @property
    def setting(self) -> CalibratedSetting:
        """The one setting that both tasks have."""
        (setting,) = self.calibration.settings
        return setting


TASKS = {"a": STANDARD, "b": STANDARD}


def surroundings() -> tuple[torch.Tensor, int]:
    """The random state and the number of threads of torch."""
    return torch.random.get_rng_state(), torch.get_num_threads()


@pytest.fixture(scope="module")
def standard() -> Calibrated:
    """One calibration, made and not recalled."""
    torch.set_num_threads(1)  # as the command line does
    watched, before = Watched(), surroundings()
    return Calibrated(calibrate(TASKS, watched), watched, before, surroundings())


def test_the_standard_settings_recover_what_was_planted(standard: Calibrated) -> None:
    """Nothing is missed and nothing is reported falsely, on all models."""
    setting = standard.setting
    assert setting.state == "observed"
    assert [run.name for run in setting.models] == [plan.name for plan in FAMILY]
    assert all(run.behaviour.state == "observed" for run in setting.models)
    assert {total.kind: total.recovered for total in setting.totals}["negative"] == 8
    assert sum(total.missed + total.falsely_reported for total in setting.totals) == 0


def test_nothing_is_reported_where_there_is_nothing(standard: Calibrated) -> None:
    """With shuffled labels and with random weights no behaviour is seen and no head is reported."""
    controls = standard.setting.negative_controls
    assert [each.name for each in controls] == ["shuffled_labels", "random_weights"]
    for control in controls:
        assert (control.behaviour.state, control.reported) == ("not_observed", ())
        assert control.outcome == "nothing_reported"


def test_a_threshold_above_planted_effects_is_seen() -> None:
    """Settings under which planted heads stay below the threshold are named as missing them."""
    (setting,) = calibrate({"a": with_head_effect("0.9")}, NoProgress()).settings
    assert setting.state == "not_observed"
    missed = {total.kind: total.missed for total in setting.totals}
    assert missed["negative"] == 8
    assert missed["circuit"] > 0


def test_calibrating_leaves_the_surroundings_alone(standard: Calibrated) -> None:
    """Neither the random state nor the number of threads of torch is another one afterwards."""
    assert torch.equal(standard.after[0], standard.before[0])
    assert standard.after[1] == standard.before[1]


def test_progress_counts_every_control(standard: Calibrated) -> None:
    """Each model of each distinct setting is one step of the announced total."""
    assert standard.watched.totals == [N_CONTROLS]
    assert sum(standard.watched.steps) == N_CONTROLS


class Watched:
    """Progress that keeps what it was told."""

    def __init__(self) -> None:
        self.totals: list[int] = []
        self.steps: list[int] = []

    @contextmanager
    def stage(self, name: str, total: int) -> Iterator[Advance]:
        """Takes the total, and hands out what takes the steps."""
        del name
        self.totals.append(total)
        yield self.steps.append


# What the other tests recall.


def test_what_is_recalled_is_what_a_fresh_calibration_gives(
    standard: Calibrated, calibrations: Path
) -> None:
    """The calibration that other tests of this session are given equals one made here and now."""
    assert recalling(calibrate, calibrations)(TASKS, NoProgress()) == standard.calibration


def test_another_setting_is_really_calibrated_and_then_recalled(tmp_path: Path) -> None:
    """The exact settings decide: a threshold moved by its last digit is calibrated, and once only."""
    made: list[Specification] = []

    def counted(specifications: Mapping[str, Specification], _: Progress) -> Calibration:
        ((task, asked),) = specifications.items()
        made.append(asked)
        return calibration(tasks=(task,), asked=asked)

    recalled = recalling(counted, tmp_path)
    one, other = with_head_effect("0.0500"), with_head_effect("0.0501")
    for tasks in ({"a": one}, {"b": one, "c": other}, {"d": other}):
        found = recalled(tasks, NoProgress())
        assert [task for each in found.settings for task in each.tasks] == list(tasks)
        asked = [each.specification for each in found.settings]
        assert asked == [control_specification(each) for each in tasks.values()]
    assert made == [control_specification(one), control_specification(other)]


def test_shuffled_labels_are_wrong_in_every_second_pair() -> None:
    """Right and wrong answers change places, in the pair and in its token ids, and nothing else does."""
    control = build(FAMILY[0])
    shuffled = with_shuffled_labels(control)
    for index, (old, new) in enumerate(zip(control.test, shuffled.test, strict=True)):
        swapped = (old.wrong_ids, old.answer_ids, old.pair.wrong)
        kept = (old.answer_ids, old.wrong_ids, old.pair.answers)
        assert (new.answer_ids, new.wrong_ids, new.pair.answers) == (kept if index % 2 else swapped)
        assert (new.positive_ids, new.negative_ids) == (old.positive_ids, old.negative_ids)


def test_random_weights_are_the_same_every_time() -> None:
    """The untrained control does not depend on torch's own random state."""
    control = build(FAMILY[0])
    first = with_random_weights(control).subject().identity.weights_digest
    torch.rand(3)
    assert with_random_weights(control).subject().identity.weights_digest == first
    assert first != control.subject().identity.weights_digest


def test_a_head_is_reported_once_and_the_circuit_comes_first() -> None:
    """A head in the circuit is not also reported as needed alike on both prompts."""
    reported = METHODS["attributed-codes"].reported
    found = Found(effect(), codes(), causal(), Circuit(heads=("1.1",), edges=(), pairs_tested=0))
    assert reported(found) == {"0.0": "backup", "1.1": "circuit"}
    other = Found(effect(), codes(), causal(), Circuit(heads=("0.1",), edges=(), pairs_tested=0))
    assert reported(other) == {
        "0.0": "backup",
        "0.1": "circuit",
        "1.1": "constant_role",
    }
    assert reported(Found.nothing(NO_BEHAVIOUR)) == {}


# What it does to a verdict, and what verification recomputes.


def test_a_failed_calibration_leaves_the_verdict_open() -> None:
    """A consistent task becomes inconclusive, and its finding names what was missed."""
    failed = calibration(lost=("lookup-hard/1.1",))
    assert failed.settings[0].state == "not_observed"
    task = copying()
    again = conclude(Measured.of(task), audit_record().model.weights_digest, failed)
    assert (task.verdict, again.verdict) == ("consistent", "inconclusive")
    (finding,) = [each for each in again.findings if each.code == "calibration_not_observed"]
    assert "1 missed (1 negative)" in finding.text
    assert "calibration_observed" in [each.code for each in task.findings]


def test_a_task_without_controls_cannot_be_weighed() -> None:
    """A record whose calibration names other tasks gives no verdict on this one."""
    (setting,) = calibration().settings
    elsewhere = Calibration(settings=(setting.model_copy(update={"tasks": ("other",)}),))
    again = conclude(Measured.of(copying()), audit_record().model.weights_digest, elsewhere)
    assert again.verdict == "inconclusive"
    assert again.findings[-1].code == "calibration_missing"


def changed(path: str, value: object) -> AuditRecord:
    document = json.loads(evidence_bytes(audit_record()))
    *parents, last = path.split("/")
    at: Any = document["calibration"]["settings"]
    for key in parents:
        at = at[int(key)] if isinstance(at, list) else at[key]
    at[int(last) if isinstance(at, list) else last] = value
    return AuditRecord.model_validate_json(json.dumps(document))


FIRST = "0/models/0"


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        ("0/state", "not_observed", "settings[0].outcomes"),
        ("0/totals/0/recovered", 19, "settings[0].outcomes"),
        (f"{FIRST}/heads/0/outcome", "missed", "settings[0].outcomes"),
        (f"{FIRST}/heads/0/reported", "not_reported", "settings[0].outcomes"),
        (f"{FIRST}/heads/1/reported", "circuit", "settings[0].outcomes"),
        (f"{FIRST}/heads/0/kind", "inert", "settings[0].models"),
        (f"{FIRST}/circuits", [["0.0"]], "settings[0].models"),
        (f"{FIRST}/attention", "soft", "settings[0].models"),
        ("0/models/7/heads/10/primary", None, "settings[0].models"),
        ("0/models/5/looked_for", ["circuit", "constant_role"], "backup-hard.reported"),
        ("0/models", [], None),
        (f"{FIRST}/behaviour/correct", 19, "lookup-hard.behaviour"),
        (f"{FIRST}/behaviour/positive_values", ["2.0000"], "lookup-hard.behaviour"),
        ("0/negative_controls/0/reported", ["0.0"], "shuffled_labels.reported"),
        ("0/negative_controls", [], "settings[0].models"),
        ("0/tasks", ["copying"], "calibration.settings"),
        ("0/specification/seed", 1, "calibration.settings"),
        ("0/specification/thresholds/head_effect", "0.04", "calibration.settings"),
    ],
)
def test_a_changed_calibration_is_named(path: str, value: object, named: str | None) -> None:
    """One changed value of the calibration disagrees with the plan, the tasks or the rules."""
    if named is None:
        with pytest.raises(ValueError, match="models"):
            changed(path, value)
        return
    found = mismatches(changed(path, value), CURRENT)
    assert any(named in each for each in found), found


def test_a_control_without_behaviour_can_report_nothing() -> None:
    """The audit looks no further there, so a record that says otherwise is named."""
    record = changed(f"{FIRST}/behaviour/state", "not_observed")
    assert "calibration.settings[0].lookup-hard.reported" in mismatches(record, CURRENT)


def test_leaving_a_model_out_is_named() -> None:
    """A calibration without the model that went wrong is not the calibration of this auditkit."""
    record = audit_record()
    (setting,) = record.calibration.settings
    fewer = summed_up(setting.model_copy(update={"models": setting.models[1:]}))
    shortened = record.model_copy(update={"calibration": Calibration(settings=(fewer,))})
    assert "calibration.settings[0].models" in mismatches(shortened, CURRENT)


def test_what_a_control_is_run_with_names_no_task() -> None:
    """The recorded settings are the task's without metric, pairs, random sets and who chose."""
    control = control_specification(specification())
    assert (control.metric, control.examples, control.test_examples) == ("logit_difference", 24, 20)
    assert (control.random_sets, control.defaulted) == (0, ())
    assert control.thresholds == specification().thresholds
