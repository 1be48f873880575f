"""A policy means what it says: exact values, stated defaults, and plain words for every fault."""

from __future__ import annotations

import json
import re
from datetime import date
from decimal import Decimal
from hashlib import sha256
from pathlib import Path

import jsonschema
import pytest
import yaml

from auditkit.errors import InputError, Problem
from auditkit.law import ARTICLE_13_ITEMS, EVIDENCE_HOOKS
from auditkit.policy import HubModel, LocalModel, Policy, load_policy, parse_policy
from auditkit.policy.json_schema import policy_json_schema
from auditkit.policy.specifying import STANDARD
from auditkit.records.declared import Expectation, NotApplicable, Provided, ToBeProvided
from auditkit.records.specification import Specification
from auditkit.report.task.specification import meanings
from tests.conftest import ROOT

FIXTURES = ROOT / "tests" / "fixtures"
COMPLETE = (FIXTURES / "policy_complete.yaml").read_text(encoding="utf-8")
LEAST = (FIXTURES / "policy_least.yaml").read_text(encoding="utf-8")


def parse(text: str) -> Policy:
    return parse_policy(text.encode(), Path("p.yaml")).policy


def problems(text: str) -> tuple[Problem, ...]:
    with pytest.raises(InputError) as raised:
        parse(text)
    return raised.value.problems


def edited(*edits: tuple[str, str], text: str = COMPLETE) -> str:
    for old, new in edits:
        assert text.count(old) >= 1, old
        text = text.replace(old, new, 1)
    return text


def line_of(text: str, part: str) -> int:
    return next(n for n, line in enumerate(text.splitlines(), start=1) if part in line)


def one(*edits: tuple[str, str]) -> Problem:
    (problem,) = problems(edited(*edits))
    return problem


def test_the_complete_policy_is_read_as_written() -> None:
    """A policy with every key gives every value it states, in its type."""
    policy = parse(COMPLETE)
    first, second = policy.tasks
    assert policy.system.provider.authorised_representative is not None
    assert isinstance(policy.model, LocalModel)
    assert (policy.model.path, policy.model.revision) == ("model", None)
    assert first.expected == Expectation(
        heads=("4.2", "4.0"),
        min_precision=Decimal("0.75"),
        min_recall=Decimal(1),
        declared_for="sha256:" + "0" * 64,
        source="an earlier measurement of the same weights",
    )
    assert type(first.expected) is Expectation
    assert (first.prompts.file, first.prompts.generator) == ("pairs.jsonl", None)
    assert (second.prompts.file, second.prompts.generator) == (None, "ioi")
    assert second.expected is None
    provided, not_applicable, open_item = policy.instructions_for_use.values()
    assert isinstance(provided, Provided)
    assert isinstance(not_applicable, NotApplicable)
    assert isinstance(open_item, ToBeProvided)


def test_a_loaded_policy_keeps_its_bytes_their_digest_and_its_folder(tmp_path: Path) -> None:
    """The policy is kept byte for byte, and its paths start from its folder."""
    path = tmp_path / "policy.yaml"
    path.write_text(COMPLETE, encoding="utf-8")
    loaded = load_policy(path)
    assert loaded.content == path.read_bytes()
    assert loaded.sha256 == "sha256:" + sha256(path.read_bytes()).hexdigest()
    assert loaded.folder == tmp_path
    assert loaded.model_folder() == tmp_path / "model"
    assert loaded.prompts_file(loaded.policy.tasks[0]) == tmp_path / "pairs.jsonl"
    assert loaded.prompts_file(loaded.policy.tasks[1]) is None


def test_a_task_overrides_the_defaults_block_and_that_overrides_the_standard() -> None:
    """What neither sets is standard, and listed as defaulted."""
    policy = parse(COMPLETE)
    first, second = (policy.specification(task) for task in policy.tasks)
    assert (first.seed, first.ablations, first.thresholds.tau) == (11, ("mean",), Decimal("0.03"))
    assert (first.examples, first.metric) == (8, "probability_difference")
    assert (second.seed, second.ablations) == (7, ("resample", "mean"))
    assert second.thresholds.tau == Decimal("0.02")
    assert not {"seed", "ablations", "thresholds.tau", "metric"} & set(first.defaulted)
    assert "metric" in second.defaulted
    assert not {"seed", "thresholds.tau"} & set(second.defaulted)


