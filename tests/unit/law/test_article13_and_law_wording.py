"""What is wrong in circulation about the AI Act is nowhere in our sources, and no word overclaims.

Templates, law data, every Python string, README, documents and policies are read as text. Each pattern
is first shown a sentence it has to catch, so that none passes by never matching.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from auditkit.cli.commands import cli
from auditkit.law import ARTICLE_13_ITEMS, load_law, overclaims
from auditkit.records.audit import AuditRecord, Tool
from auditkit.report.view import build_view
from tests.builders import audit_record
from tests.conftest import ROOT
from tests.pages import rendered

HIGH_RISK_DATES = ("2027-12-02", "2028-08-02")
WRITTEN = ("*.md", "*.yaml", "*.json", "*.j2", "*.css")
GENERATED = {"tokenizer.json", "config.json", "generation_config.json", "tokenizer_config.json"}
"""Files of a model: its vocabulary is not a statement of ours."""


@dataclass(frozen=True)
class Forbidden:
    """Something no source may say: a pattern, and a sentence in circulation that it catches."""

    what: str
    pattern: str
    example: str

    def found(self, text: str) -> list[str]:
        """Each place where the text says it."""
        return [match.group() for match in re.finditer(self.pattern, text, re.IGNORECASE)]


FALSE_TODAY = (
    Forbidden(
        "high-risk rules from August 2026",
        r"\b(high-risk|annex iii|enforcement|deadline)\b[^.]{0,80}\b(august 2026|2026-08-02)"
        r"|\b(august 2026|2026-08-02)\b[^.]{0,80}\b(high-risk|annex iii|enforcement|deadline)\b",
        "High-risk rules apply 2 August 2026",
    ),
    Forbidden("adoption on 2 June 2026", r"2 june 2026", "The Omnibus was adopted 2 June 2026"),
    Forbidden("in force since 29 June", r"29 june", "It is law since 29 June"),
    Forbidden(
        "dates the Commission may bring forward", r"backstop|bring forward", "backstop dates apply"
    ),
    Forbidden("the amending act as a proposal", r"\bif adopted\b", "if adopted, dates will move"),
    Forbidden(
        "machinery in Annex I.A", r"annex i\.a\b|\bpoint 21\b", "Machinery is in Annex I.A point 21"
    ),
    Forbidden(
        "nine points in Annex VIII.B",
        r"annex viii\.?b[^.]{0,20}\b(9|nine) points",
        "Annex VIII.B has 9 points",
    ),
    Forbidden(
        "a presumption from EN 18286",
        r"18286[^.;]{0,80}presumption|gives presumption",
        "EN 18286 gives presumption of conformity",
    ),
    Forbidden(
        "the consultation's end in June", r"\b23 june\b", "The consultation closed 23 June 2026"
    ),
    Forbidden(
        "paragraph numbers Article 113 has not", r"\b113\(\d\)", "applies under Article 113(3)(c)"
    ),
    Forbidden(
        "AI literacy as it was first written",
        r"sufficient level of ai literacy",
        "ensure a sufficient level of AI literacy",
    ),
)
"""Statements in circulation that are false since the amending act."""

ERRORS_OF_PEERS = (
    Forbidden(
        "the words of the 2021 proposal",
        r"person\(s\) who develop|chapter 2 of this title|\btitle iii\b|com\(2021\)",
        "the person(s) who develop the system",
    ),
    Forbidden(
        "a section on serious incidents in Annex IV",
        r"(annex iv|section 9|point 9)[^.]{0,60}serious incident",
        "Annex IV, Section 9: serious incidents",
    ),
    Forbidden(
        "an enforcement date",
        r"\benforcement (begins|starts|deadline|date)",
        "Enforcement begins August 2026",
    ),
    Forbidden(
        "another subject for point 4 of Annex IV",
        r"explainability assessment|\b(section|point) 4\b[^.]{0,40}data governance",
        "Section 4: Data governance",
    ),
    Forbidden("the deleted Article 10(5)", r"\b10\(5\)", "processed under Article 10(5)"),
    Forbidden(
        "that something meets the law",
        r"\b(meets?|satisf(?:y|ies)|fulfils?|complies with)\b[^.]{0,60}"
        r"\b(law|regulation|ai act|article \d+|transparency standard)\b",
        "Grade A: meets the Article 13 transparency standard",
    ),
    Forbidden(
        "a grade", r"\bgrade:? (?-i:[A-F])\b|\bcompliance (grade|score|rating|level)", "Grade A"
    ),
    Forbidden(
        "a percentage of the law", r"\d+ ?% (compliant|compliance|conform)", "87 % compliance"
    ),
    Forbidden(
        "work as done that nobody declared",
        r"\b(risk assessment|monitoring plan|conformity assessment):? ?(completed|documented|done|passed)",
        "Risk assessment: Completed",
    ),
    Forbidden("a drawn line as a signature", r"_{3,}|\.{6,}", "Signature: ____________"),
)
"""What other tools print (read in them, or in their documents)."""

OVERCLAIMS = Forbidden(
    "a word that says more than a measurement can",
    overclaims.OVERCLAIMS.pattern,
    "This certified system is safe and compliant",
)

NOT_SUPPORTED = (
    "That a result consistent with the expectation meets any requirement of the Regulation"
)

ALLOWED = {
    ("README.md", "it never says that a system meets the law"): "says that it is never said",
    ("CONTRIBUTING.md", "no claim that a system meets the law"): "forbids it",
    ("auditkit/law/hooks.yaml", NOT_SUPPORTED): "stands under not_supported: it is not claimed",
    ("templates/locale/en/LC_MESSAGES/auditkit.po", NOT_SUPPORTED): "the same sentence",
}
"""Places that quote what is forbidden, each with its reason."""


def _strings(source: str) -> str:
    """Every string of a Python file: messages, help texts, docstrings."""
    return "\n".join(
        node.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def _translations(catalogue: Path) -> str:
    """What a catalogue has said in a report: every form of every message."""
    with catalogue.open("rb") as file:
        messages = [message for message in read_po(file) if message.id]
    forms = [m.string if isinstance(m.string, str) else "\n".join(m.string or ()) for m in messages]
    return "\n".join(forms)


def _law_quotes() -> list[str]:
    law = load_law()
    article = law.article_13
    return [
        *(item.quote for item in article.items),
        *(point.quote for point in law.annex_iv.points),
        *(article.paragraph_1, article.paragraph_2, article.lead_in, article.point_b_lead_in),
    ]


@cache
def written() -> dict[str, str]:
    """Everything we wrote that a reader may see, on one line each: no line break hides a phrase."""
    folders = ("templates", "policies", "docs", "auditkit")
    paths = [p for folder in folders for kind in WRITTEN for p in (ROOT / folder).rglob(kind)]
    paths += [p for p in ROOT.glob("*.md") if p.name != "CHANGELOG.md"]
    texts = {path: path.read_text("utf-8") for path in paths if path.name not in GENERATED}
    sources = set((ROOT / "auditkit").rglob("*.py")) - {
        Path(overclaims.__file__)
    }  # the words themselves
    texts |= {p: _strings(p.read_text("utf-8")) for p in sources}
    texts |= {p: _translations(p) for p in (ROOT / "templates").rglob("*.po")}
    return {
        path.relative_to(ROOT).as_posix(): " ".join(text.split()) for path, text in texts.items()
    }


def ours(name: str) -> str:
    """A file's text without the law's own words and without the allowed places."""
    text = written()[name]
    if name.startswith("auditkit/law/"):
        for quote in _law_quotes():
            text = text.replace(quote, "")
    for where, phrase in ALLOWED:
        text = text.replace(phrase, "") if where == name else text
    return text


def said_anywhere(forbidden: Forbidden) -> list[tuple[str, str]]:
    """Each place in our sources that says what is forbidden."""
    return [(name, place) for name in sorted(written()) for place in forbidden.found(ours(name))]


def test_the_scan_reads_templates_law_code_and_documents() -> None:
    """The scan has each kind of source, and commands' help among the strings of the code."""
    names = set(written())
    assert {
        "README.md",
        "CONTRIBUTING.md",
        "docs/architecture.md",
        "docs/verification.md",
        "templates/law.html.j2",
        "templates/locale/en/LC_MESSAGES/auditkit.po",
        "auditkit/law/register.yaml",
        "policies/quickstart.yaml",
        "policies/auditkit-policy.schema.json",
    } <= names
    commands = "".join(text for name, text in written().items() if name.endswith("commands.py"))
    for command in cli.commands.values():
        assert " ".join((command.help or "").split())[:40] in commands
    assert not any("tokenizer" in name for name in names if name.endswith(".json"))


