"""A setting is written twice, in the record and in the policy's block, and everything else is made of it."""

from __future__ import annotations

import json
import re
import runpy
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from auditkit.circuits.methods import METHODS
from auditkit.policy.asked import fewest_examples
from auditkit.policy.json_schema import policy_json_schema
from auditkit.policy.settings import Settings
from auditkit.policy.specifying import STANDARD, policy_key, specify, standard_of, standard_value
from auditkit.policy.written import setting
from auditkit.records.base import Record
from auditkit.records.specification import Specification
from auditkit.report.task.specification import meanings
from auditkit.report.task.specification import settings as printed
from tests.conftest import ROOT
from tests.copies import copy_with, run_in

KEYS = tuple(key for key in meanings(Specification) if key != "autoencoder.dictionary")
"""A dictionary is named once for the whole policy, under ``sae``."""


def as_written() -> dict[str, Any]:
    """A policy's block that sets every setting to its standard value, but for the blocks' own keys."""
    written: dict[str, Any] = {}
    for key in KEYS:
        *blocks, name = policy_key(key).split(".")
        place = written
        for block in blocks:
            place = place.setdefault(block, {})
        value = standard_value(key, Settings).value
        place[name] = str(value) if isinstance(value, Decimal) else value
    return written


def documented() -> dict[str, str]:
    """What docs/settings.md says of each key."""
    page = (ROOT / "docs" / "settings.md").read_text("utf-8")
    return dict(re.findall(r"^\| `([\w.]+)` \| (.+?) \|", page, re.MULTILINE))


def test_every_key_of_a_specification_can_be_written_in_a_policy() -> None:
    """Each key has a setting; a policy that writes all of them leaves none to default."""
    specification = specify(
        Settings.model_validate(as_written()), Settings(), metric="probability_difference"
    )
    assert specification == STANDARD
    assert specification.defaulted == ()


def test_a_policy_has_no_setting_that_changes_nothing() -> None:
    """Each setting of the policy's block is a key of the specification."""
    assert set(documented()) == {policy_key(key) for key in KEYS}


@pytest.mark.parametrize("key", KEYS)
def test_the_documented_default_is_the_one_that_stands(key: str) -> None:
    """docs/settings.md, which editors show too, names the value a policy gets that sets nothing."""
    value: Any = STANDARD
    for name in key.split("."):
        value = getattr(value, name)
    shown = " and ".join(value) if isinstance(value, tuple) else str(value)
    assert re.search(rf"[( ]{re.escape(shown)}[);]", documented()[policy_key(key)])


def test_the_committed_settings_page_is_the_one_the_code_makes() -> None:
    """docs/settings.md is generated and never behind the code."""
    page = runpy.run_path(str(ROOT / "tools" / "policy_reference.py"))["settings_page"]()
    assert (ROOT / "docs" / "settings.md").read_bytes() == page, "run `make reference`"


def test_an_editor_is_told_only_defaults_that_stand_whatever_else_is_written() -> None:
    """The JSON Schema names each default by the rules of the schema itself, and none that may not stand."""
    schema = json.loads(policy_json_schema())
    fields = schema["$defs"]["Settings"]["properties"]
    assert fields["null_level"]["default"] == 0.05
    assert fields["ablation"]["default"] == ["resample", "mean"]
    assert "default" not in fields["metric"]
    assert "default" not in fields["test_examples"]
    for name, field in fields.items():
        if "default" in field:
            jsonschema.validate(field["default"], {**field, "$defs": schema["$defs"]})
            assert field["default"] is not None, name


def test_the_fewest_examples_that_a_description_names_are_the_fewest() -> None:
    """``examples`` says how many it takes at the standard level of the null."""
    assert (
        f"null_level {STANDARD.null_level} at least {fewest_examples(STANDARD.null_level)}."
        in (documented()["examples.first"])
    )


def test_a_setting_that_does_not_say_its_default_is_refused() -> None:
    """No setting is described without what stands where it is left out."""
    with pytest.raises(ValueError, match="standard value"):
        setting(3, "How often.")


def test_a_key_that_no_policy_can_set_is_refused() -> None:
    """A key of the record without a setting, or a setting without a default, stops the import."""

    class Longer(Specification):
        patience_of_the_search: int

    class Block(Record):
        patience_of_the_search: int = 1

    for settings in (Settings, Block):
        with pytest.raises(ValueError, match=r"patience_of_the_search|kind"):
            standard_of(Longer, settings)


def test_the_settings_a_method_leaves_unused_are_settings() -> None:
    """No name among those that a method leaves unused is misspelt or gone."""
    for name in frozenset().union(*(method.unused for method in METHODS.values())):
        assert any(key == name or key.startswith(f"{name}.") for key in KEYS), name
    assert {row.key for row in printed(STANDARD)} == set(KEYS)


RECORD_LINE = '    made_up: AtLeastOne = Field(description="What was made up")\n'
POLICY_LINE = (
    '    made_up: Written[UpToAMillion] = setting(3, "How much is made up ({standard}).")\n'
)
USE = r"""
import runpy, sys
from pathlib import Path
from auditkit.digest import canonical_json
from auditkit.policy import parse_policy
from auditkit.policy.json_schema import keys_at, policy_json_schema
from auditkit.policy.specifying import STANDARD
from auditkit.records.specification import Specification
from auditkit.report.task.specification import settings

root = Path(sys.argv[1])
least = Path(sys.argv[2]).read_bytes()

def asked(text):
    policy = parse_policy(text, Path("p.yaml")).policy
    specification = policy.specification(policy.tasks[0])
    body = canonical_json(specification.model_dump(mode="json"))
    assert Specification.model_validate_json(body) == specification
    (row,) = (each for each in settings(specification) if each.key == "made_up")
    return specification.made_up, row.meaning, row.value, row.origin

assert STANDARD.made_up == 3
assert asked(least) == (3, "What was made up", "3", "default")
set_to_7 = asked(least + b"\ndefaults: {made_up: 7}\n")
assert set_to_7 == (7, "What was made up", "7", "set in the policy"), set_to_7
assert "made_up" in keys_at(("defaults",)) and "made_up" in keys_at(("tasks", 0))
assert b"How much is made up (3)." in policy_json_schema()
reference = runpy.run_path(str(root / "tools" / "policy_reference.py"))
assert b"| `made_up` | How much is made up (3). |" in reference["settings_page"]()
messages = runpy.run_path(str(root / "tools" / "report_messages.py"))
assert b'msgid "What was made up"' in messages["template"]()
"""


def test_a_new_setting_is_one_line_in_the_record_and_one_in_the_policy(tmp_path: Path) -> None:
    """By the recipe of docs/how-to-change.md, a copy of auditkit gets a setting: it is read, has its
    default, is recorded, printed with its meaning, and is in schema, reference and catalogue.

    What it changes in a result is the work that is left: no line can give a setting its meaning.
    """
    copy_with(
        tmp_path,
        ("records/specification.py", RECORD_LINE, "    null_level: "),
        ("policy/settings.py", POLICY_LINE, "    null_level: "),
    )
    run_in(tmp_path, USE, tmp_path, ROOT / "tests" / "fixtures" / "policy_least.yaml")
