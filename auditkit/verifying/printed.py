"""Search a report for what every edition of it prints of its record.

It is no comparison: a report that holds all of this may say more. But one that does not is of another record.
"""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser

from auditkit.errors import EvidenceError
from auditkit.records.audit import AuditRecord

_HEADING = "Overall result"


def refuse_other_words(record: AuditRecord, words: str, file: str) -> None:
    """Returns if a report in English names run, weights, tasks and limits, and the verdict as the result.

    Letters and digits count; spaces, quotes and breaks between lines do not. A report in another language is
    searched for run and weights alone.

    Raises:
        EvidenceError: it lacks one of them, or states another result.
    """
    there = _bare(words)
    for what, text in _printed(record):
        if _bare(text) not in there:
            raise EvidenceError(f"{file} does not say what the record does: {what} {text!r}")
    if record.report.language != "en":
        return
    _, *results = there.split(_bare(_HEADING))
    if not results or not all(each.startswith(_bare(record.verdict)) for each in results):
        raise EvidenceError(f"{file} states another result than the record's: {record.verdict}")


def _printed(record: AuditRecord) -> Iterator[tuple[str, str]]:
    yield "the run", record.run_id
    yield "the weights", record.model.weights_digest
    if record.report.language != "en":
        return
    for task in record.tasks:
        if task.title.isascii():  # others may be printed with their hidden characters spelled out
            yield "the task", task.title
    for each in record.limitations:
        yield "the limitation", each.text


def _bare(text: str) -> str:
    return "".join(each for each in text if each.isalnum()).casefold()


def html_words(content: bytes) -> str:
    """The words of a page as its text stands, without style sheet and comments.

    Raises:
        EvidenceError: it is not UTF-8.
    """
    reader = _Words()
    try:
        reader.feed(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise EvidenceError("the page is not in UTF-8") from error
    reader.close()
    return "".join(reader.found)


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._in_style = False

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002 - the name is the base's
        self._in_style = tag == "style"

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002 - the name is the base's
        self._in_style = False

    def handle_data(self, data: str) -> None:
        if not self._in_style:
            self.found.append(data)
