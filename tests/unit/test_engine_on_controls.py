"""The engine on models whose circuit was written into the weights: what it finds, and what it must not."""

from __future__ import annotations

import pytest

from auditkit.controls.construction import ControlModel, build
from auditkit.controls.family import FAMILY
from auditkit.controls.planting import NULL_KINDS, Kind
from auditkit.engine import Mechanism, find_mechanism, observe
from auditkit.policy.specifying import STANDARD
from auditkit.records.task import ConstantRole

REDUNDANT = "redundant-hard"
"""Its backup replaces its primary wholly, so no single replacement shows the primary."""


@pytest.fixture(scope="module", params=FAMILY, ids=[each.name for each in FAMILY])
def control(request: pytest.FixtureRequest) -> ControlModel:
    return build(request.param)


@pytest.fixture(scope="module")
def mechanism(control: ControlModel) -> Mechanism:
    subject = control.subject()
    discovery = observe(subject, control.discovery, STANDARD, attributed=True)
    test = observe(subject, control.test, STANDARD, attributed=False)
    found = find_mechanism(subject, discovery, test, STANDARD, lambda _done: None)
    assert isinstance(found, Mechanism)
    return found


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
    missed = carrying - set(mechanism.circuit.heads)
    if control.specification.name == REDUNDANT:
        assert len(missed) == 1  # the primary, which its backup replaces wholly
    else:
        assert not missed


def test_heads_with_a_constant_role_are_found_by_their_own_pass(
    control: ControlModel, mechanism: Mechanism
) -> None:
    """They are outside the circuit, missed when averaged, and complete it under mean ablation."""
    constant = names(control, Kind.CONSTANT_ROLE)
    role = mechanism.causal.constant_role
    assert isinstance(role, ConstantRole)
    assert constant <= set(role.heads)
    assert not constant & set(mechanism.circuit.heads)
