"""Evidence of schema 2, and of schema 1 before it, read as a record of today. Frozen, but for newer schemas.

Schema 2 has no looks: the discovery pairs were all there were for heads replaced alone, every check used all
pairs of its set, and circuits were compared by counting. What it lacks is absent for a reason of its own.
"""

from __future__ import annotations

from typing import Any

from auditkit.records import schema_1
from auditkit.records.reasons import not_assessed

Json = Any  # null, bool, int, str, list, dict

_NEW: dict[str, frozenset[str]] = {
    "specification": frozenset({"max_examples"}),
    "patching": frozenset({"budget", "checked", "latents", "paths"}),
    "examples": frozenset({"further"}),
    "causal": frozenset({"drops", "latents", "paths", "signature"}),
    "autoencoder": frozenset({"dictionary"}),
    "expected": frozenset({"signature"}),
    "comparison": frozenset({"met_by_chance"}),
    "forwards": frozenset({"latents", "paths"}),
    "setting": frozenset({"declared", "taken_from"}),
    "minimality": frozenset({"removed"}),
    "random_sets": frozenset({"circuit"}),
    "task": frozenset({"ruling", "wanted", "concerns", "behaviour_ruling", "mechanism"}),
}


ADDED = (
    "one_look",
    "rule_not_known",
    "latents_not_known",
    "paths_not_known",
    "signature_not_known",
    "wanted_not_declared",
)
"""The reasons that stand in what is added."""


def upgraded(document: dict[str, Json]) -> dict[str, Json]:
    """The document of schema 1 or 2 with what schema 3 has beside it.

    Raises:
        ValueError: it has what its schema has not.
        KeyError, TypeError: it lacks what its schema has.
    """
    if document.get("schema_version") == "1":
        document = schema_1.upgraded(document)
    calibration = document["calibration"]
    settings = [upgraded_setting(each) for each in calibration["settings"]]
    return {
        **document,
        "calibration": {**calibration, "settings": settings},
        "tasks": [upgraded_task(task) for task in document["tasks"]],
    }


def upgraded_setting(setting: dict[str, Json]) -> dict[str, Json]:
    """A calibrated setting of schema 2 with what schema 3 has beside it. Raises as ``upgraded``."""
    return {
        **_with(setting, "setting", declared=_absent("rule_not_known"), taken_from=None),
        "specification": upgraded_specification(setting["specification"]),
    }


def upgraded_task(task: dict[str, Json]) -> dict[str, Json]:
    """A task of schema 2 with what schema 3 has beside it. Raises as ``upgraded``."""
    causal = task["causal"]
    if "patched" in causal:
        sets = causal["random_sets"]
        if "shares" in sets:
            lost = causal["necessity"][0]["share"]["mean"]
            sets = _with(sets, "random_sets", circuit=lost)
        minimality = causal["minimality"]
        if "left_out" in minimality:
            minimality = _with(minimality, "minimality", removed=[])
        forwards = _with(causal["forwards"], "forwards", latents=0, paths=0)
        checks = {"random_sets": sets, "minimality": minimality, "forwards": forwards}
        causal = {**causal, **checks}
        causal = _with(
            causal,
            "causal",
            drops=_absent("rule_not_known"),
            latents=_absent("latents_not_known"),
            paths=_absent("paths_not_known"),
            signature=_absent("signature_not_known"),
        )
    expected = task["expected"]
    if "heads" in expected:
        expected = _with(expected, "expected", signature=None)
    comparison = task["comparison"]
    if "matched" in comparison:
        chance = _absent("rule_not_known")
        comparison = _with(comparison, "comparison", met_by_chance=chance)
    return _with(
        {
            **task,
            "expected": expected,
            "comparison": comparison,
            "specification": upgraded_specification(task["specification"]),
            "examples": _with(task["examples"], "examples", further=_absent("one_look")),
            "causal": causal,
        },
        "task",
        ruling=_absent("rule_not_known"),
        wanted=None,
        concerns=[],
        behaviour_ruling=_absent("wanted_not_declared"),
        mechanism=task["verdict"],
    )


def upgraded_specification(specification: dict[str, Json]) -> dict[str, Json]:
    """A specification of schema 2 with what schema 3 has beside it. Raises as ``upgraded``."""
    patching = _with(specification["patching"], "patching", budget=0, checked=0, latents=0, paths=0)
    autoencoder = _with(specification["autoencoder"], "autoencoder", dictionary=None)
    return _with(
        {**specification, "patching": patching, "autoencoder": autoencoder},
        "specification",
        max_examples=specification["examples"],
    )


def _with(block: dict[str, Json], kind: str, **values: Json) -> dict[str, Json]:
    if block.keys() & _NEW[kind]:
        raise ValueError("a record of schema 1 or 2 has no looks")
    return {**block, **values}


def _absent(code: str) -> dict[str, Json]:
    return not_assessed(code).model_dump(mode="json")
