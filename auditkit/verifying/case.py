"""What is verified: a run's directory, a pack or a lone PDF, read once, and what its parts say."""

from __future__ import annotations

import io
import logging
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pikepdf

from auditkit.bundle.evidence import NewerEvidenceError, parse_evidence
from auditkit.bundle.names import ALL_NAMES, EVIDENCE, EXTENDED_PDF, HTML, PDF
from auditkit.bundle.packing import RUN
from auditkit.errors import EvidenceError, InputError, Problem
from auditkit.records.audit import AuditRecord
from auditkit.signing.keys.signer import load_certificate
from auditkit.signing.seal import PdfSignatureStatus, check_pdf_signature
from auditkit.verifying.brought import NOTHING, Brought
from auditkit.verifying.limits import read_bounded, unbounded
from auditkit.verifying.outcome import Kind, NotRunError
from auditkit.verifying.packed import read_zip

# pikepdf logs what it repairs in a damaged file; the checks say what is wrong with it.
logging.getLogger("pikepdf").addHandler(logging.NullHandler())


@dataclass(frozen=True)
class Case:
    """The bytes under verification, and what the reader brings.

    ``files`` are a run directory's files by name, or a lone PDF under its usual name. ``strangers``
    are names in the directory that no run writes, and anything that is not a regular file. ``packed``
    is everything in a pack, by the name it has there, and empty for anything else. ``extended`` is the
    PDF with what was signed after the run.
    """

    kind: Kind
    files: Mapping[str, bytes]
    strangers: tuple[str, ...]
    brought: Brought
    packed: Mapping[str, bytes] = field(default_factory=dict)
    extended: bytes | None = None

    def file(self, name: str) -> bytes:
        """A file of the run directory.

        Raises:
            NotRunError: a lone PDF is verified.
            EvidenceError: the file is missing.
        """
        if self.kind == "pdf" and name != PDF:
            raise NotRunError(f"a lone PDF comes without {name}")
        if name not in self.files:
            raise EvidenceError(f"{name} is missing")
        return self.files[name]

    def part(self, name: str) -> bytes:
        """Evidence, policy or HTML report: the directory's file, or what the lone PDF carries.

        Raises:
            EvidenceError: it is missing.
        """
        parts = self.attachments if self.kind == "pdf" else self.files
        if name not in parts:
            raise EvidenceError(f"{name} is missing")
        return parts[name]

    @cached_property
    def pdf(self) -> bytes:
        """The PDF, once it is known to be of bounded size when unpacked.

        Raises:
            NotRunError, EvidenceError: as ``file``; or its streams unpack to too much.
        """
        content = self.file(PDF)
        if self._unbounded:
            raise EvidenceError(self._unbounded)
        return content

    @cached_property
    def _unbounded(self) -> str:
        return unbounded(self.files[PDF])

    @cached_property
    def attachments(self) -> dict[str, bytes]:
        """The files attached to the PDF, by name."""
        content = self.pdf
        try:
            with pikepdf.open(io.BytesIO(content)) as pdf:
                return {n: pdf.attachments[n].get_file().read_bytes() for n in pdf.attachments}
        except Exception as error:  # hostile bytes: every way to break the reader is a failure
            raise EvidenceError("the files attached to the PDF cannot be read") from error

    @cached_property
    def seal(self) -> PdfSignatureStatus:
        """What can be said about the seal on the PDF."""
        return check_pdf_signature(self.pdf, self.brought.trusted)

    @cached_property
    def extended_pdf(self) -> bytes:
        """The PDF with what was signed after the run, once it is known to be of bounded size when unpacked.

        Raises:
            NotRunError: nothing was signed after the run.
            EvidenceError: its streams unpack to too much.
        """
        if self.extended is None:
            raise NotRunError(f"there is no {EXTENDED_PDF}: nothing was signed after the run")
        if too_much := unbounded(self.extended):
            raise EvidenceError(f"{EXTENDED_PDF}: {too_much}")
        return self.extended

    @cached_property
    def extended_seal(self) -> PdfSignatureStatus:
        """What can be said about the PDF with what was signed after the run. Raises as ``extended_pdf``."""
        return check_pdf_signature(self.extended_pdf, self.brought.trusted)

    @cached_property
    def record(self) -> AuditRecord:
        """The record in the evidence.

        Raises:
            NotRunError: the evidence cannot be read, which is another check's failure.
        """
        try:
            return parse_evidence(self.part(EVIDENCE))
        except NewerEvidenceError as error:
            raise NotRunError(str(error)) from error
        except Exception as error:  # hostile bytes: whatever breaks the reader is check 8's failure
            raise NotRunError(f"{EVIDENCE} cannot be read") from error

    def wants(self, report: str) -> bool:
        """Whether the record says that this report was made; true when nothing says otherwise."""
        try:
            return {HTML: "html", PDF: "pdf"}[report] in self.record.report.formats
        except NotRunError:
            return True


def read_case(path: Path, brought: Brought = NOTHING) -> Case:
    """The case at a path: a run's directory, or a pack or PDF by its name or its first bytes.

    Raises:
        InputError: there is none at the path, or a trusted certificate is not one.
        EvidenceError: a pack cannot be opened without danger, or is damaged.
    """
    for pem in brought.trusted:
        try:
            load_certificate(pem)
        except ValueError as error:
            raise _invalid(path, f"a trusted certificate cannot be read: {error}") from error
    try:
        if path.is_dir():
            files, strangers = _read_directory(path)
            extended = files.pop(EXTENDED_PDF, None)
            if not files:
                raise _invalid(path, "not a run's directory: it holds no file of a run")
            return Case("run_directory", files, strangers, brought, extended=extended)
        if path.exists() and not path.is_file():  # reading a pipe would wait for ever
            raise _invalid(path, "not a regular file")
        content = read_bounded(path)
    except OSError as error:
        raise _invalid(path, f"cannot be read ({error.strerror or error})") from error
    if path.suffix.lower() == ".zip" or content.startswith(b"PK\x03\x04"):
        return packed_case(content, brought)
    if path.suffix.lower() != ".pdf" and not content.startswith(b"%PDF-"):
        raise _invalid(path, "neither a run's directory, nor a pack, nor a PDF")
    return Case("pdf", {PDF: content}, (), brought)


def packed_case(content: bytes, brought: Brought = NOTHING) -> Case:
    """The case of a pack's bytes.

    Raises:
        EvidenceError: they are no zip that can be opened without danger.
    """
    packed = read_zip(content)
    of_run = {n.removeprefix(RUN): c for n, c in packed.items() if n.startswith(RUN)}
    files = {name: content for name, content in of_run.items() if name in ALL_NAMES}
    strangers = tuple(sorted(of_run.keys() - files.keys()))
    return Case("pack", files, strangers, brought, packed, packed.get(EXTENDED_PDF))


def _read_directory(directory: Path) -> tuple[dict[str, bytes], tuple[str, ...]]:
    files: dict[str, bytes] = {}
    strangers: list[str] = []
    for entry in sorted(directory.iterdir()):
        # A link may lead anywhere, and reading a pipe would wait for ever.
        if entry.name in {*ALL_NAMES, EXTENDED_PDF} and stat.S_ISREG(entry.lstat().st_mode):
            files[entry.name] = read_bounded(entry)
        else:
            strangers.append(entry.name)
    return files, tuple(strangers)


def _invalid(path: Path, message: str) -> InputError:
    advice = "give the folder that auditkit run wrote, a pack of auditkit export, or a report.pdf"
    return InputError([Problem(file=str(path), line=None, key="", message=message, advice=advice)])
