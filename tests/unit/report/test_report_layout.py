"""How the report is laid out: nothing lost, what matters first, pictures that say what was recorded."""

from __future__ import annotations

import gc
import re
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from auditkit.circuits.paths import path_effect
from auditkit.law import load_law
from auditkit.records.audit import AuditRecord
from auditkit.records.base import NotAssessed
from auditkit.records.causal import Causal, Paths
from auditkit.records.codes import HeadFrequency
from auditkit.records.task import Finding, Stability, TaskRecord, VerdictShare
from auditkit.report import pdf as pdf_module
from auditkit.report.drawings.charts import ThresholdRow, share_chart
from auditkit.report.drawings.circuit_chart import CircuitNode, circuit_chart, in_lines
from auditkit.report.drawings.stability_chart import SplitBar, stability_chart
from auditkit.report.drawings.svg import Chart
from auditkit.report.html import render_html
from auditkit.report.layout import RenderingError
from auditkit.report.pdf import render_pdf
from auditkit.report.task.common_specification import common_settings, own_settings, settings_note
from auditkit.report.task.details import details_views
from auditkit.report.task.pictures import (
    LINES_DRAWN,
    circuit_drawing,
    stability_drawing,
    task_pictures,
)
from auditkit.report.task.section import task_view
from auditkit.report.task.specification import settings
from auditkit.resources import shipped
from tests.builders import (
    D,
    audit_record,
    copying,
    counting,
    interval,
    model_identity,
    specification,
)
from tests.pages import Page, rendered

SVG = "{http://www.w3.org/2000/svg}"


def parsed(chart: Chart) -> ET.Element:
    return ET.fromstring(str(chart.svg))  # noqa: S314 - our own markup


def labels(chart: Chart) -> list[str]:
    return [text.text or "" for text in parsed(chart).iter(f"{SVG}text")]


def other_seed(task: TaskRecord) -> TaskRecord:
    """The task with another seed, which its policy left to default."""
    changed = task.specification.model_copy(
        update={"seed": 7, "defaulted": (*task.specification.defaulted, "seed")}
    )
    return task.model_copy(update={"specification": changed})


def with_tasks(*tasks: TaskRecord) -> AuditRecord:
    return audit_record().model_copy(update={"tasks": tasks})


def stability() -> Stability:
    return Stability(
        draws=20,
        templates=NotAssessed(code="left_out", reason="One template."),
        frequencies=(
            HeadFrequency(head="0.0", frequency=D("0.0500")),
            HeadFrequency(head="1.0", frequency=D("1.0000")),
        ),
        mean_jaccard=D("0.9000"),
        verdicts=(
            VerdictShare(verdict="consistent", share=D("0.9500")),
            VerdictShare(verdict="inconclusive", share=D("0.0300")),
            VerdictShare(verdict="not_consistent", share=D("0.0200")),
        ),
        agreeing=D("0.9500"),
        settings=(),
        state="observed",
    )


def test_every_key_of_every_task_can_be_read_from_the_common_table_and_its_own() -> None:
    """Common rows with a task's own rows put in are exactly its full specification."""
    tasks = (copying(), other_seed(copying()), counting())
    common = {row.key: (row.meaning, row.value, row.origin) for row in common_settings(tasks)}
    for index, task in enumerate(tasks, start=1):
        own = {row.key: (row.meaning, row.value, row.origin) for row in own_settings(tasks, index)}
        full = {
            row.key: (row.meaning, row.value, row.origin) for row in settings(task.specification)
        }
        assert common | own == full


def test_the_common_table_names_the_tasks_that_differ_and_they_print_the_key() -> None:
    """A key that one task has otherwise stands in both places, with the number of the task."""
    tasks = (copying(), other_seed(copying()), counting())
    text = rendered(with_tasks(*tasks)).text
    assert "seed Seed of every random draw 0 set in the policy task 2" in text
    assert "seed Seed of every random draw 7 default" in text
    assert "except for 1 key of 37" in settings_note(tasks, 2)
    assert (
        "All 37 keys have the value and the origin that the common specification gives"
        in settings_note(tasks, 1)
    )


