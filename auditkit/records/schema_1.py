"""Evidence of schema 1, read as a record of today. Frozen, but for what a newer schema adds.

Schema 1 states findings and limitations by code and sentence, reasons by their sentence alone, and no
edition: all of it was judged by edition 1. The reasons that edition 1 gave are listed here, so each gets
its code. A reason that is not among them gets none of theirs: it then agrees with no rule.
"""

from __future__ import annotations

from typing import Any

Json = Any  # null, bool, int, str, list, dict

REASONS: dict[str, str] = {
    "no_behaviour": "The model does not do this task on the test prompts, so there is no mechanism to "
    "look for.",
    "no_effect": "Replacing every attention head does not lower the task metric, so no effect of heads is"
    " there to look for.",
    "no_effect_beyond_chance": "Replacing every attention head lowers the task metric no further than "
    "swapping labels at random could, so whatever a search found might be chance.",
    "no_mean_effect": "Replacing every attention head by its mean output does not lower the task metric.",
    "no_resampled_effect": "Replacing every attention head by its output on the matched prompt does not "
    "lower the task metric.",
    "nothing_causal": "This method observes codes and intervenes on nothing, so nothing causal was "
    "assessed.",
    "no_circuit_stated": "This method reports heads that it only observed. None was confirmed by "
    "replacing it, so no circuit is stated.",
    "carried_alone": "The heads found one by one carry the effect by themselves: nothing had to be "
    "completed.",
    "not_completed": "No few heads more make those found one by one carry the effect: it is spread over "
    "many, or the policy asks for no completion.",
    "empty_circuit": "The circuit is empty.",
    "no_backup": "No head was found that takes over when a circuit head is replaced.",
    "no_backups_sought": "The policy asks for no search for backup heads.",
    "no_random_sets": "The policy asks for none, or the circuit is empty, or there is no other set of its"
    " size.",
    "no_constant_head": "None of the heads tried outside the circuit is missed when its mean output takes"
    " its place.",
    "head_not_replaced_alone": "The head was not replaced alone.",
    "one_seed": "The policy asks for one autoencoder seed, so there is no envelope.",
    "no_negative_partner": "No two negatives of the discovery pairs have the same number of tokens in the"
    " same places, so there was no pair of negatives to compare.",
    "nothing_attributed": "Nothing was attributed to the head at any position.",
    "templates_unknown": "The templates of the prompts are not known.",
    "few_templates": "The discovery prompts have fewer than three templates.",
    "no_expectation": "The policy declares no expected circuit for this task.",
    "no_head_found": "No head was found, so there is no share of them to state.",
    "prompts_withheld": "prompts read from a file are not printed; their digest is",
    "never_enough_examples": "With more than {exact_up_to} examples {draws:,} swaps are drawn at random: too "
    "few to tell one head alone from chance among so many, whatever the number of examples.",
}
"""Every reason of edition 1, as it was printed."""

_VALUES: dict[str, dict[str, int]] = {"never_enough_examples": {"exact_up_to": 14, "draws": 10000}}
_CODED: dict[str, dict[str, Json]] = {
    text.format_map(_VALUES.get(code, {})): {"code": code, "parameters": _VALUES.get(code, {})}
    for code, text in REASONS.items()
}
_UNLISTED: dict[str, Json] = {"code": "not_a_reason_of_edition_one", "parameters": {}}


def upgraded(document: dict[str, Json]) -> dict[str, Json]:
    """The document with codes for its reasons, parameters for its statements, and its edition.

    Raises:
        ValueError: it has what schema 1 has not: an edition, a parameter, or the code of a reason.
    """
    if "editions" in document:
        raise ValueError("a record of schema 1 names no editions")
    return {**_coded(document), "editions": {"rules": 1, "page": None}}


def _coded(value: Json) -> Json:
    if isinstance(value, list):
        return [_coded(item) for item in value]
    if not isinstance(value, dict):
        return value
    keys = value.keys()
    if keys & {"parameters"} or (keys >= {"reason"} and keys & {"code"}):
        raise ValueError("a record of schema 1 has no parameters and no codes of reasons")
    if keys == {"state", "reason"} and value["state"] == "not_assessed":
        return {**value, **_CODED.get(str(value["reason"]), _UNLISTED)}
    inner = {key: _coded(item) for key, item in value.items()}
    return {**inner, "parameters": {}} if keys >= {"code", "text"} else inner
