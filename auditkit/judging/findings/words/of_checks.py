"""Sentences about the search and the causal check."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from auditkit.judging.findings.words.phrases import (
    Parameters,
    counted,
    listed,
    percent,
    plural,
    share,
)


def _empty_signature(_: Parameters) -> str:
    return "No code is shared by enough discovery examples to form a signature."


def _unvarying_heads(p: Parameters) -> str:
    n = len(p["heads"])
    return (
        f"{plural(n, 'Head', 'Heads')} {listed(p['heads'])} {plural(n, 'puts', 'put')} out the same at every "
        "position of every discovery prompt, but for rounding. There is nothing in that output to encode or "
        f"to replace, so nothing is said of what {plural(n, 'it does', 'they do')}."
    )


def _unpatched_heads(p: Parameters) -> str:
    patched, unpatched = p["patched"], p["unpatched"]
    unknown = (
        "head ranked lower was not replaced alone: its single effect is unknown"
        if unpatched == 1
        else "heads ranked lower were not replaced alone: their single effects are unknown"
    )
    return (
        f"{patched} {plural(patched, 'head was', 'heads were')} replaced one at a time, {p['sampled']} of "
        f"them drawn at random from those ranked lower. {unpatched} {unknown}. {_most_missed(p)}What all "
        "heads outside the circuit do together shows in the share that the circuit alone does not carry."
    )


def _most_missed(p: Parameters) -> str:
    if "most_missed" not in p:
        return ""
    return (
        f"By what the sample shows, at {percent(p['confidence'])} confidence, at most {p['most_missed']} of "
        f"them have an effect of {percent(p['strong'])} or more. "
    )


def _effect_is_spread(p: Parameters) -> str:
    tried = (
        f"Restoring up to {counted(p['allowed'], 'head')} more, those likeliest to help, does not bring that "
        "share into the range asked for."
        if p["allowed"]
        else "The policy asks for no completion."
    )
    return f"{_alone(p)} {tried}"


def _alone(p: Parameters) -> str:
    return (
        f"On the discovery pairs, under {p['ablation']} ablation of every other head, the heads found one by "
        f"one carry {share(p['alone'])} of the task effect."
    )


def _completed(p: Parameters) -> str:
    found = plural(len(p["heads"]), "which was not", "none of which was")
    return (
        f"{_alone(p)} Together with {listed(p['heads'])}, {found} found by replacing it alone, they carry "
        f"{share(p['completed'])}."
    )


def _necessity(p: Parameters) -> str:
    return (
        f"On the test pairs, under {p['ablation']} ablation, replacing the circuit's heads removes "
        f"{share(p['share'])} of the task effect; at least {percent(p['least'])} is asked."
    )


def _sufficiency(p: Parameters) -> str:
    return (
        f"On the test pairs, under {p['ablation']} ablation of every other head, the circuit alone carries "
        f"{share(p['share'])} of the task effect."
    )


def _sufficiency_exceeded(p: Parameters) -> str:
    most = format(2 - Decimal(p["least"]), "f")
    return (
        f"{_sufficiency(p)} That is above {percent(most)}: under this ablation the circuit alone does more "
        "than the whole model."
    )


def _sufficiency_not_observed(p: Parameters) -> str:
    return (
        f"{_sufficiency(p)} Below {percent(p['least'])} the circuit alone counts as incomplete under this "
        "ablation."
    )


def _random_sets(p: Parameters) -> str:
    takes = plural(p["at_least"], "takes", "take")
    return (
        f"On the test pairs, under {p['ablation']} ablation, {p['at_least']} of {p['sets']} random sets with "
        f"as many heads in each layer {takes} away at least as much of the task effect as the circuit does "
        f"when replaced; the middle one takes away {percent(p['middle'])}."
    )


def _on(p: Parameters, pairs: str) -> str:
    """On which pairs: some of a set where their number is stated, else all."""
    return f"On {p['pairs']} of the {pairs} pairs" if "pairs" in p else f"On the {pairs} pairs"


def _other_sets(p: Parameters) -> str:
    takes = plural(p["at_least"], "takes", "take")
    return (
        f"{_on(p, 'test')}, under {p['ablation']} ablation, {p['at_least']} of {p['sets']} other sets of as "
        f"many heads, all of them outside the circuit, {takes} away at least as much of the task effect as "
        f"the circuit does when replaced; the middle one takes away {percent(p['middle'])}. With that "
        f"many sets no p-value is below {p['least_p']}."
    )


def _not_standing_out(p: Parameters) -> str:
    if p["at_least"]:
        return "The circuit does not stand out among them."
    return "There are too few of them for the circuit to stand out."


def _completed_by_one_set(p: Parameters) -> str:
    return (
        f"{_completed(p)} Other heads may do as well: this is one set among several, and it does not "
        "count in precision and recall."
    )


def _minimal(p: Parameters) -> str:
    return (
        f"{_on(p, 'test')}, under {p['ablation']} ablation, leaving out any one head changes what the "
        "circuit carries, with an interval that excludes zero."
    )


def _not_minimal(p: Parameters) -> str:
    return (
        f"{_on(p, 'test')}, under {p['ablation']} ablation, what the circuit carries is not shown to change "
        f"without {listed(p['heads'])}, left out one at a time: the interval of the loss includes zero. A "
        "smaller circuit may do as well."
    )


def _heads_can_go_together(p: Parameters) -> str:
    n = len(p["heads"])
    said = (
        f"{_on(p, 'test')}, {n} of the {p['circuit']} circuit heads can be left out together without a loss "
        f"that is shown: {listed(p['heads'])}."
    )
    if "next" not in p:
        return said
    return f"{said} Leaving out {p['next']} as well takes {share(p['loss'])} of the task effect."


def _backup(p: Parameters) -> str:
    primaries = ", ".join(f"{each['head']} (by {percent(each['gain'])})" for each in p["primaries"])
    return (
        f"{p['head']} is outside the circuit and takes over when a circuit head is replaced. "
        f"{_on(p, 'discovery')}, replacing both by their outputs on the matched prompt loses more than the "
        f"sum of what each loses alone: {primaries}."
    )


def _constant_role(p: Parameters) -> str:
    n = len(p["heads"])
    replaced = plural(n, "by its average output", "by their average outputs, one at a time")
    together = (
        f" Together with the circuit {plural(n, 'it carries', 'they carry')} {share(p['with_circuit'])} of "
        "the task effect on the test pairs, under mean ablation of every other head."
        if "with_circuit" in p
        else ""
    )
    where = _on(p, "discovery").replace("On", "on", 1)
    return (
        f"Replacing {listed(p['heads'])}, outside the circuit, {replaced}, changes the task effect {where} "
        f"by at least {percent(p['threshold'])}. Such a head matters to the task, but is not shown to tell "
        f"the prompts of a pair apart.{together}"
    )


def _latents_replaced(p: Parameters) -> str:
    said = [
        f"{_on(p, 'discovery')}, latents of the circuit's heads were replaced alone and together."
    ]
    if p["carried"]:
        heads = ", ".join(_by_latents(each) for each in p["carried"])
        said.append(f"These latents carry their head's effect: {heads}.")
    if p["not_carried"]:
        heads = ", ".join(_by_latents(each) for each in p["not_carried"])
        said.append(f"These, tried together, do not: {heads}.")
    codes = counted(p["signature"], "code")
    return " ".join([*said, f"Enough of the pairs share {codes} of a measured effect."])


def _by_latents(head: Parameters) -> str:
    return f"{counted(head['latents'], 'latent')} of {head['head']}"


_PATHS_NAMED = 6


def _direct_paths(p: Parameters) -> str:
    tried = counted(p["tried"], "direct path")
    were = plural(p["tried"], "was", "were")
    said = [f"{_on(p, 'discovery')}, {tried} between heads of the circuit {were} patched."]
    if p["untried"]:
        said.append(f"{p['untried']} more {plural(p['untried'], 'was', 'were')} not.")
    named = ", ".join(
        f"{each['source']} through {each['target']} {percent(each['share'])}"
        for each in p["edges"][:_PATHS_NAMED]
    )
    more = len(p["edges"]) - _PATHS_NAMED
    if not named:
        said.append(f"None carries {percent(p['threshold'])} of the task effect.")
    elif more > 0:
        said.append(f"The largest carry: {named}; {more} more reach {percent(p['threshold'])}.")
    else:
        said.append(f"Those that reach {percent(p['threshold'])} of the task effect: {named}.")
    return " ".join(said)


WORDS: dict[str, Callable[[Parameters], str]] = {
    "empty_signature": _empty_signature,
    "unvarying_heads": _unvarying_heads,
    "unpatched_heads": _unpatched_heads,
    "effect_is_spread": _effect_is_spread,
    "completed": _completed,
    "necessity_observed": _necessity,
    "necessity_not_observed": lambda p: f"{_necessity(p)} That was not reached.",
    "sufficiency_observed": _sufficiency,
    "sufficiency_exceeded": _sufficiency_exceeded,
    "sufficiency_not_observed": _sufficiency_not_observed,
    "beyond_random_sets": _random_sets,
    "not_beyond_random_sets": _random_sets,
    "beyond_other_sets": _other_sets,
    "not_beyond_other_sets": lambda p: f"{_other_sets(p)} {_not_standing_out(p)}",
    "completed_by_one_set": _completed_by_one_set,
    "minimal": _minimal,
    "not_minimal": _not_minimal,
    "heads_can_go_together": _heads_can_go_together,
    "backup": _backup,
    "constant_role": _constant_role,
    "latents_replaced": _latents_replaced,
    "direct_paths": _direct_paths,
}
"""The sentence of each of these findings, from its parameters."""
