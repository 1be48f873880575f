"""Counts of unique codes and their null: by hand, against a slow oracle, and each known fault."""

from __future__ import annotations

import itertools
import json
import random
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditkit.bundle.evidence import evidence_bytes
from auditkit.circuits.effects import NO_BEHAVIOUR
from auditkit.circuits.intervals import rounded
from auditkit.circuits.null import false_discovery_rates
from auditkit.circuits.unique_codes import count_heads, count_null, reported, softmax, unique_count
from auditkit.judging.editions import CURRENT
from auditkit.judging.limitations import limitations_of
from auditkit.records.audit import AuditRecord
from auditkit.records.task import NullTest, TaskRecord
from auditkit.records.unique_codes import PairCodes
from auditkit.verifying.recompute import mismatches
from tests.builders import D, audit_record, behaviour, copying, with_conclusions
from tests.unique_codes_records import (
    HEADS,
    as_pairs,
    pairs,
    unique_codes,
    watched_record,
    watching,
)

CODES = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=7
)  # one head: (on the positive, on the negative) per pair


def names(table: list[list[tuple[int, int]]]) -> list[str]:
    return [f"0.{i}" for i in range(len(table))]


# By hand and by oracle.


def test_the_hand_worked_case() -> None:
    """Counts, softmax, shared ranks, swaps and q-values are those worked out in the table."""
    heads = count_heads(pairs(), HEADS, seed=0)
    assert heads == unique_codes().heads
    assert reported(heads) == ("0.0", "0.1", "1.0")


@given(st.lists(CODES, min_size=1, max_size=3))
def test_counts_and_p_values_equal_those_of_every_swap_made_by_hand(
    table: list[list[tuple[int, int]]],
) -> None:
    """Trading places in every subset of pairs, one after the other, gives the same p- and q-values."""
    n = min(len(head) for head in table)
    table = [head[:n] for head in table]
    p_values, means = [], []
    for head in table:
        counts = []
        for swap in itertools.product((False, True), repeat=n):
            sides = [
                (b, a) if turned else (a, b) for (a, b), turned in zip(head, swap, strict=True)
            ]
            unique = {a for a, _ in sides if all(a != b for _, b in sides)}
            counts.append(len(unique))
        p_values.append(Fraction(sum(count >= counts[0] for count in counts), 2**n))
        means.append(Fraction(sum(counts), 2**n))
    found = count_heads(as_pairs(table), names(table), seed=0)
    assert [head.p_value for head in found] == [rounded(p) for p in p_values]
    assert [head.swapped_mean for head in found] == [rounded(mean) for mean in means]
    assert [head.q_value for head in found] == [rounded(q) for q in false_discovery_rates(p_values)]


@given(st.lists(st.integers(0, 250), min_size=1, max_size=12))
def test_softmax_cannot_change_a_rank(counts: list[int]) -> None:
    """Whatever the counts, the published score orders heads as the counts do, and sums to one."""
    scores = softmax(counts)
    by_count = sorted(range(len(counts)), key=counts.__getitem__)
    assert [scores[i] for i in by_count] == sorted(scores)
    assert len({scores[i] for i in by_count if counts[i] == max(counts)}) == 1
    assert abs(sum(scores, D(0)) - 1) <= len(counts) * D("0.00005")


# The published faults.


def test_the_labels_are_keys_and_not_places() -> None:
    """The order of the pairs changes nothing, and a pair that trades its labels changes the count."""
    forward = count_heads(pairs(), HEADS, seed=0)
    assert count_heads(pairs()[::-1], HEADS, seed=0) == forward
    first, *rest = pairs()
    turned = PairCodes(example=0, positive=first.negative, negative=first.positive)
    assert [head.count for head in count_heads((turned, *rest), HEADS, seed=0)] == [1, 0, 4, 0]


def test_silence_counts_as_feature_0_and_is_said_beside_it() -> None:
    """A head that is silent on positives has the published count of one, and its silence is recorded."""
    (_, silent, *_) = count_heads(pairs(), HEADS, seed=0)
    assert (silent.count, silent.silent) == (1, 2)
    assert unique_count([0, 0], [0, 3]) == 0  # silence and feature 0 cannot be told apart
    texts = {found.code: found.text for found in watching().findings}
    assert texts["silent_rows"].startswith("In 2 of 32 combinations")
    assert "silence and feature 0 share the code 0" in texts["known_faults"]


def test_a_head_that_only_varies_has_a_count_and_no_evidence() -> None:
    """Eight different codes on eight prompts: the largest count of all, and a p-value of 1."""
    varying = unique_codes().heads[2]
    assert (varying.count, varying.rank, varying.p_value) == (4, 1, D(1))
    separated = watching("0.25").null
    assert isinstance(separated, NullTest)
    assert separated.separated == ("0.0",)


