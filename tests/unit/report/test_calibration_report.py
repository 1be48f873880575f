"""The calibration on the page: what it says, what it leaves out, and its card."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from decimal import Decimal

from auditkit.controls.family import FAMILY
from auditkit.controls.outcomes import RECORDED
from auditkit.law import load_law
from auditkit.records.audit import AuditRecord
from auditkit.records.calibration import Calibration, NegativeControl
from auditkit.report.drawings.calibration_chart import KindRow, calibration_card, counts_text
from auditkit.report.html import render_html
from auditkit.report.sections.calibration import KINDS, calibration_views
from tests.builders import audit_record, calibration, control_behaviour, summed_up

BACKUPS = tuple(
    f"{run.name}/{head.head}"
    for run in calibration().settings[0].models
    for head in run.heads
    if head.kind == "backup"
)
SVG = "{http://www.w3.org/2000/svg}"


def with_calibration(made: Calibration) -> AuditRecord:
    return audit_record().model_copy(update={"calibration": made})


def text_of(record: AuditRecord) -> str:
    """The words of the calibration's section, without the pictures."""
    page = render_html(record, load_law()).decode()
    section = page[page.index('<h2 id="calibration">') : page.index('<h2 id="annex-iv">')]
    section = re.sub(r"<svg.*?</svg>", " ", section, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", section).split())


def test_plain_words_come_first_and_say_what_it_does_not_show() -> None:
    """Before any number the section says what a control is, and how far it goes."""
    text = text_of(audit_record())
    assert text.index("A balance is checked with weights") < text.index("lookup-hard")
    assert "It does not show that the method finds everything in the audited model" in text
    assert "positive controls" in text
    assert "negative controls" in text


def test_every_kind_and_every_model_is_printed() -> None:
    """Each planted kind has its meaning, each model its circuit and its heads."""
    text = text_of(audit_record())
    for name, meaning in KINDS.values():
        assert f"{name} {meaning}" in text
    for run in audit_record().calibration.settings[0].models:
        assert f"Heads of {run.name}" in text
    assert "0.3 1.2 2.0 2.1 or 0.3 2.2" in text
    assert "backup of 1.2" in text
    assert set(KINDS) == set(RECORDED.values())


def test_a_failed_calibration_says_what_follows() -> None:
    """The missed head is named, and that the tasks are inconclusive."""
    text = text_of(with_calibration(calibration(lost=("lookup-hard/1.1",))))
    assert "Recovery of what was planted not observed" in text
    assert "they are inconclusive" in text
    assert "1.1 opposing 0.5000 not reported missed" in text
    assert "8 planted: 7 recovered, 1 missed" in text


def test_a_pass_that_was_not_made_is_said() -> None:
    """What was not looked for is neither missed nor recovered on the page."""
    (setting,) = calibration(lost=(*BACKUPS, "redundant-hard/1.2")).settings
    models = tuple(
        run.model_copy(update={"looked_for": ("circuit", "constant_role")})
        for run in setting.models
    )
    partly = summed_up(setting.model_copy(update={"models": models}))
    text = text_of(with_calibration(Calibration(settings=(partly,))))
    assert "They do not look for backups." in text
    assert "1.2 circuit 0.5000 not reported not looked for" in text
    assert "backup of 1.2 0.5000 not reported not looked for" in text
    assert "3 planted: 3 not looked for" in text
    assert "Recovery of what was planted observed" in text


def test_heads_reported_where_there_is_nothing_are_named() -> None:
    """A whole-model negative control with a reported head fails the calibration and names it."""
    (setting,) = calibration().settings
    control = NegativeControl(
        name="random_weights",
        behaviour=control_behaviour("2.0000"),
        reported=("1.3",),
        outcome="nothing_reported",
    )
    negatives = (setting.negative_controls[0], control)
    failed = summed_up(setting.model_copy(update={"negative_controls": negatives}))
    assert failed.state == "not_observed"
    text = text_of(with_calibration(Calibration(settings=(failed,))))
    assert "observed (right answers above wrong ones on 20 of 20) 1.3" in text


def test_a_second_setting_prints_what_sets_it_apart_and_not_everything_twice() -> None:
    """Models that came out alike are named and their tables left to the first setting."""
    (setting,) = calibration().settings
    thresholds = setting.specification.thresholds.model_copy(
        update={"head_effect": Decimal("0.02")}
    )
    (lost,) = calibration(lost=("lookup-hard/1.1",)).settings
    second = lost.model_copy(
        update={
            "tasks": ("counting",),
            "specification": setting.specification.model_copy(update={"thresholds": thresholds}),
        }
    )
    record = with_calibration(
        Calibration(settings=(setting.model_copy(update={"tasks": ("copying",)}), second))
    )
    first_view, second_view = calibration_views(record)
    assert [row.key for row in second_view.differing] == ["thresholds.head_effect"]
    assert [row.value for row in first_view.differing] == ["0.05"]
    assert len(first_view.models) == len(FAMILY)
    assert [model.name for model in second_view.models] == ["lookup-hard"]
    assert "lookup-soft, tiny-hard" in second_view.models_note
    assert "not printed again" not in first_view.models_note


def test_the_card_is_wide_enough_for_its_longest_counts() -> None:
    """Where much went wrong the counts are longer, and the card with them: nothing is cut off."""
    (first, *_) = calibration().settings[0].totals
    mixed = first.model_copy(
        update={"recovered": 12, "missed": 4, "falsely_reported": 1, "not_looked_for": 1}
    )
    card = calibration_card([KindRow("circuit", mixed)])
    drawn = ET.fromstring(str(card.svg))  # noqa: S314 - our own markup
    (counts,) = [each for each in drawn.iter(f"{SVG}text") if "planted" in (each.text or "")]
    start, width = float(counts.attrib["x"]), float(drawn.attrib["width"])
    assert width - start > 4.4 * len(counts_text(mixed))


def test_the_card_has_a_mark_for_every_planted_head_and_says_so_in_words() -> None:
    """Marks differ in shape, counts stand beside them, and the alternative text has every count."""
    record = with_calibration(calibration(lost=("lookup-hard/1.1",)))
    (view,) = calibration_views(record)
    totals = record.calibration.settings[0].totals
    drawn = ET.fromstring(str(view.chart.svg))  # noqa: S314 - our own markup
    squares = list(drawn.iter(f"{SVG}rect"))
    assert len(squares) == sum(total.planted for total in totals) + 6  # and the legend
    assert "opposing: 8 planted: 7 recovered, 1 missed" in view.chart.alternative
    written = "".join(drawn.itertext())
    for total in totals:
        assert KINDS[total.kind][0] in written
