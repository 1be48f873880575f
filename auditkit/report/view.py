"""The whole report as finished strings: what the templates print, and nothing they could change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NewType

from auditkit.law import Law, in_other_words
from auditkit.law.law import AnnexIV, Article13, Notices
from auditkit.messages import _, filled, speaking, translated
from auditkit.records.audit import AuditRecord
from auditkit.report.facts import Fact
from auditkit.report.sections.appendix import AppendixView, appendix_view
from auditkit.report.sections.articles import (
    ItemView,
    annex_points,
    article_items,
    unknown_statements,
)
from auditkit.report.sections.calibration import CalibrationView, calibration_views
from auditkit.report.sections.front import TITLE, FrontView, brief, front_view
from auditkit.report.sections.matrix import MatrixView, matrix_view
from auditkit.report.task.common_specification import CommonSettingView, common_settings
from auditkit.report.task.details import DetailsView, details_views
from auditkit.report.task.negatives import NegativesView, negatives_views
from auditkit.report.task.section import TaskView, task_view
from auditkit.report.wording import as_declared

Spoken = NewType("Spoken", str)
"""A language that a report can be in."""


@dataclass(frozen=True)
class DocumentView:
    """What the document says of itself. Its dates are those of the run, not of rendering."""

    language: Spoken
    title: str
    author: str
    description: str
    generator: str
    created: str


@dataclass(frozen=True)
class ReportView:
    """The report, section by section, in reading order."""

    document: DocumentView
    front: FrontView
    notices: Notices
    article_13: Article13
    languages: tuple[str, ...]
    items: tuple[ItemView, ...]
    unknown_statements: tuple[Fact, ...]
    specification: tuple[CommonSettingView, ...]
    tasks: tuple[TaskView, ...]
    calibration: tuple[CalibrationView, ...]
    annex_iv: AnnexIV
    annex_iv_intro: str
    points: tuple[ItemView, ...]
    appendix: AppendixView
    negatives: tuple[NegativesView, ...]
    details: tuple[DetailsView, ...]
    matrix: MatrixView


def document_title(record: AuditRecord) -> str:
    """The title of the report on a record, as the window of a reader's program shows it."""
    with speaking(record.report.language):
        return _titled(_(TITLE), record)


def _titled(title: str, record: AuditRecord) -> str:
    return _(
        "{title}: declared system {system}, run {run}",
        title=title,
        system=brief(record.system.name),
        run=record.run_id,
    )


def _document(record: AuditRecord, front: FrontView) -> DocumentView:
    return DocumentView(
        language=Spoken(record.report.language),
        title=_titled(front.title, record),
        author=_("declared provider {provider}", provider=as_declared(record.system.provider.name)),
        description=front.subtitle,
        generator=f"{record.tool.name} {record.tool.version}",
        created=record.times.finished,
    )


def _languages(law: Law) -> tuple[str, ...]:
    """Which language version of the law is quoted, and which text of this report prevails."""
    return (
        filled(law.notices.language_of_law, {"language_version": law.language_version}),
        law.notices.language_of_record,
        law.notices.language_of_report,
    )


def build_view(record: AuditRecord, law: Law) -> ReportView:
    """Everything the report on this record prints. A pure function of the record and the law.

    Raises:
        CatalogueError: there is no catalogue for the language the record asks for.
    """
    with speaking(record.report.language):
        return _view(record, in_other_words(law, translated), law.notices.not_this)


def _view(record: AuditRecord, law: Law, recorded_notice: str) -> ReportView:
    front = front_view(record, law, recorded_notice)
    return ReportView(
        document=_document(record, front),
        front=front,
        notices=law.notices,
        article_13=law.article_13,
        languages=_languages(law),
        items=article_items(record, law),
        unknown_statements=unknown_statements(record, law),
        specification=common_settings(record.tasks),
        tasks=tuple(task_view(record, law, index + 1) for index in range(len(record.tasks))),
        calibration=calibration_views(record),
        annex_iv=law.annex_iv,
        annex_iv_intro=filled(
            law.notices.annex_iv_intro, {"as_applicable": law.annex_iv.as_applicable}
        ),
        points=annex_points(record, law),
        appendix=appendix_view(record, law),
        negatives=negatives_views(record),
        details=details_views(record),
        matrix=matrix_view(record, law),
    )
