"""Hand-made records that between them print nearly every sentence of the report."""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

from auditkit.circuits.effects import EMPTY_CIRCUIT
from auditkit.circuits.paths import path_effect
from auditkit.law import EVIDENCE_HOOKS
from auditkit.records.audit import AuditRecord
from auditkit.records.base import NotAssessed
from auditkit.records.causal import Causal, ConstantRole, JointAblation, Minimality, Paths
from auditkit.records.codes import HeadFrequency
from auditkit.records.model import AttentionLayer
from auditkit.records.task import OtherSetting, Stability, TaskRecord, Verdict, VerdictShare
from auditkit.report.pdf import Attached
from tests.builders import D, audit_record, backup, committed, copying, counting, left_out, patched
from tests.unique_codes_records import watched_record

LEFT_OUT = NotAssessed(code="left_out", reason="It is left out of this record.")
EVERY_ITEM = (*EVIDENCE_HOOKS, "IV.9(x)")


def with_tasks(*tasks: TaskRecord) -> AuditRecord:
    return audit_record().model_copy(update={"tasks": tasks})


def with_causal(**changes: object) -> AuditRecord:
    """The first task with another causal check."""
    task = copying()
    causal = task.causal.model_copy(update=changes)
    return with_tasks(task.model_copy(update={"causal": causal}))


def stability() -> Stability:
    return Stability(
        draws=20,
        templates=3,
        frequencies=(
            *(HeadFrequency(head=f"0.{i}", frequency=D("0.0500")) for i in range(20)),
            HeadFrequency(head="1.0", frequency=D("1.0000")),
        ),
        mean_jaccard=D("0.9000"),
        verdicts=tuple(
            VerdictShare(verdict=verdict, share=D(share))
            for verdict, share in zip(
                get_args(Verdict), ("0.7", "0.2", "0.05", "0.05"), strict=True
            )
        ),
        agreeing=D("0.9500"),
        settings=(
            OtherSetting(
                setting="ablation",
                value="mean",
                verdict="inconclusive",
                heads=("1.0",),
                agrees=False,
            ),
            OtherSetting(
                setting="head_effect", value="0.1", verdict="consistent", heads=(), agrees=True
            ),
        ),
        state="observed",
    )


def stable() -> AuditRecord:
    return with_tasks(copying().model_copy(update={"stability": stability()}))


def another_seed() -> AuditRecord:
    changed = copying().specification.model_copy(update={"seed": 7})
    return with_tasks(
        copying(), copying().model_copy(update={"specification": changed}), counting()
    )


def many_edges() -> AuditRecord:
    task = copying()
    path = path_effect(("0.1", "1.0"), (D("0.2000"), D("0.2000")), task.specification)
    sets = {"sufficiency": (), "necessity": (), "random_sets": LEFT_OUT, "minimality": LEFT_OUT}
    causal = task.causal.model_copy(
        update={
            **sets,
            "paths": Paths(tried=(path,) * 30, untried=2),
            "unpatched": ("1.1",),
            "constant_role": LEFT_OUT,
            "joint_ablation": LEFT_OUT,
        }
    )
    return with_tasks(task.model_copy(update={"causal": causal}))


def no_circuit() -> AuditRecord:
    task = copying()
    circuit = task.circuit.model_copy(update={"heads": ()})
    causal = task.causal.model_copy(update={"latents": EMPTY_CIRCUIT, "paths": EMPTY_CIRCUIT})
    return with_tasks(task.model_copy(update={"circuit": circuit, "causal": causal}))


def nothing_declared() -> AuditRecord:
    return with_tasks(copying().model_copy(update={"expected": LEFT_OUT, "comparison": LEFT_OUT}))


def not_compared() -> AuditRecord:
    task = copying()
    expected = task.expected.model_copy(update={"min_sufficiency": D("0.8"), "declared_for": None})
    return with_tasks(task.model_copy(update={"expected": expected, "comparison": LEFT_OUT}))


