"""The policy's JSON Schema: for editors to check against, and for the keys a place may hold."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from auditkit.law import ARTICLE_13_ITEMS, EVIDENCE_HOOKS
from auditkit.policy.schema import Policy
from auditkit.policy.source import KeyPath
from auditkit.prompts.generators import GENERATORS

Schema = dict[str, Any]

_DESCRIPTIONS: dict[tuple[str, str], str] = {
    ("System", "name"): "The name of the AI system.",
    ("System", "version"): "The version of the AI system; put a number in quotes.",
    ("System", "intended_purpose"): "What the provider intends the system to be used for.",
    ("System", "high_risk"): "Why the provider says the system is high-risk; null if it does not.",
    ("System", "placed_on_market"): "The day it was placed on the market; null while it is not.",
    ("System", "provider"): "The provider of the system.",
    ("HighRisk", "annex"): "Annex I or Annex III of the AI Act.",
    ("HighRisk", "point"): "The point of the annex, such as 4(a).",
    ("Provider", "name"): "The provider's name.",
    ("Provider", "address"): "The provider's postal address.",
    ("Provider", "email"): "Where the provider is reached.",
    ("Provider", "authorised_representative"): "The representative in the Union; null if none.",
    ("AuthorisedRepresentative", "name"): "The representative's name.",
    ("AuthorisedRepresentative", "address"): "The representative's postal address.",
    ("AuthorisedRepresentative", "email"): "Where the representative is reached.",
    ("Declarer", "name"): "The person who declares the expectations.",
    ("Declarer", "role"): "In which role.",
    ("Provided", "text"): "What the instructions for use say on this item.",
    ("NotApplicable", "not_applicable"): "Why the item does not apply.",
    ("ToBeProvided", "owner"): "Who owes the text that is still missing.",
    ("ExpectedCircuit", "heads"): "The heads expected, each as layer.head counted from 0.",
    ("ExpectedCircuit", "declared_for"): "Digest of the weights the head numbers belong to.",
    ("ExpectedCircuit", "source"): "Where the expectation comes from.",
}


def policy_json_schema() -> bytes:
    """The JSON Schema of a policy (draft 2020-12), as the bytes of ``policies/``'s committed file.

    A decimal may be a number or a text: an editor reads ``0.8`` as a number.
    """
    return (json.dumps(_schema(), indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


@cache
def _schema() -> Schema:
    schema = Policy.model_json_schema()
    for name, definition in schema["$defs"].items():
        for key, value in definition.get("properties", {}).items():
            if described := _DESCRIPTIONS.get((name, key)):
                value["description"] = described
    task = schema["$defs"]["PolicyTask"]["properties"]
    task["evidence_for"]["items"]["enum"] = list(EVIDENCE_HOOKS)
    schema["properties"]["instructions_for_use"]["propertyNames"] = {"enum": list(ARTICLE_13_ITEMS)}
    schema["$defs"]["GeneratedPrompts"]["properties"]["generator"]["enum"] = list(GENERATORS)
    _tidy(schema)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "auditkit policy",
    }


def _tidy(node: object) -> None:
    """Removes pydantic's titles, and defaults of ``null``: they stand for "not written"."""
    if isinstance(node, list):
        for item in node:
            _tidy(item)
    if not isinstance(node, dict):
        return
    if isinstance(node.get("title"), str):
        del node["title"]
    if "default" in node and node["default"] is None:
        del node["default"]
    for value in node.values():
        _tidy(value)


def keys_at(path: KeyPath) -> tuple[str, ...]:
    """The keys that the map at a path of a policy may hold, in the schema's order."""
    places = [_schema()]
    for part in path:
        places = [below for place in places for below in _below(place, part)]
    keys = [key for place in places for form in _forms(place) for key in form.get("properties", {})]
    return tuple(dict.fromkeys(keys))


def _forms(place: Schema) -> list[Schema]:
    """A schema with its references followed and its alternatives spread out."""
    if "$ref" in place:
        return _forms(_schema()["$defs"][place["$ref"].rsplit("/", 1)[1]])
    alternatives = place.get("anyOf", []) + place.get("oneOf", [])
    return [place, *(form for each in alternatives for form in _forms(each))]


def _below(place: Schema, part: str | int) -> list[Schema]:
    found: list[Schema] = []
    for form in _forms(place):
        if isinstance(part, int):
            below = form.get("items")
        else:
            below = form.get("properties", {}).get(part, form.get("additionalProperties"))
        if isinstance(below, dict):
            found.append(below)
    return found