def test_of_equally_frequent_values_the_common_one_is_the_first_tasks() -> None:
    """With two tasks that differ the first is the usual one, whatever the order of hashing."""
    rows = {row.key: row for row in common_settings((copying(), other_seed(copying())))}
    assert (rows["seed"].value, rows["seed"].differing) == ("0", "task 2")
    assert rows["metric"].differing == "no task"


def test_failures_stand_before_warnings_and_notes_have_their_own_heading() -> None:
    """What a reader must see first is first, whatever the order in the record."""
    found = tuple(
        Finding.model_validate({"code": code, "level": level, "text": f"The {code}."})
        for code, level in (("a", "note"), ("b", "warning"), ("c", "failure"), ("d", "note"))
    )
    task = copying().model_copy(update={"findings": found})
    view = task_view(with_tasks(task), load_law(), 1)
    assert [each.code for each in view.findings] == ["c", "b"]
    assert [each.code for each in view.notes] == ["a", "d"]


def test_a_task_reads_from_the_verdict_to_the_pictures_to_the_numbers() -> None:
    """The order of a task's section on the page."""
    text = rendered(audit_record()).text
    text = text[text.index("Task 1 “Copies the name") :]
    places = [
        text.index(words)
        for words in (
            "Verdict consistent",
            "In plain language",
            "Findings that matter",
            "Notes",
            "What was not assessed",
            "Pictures",
            "Map of heads",
            "How far the claim goes",
            "Effect of each head Heads found or declared",
            "Full specification",
        )
    ]
    assert places == sorted(places)


def test_replaced_heads_stand_in_the_task_or_in_its_details_and_in_one_of_them() -> None:
    """Found or declared ones in the task, all others at the back, none twice and none nowhere."""
    record = audit_record()
    causal = record.tasks[0].causal
    assert isinstance(causal, Causal)
    in_task = [row.head for row in task_view(record, load_law(), 1).heads]
    in_details = [row.head for row in details_views(record)[0].heads]
    assert sorted(in_task + in_details) == sorted(each.head for each in causal.patched)
    assert in_task == ["1.0", "0.1"]


def test_details_say_why_they_are_absent() -> None:
    """A task without a mechanism has its details too, each with the reason in its place."""
    view = details_views(audit_record())[1]
    assert view.absent_codes == view.absent_heads == view.absent_cost
    assert view.absent_codes.startswith("Not assessed. ")


def test_the_circuit_shows_every_kind_of_head_by_shape_and_letter() -> None:
    """Declared and found, constant role, backup: the letters, the numbers and the words for them."""
    chart, caption = circuit_drawing(copying())
    assert chart is not None
    assert {"0.0 B", "0.1 FD", "1.0 FD", "1.1 K"} <= set(labels(chart))
    assert {"0.25", "0.75", "0.90"} <= set(labels(chart))
    outlines = [
        shape.get("d", "").removeprefix("M").removesuffix("z").split("L")
        for shape in parsed(chart).iter(f"{SVG}path")
        if shape.get("fill") != "none"
    ]
    backup, found, _, constant = outlines  # in layer order: 0.0, 0.1, 1.0, 1.1
    assert [len(each) for each in (backup, found, constant)] == [4, 4, 6]
    assert found[0].split()[0] == found[3].split()[0]
    assert backup[0].split()[0] != backup[3].split()[0]
    assert "1.1: constant role, effect under mean ablation 0.9000" in chart.alternative
    assert (
        "0.0: backup, lost in addition when replaced with another head 0.2500" in chart.alternative
    )
    assert (
        "1.0: found, declared, effect alone 0.7500, role with the largest share: last"
        in chart.alternative
    )
    assert "Lines: what one head does through another alone" in caption


