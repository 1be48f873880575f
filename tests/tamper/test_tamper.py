"""Every way to change a run after it was signed, and the check that must catch it.

Each mutation is made three times over where that makes sense: plainly; by somebody who also lists
the files anew; and by somebody who signs everything anew, with a key of their own or with the
signer's. What only a trusted certificate or the store can show is marked so.
"""

from __future__ import annotations

import base64
import io
import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pikepdf
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

import auditkit.verifying.protocol as protocol
import auditkit.verifying.rendered as rendered
from auditkit.bundle.evidence import evidence_bytes
from auditkit.bundle.names import ALL_NAMES
from auditkit.bundle.run_files import assemble, manifest, publish
from auditkit.digest import canonical_json
from auditkit.errors import EvidenceError, InputError
from auditkit.judging.editions import CURRENT
from auditkit.law import Law, load_law
from auditkit.records.audit import AuditRecord
from auditkit.report.html import render_html
from auditkit.report.own_templates.overriding import Templates
from auditkit.signing.cades import sign_detached
from auditkit.signing.dsse import sign_statement, statement_about
from auditkit.signing.keys.signer import DEVELOPMENT_ORGANISATION, SigningKey, development_key
from auditkit.signing.pdf import sign_pdf
from auditkit.store.evidence_store import EvidenceStore
from auditkit.verifying import Brought, Verification, verify
from auditkit.verifying.recompute import mismatches
from tests.builders import audit_record, note_signer
from tests.signed_runs import (
    NOW,
    POLICY,
    RUN_ID,
    bundle_of,
    measured_record,
    one_page_pdf,
    read_each_signature_once,
    take_the_policy_as_it_is,
)
from tests.signers import self_signed
from tests.stores import Place

OTHER_RUN_ID = "01234567-89ab-7def-8123-00000000000b"


# A run, made as `auditkit run` makes one, with a one-page PDF in place of the typeset report.


@dataclass(frozen=True)
class Run:
    """A run's directory, a second run of the same signer, the keys, and the store they are in."""

    directory: Path
    other: Path
    record: AuditRecord
    key: SigningKey
    stranger: SigningKey
    store_path: Path

    def read(self, name: str) -> bytes:
        return (self.directory / name).read_bytes()

    def write(self, name: str, content: bytes) -> None:
        (self.directory / name).write_bytes(content)

    def files(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.directory.iterdir()}

    def replace_all(self, files: dict[str, bytes]) -> None:
        for name, content in files.items():
            self.write(name, content)

    def list_anew(self) -> None:
        """Writes a manifest that fits the files as they are now."""
        files = self.files()
        files.pop("MANIFEST.json", None)
        self.write("MANIFEST.json", manifest(files))

    def sign_anew(self, key: SigningKey, record: AuditRecord | None = None) -> None:
        """Writes attestation, certificate and manifest that fit the files as they are now."""
        self.write("certificate.pem", key.certificate)
        covered = self.files()
        for name in ("MANIFEST.json", "attestation.dsse.json"):
            covered.pop(name, None)
        statement = statement_about(record or self.record, covered)
        self.write("attestation.dsse.json", sign_statement(statement, key))
        self.list_anew()

    def verify(
        self, *, trust: bool = False, store: bool = False, witness: bool = False
    ) -> Verification:
        return verify(
            self.directory,
            Brought(
                trusted=[self.key.certificate] if trust else [],
                store=EvidenceStore.open(f"sqlite:///{self.store_path}", create=False)
                if store
                else None,
                witnesses=[self.other] if witness else [],
            ),
        )


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Run:
    base = tmp_path_factory.mktemp("run")
    key, stranger = (development_key(base / name, NOW) for name in ("keys", "stranger"))
    store = EvidenceStore.open(f"sqlite:///{base / 'evidence.db'}", signer=note_signer())
    directories = []
    for run_id in (RUN_ID, OTHER_RUN_ID):
        record = measured_record(run_id, key)
        record = record.model_copy(update={"checkpoint": store.append(record)})
        directories.append(publish(bundle_of(record, key), base / "out", run_id))
        if run_id == RUN_ID:
            first = record
    assert mismatches(first, CURRENT) == ()
    return Run(directories[0], directories[1], first, key, stranger, base / "evidence.db")


