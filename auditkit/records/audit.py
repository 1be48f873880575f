"""The record of one audit run: what ``evidence.json`` holds, what the store keeps, what a report shows."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from auditkit.records.base import (
    AtLeastOne,
    Coded,
    Count,
    Instant,
    Language,
    Record,
    RunId,
    Sha256,
)
from auditkit.records.calibration import Calibration
from auditkit.records.declared import Date, Declarer, Statement, System
from auditkit.records.model import ModelIdentity
from auditkit.records.task import TaskRecord, Verdict

KeyLevel = Literal["development", "self_signed", "organisation"]
"""What a signing certificate rests on: a development key names nobody, a self-signed certificate
names whom it likes, and in an organisation's the issuing authority states whose it is."""

KeyKind = Literal["development", "pkcs12", "pkcs11", "csc"]
"""Where the private key is: a file of auditkit's own, a PKCS#12 file, a token, a remote service."""

PadesLevel = Literal["B-B", "B-T", "B-LT", "B-LTA"]
"""The baseline level of the PDF's signature (ETSI EN 319 142-1)."""


class Tool(Record):
    """Which auditkit made the record; ``source_digest`` covers the package's own source files."""

    name: Literal["auditkit"]
    version: str
    source_digest: Sha256


class Memory(Record):
    """The memory a run was given, in bytes, and the most it held before its record was made.

    ``peak_of`` says of what: the whole process since it began, interpreter and libraries included, or
    what torch held on the device. Two runs of the same audit differ in it. ``layers_offloaded``: layers
    were read from the model's files whenever they ran. ``outputs_in_files``: head outputs were kept in
    temporary files.
    """

    budget: AtLeastOne
    peak: AtLeastOne
    peak_of: Literal["process", "device"]
    layers_offloaded: bool
    outputs_in_files: bool


class Environment(Record):
    """Where the model ran. Numbers may differ in the last digits elsewhere."""

    python: str
    platform: str
    torch: str
    transformers: str
    device: str
    dtype: str
    threads: AtLeastOne
    memory: Memory


class Commitment(Record):
    """A signature over the policy that was there before the run (``policy.yaml.p7s``, by its digest).

    ``signed_at`` is the signer's own word. ``timestamped_at`` is what a timestamp over the signature states,
    and ``authority`` who made that; ``None`` where there is no timestamp.
    """

    sha256: Sha256
    certificate_sha256: Sha256
    signer: str
    signed_at: Instant
    timestamped_at: Instant | None
    authority: str | None


class PolicyReference(Record):
    """The policy by the digest of its bytes as read. ``committed_at`` is ``None`` when nothing shows
    that the policy was fixed before the run (Article 9(8)): it is then only declared so."""

    sha256: Sha256
    declared_by: Declarer
    committed_at: Instant | None
    commitment: Commitment | None = None


class Limitation(Coded):
    """A limit of what this report says, printed on page 1 (``auditkit.judging.limitations``)."""

    SENTENCE = "text"

    text: str


class Editions(Record):
    """Which edition of the rules judged the record, and what laid out its page.

    ``rules`` counts from 1 (``auditkit.judging.editions``). ``page`` is the digest of the templates, fonts,
    words and code that the page is made with; records of schema 1 do not name it.
    """

    rules: Annotated[int, Field(ge=1)]
    page: Sha256 | None


class LegalRegisterReference(Record):
    """Which edition of the legal register the report prints."""

    version: str
    read_on: Date
    review_by: Date


class Times(Record):
    """When the run started and when its last measurement was taken, UTC."""

    started: Instant
    finished: Instant


class Operator(Record):
    """Who ran the audit. ``name`` is ``None`` when nobody was named on the command line."""

    name: str | None
    automated: bool


class TemplateFile(Record):
    """A provider's own template for a section of the report, by the digest of its bytes."""

    name: Annotated[str, Field(pattern=r"^[a-z_]+\.html\.j2$")]
    sha256: Sha256


class ReportSettings(Record):
    """How the report is to be presented. ``templates`` are the provider's own, none by default."""

    language: Language
    formats: tuple[Literal["html", "pdf"], ...]
    templates: tuple[TemplateFile, ...]


class Checkpoint(Record):
    """The evidence store's state after this record was appended (RFC 6962 Merkle tree).

    ``origin`` names the store, ``tree_size`` counts its records, ``leaf_index`` is this one's place.
    ``root_hash`` follows from ``leaf_hash`` by ``inclusion_proof`` (leaf's sibling first). ``note`` states
    origin, size and root again (C2SP tlog-checkpoint), signed with the key ``verifier_key`` (C2SP
    signed-note, Ed25519).
    """

    origin: str
    tree_size: AtLeastOne
    leaf_index: Count
    leaf_hash: Sha256
    root_hash: Sha256
    inclusion_proof: tuple[Sha256, ...]
    note: str
    verifier_key: str


class Signing(Record):
    """How the report is signed, settled before it is: the signing reaches this or fails as a whole.

    ``subject`` and ``issuer`` are the certificate's names (RFC 4514). ``timestamp_url`` is the
    RFC 3161 service, ``None`` at level B-B. ``visible``: page 1 of the PDF shows a picture of the seal.
    """

    key_level: KeyLevel
    key_kind: KeyKind
    subject: str
    issuer: str
    pades: PadesLevel
    timestamp_url: str | None
    visible: bool


class AuditRecord(Record):
    """Everything one run measured, declared and concluded.

    ``checkpoint`` is ``None`` only before the record is stored: the stored bytes are the record
    without it, and ``evidence.json`` is the record with it. Evidence of an older schema is read as a
    record too (``auditkit.records.schema_2``), and keeps the number of its own schema.
    """

    schema_version: Literal["1", "2", "3"]
    editions: Editions
    run_id: RunId
    supersedes: RunId | None
    tool: Tool
    environment: Environment
    policy: PolicyReference
    system: System
    model: ModelIdentity
    calibration: Calibration
    tasks: Annotated[tuple[TaskRecord, ...], Field(min_length=1)]
    verdict: Verdict
    instructions_for_use: dict[str, Statement]
    limitations: Annotated[tuple[Limitation, ...], Field(min_length=1)]
    legal_register: LegalRegisterReference
    report: ReportSettings
    signing: Signing
    operator: Operator
    times: Times
    checkpoint: Checkpoint | None

    def under(self, checkpoint: Checkpoint | None) -> AuditRecord:
        """The same record under this checkpoint of the store, or as the store keeps it: under none."""
        parts = {name: getattr(self, name) for name in type(self).model_fields}
        return AuditRecord(**{**parts, "checkpoint": checkpoint})
