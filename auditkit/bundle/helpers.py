"""What is packed beside a run: instructions, a verifier, and the model's manifest.

They are functions of the record and of the build that seals it, so that the run's attestation covers them
before anybody packs: whoever changes the verifier of a pack has a signature against them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from auditkit.bundle.names import COMMITMENT, HTML, PDF
from auditkit.digest import canonical_json
from auditkit.errors import EvidenceError
from auditkit.model.fingerprint import signing_statement
from auditkit.records.audit import AuditRecord, KeyLevel
from auditkit.records.model import ModelIdentity
from auditkit.resources import shipped, tool
from auditkit.signing.dsse import Descriptor, describe
from auditkit.signing.keys.signer import fingerprint

INSTRUCTIONS = "VERIFY.txt"
VERIFIER = "verify.py"
MODEL_MANIFEST = "model-manifest.json"
HELPERS = frozenset({INSTRUCTIONS, VERIFIER, MODEL_MANIFEST})

SIGNED_AS = "pack/"
"""Stands before their names in the attestation: they are no files of the run."""

_LEVELS: dict[KeyLevel, str] = {
    "development": "a development key of auditkit: it names nobody and is no qualified seal",
    "self_signed": "a self-signed certificate: nobody else vouches for the name in it",
    "organisation": "an organisation's certificate: the name in it is stated by its issuer",
}


def helpers(
    record: AuditRecord, run_names: Collection[str], certificate: bytes
) -> dict[str, bytes]:
    """The files that this build packs beside a run of these files, by name.

    Raises:
        EvidenceError: the signer's certificate (PEM) cannot be read.
    """
    return {
        INSTRUCTIONS: _instructions(record, run_names, certificate),
        MODEL_MANIFEST: model_manifest(record.model),
        VERIFIER: shipped("templates/pack/verify.py").read_bytes(),
    }


def described(packed: Mapping[str, bytes]) -> list[Descriptor]:
    """What the attestation says of these helpers, by name."""
    return [describe(f"{SIGNED_AS}{name}", packed[name]) for name in sorted(packed)]


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


def _instructions(record: AuditRecord, run_names: Collection[str], certificate: bytes) -> bytes:
    environment = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(shipped("templates/pack")),
        autoescape=False,  # plain text: there is nothing to escape
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    try:
        signer = fingerprint(certificate)
    except ValueError as error:
        raise EvidenceError("the signer's certificate is not one") from error
    text = environment.get_template("VERIFY.txt.j2").render(
        run_id=record.run_id,
        verdict=record.verdict.replace("_", " "),
        certificate=signer,
        level=_LEVELS[record.signing.key_level],
        tool=tool(),
        pdf=PDF in run_names,
        html=HTML in run_names,
        committed=COMMITMENT in run_names,
        root_digest=record.model.root_digest,
        manifest_digest=record.model.manifest_digest,
    )
    return text.encode("utf-8")