@pytest.fixture(autouse=True)
def same_build(monkeypatch: pytest.MonkeyPatch) -> None:
    """The installed auditkit is the one that made the records."""
    monkeypatch.setattr(protocol, "tool", lambda: audit_record().tool)
    monkeypatch.setattr(rendered, "tool", lambda: audit_record().tool)


LAID_OUT: dict[tuple[bytes, str], bytes] = {}


@pytest.fixture(autouse=True)
def made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is the same in a run that is verified again is not laid out or read again."""

    def render_once(record: AuditRecord, law: Law, templates: Templates) -> bytes:
        asked = (evidence_bytes(record), repr(templates))
        if asked not in LAID_OUT:
            LAID_OUT[asked] = render_html(record, law, templates)
        return LAID_OUT[asked]

    monkeypatch.setattr(rendered, "render_html", render_once)
    read_each_signature_once(monkeypatch)
    take_the_policy_as_it_is(monkeypatch)


@pytest.fixture
def run(original: Run, tmp_path: Path) -> Run:
    directory, store_path = tmp_path / RUN_ID, tmp_path / "evidence.db"
    shutil.copytree(original.directory, directory)
    shutil.copy(original.store_path, store_path)
    return Run(
        directory, original.other, original.record, original.key, original.stranger, store_path
    )


def outcomes(verification: Verification) -> dict[str, str]:
    return {check.id: check.outcome for check in verification.checks}


def assert_explained(verification: Verification) -> None:
    """The run does not verify, and each check says why in one line that somebody wrote."""
    assert not verification.ok
    for check in verification.checks:
        assert "\n" not in check.detail
        assert 0 < len(check.detail) <= 300
        assert "broke off" not in check.detail, check


# The clean control


def test_untouched_run_verifies_in_every_check(run: Run) -> None:
    """With a trusted certificate, the store and a witness, all that can be asked of it is made and passes."""
    verification = run.verify(trust=True, store=True, witness=True)
    found = outcomes(verification)
    # Nothing was signed after the run, and the commitment is dated by the signer's own clock only.
    left_open = {found.pop(name) for name in ("extension", "commitment", "asked")}
    assert left_open == {"not_run"}
    assert set(found.values()) == {"passed"}, verification.checks
    assert verification.ok


def test_without_trust_store_and_witness_what_they_are_for_is_not_run(run: Run) -> None:
    """What was not asked is not claimed, and is no failure."""
    verification = run.verify()
    assert verification.ok
    not_run = {
        check.id: check.detail for check in verification.checks if check.outcome == "not_run"
    }
    assert not_run.keys() == {
        "certificate",
        "store",
        "witnesses",
        "extension",
        "commitment",
        "asked",
    }
    assert "names nobody" in not_run["certificate"]


def test_lone_pdf_verifies_with_what_it_carries(run: Run) -> None:
    """The PDF alone shows its seal, its evidence and what follows from it, and says what is out."""
    store = EvidenceStore.open(f"sqlite:///{run.store_path}", create=False)
    path = run.directory / "report.pdf"
    verification = verify(
        path,
        Brought(
            trusted=[run.key.certificate],
            store=store,
            witnesses=[run.other / "report.pdf", run.other / "evidence.json", run.other],
        ),
    )
    assert verification.ok
    assert verification.kind == "pdf"
    found = outcomes(verification)
    not_run = {name for name, outcome in found.items() if outcome == "not_run"}
    assert not_run == {
        "manifest",
        "attestation",
        "statement",
        "pdf_signer",
        "html_signature",
        "extension",
        "commitment",
        "asked",
    }
    assert {found[name] for name in found.keys() - not_run} == {"passed"}


# One bit, anywhere


def one_bit_changed(run: Run, name: str) -> None:
    content = run.read(name)
    # Every file from its first byte to its last, in about forty steps that share no factor.
    step = max(1, len(content) // 37) | 1
    for position in [*range(0, len(content), step), len(content) - 1]:
        changed = bytearray(content)
        changed[position] ^= 1 << (position % 8)
        run.write(name, bytes(changed))
        verification = run.verify()
        assert "manifest" in verification.failed, position
        assert_explained(verification)
    run.write(name, content)
    assert run.verify().ok


@pytest.mark.parametrize("name", sorted(ALL_NAMES))
def test_one_bit_changed_in_any_file_is_caught(run: Run, name: str) -> None:
    """Whichever byte of whichever file changes, the manifest's check fails and nothing crashes."""
    one_bit_changed(run, name)


