"""One zip for an authority: a run's files, the model's manifest, instructions, and a verifier.

The zip is a function of the run's files and of this auditkit: names in order, one fixed time, nothing
compressed, so that it has the same bytes wherever it is made.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from auditkit.bundle.evidence import parse_evidence
from auditkit.bundle.run_files import (
    CERTIFICATE,
    COMMITMENT,
    EVIDENCE,
    EXTENDED_PDF,
    HTML,
    PDF,
    manifest,
)
from auditkit.digest import canonical_json
from auditkit.errors import EvidenceError
from auditkit.model.fingerprint import signing_statement
from auditkit.records.audit import AuditRecord, KeyLevel
from auditkit.records.model import ModelIdentity
from auditkit.resources import shipped, tool
from auditkit.signing.keys.signer import fingerprint

RUN = "run/"
PACK = "PACK.json"
INSTRUCTIONS = "VERIFY.txt"
VERIFIER = "verify.py"
MODEL_MANIFEST = "model-manifest.json"
BESIDE = frozenset({PACK, INSTRUCTIONS, VERIFIER, MODEL_MANIFEST})
"""What a pack holds beside the files of the run, and the PDF as it was signed later."""

_TIME = (1980, 1, 1, 0, 0, 0)
"""The earliest moment a zip can state: a pack says nothing of when it was packed."""

_LEVELS: dict[KeyLevel, str] = {
    "development": "a development key of auditkit: it names nobody and is no legal seal",
    "self_signed": "a self-signed certificate: nobody else vouches for the name in it",
    "organisation": "an organisation's certificate: the name in it is stated by its issuer",
}


def pack(run_files: Mapping[str, bytes], extended: bytes | None = None) -> dict[str, bytes]:
    """Every file of a pack by name: those of a run below ``run/``, and what is packed with them.

    ``extended`` is the run's PDF with what was signed after the run, where something was.

    Raises:
        EvidenceError: the run's evidence or its signer's certificate cannot be read.
    """
    record = parse_evidence(run_files[EVIDENCE])
    files = {f"{RUN}{name}": content for name, content in run_files.items()}
    files[MODEL_MANIFEST] = model_manifest(record.model)
    files[VERIFIER] = shipped("templates/pack/verify.py").read_bytes()
    if extended is not None:
        files[EXTENDED_PDF] = extended
    files[INSTRUCTIONS] = _instructions(record, run_files, extended=extended is not None)
    files[PACK] = listing(files)
    return files


def listing(files: Mapping[str, bytes]) -> bytes:
    """The canonical bytes of ``PACK.json``: every other file by name, with its size and SHA-256."""
    return manifest({name: content for name, content in files.items() if name != PACK})


def model_manifest(model: ModelIdentity) -> bytes:
    """The canonical bytes of the model's manifest: files, digests, and the statement to sign over them.

    ``statement`` is what OpenSSF Model Signing v1.0 signs; whoever publishes the model may sign it.
    """
    return canonical_json(
        {
            "files": [entry.model_dump(mode="json") for entry in model.manifest],
            "manifest_digest": model.manifest_digest,
            "name": model.name,
            "revision": model.revision,
            "root_digest": model.root_digest,
            "schema_version": "1",
            "statement": signing_statement(model.name, model.manifest),
            "tokenizer_digest": model.tokenizer_digest,
            "weights_digest": model.weights_digest,
        }
    )


def zipped(files: Mapping[str, bytes]) -> bytes:
    """The bytes of a zip of these files: the same for the same files, on every machine."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _TIME)
            entry.create_system = 3  # a Unix, wherever it is made
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, files[name])
    return out.getvalue()


def _instructions(record: AuditRecord, run_files: Mapping[str, bytes], *, extended: bool) -> bytes:
    environment = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(shipped("templates/pack")),
        autoescape=False,  # plain text: there is nothing to escape
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    try:
        signer = fingerprint(run_files[CERTIFICATE])
    except (KeyError, ValueError) as error:
        raise EvidenceError(f"{CERTIFICATE} is missing, or not a certificate") from error
    text = environment.get_template("VERIFY.txt.j2").render(
        run_id=record.run_id,
        verdict=record.verdict.replace("_", " "),
        certificate=signer,
        level=_LEVELS[record.signing.key_level],
        tool=tool(),
        pdf=PDF in run_files,
        html=HTML in run_files,
        committed=COMMITMENT in run_files,
        extended=extended,
        root_digest=record.model.root_digest,
        manifest_digest=record.model.manifest_digest,
    )
    return text.encode("utf-8")
