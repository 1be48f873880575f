"""The words of the report: all of them can be translated, and those of the record stay what they are.

The pseudo-language ``xx`` puts every message between marks that nothing else on a page has, around the
values of the message too. What is left when marked spans are cut out is what no translator can reach.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, get_args, get_origin

import pytest

from auditkit import messages
from auditkit.bundle.evidence import parse_evidence
from auditkit.law import Law, load_law
from auditkit.records.audit import AuditRecord
from auditkit.records.base import Record
from auditkit.records.calibration import PlantedKind
from auditkit.records.codes import Role
from auditkit.records.specification import Ablation, Metric, TaskKind
from auditkit.records.task import Observation, TaskRecord, Verdict
from auditkit.report.drawings.circuit_chart import NAMES, Mark
from auditkit.report.html import render_html
from auditkit.report.sections.calibration import KINDS
from auditkit.report.task.code_details import ROLES
from auditkit.report.task.specification import TASK_KINDS, settings
from auditkit.report.wording import ABLATIONS, METRICS, OBSERVATIONS, VERDICTS
from tests.conftest import ROOT, SAMPLES
from tests.pages import Page
from tests.pseudo_language import CLOSE, LOCALE, OPEN, extracting, in_xx, marked, template, written
from tests.report_records import RECORDS

BETWEEN = "\x1f"
"""Stands between two texts of a page."""


def unmarked(page: Page) -> list[str]:
    """What of each text stands in no mark. A message goes on across the tags that it has as values."""
    found = [_outside(text) for text in page.attributes]
    return found + _outside(BETWEEN.join(page.texts)).split(BETWEEN)


def _outside(text: str) -> str:
    depth, kept = 0, []
    for character in text:
        depth += (character == OPEN) - (character == CLOSE)
        if depth == 0 and character != CLOSE:
            kept.append(character)
    assert depth == 0, text
    return "".join(kept)


def free(part: object, *, enumerated: bool = False) -> Iterator[str]:
    """Every text inside a record that is not one of a fixed few: those are translated, these are not."""
    if isinstance(part, Record):
        for name, field in type(part).model_fields.items():
            yield from free(getattr(part, name), enumerated=_is_choice(field.annotation))
    elif isinstance(part, dict):
        for key, value in part.items():
            yield from (key, *free(value))
    elif isinstance(part, tuple):
        for each in part:
            yield from free(each, enumerated=enumerated)
    elif isinstance(part, str) and not enumerated:
        yield part


def _is_choice(annotation: object) -> bool:
    """Whether a field holds words of a closed list, as such, or several of them."""
    return get_origin(annotation) is Literal or any(map(_is_choice, get_args(annotation)))


def quotes(law: Law) -> Iterator[str]:
    """The law's words and the numbers of its items, and where they were read."""
    article, annex = law.article_13, law.annex_iv
    yield from (article.paragraph_1, article.paragraph_2, article.lead_in, law.source_note)
    yield from (article.point_b_lead_in, annex.point_1_lead_in, annex.point_2_lead_in)
    yield from (text for item in article.items for text in (item.id, item.quote))
    yield from (text for point in annex.points for text in (point.id, point.quote))
    yield from law.qualifiers.values()


WORD = re.compile(r"[^\W\d_]{2,}")
"""Two letters or more in a row: a word, and no number, unit, id or lone letter."""

VERBATIM = re.compile(
    r"(?:tasks|calibration)(?:\.?[a-z_]+|\[\d+\])+|auditkit run policy\.yaml|\d\d:\d\d:\d\d UTC"
)
"""Alike in every language: a place in ``evidence.json``, a command, an instant."""


def unreachable(record: AuditRecord, law: Law) -> list[str]:
    """Each text of the record's page that is neither in a message nor the record's or the law's own."""
    whole = {text for task in record.tasks for row in written_settings(task) for text in row}
    known = {" ".join(text.split()) for text in (record.tool.name, *free(record), *quotes(law))}
    longest = sorted(filter(WORD.search, known), key=len, reverse=True)
    left = []
    for text in unmarked(Page(render_html(record, law))):
        rest = VERBATIM.sub("", " ".join(text.split()))
        if not WORD.search(rest) or rest in whole:
            continue
        for each in longest:
            rest = rest.replace(each, "")
        if WORD.search(rest):
            left.append(rest)
    return left


def written_settings(task: TaskRecord) -> Iterator[tuple[str, str]]:
    """Keys of the specification, and their values as a policy has them."""
    yield from ((row.key, row.value) for row in settings(task.specification))


def record_of(name: str) -> AuditRecord:
    """A hand-made record, or that of a sample."""
    if name in RECORDS:
        return RECORDS[name]()
    return parse_evidence((SAMPLES[name] / "evidence.json").read_bytes())


@pytest.mark.parametrize("name", [*RECORDS, *SAMPLES])
def test_every_word_of_a_report_is_in_the_catalogue_or_in_the_record(
    name: str, spoken: Path
) -> None:
    """In the pseudo-language no text, label or alternative is left that a translator cannot reach."""
    written(marked(template()), spoken)
    assert unreachable(in_xx(record_of(name)), load_law()) == []


def test_a_message_that_is_not_in_the_catalogue_is_seen(spoken: Path) -> None:
    """The test above can fail: two messages without marks are found."""
    catalog = marked(template())
    for text in ("Contents", "In plain language"):
        catalog[text].string = text
    written(catalog, spoken)
    found = unreachable(in_xx(RECORDS["nothing-declared"]()), load_law())
    assert {"Contents", "In plain language"} == set(found)


