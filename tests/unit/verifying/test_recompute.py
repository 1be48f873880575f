"""Recomputing a record's conclusions: the untouched record agrees, every change is named."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from auditkit.bundle.evidence import evidence_bytes
from auditkit.circuits.effects import minimality_of
from auditkit.circuits.intervals import mean_interval
from auditkit.circuits.latents import NO_LATENTS_SOUGHT
from auditkit.circuits.paths import NO_PATHS_SOUGHT
from auditkit.circuits.signature import NO_SIGNATURE, checked, declared_latents
from auditkit.judging.conclusions import conclude
from auditkit.judging.editions import CURRENT
from auditkit.judging.measured import Measured
from auditkit.judging.verdict import overall
from auditkit.records.audit import AuditRecord
from auditkit.records.base import Interval
from auditkit.records.causal import Causal, LeftOut
from auditkit.verifying.recompute import mismatches
from tests.builders import D, audit_record, specification, verified_latents


def test_an_honest_record_agrees_with_itself() -> None:
    """Nothing differs in a record whose conclusions were computed."""
    assert mismatches(audit_record(), CURRENT) == ()


LATENTS_ABSENT = NO_LATENTS_SOUGHT.model_dump(mode="json")
PATHS_ABSENT = NO_PATHS_SOUGHT.model_dump(mode="json")
UNSEEN = {"state": "not_assessed", "code": "left_out", "reason": "It was skipped."}


def changed(path: str, value: object) -> AuditRecord:
    """The record with one value, named by its path in the JSON, replaced."""
    document = json.loads(evidence_bytes(audit_record()))
    *parents, last = path.split("/")
    at: Any = document
    for key in parents:
        at = at[int(key)] if isinstance(at, list) else at[key]
    at[int(last) if isinstance(at, list) else last] = value
    return AuditRecord.model_validate_json(json.dumps(document))


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        ("verdict", "consistent", "verdict"),
        ("tasks/0/verdict", "not_consistent", "tasks[copying].verdict"),
        ("tasks/1/verdict", "consistent", "tasks[counting].verdict"),
        ("tasks/0/behaviour/correct", 1, "tasks[copying].behaviour"),
        ("tasks/0/behaviour/accuracy", "0.9999", "tasks[copying].behaviour"),
        ("tasks/0/behaviour/positive_values/0", "1.9000", "tasks[copying].behaviour"),
        ("tasks/1/behaviour/state", "observed", "tasks[counting].behaviour"),
        ("tasks/0/codes/signature", [7, 11, 13, 17], "tasks[copying].codes.signature"),
        ("tasks/0/codes/examples/0/codes", [0, 7, 13, 17, 18], "codes.heads[0.1]"),
        ("tasks/0/codes/examples/0/codes", [0, 7, 99], "tasks[copying].codes.examples"),
        ("tasks/0/codes/quorum_count", 2, "tasks[copying].codes.quorum_count"),
        ("tasks/0/codes/stride", 7, "tasks[copying].codes.stride"),
        ("tasks/0/examples/discovery/repeated", 2, "tasks[copying].examples.discovery.repeated"),
        ("tasks/1/examples/test/repeated", 2, "tasks[counting].examples.test.repeated"),
        ("tasks/0/examples/test/repeated", 1, "tasks[copying].findings"),
        ("tasks/0/codes/unvarying", ["2.0"], "tasks[copying].codes.unvarying"),
        ("tasks/0/codes/unvarying", ["1.1", "0.0"], "tasks[copying].codes.unvarying"),
        ("tasks/0/codes/unvarying", ["0.0"], "tasks[copying].findings"),
        ("tasks/0/codes/heads/0/rank", 4, "codes.heads[0.0]"),
        ("tasks/0/codes/heads/1/attributed", "0.9000", "codes.heads[0.1]"),
        ("tasks/0/codes/heads/1/effects/0", "0.0100", "codes.examples[0.1]"),
        ("tasks/0/codes/heads/1/effects", ["0.3000"], "codes.heads"),
        ("tasks/0/codes/heads/1/q_value", "0.0100", "codes.heads[0.1]"),
        ("tasks/0/codes/roles", UNSEEN, "copying].codes.roles"),
        ("tasks/0/codes/roles/heads/0/shares/0", "0.3500", "codes.roles.heads[0.1]"),
        ("tasks/0/codes/roles/heads/0/shares", ["1.0000"], "codes.roles.heads[0.1]"),
        ("tasks/0/codes/roles/heads/1/examples", 3, "codes.roles.heads[1.0]"),
        ("tasks/0/codes/roles/heads/1/head", "1.1", "codes.roles.heads"),
        ("tasks/0/codes/roles/positions/0", "0.7000", "codes.roles.positions"),
        ("tasks/0/codes/roles/roles", ["last", "first difference"], "codes.roles.roles"),
        ("tasks/0/codes/latents", UNSEEN, "copying].codes.latents"),
        ("tasks/0/codes/latents", [], "copying].codes.latents"),
        ("tasks/0/codes/latents/0/support", 1, "codes.latents[7]"),
        ("tasks/0/codes/latents/0/mean_effect", "0.9000", "codes.latents[7]"),
        ("tasks/0/codes/latents/1/effects/1", "0.5000", "codes.latents[13].effects"),
        ("tasks/0/codes/latents/1/effects/0", "0.5000", "codes.latents[13]"),
        ("tasks/0/codes/latents/0/head", "0.0", "codes.latents[7]"),
        ("tasks/0/codes/latents/0/latent", 3, "codes.latents[7]"),
        ("tasks/0/codes/latents/2/top/1/size", "1.4000", "codes.latents[14].top"),
        ("tasks/0/codes/latents/2/top/1/example", 2, "codes.latents[14].top"),
        ("tasks/0/codes/negatives", UNSEEN, "copying].codes.negatives"),
        ("tasks/0/codes/negatives/heads/2/p_value", "0.3333", "codes.negatives.heads[1.0]"),
        ("tasks/0/codes/negatives/heads/2/null_effect", "0.0100", "codes.negatives.heads[1.0]"),
        ("tasks/0/codes/negatives/heads/2/effects/0", "0.0100", "codes.negatives.heads[1.0]"),
        ("tasks/0/codes/negatives/heads/2/head", "1.1", "codes.negatives.heads"),
        ("tasks/0/codes/negatives/examples", [0], "codes.negatives.heads"),
        ("tasks/0/codes/negatives/examples", [0, 2], "codes.negatives.examples"),
        ("tasks/0/codes/envelope", UNSEEN, "copying].codes.envelope"),
        ("tasks/0/codes/envelope/mean_jaccard", "1.0000", "copying].codes.envelope"),
        ("tasks/0/codes/envelope/over_seeds", "0.1000", "copying].codes.envelope"),
        ("tasks/0/codes/envelope/over_seeds_latents", "1.0000", "copying].codes.envelope"),
        ("tasks/0/codes/envelope/over_thresholds", "0.1000", "copying].codes.envelope"),
        ("tasks/0/codes/envelope/frequencies/0/frequency", "1.0000", "copying].codes.envelope"),
        ("tasks/0/codes/envelope/settings/0/latent_heads", ["0.1"], "settings[0].latent_heads"),
        ("tasks/0/codes/envelope/settings/9/heads", ["0.1"], "codes.envelope.settings[9]"),
        ("tasks/0/codes/envelope/settings/9/seed", 7, "codes.envelope.settings"),
        ("tasks/0/codes/envelope/settings/2/latent_heads", ["0.1", "1.1"], "codes.envelope"),
        ("tasks/0/specification/autoencoder/seeds", 1, "copying].codes.envelope"),
        ("tasks/0/specification/autoencoder/seeds", 3, "codes.envelope.settings"),
        ("tasks/0/null/separated", ["0.1"], "tasks[copying].null"),
        ("tasks/0/null/least_examples", 2, "tasks[copying].null"),
        ("tasks/0/specification/null_level", "0.7", "tasks[copying].null"),
        ("tasks/0/codes/heads/2/support", 1, "codes.heads[1.0]"),
        ("tasks/0/causal/patched/2/effects/0", "0.7600", "causal.patched"),
        ("tasks/0/causal/patched/1/effect/mean", "0.0400", "causal.patched"),
        ("tasks/0/causal/patched/3/head", "1.0", "causal.unpatched"),
        ("tasks/0/causal/drops/whole/1", "4.1000", "causal.drops.whole"),
        ("tasks/0/causal/drops/whole", ["4.0000"], "causal.drops.whole"),
        ("tasks/0/causal/drops/whole", ["4.0000"] * 3, "causal.drops.whole"),
        ("tasks/0/causal/drops/heads/1/drops/0", "1.1000", "causal.patched"),
        ("tasks/0/causal/drops/heads/1/drops", ["1.0000"], "causal.drops"),
        ("tasks/0/causal/drops/heads/1/drops", ["1.0000"] * 3, "drops.heads[0.1]"),
        ("tasks/0/causal/drops/heads/1/head", "0.0", "causal.drops.heads"),
        ("tasks/0/causal/drops/joint", [{"head": "0.1", "drops": ["1.0000"]}], "drops.joint"),
        ("tasks/1/id", "copying", "tasks"),
        ("times/finished", "2020-01-01T00:00:00Z", "times"),
        ("policy/committed_at", "2020-01-01T00:00:00Z", "policy.committed_at"),
        ("model/layers/1/index", 2, "model.layers"),
        ("tasks/0/examples/discovery/n", 3, "tasks[copying].examples.discovery"),
        ("tasks/1/examples/test/n", 3, "tasks[counting].examples.test"),
        (
            "tasks/0/examples/further",
            {"sha256": "sha256:" + "3" * 64, "n": 2, "repeated": 0, "uneven": 0},
            "tasks[copying].examples.further",
        ),
        ("tasks/0/expected/heads", ["0.1", "0.1"], "tasks[copying].expected.heads"),
        ("tasks/0/expected/min_recall", None, "tasks[copying].expected.min_recall"),
        ("model/layers/1/n_heads", 1, "tasks[copying]"),
        ("tasks/0/ruling/verdict", "consistent", "tasks[copying].ruling"),
        ("tasks/0/ruling/excludable", "0.0440", "tasks[copying].ruling"),
        ("tasks/0/ruling/open/1/pairs_needed", 3, "tasks[copying].ruling"),
        ("tasks/0/ruling/looks/0/closed", ["0.1"], "tasks[copying].ruling"),
        ("tasks/0/causal/unpatched", ["1.1"], "causal.unpatched"),
        ("tasks/0/causal/necessity/0/state", "not_observed", "causal.necessity[resample]"),
        ("tasks/0/causal/necessity/1/shares/0", "0.1000", "causal.necessity[mean]"),
        ("tasks/0/causal/sufficiency/0/share/low", "0.9000", "causal.sufficiency[resample]"),
        ("tasks/0/causal/sufficiency/0/ablation", "mean", "causal.sufficiency"),
        (
            "tasks/0/causal/constant_role/with_circuit/ablation",
            "resample",
            "constant_role.with_circuit",
        ),
        ("tasks/0/effect/state", "not_observed", "tasks[copying].effect"),
        ("tasks/0/effect/p_value", "0.0100", "tasks[copying].effect"),
        ("tasks/0/effect/measured/1/drops/0", "4.5000", "effect.measured[test, resample]"),
        ("tasks/0/effect/measured/0/ablation", "mean", "tasks[copying].effect.measured"),
        ("tasks/0/effect/measured/0/drops", ["4.0000"], "effect.measured[discovery, resample]"),
        ("tasks/0/causal/completion/alone/shares/0", "0.9000", "causal.completion"),
        ("tasks/0/causal/completion/alone/ablation", "mean", "causal.completion"),
        ("tasks/0/causal/completion/completed/code", "no_need", "completion.completed"),
        ("tasks/0/causal/minimality/left_out/0/losses/0", "0.0000", "causal.minimality"),
        ("tasks/0/causal/minimality/dispensable", ["0.1"], "causal.minimality"),
        ("tasks/0/causal/minimality/ablation", "mean", "causal.minimality"),
        ("tasks/0/causal/joint_ablation/backups", [], "joint_ablation.backups"),
        ("tasks/0/causal/joint_ablation/tried/0/gains/0", "0.9000", "tried[1.0, 0.0]"),
        ("tasks/0/causal/joint_ablation/tried/0/primary", "1.1", "tried[1.1, 0.0]"),
        (
            "tasks/0/causal/joint_ablation/with_backups/0/shares/0",
            "0.5000",
            "joint_ablation.with_backups",
        ),
        ("tasks/0/causal/random_sets/at_least", 1, "causal.random_sets"),
        ("tasks/0/causal/random_sets/shares", ["0.1000"] * 2, "causal.random_sets"),
        ("tasks/0/causal/random_sets/p_value", "0.0100", "causal.random_sets"),
        ("tasks/0/causal/constant_role/heads", [], "constant_role.heads"),
        ("tasks/0/causal/constant_role/patched/1/head", "1.0", "constant_role.patched"),
        (
            "tasks/0/causal/constant_role",
            {"state": "not_assessed", "code": "no_behaviour", "reason": "Nobody looked."},
            "causal.constant_role",
        ),
        (
            "tasks/0/causal/constant_role/patched/0/effect/mean",
            "0.1000",
            "constant_role.patched[0.0]",
        ),
        (
            "tasks/0/causal/constant_role/with_circuit/shares/0",
            "0.5000",
            "constant_role.with_circuit",
        ),
        ("tasks/0/circuit/heads", ["0.1"], "tasks[copying].circuit"),
        ("tasks/0/circuit/pairs_tested", 1, "tasks[copying].circuit"),
        ("tasks/0/causal/latents/heads/0/exact", ["0.2500"], "causal.latents[0.1]"),
        ("tasks/0/causal/latents/heads/0/exact/0", "0.9000", "causal.latents[0.1]"),
        ("tasks/0/causal/latents/heads/0/carrying", [8, 9], "causal.latents[0.1]"),
        ("tasks/0/causal/latents/heads/0/tried/0/code", 10, "causal.latents[0.1]"),
        ("tasks/0/causal/latents/heads/0/tried/0/latent", 3, "causal.latents[0.1]"),
        ("tasks/0/causal/latents/heads/0/tried/0/effect/low", "0.2300", "causal.latents[0.1]"),
        ("tasks/0/causal/latents/heads/1/tried/1/effects/0", "0.6000", "causal.latents[1.0]"),
        ("tasks/0/causal/latents/heads/1/together/0/0", "0.5100", "causal.latents[1.0]"),
        ("tasks/0/causal/latents/heads/1/together/1", ["0.7", "0.1"], "causal.latents[1.0]"),
        ("tasks/0/causal/latents/heads/1/head", "1.1", "causal.latents.heads"),
        ("tasks/0/causal/latents/pairs/0/codes", [8], "causal.latents.signature"),
        ("tasks/0/causal/latents/signature", [8], "causal.latents.signature"),
        ("tasks/0/causal/latents/quorum_count", 2, "causal.latents.signature"),
        ("tasks/0/causal/latents", LATENTS_ABSENT, "causal.latents"),
        ("tasks/0/causal/paths", PATHS_ABSENT, "causal.paths"),
        ("tasks/0/causal/signature", LATENTS_ABSENT, "causal.signature"),
        (
            "calibration/settings/0/taken_from",
            "f1a2196b-9912-793c-b867-314519437196",
            "calibration.settings[0].taken_from",
        ),
        ("calibration/settings/0/declared/wrong/consistent", 1, "settings[0].outcomes"),
        ("calibration/settings/0/declared/right/not_consistent", 1, "settings[0].outcomes"),
        ("calibration/settings/0/state", "not_observed", "settings[0].outcomes"),
        ("tasks/0/expected/signature", {"0.1": [1]}, "causal.signature"),
        ("tasks/0/causal/paths/untried", 1, "causal.paths.untried"),
        ("tasks/0/causal/paths/tried/0/target", "1.1", "causal.paths.tried"),
        ("tasks/0/causal/paths/tried/0/effects/0", "0.3000", "causal.paths[0.1, 1.0]"),
        ("tasks/0/causal/paths/tried/0/effects", ["0.2000"], "causal.paths[0.1, 1.0]"),
        ("tasks/0/causal/paths/tried/0/effect/high", "0.3000", "causal.paths[0.1, 1.0]"),
        ("tasks/0/comparison/extra", ["1.1"], "tasks[copying].comparison"),
        ("tasks/0/comparison/precision", "0.9999", "tasks[copying].comparison"),
        ("tasks/0/expected/heads", ["0.1", "1.1"], "tasks[copying].comparison"),
        ("tasks/0/expected/declared_for", "sha256:" + "0" * 64, "tasks[copying].verdict"),
        ("tasks/0/specification/thresholds/head_effect", "0.5", "tasks[copying].circuit"),
        ("tasks/0/specification/thresholds/quorum", "1", "codes.quorum_count"),
        ("tasks/1/specification/thresholds/min_accuracy", "0.4", "tasks[counting]"),
        ("tasks/0/specification/thresholds/necessity", "0.99", "causal.necessity[resample]"),
        ("tasks/0/ladder/stable", "not_assessed", "tasks[copying].ladder"),
        ("tasks/0/stability/agreeing", "0.9000", "tasks[copying].stability"),
        ("tasks/0/stability/frequencies", [], "tasks[copying].stability"),
        ("tasks/0/stability/state", "not_observed", "tasks[copying].stability"),
        ("tasks/0/examples/templates", ["copy"], "tasks[copying].examples.templates"),
        ("tasks/0/findings", [], "tasks[copying].findings"),
        ("tasks/0/findings/0/code", "all_is_well", "tasks[copying].findings"),
        ("tasks/0/findings/0/parameters/correct", 99, "tasks[copying].findings"),
        ("limitations/1/code", "no_limit", "limitations"),
        (
            "tasks/1/circuit",
            {"heads": [], "edges": [], "pairs_tested": 0},
            "tasks[counting].circuit",
        ),
        ("model/weights_digest", "sha256:" + "0" * 64, "tasks[copying].verdict"),
        ("model/weights_digest", "sha256:" + "0" * 64, "model.weights_digest"),
        ("model/manifest_digest", "sha256:" + "0" * 64, "model.manifest_digest"),
        ("model/root_digest", "sha256:" + "0" * 64, "model.root_digest"),
        ("model/tokenizer_digest", "sha256:" + "0" * 64, "model.tokenizer_digest"),
        ("model/manifest/0/size", 11, "model.manifest_digest"),
        ("model/manifest/0/path", "model.safetensors", "model.manifest"),
        (
            "model/pinned",
            [{"by": "weights_digest", "value": "sha256:" + "0" * 64}],
            "model.pinned",
        ),
    ],
)
def test_a_changed_value_is_named(path: str, value: object, named: str) -> None:
    """One changed value makes the conclusions that rest on it disagree."""
    found = mismatches(changed(path, value), CURRENT)
    assert any(named in each for each in found), found


def test_thresholds_are_compared_as_decimals() -> None:
    """The hand-made record holds exact decimals, so equality means equality."""
    assert audit_record().tasks[0].specification.thresholds.tau == Decimal("0.02")


def with_signature() -> dict[str, Any]:
    """The record, as JSON, of a run with a declared signature."""
    record = audit_record()
    task = record.tasks[0]
    assert isinstance(task.causal, Causal)
    head, *_ = verified_latents().heads
    latents = declared_latents(
        "0.1", [1], (head.exact, head.tried[0].effects, [head.tried[0].effects]), specification()
    )
    causal = task.causal.model_copy(update={"signature": checked([latents])})
    expected = task.expected.model_copy(update={"signature": {"0.1": (1,)}})
    changed = task.model_copy(update={"causal": causal, "expected": expected})
    measured = Measured.of(changed)
    changed = conclude(measured, record.model.weights_digest, record.calibration)
    tasks = (changed, *record.tasks[1:])
    whole = record.model_copy(
        update={"tasks": tasks, "verdict": overall([each.verdict for each in tasks])}
    )
    document: dict[str, Any] = json.loads(evidence_bytes(whole))
    return document


def test_a_declared_signature_follows_from_its_effects() -> None:
    """An honest one agrees, with a finding of its own."""
    record = AuditRecord.model_validate_json(json.dumps(with_signature()))
    assert mismatches(record, CURRENT) == ()
    assert any(each.code.startswith("signature_") for each in record.tasks[0].findings)


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        ("causal/signature/verdict", "consistent", "causal.signature.verdict"),
        ("causal/signature/heads/0/carries", "not_consistent", "causal.signature.verdict"),
        ("causal/signature/heads/0/idle", [1], "causal.signature.verdict"),
        ("causal/signature/heads/0/together/0", "0.0000", "causal.signature[0.1]"),
        ("causal/signature/heads/0/exact", ["0.2500"], "causal.signature[0.1]"),
        ("causal/signature/heads/0/alone", [["0.2400"] * 2] * 2, "causal.signature[0.1]"),
        ("causal/signature/heads/0/latents", [2], "causal.signature.heads"),
        ("expected/signature", {"0.1": [9]}, "causal.signature.heads"),
        ("expected/signature", None, "causal.signature.heads"),
        ("verdict", "consistent", "tasks[copying].verdict"),
        ("causal/signature", NO_SIGNATURE.model_dump(mode="json"), "causal.signature"),
    ],
)
def test_a_changed_signature_is_named(path: str, value: object, named: str) -> None:
    """Whatever is changed of a signature, or of its declaration, is found."""
    document = with_signature()
    at: Any = document["tasks"][0]
    *parents, last = path.split("/")
    for key in parents:
        at = at[int(key)] if isinstance(at, list) else at[key]
    at[int(last) if isinstance(at, list) else last] = value
    record = AuditRecord.model_validate_json(json.dumps(document))
    found = mismatches(record, CURRENT)
    assert any(named in each for each in found), found


def redundant(*removed: tuple[str, str]) -> list[str]:
    """What differs where both heads are dispensable, and these were left out one after the other."""
    losses = {"0.1": ("0.1000", "-0.1000"), "1.0": ("0.2000", "-0.2000")}
    spread = {
        head: LeftOut(head=head, losses=(D(a), D(b)), loss=_over((D(a), D(b))))
        for head, (a, b) in losses.items()
    }
    steps = [
        LeftOut(head=head, losses=(D(loss),) * 2, loss=_over((D(loss),) * 2))
        for head, loss in removed
    ]
    record = audit_record()
    task = record.tasks[0]
    assert isinstance(task.causal, Causal)
    minimality = minimality_of("resample", list(spread.values()), steps)
    causal = task.causal.model_copy(update={"minimality": minimality})
    changed = task.model_copy(update={"causal": causal})
    found = mismatches(record.model_copy(update={"tasks": (changed, *record.tasks[1:])}), CURRENT)
    return [each for each in found if "minimality" in each]


def _over(losses: tuple[Decimal, Decimal]) -> Interval:
    return mean_interval(losses, specification().bootstrap, specification().seed)


def test_heads_left_out_one_after_the_other_stop_where_something_is_lost() -> None:
    """Until a loss is shown or none is left; not one step less or more, none twice, none that is needed."""
    assert redundant(("0.1", "0.0000"), ("1.0", "0.0000")) == []
    assert redundant(("0.1", "0.0000"), ("1.0", "0.3000")) == []
    assert redundant(("0.1", "0.3000")) == []
    for wrong in (
        [],
        [("0.1", "0.0000")],
        [("0.1", "0.3000"), ("1.0", "0.3000")],
        [("0.1", "0.0000"), ("0.1", "0.0000")],
        [("0.0", "0.0000"), ("1.0", "0.0000")],
    ):
        assert redundant(*wrong) == ["tasks[copying].causal.minimality.removed"]
