"""A run made as ``auditkit run`` makes one, with a one-page PDF in place of the typeset report."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from functools import cache

import pikepdf
import pytest

from auditkit.bundle.evidence import evidence_bytes
from auditkit.bundle.run_files import assemble
from auditkit.digest import sha256_hex
from auditkit.law import load_law
from auditkit.records.audit import AuditRecord
from auditkit.report.html import render_html
from auditkit.report.view import document_title
from auditkit.resources import page_digest
from auditkit.signing.cades import check_detached, sign_detached
from auditkit.signing.commitment import read_commitment
from auditkit.signing.keys.signer import SigningKey
from auditkit.signing.pdf import sign_pdf
from auditkit.verifying import protocol, rendered, signatures
from tests.builders import audit_record

NOW = datetime(2026, 11, 20, 9, 31, 0, tzinfo=UTC)
POLICY = b"schema_version: '1'\n# as declared before the run\n"
RUN_ID = "01234567-89ab-7def-8123-456789abcdef"

TITLE = document_title(audit_record())

COMMITMENTS: dict[str, bytes] = {}
"""The signatures over the policy that records name, by their digests."""


def measured_record(run_id: str, key: SigningKey | None = None) -> AuditRecord:
    """A record that is not stored yet; with a key, its policy was committed to an hour before."""
    made = audit_record()
    changed: dict[str, object] = {"sha256": "sha256:" + sha256_hex(POLICY)}
    if key is not None:
        signature = sign_detached(POLICY, key, NOW - timedelta(hours=1))
        changed["commitment"] = read_commitment(POLICY, signature)
        COMMITMENTS["sha256:" + sha256_hex(signature)] = signature
    policy = made.policy.model_copy(update=changed)
    editions = made.editions.model_copy(update={"page": page_digest()})
    return made.model_copy(
        update={"run_id": run_id, "policy": policy, "editions": editions, "checkpoint": None}
    )


def one_page_pdf(attachments: dict[str, bytes], title: str = TITLE) -> bytes:
    """One page that stands for the typeset report, with files attached to it."""
    pdf = pikepdf.new()
    pdf.add_blank_page(page_size=(595, 842))
    pdf.pages[0].Contents = pdf.make_stream(b"BT ET % the page as signed")
    pdf.docinfo["/Title"] = title
    for name in sorted(attachments):
        pdf.attachments[name] = attachments[name]
    pdf.Root.AF = pdf.make_indirect(pikepdf.Array([e.obj for e in pdf.attachments.values()]))
    out = io.BytesIO()
    pdf.save(out, deterministic_id=True, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    return out.getvalue()


def bundle_of(record: AuditRecord, key: SigningKey, policy: bytes = POLICY) -> dict[str, bytes]:
    """The files of a record's run, signed with a key."""
    html = render_html(record, load_law())
    parts = {"evidence.json": evidence_bytes(record), "policy.yaml": policy, "report.html": html}
    signed = (html, sign_detached(html, key, NOW))
    made = record.policy.commitment
    commitment = None if made is None else COMMITMENTS[made.sha256]
    pdf = sign_pdf(one_page_pdf(parts, document_title(record)), key, NOW)
    return assemble(record, policy, signed, pdf, key, commitment)


def take_the_policy_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Until the test ends, ``POLICY`` and the one page that stands for the report are taken as they are.

    No policy of today could have made the hand-made record, and it is not on that page. Records and PDFs of
    real runs are in ``tests/tamper/test_record_against_policy.py`` and ``test_pdf_pages.py``.
    """
    monkeypatch.setattr(protocol, "made_under", lambda *_: "taken as it is")
    monkeypatch.setattr(rendered, "refuse_other_words", lambda *_: None)
    monkeypatch.setattr(rendered, "other_parts", lambda *_: ())
    monkeypatch.setattr(rendered, "render_pdf", lambda *_, **__: b"")


CHECKED = cache(check_detached), cache(read_commitment)
"""What verification asks of a detached signature; each answer is kept, and no refusal is."""


def read_each_signature_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Until the test ends, a signature that held over some bytes is not read again over the same bytes.

    Most of a verification is spent on it, and what is changed in a run is mostly another file.
    """
    check, read = CHECKED
    monkeypatch.setattr(signatures, "check_detached", check)
    monkeypatch.setattr(signatures, "read_commitment", read)