def test_a_catalogue_in_force_changes_no_english_report(spoken: Path) -> None:
    """English before and after is the same, and what stands in the code is what it prints."""
    record = RECORDS["hand-made"]()
    written(marked(template()), spoken)
    before = render_html(record, load_law())
    assert OPEN in render_html(in_xx(record), load_law()).decode()
    assert render_html(record, load_law()) == before
    assert OPEN not in before.decode()
    assert (LOCALE / "en" / messages.CATALOGUE).read_bytes() == extracting["english"]()


def test_the_template_has_every_message_of_code_templates_and_law() -> None:
    """Taken out again it is the committed one: run ``make messages`` after a new text."""
    assert (LOCALE / messages.TEMPLATE).read_bytes() == extracting["template"]()


@pytest.mark.parametrize("language", messages.languages())
def test_every_shipped_catalogue_is_complete(language: str) -> None:
    """Each shipped catalogue is read whole and has its messages."""
    assert messages.catalogue(language).gettext("not assessed")


def test_texts_put_together_are_no_messages() -> None:
    """Extraction refuses what no catalogue could ever look up, and skips what is looked up by name."""
    assert list(
        extracting["in_python"]('_("a"), N_("b"), counted(n, "c", "d"), _(TABLE[key])')
    ) == [
        "a",
        "b",
        ("c", "d"),
    ]
    for source in ('_(f"{n} heads")', '_("a" + b)', "N_(name)", 'counted(n, "head", word)'):
        with pytest.raises(ValueError, match="a message is one text"):
            list(extracting["in_python"](source))


def calls() -> Iterator[tuple[str, ast.Call]]:
    """Every call in the report's code, with its place."""
    for path in sorted((ROOT / "auditkit" / "report").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                yield f"{path.name}:{node.lineno}", node


def test_every_message_gets_a_value_for_each_placeholder() -> None:
    """Also where no record of the tests prints it. Values that are handed on as ``**values`` are not seen."""
    checked = 0
    for place, call in calls():
        name = call.func.id if isinstance(call.func, ast.Name) else ""
        texts = [each.value for each in call.args if isinstance(each, ast.Constant)]
        if name not in {"_", "counted"} or not texts or None in [k.arg for k in call.keywords]:
            continue
        given = {keyword.arg for keyword in call.keywords} | ({"n"} if name == "counted" else set())
        asked = {each for text in texts for each in messages.placeholders(str(text))}
        assert asked <= given, place
        assert given - asked <= {"n"}, place
        checked += 1
    assert checked > 300


NO_TEXT = {"layout.py", "pdf.py", "svg.py", "trying.py"}
"""Names of fonts, files and PDF keys, and errors for the terminal."""

KEYS = {
    "auditkit run policy.yaml",
    "where applicable",
    "Spoken",
    "Cc",
    "Cf",
    "Cs",
    "Co",
    "Cn",
    "Zl",
    "Zp",
}
"""A command; a key of the law's words; a type's name; categories of characters."""


def test_no_text_of_the_reports_code_is_out_of_the_catalogue() -> None:
    """Words in a string are a message, or key to one: also where no record of the tests prints them."""
    known = {
        text for each in template() for text in ([each.id] if isinstance(each.id, str) else each.id)
    }
    words = re.compile(r"[A-Za-z]{2,}[,.:;]? [A-Za-z(]|^[A-Z][a-z]+")
    for path in sorted((ROOT / "auditkit" / "report").rglob("*.py")):
        for node in (
            texts_of(ast.parse(path.read_text("utf-8"))) if path.name not in NO_TEXT else ()
        ):
            place = f"{path.name}:{node.lineno} {node.value!r}"
            text = re.sub(r"<[^>]*>?", "", str(node.value))  # an element's name is no word
            assert not words.search(text) or node.value in known | KEYS, place


def texts_of(tree: ast.Module) -> Iterator[ast.Constant]:
    """Every string but docstrings, annotations, style sheets and what errors say."""
    silent: list[ast.AST] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) or (
            isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        ):
            silent.append(node)
        elif isinstance(node, (ast.arg, ast.AnnAssign)) and node.annotation:
            silent.append(node.annotation)
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]).endswith("STYLE"):
            silent.append(node)
    skipped = {id(inner) for each in silent for inner in ast.walk(each)}
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in skipped
        ):
            yield node


@pytest.mark.parametrize(
    ("table", "choices"),
    [
        (METRICS, Metric),
        (ABLATIONS, Ablation),
        (ROLES, Role),
        (VERDICTS, Verdict),
        (OBSERVATIONS, Observation),
        (TASK_KINDS, TaskKind),
        (KINDS, PlantedKind),
        (NAMES, Mark),
    ],
)
def test_every_word_of_a_closed_list_has_words_on_the_page(
    table: dict[str, object], choices: object
) -> None:
    """Whoever adds one to the record adds its words here."""
    assert set(table) == set(get_args(choices))


def test_the_report_says_which_language_version_of_the_law_it_quotes_and_what_prevails() -> None:
    """And it ranks no language version of the law above another."""
    page = render_html(RECORDS["hand-made"](), load_law()).decode()
    assert "The law is quoted here from its English language version." in page
    assert "Nothing in this report ranks one language version of Union law above another." in page
    assert (
        "where it differs in meaning the English text prevails. That concerns this report and not the law."
        in page
    )
    assert "prints them as recorded, in English" in page