def test_an_edge_is_drawn_only_where_a_path_carries_enough() -> None:
    """One path that reaches the threshold gives one line, and the words name its heads; less gives none."""
    chart, caption = circuit_drawing(copying())
    assert chart is not None
    (lines,) = [one for one in parsed(chart).iter(f"{SVG}path") if one.get("fill") == "none"]
    assert lines.get("d", "").count("M") == 1
    assert "One acts through the other: 0.1 through 1.0." in chart.alternative
    assert "Lines: what one head does through another alone" in caption
    small = path_effect(("0.1", "1.0"), (D("0.0400"), D("0.0400")), specification())
    causal = copying().causal
    assert isinstance(causal, Causal)
    causal = causal.model_copy(update={"paths": Paths(tried=(small,), untried=0)})
    chart, caption = circuit_drawing(copying().model_copy(update={"causal": causal}))
    assert chart is not None
    assert not [one for one in parsed(chart).iter(f"{SVG}path") if one.get("fill") == "none"]
    assert "No edge was recorded" in caption


def test_a_declared_head_that_was_not_replaced_is_unknown_not_zero() -> None:
    """It is dashed and white, and says unknown in the drawing and in its words."""
    chart = circuit_chart([CircuitNode("2.3", 2, None, "effect alone", ("declared",), "")], ())
    (shape,) = parsed(chart).iter(f"{SVG}path")
    assert shape.get("stroke-dasharray")
    assert shape.get("fill") == "#ffffff"
    assert "unknown" in labels(chart)
    assert "2.3: declared, effect unknown" in chart.alternative


def test_the_first_layer_is_at_the_bottom() -> None:
    """Later layers stand higher, and each layer has its label."""
    nodes = [
        CircuitNode(f"{layer}.0", layer, D("0.5"), "effect alone", ("found",), "")
        for layer in range(3)
    ]
    assert [row[0].layer for row in in_lines(nodes)] == [2, 1, 0]
    assert [each for each in labels(circuit_chart(nodes, ())) if each.startswith("L")] == [
        "L2",
        "L1",
        "L0",
    ]


def test_a_large_circuit_fits_the_page_and_says_what_it_leaves_out() -> None:
    """Of 60 declared heads in as many layers the last lines are left out, and counted."""
    expected = copying().expected
    assert not isinstance(expected, NotAssessed)
    many = expected.model_copy(update={"heads": tuple(f"{layer}.0" for layer in range(60))})
    chart, caption = circuit_drawing(copying().model_copy(update={"expected": many}))
    assert chart is not None
    assert len([each for each in labels(chart) if re.fullmatch(r"L\d+", each)]) == LINES_DRAWN
    assert float(parsed(chart).get("height", "0")) < 900
    assert re.search(r"\d\d heads with smaller effects are not drawn", caption)


def test_stability_is_drawn_with_what_is_asked_across_the_verdicts_only() -> None:
    """The dashed line stands at one less the tolerance and does not reach the heads."""
    chart, _ = stability_drawing(copying().model_copy(update={"stability": stability()}))
    assert chart is not None
    (dashed,) = [one for one in parsed(chart).iter(f"{SVG}line") if one.get("stroke-dasharray")]
    heads = [float(bar.get("y", "0")) for bar in parsed(chart).iter(f"{SVG}rect")][:2]
    assert float(dashed.get("y1", "0")) > max(heads)
    assert "agree with the verdict 95 %, disagree 5 %" in labels(chart)
    assert "consistent 95 %, inconclusive 3 %, not consistent 2 %" in labels(chart)
    assert "Agreement asked: at least 90 %" in chart.alternative
    assert "head 1.0: 1.0000; head 0.0: 0.0500" in chart.alternative


def test_the_parts_of_a_split_bar_are_as_long_as_their_shares() -> None:
    """A quarter, a half and a quarter, next to each other, no two of one colour."""
    split = SplitBar("verdicts", (("a", D("0.25")), ("b", D("0.5")), ("c", D("0.25"))))
    bars = list(parsed(stability_chart([], [split], D("0.9"))).iter(f"{SVG}rect"))
    start, width = ([float(bar.get(key, "0")) for bar in bars] for key in ("x", "width"))
    assert width == pytest.approx([width[0], 2 * width[0], width[0]], rel=0.01)
    assert start[1:] == pytest.approx([start[0] + width[0], start[1] + width[1]], abs=0.2)
    assert len({bar.get("fill") for bar in bars}) == 3


