"""Sentences about a task."""

from __future__ import annotations

from collections.abc import Callable

from auditkit.judging.findings.words.phrases import Parameters, counted, listed, percent, rated


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
        f"least {percent(p['least'])} are needed, with a metric above 0 and above that on the negatives; "
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


def _beyond_chance(p: Parameters) -> str:
    return (
        f"Screening tells {listed(p['heads'])} from label-swap chance, at a false discovery rate of "
        f"{percent(p['null_level'])}."
    )


def _not_beyond_chance(p: Parameters) -> str:
    return (
        f"Screening by itself does not tell {listed(p['heads'])} from label-swap chance. They are in the "
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
        f"seed, tau and quorum share {percent(p['mean_jaccard'])} of their heads on average, and less than "
        f"{percent(p['low_below'])} is called low here. The verdict does not rest on codes: patching "
        "decides which heads belong to the circuit."
    )


def _no_head_found(_: Parameters) -> str:
    return "No single head moves the task effect by the declared threshold."


def _no_edge_beyond_chance(p: Parameters) -> str:
    return (
        f"{counted(p['pairs'], 'pair')} of heads tested: none occurs together more often than chance "
        "allows. Where heads are present in almost every example, this test cannot show anything."
    )


def _counts(p: Parameters) -> str:
    extra = len(p["extra"])
    return (
        f"{len(p['matched'])} of {p['declared']} declared heads were found, and {counted(extra, 'head')} "
        f"that {'was' if extra == 1 else 'were'} not declared."
    )


def _differs_from_expectation(p: Parameters) -> str:
    labels = (("Missing", p["missing"]), ("Not declared", p["extra"]))
    named = " ".join(f"{label}: {listed(heads)}." for label, heads in labels if heads)
    return f"{_counts(p)} {named}".strip()


def _sufficiency_below_expectation(p: Parameters) -> str:
    return (
        "The expectation declares that these heads alone carry at least "
        f"{percent(p['least'])} of the task effect; the circuit found does not, or goes as far beyond."
    )


def _unsure_heads(p: Parameters) -> str:
    return (
        "Whether these heads belong to the circuit depends on the examples; in brackets how often they did "
        f"when the examples were drawn again: {rated(p['heads'])}."
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
        f"{percent(p['agreeing'])} of {p['draws']} redrawn example sets{templates} give the verdict of the "
        f"declared setting; at least {percent(p['least'])} is asked."
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


WORDS: dict[str, Callable[[Parameters], str]] = {
    "repeated_prompts": _repeated_prompts,
    "behaviour_observed": _behaviour_observed,
    "behaviour_not_observed": _behaviour_not_observed,
    "constant_metric": _constant_metric,
    "no_effect_of_heads": _no_effect_of_heads,
    "effect_of_heads": _effect_of_heads,
    "beyond_chance": _beyond_chance,
    "not_beyond_chance": _not_beyond_chance,
    "few_examples_for_null": _few_examples_for_null,
    "codes_depend_on_settings": _codes_depend_on_settings,
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
}
"""The sentence of each of these findings, from its parameters."""
