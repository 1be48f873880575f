"""Every claim of the report says on which prompts, under which ablation, and what was measured there.

The discovery pairs find the circuit; the test pairs measure the behaviour and what the circuit does. The
records here have 10 of the first and 40 of the second, so that a sentence cannot name the wrong set.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from auditkit.circuits.effects import NO_EFFECT
from auditkit.circuits.null import NEVER_ENOUGH
from auditkit.law import load_law
from auditkit.records.base import NotAssessed
from auditkit.records.causal import Causal
from auditkit.records.task import Circuit, Examples, TaskRecord
from auditkit.report.sections.claims import CLAIMS
from auditkit.report.sections.matrix import matrix_view
from auditkit.report.task.checks import check_views
from auditkit.report.task.ladder import ladder
from auditkit.report.task.numbers import edge_rows, heads_note
from auditkit.report.task.plain import PlainWords, plain_words
from auditkit.report.task.section import task_view
from tests.builders import D, audit_record, copying, counting, model_identity, patched
from tests.report_records import stability, with_tasks
from tests.unique_codes_records import watched_record

DISCOVERY, TEST = 10, 40
SAMPLES = Path(__file__).parents[3] / "sample_reports"


def sized(task: TaskRecord, discovery: int = DISCOVERY, test: int = TEST) -> TaskRecord:
    """The task with prompt sets of two different sizes."""
    sets = task.examples
    examples: Examples = sets.model_copy(
        update={
            "discovery": sets.discovery.model_copy(update={"n": discovery}),
            "test": sets.test.model_copy(update={"n": test}),
        }
    )
    return task.model_copy(update={"examples": examples})


def said(item: str, task: TaskRecord) -> str:
    return CLAIMS[item].says(task)


def plain(task: TaskRecord) -> PlainWords:
    return plain_words(task, model_identity(), complete=True)


def causal_of(task: TaskRecord) -> Causal:
    assert isinstance(task.causal, Causal)
    return task.causal


def with_causal(**changes: object) -> TaskRecord:
    task = sized(copying())
    return task.model_copy(update={"causal": causal_of(task).model_copy(update=changes)})


def without_circuit(**changes: object) -> TaskRecord:
    empty = Circuit(heads=(), edges=(), pairs_tested=0)
    small = (patched("1.0", "0.0100"), patched("0.1", "0.0000"))
    return with_causal(patched=small, **changes).model_copy(update={"circuit": empty})


def watching() -> TaskRecord:
    return sized(watched_record().tasks[0])


def no_effect() -> TaskRecord:
    """The heads were all replaced together, which took nothing away."""
    task = sized(copying())
    absent = dict.fromkeys(("codes", "null", "causal", "circuit", "stability"), NO_EFFECT)
    return task.model_copy(update=absent)


@pytest.mark.parametrize("item", ["13(3)(b)(iv)", "IV.2(b)"])
def test_the_circuit_is_said_to_be_found_on_the_discovery_pairs(item: str) -> None:
    """And what it carries, to be measured on the test pairs, with interval and ablation."""
    assert said(item, sized(copying())) == (
        "On 2 prompt pairs, under resample ablation, the method attributed-codes found this "
        "circuit (layer.head, counted from 0): 0.1, 1.0. On 40 test prompt pairs these heads alone carried "
        "this share of the task effect: 100 % (50 % interval 100 % to 100 %) under resample ablation of "
        "every other head; 100 % (50 % interval 100 % to 100 %) under mean ablation of every other head."
    )


def test_the_ablation_that_found_the_circuit_is_the_first_declared() -> None:
    """The page names the ablation that the search used, which is the first declared."""
    task = sized(copying())
    turned = task.specification.model_copy(update={"ablations": ("mean", "resample")})
    claim = said("13(3)(b)(iv)", task.model_copy(update={"specification": turned}))
    assert claim.startswith("On 2 prompt pairs, under mean ablation, ")


def test_one_pair_is_singular() -> None:
    """One pair is a pair, on every line that counts them."""
    task = sized(copying(), 1, 1)
    once = tuple(
        head.model_copy(update={"effect": head.effect.model_copy(update={"n": 1})})
        for head in causal_of(task).patched
    )
    causal = causal_of(task).model_copy(update={"patched": once})
    claim = said("13(3)(b)(iv)", task.model_copy(update={"causal": causal}))
    assert "On 1 prompt pair, " in claim
    assert "On 1 test prompt pair these heads alone" in claim


def test_an_empty_circuit_says_how_many_heads_were_tried_where_and_against_what() -> None:
    """Heads that were not replaced alone are unknown, and not said to have no effect."""
    claim = said("IV.2(b)", without_circuit(unpatched=("0.0",)))
    assert claim == (
        "No circuit was found. On 2 prompt pairs, under resample ablation, 2 attention heads were "
        "replaced one at a time; none of them changed the task effect by at least 5 % with an interval that "
        "excludes zero. 1 head was not replaced alone, and its single effect is unknown."
    )


@pytest.mark.parametrize("item", ["13(3)(b)(ii)", "13(3)(b)(vii)", "IV.3"])
def test_behaviour_is_claimed_of_the_test_prompts_with_all_that_was_asked(item: str) -> None:
    """What is counted is which answers score higher: not whether the model would give the right one."""
    claim = said(item, sized(copying()))
    assert claim.startswith(
        "The model did the task on the test prompts: the right answers scored above the wrong ones on 2 of "
        "2, an accuracy of 100 %. Asked for: accuracy of at least 90 %; a mean logit difference above 0 "
        "with its whole interval, and above the mean on the matched prompts."
    )
    assert "answered correctly" not in claim
    refused = said(item, sized(counting()))
    assert refused.startswith("The model did not do the task on the test prompts: ")


@pytest.mark.parametrize("item", ["13(3)(d)", "IV.2(e)"])
def test_a_method_is_not_said_to_have_checked_what_it_did_not_touch(item: str) -> None:
    """Replaced heads, all heads together, and nothing at all are three different statements."""
    assert "checked by replacing heads under resample, mean ablation" in said(item, copying())
    together = said(item, no_effect())
    assert together.startswith("Method attributed-codes. All heads together were replaced, under ")
    assert "and no head by itself. Replacing every attention head lowers the mean" in together
    assert said(item, counting()).startswith(
        "Method attributed-codes. It was not applied to this task. The model does not do this task"
    )
    assert "no head was replaced" in said(item, watching())


def test_the_procedure_names_both_prompt_sets_and_what_was_not_done() -> None:
    """The procedure says which pairs found the circuit, which tested it, and what was left out."""
    claim = said("IV.2(g)", sized(copying()))
    assert claim.endswith(
        "10 prompt pairs to find the circuit, 40 other pairs to test the behaviour and the circuit."
    )
    assert "Mechanism not assessed. The model does not" in said("IV.2(g)", counting())
    assert "10 prompt pairs to count codes, 40 other pairs to test" in said("IV.2(g)", watching())


def test_discovery_pairs_are_said_to_serve_for_what_they_were_used_for() -> None:
    """Where the behaviour is not observed, no head is looked for and they are not used at all."""
    assert plain(sized(copying())).asked.endswith(
        "10 other pairs, the discovery pairs, served to find the heads involved."
    )
    assert plain(sized(counting())).asked.endswith("were set aside and not used.")
    assert plain(no_effect()).asked.endswith("takes away; no single heads were looked for.")
    assert plain(watching()).asked.endswith("the discovery pairs, served to count codes.")


def test_plain_words_name_prompt_set_and_replacement() -> None:
    """Each plain sentence says on which pairs, and by what a head was replaced."""
    words = plain(sized(copying()))
    assert words.heads.startswith(
        "On 2 prompt pairs, 4 of the model's 4 attention heads were replaced, one at a time, each by "
        "its output on the matched prompt. 2 heads changed the task effect by at least 5 %"
    )
    kept, lost = words.together.split(". ", 1)
    assert kept.startswith(
        "On the test pairs, with every other head replaced, the heads of the circuit"
    )
    assert lost.startswith(
        "On the test pairs, with the heads of the circuit replaced, the model lost"
    )


def test_a_completing_head_that_was_not_replaced_alone_is_not_said_to_have_been() -> None:
    """Its own effect is unknown: only what the set loses without it was measured."""
    completing = patched("1.1", "0.6000", "completed")
    task = with_causal(
        patched=(patched("1.0", "0.7500"), patched("0.1", "0.2500")), unpatched=("0.0", "1.1")
    )
    completion = causal_of(task).completion.model_copy(update={"heads": (completing,)})
    task = task.model_copy(
        update={
            "circuit": Circuit(heads=("0.1", "1.0", "1.1"), edges=(), pairs_tested=2),
            "causal": causal_of(task).model_copy(update={"completion": completion}),
        }
    )
    heads = plain(task).heads
    assert "what the set carries changes by at least 5 % of the task effect" in heads
    assert heads.endswith("These were not replaced alone: 1.1.")
    assert "Replaced alone" not in heads


def test_an_empty_circuit_is_given_no_share() -> None:
    """No share of the effect is printed of a circuit without heads."""
    assert plain(without_circuit()).together.startswith("No circuit was found")


def test_a_part_left_out_anywhere_in_the_method_is_not_called_assessed() -> None:
    """Templates, envelope and negatives too: the page says of each that it was not assessed."""
    codes = copying().codes
    assert not isinstance(codes, NotAssessed)
    whole = copying().model_copy(update={"stability": stability()})
    absent = NotAssessed(code="left_out", reason="x.")
    for changes in (
        {"codes": codes.model_copy(update={"envelope": absent})},
        {"codes": codes.model_copy(update={"negatives": absent})},
        {"stability": stability().model_copy(update={"templates": absent})},
    ):
        view = task_view(with_tasks(whole.model_copy(update=changes)), load_law(), 1)
        assert [fact.value for fact in view.not_assessed] == ["x."]
        assert view.plain.left_open.startswith("These parts were not assessed")
    assert task_view(with_tasks(whole), load_law(), 1).plain.left_open.startswith(
        "No check of the method was left out"
    )


CHECKS = {
    "Whether the heads found carry the effect": ("On the discovery pairs", "resample"),
    "Whether a smaller circuit would do": ("On 40 of the test pairs", ""),
    "Heads that take over": ("On 10 of the discovery pairs", "their outputs on the matched prompt"),
    "Other sets of heads as a yardstick": ("On 40 of the test pairs", "resample"),
    "Heads with a constant role": ("On 10 of the discovery pairs", "mean"),
}
"""Each check of a circuit with the prompts and the ablation it is made on."""


def test_every_check_names_its_prompts_and_its_ablation() -> None:
    """No result of the causal check stands without its pairs and its ablation."""
    checks = {view.title: view for view in check_views(sized(copying()))}
    for title, (prompts, ablation) in CHECKS.items():
        assert checks[title].caption.startswith(prompts)
        assert ablation in checks[title].caption
    effect = checks["Effect of all heads together"]
    assert [fact.label for fact in effect.facts[:3]] == [
        "Mean drop of the metric, discovery pairs, resample ablation",
        "Mean drop of the metric, test pairs, resample ablation",
        "Mean drop of the metric, test pairs, mean ablation",
    ]
    labels = " ".join(fact.label for view in checks.values() for fact in view.facts)
    assert "Share lost on the test pairs without the circuit and them" in labels
    assert "Share that the circuit and they carry on the test pairs, under mean" in labels


@pytest.mark.parametrize("sample", ["consistent", "not_consistent", "inconclusive"])
def test_the_measurements_were_made_on_the_prompts_that_the_claims_name(sample: str) -> None:
    """Counted in evidence of real runs: one value per pair, and the sets differ in size."""
    task = json.loads((SAMPLES / sample / "evidence.json").read_bytes())["tasks"][0]
    causal = task["causal"]
    found, tested = task["examples"]["discovery"]["n"], task["examples"]["test"]["n"]
    few = task["specification"]["patching"]["checked"]
    assert len({found, tested, few}) == 3
    on_discovery = [
        *(head["effects"] for head in task["codes"]["heads"]),
        causal["completion"]["alone"]["shares"],
    ]
    on_few = [
        *(pair["gains"] for pair in causal["joint_ablation"]["tried"]),
        *(head["effects"] for head in causal["constant_role"]["patched"]),
        *(head["losses"] for head in causal["minimality"]["left_out"]),
    ]
    looks = {look["pairs"] for look in task["ruling"]["looks"]}
    assert {len(head["effects"]) for head in causal["patched"]} <= looks
    on_test = [
        task["behaviour"]["positive_values"],
        *(one["shares"] for one in (*causal["sufficiency"], *causal["necessity"])),
    ]
    assert {len(values) for values in on_few} == {few}
    assert {len(values) for values in on_discovery} == {found}
    assert {len(values) for values in on_test} == {tested}


def test_every_rung_names_the_prompts_it_was_observed_on() -> None:
    """Each rung of the ladder says on which pairs it was observed."""
    rungs = {rung.key: rung.meaning for rung in ladder(sized(copying()))}
    assert "on the test prompts" in rungs["behaviour"]
    assert "across the discovery examples" in rungs["association"]
    assert rungs["causal"].startswith("On the test pairs")
    assert "the pairs are drawn again" in rungs["stable"]
    watched = {rung.key: rung.meaning for rung in ladder(watching())}
    assert watched["association"].startswith("On the discovery pairs")


def test_the_association_says_both_things_that_its_state_depends_on() -> None:
    """Codes that recur while no head is told from chance: "not observed" is then true of the claim."""
    (rung,) = (rung for rung in ladder(copying()) if rung.key == "association")
    assert "recur" in rung.meaning
    assert "beyond what swapped labels give" in rung.meaning


def test_a_declared_sufficiency_is_refuted_by_what_the_rule_compares() -> None:
    """Both bounds, the test pairs, and the heads with a constant role that count under mean ablation."""
    task = copying()
    assert not isinstance(task.expected, NotAssessed)
    expected = task.expected.model_copy(update={"min_sufficiency": D("0.9")})
    record = with_tasks(task.model_copy(update={"expected": expected}))
    claims = matrix_view(record, load_law()).tasks[0].claims
    (declared,) = (claim for claim in claims if claim.name == "Declaration")
    assert "tasks[0].causal.constant_role.with_circuit" in declared.keys
    assert "On the test pairs" in declared.refuted_by
    assert "below 90 % or above 110 %" in declared.refuted_by
    assert "heads with a constant role count with the circuit" in declared.refuted_by


def test_a_declaration_for_other_weights_says_why_it_settles_nothing() -> None:
    """The claim of a declaration for other weights says that it does not apply."""
    task = copying()
    assert not isinstance(task.expected, NotAssessed)
    expected = task.expected.model_copy(update={"declared_for": "sha256:" + "9" * 64})
    record = with_tasks(task.model_copy(update={"expected": expected}))
    (declared,) = (
        claim
        for claim in matrix_view(record, load_law()).tasks[0].claims
        if claim.name == "Declaration"
    )
    assert declared.note == "Declared for other weights: its heads mean nothing on these."


def test_numbers_agree_with_their_nouns() -> None:
    """One head was, two heads were."""
    task = copying()
    assert not isinstance(task.comparison, NotAssessed)
    for n, words in ((1, "1 head was found that"), (2, "2 heads were found that")):
        extra = tuple(f"0.{i}" for i in range(n))
        compared = task.comparison.model_copy(update={"extra": extra})
        assert words in plain(task.model_copy(update={"comparison": compared})).compared
    assert "1 test prompt that calls for" in plain(sized(task, 1, 1)).asked
    assert "1 head, ranked lower" in heads_note(task, causal_of(with_causal(unpatched=("1.1",))))
    (edge,), absent, note = edge_rows(task)
    assert (edge.share, absent) == ("0.2000", "")
    assert note == "The direct path of 1 pair of circuit heads was measured."


def test_every_item_that_may_be_cited_has_one_sentence_and_its_keys() -> None:
    """The articles and the matrix read the same table."""
    record = audit_record()
    for item, claim in CLAIMS.items():
        for task in record.tasks:
            assert claim.says(task)
            for key in claim.rests_on:
                assert hasattr(task, key.partition(".")[0]), item


def test_examples_that_could_never_be_enough_are_named_by_their_reason() -> None:
    """Not a number, and not how the program writes the absence of one."""
    task = copying()
    assert not isinstance(task.null, NotAssessed)
    null = task.null.model_copy(update={"least_examples": NEVER_ENOUGH})
    claims = (
        matrix_view(with_tasks(task.model_copy(update={"null": null})), load_law()).tasks[0].claims
    )
    (association,) = (claim for claim in claims if claim.name == "Association")
    assert association.note == NEVER_ENOUGH.reason
