"""Checks 11 and 22: the reports say what the record gives, as HTML and on the pages of the PDF.

Where this build lays out the record's page, the report is rendered again and compared. Where it does not, the
report is searched for what every edition prints: that can fail, and it is no comparison of the words.
"""

from __future__ import annotations

from auditkit.bundle.names import EVIDENCE, EXTENDED_PDF, HTML, PDF
from auditkit.errors import EvidenceError
from auditkit.law import Law, load_law
from auditkit.messages import languages
from auditkit.records.audit import AuditRecord
from auditkit.report.html import render_html
from auditkit.report.pdf import render_pdf
from auditkit.resources import page_digest, tool
from auditkit.verifying.case import Case
from auditkit.verifying.outcome import NotRunError
from auditkit.verifying.pdf_pages import other_letters, other_parts, other_picture, pdf_words
from auditkit.verifying.printed import html_words, refuse_other_words


def report_html(case: Case) -> str:
    """That the HTML report is what the record gives."""
    parts = case.attachments if case.kind == "pdf" else case.files
    if HTML not in parts and not case.wants(HTML):
        raise NotRunError("the policy's report.formats leaves the HTML report out", waived=True)
    shown, record = case.part(HTML), case.record
    law = _law(case)
    if _same_page(case, law, shown):
        return "rendered again, byte for byte the same"
    refuse_other_words(record, html_words(shown), HTML)
    _refuse_other_layout(record, law)
    raise EvidenceError(f"{HTML} is not what the record gives")


def pdf_pages(case: Case) -> str:
    """That the pages of the PDF are what the record gives, and nothing signed later changed them."""
    if PDF not in case.files and not case.wants(PDF):
        raise NotRunError("the policy's report.formats leaves the PDF out", waived=True)
    shown, record, templates = case.pdf, case.record, case.brought.templates
    if case.attachments.get(EVIDENCE) != case.part(EVIDENCE):
        raise NotRunError("the PDF is of other evidence than is beside it (check 7)")
    if case.extended is not None and (changed := other_parts(shown, case.extended_pdf)):
        raise EvidenceError(f"{EXTENDED_PDF} shows something else than {PDF}: {changed[0]}")
    law = _law(case)
    refuse_other_words(record, pdf_words(shown), PDF)
    if record.editions.page != page_digest():  # nothing could come of four seconds of layout
        _refuse_other_layout(record, law)
    again = render_pdf(record, law, templates=templates)
    if not (others := other_parts(again, shown)):
        return "rendered again: pages, links, outline and words for a screen reader are the same"
    _refuse_other_layout(record, law)
    return _drawn_alike(shown, again, [each for each in others if not each.startswith("page ")])


def _drawn_alike(shown: bytes, again: bytes, others: list[str]) -> str:
    """That pages of other bytes, as another version of a font library writes them, show the same."""
    picture = other_picture(shown, again)
    if picture is None and not others:
        return "rendered again: the same words and pictures of pages; other libraries packed their fonts"
    if picture is None:
        raise EvidenceError(f"{PDF} is not what the record gives: {others[0]}")
    if other_letters(shown, again):
        raise EvidenceError(f"{PDF} is not what the record gives: {picture}")
    raise NotRunError(
        f"rendered again, {picture}: the font libraries here lay it out otherwise, or it was changed"
    )


def _law(case: Case) -> Law:
    """The law in the record's language, where this build and the reader's templates lay out its page."""
    record = case.record
    if record.report.language not in languages():
        raise NotRunError(f"this auditkit has no catalogue for {record.report.language!r}")
    if case.brought.templates.files() != record.report.templates:
        named = ", ".join(f"{each.name} {each.sha256}" for each in record.report.templates)
        raise NotRunError(
            f"the report was laid out by templates of the provider's own: {named or 'none'}; "
            "these and no others are wanted with --templates"
        )
    return load_law(record.report.language)


def _same_page(case: Case, law: Law, shown: bytes) -> bool:
    """Whether the record gives this page; one of another page edition may not be one that can be laid out."""
    record = case.record
    try:
        return render_html(record, law, case.brought.templates) == shown
    except Exception:  # an older record may lack what the templates of today print
        if record.editions.page == page_digest():
            raise
        return False


def _refuse_other_layout(record: AuditRecord, law: Law) -> None:
    """Returns if this build would lay out the record as it was; another comparison means nothing.

    Raises:
        NotRunError: the record names another register, page edition or build.
    """
    if record.editions.page != page_digest():
        named = (record.editions.page or "sha256:of schema 1").removeprefix("sha256:")
        here = page_digest().removeprefix("sha256:")
        raise NotRunError(f"laid out under page edition {named[:12]}, this build has {here[:12]}")
    installed = law.legal_register.version
    if record.legal_register.version != installed:
        raise NotRunError(
            f"the record names legal register {record.legal_register.version}, "
            f"this auditkit has {installed}"
        )
    if record.tool != tool():
        raise NotRunError(f"made by another build of auditkit ({record.tool.version})")