@pytest.mark.parametrize("forbidden", FALSE_TODAY, ids=lambda one: one.what.replace(" ", "_"))
def test_law_statements_that_are_false_today_are_nowhere(forbidden: Forbidden) -> None:
    """No source says it, and the scan knows it when it sees it."""
    assert forbidden.found(forbidden.example)
    assert said_anywhere(forbidden) == []


@pytest.mark.parametrize("forbidden", ERRORS_OF_PEERS, ids=lambda one: one.what.replace(" ", "_"))
def test_errors_of_other_tools_about_the_law_are_not_ours(forbidden: Forbidden) -> None:
    """No source says it, and the scan knows it when it sees it."""
    assert forbidden.found(forbidden.example)
    assert said_anywhere(forbidden) == []


def test_no_law_text_or_string_or_document_overclaims() -> None:
    """No forbidden word in any template, law data, Python string, document or policy."""
    assert len(OVERCLAIMS.found(OVERCLAIMS.example)) == 3
    assert said_anywhere(OVERCLAIMS) == []


@pytest.mark.parametrize(("name", "phrase"), ALLOWED, ids=lambda text: text[:40])
def test_every_allowed_place_still_exists_and_needs_its_exception(name: str, phrase: str) -> None:
    """An exception that no longer matches anything is removed, not kept for the next offender."""
    assert phrase in written()[name]
    assert any(each.found(phrase) for each in (*FALSE_TODAY, *ERRORS_OF_PEERS, OVERCLAIMS))