def test_random_sets_stand_beside_the_necessity_they_were_measured_with() -> None:
    """One mark per set, in the row of the first ablation, and their range in words."""
    picture = next(
        each
        for each in task_pictures(copying(), model_identity())
        if each.title == "Sufficiency and necessity"
    )
    (marks,) = [
        path.get("d", "")
        for path in parsed(picture.chart).iter(f"{SVG}path")
        if path.get("d", "").count("v5") == path.get("d", "").count("M")
    ]
    assert marks.count("M") == 1
    assert picture.chart.alternative.count("beside 1 other set with 0.1000 to 0.1000") == 1
    assert "Necessity, resample" in picture.chart.alternative.partition("beside")[0].split(";")[-1]
    assert "1 other set" in picture.caption


def test_without_random_sets_there_is_no_mark() -> None:
    """A row without a yardstick draws none and says none."""
    chart = share_chart([ThresholdRow("Necessity", interval("0.5", "0.4", "0.6"), D("0.5"), None)])
    assert "other set" not in chart.alternative
    assert not [path for path in parsed(chart).iter(f"{SVG}path") if "v5" in path.get("d", "")]


def test_every_column_width_a_table_asks_for_is_in_the_style_sheet() -> None:
    """A width without a rule is dropped without a word, and the columns come out alike."""
    style = shipped("templates/report.css").read_text("utf-8")
    for template in shipped("templates").glob("*.j2"):
        for widths in re.findall(r"cols\(([0-9, ]+)\)", template.read_text("utf-8")):
            for width in widths.split(","):
                assert f".w{width.strip()} {{ width: {width.strip()}%; }}" in style, template.name


def test_the_collector_runs_again_after_a_report_and_after_a_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Layout pauses the search for cycles and gives it back."""
    monkeypatch.setattr(pdf_module, "page", lambda *_, **__: '<html><p style="no-such: 1">x</p>')
    assert gc.isenabled()
    with pytest.raises(RenderingError):
        render_pdf(audit_record(), load_law())
    assert gc.isenabled()


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="pdftotext is not installed")
def test_no_heading_is_alone_at_the_foot_of_a_page_and_pages_are_filled(tmp_path: Path) -> None:
    """The last line of each page is no heading and no caption; no page but the last is nearly empty."""
    record = with_tasks(copying().model_copy(update={"stability": stability()}), counting())
    # With a purpose of this length a caption would stand at a foot, were it allowed to.
    purpose = " ".join(["Ranks applications for review by a person."] * 20)
    system = record.system.model_copy(update={"intended_purpose": purpose})
    record = record.model_copy(update={"system": system})
    content = render_html(record, load_law())
    headings = {
        " ".join(Page(found.encode()).text.split())
        for found in re.findall(
            r"<(?:h[2-4]|caption)[ >].*?</(?:h[2-4]|caption)>", content.decode()
        )
    }
    made = tmp_path / "report.pdf"
    made.write_bytes(render_pdf(record, load_law()))
    command = ["pdftotext", "-layout", str(made), "-"]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    pages = [
        [" ".join(line.split()) for line in page.splitlines() if line.strip()]
        for page in text.split("\f")[:-1]
    ]
    for page in pages:
        assert page[-1].startswith("Page ")
        assert page[-2] not in headings, page[-2]
    assert min(len(page) for page in pages[:-1]) > 20


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="pdftotext is not installed")
def test_the_pdf_has_the_pictures_and_the_common_specification_in_words(tmp_path: Path) -> None:
    """Captions, letters and the notes on specifications are text in both."""
    record = with_tasks(copying().model_copy(update={"stability": stability()}), counting())
    html = Page(render_html(record, load_law())).text
    made = tmp_path / "report.pdf"
    made.write_bytes(render_pdf(record, load_law()))
    command = ["pdftotext", str(made), "-"]
    joined = " ".join(
        subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    )
    for picture in task_pictures(record.tasks[0], record.model):
        assert picture.caption in html
        assert picture.caption in joined
    for words in ("0.1 FD", "1.1 K", "agree with the verdict 95 %, disagree 5 %"):
        assert words in html
        assert words in joined
    note = settings_note(record.tasks, 1)
    assert note in html
    assert note in joined
