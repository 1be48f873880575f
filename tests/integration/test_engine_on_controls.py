"""The engine on models whose circuit was written into the weights: what it finds, and what it must not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from auditkit.circuits.methods import Mechanism
from auditkit.controls.construction import ControlModel, build
from auditkit.controls.family import FAMILY
from auditkit.controls.planting import NULL_KINDS, Kind
from auditkit.identifying.mechanism import investigate, observe
from auditkit.policy.specifying import STANDARD
from auditkit.records.base import NotAssessed
from auditkit.records.causal import ConstantRole, JointAblation, Minimality
from tests.toy_audits import question_of


@pytest.fixture(scope="module", params=FAMILY, ids=[each.name for each in FAMILY])
def control(request: pytest.FixtureRequest) -> ControlModel:
    return build(request.param)


@pytest.fixture(scope="module")
def mechanism(control: ControlModel) -> Mechanism:
    subject = control.subject()
    test = observe(subject, control.test, STANDARD, attributed=False)
    found = investigate(subject, question_of(control.discovery), test, STANDARD, lambda _done: None)
    assert found.effect.state == "observed"
    assert isinstance(found.mechanism, Mechanism)
    return found.mechanism


def names(control: ControlModel, *kinds: Kind) -> set[str]:
    return {planted.head for planted in control.heads(*kinds)}


def test_no_head_without_effect_is_reported(control: ControlModel, mechanism: Mechanism) -> None:
    """Inert, noisy, decoy and unrelated heads are in no circuit and have no constant role."""
    null = names(control, *NULL_KINDS)
    assert not null & set(mechanism.circuit.heads)
    role = mechanism.causal.constant_role
    assert isinstance(role, ConstantRole)
    assert not null & set(role.heads)


def test_every_circuit_head_is_found(control: ControlModel, mechanism: Mechanism) -> None:
    """Circuit, negative and tiny-norm heads are in the circuit, with hard and with soft attention."""
    carrying = names(control, Kind.CIRCUIT, Kind.NEGATIVE, Kind.TINY)
    assert carrying == set(mechanism.circuit.heads)


def test_a_primary_that_is_wholly_replaced_is_found_by_completion() -> None:
    """Replaced alone it shows no effect: a backup takes over. The set without it carries nothing."""
    (plan,) = [each for each in FAMILY if each.name == "redundant-hard"]
    control = build(plan)
    test = observe(control.subject(), control.test, STANDARD, attributed=False)
    found = investigate(
        control.subject(), question_of(control.discovery), test, STANDARD, lambda _done: None
    )
    assert isinstance(found.mechanism, Mechanism)
    completion = found.mechanism.causal.completion
    assert completion.alone.state == "not_observed"
    assert not isinstance(completion.completed, NotAssessed)
    assert completion.completed.state == "observed"
    alone = {p.head: abs(p.effect.mean) for p in found.mechanism.causal.patched}
    for each in completion.heads:
        assert each.head not in alone or alone[each.head] < STANDARD.thresholds.head_effect
        assert each.effect.mean > STANDARD.thresholds.head_effect


def test_backups_are_named_as_such(control: ControlModel, mechanism: Mechanism) -> None:
    """They are outside the circuit, and take over when their primary is replaced; nothing else does."""
    joint = mechanism.causal.joint_ablation
    assert isinstance(joint, JointAblation)
    assert set(joint.backups) == names(control, Kind.BACKUP)
    assert not set(joint.backups) & set(mechanism.circuit.heads)
    if joint.backups:
        assert not isinstance(joint.with_backups, NotAssessed)
        assert {each.state for each in joint.with_backups} == {"observed"}


def test_the_circuit_is_minimal(mechanism: Mechanism) -> None:
    """Without any one of its heads the circuit carries surely less."""
    minimality = mechanism.causal.minimality
    assert isinstance(minimality, Minimality)
    assert minimality.dispensable == ()


def test_the_search_patches_every_head_once(control: ControlModel, mechanism: Mechanism) -> None:
    """Beside that, the pairs are run once to go on from, and few sets of heads are restored."""
    forwards, pairs = mechanism.causal.forwards, len(control.discovery)
    every = pairs * len(control.planted)
    assert every <= forwards.search <= every + 5 * pairs


def test_heads_with_a_constant_role_are_found_by_their_own_pass(
    control: ControlModel, mechanism: Mechanism
) -> None:
    """They are outside the circuit, missed when averaged, and complete it under mean ablation."""
    constant = names(control, Kind.CONSTANT_ROLE)
    role = mechanism.causal.constant_role
    assert isinstance(role, ConstantRole)
    assert constant == set(role.heads)
    assert not constant & set(mechanism.circuit.heads)


def test_labels_that_mean_nothing_name_no_head(control: ControlModel) -> None:
    """With prompts exchanged in every second pair there is an effect on each, and none on average."""
    pairs = tuple(
        replace(pair, positive_ids=pair.negative_ids, negative_ids=pair.positive_ids)
        if place % 2
        else pair
        for place, pair in enumerate(control.discovery)
    )
    test = observe(control.subject(), control.test, STANDARD, attributed=False)
    found = investigate(control.subject(), question_of(pairs), test, STANDARD, lambda _done: None)
    assert found.effect.state == "not_observed"
    assert found.mechanism is None
    assert isinstance(found.circuit, NotAssessed)


@pytest.mark.parametrize("name", ["backup-hard", "backup-soft", "redundant-hard"])
def test_backups_are_found_whatever_the_declared_ablation(name: str) -> None:
    """A mean output in its place leaves a head half at work: what takes over is looked for by resampling."""
    (plan,) = [each for each in FAMILY if each.name == name]
    control, settings = build(plan), STANDARD.model_copy(update={"ablations": ("mean",)})
    test = observe(control.subject(), control.test, settings, attributed=False)
    found = investigate(
        control.subject(), question_of(control.discovery), test, settings, lambda _done: None
    )
    assert isinstance(found.mechanism, Mechanism)
    joint = found.mechanism.causal.joint_ablation
    assert isinstance(joint, JointAblation)
    assert set(joint.backups) == names(control, Kind.BACKUP)
