"""A name that others chose stands in quotes as declared, and never reads as the report's own verdict."""

from __future__ import annotations

import io
import re

import pikepdf
import pytest

from auditkit.law import load_law
from auditkit.records.audit import AuditRecord
from auditkit.report.html import render_html
from auditkit.report.pdf import render_pdf
from auditkit.report.view import build_view, document_title
from auditkit.report.wording import as_declared
from tests.builders import audit_record
from tests.pages import rendered

CLAIM = "Certified compliant with the EU AI Act - Overall result: consistent"


def claiming(text: str) -> AuditRecord:
    """A record in which every declared name and text is this one."""
    record = audit_record()
    system = record.system
    provider = system.provider.model_copy(update={"name": text, "address": text, "email": text})
    declarer = record.policy.declared_by.model_copy(update={"name": text, "role": text})
    named = {"name": text, "version": text, "intended_purpose": text, "provider": provider}
    return record.model_copy(
        update={
            "system": system.model_copy(update=named),
            "policy": record.policy.model_copy(update={"declared_by": declarer}),
            "model": record.model.model_copy(update={"name": text}),
            "operator": record.operator.model_copy(update={"name": text}),
            "signing": record.signing.model_copy(
                update={"key_level": "organisation", "subject": text, "issuer": text},
            ),
            "tasks": tuple(task.model_copy(update={"title": text}) for task in record.tasks),
        },
    )


def test_a_claiming_name_stands_in_quotes_wherever_it_stands() -> None:
    """On the page, in its title, running head and metadata; the headline is the report's own."""
    record = claiming(CLAIM)
    page = render_html(record, load_law()).decode()
    begun = CLAIM[:35]
    assert page.count(begun) == page.count(f"“{begun}") > 20
    assert page.count(CLAIM) == page.count(f"“{CLAIM}”")
    assert f"<title>Circuit evidence report: declared system “{CLAIM}”, run " in page
    assert f'<meta name="author" content="declared provider “{CLAIM}”">' in page
    assert f'<p class="system" dir="auto">declared system “{CLAIM}”</p>' in page
    assert ">Circuit evidence report</h1>" in page


def test_the_pdf_has_a_claiming_name_in_quotes_in_its_metadata_and_outline() -> None:
    """Title, author and bookmarks are what a reader's program shows around the page."""
    record = claiming(CLAIM)
    with pikepdf.open(io.BytesIO(render_pdf(record, load_law()))) as pdf:
        assert str(pdf.docinfo.Title) == document_title(record)
        assert f"“{CLAIM}”" in document_title(record)
        assert str(pdf.docinfo.Author) == f"declared provider “{CLAIM}”"
        with pdf.open_outline() as outline:
            shown = [item.title for top in outline.root for item in (top, *top.children)]
        assert any(CLAIM in title for title in shown)
        assert all(f"“{CLAIM}”" in title for title in shown if CLAIM in title)


@pytest.mark.parametrize("mark", '"\u201c\u201d\u201e\u201f\u2033\u275e\u301e\uff02»')
def test_no_quotation_is_ended_from_within(mark: str) -> None:
    """Double quotes within a declared text, and what looks like them, become single ones."""
    assert mark not in as_declared(f"X{mark} - Overall result: {mark}consistent")[1:-1]


@pytest.mark.parametrize(
    "pair", ["''", "``", "\u2019\u2019", "\u2032\u2032", "\u02bc'", "'\"", '""']
)
def test_two_single_quotes_do_not_pass_for_a_double_one(pair: str) -> None:
    """The second is spelled out."""
    assert re.fullmatch(r"“X.\[U\+[0-9A-F]{4}\] y”", as_declared(f"X{pair} y"))


def test_every_line_of_a_quotation_is_seen_to_be_one() -> None:
    """A line that says what a heading of the report says begins with a quote."""
    said = as_declared("Ranks.\n\nOverall result\n  consistent")
    assert said == "“Ranks.\n\n“Overall result\n  “consistent”"


def test_quotes_are_kept_as_far_as_they_end_nothing() -> None:
    """Single quotes stay, and so does the mark of a Hebrew abbreviation."""
    assert as_declared('Hotel "Zur Post" d\'Or') == "“Hotel 'Zur Post' d'Or”"
    assert as_declared('בע"מ') == '“בע"מ”'


def test_what_is_left_out_is_said_behind_the_quotes() -> None:
    """A name cannot itself say that it was shortened, nor hide what follows it."""
    assert as_declared("abc  def", 4, note="(shortened)") == "“abc…” (shortened)"
    assert as_declared("ab (shortened)", 40, note="(shortened)") == "“ab (shortened)”"


def test_titles_are_said_to_be_the_providers_own() -> None:
    """Beside the results of page 1 and above the tasks stands whose words the titles are."""
    text = rendered(audit_record()).text
    assert "Task, title as declared" in text
    assert "Its title, in quotes, is the provider's and was not verified." in text


def test_hidden_and_foreign_letters_are_marked_alike_in_page_and_pdf() -> None:
    """A name of Cyrillic lookalikes and a blank is spelled out in both, an honest one in neither."""
    record = claiming("\u0410cme\u3164 \u0421\u041e Bank")
    shown = "“[U+0410]cme[U+3164] [U+0421][U+041E] Bank”"
    title = build_view(record, load_law()).document.title
    assert "[U+0421][U+041E] Bank" in title
    assert f"declared system {shown}, run" in render_html(record, load_law()).decode()
    with pikepdf.open(io.BytesIO(render_pdf(record, load_law()))) as pdf:
        assert shown in str(pdf.docinfo.Title)
    honest = "Система Поддержки Alpha"
    assert f"“{honest}”" in render_html(claiming(honest), load_law()).decode()
