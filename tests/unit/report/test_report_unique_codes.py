"""The report on a task that was only watched: it says so first, and prints each count with its null."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from auditkit.circuits.unique_codes import count_heads, reported
from auditkit.law import load_law
from auditkit.law.overclaims import OVERCLAIMS
from auditkit.report.drawings.charts import CountRow, count_chart
from auditkit.report.html import render_html
from auditkit.report.pdf import render_pdf
from auditkit.report.task.section import task_view
from auditkit.report.task.specification import settings
from auditkit.report.task.unique_codes import HEADS_SHOWN, UniqueCodesView
from auditkit.report.view import build_view
from tests.builders import D, audit_record, with_conclusions
from tests.pages import Page
from tests.unique_codes_records import as_pairs, watched_record, watching


@pytest.fixture(scope="module")
def page() -> Page:
    return Page(render_html(watched_record("0.25"), load_law()))


def section(level: str = "0.05") -> UniqueCodesView:
    view = task_view(watched_record(level), load_law(), 1).unique_codes
    assert isinstance(view, UniqueCodesView)
    return view


@pytest.mark.parametrize(
    "words",
    [
        "Unique codes: observed, not tested",
        "The method only observes. No head was switched off or replaced",
        "Source of the method O'Neill and Bui, arXiv:2405.12522",
        "Method unique-codes, published and observational: no head was replaced.",
        "published method that only observes: no head was replaced, nothing causal follows",
        "On the discovery pairs, some head's count of unique codes is beyond what swapped labels give",
        "This method observes codes and intervenes on nothing, so nothing causal was assessed.",
        "4 prompt pairs to count codes, 2 other pairs to test the behaviour",
        "Overall result inconclusive",
        "2 of 32",
    ],
)
def test_the_report_says_what_was_done_and_what_was_not(page: Page, words: str) -> None:
    """That it observed, by whose method, and that nothing causal follows: on the page in words."""
    assert words in page.text


def test_nothing_about_replacing_heads_is_claimed(page: Page) -> None:
    """The sections that only interventions can fill are not there, and no method is said to have any."""
    assert "checked by replacing heads" not in page.text
    assert "Sufficiency and necessity of the circuit" not in page.text
    assert "To find the circuit" not in page.text
    assert "served to count codes" in page.text
    assert "What a head contributes was measured by replacing" not in page.text


def test_every_count_has_its_null_beside_it() -> None:
    """Largest count first; the head that only varies leads, with a p-value of 1."""
    rows = [
        (row.head, row.count, row.swapped_mean, row.rank, row.p_value, row.q_value, row.separated)
        for row in section("0.25").heads
    ]
    assert rows == [
        ("1.0", "4", "4.0000", "1", "1.0000", "1.0000", "no"),
        ("0.0", "2", "0.5625", "2", "0.0625", "0.2500", "yes"),
        ("0.1", "1", "0.2500", "3", "0.2500", "0.5000", "no"),
        ("1.1", "0", "0.0000", "4", "1.0000", "1.0000", "no unique code"),
    ]
    assert [row.declared for row in section().heads] == [
        "not declared",
        "declared",
        "not declared",
        "declared",
    ]


def test_an_undeclared_task_does_not_call_heads_not_declared() -> None:
    """Where nothing was declared, the column says that and not that the head was left out."""
    record = watched_record().model_copy(update={"tasks": (watching(declared=False),)})
    view = task_view(record, load_law(), 1).unique_codes
    assert isinstance(view, UniqueCodesView)
    assert {row.declared for row in view.heads} == {"none declared"}


def test_the_picture_says_the_same_in_words() -> None:
    """Each bar and its mark are in the text that stands for the picture."""
    chart = section().chart
    assert "head 0.0: 2, under swaps 0.5625" in chart.alternative
    assert chart.svg.count("<rect") == 4


def test_a_mean_larger_than_every_count_is_still_in_the_picture() -> None:
    """The mark for the swapped labels stays inside the frame when it is beyond every bar."""
    chart = count_chart([CountRow("0.0", 1, D("3.5000"))])
    (width,) = re.findall(r'viewBox="0 0 ([0-9.]+)', chart.svg)
    assert all(float(x) < float(width) for x in re.findall(r'x1="([0-9.]+)"', chart.svg))


def test_settings_without_a_meaning_here_are_said_to_be_unused() -> None:
    """What only patching or TopK autoencoders use is marked; what this method uses is not."""
    unused = {
        each.key
        for each in settings(watching().specification)
        if "not used by this method" in each.origin
    }
    assert {"attribution", "ablations", "autoencoder.k", "thresholds.tau", "random_sets"} <= unused
    used = {"method", "metric", "seed", "examples", "null_level", "thresholds.min_accuracy"}
    assert not unused & (used | {"test_examples", "bootstrap.level", "bootstrap.resamples"})
    other = settings(audit_record().tasks[0].specification)
    assert not any("not used" in each.origin for each in other)


def test_other_tasks_have_no_such_section() -> None:
    """A task with attributed codes, and one without a mechanism, print as they did."""
    views = build_view(audit_record(), load_law()).tasks
    assert [view.unique_codes for view in views] == [None, None]


def test_a_large_model_has_its_first_heads_in_the_table_and_the_rest_counted() -> None:
    """Of 50 heads the table has the first 32 and the declared one; the rest are said to be elsewhere."""
    names = [f"0.{i}" for i in range(50)]
    examples = as_pairs([[(1, 1)] * 4] * 50)
    heads = count_heads(examples, names, seed=0)
    task = watching()
    codes = task.codes.model_copy(
        update={"examples": examples, "heads": heads, "reported": reported(heads)}
    )
    expected = task.expected.model_copy(update={"heads": ("0.49",)})
    changed = with_conclusions(task.model_copy(update={"codes": codes, "expected": expected}))
    record = watched_record().model_copy(update={"tasks": (changed,)})
    view = task_view(record, load_law(), 1).unique_codes
    assert isinstance(view, UniqueCodesView)
    assert len(view.heads) == HEADS_SHOWN + 1
    assert view.heads_note.startswith("17 more heads")
    assert "24 of 50 heads, largest first" in view.chart_caption
    codes_found = {found.code for found in changed.findings}
    assert "no_unique_code" in codes_found
    assert "count_not_beyond_chance" not in codes_found


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="pdftotext is not installed")
def test_the_pdf_says_what_the_html_says(page: Page, tmp_path: Path) -> None:
    """The section's paragraphs and every row of its table are in the PDF as in the HTML."""
    made = tmp_path / "report.pdf"
    made.write_bytes(render_pdf(watched_record("0.25"), load_law(), ()))
    command = ["pdftotext", "-layout", str(made), "-"]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    joined = " ".join(text.split())
    view = section("0.25")
    rows = [" ".join(vars(row).values()) for row in view.heads]
    for words in (*view.words, *rows, view.heads_note, view.chart_caption):
        assert words in joined, words
        assert words in page.text, words


def test_no_forbidden_word(page: Page) -> None:
    """The section does not overclaim in any of its words."""
    start = page.text.index("Unique codes: observed, not tested")
    assert re.search(OVERCLAIMS, page.text[start : start + 3000]) is None