def test_the_least_policy_takes_every_default_and_says_so() -> None:
    """A policy without settings has the standard ones, and each is listed as defaulted."""
    policy = parse(LEAST)
    specification = policy.specification(policy.tasks[0])
    standard = STANDARD.model_copy(
        update={"metric": "probability_difference", "defaulted": specification.defaulted}
    )
    assert specification == standard
    keys = [key for key in meanings(Specification) if key != "autoencoder.dictionary"]
    assert specification.defaulted == tuple(keys)  # a dictionary is named under `sae`, or is not
    assert {"ablations", "thresholds.tolerance", "metric"} <= set(specification.defaulted)
    assert isinstance(policy.model, HubModel)
    assert policy.report.settings(()).formats == ("html", "pdf")
    assert policy.signing.key == "default"


def test_decimals_are_exact() -> None:
    """A decimal keeps the digits it was written with."""
    policy = parse(edited(("tolerance: 0.1", "tolerance: 0.10"), ("1e-2", "1e-3")))
    specification = policy.specification(policy.tasks[1])
    assert str(specification.thresholds.tolerance) == "0.10"
    assert specification.autoencoder.learning_rate == Decimal("0.001")


@pytest.mark.parametrize(
    ("old", "new", "key", "message", "advice"),
    [
        ("min_recall", "min_recal", "tasks[0].expected.min_recal", "not known", "`min_recall`"),
        ("  seed: 7", "  sede: 7", "defaults.sede", "not known", "`seed`"),
        ("signing:", "singing:", "singing", "not known", "`signing`"),
        ("0.75", "1.5", "tasks[0].expected.min_precision", "1.5 is not between 0 and 1", "0.8"),
        ("0.75", "-0.1", "tasks[0].expected.min_precision", "-0.1 is not between 0 and 1", "0.8"),
        ("0.75", "nan", "tasks[0].expected.min_precision", "'nan' is not a decimal", "0.8"),
        ("0.75", "80%", "tasks[0].expected.min_precision", "'80%' is not a decimal", "0.8"),
        ("0.75", "true", "tasks[0].expected.min_precision", "not a number", "0.8"),
        ("level: 0.95", "level: 1", "defaults.bootstrap.level", "not included", ""),
        ("examples: 8", "examples: 4", "defaults.examples", "from chance", "least is 5"),
        ("examples: 8", "examples: 201", "defaults.examples", "too large", "most is 200"),
        ("examples: 8", "examples: 8.0", "defaults.examples", "whole number", "digits only"),
        ("examples: 8", "examples:", "defaults.examples", "nothing is written", "remove"),
        ("seed: 7", "seed: -1", "defaults.seed", "too small", "least is 0"),
        ("resamples: 1000", "resamples: 5", "defaults.bootstrap.resamples", "interval", "100"),
        ('"2.1"', "2", "system.version", "not the number 2", '"2"'),
        ("Story helper", "true", "system.name", "not true", '"true"'),
        ("Story helper", "", "system.name", "nothing is written", "a text"),
        ("Story helper", '""', "system.name", "the text is empty", "write it"),
        ("Story helper", '" "', "system.name", "the text is blank", "write it"),
        ("Story helper", "x" * 2001, "system.name", "longer than 2000", "shorten"),
        ("annex: III", "annex: IV", "system.high_risk.annex", "not one of", "`"),
        ("2027-01-31", "31.1.2027", "system.placed_on_market", "not a date", "2027-01-31"),
        ("2027-01-31", "2027-02-30", "system.placed_on_market", "no day 2027-02-30", ""),
        ('"4.2"', '"4-2"', "tasks[0].expected.heads[0]", "not a head", "layer.head"),
        ('"4.2"', '"4.02"', "tasks[0].expected.heads[0]", "not a head", "layer.head"),
        ('"4.2"', '"4.0"', "tasks[0].expected.heads[1]", "written twice", "keep one"),
        ('["4.2", "4.0"]', "[]", "tasks[0].expected.heads", "the list is empty", ""),
        ("sha256:0", "sha1:0", "tasks[0].expected.declared_for", "not a digest", "sha256:"),
        ("id: ioi", "id: IOI", "tasks[1].id", "cannot be a task id", "lower-case"),
        ("id: ioi", "id: pronoun", "tasks[1].id", "that of the task on line", "own id"),
        ("generator: ioi", "generator: iio", "tasks[1].prompts.generator", "no prompt", "`ioi`"),
        ("{generator: ioi}", "{generator: ioi, file: x}", "tasks[1].prompts", "one of two", "file"),
        ("{generator: ioi}", "{}", "tasks[1].prompts", "one of two sources", "generator"),
        ("{generator: ioi}", "ioi", "tasks[1].prompts", "one of two sources", "generator"),
        ("IV.2(g)", "IV.2(q)", "tasks[0].evidence_for[1]", "'IV.2(q)' is not", "did you mean"),
        ("13(3)(e)", "13(3)(z)", 'instructions_for_use["13(3)(z)"]', "not an item", "did you"),
        ("{owner: the product team}", "{owner: a, text: b}", "", "one of three ways", "owner"),
        ("{owner: the product team}", "{who: a}", "", "one of three ways", "owner"),
        ("key: default", "key: Release", "signing.key", "'Release'", "begin with a letter"),
        ("{key: default}", "{level: B-T}", "signing.level", "needs timestamps", "timestamp_url"),
        (
            "[html, pdf], template_dir: own_templates}\nsigning: {key: default}",
            "[html], template_dir: own_templates}\nsigning: {visible: true}",
            "signing.visible",
            "only a PDF shows",
            "add `pdf`",
        ),
        (
            "{key: default}",
            "{timestamp_url: 'http://tsa.example/'}",
            "signing.timestamp_url",
            "B-B has no timestamps",
            "B-T",
        ),
        ("auditkit: 1", "auditkit: 2", "auditkit", "the number 2", "`auditkit: 1`"),
        ("language: en", "language: de", "report.language", "not one of", "`en`"),
        ("[html, pdf]", "[html, html]", "report.formats[1]", "written twice", ""),
        ("[html, pdf]", "html", "report.formats", "a list is needed", "[a, b]"),
        ("dtype: float32", "dtype: float8", "model.dtype", "not one of", "`float32`"),
        ("path: model", "path: model, hub: a/b", "model", "one of two ways", "`path:"),
        ("sha256:1", "sha256:x1", "model.root_digest", "not a digest", "sha256:"),
        ("sha256:2", "md5:2", "model.weights_digest", "not a digest", "sha256:"),
        (
            "public_key: publisher.pem",
            "public_key: publisher.pem, certificate: publisher.pem",
            "model.signature",
            "known in one of two ways",
            "`public_key:",
        ),
        (
            "bundle: model.sig, public_key: publisher.pem",
            "bundle: model.sig",
            "model.signature",
            "known in one of two ways",
            "`certificate:",
        ),
        ("k: 4", "k: 33", "defaults.autoencoder.k", "33 latents", "at most"),
        ("{name: A. Example, role: head of model risk}", "me", "declared_by", "map", "`name`"),
        ("    title: Names the indirect object\n", "", "tasks[1].title", "missing", "`title: ..."),
    ],
)
def test_a_fault_names_its_key_in_plain_words_and_says_what_to_write(
    old: str, new: str, key: str, message: str, advice: str
) -> None:
    """No fault is told in the words of the library that found it."""
    problem = one((old, new))
    assert key in problem.key
    assert message in problem.message
    assert advice in problem.advice
    assert not re.search("(?i)input should|valid (string|integer)|pydantic", str(problem))


