"""Print what the engine finds in models whose circuit is known: recovered, missed, falsely reported.

For every known-answer control: each head's planted kind, its exact single effect, its effect as
attributed by the gradient, and whether the circuit found with standard settings contains it. These
models are small: with the standard patching rule nearly every head is patched. A lower patience and
sample show what the ranking alone would do.

    python tools/control_report.py --model tiny-hard --patience 1 --sample 0
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from auditkit.controls.answer_key import single_effects
from auditkit.controls.construction import ControlModel, build
from auditkit.controls.family import FAMILY
from auditkit.controls.planting import CARRYING_KINDS, Kind, PlantedHead
from auditkit.engine import Mechanism, find_mechanism, observe
from auditkit.policy.specifying import STANDARD
from auditkit.records.specification import PatchingRule, Specification


@dataclass(frozen=True)
class Row:
    """One head: what it is, and what exact patching, the gradient and the engine say of it.

    ``zero`` is the exact effect of silencing it. ``chosen`` says why the engine patched it, if it did.
    """

    planted: PlantedHead
    exact: float
    zero: float
    attributed: float
    coded: bool
    chosen: str
    found: bool

    @property
    def outcome(self) -> str:
        """``recovered`` or ``MISSED`` if it carries the task, ``FALSE`` for a null head reported."""
        if self.planted.kind in CARRYING_KINDS:
            return "recovered" if self.found else "MISSED"
        if self.planted.kind in (Kind.CONSTANT_ROLE, Kind.BACKUP):
            return "found" if self.found else "unseen"
        return "FALSE" if self.found else ""


def find(control: ControlModel, specification: Specification) -> Mechanism:
    """What the engine finds in a control model.

    Raises:
        SystemExit: the model does not do its task, which no control model may.
    """
    subject = control.subject()
    discovery = observe(subject, control.discovery, specification, attributed=True)
    test = observe(subject, control.test, specification, attributed=False)
    mechanism = find_mechanism(subject, discovery, test, specification, lambda _done: None)
    if not isinstance(mechanism, Mechanism):
        raise SystemExit(f"{control.specification.name}: {mechanism.reason}")
    return mechanism


def rows_of(control: ControlModel, mechanism: Mechanism) -> list[Row]:
    """Every head in layer order."""
    subject = control.subject()
    exact = single_effects(subject, control.discovery, "resample")
    zero = single_effects(subject, control.discovery, "zero")
    screened = {each.head: each for each in mechanism.codes.heads}
    order = {each.head: place for place, each in enumerate(mechanism.codes.heads)}
    coded = {code // mechanism.codes.stride for code in mechanism.codes.signature}
    chosen = {each.head: each.chosen for each in mechanism.causal.patched}
    return [
        Row(
            planted=each,
            exact=exact[each.head],
            zero=zero[each.head],
            attributed=float(screened[each.head].attributed),
            coded=order[each.head] in coded,
            chosen=chosen.get(each.head, "-"),
            found=each.head in mechanism.circuit.heads,
        )
        for each in control.planted
    ]


def show(control: ControlModel, mechanism: Mechanism, rows: Sequence[Row]) -> None:
    """Print one model's table and what the engine says of its circuit as a whole."""
    plan, causal = control.specification, mechanism.causal
    print(
        f"\n{plan.name}: {len(plan.layers)} x {plan.heads_per_layer} heads, {plan.attention} attention, "
        f"negatives {plan.negatives}, tiny {plan.tiny or 'none'}, "
        f"{'rotated' if plan.rotated else 'paired'}, noise {plan.noise:g}"
    )
    print(
        f"{'head':5} {'kind':14} {'exact':>7} {'zeroed':>7} {'gradient':>8} code {'patched':9} outcome"
    )
    for row in rows:
        print(
            f"{row.planted.head:5} {row.planted.kind:14} {row.exact:7.3f} {row.zero:7.3f} "
            f"{row.attributed:8.3f} {'yes' if row.coded else '-':4} {row.chosen:9} {row.outcome}"
        )
    planted = " or ".join("{" + " ".join(sorted(each)) + "}" for each in control.circuits)
    sets = ", ".join(
        f"{what} {each.ablation} {each.share.mean}"
        for what, effects in (("keeps", causal.sufficiency), ("loses", causal.necessity))
        for each in effects
    )
    print(f"planted {planted}; found {{{' '.join(mechanism.circuit.heads)}}}: {sets}")
    print(f"forwards {causal.forwards}, heads never patched {len(causal.unpatched)}")


def summarise(rows: Sequence[Row]) -> None:
    """Print, per planted kind, how many heads the circuit found, and how many the codes flagged."""
    total, found, coded = (Counter[Kind](), Counter[Kind](), Counter[Kind]())
    for row in rows:
        total[row.planted.kind] += 1
        found[row.planted.kind] += row.found
        coded[row.planted.kind] += row.coded
    print(f"\n{'kind':14} {'planted':>7} {'in codes':>8} {'in circuit':>10}")
    for kind in Kind:
        print(f"{kind:14} {total[kind]:7} {coded[kind]:8} {found[kind]:10}")


def main() -> None:
    """Print a table for each control model, then the sums."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", choices=[each.name for each in FAMILY], help="this one only")
    parser.add_argument("--patience", type=int, default=STANDARD.patching.patience)
    parser.add_argument("--sample", type=int, default=STANDARD.patching.sample)
    arguments = parser.parse_args()
    rule = PatchingRule(patience=arguments.patience, sample=arguments.sample)
    settings = STANDARD.model_copy(update={"patching": rule})
    torch.set_num_threads(1)
    everything: list[Row] = []
    for specification in FAMILY:
        if arguments.model in (None, specification.name):
            control = build(specification)
            mechanism = find(control, settings)
            rows = rows_of(control, mechanism)
            show(control, mechanism, rows)
            everything += rows
    summarise(everything)


if __name__ == "__main__":
    main()
