"""Charts: well-formed, with words for what they show, and never by colour alone."""

from __future__ import annotations

import re
from decimal import Decimal
from xml.etree import ElementTree as ET

import pytest

from auditkit.records.base import Interval
from auditkit.report.drawings.charts import (
    EffectRow,
    HeadMap,
    ThresholdRow,
    effect_chart,
    frequency_chart,
    head_map,
    share_chart,
)
from auditkit.report.drawings.svg import Chart
from tests.builders import interval

SVG = "{http://www.w3.org/2000/svg}"
D = Decimal


def parsed(chart: Chart) -> ET.Element:
    return ET.fromstring(str(chart.svg))  # noqa: S314 - our own markup


def two_by_two(declared: frozenset[str] | None = frozenset({"0.1", "1.1"})) -> HeadMap:
    return HeadMap(
        heads_per_layer=((0, 2), (1, 2)),
        effects={"0.1": D("0.2500"), "1.0": D("-0.7500"), "0.0": D("-0.0010")},
        found=frozenset({"0.1", "1.0"}),
        declared=declared,
    )


def test_every_chart_carries_its_text_alternative_as_its_first_child() -> None:
    """A reader who does not see a chart is told the same."""
    charts = [
        head_map(two_by_two()),
        effect_chart([EffectRow("1.0", interval("0.5", "0.4", "0.6"))], D("0.05")),
        share_chart([ThresholdRow("Necessity", interval("0.5", "0.4", "0.6"), D("0.5"), None)]),
    ]
    for chart in charts:
        first = parsed(chart)[0]
        assert first.tag == f"{SVG}title"
        assert first.text == chart.alternative


def test_the_map_has_a_cell_for_every_head_and_a_mark_for_every_member() -> None:
    """Found and declared heads have their marks, and an unknown head its cross."""
    root = parsed(head_map(two_by_two()))
    assert len(root.findall(f"{SVG}rect")) == 3
    (unknown,) = root.findall(f"{SVG}path")
    assert unknown.get("d", "").count("z") == 1
    circles = root.findall(f"{SVG}circle")
    rings = [circle for circle in circles if circle.get("fill") == "none"]
    assert (len(rings), len(circles) - len(rings)) == (2, 2)


def test_a_head_that_was_not_replaced_is_crossed_out_and_has_no_number() -> None:
    """Unknown is not printed as zero."""
    root = parsed(head_map(two_by_two()))
    numbers = [text.text for text in root.findall(f"{SVG}text") if "." in (text.text or "")]
    assert numbers == ["0.00", "0.25", "\N{MINUS SIGN}0.75"]


def test_the_maps_words_tell_declared_from_not_declared() -> None:
    """The words list the declared heads, or say that none were declared."""
    assert "heads declared: 0.1, 1.1" in head_map(two_by_two()).alternative
    assert "no circuit was declared" in head_map(two_by_two(declared=None)).alternative


def test_the_maps_words_say_when_nothing_was_found() -> None:
    """An empty circuit is said to be empty."""
    empty = HeadMap(((0, 2),), {"0.0": D("0.0100")}, frozenset(), None)
    assert "no head was found" in head_map(empty).alternative


def test_an_opposing_head_has_another_shade_than_a_supporting_one() -> None:
    """Sign and size of an effect are told apart without the number."""
    fills = [rect.get("fill") for rect in parsed(head_map(two_by_two())).findall(f"{SVG}rect")]
    assert len(set(fills)) == 3  # small negative, positive, large negative


def test_a_map_of_32_by_32_heads_fits_the_page_and_drops_its_numbers() -> None:
    """A large model's map stays inside the page."""
    layers = tuple((index, 32) for index in range(32))
    chart = head_map(HeadMap(layers, {"3.4": D("0.5")}, frozenset({"3.4"}), None))
    root = parsed(chart)
    assert float(root.get("width", "0")) <= 660
    assert float(root.get("height", "0")) <= 900
    assert "0.50" not in [text.text for text in root.findall(f"{SVG}text")]


def test_effects_beyond_the_usual_range_stay_inside_the_drawing() -> None:
    """No line is drawn outside of its chart."""
    wide = Interval(mean=D("25"), low=D("-30.5"), high=D("90"), level=D("0.95"), n=2)
    for chart in (
        effect_chart([EffectRow("0.0", wide)], D("0.05")),
        share_chart([ThresholdRow("Sufficiency", wide, D("0.8"), D("1.2"))]),
    ):
        root = parsed(chart)
        width = float(root.get("width", "0"))
        places = [float(line.get("x1", "0")) for line in root.findall(f"{SVG}line")]
        assert all(0 <= place <= width for place in places)


def test_the_words_of_the_shares_say_the_range_that_is_asked_for() -> None:
    """Each share is told with its interval and its threshold."""
    rows = [
        ThresholdRow("Sufficiency, mean", interval("0.9", "0.8", "1.0"), D("0.8"), D("1.2")),
        ThresholdRow("Necessity, mean", interval("0.4", "0.3", "0.5"), D("0.5"), None),
    ]
    words = share_chart(rows).alternative
    assert "at least 0.8 and at most 1.2" in words
    assert re.search(
        r"Necessity, mean: 0\.4, interval 0\.3 to 0\.5, observed when at least 0\.5", words
    )


def test_labels_cannot_break_out_of_the_markup() -> None:
    """A label with markup in it is text."""
    chart = effect_chart([EffectRow("</text><script>", interval("0.5", "0.4", "0.6"))], D("0.05"))
    assert parsed(chart).find(f"{SVG}script") is None
    assert "<script>" not in str(chart.svg)


def test_a_frequency_is_a_bar_and_a_number() -> None:
    """Bars are as long as their shares, and each number is drawn and spoken as recorded."""
    chart = frequency_chart([("0.1", D("1.0000")), ("1.0", D("0.2500"))])
    bars = [float(bar.get("width") or 0) for bar in parsed(chart).iter(f"{SVG}rect")]
    assert bars[0] / bars[1] == pytest.approx(4, rel=0.01)
    drawn = [text.text for text in parsed(chart).iter(f"{SVG}text")]
    assert "1.0000" in drawn
    assert "0.2500" in drawn
    assert "head 0.1: 1.0000; head 1.0: 0.2500" in chart.alternative