def test_a_branch_is_not_a_revision() -> None:
    """A revision is a commit, and the refusal says why a branch is none."""
    text = edited(("0123456789abcdef0123456789abcdef01234567", "main"), text=LEAST)
    (problem,) = problems(text)
    assert (problem.line, problem.key) == (line_of(text, "revision"), "model.revision")
    assert "can move" in problem.advice


@pytest.mark.parametrize("tasks", ["tasks: []", "tasks:", "tasks: {}", ""])
def test_a_policy_without_tasks_is_refused(tasks: str) -> None:
    """An empty, absent or wrongly typed list of tasks is one problem of that key."""
    (problem,) = problems(LEAST[: LEAST.index("tasks:")] + tasks)
    assert problem.key == "tasks"


def test_every_problem_is_reported_at_once_in_line_order() -> None:
    """Faults of notation and of values come together, by line."""
    text = edited(
        ('version: "2.1"', 'version: "2.1"\n  version: "2.2"'),
        ("examples: 8", "examples: &n 4"),
        ("tolerance: 0.1", "tolerance: 1.5"),
        ("min_recall", "min_recal"),
        ("{generator: ioi}", "{generator: iio}"),
        ("id: ioi", "id: pronoun"),
    )
    found = problems(text)
    wrong = ('"2.2"', "&n", "&n", "1.5", "min_recal:", "- id: pronoun\n    title: Names", "iio")
    assert [each.line for each in found] == [
        text[: text.index(part)].count("\n") + 1 for part in wrong
    ]
    assert {each.file for each in found} == {"p.yaml"}


