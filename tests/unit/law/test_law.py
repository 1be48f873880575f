"""The law as data: quotes are the law's, items are complete, dates that are false do not appear."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from auditkit.law import (
    ARTICLE_13_ITEMS,
    EVIDENCE_HOOKS,
    in_other_words,
    languages,
    load_law,
    retention_end,
)
from auditkit.law.overclaims import OVERCLAIMS
from auditkit.records.base import Record
from tests.conftest import ROOT

REFERENCE = ROOT.parent / "shared" / "reference" / "LAW.md"

QUALIFIERS = {
    "13(3)(a)": "unconditional",
    "13(3)(b)(i)": "unconditional",
    "13(3)(b)(ii)": "unconditional",
    "13(3)(b)(iii)": "unconditional",
    "13(3)(b)(iv)": "where applicable",
    "13(3)(b)(v)": "when appropriate",
    "13(3)(b)(vi)": "when appropriate",
    "13(3)(b)(vii)": "where applicable",
    "13(3)(c)": "if any",
    "13(3)(d)": "unconditional",
    "13(3)(e)": "unconditional",
    "13(3)(f)": "where relevant",
}


@pytest.fixture(scope="module")
def reference() -> str:
    if not REFERENCE.is_file():
        pytest.skip("the law reference is not beside this checkout")
    lines = (line.lstrip("> ").strip() for line in REFERENCE.read_text("utf-8").splitlines())
    return " ".join(" ".join(lines).split())


def texts(value: object) -> Iterator[str]:
    """Every string inside a record, except the law's own words."""
    if isinstance(value, Record):
        for name in type(value).model_fields:
            if name not in {"quote", "paragraph_1", "paragraph_2"}:
                yield from texts(getattr(value, name))
    elif isinstance(value, dict):
        yield from texts(tuple(value.values()))
    elif isinstance(value, tuple):
        for part in value:
            yield from texts(part)
    elif isinstance(value, str):
        yield value


def test_article_13_3_has_its_twelve_items_with_their_qualifiers() -> None:
    """All twelve items of Article 13(3) are there in order, each under its own qualifier."""
    items = load_law().article_13.items
    assert tuple(item.id for item in items) == ARTICLE_13_ITEMS
    assert {item.id: item.qualifier for item in items} == QUALIFIERS


@pytest.mark.parametrize("language", languages())
def test_a_qualifier_is_in_the_words_of_its_item(language: str) -> None:
    """In every language, a qualified item says its qualifier in the law's own words."""
    law = load_law(language)
    for item in law.article_13.items:
        assert item.qualifier == "unconditional" or law.qualifiers[item.qualifier] in item.quote, (
            item.id
        )


@pytest.mark.parametrize("language", languages())
def test_what_is_quoted_of_the_opening_of_annex_iv_is_in_it(language: str) -> None:
    """In every language, the quoted words stand in the opening of Annex IV."""
    annex = load_law(language).annex_iv
    assert annex.as_applicable in annex.opening


def test_only_own_words_are_put_into_another_language() -> None:
    """Titles, notices and register are ours; the quotes, the qualifiers and where they were read are not."""
    law = load_law()
    said = in_other_words(law, lambda text: f"<{text}>")
    assert said.notices.persons == f"<{law.notices.persons}>"
    assert said.item("13(3)(a)").qualifier_note == f"<{law.item('13(3)(a)').qualifier_note}>"
    assert said.legal_register.rows[0].scope == f"<{law.legal_register.rows[0].scope}>"
    kept = {"quote", "paragraph_1", "paragraph_2", "lead_in", "point_b_lead_in", "opening"}
    kept |= {"as_applicable", "point_1_lead_in", "point_2_lead_in", "source_note"}
    for name in kept - {"quote", "source_note"}:
        part = "article_13" if name in type(law.article_13).model_fields else "annex_iv"
        assert getattr(getattr(said, part), name) == getattr(getattr(law, part), name)
    assert (said.source_note, said.qualifiers) == (law.source_note, law.qualifiers)
    for item in law.article_13.items:
        assert said.item(item.id).quote == item.quote
    for point in law.annex_iv.points:
        assert said.point(point.id).quote == point.quote


def test_annex_iv_has_every_point() -> None:
    """Points 1 and 2 have their letters, a to h, and 3 to 9 are one point each."""
    lettered = [f"IV.{point}({letter})" for point in (1, 2) for letter in "abcdefgh"]
    single = [f"IV.{point}" for point in range(3, 10)]
    assert [point.id for point in load_law().annex_iv.points] == lettered + single


