"""The sentences of edition 1 about the search and the causal check. Frozen: nothing here is ever reworded."""

from __future__ import annotations

from collections.abc import Callable

from auditkit.judging.editions.words_1.phrases import Parameters, counted, listed, percent, share


def _empty_signature(_: Parameters) -> str:
    return "No code is shared by enough examples to form a signature."


def _unvarying_heads(p: Parameters) -> str:
    return (
        "The same output at every position of every discovery prompt, but for rounding: "
        f"{listed(p['heads'])}. There is nothing in it to encode or to replace, so nothing is said of "
        "what such a head does."
    )


def _unpatched_heads(p: Parameters) -> str:
    unpatched = p["unpatched"]
    return (
        f"{counted(p['patched'], 'head')} were patched one by one, {p['sampled']} of them drawn at random "
        f"from those ranked lower. {counted(unpatched, 'head')} ranked lower "
        f"{'was' if unpatched == 1 else 'were'} not patched alone: their single effects are unknown, and "
        "what all heads outside the circuit do together is what the circuit alone does not carry."
    )


def _effect_is_spread(p: Parameters) -> str:
    return (
        f"On the discovery pairs the heads found one by one carry {share(p['alone'])} of the task effect, "
        "and no few heads more complete them: the rest is spread over many heads, each below the "
        "threshold."
    )


def _completed(p: Parameters) -> str:
    return (
        f"On the discovery pairs the heads found one by one carry {share(p['alone'])} of the task effect. "
        f"Together with {listed(p['heads'])} they carry {share(p['completed'])}; replaced alone, "
        f"{'it does' if len(p['heads']) == 1 else 'they do'} not reach the threshold."
    )


def _necessity(p: Parameters) -> str:
    return (
        f"Under {p['ablation']} ablation, replacing the circuit's heads removes {share(p['share'])} of the "
        f"task effect; at least {percent(p['least'])} is asked."
    )


def _sufficiency(p: Parameters) -> str:
    return (
        f"Under {p['ablation']} ablation of every other head, the circuit alone carries "
        f"{share(p['share'])} of the task effect."
    )


def _sufficiency_exceeded(p: Parameters) -> str:
    return (
        f"{_sufficiency(p)} That is more than the whole model carries: under this ablation the circuit "
        "does not work as it does inside the model."
    )


def _sufficiency_not_observed(p: Parameters) -> str:
    return (
        f"{_sufficiency(p)} Below {percent(p['least'])} the circuit alone is incomplete under this "
        "ablation."
    )


def _random_sets(p: Parameters) -> str:
    return (
        f"Of {p['sets']} random sets with as many heads in each layer, {p['at_least']} lose as much of the "
        f"task effect as the circuit; the middle one loses {percent(p['middle'])}."
    )


def _minimal(_: Parameters) -> str:
    return "The circuit surely carries less without any one of its heads."


def _not_minimal(p: Parameters) -> str:
    return (
        f"Without {listed(p['heads'])}, one at a time, the rest of the circuit does not surely carry less: "
        "a smaller circuit would do as well."
    )


def _backup(p: Parameters) -> str:
    primaries = ", ".join(
        f"{each['head']} ({percent(each['gain'])} more is lost with both replaced)"
        for each in p["primaries"]
    )
    return f"{p['head']} is outside the circuit, and takes over when a head of it is replaced: {primaries}."


def _constant_role(p: Parameters) -> str:
    together = (
        f" Together with the circuit they carry {share(p['with_circuit'])} of the task effect under mean "
        "ablation of every other head."
        if "with_circuit" in p
        else ""
    )
    return (
        f"Outside the circuit, {listed(p['heads'])} {'is' if len(p['heads']) == 1 else 'are'} missed when "
        "an average output takes the place, though the output on the matched prompt does: needed, but not "
        f"shown to tell the prompts apart.{together}"
    )


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
    "minimal": _minimal,
    "not_minimal": _not_minimal,
    "backup": _backup,
    "constant_role": _constant_role,
}
"""The sentence of each of these findings, from its parameters."""