def test_seven_pairs_are_the_fewest_that_could_tell_one_of_four_heads_from_chance() -> None:
    """A count may be reached by the labels alone: p = 1/128, and 4/128 is below 0.05 where 4/64 is not."""
    null = watching().null
    assert isinstance(null, NullTest)
    assert null.least_examples == 7
    for n, told in ((6, ()), (7, ("0.0",))):
        table = [[(i % 2, 9) for i in range(n)], *[[(1, 1)] * n] * 3]
        heads = count_heads(as_pairs(table), HEADS, seed=0)
        assert (heads[0].count, heads[0].at_least) == (2, 1)
        codes = unique_codes().model_copy(update={"examples": as_pairs(table), "heads": heads})
        assert count_null(codes, D("0.05")).separated == told


def test_where_labels_mean_nothing_counts_are_large_and_the_null_is_quiet() -> None:
    """Of 2000 heads with exchangeable labels most are reported; the null passes few at p <= 0.05."""
    draw = random.Random(3)  # noqa: S311 - a repeatable draw
    table = [[(draw.randrange(12), draw.randrange(12)) for _ in range(10)] for _ in range(2000)]
    heads = count_heads(as_pairs(table), names(table), seed=0)
    assert sum(head.count for head in heads) > 4000
    assert len(reported(heads)) > 1900
    assert sum(head.p_value <= D("0.05") for head in heads) <= 0.05 * 2000
    codes = unique_codes().model_copy(update={"heads": heads})
    assert count_null(codes, D("0.05")).separated == ()


def test_identical_positives_and_negatives_have_no_unique_code() -> None:
    """With both directions of each pair no code is only a positive's, and nothing is reported."""
    both = [[(1, 2), (2, 1), (3, 3)]]
    (head,) = count_heads(as_pairs(both), ["0.0"], seed=0)
    assert (head.count, head.p_value) == (0, D(1))
    assert reported([head]) == ()


# What is concluded.


def test_the_task_is_inconclusive_and_its_ladder_stops_at_association() -> None:
    """An expectation is neither met nor missed; only a head beyond the null is an association."""
    task = watching()
    assert task.verdict == "inconclusive"
    assert task.ladder.model_dump() == {
        "behaviour": "observed",
        "association": "not_assessed",  # four examples could not tell any head from chance
        "causal": "not_assessed",
        "stable": "not_assessed",
    }
    assert watching("0.25").ladder.association == "observed"


def test_enough_examples_and_no_head_beyond_chance_is_not_observed() -> None:
    """Twelve exchangeable pairs could have shown an association, and did not."""
    codes = unique_codes()
    table = [[(i, i + 20) for i in range(12)]] * 4
    examples = as_pairs(table)
    heads = count_heads(examples, HEADS, seed=0)
    changed = {"examples": examples, "heads": heads, "reported": reported(heads)}
    task = watching().model_copy(update={"codes": codes.model_copy(update=changed)})
    assert with_conclusions(task).ladder.association == "not_observed"


def test_without_an_expectation_nothing_is_assessed() -> None:
    """A task that declares nothing is not assessed, whatever was counted."""
    assert watching(declared=False).verdict == "not_assessed"


def test_the_findings_say_what_the_method_cannot() -> None:
    """Observational, its faults, and which heads its null leaves: each is a finding of its own."""
    findings = {found.code: found for found in watching("0.25").findings}
    assert findings["observational_method"].level == "warning"
    assert "neither confirmed nor refuted" in findings["observational_method"].text
    assert "no null of its own" in findings["known_faults"].text
    assert "here 8 of 8" in findings["known_faults"].text
    assert findings["count_beyond_chance"].text.startswith(
        "The label-swap test tells the counts of 0.0 from chance"
    )
    assert findings["count_not_beyond_chance"].text.endswith("from chance: 0.1, 1.0.")
    assert "few_examples_for_null" in {found.code for found in watching().findings}


def test_page_1_limits_name_the_method_only_where_it_was_used() -> None:
    """The run's limitations say that it only observes, and speak of ablation only where there was one."""

    def codes(*tasks: TaskRecord) -> set[str]:
        return {each.code for each in limitations_of(tasks, None)}

    assert "observational_method" in codes(watching())
    assert "ablation_dependent" not in codes(watching())
    assert {"observational_method", "ablation_dependent"} <= codes(watching(), copying())
    assert "observational_method" not in codes(copying())
    undone = watching().model_copy(update={"codes": NO_BEHAVIOUR})
    assert not codes(undone) & {"observational_method", "ablation_dependent"}


# Recomputed from the record.