def test_no_template_states_a_date_of_law() -> None:
    """Law is data with a version: no template carries a year."""
    for name, text in written().items():
        if name.endswith(".j2"):
            assert re.findall(r"\b(19|20)\d\d\b", text) == [], name


def test_law_comes_with_the_package_and_from_nowhere_else() -> None:
    """The law is read from installed files: no address to fetch, and no network code beside the hub's."""
    for name, text in written().items():
        if name.startswith(("auditkit/law/", "templates/")):
            assert "://" not in text, name
    network = {"urllib", "http", "requests", "httpx", "aiohttp", "socket", "ftplib", "smtplib"}
    # A remote key and a timestamp service are asked when a policy names them; neither knows any law.
    assert set(imported(*network)) == {
        "auditkit/signing/keys/csc.py",
        "auditkit/signing/outward.py",
        "auditkit/signing/timestamps.py",
    }


def test_whoever_checks_a_signature_under_the_law_needs_no_secret() -> None:
    """Signatures are public-key ones: a keyed hash would need the signer's secret to check."""
    assert imported("hmac") == []


def imported(*modules: str) -> list[str]:
    """Each file of the package that imports one of these modules."""
    found = []
    for path in sorted((ROOT / "auditkit").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if {name.partition(".")[0] for name in names} & set(modules):
                found.append(path.relative_to(ROOT).as_posix())
    return found


def test_annex_iv_of_the_law_has_nine_points_each_on_its_own_subject() -> None:
    """Nine points, none dropped or added: 4 is on metrics, 9 on the post-market phase."""
    law = load_law()
    assert sorted({point.id[3] for point in law.annex_iv.points}) == list("123456789")
    assert "performance metrics" in law.point("IV.4").quote
    assert "post-market phase" in law.point("IV.9").quote
    text = rendered(audit_record()).text
    for point in law.annex_iv.points:
        assert point.quote in text, point.id


def test_the_two_dates_of_the_law_on_high_risk_systems_are_not_mixed() -> None:
    """Annex III and Annex I have a date each, the same in the register's rows and in its status."""
    register = load_law().legal_register
    rows = {row.date: row.scope for row in register.rows if "Articles 6 to 27" in row.scope}
    assert tuple(rows) == HIGH_RISK_DATES
    assert "Annex III" in rows[HIGH_RISK_DATES[0]]
    assert "Annex I, Section A systems" in rows[HIGH_RISK_DATES[1]]
    assert "to Annex III systems from 2 December 2027" in register.status
    assert "to Annex I, Section A systems from 2 August 2028" in register.status


def test_article13_items_nobody_declared_are_not_said_to_be_provided() -> None:
    """Where the provider states nothing, nothing is filled in: two items rest on required fields."""
    silent = audit_record().model_copy(update={"instructions_for_use": {}})
    view = build_view(silent, load_law())
    states = {item.id: (item.state, item.owner) for item in view.items}
    provided = {"13(3)(a)", "13(3)(b)(i)"}
    assert {
        item for item, (state, _) in states.items() if state == "text given, not judged"
    } == provided
    for item in set(ARTICLE_13_ITEMS) - provided:
        assert states[item] == ("not given", "owner not named")
    assert {point.evidence_state for point in view.points if not point.evidence} == {
        "not assessed by this tool"
    }


def test_the_responsible_persons_of_the_law_are_not_said_to_have_signed() -> None:
    """The lines for persons say that they are unsigned, in words, whatever key signed the file."""
    persons = build_view(audit_record(), load_law()).appendix.persons
    assert {(one.name, one.date, one.signature) for one in persons} == {
        ("not named", "not dated", "not signed")
    }


def test_law_evidence_names_the_tool_version_and_what_it_replaces() -> None:
    """A record cannot lack the version of the tool, and page 1 says which record it replaces."""
    assert Tool.model_fields["version"].is_required()
    assert AuditRecord.model_fields["tool"].is_required()
    earlier = "01234567-89ab-7def-8123-000000000000"
    text = rendered(audit_record().model_copy(update={"supersedes": earlier})).text
    front = text[: text.index("1 System and provider")]
    assert f"This record replaces the record of run {earlier}." in front