def test_article_13_quotes_are_the_laws_words(reference: str) -> None:
    """Every quote of Article 13 stands in the reference word for word."""
    article = load_law().article_13
    quotes = [item.quote for item in article.items]
    lead = [article.paragraph_1, article.paragraph_2, article.lead_in, article.point_b_lead_in]
    for quote in (*quotes, *lead):
        assert quote in reference


def test_annex_iv_quotes_are_the_laws_words(reference: str) -> None:
    """Every quote of Annex IV stands in the reference word for word."""
    annex = load_law().annex_iv
    quotes = [point.quote for point in annex.points]
    for quote in (*quotes, annex.opening, annex.point_1_lead_in, annex.point_2_lead_in):
        assert quote in reference


def test_the_register_has_the_dates_of_the_reference_and_no_others(reference: str) -> None:
    """The register's dates are those of the reference, in its order."""
    start = reference.index("### 2.2 Date register")
    end = reference.index("AI literacy (Art. 4) as amended", start)
    dates = re.findall(r"\| \**(\d{4}-\d\d-\d\d)\** \|", reference[start:end])
    assert [row.date for row in load_law().legal_register.rows] == dates


def test_every_hook_says_what_it_does_not_support() -> None:
    """Every place that evidence may be cited for is the law's, and says what evidence may not do there."""
    law = load_law()
    assert tuple(hook.id for hook in law.hooks) == EVIDENCE_HOOKS
    known = {item.id for item in law.article_13.items} | {p.id for p in law.annex_iv.points}
    for hook_id in EVIDENCE_HOOKS:
        assert hook_id in known
        assert law.hook(hook_id).may_support
        assert law.hook(hook_id).not_supported


def test_nothing_may_be_cited_for_risk_groups_or_data() -> None:
    """No evidence may be cited for known risks, for groups of persons or for input data."""
    assert not {"13(3)(b)(iii)", "13(3)(b)(v)", "13(3)(b)(vi)"} & set(EVIDENCE_HOOKS)


def test_high_risk_rules_carry_only_their_two_dates() -> None:
    """Articles 6 to 27 apply from two dates, and no row gives them another."""
    rows = load_law().legal_register.rows
    assert [row.date for row in rows if "Articles 6 to 27" in row.scope] == [
        "2027-12-02",
        "2028-08-02",
    ]


@pytest.mark.parametrize(
    "false_statement",
    [
        r"high-risk (rules|obligations) apply (from|on)? ?2 August 2026",
        r"2 June 2026",
        r"29 June",
        r"backstop",
        r"if adopted",
        r"Annex I\.A",
        r"point 21",
        r"113\(3\)",
        r"10\(5\)",
        r"sufficient level of AI literacy",
        r"gives presumption",
    ],
)
def test_statements_that_are_false_today_do_not_appear(false_statement: str) -> None:
    """No text about the law makes a statement that is out of date or was never true."""
    everything = "\n".join(texts(load_law()))
    assert not re.search(false_statement, everything, re.IGNORECASE)


def test_no_sentence_of_ours_uses_a_forbidden_word() -> None:
    """What we write about the law uses no word that overclaims."""
    for text in texts(load_law()):
        assert not OVERCLAIMS.search(text), text


def test_the_register_says_its_quotes_were_not_read_in_the_official_journal() -> None:
    """The register has its edition, its dates and the consolidated text that was read instead."""
    register = load_law().legal_register
    assert (register.version, register.read_on) == ("2026-11-27", "2026-11-20")
    assert register.review_by == "2027-02-20"
    assert "02024R1689-20260727" in load_law().source_note
    assert "EUR-Lex" in load_law().source_note


@pytest.mark.parametrize(
    ("placed", "until"),
    [
        ("2027-12-02", "2037-12-02"),
        ("2028-02-29", "2038-02-28"),
        ("2026-12-31", "2036-12-31"),
    ],
)
def test_retention_runs_ten_years_from_placing_on_the_market(placed: str, until: str) -> None:
    """Retention ends on the same day ten years on, and on 28 February where there is no 29th."""
    assert retention_end(placed, load_law().legal_register.retention.years) == until


def test_lookups_know_their_ids_and_refuse_others() -> None:
    """Items, points and hooks are found by their ids, and an unknown id is a ``KeyError``."""
    law = load_law()
    assert law.item("13(3)(b)(iv)").qualifier == "where applicable"
    assert law.point("IV.2(g)").quote.startswith("the validation and testing procedures")
    for lookup in (law.item, law.point, law.hook):
        with pytest.raises(KeyError):
            lookup("IV.2(z)")