def test_the_hand_made_record_agrees_with_itself() -> None:
    """Nothing differs in a record of unique codes, and it is read back as it was written."""
    record = watched_record()
    assert mismatches(record, CURRENT) == ()
    assert AuditRecord.model_validate_json(evidence_bytes(record)) == record


def changed(path: str, value: object) -> AuditRecord:
    """The record with one value, named by its path in the task's JSON, replaced."""
    document = json.loads(evidence_bytes(watched_record()))
    *parents, last = path.split("/")
    at: Any = document["tasks"][0]
    for key in parents:
        at = at[int(key)] if isinstance(at, list) else at[key]
    at[int(last) if isinstance(at, list) else last] = value
    return AuditRecord.model_validate_json(json.dumps(document))


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        ("codes/examples/0/positive/codes/0", 9, "codes.heads[0.0]"),
        ("codes/examples/3/negative/codes/3", 8, "codes.heads[1.1]"),
        ("codes/examples/0/positive/codes/0", 200, "codes.examples"),
        ("codes/examples/0/positive/codes", [5, 0, 1], "codes.examples"),
        ("codes/examples/0/positive/silent", [], "codes.heads[0.1]"),
        ("codes/examples/0/positive/silent", [1, 1], "codes.examples"),
        ("codes/examples/0/positive/silent", [0, 1], "codes.examples"),
        ("codes/examples/0/positive/silent", [9], "codes.examples"),
        ("codes/examples/0/example", 1, "codes.examples"),
        ("codes/heads/0/count", 3, "codes.heads[0.0]"),
        ("codes/heads/0/score", "0.9000", "codes.heads[0.0]"),
        ("codes/heads/0/rank", 1, "codes.heads[0.0]"),
        ("codes/heads/0/at_least", 0, "codes.heads[0.0]"),
        ("codes/heads/0/swapped_mean", "0.1000", "codes.heads[0.0]"),
        ("codes/heads/0/p_value", "0.0001", "codes.heads[0.0]"),
        ("codes/heads/0/q_value", "0.0001", "codes.heads[0.0]"),
        ("codes/heads/1/silent", 0, "codes.heads[0.1]"),
        ("codes/heads/1/head", "0.0", "codes.heads"),
        ("codes/heads", [], "codes.heads"),
        ("codes/reported", ["0.0"], "codes.reported"),
        ("codes/autoencoder/features", 400, "codes.autoencoder"),
        (
            "codes",
            {"state": "not_assessed", "code": "left_out", "reason": "Left out."},
            "watching].codes",
        ),
        ("causal/code", "no_behaviour", "watching].causal"),
        ("circuit/code", "no_behaviour", "watching].circuit"),
        ("circuit", {"heads": ["0.0"], "edges": [], "pairs_tested": 0}, "watching].circuit"),
        ("null/separated", ["0.0"], "watching].null"),
        ("null/least_examples", 2, "watching].null"),
        ("ladder/association", "observed", "watching].ladder"),
        ("ladder/causal", "observed", "watching].ladder"),
        ("findings", [], "watching].findings"),
        ("verdict", "consistent", "watching].verdict"),
        ("specification/method", "attributed-codes", "watching].codes"),
        ("specification/null_level", "0.9", "watching].null"),
    ],
)
def test_a_changed_value_is_named(path: str, value: object, named: str) -> None:
    """One changed value makes what rests on it disagree."""
    found = mismatches(changed(path, value), CURRENT)
    assert any(named in each for each in found), found


def test_attributed_codes_cannot_pass_as_unique_ones() -> None:
    """A record that names this method and holds another's codes and circuit is caught."""
    record = audit_record()
    task = record.tasks[0]
    specification = task.specification.model_copy(update={"method": "unique-codes"})
    swapped = task.model_copy(update={"specification": specification})
    found = mismatches(record.model_copy(update={"tasks": (swapped, record.tasks[1])}), CURRENT)
    assert {f"tasks[copying].{key}" for key in ("codes", "causal", "circuit")} <= set(found)


def test_without_the_behaviour_nothing_was_counted() -> None:
    """A task the model does not do has no codes, for the same reason as everywhere."""
    absent = dict.fromkeys(("effect", "codes", "causal", "circuit"), NO_BEHAVIOUR)
    task = with_conclusions(
        watching().model_copy(update={**absent, "behaviour": behaviour(does_it=False)})
    )
    limits = limitations_of([task], None)
    record = watched_record().model_copy(
        update={"tasks": (task,), "verdict": "not_assessed", "limitations": limits}
    )
    assert mismatches(record, CURRENT) == ()
    counted_anyway = task.model_copy(update={"codes": unique_codes()})
    found = mismatches(record.model_copy(update={"tasks": (counted_anyway,)}), CURRENT)
    assert "tasks[watching].codes" in found
