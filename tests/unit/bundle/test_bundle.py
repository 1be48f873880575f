"""A run's files: tied together by the attestation and the manifest, written whole or not at all."""

from __future__ import annotations

import errno
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from auditkit.bundle import names, run_files
from auditkit.bundle.evidence import evidence_bytes
from auditkit.bundle.helpers import HELPERS
from auditkit.bundle.packing import pack
from auditkit.bundle.run_files import assemble, expected_names, manifest, publish
from auditkit.digest import canonical_json, sha256_hex
from auditkit.errors import EnvironmentUnavailableError
from auditkit.records.audit import AuditRecord
from auditkit.signing.dsse import verify_envelope
from auditkit.signing.keys.signer import SigningKey, development_key
from tests.builders import audit_record, committed

POLICY = b"schema_version: '1'\n"
FILES = {"evidence.json": b"{}", "report.html": b"<html>", "MANIFEST.json": b"{}"}


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> SigningKey:
    now = datetime(2026, 11, 20, 9, 0, 0, tzinfo=UTC)
    return development_key(tmp_path_factory.mktemp("key") / "keys", now)


def record(*formats: str) -> AuditRecord:
    """The hand-made record under the policy above, with reports in these formats."""
    made = audit_record()
    policy = made.policy.model_copy(update={"sha256": "sha256:" + sha256_hex(POLICY)})
    settings = made.report.model_copy(update={"formats": formats})
    return made.model_copy(update={"policy": policy, "report": settings})


def test_assembled_files_are_the_run_s(key: SigningKey) -> None:
    """Every file is there, byte for byte what was handed in or made from the record."""
    files = assemble(record("html", "pdf"), POLICY, (b"<html>", b"p7s"), b"%PDF", key)
    assert files.keys() == names.ALL_NAMES - {names.COMMITMENT}
    assert files["evidence.json"] == evidence_bytes(record("html", "pdf"))
    assert files["policy.yaml"] == POLICY
    assert files["report.html"] == b"<html>"
    assert files["report.pdf"] == b"%PDF"
    assert files["certificate.pem"] == key.certificate


@pytest.mark.parametrize(
    ("formats", "html", "pdf", "absent"),
    [
        (("html",), (b"<html>", b"p7s"), None, {"report.pdf"}),
        (("pdf",), None, b"%PDF", {"report.html", "report.html.p7s"}),
    ],
)
def test_report_the_policy_left_out_is_absent(
    key: SigningKey,
    formats: tuple[str, ...],
    html: tuple[bytes, bytes] | None,
    pdf: bytes | None,
    absent: set[str],
) -> None:
    """A format left out leaves no file, and the other files say nothing of it."""
    files = assemble(record(*formats), POLICY, html, pdf, key)
    expected = names.ALL_NAMES - absent - {names.COMMITMENT}
    assert files.keys() == expected == expected_names(record(*formats))
    assert not any(name.encode() in files["MANIFEST.json"] for name in absent)


def test_a_commitment_is_there_exactly_where_the_record_names_it(key: SigningKey) -> None:
    """Its bytes are those that were handed in, by their digest; none is made up, none is left out."""
    plain = record("html")
    policy = committed(plain.policy, None)
    made = policy.commitment
    assert made is not None
    digest = "sha256:" + sha256_hex(b"p7s of the policy")
    policy = policy.model_copy(update={"commitment": made.model_copy(update={"sha256": digest})})
    named, page = plain.model_copy(update={"policy": policy}), (b"<html>", b"p7s")
    files = assemble(named, POLICY, page, None, key, b"p7s of the policy")
    assert files[names.COMMITMENT] == b"p7s of the policy"
    assert files.keys() == expected_names(named)
    for wrong, given in ((named, None), (named, b"another"), (plain, b"p7s of the policy")):
        with pytest.raises(ValueError, match="not the commitment"):
            assemble(wrong, POLICY, page, None, key, given)


def test_manifest_covers_every_other_file(key: SigningKey) -> None:
    """The manifest lists each other file by name, in order, with its size and digest."""
    files = assemble(record("html", "pdf"), POLICY, (b"<html>", b"p7s"), b"%PDF", key)
    listed = json.loads(files["MANIFEST.json"])
    assert listed["schema_version"] == "1"
    assert [entry["name"] for entry in listed["files"]] == sorted(files.keys() - {"MANIFEST.json"})
    for entry in listed["files"]:
        content = files[entry["name"]]
        assert entry["size"] == len(content)
        assert entry["sha256"] == "sha256:" + sha256_hex(content)
    assert files["MANIFEST.json"] == canonical_json(listed)