@pytest.mark.parametrize("name", sorted(ALL_NAMES))
def test_bit_changed_and_listed_anew_is_caught_by_another_check(run: Run, name: str) -> None:
    """The manifest is not signed; what it covers is."""
    content = bytearray(run.read(name))
    content[len(content) // 2] ^= 1
    run.write(name, bytes(content))
    if name == "MANIFEST.json":
        return
    run.list_anew()
    failed = run.verify().failed
    assert {"attestation", "statement"} & set(failed)


# Files as a whole


@pytest.mark.parametrize("name", sorted(ALL_NAMES))
@pytest.mark.parametrize("way", ["dropped", "emptied", "truncated", "renamed", "linked", "folder"])
def test_file_that_is_not_what_was_written_fails_the_manifest(
    run: Run, name: str, way: str, tmp_path: Path
) -> None:
    """A file dropped, emptied, cut, renamed, or replaced by a link or folder is reported."""
    path, content = run.directory / name, run.read(name)
    path.unlink()
    if way == "emptied":
        path.write_bytes(b"")
    elif way == "truncated":
        path.write_bytes(content[: len(content) // 2])
    elif way == "renamed":
        path.with_name("x" + name).write_bytes(content)
    elif way == "linked":
        (tmp_path / "elsewhere").write_bytes(content)
        path.symlink_to(tmp_path / "elsewhere")
    elif way == "folder":
        path.mkdir()
    verification = run.verify()
    assert "manifest" in verification.failed
    assert_explained(verification)


@pytest.mark.parametrize("name", sorted(ALL_NAMES - {"MANIFEST.json"}))
def test_file_dropped_and_listed_anew_is_caught(run: Run, name: str) -> None:
    """Without a file that every run has, listing the rest does not help."""
    (run.directory / name).unlink()
    run.list_anew()
    verification = run.verify()
    assert "manifest" in verification.failed
    assert_explained(verification)


def add_file(run: Run) -> None:
    run.write("note.txt", b"read this first")


def add_and_list_file(run: Run) -> None:
    add_file(run)
    run.list_anew()


def add_pipe(run: Run) -> None:
    os.mkfifo(run.directory / "pipe")


def swap(run: Run) -> None:
    html, policy = run.read("report.html"), run.read("policy.yaml")
    run.write("report.html", policy)
    run.write("policy.yaml", html)


def swap_and_list(run: Run) -> None:
    swap(run)
    run.list_anew()


def reformat_manifest(run: Run) -> None:
    run.write("MANIFEST.json", json.dumps(json.loads(run.read("MANIFEST.json"))).encode())


def extend_manifest(run: Run) -> None:
    listed = json.loads(run.read("MANIFEST.json"))
    run.write("MANIFEST.json", canonical_json({**listed, "note": "reviewed"}))


def nest_manifest(run: Run) -> None:
    run.write("MANIFEST.json", b"[" * 200_000)


def nest_evidence(run: Run) -> None:
    run.write("evidence.json", b'{"tasks":' + b"[" * 200_000)
    run.sign_anew(run.key)


def space_evidence(run: Run) -> None:
    run.write("evidence.json", run.read("evidence.json") + b"\n")
    run.sign_anew(run.key)


def change_policy_and_list(run: Run) -> None:
    run.write("policy.yaml", POLICY + b"# as wished for after the run\n")
    run.list_anew()


def change_policy_and_sign(run: Run) -> None:
    run.write("policy.yaml", POLICY + b"# as wished for after the run\n")
    run.sign_anew(run.key)


def change_html_and_sign(run: Run) -> None:
    html = run.read("report.html")
    run.write("report.html", html.replace(b"Ada Example", b"Eve Example"))
    run.sign_anew(run.key)


# The attestation


def replay_attestation(run: Run) -> None:
    run.write("attestation.dsse.json", (run.other / "attestation.dsse.json").read_bytes())
    run.list_anew()


def replay_whole_pdf(run: Run) -> None:
    run.write("report.pdf", (run.other / "report.pdf").read_bytes())
    run.sign_anew(run.key)


def edit_attestation(run: Run) -> None:
    envelope = json.loads(run.read("attestation.dsse.json"))
    payload = base64.b64decode(envelope["payload"]).replace(b'"WARNED"', b'"PASSED"')
    envelope["payload"] = base64.b64encode(payload).decode()
    run.write("attestation.dsse.json", canonical_json(envelope))
    run.list_anew()


def attest_another_verdict(run: Run) -> None:
    run.sign_anew(run.key, run.record.model_copy(update={"verdict": "consistent"}))


def swap_certificate(run: Run) -> None:
    run.write("certificate.pem", run.stranger.certificate)
    run.list_anew()


def sign_by_stranger(run: Run) -> None:
    run.sign_anew(run.stranger)


def seal_by_stranger(run: Run) -> None:
    names = ("evidence.json", "policy.yaml", "report.html")
    pdf = one_page_pdf({name: run.read(name) for name in names})
    run.write("report.pdf", sign_pdf(pdf, run.stranger, NOW))
    run.sign_anew(run.key)


# The PDF


def update_pdf(run: Run, change: Callable[[IncrementalPdfFileWriter], None]) -> None:
    writer = IncrementalPdfFileWriter(io.BytesIO(run.read("report.pdf")))
    change(writer)
    out = io.BytesIO()
    writer.write(out)  # type: ignore[no-untyped-call]
    run.write("report.pdf", out.getvalue())
    run.sign_anew(run.key)


def append_to_pdf(run: Run) -> None:
    run.write("report.pdf", run.read("report.pdf") + b"\n% appended")
    run.sign_anew(run.key)


def replace_page(run: Run) -> None:
    def change(writer: IncrementalPdfFileWriter) -> None:
        page = writer.root["/Pages"]["/Kids"][0].get_object()
        stream = generic.StreamObject(stream_data=b"BT ET % another page")
        page[generic.NameObject("/Contents")] = writer.add_object(stream)
        writer.mark_update(page.container_ref)

    update_pdf(run, change)


def replace_attachment(run: Run) -> None:
    def change(writer: IncrementalPdfFileWriter) -> None:
        names = writer.root["/Names"]["/EmbeddedFiles"]
        kids = names.get("/Kids")
        node = kids[0].get_object() if kids else names
        specification = node["/Names"][1].get_object()
        stream = specification["/EF"]["/F"].get_object()
        replacement = generic.StreamObject(stream_data=b'{"verdict":"consistent"}')
        specification["/EF"][generic.NameObject("/F")] = writer.add_object(replacement)
        specification["/EF"][generic.NameObject("/UF")] = writer.add_object(replacement)
        writer.mark_update(specification.container_ref)
        assert stream is not None

    update_pdf(run, change)


def change_title(run: Run) -> None:
    def change(writer: IncrementalPdfFileWriter) -> None:
        info = writer.prev.trailer_view["/Info"]
        info[generic.NameObject("/Title")] = generic.pdf_string("another title")
        writer.mark_update(info.container_ref)

    update_pdf(run, change)


def save_pdf_again(run: Run) -> None:
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(run.read("report.pdf"))) as pdf:
        pdf.save(out)
    run.write("report.pdf", out.getvalue())
    run.sign_anew(run.key)


def remove_seal(run: Run) -> None:
    names = ("evidence.json", "policy.yaml", "report.html")
    run.write("report.pdf", one_page_pdf({name: run.read(name) for name in names}))
    run.sign_anew(run.key)


def attach_more(run: Run) -> None:
    names = ("evidence.json", "policy.yaml", "report.html")
    parts = {name: run.read(name) for name in names}
    pdf = one_page_pdf({**parts, "approval.txt": b"approved"})
    run.write("report.pdf", sign_pdf(pdf, run.key, NOW))
    run.sign_anew(run.key)


# The record, by somebody who holds the signer's key and makes everything anew


def remake(run: Run, record: AuditRecord) -> None:
    run.replace_all(bundle_of(record, run.key))


def with_task(record: AuditRecord, **update: object) -> AuditRecord:
    first, *rest = record.tasks
    return record.model_copy(update={"tasks": (first.model_copy(update=update), *rest)})


def change_verdict(run: Run) -> None:
    remake(run, with_task(run.record, verdict="not_consistent"))


def change_overall_verdict(run: Run) -> None:
    remake(run, run.record.model_copy(update={"verdict": "consistent"}))


def change_threshold(run: Run) -> None:
    specification = run.record.tasks[0].specification
    thresholds = specification.thresholds.model_copy(update={"head_effect": Decimal("0.5")})
    changed = specification.model_copy(update={"thresholds": thresholds})
    remake(run, with_task(run.record, specification=changed))


def change_declared_name(run: Run) -> None:
    operator = run.record.operator.model_copy(update={"name": "Somebody Else"})
    remake(run, run.record.model_copy(update={"operator": operator}))


def without_checkpoint(run: Run) -> None:
    content = evidence_bytes(run.record.model_copy(update={"checkpoint": None}))
    run.write("evidence.json", content)
    run.sign_anew(run.key)


def later_checkpoint(run: Run) -> None:
    assert run.record.checkpoint is not None
    checkpoint = run.record.checkpoint.model_copy(update={"tree_size": 2})
    remake(run, run.record.model_copy(update={"checkpoint": checkpoint}))


def another_root(run: Run) -> None:
    assert run.record.checkpoint is not None
    checkpoint = run.record.checkpoint.model_copy(update={"root_hash": "sha256:" + "0" * 64})
    remake(run, run.record.model_copy(update={"checkpoint": checkpoint}))


CASES: list[tuple[Callable[[Run], None], set[str]]] = [
    (add_file, {"manifest"}),
    (add_and_list_file, {"manifest"}),
    (add_pipe, {"manifest"}),
    (swap, {"manifest", "statement", "policy", "report_html"}),
    (swap_and_list, {"statement", "policy", "report_html"}),
    (reformat_manifest, {"manifest"}),
    (extend_manifest, {"manifest"}),
    (nest_manifest, {"manifest"}),
    (nest_evidence, {"evidence"}),
    (space_evidence, {"evidence", "attachments"}),
    (change_policy_and_list, {"statement", "policy"}),
    (change_policy_and_sign, {"policy", "attachments"}),
    (change_html_and_sign, {"report_html", "attachments"}),
    (replay_attestation, {"statement"}),
    (replay_whole_pdf, {"attachments"}),
    (edit_attestation, {"attestation"}),
    (attest_another_verdict, {"statement"}),
    (swap_certificate, {"attestation", "pdf_signer"}),
    (sign_by_stranger, {"pdf_signer"}),
    (seal_by_stranger, {"pdf_signer"}),
    (append_to_pdf, {"pdf_seal"}),
    (replace_page, {"pdf_seal"}),
    (replace_attachment, {"pdf_seal", "attachments"}),
    (change_title, {"pdf_seal"}),
    (save_pdf_again, {"pdf_seal"}),
    (remove_seal, {"pdf_seal"}),
    (attach_more, {"attachments"}),
    (change_verdict, {"conclusions"}),
    (change_overall_verdict, {"conclusions"}),
    (change_threshold, {"conclusions"}),
    (change_declared_name, {"checkpoint"}),
    (without_checkpoint, {"checkpoint"}),
    (later_checkpoint, {"checkpoint"}),
    (another_root, {"checkpoint"}),
]


@pytest.mark.parametrize(("mutate", "caught_by"), CASES, ids=[case[0].__name__ for case in CASES])
def test_mutation_is_caught_by_its_check(
    run: Run, mutate: Callable[[Run], None], caught_by: set[str]
) -> None:
    """Each named mutation fails the checks that are there for it, in one line each."""
    mutate(run)
    verification = run.verify()
    assert caught_by <= set(verification.failed), verification.checks
    assert_explained(verification)


@pytest.mark.parametrize(
    ("mutate", "number", "named"),
    [
        (add_file, 1, "not listed: note.txt"),
        (swap, 1, "changed: policy.yaml, report.html"),
        (swap_and_list, 3, "policy.yaml, report.html"),
        (replay_attestation, 3, "evidence.json"),
        (attest_another_verdict, 3, "verdict"),
        (attach_more, 7, "approval.txt"),
        (change_policy_and_sign, 7, "policy.yaml"),
        (change_verdict, 10, "tasks[copying].verdict"),
    ],
)
def test_detail_names_what_differs(
    run: Run, mutate: Callable[[Run], None], number: int, named: str
) -> None:
    """A failed check says which file or value it is about."""
    mutate(run)
    check = run.verify().checks[number - 1]
    assert check.number == number
    assert named in check.detail


def test_run_signed_anew_by_a_stranger_is_caught_by_trust_alone(run: Run) -> None:
    """Everything made anew with another key is whole in itself; only the certificate tells."""
    run.replace_all(bundle_of(run.record, run.stranger))
    assert run.verify().failed == ()
    verification = run.verify(trust=True)
    assert verification.failed == ("certificate",)
    assert not verification.ok


def test_pdf_signed_anew_by_a_stranger_is_caught_by_trust_alone(run: Run) -> None:
    """The same holds for a lone PDF."""
    run.replace_all(bundle_of(run.record, run.stranger))
    path = run.directory / "report.pdf"
    assert verify(path).ok
    assert verify(path, Brought(trusted=[run.key.certificate])).failed == ("certificate",)


@pytest.mark.parametrize(
    "mutate",
    [append_to_pdf, replace_page, replace_attachment, change_title, save_pdf_again, remove_seal],
)
def test_lone_pdf_that_was_changed_fails_its_seal(run: Run, mutate: Callable[[Run], None]) -> None:
    """Without the directory, the seal alone must show every change to the PDF."""
    mutate(run)
    verification = verify(run.directory / "report.pdf")
    assert "pdf_seal" in verification.failed
    assert_explained(verification)


def test_no_sampled_bit_of_a_lone_pdf_can_change_unseen(run: Run) -> None:
    """One bit changed anywhere in a lone PDF fails it, and never crashes the verification."""
    content = run.read("report.pdf")
    path = run.directory / "report.pdf"
    for position in range(0, len(content), len(content) // 61):
        changed = bytearray(content)
        changed[position] ^= 4
        path.write_bytes(changed)
        assert "pdf_seal" in verify(path).failed, position


def key_of(organisation: str) -> SigningKey:
    """A key whose self-signed certificate names an organisation, for one day from NOW."""
    private = ec.generate_private_key(ec.SECP256R1())
    return self_signed(private, NOW, organisation=organisation, days=1)


def test_development_record_signed_in_a_company_s_name_is_caught(run: Run) -> None:
    """A certificate that names somebody does not go with a record that says development key."""
    run.replace_all(bundle_of(run.record, key_of("Example Provider GmbH")))
    verification = run.verify()
    assert verification.failed == ("certificate",)
    assert "the record states" in verification.checks[3].detail


def test_run_that_finished_after_the_certificate_expired_is_caught(run: Run) -> None:
    """A certificate cannot vouch for a run that ended after its own end."""
    times = run.record.times.model_copy(update={"finished": "2026-11-21T09:31:01Z"})
    remade = run.record.model_copy(update={"times": times})
    run.replace_all(bundle_of(remade, key_of(DEVELOPMENT_ORGANISATION)))
    assert "had expired" in run.verify().checks[3].detail


def test_certificate_still_valid_in_the_run_s_last_second_is_accepted(run: Run) -> None:
    """The certificate's last second counts."""
    times = run.record.times.model_copy(update={"finished": "2026-11-21T09:31:00Z"})
    remade = run.record.model_copy(update={"times": times})
    run.replace_all(bundle_of(remade, key_of(DEVELOPMENT_ORGANISATION)))
    assert run.verify().checks[3].outcome == "not_run"


# The store


def rewrite(path: Path, *statements: str) -> None:
    Place("sqlite", f"sqlite:///{path}", path).behind_the_guards(*statements)


def test_row_of_the_run_edited_in_the_store_is_caught(run: Run) -> None:
    """The store's row is compared byte for byte with the evidence."""
    edit = "replace(CAST(body AS TEXT), 'Ada', 'Eve')"
    rewrite(run.store_path, f"UPDATE leaf SET body = CAST({edit} AS BLOB) WHERE idx = 0")  # noqa: S608
    assert "store" in run.verify(store=True).failed


def test_row_of_another_run_edited_in_the_store_is_caught(run: Run) -> None:
    """A store that does not hold together is no witness for any run in it."""
    rewrite(run.store_path, "UPDATE leaf SET hash = zeroblob(32) WHERE idx = 1")
    assert "store" in run.verify(store=True).failed


def test_store_without_a_guard_is_not_opened(run: Run) -> None:
    """A dropped trigger is found before the store is asked anything."""
    connection = sqlite3.connect(run.store_path)
    connection.execute("DROP TRIGGER leaf_no_delete")
    connection.commit()
    connection.close()
    with pytest.raises(EvidenceError, match="leaf_no_delete"):
        run.verify(store=True)


def test_rewritten_store_is_caught_by_an_old_report(run: Run, tmp_path: Path) -> None:
    """A store made anew is sound in itself; the checkpoint in a report from before shows it."""
    path = tmp_path / "new.db"
    store = EvidenceStore.open(f"sqlite:///{path}", signer=note_signer())
    store.append(run.record.model_copy(update={"run_id": OTHER_RUN_ID}))
    store.append(run.record)
    assert store.audit().clean
    verification = verify(run.directory, Brought(store=store))
    assert verification.failed == ("store",)


def test_witness_of_a_forked_store_is_caught(run: Run, tmp_path: Path) -> None:
    """The second of two histories under one name fails check 14 beside a report of the first."""
    path = tmp_path / "forked.db"
    shutil.copy(run.store_path, path)
    store = EvidenceStore.open(f"sqlite:///{path}", signer=note_signer())
    kept = json.loads((run.other / "evidence.json").read_text("utf-8"))
    assert kept["checkpoint"]["tree_size"] == 2
    rewrite(
        path,
        "DELETE FROM leaf WHERE idx = 1",
        "DELETE FROM checkpoint WHERE tree_size = 2",
    )
    third = measured_record(RUN_ID[:-4] + "0003")
    third = third.model_copy(update={"checkpoint": store.append(third)})
    forked = publish(bundle_of(third, run.key), tmp_path / "out", third.run_id)
    verification = verify(forked, Brought(store=store, witnesses=[run.other]))
    assert verification.failed == ("witnesses",)
    assert "has another root" in verification.checks[13].detail


def test_store_with_another_record_of_the_run_is_caught(run: Run, tmp_path: Path) -> None:
    """The same run id with other contents in a sound store is named as such."""
    operator = run.record.operator.model_copy(update={"name": "Somebody Else"})
    store = EvidenceStore.open(f"sqlite:///{tmp_path / 'new.db'}", signer=note_signer())
    store.append(run.record.model_copy(update={"operator": operator}))
    check = verify(run.directory, Brought(store=store)).checks[12]
    assert (check.outcome, check.detail) == ("failed", "the store holds another record of this run")


def test_store_that_does_not_hold_the_run_is_not_a_failure(run: Run, tmp_path: Path) -> None:
    """A run in another store was not checked against this one, and the output says so."""
    store = EvidenceStore.open(f"sqlite:///{tmp_path / 'empty.db'}")
    verification = verify(run.directory, Brought(store=store))
    assert verification.ok
    assert outcomes(verification)["store"] == "not_run"


# What cannot be checked here


@pytest.mark.parametrize("part", ["register", "build"])
def test_html_of_another_edition_is_not_run(run: Run, part: str) -> None:
    """HTML made with another register or another build cannot be rendered again, and says why."""
    if part == "register":
        reference = run.record.legal_register.model_copy(update={"version": "2020-01-01"})
        record = run.record.model_copy(update={"legal_register": reference})
    else:
        other = run.record.tool.model_copy(update={"version": "9.9.9"})
        record = run.record.model_copy(update={"tool": other})
    html = render_html(record, load_law()).replace(b"</body>", b"<!-- older --></body>")
    run.write("evidence.json", evidence_bytes(record))
    run.write("report.html", html)
    run.sign_anew(run.key, record)
    check = run.verify().checks[10]
    assert (check.id, check.outcome) == ("report_html", "not_run")


@pytest.mark.parametrize("kept", ["html", "pdf"])
def test_report_left_out_by_the_policy_is_not_missed(run: Run, tmp_path: Path, kept: str) -> None:
    """A run without PDF, or without HTML, verifies; the checks on it say that it was left out."""
    report = run.record.report.model_copy(update={"formats": (kept,)})
    record = measured_record(RUN_ID).model_copy(update={"report": report})
    store = EvidenceStore.open(f"sqlite:///{tmp_path / 'new.db'}", signer=note_signer())
    record = record.model_copy(update={"checkpoint": store.append(record)})
    page = render_html(record, load_law())
    html = (page, sign_detached(page, run.key, NOW)) if kept == "html" else None
    parts = {"evidence.json": evidence_bytes(record), "policy.yaml": POLICY}
    pdf = sign_pdf(one_page_pdf(parts), run.key, NOW) if kept == "pdf" else None
    directory = publish(assemble(record, POLICY, html, pdf, run.key), tmp_path / "out", RUN_ID)
    verification = verify(directory)
    assert verification.ok, verification.checks
    skipped = {check.id for check in verification.checks if "leaves the" in check.detail}
    expected = (
        {"report_html", "html_signature"}
        if kept == "pdf"
        else {"pdf_seal", "pdf_signer", "attachments", "pdf_content", "pdf_pages"}
    )
    assert skipped == expected


def test_details_show_what_a_terminal_would_obey(run: Run) -> None:
    """A file name with control characters cannot rewrite the reader's screen."""
    run.write("\x1b[2Jall passed\n", b"")
    detail = run.verify().checks[0].detail
    assert "\x1b" not in detail
    assert "\n" not in detail


# Input


def test_what_is_no_run_is_an_input_error(tmp_path: Path, run: Run) -> None:
    """Nothing, a text file, an empty folder: there is nothing to verify, so nothing failed."""
    (tmp_path / "text.txt").write_text("hello")
    (tmp_path / "empty").mkdir()
    for name in ("absent", "text.txt", "empty"):
        with pytest.raises(InputError):
            verify(tmp_path / name)
    with pytest.raises(InputError, match="trusted certificate"):
        verify(run.directory, Brought(trusted=[b"no certificate"]))


def test_pdf_by_name_that_is_none_fails(tmp_path: Path) -> None:
    """A damaged PDF is evidence that does not verify, not a wrong kind of input."""
    path = tmp_path / "report.pdf"
    path.write_bytes(b"\x00PDF-1.7")
    assert "pdf_seal" in verify(path).failed


# The protocol and its documentation


def test_numbers_are_the_same_in_code_output_and_documentation(run: Run) -> None:
    """The docstring, the steps, the output and docs/verification.md count the same checks."""
    numbered = [(check.number, check.id) for check in run.verify().checks]
    steps = (*protocol.STEPS, *protocol.PACKED, *protocol.LATER)
    every = [(n, step.id) for n, step in enumerate(steps, start=1)]
    assert numbered == [each for each in every if each[0] not in (18, 19)]  # which are of a pack
    assert protocol.__doc__ is not None
    described = Path(__file__).parents[2] / "docs" / "verification.md"
    text = described.read_text(encoding="utf-8")
    for number, name in every:
        assert f"{number}. {name} " in " ".join(protocol.__doc__.split()), name
        assert f"| {number} | `{name}` |" in text, name
    assert len(every) == 22


def test_verification_as_json_is_plain_values(run: Run) -> None:
    """A machine reads the same checks, and whether all is well."""
    values = json.loads(json.dumps(run.verify().as_json()))
    assert values["ok"] is True
    assert values["kind"] == "run_directory"
    assert values["checks"][0]["number"] == 1
    assert values["checks"][3]["outcome"] == "not_run"
