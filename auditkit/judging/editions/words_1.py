"""The sentences of edition 1, as it printed them. Frozen: nothing here is ever reworded.

Records of edition 1 hold findings and limitations by code and sentence, without parameters. ``verify``
finds the parameters again from the measurements, and words them with these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

Parameters = Mapping[str, Any]


def _percent(share: str) -> str:
    return f"{(Decimal(share) * 100).quantize(Decimal('0.1'))} %".replace(".0 %", " %")


def _counted(n: int, noun: str) -> str:
    return f"{n or 'no'} {noun}{'' if n == 1 else 's'}"


def _share(share: Mapping[str, str]) -> str:
    return f"{_percent(share['mean'])} ({_percent(share['low'])} to {_percent(share['high'])})"


def _listed(heads: Iterable[str]) -> str:
    return ", ".join(heads)


def _rated(heads: Iterable[Mapping[str, str]]) -> str:
    return ", ".join(f"{each['head']} ({_percent(each['frequency'])})" for each in heads)


def _repeated_prompts(p: Parameters) -> str:
    sets = (("find the circuit", "discovery"), ("test it", "test"))
    repeated = [f"{p[key]} of the {p[f'{key}_n']} to {what}" for what, key in sets if p[key]]
    return (
        "The same prompt stands in several pairs, each time with another matched negative: "
        f"{' and '.join(repeated)} repeat an earlier one. They are counted as examples of their own, so "
        "intervals and p-values claim more than so few prompts can show."
    )


def _behaviour_observed(p: Parameters) -> str:
    return (
        f"The right answers score above the wrong ones on {p['correct']} of {p['n']} test prompts."
    )


def _behaviour_not_observed(p: Parameters) -> str:
    return (
        f"The right answers score above the wrong ones on {p['correct']} of {p['n']} test prompts. At "
        f"least {_percent(p['least'])} are needed, with a metric above 0 and above that on the negatives; "
        "the mechanism was not assessed."
    )


def _constant_metric(_: Parameters) -> str:
    return (
        "On every test pair the metric is the same number on the prompt and on its matched negative: "
        "what differs between them does not reach the answers' scores, so nothing can be measured with "
        "these prompts."
    )


def _no_effect_of_heads(p: Parameters) -> str:
    return {
        "no_effect": "Replacing every attention head does not lower the task metric, so no effect of "
        "heads is there to look for.",
        "no_effect_beyond_chance": "Replacing every attention head lowers the task metric no further than "
        "swapping labels at random could, so whatever a search found might be chance.",
    }[p["reason"]]


def _effect_of_heads(p: Parameters) -> str:
    return (
        f"Replacing every head lowers the metric on the discovery pairs by {p['drop']} on average: more "
        f"than swapped labels would give by chance (p = {p['p_value']}, {p['swaps']} "
        f"{'patterns' if p['patterns'] == 'all' else 'random patterns'} of swaps)."
    )


def _empty_signature(_: Parameters) -> str:
    return "No code is shared by enough examples to form a signature."


def _unvarying_heads(p: Parameters) -> str:
    return (
        "The same output at every position of every discovery prompt, but for rounding: "
        f"{_listed(p['heads'])}. There is nothing in it to encode or to replace, so nothing is said of "
        "what such a head does."
    )


def _unpatched_heads(p: Parameters) -> str:
    unpatched = p["unpatched"]
    return (
        f"{_counted(p['patched'], 'head')} were patched one by one, {p['sampled']} of them drawn at random "
        f"from those ranked lower. {_counted(unpatched, 'head')} ranked lower "
        f"{'was' if unpatched == 1 else 'were'} not patched alone: their single effects are unknown, and "
        "what all heads outside the circuit do together is what the circuit alone does not carry."
    )


def _effect_is_spread(p: Parameters) -> str:
    return (
        f"On the discovery pairs the heads found one by one carry {_share(p['alone'])} of the task effect, "
        "and no few heads more complete them: the rest is spread over many heads, each below the "
        "threshold."
    )


def _completed(p: Parameters) -> str:
    return (
        f"On the discovery pairs the heads found one by one carry {_share(p['alone'])} of the task effect. "
        f"Together with {_listed(p['heads'])} they carry {_share(p['completed'])}; replaced alone, "
        f"{'it does' if len(p['heads']) == 1 else 'they do'} not reach the threshold."
    )


def _beyond_chance(p: Parameters) -> str:
    return (
        f"Screening tells {_listed(p['heads'])} from label-swap chance, at a false discovery rate of "
        f"{_percent(p['null_level'])}."
    )


def _not_beyond_chance(p: Parameters) -> str:
    return (
        f"Screening by itself does not tell {_listed(p['heads'])} from label-swap chance. They are in the "
        "circuit because replacing each of them changes the task effect."
    )


def _few_examples_for_null(p: Parameters) -> str:
    needed = (
        f"{p['least_examples']:,} would be needed."
        if "least_examples" in p
        else f"With more than {p['exact_up_to']} examples {p['draws']:,} swaps are drawn at random: too few "
        "to tell one head alone from chance among so many, whatever the number of examples."
    )
    return (
        f"With {p['examples']} examples the label-swap test cannot tell one head alone from chance among "
        f"{p['heads']}. {needed}"
    )


def _codes_depend_on_settings(p: Parameters) -> str:
    return (
        f"Which heads carry a code depends on settings: two of {p['settings']} combinations of autoencoder "
        f"seed, tau and quorum share {_percent(p['mean_jaccard'])} of their heads on average, and less than "
        f"{_percent(p['low_below'])} is called low here. The verdict does not rest on codes: patching "
        "decides which heads belong to the circuit."
    )


def _necessity(p: Parameters) -> str:
    return (
        f"Under {p['ablation']} ablation, replacing the circuit's heads removes {_share(p['share'])} of the "
        f"task effect; at least {_percent(p['least'])} is asked."
    )


def _sufficiency(p: Parameters) -> str:
    return (
        f"Under {p['ablation']} ablation of every other head, the circuit alone carries "
        f"{_share(p['share'])} of the task effect."
    )


def _sufficiency_exceeded(p: Parameters) -> str:
    return (
        f"{_sufficiency(p)} That is more than the whole model carries: under this ablation the circuit "
        "does not work as it does inside the model."
    )


def _sufficiency_not_observed(p: Parameters) -> str:
    return (
        f"{_sufficiency(p)} Below {_percent(p['least'])} the circuit alone is incomplete under this "
        "ablation."
    )


def _random_sets(p: Parameters) -> str:
    return (
        f"Of {p['sets']} random sets with as many heads in each layer, {p['at_least']} lose as much of the "
        f"task effect as the circuit; the middle one loses {_percent(p['middle'])}."
    )


def _minimal(_: Parameters) -> str:
    return "The circuit surely carries less without any one of its heads."


def _not_minimal(p: Parameters) -> str:
    return (
        f"Without {_listed(p['heads'])}, one at a time, the rest of the circuit does not surely carry less: "
        "a smaller circuit would do as well."
    )


def _backup(p: Parameters) -> str:
    primaries = ", ".join(
        f"{each['head']} ({_percent(each['gain'])} more is lost with both replaced)"
        for each in p["primaries"]
    )
    return f"{p['head']} is outside the circuit, and takes over when a head of it is replaced: {primaries}."


def _constant_role(p: Parameters) -> str:
    together = (
        f" Together with the circuit they carry {_share(p['with_circuit'])} of the task effect under mean "
        "ablation of every other head."
        if "with_circuit" in p
        else ""
    )
    return (
        f"Outside the circuit, {_listed(p['heads'])} {'is' if len(p['heads']) == 1 else 'are'} missed when "
        "an average output takes the place, though the output on the matched prompt does: needed, but not "
        f"shown to tell the prompts apart.{together}"
    )


def _no_head_found(_: Parameters) -> str:
    return "No single head moves the task effect by the declared threshold."


def _no_edge_beyond_chance(p: Parameters) -> str:
    return (
        f"{_counted(p['pairs'], 'pair')} of heads tested: none occurs together more often than chance "
        "allows. Where heads are present in almost every example, this test cannot show anything."
    )


def _counts(p: Parameters) -> str:
    extra = len(p["extra"])
    return (
        f"{len(p['matched'])} of {p['declared']} declared heads were found, and {_counted(extra, 'head')} "
        f"that {'was' if extra == 1 else 'were'} not declared."
    )


def _differs_from_expectation(p: Parameters) -> str:
    labels = (("Missing", p["missing"]), ("Not declared", p["extra"]))
    named = " ".join(f"{label}: {_listed(heads)}." for label, heads in labels if heads)
    return f"{_counts(p)} {named}".strip()


def _sufficiency_below_expectation(p: Parameters) -> str:
    return (
        "The expectation declares that these heads alone carry at least "
        f"{_percent(p['least'])} of the task effect; the circuit found does not, or goes as far beyond."
    )


def _unsure_heads(p: Parameters) -> str:
    return (
        "Whether these heads belong to the circuit depends on the examples; in brackets how often they did "
        f"when the examples were drawn again: {_rated(p['heads'])}."
    )


def _verdict_depends_on_settings(p: Parameters) -> str:
    named = "; ".join(
        f"{each['setting'].replace('_', ' ')} {each['value']}: {each['verdict'].replace('_', ' ')}"
        for each in p["settings"]
    )
    return f"Other settings would give another verdict: {named}. The declared setting decides."


def _verdict_stable(p: Parameters) -> str:
    templates = " and left-out templates" if "templates" in p else ""
    return (
        f"{_percent(p['agreeing'])} of {p['draws']} redrawn example sets{templates} give the verdict of the "
        f"declared setting; at least {_percent(p['least'])} is asked."
    )


def _verdict_not_stable(p: Parameters) -> str:
    return (
        f"{_verdict_stable(p)} At the declared tolerance the verdict does not hold. More discovery examples "
        "make it surer."
    )


def _no_expectation(_: Parameters) -> str:
    return "The policy declares no expected circuit for this task."


def _expectation_not_bound(_: Parameters) -> str:
    return "The expectation names no weights digest. Head numbers mean nothing on other weights."


def _expectation_for_other_weights(p: Parameters) -> str:
    return (
        f"The expectation was declared for weights {p['declared_for']}, and these are {p['weights']}: it "
        "does not apply."
    )


def _observational_method(p: Parameters) -> str:
    unjudged = (
        " The declared heads were therefore neither confirmed nor refuted."
        if p["expectation"] == "declared"
        else ""
    )
    return (
        "This task was examined by unique-codes, a published method that only observes. No head was "
        "replaced, so a head it reports need not do anything for the task, and a head it does not report "
        f"may.{unjudged}"
    )


def _known_faults(p: Parameters) -> str:
    return (
        "Known faults of the published method, kept as described: it has no null of its own, and elsewhere "
        "its count has reached 20 to 29 where positives and negatives were drawn alike; silence and feature "
        f"0 share the code 0; and it scores prompts it was trained on, here {p['trained']} of "
        f"{p['prompts']}. The label-swap test printed beside each count is not part of it."
    )


def _no_unique_code(_: Parameters) -> str:
    return (
        "No head shows a code on positives that it never shows on negatives, so the published method "
        "reports none."
    )


def _silent_rows(p: Parameters) -> str:
    return (
        f"In {p['silent']:,} of {p['rows']:,} combinations of head and prompt no feature answered. The "
        "published method gives them the code of feature 0."
    )


def _count_beyond_chance(p: Parameters) -> str:
    return (
        f"The label-swap test tells the counts of {_listed(p['heads'])} from chance, with a q-value of at "
        f"most {p['null_level']}. That is an association, not an effect."
    )


def _count_not_beyond_chance(p: Parameters) -> str:
    return (
        "The label-swap test does not tell the counts of these reported heads from chance: "
        f"{_listed(p['heads'])}."
    )


def _calibration_missing(_: Parameters) -> str:
    return "The record holds no known-answer controls run with the settings of this task."


def _calibration_observed(p: Parameters) -> str:
    recovered = f"{p['recovered']} heads"
    sought = (
        f"{recovered}; {p['not_sought']} it does not look for" if p["not_sought"] else recovered
    )
    return (
        "On models whose circuit is known, the method with these settings recovered every planted head it "
        f"looks for ({sought}), and reported nothing falsely."
    )


def _calibration_not_observed(p: Parameters) -> str:
    parts = [f"{p['recovered']} recovered"]
    for word, key in (("missed", "missed"), ("falsely reported", "falsely_reported")):
        kinds = ", ".join(f"{each['heads']} {each['kind'].replace('_', ' ')}" for each in p[key])
        total = sum(each["heads"] for each in p[key])
        parts.append(f"{total or 'none'} {word}" + (f" ({kinds})" if kinds else ""))
    if p["reported_in"]:
        models = ", ".join(name.replace("_", " ") for name in p["reported_in"])
        parts.append(f"heads reported in {models}, where there is none to report")
    return (
        "On models whose circuit is known, the method with these settings does not find what was planted: "
        f"{', '.join(parts)}. What it finds in this model cannot settle whether the model is consistent "
        "with the declaration."
    )


FINDINGS: dict[str, Callable[[Parameters], str]] = {
    "repeated_prompts": _repeated_prompts,
    "behaviour_observed": _behaviour_observed,
    "behaviour_not_observed": _behaviour_not_observed,
    "constant_metric": _constant_metric,
    "no_effect_of_heads": _no_effect_of_heads,
    "effect_of_heads": _effect_of_heads,
    "empty_signature": _empty_signature,
    "unvarying_heads": _unvarying_heads,
    "unpatched_heads": _unpatched_heads,
    "effect_is_spread": _effect_is_spread,
    "completed": _completed,
    "beyond_chance": _beyond_chance,
    "not_beyond_chance": _not_beyond_chance,
    "few_examples_for_null": _few_examples_for_null,
    "codes_depend_on_settings": _codes_depend_on_settings,
    "necessity_observed": _necessity,
    "necessity_not_observed": lambda p: f"{_necessity(p)} That was not reached.",
    "sufficiency_observed": _sufficiency,
    "sufficiency_exceeded": _sufficiency_exceeded,
    "sufficiency_not_observed": _sufficiency_not_observed,
    "beyond_random_sets": _random_sets,
    "not_beyond_random_sets": _random_sets,
    "minimal": _minimal,
    "not_minimal": _not_minimal,
    "backup": _backup,
    "constant_role": _constant_role,
    "no_head_found": _no_head_found,
    "no_edge_beyond_chance": _no_edge_beyond_chance,
    "matches_expectation": _counts,
    "differs_from_expectation": _differs_from_expectation,
    "sufficiency_below_expectation": _sufficiency_below_expectation,
    "unsure_heads": _unsure_heads,
    "verdict_depends_on_settings": _verdict_depends_on_settings,
    "verdict_stable": _verdict_stable,
    "verdict_not_stable": _verdict_not_stable,
    "no_expectation": _no_expectation,
    "expectation_not_bound": _expectation_not_bound,
    "expectation_for_other_weights": _expectation_for_other_weights,
    "observational_method": _observational_method,
    "known_faults": _known_faults,
    "no_unique_code": _no_unique_code,
    "silent_rows": _silent_rows,
    "count_beyond_chance": _count_beyond_chance,
    "count_not_beyond_chance": _count_not_beyond_chance,
    "calibration_missing": _calibration_missing,
    "calibration_observed": _calibration_observed,
    "calibration_not_observed": _calibration_not_observed,
}
"""The sentence of each finding, from its parameters."""

LIMITATIONS: dict[str, str] = {
    "supporting_evidence": "This is supporting evidence about parts of a model: not a conformity "
    "assessment, not a declaration of conformity and not legal advice. Article 13 sets no numeric "
    "threshold, and no result here is a mark against one. Responsibility for the system, for the "
    "instructions for use and for the declaration of conformity stays with the provider (Article 47(4)).",
    "ablation_dependent": "What a head contributes was measured by replacing its output. Another way of "
    "replacing it can give another answer; each way used is named beside its result.",
    "controls_are_next_token": "The models that the method was calibrated on predict the next token. At "
    "least one task here asks for something else, such as a label; the method is the same, and it was not"
    " calibrated on a model of that kind.",
    "observational_method": "At least one task was examined by unique-codes, a published method that only"
    " observes: no head was replaced, nothing causal follows, and its counts have known faults that the "
    "task's findings name. Such a task is never consistent or not consistent with an expectation.",
    "stability_partly_assessed": "How circuits hold was assessed for other draws of the same examples "
    "and, where there are enough of them, without one prompt template at a time. Other thresholds, "
    "ablations or prompts may give a different circuit.",
    "stability_not_assessed": "No circuit was found whose stability could be assessed.",
    "criteria_not_committed": "Nothing in this report shows that the criteria were fixed before the run; "
    "that is declared by the provider only.",
    "expectation_not_bound": "At least one expectation does not name the weights it was declared for.",
    "scope": "Every finding holds for the prompts, weights and specification stated here. It says nothing"
    " about other inputs, other uses, or the accuracy, robustness or fairness of the system.",
    "heads_only": "Only attention heads were examined. Other parts of the model also contribute to its "
    "output, more than one circuit may fit the same behaviour, and none of this explains an individual "
    "output to a person affected by it.",
    "controls_are_small": "The method was calibrated on small models whose circuit is known. That it "
    "recovers what was planted there does not show that it finds everything in this model.",
}
"""The sentence of each limitation."""
