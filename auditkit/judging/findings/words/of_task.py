"""Sentences about a task."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from auditkit.judging.findings.words.phrases import (
    Parameters,
    counted,
    listed,
    percent,
    plural,
    rated,
)
from auditkit.records.reasons import REASONS


def _repeated_prompts(p: Parameters) -> str:
    search = "to find the circuit" if p["method"] == "attributed-codes" else "to count codes"
    sets = ((search, "discovery"), ("to test the behaviour", "test"))
    repeated = [f"{p[key]} of the {p[f'{key}_n']} pairs {what}" for what, key in sets if p[key]]
    return (
        f"Some pairs repeat the prompt of an earlier pair, with another matched prompt: "
        f"{' and '.join(repeated)}. Each counts as an example of its own, so intervals and p-values claim "
        "more than so few different prompts can show."
    )


def _behaviour_observed(p: Parameters) -> str:
    return f"The right answers score above the wrong ones on {_on_test(p)}."


def _on_test(p: Parameters) -> str:
    return f"{p['correct']} of {counted(p['n'], 'test prompt')}"


def _behaviour_not_observed(p: Parameters) -> str:
    return (
        f"The right answers score above the wrong ones on {_on_test(p)}. Asked for are an accuracy of at "
        f"least {percent(p['least'])}, a mean metric above 0 with its whole interval, and a mean above that "
        "on the matched prompts. The mechanism was not assessed."
    )


def _wanted_behaviour(p: Parameters) -> str:
    return (
        f"The right answer scores above the wrong one in {_pairs(p)}. The provider declares this behaviour "
        f"wanted, in at least {percent(p['bound'])} of pairs. {_WANTED[str(p['verdict'])]}"
    )


def _unwanted_behaviour(p: Parameters) -> str:
    return (
        f"The decision changes with what differs between the two prompts in {_pairs(p)}. The provider "
        f"declares this behaviour unwanted; up to {percent(p['bound'])} of pairs are allowed. "
        f"{_UNWANTED[str(p['verdict'])]}"
    )


def _pairs(p: Parameters) -> str:
    return (
        f"{p['shown']} of {counted(p['n'], 'test pair')} (95 % interval {percent(p['low'])} to "
        f"{percent(p['high'])})"
    )


_WANTED = {
    "consistent": "The whole interval reaches that.",
    "inconclusive": "The interval holds that share, so these pairs do not settle it.",
    "not_consistent": "The whole interval is below that.",
}
_UNWANTED = {
    "consistent": "The whole interval is within that.",
    "inconclusive": "The interval holds that share, so these pairs do not settle it.",
    "not_consistent": "The whole interval is above that.",
}


def _constant_metric(_: Parameters) -> str:
    return (
        "On every test pair the metric is the same number on the prompt and on its matched prompt: what "
        "differs between them does not reach the scores of the answers. Nothing can be measured with these "
        "prompts."
    )


def _no_effect_of_heads(p: Parameters) -> str:
    return REASONS[p["reason"]]


def _effect_of_heads(p: Parameters) -> str:
    patterns = f"all {p['swaps']:,}" if p["patterns"] == "all" else f"{p['swaps']:,} random"
    return (
        f"Under {p['ablation']} ablation, replacing every head lowers the metric on the discovery pairs by "
        f"{p['drop']} on average. Swapped labels seldom give as much by chance (p = {p['p_value']}, from "
        f"{patterns} patterns of swapped labels)."
    )


def _beyond_chance(p: Parameters) -> str:
    return (
        f"The label-swap test on attributed effects tells {listed(p['heads'])} from chance, at a false "
        f"discovery rate of {percent(p['null_level'])}."
    )


def _not_beyond_chance(p: Parameters) -> str:
    they = plural(len(p["heads"]), "It is", "They are")
    return (
        f"The label-swap test on attributed effects does not tell {listed(p['heads'])} from chance. {they} "
        "in the circuit because replacing heads showed an effect: alone, or in completing the others."
    )


def _few_examples_for_null(p: Parameters) -> str:
    needed = (
        f"For that, {p['least_examples']:,} examples would be needed."
        if "least_examples" in p
        else REASONS["never_enough_examples"].format_map(p)
    )
    return (
        f"With {p['examples']} examples the label-swap test can tell no head by itself from chance among "
        f"{p['heads']}. {needed}"
    )


def _codes_depend_on_settings(p: Parameters) -> str:
    return (
        f"Which heads carry a signature code depends on the settings: two of the {p['settings']} "
        f"combinations of autoencoder seed, tau and quorum share {percent(p['mean_jaccard'])} of their heads "
        f"on average. Less than {percent(p['low_below'])} is called low here. The verdict does not rest on "
        "codes: patching decides which heads belong to the circuit."
    )


def _no_head_found(p: Parameters) -> str:
    heads = plural(p["patched"], "The head", f"None of the {p['patched']} heads")
    changes = plural(p["patched"], "does not change", "changes")
    return (
        f"{heads} replaced alone {changes} the task effect by {percent(p['threshold'])} or more with an "
        "interval that excludes zero."
    )


def _no_edge_beyond_chance(p: Parameters) -> str:
    tested = plural(
        p["pairs"], "One pair of circuit heads was", f"{p['pairs']:,} pairs of circuit heads were"
    )
    return (
        f"{tested} tested: none appears together in more discovery examples than chance allows. Where heads "
        "are present in almost every example, this test cannot show anything."
    )


def _counts(p: Parameters) -> str:
    matched, extra = len(p["matched"]), len(p["extra"])
    undeclared = f"{extra or 'no'} undeclared {plural(extra, 'head was', 'heads were')} found"
    return f"{matched} of {p['declared']} declared heads {_was(matched)} found, and {undeclared}."


def _was(n: int) -> str:
    return plural(n, "was", "were")


def _differs_from_expectation(p: Parameters) -> str:
    labels = (("Missing", p["missing"]), ("Not declared", p["extra"]))
    named = " ".join(f"{label}: {listed(heads)}." for label, heads in labels if heads)
    return f"{_counts(p)} {named}".strip()


def _declaration_cannot_fail(p: Parameters) -> str:
    return (
        f"The declaration names {p['declared']} of {p['heads']} heads, and {p['found']} "
        f"{_was(p['found'])} found: every circuit of this size would have met it, so that it was met says "
        "nothing of the model."
    )


def _sufficiency_below_expectation(p: Parameters) -> str:
    most = format(2 - Decimal(p["least"]), "f")
    return (
        f"The declaration claims that the circuit alone carries at least {percent(p['least'])} of the task "
        "effect. On the test pairs, under at least one ablation, the circuit found carries less than that, "
        f"or more than {percent(most)}. Under mean ablation, heads with a constant role count with it."
    )


def _unsure_heads(p: Parameters) -> str:
    return (
        "Whether these heads belong to the circuit depends on the examples. In brackets stands the share of "
        f"redrawn example sets in which they did: {rated(p['heads'])}."
    )


def _verdict_depends_on_settings(p: Parameters) -> str:
    named = "; ".join(
        f"{each['setting'].replace('_', ' ')} {each['value']}: {each['verdict'].replace('_', ' ')}"
        for each in p["settings"]
    )
    return f"Other settings would give another verdict: {named}. The declared setting decides."


def _verdict_stable(p: Parameters) -> str:
    left_out = p.get("templates", 0)
    sets = (
        f"{p['draws'] + left_out} example sets ({p['draws']} redrawn, {left_out} without one template)"
        if left_out
        else f"{p['draws']} redrawn example sets"
    )
    return (
        f"{percent(p['agreeing'])} of {sets} give the verdict of the declared setting; at least "
        f"{percent(p['least'])} is asked."
    )


def _verdict_not_stable(p: Parameters) -> str:
    return (
        f"{_verdict_stable(p)} At the declared tolerance the verdict does not hold. More discovery examples "
        "may make it hold."
    )


def _redraws(p: Parameters) -> str:
    left_out = p.get("templates", 0)
    beside = f" and {left_out} sets without one template" if left_out else ""
    return (
        f"About {percent(p['agreeing'])} of {p['draws']} sets of pairs drawn again{beside} give the verdict "
        "that these pairs give."
    )


def _redraws_disagree(p: Parameters) -> str:
    return f"{_redraws(p)} Fresh pairs may give another one."


def _no_expectation(_: Parameters) -> str:
    return REASONS["no_expectation"]


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
    "wanted_behaviour": _wanted_behaviour,
    "unwanted_behaviour": _unwanted_behaviour,
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
    "declaration_cannot_fail": _declaration_cannot_fail,
    "sufficiency_below_expectation": _sufficiency_below_expectation,
    "unsure_heads": _unsure_heads,
    "verdict_depends_on_settings": _verdict_depends_on_settings,
    "verdict_stable": _verdict_stable,
    "verdict_not_stable": _verdict_not_stable,
    "redraws_agree": _redraws,
    "redraws_disagree": _redraws_disagree,
    "no_expectation": _no_expectation,
    "expectation_not_bound": _expectation_not_bound,
    "expectation_for_other_weights": _expectation_for_other_weights,
}
"""The sentence of each of these findings, from its parameters."""