def test_what_an_alias_stood_for_is_not_judged() -> None:
    """An alias is one problem, and what would stand there is no second one."""
    problem = one(("{name: A. Example, role: head of model risk}", "*m"))
    assert problem.message == "the alias *m is not read"


def test_every_known_id_is_accepted() -> None:
    """Every hook and every item of Article 13(3) can be named."""
    hooks = "[" + ", ".join(f'"{each}"' for each in EVIDENCE_HOOKS) + "]"
    items = "".join(f'\n  "{each}": {{owner: someone}}' for each in ARTICLE_13_ITEMS)
    text = edited(('["13(3)(b)(iv)", "IV.2(g)"]', hooks))
    start, end = text.index("instructions_for_use:"), text.index("report:")
    policy = parse(text[:start] + "instructions_for_use:" + items + "\n" + text[end:])
    assert policy.tasks[0].evidence_for == tuple(EVIDENCE_HOOKS)
    assert list(policy.instructions_for_use) == list(ARTICLE_13_ITEMS)


def test_the_committed_json_schema_is_the_one_the_code_makes() -> None:
    """The schema in the repository is today's, byte for byte."""
    committed = (ROOT / "policies" / "auditkit-policy.schema.json").read_bytes()
    assert committed == policy_json_schema(), "run `make reference`"


def _as_an_editor_reads(value: object) -> object:
    """JSON types: an editor leaves a date as text."""
    if isinstance(value, dict):
        return {key: _as_an_editor_reads(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_as_an_editor_reads(each) for each in value]
    return value.isoformat() if isinstance(value, date) else value


def _examples() -> list[Path]:
    return sorted([*(ROOT / "policies").glob("*.yaml"), *FIXTURES.glob("policy_*.yaml")])


@pytest.mark.parametrize("path", _examples(), ids=lambda path: path.name)
def test_example_policies_load_and_validate_against_the_json_schema(path: Path) -> None:
    """Each example is read by the program and accepted by the schema as an editor reads it."""
    load_policy(path)
    written = yaml.safe_load(path.read_text(encoding="utf-8"))
    schema = json.loads(policy_json_schema())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(_as_an_editor_reads(written), schema, jsonschema.Draft202012Validator)


def test_the_json_schema_describes_every_key_and_refuses_unknown_ones() -> None:
    """Every block is closed, and every key of it has a description."""
    schema = json.loads(policy_json_schema())
    for name, definition in {"Policy": schema, **schema["$defs"]}.items():
        if "oneOf" in definition:  # alternatives, each with a definition of its own
            continue
        assert definition["additionalProperties"] is False, name
        for key, value in definition["properties"].items():
            assert value.get("description"), f"{name}.{key}"
