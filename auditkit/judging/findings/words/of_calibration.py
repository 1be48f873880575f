"""Sentences about the known-answer controls."""

from __future__ import annotations

from collections.abc import Callable

from auditkit.judging.findings.words.phrases import Parameters


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


WORDS: dict[str, Callable[[Parameters], str]] = {
    "calibration_missing": _calibration_missing,
    "calibration_observed": _calibration_observed,
    "calibration_not_observed": _calibration_not_observed,
}
"""The sentence of each of these findings, from its parameters."""