def other_weights() -> AuditRecord:
    task = copying()
    expected = task.expected.model_copy(update={"declared_for": "sha256:" + "9" * 64})
    compared = task.comparison.model_copy(update={"precision": LEFT_OUT, "extra": ("0.0",)})
    assert isinstance(task.causal, Causal)
    assert isinstance(task.causal.minimality, Minimality)
    assert isinstance(task.causal.joint_ablation, JointAblation)
    assert isinstance(task.causal.constant_role, ConstantRole)
    causal = task.causal.model_copy(
        update={
            "minimality": task.causal.minimality.model_copy(
                update={"left_out": (left_out("1.0", "0.7000"),), "dispensable": ("0.1",)}
            ),
            "joint_ablation": task.causal.joint_ablation.model_copy(
                update={
                    "tried": (backup("0.0", "1.0", "0.0100"),),
                    "backups": (),
                    "with_backups": LEFT_OUT,
                }
            ),
            "constant_role": task.causal.constant_role.model_copy(
                update={"heads": (), "with_circuit": LEFT_OUT}
            ),
        }
    )
    parts = {"expected": expected, "comparison": compared, "causal": causal}
    return with_tasks(task.model_copy(update={**parts, "evidence_for": ()}))


def many_heads() -> AuditRecord:
    """Forty heads replaced alone, of which tables and drawings show some, on a model of uneven layers."""
    record = with_causal(patched=tuple(patched(f"{i // 20}.{i % 20}", "0.1000") for i in range(40)))
    layers = tuple(
        AttentionLayer(index=i, n_heads=20 + i, d_head=4, module=f"h.{i}", found_by="structure")
        for i in range(2)
    )
    return record.model_copy(update={"model": record.model.model_copy(update={"layers": layers})})


def unknown_parts() -> AuditRecord:
    task = copying()
    codes = task.codes.model_copy(
        update={
            "roles": LEFT_OUT,
            "latents": LEFT_OUT,
            "negatives": LEFT_OUT,
            "envelope": LEFT_OUT,
            "unvarying": ("0.0",),
        }
    )
    examples = task.examples.model_copy(update={"shown": LEFT_OUT})
    null = task.null.model_copy(update={"exact": False, "separated": ("1.0",)})
    parts = {"codes": codes, "examples": examples, "null": null, "stability": LEFT_OUT}
    return with_tasks(task.model_copy(update=parts))


def declared_otherwise() -> AuditRecord:
    """Everything a provider may declare, or not, the other way round; an old register; no store."""
    record = audit_record()
    said = record.instructions_for_use
    items = {**said, "IV.9(x)": said["13(3)(d)"], "13(3)(c)": said["13(3)(e)"]}
    items["13(3)(b)(iii)"] = said["13(3)(e)"]
    system = {"name": "7" * 200, "placed_on_market": "2027-12-02", "high_risk": None}
    register = {"version": "2026-01-01", "review_by": "2026-02-01"}
    return record.model_copy(
        update={
            "supersedes": "01234567-89ab-7def-8123-456789abcdee",
            "checkpoint": None,
            "verdict": "not_consistent",
            "operator": record.operator.model_copy(update={"name": "Ada", "automated": True}),
            "policy": committed(record.policy, "2026-11-20T09:00:00Z"),
            "legal_register": record.legal_register.model_copy(update=register),
            "system": record.system.model_copy(update=system),
            "instructions_for_use": items,
            "tasks": tuple(
                task.model_copy(update={"evidence_for": EVERY_ITEM}) for task in record.tasks
            ),
        }
    )


def fixed_too_late() -> AuditRecord:
    record = audit_record()
    policy = committed(record.policy, "2026-11-20T10:00:00Z")
    return record.model_copy(update={"policy": policy})


def signed_before() -> AuditRecord:
    record = audit_record()
    return record.model_copy(update={"policy": committed(record.policy, None)})


RECORDS: dict[str, Callable[[], AuditRecord]] = {
    "hand-made": audit_record,
    "signed-before": signed_before,
    "unique-codes": watched_record,
    "unique-codes-separated": lambda: watched_record("0.25"),
    "stable": stable,
    "another-seed": another_seed,
    "many-edges": many_edges,
    "no-circuit": no_circuit,
    "nothing-declared": nothing_declared,
    "not-compared": not_compared,
    "other-weights": other_weights,
    "many-heads": many_heads,
    "unknown-parts": unknown_parts,
    "declared-otherwise": declared_otherwise,
    "fixed-too-late": fixed_too_late,
}
"""Each by what is particular about it."""


ATTACHED = (
    Attached("report.html", b"<p>twin</p>", "text/html", "The same report as HTML", "Alternative"),
    Attached("evidence.json", b'{"a":1}', "application/json", "The record", "Data"),
    Attached("policy.yaml", b"tasks: []\n", "application/yaml", "The policy as read", "Source"),
)
"""What travels inside a PDF: short files in place of the real ones."""