def test_attestation_is_about_every_file_but_itself_and_the_manifest(key: SigningKey) -> None:
    """Its subjects are the files by SHA-256, and the helpers that a pack of the run will hold."""
    files = assemble(record("html", "pdf"), POLICY, (b"<html>", b"p7s"), b"%PDF", key)
    statement = verify_envelope(files["attestation.dsse.json"], key.certificate)
    subjects = {item.name: item.digest.sha256 for item in statement.subject}
    covered = files.keys() - {"MANIFEST.json", "attestation.dsse.json"}
    beside = {f"pack/{name}": content for name, content in pack(files).items() if name in HELPERS}
    every = {**{name: files[name] for name in covered}, **beside}
    assert subjects == {name: sha256_hex(content) for name, content in every.items()}


def test_order_of_files_does_not_change_the_manifest() -> None:
    """The manifest is a function of names and contents."""
    assert manifest(FILES) == manifest(dict(reversed(FILES.items())))


def test_run_that_cannot_be_is_not_assembled(key: SigningKey) -> None:
    """A record without checkpoint, another policy, or a missing report is the caller's mistake."""
    whole = record("html", "pdf")
    unstored = whole.model_copy(update={"checkpoint": None})
    with pytest.raises(ValueError, match="no checkpoint"):
        assemble(unstored, POLICY, (b"<html>", b"p7s"), b"%PDF", key)
    with pytest.raises(ValueError, match="policy"):
        assemble(whole, POLICY + b"#", (b"<html>", b"p7s"), b"%PDF", key)
    with pytest.raises(ValueError, match="asks for"):
        assemble(whole, POLICY, (b"<html>", b"p7s"), None, key)


def test_published_run_is_whole(tmp_path: Path) -> None:
    """The directory holds exactly the files, and nothing else is left beside it."""
    out = tmp_path / "new" / "out"
    directory = publish(FILES, out, "run")
    assert directory == out / "run"
    assert {path.name: path.read_bytes() for path in directory.iterdir()} == FILES
    assert [path.name for path in out.iterdir()] == ["run"]


def test_run_is_never_written_over(tmp_path: Path) -> None:
    """An existing run directory, even an empty one, is left as it is."""
    (tmp_path / "run").mkdir()
    with pytest.raises(EnvironmentUnavailableError, match="already written"):
        publish(FILES, tmp_path, "run")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    assert not list((tmp_path / "run").iterdir())


@pytest.mark.parametrize(
    ("interruption", "seen"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), EnvironmentUnavailableError),
        (KeyboardInterrupt(), KeyboardInterrupt),
        (MemoryError(), MemoryError),
    ],
)
@pytest.mark.parametrize("after", [0, 1, 2])
def test_interrupted_writing_leaves_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    interruption: BaseException,
    seen: type[BaseException],
    after: int,
) -> None:
    """Whatever stops the writing, and wherever, no part of a run is left behind."""
    written: list[Path] = []
    write = run_files._write

    def stop(path: Path, content: bytes) -> None:
        if len(written) == after:
            raise interruption
        written.append(path)
        write(path, content)

    monkeypatch.setattr(run_files, "_write", stop)
    with pytest.raises(seen):
        publish(FILES, tmp_path, "run")
    assert list(tmp_path.iterdir()) == []


def test_interruption_before_the_rename_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run whose files are written but which is not yet in place is removed too."""

    def stop(path: Path, target: Path) -> Path:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "rename", stop)
    with pytest.raises(KeyboardInterrupt):
        publish(FILES, tmp_path, "run")
    assert list(tmp_path.iterdir()) == []


def test_place_that_cannot_be_written_is_an_environment_error(tmp_path: Path) -> None:
    """A file where the output folder should be is said in one line, with what to do."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(EnvironmentUnavailableError) as caught:
        publish(FILES, tmp_path / "file", "run")
    assert "--out" in caught.value.advice


@pytest.mark.parametrize("name", ["../x", "a/b", ".hidden", "", ".."])
def test_names_that_lead_elsewhere_are_refused(tmp_path: Path, name: str) -> None:
    """A bundle holds plain names only, and nothing is written for any other."""
    with pytest.raises(ValueError, match="plain file name"):
        publish({name: b""}, tmp_path, "run")
    assert list(tmp_path.iterdir()) == []
