"""A run's files: how they are tied together, and how they reach the disk, all of them or none."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from auditkit.bundle.evidence import NewerEvidenceError, evidence_bytes
from auditkit.bundle.helpers import described, helpers
from auditkit.bundle.names import (
    ALL_NAMES,
    ATTESTATION,
    CERTIFICATE,
    COMMITMENT,
    EVIDENCE,
    EXTENDED_PDF,
    HTML,
    HTML_SIGNATURE,
    MANIFEST,
    PDF,
    POLICY,
)
from auditkit.digest import canonical_json, sha256_hex
from auditkit.errors import EnvironmentUnavailableError
from auditkit.records.audit import AuditRecord
from auditkit.signing.dsse import sign_statement, statement_about
from auditkit.signing.keys.private_files import sync_folder
from auditkit.signing.keys.signer import Signer

MANIFEST_SCHEMA = "1"


def refuse_later(listing: bytes) -> None:
    """Refuses a list of files in a form that came after the one known here.

    Raises:
        NewerEvidenceError: a newer auditkit made it.
    """
    form = 0
    with suppress(ValueError, TypeError, KeyError, RecursionError):
        form = int(json.loads(listing)["schema_version"])
    if form > int(MANIFEST_SCHEMA):
        raise NewerEvidenceError(f"the list of files has schema {form}: made by a newer auditkit")


def expected_names(record: AuditRecord) -> frozenset[str]:
    """The names a run's directory holds: reports that were asked for, a commitment that was made."""
    kinds = {HTML: "html", HTML_SIGNATURE: "html", PDF: "pdf"}
    left_out = {name for name, kind in kinds.items() if kind not in record.report.formats}
    if record.policy.commitment is None:
        left_out.add(COMMITMENT)
    return ALL_NAMES - left_out


def assemble(
    record: AuditRecord,
    policy_bytes: bytes,
    signed_html: tuple[bytes, bytes] | None,
    signed_pdf: bytes | None,
    key: Signer,
    commitment: bytes | None = None,
) -> dict[str, bytes]:
    """Every file of a run by name: evidence, policy, reports, certificates, attestation, manifest.

    ``commitment`` is the signature over the policy, ``signed_html`` the page and the signature over it.
    The attestation covers all files but itself and the manifest, and the helpers that a pack will hold; the
    manifest all but itself.

    Raises:
        ValueError: the record has no checkpoint, the policy or the commitment is not the one it names, or
            the reports are not those its policy asked for.
    """
    if record.checkpoint is None:
        raise ValueError("the record is not stored yet: it has no checkpoint")
    if "sha256:" + sha256_hex(policy_bytes) != record.policy.sha256:
        raise ValueError("these are not the bytes of the policy the record names")
    made = record.policy.commitment
    if (made and made.sha256) != (commitment and "sha256:" + sha256_hex(commitment)):
        raise ValueError("this is not the commitment the record names")
    files = {
        EVIDENCE: evidence_bytes(record),
        POLICY: policy_bytes,
        CERTIFICATE: key.certificate,
    }
    if commitment is not None:
        files[COMMITMENT] = commitment
    if signed_html is not None:
        files[HTML], files[HTML_SIGNATURE] = signed_html
    if signed_pdf is not None:
        files[PDF] = signed_pdf
    if files.keys() != expected_names(record) - {ATTESTATION, MANIFEST}:
        raise ValueError(f"the policy asks for {record.report.formats}, got {sorted(files)}")
    beside = described(helpers(record, files, key.certificate))
    files[ATTESTATION] = sign_statement(statement_about(record, files, beside), key)
    files[MANIFEST] = manifest(files)
    return files


def manifest(files: Mapping[str, bytes]) -> bytes:
    """The canonical bytes of ``MANIFEST.json``: name, size and SHA-256 of each file, by name."""
    return canonical_json(
        {
            "files": [
                {
                    "name": name,
                    "sha256": "sha256:" + sha256_hex(files[name]),
                    "size": len(files[name]),
                }
                for name in sorted(files)
            ],
            "schema_version": MANIFEST_SCHEMA,
        }
    )


def publish(bundle_files: Mapping[str, bytes], out: Path, run_id: str) -> Path:
    """Writes ``OUT/<run_id>/`` whole or not at all, and returns it.

    The files are written and flushed to the disk in a hidden folder beside it, which is then
    renamed. Whatever interrupts the writing, the keyboard included, removes that folder.

    Raises:
        EnvironmentUnavailableError: the run's directory exists, or cannot be written.
        ValueError: a file's name is not a plain name.
    """
    for name in bundle_files:
        if not name or name != Path(name).name or name.startswith("."):
            raise ValueError(f"not a plain file name: {name!r}")
    target, temporary = out / run_id, out / f".{run_id}.part"
    try:
        out.mkdir(parents=True, exist_ok=True)
        temporary.mkdir()
    except OSError as error:
        raise _unwritable(temporary, error) from error
    try:
        if os.path.lexists(target):
            raise EnvironmentUnavailableError(f"{target}: this run was already written")
        for name, content in bundle_files.items():
            _write(temporary / name, content)
        sync_folder(temporary)
        temporary.rename(target)
        sync_folder(out)
    except OSError as error:
        raise _unwritable(target, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)  # after the rename there is nothing to remove
    return target


def write_extension(directory: Path, content: bytes) -> None:
    """Writes the run's PDF with what was signed after the run, whole or not at all.

    Raises:
        EnvironmentUnavailableError: the run's directory cannot be written.
    """
    temporary = directory / f".{EXTENDED_PDF}.part"
    try:
        temporary.unlink(missing_ok=True)
        _write(temporary, content)
        temporary.replace(directory / EXTENDED_PDF)
        sync_folder(directory)
    except OSError as error:
        raise _unwritable(directory, error) from error
    finally:
        temporary.unlink(missing_ok=True)


def write_new(path: Path, content: bytes, option: str) -> None:
    """Writes a new file whole or not at all. ``option`` says how to choose another place.

    Raises:
        EnvironmentUnavailableError: there is one of that name, or it cannot be written.
    """
    temporary: Path | None = None
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        temporary = Path(name)
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.chmod(0o644)
        path.hardlink_to(temporary)  # unlike a rename, never replaces what is there
    except FileExistsError as error:
        raise EnvironmentUnavailableError(
            f"{path}: there is a file of that name",
            advice=f"move it away, or name another with {option}",
        ) from error
    except OSError as error:
        raise EnvironmentUnavailableError(
            f"{path}: it cannot be written there ({error.strerror or error})",
            advice=f"free some space, or name a file in a folder you can write with {option}",
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _write(path: Path, content: bytes) -> None:
    with path.open("xb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _unwritable(path: Path, error: OSError) -> EnvironmentUnavailableError:
    return EnvironmentUnavailableError(
        f"{path}: the run cannot be written there ({error.strerror or error})",
        advice="free some space, or give a folder you can write with --out",
    )
