"""Sentences about the known-answer controls."""

from __future__ import annotations

from collections.abc import Callable

from auditkit.judging.findings.words.phrases import Parameters, counted, percent, plural


def _calibration_missing(_: Parameters) -> str:
    return "The record holds no known-answer controls run with the settings of this task."


def _calibration_observed(p: Parameters) -> str:
    parts = [f"{p['recovered']} heads"]
    if p["other_circuit"]:
        parts.append(f"{p['other_circuit']} in another circuit that is as right")
    if p["not_sought"]:
        parts.append(f"{p['not_sought']} it does not look for")
    return (
        "On models whose circuit is known, the method with these settings recovered every planted head it "
        f"looks for ({'; '.join(parts)}), and reported nothing falsely."
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
        "On models whose circuit is known, the method with these settings missed some of what was planted, "
        f"or reported heads falsely: {', '.join(parts)}. What it finds in this model cannot settle "
        "whether the model is consistent with the declaration."
    )


def _calibration_misruled(p: Parameters) -> str:
    return (
        "On models whose circuit is known, the method with these settings recovered every planted head it "
        f"looks for ({p['recovered']} heads), but its verdict on some declarations was wrong. What it finds "
        "in this model cannot settle whether the model is consistent with the declaration."
    )


def _declared_controls(p: Parameters) -> str:
    pairs = counted(p["pairs"], "pair")
    asked = (
        f"On models whose circuit is known, with these settings and up to {pairs} each, the verdict rule was "
        "asked about right and wrong declarations."
    )
    said = [asked]
    if p["wrong"]:
        said.append(
            f"Of {counted(p['wrong'], 'wrong one')} it accepted {_number(p['wrong_accepted'])} and refused "
            f"{_number(p['wrong_refused'])}: {_at_most(p, 'most_accepted')} are accepted."
        )
    if p["right"]:
        said.append(
            f"Of {counted(p['right'], 'right one')} it accepted {_number(p['right_accepted'])} and refused "
            f"{_number(p['right_refused'])}: {_at_most(p, 'most_refused')} are refused."
        )
    if not (p["wrong"] or p["right"]):
        said.append("These settings leave none to ask about.")
    return " ".join(said)


def _at_most(p: Parameters, key: str) -> str:
    return (
        f"at {percent(p['confidence'])} confidence, at most {percent(p[key])} of such declarations"
    )


def _number(n: int) -> str:
    return plural(n, "one", "none" if n == 0 else str(n))


WORDS: dict[str, Callable[[Parameters], str]] = {
    "calibration_missing": _calibration_missing,
    "calibration_observed": _calibration_observed,
    "calibration_not_observed": _calibration_not_observed,
    "calibration_misruled": _calibration_misruled,
    "declared_controls": _declared_controls,
}
"""The sentence of each of these findings, from its parameters."""
