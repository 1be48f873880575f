"""The back of the report: identity in full, environment, files, store, law, retention, commands."""

from __future__ import annotations

from dataclasses import dataclass

from auditkit.law import Law, retention_end
from auditkit.law.law import Confidence
from auditkit.messages import N_, _, counted, filled, number_text
from auditkit.records.audit import AuditRecord, Memory
from auditkit.records.model import Pin, PinnedDigest, ReadFrom
from auditkit.report.facts import Fact, declared_fact, quoted_fact, recorded_fact
from auditkit.report.sections.front import criteria
from auditkit.report.wording import as_declared, instant_text, sentence

_PEAK_OF = {
    "process": N_("{n} MiB (held by the whole process, interpreter and libraries included)"),
    "device": N_("{n} MiB (held by torch on the device)"),
}
"""The most memory held, by what it is the most of."""


@dataclass(frozen=True)
class FileView:
    """One file of the model."""

    path: str
    size: str
    sha256: str


@dataclass(frozen=True)
class RegisterRowView:
    """One date of the legal register."""

    date: str
    scope: str
    basis: str
    confidence: str


@dataclass(frozen=True)
class StandardView:
    """One standard, or one set of guidelines, and its state."""

    id: str
    subject: str
    state: str
    confidence: str


@dataclass(frozen=True)
class PersonView:
    """One line for a responsible person to fill in."""

    act: str
    name: str
    function: str
    date: str
    signature: str


@dataclass(frozen=True)
class CommandView:
    """One command, what it does, and what has to be at hand for it."""

    purpose: str
    command: str
    needs: tuple[Fact, ...]


@dataclass(frozen=True)
class AppendixView:
    """Everything after the tasks, and the declarations in full."""

    declarations: tuple[Fact, ...]
    model: tuple[Fact, ...]
    layers: str
    files: tuple[FileView, ...]
    environment: tuple[Fact, ...]
    tool: tuple[Fact, ...]
    store: tuple[Fact, ...]
    absent_store: str
    law_status: str
    law_source: str
    law_acts: tuple[Fact, ...]
    law_rows: tuple[RegisterRowView, ...]
    law_confidence: tuple[Fact, ...]
    standards_note: str
    standards: tuple[StandardView, ...]
    guidelines: tuple[StandardView, ...]
    retention: tuple[str, ...]
    retention_basis: str
    commands: tuple[CommandView, ...]
    persons: tuple[PersonView, ...]
    operator: str


def _high_risk(record: AuditRecord) -> str | None:
    risk = record.system.high_risk
    if risk is None:
        return None
    if risk.point is None:
        return _("Annex {annex}", annex=risk.annex)
    return _("Annex {annex}, point {point}", annex=risk.annex, point=as_declared(risk.point))


def _declarations(record: AuditRecord, law: Law) -> tuple[Fact, ...]:
    system, who = record.system, record.policy.declared_by
    name, role = as_declared(who.name), as_declared(who.role)
    return (
        quoted_fact(_("System"), system.name),
        quoted_fact(_("Version"), system.version),
        declared_fact(_("Classified as high-risk under"), _high_risk(record)),
        declared_fact(_("Placed on the market"), system.placed_on_market, _("no date declared")),
        quoted_fact(_("Provider"), system.provider.name),
        declared_fact(_("Policy declared by"), _("{name}, {role}", name=name, role=role)),
        Fact(_("Criteria fixed before the run"), criteria(record, law)),
    )


def _model(record: AuditRecord) -> tuple[Fact, ...]:
    model = record.model
    revision = _("none recorded") if model.revision is None else model.revision
    return (
        recorded_fact(_("Name"), as_declared(model.name)),
        recorded_fact(_("Revision"), revision),
        recorded_fact(_("Architecture"), model.architecture),
        recorded_fact(_("Parameters"), number_text(model.n_parameters)),
        recorded_fact(_("Weights digest (weight files)"), model.weights_digest, code=True),
        recorded_fact(
            _("Manifest digest (names, sizes, contents)"), model.manifest_digest, code=True
        ),
        recorded_fact(
            _("Root digest (contents, OpenSSF Model Signing)"), model.root_digest, code=True
        ),
        recorded_fact(_("Tokenizer digest"), model.tokenizer_digest, code=True),
        recorded_fact(_("Files loaded from"), _(_READ_FROM[model.read_from])),
        recorded_fact(
            _("Files fixed by the policy"), " ".join(map(_pin, model.pinned)) or _(_NOT_PINNED)
        ),
    )


_READ_FROM: dict[ReadFrom, str] = {
    "snapshot": N_(
        "a private copy, which was written while the files were hashed, and hashed again after loading"
    ),
    "folder": N_(
        "the model folder itself, which was hashed before loading, after loading and after the last "
        "measurement; no private copy was made"
    ),
    "memory": N_("no file: the model was built in memory"),
}
_NOT_PINNED = N_("no: the digests above are those of the files found, whichever they were")


def _pin(pin: Pin) -> str:
    if isinstance(pin, PinnedDigest):
        if pin.by == "root_digest":
            return _("By their root digest, which is the one above.")
        return _("By their weights digest, which is the one above.")
    if pin.subject is None:
        return _(
            "By a signature over each of them, {bundle}, of key {key}. When it was made is not known.",
            bundle=pin.bundle,
            key=pin.key,
        )
    return _(
        "By a signature over each of them, {bundle}, of {subject} (key {key}). When it was made is not "
        "known.",
        bundle=pin.bundle,
        subject=as_declared(pin.subject),
        key=pin.key,
    )


_BY_INTERFACE = N_(
    "Where the output of each head stands was observed by running the model once: the output of its "
    "attention function is the input of the layer that projects it."
)
_BY_STRUCTURE = N_(
    "The model has attention functions of its own. Its heads were assumed to stand side by side at the input "
    "of the last layer of its attention, as such layers are written; that was not observed."
)


def _layers(record: AuditRecord) -> str:
    layers = record.model.layers
    sizes = sorted({layer.n_heads for layer in layers})
    each = _("with differing numbers of heads")
    if len(sizes) == 1:
        each = counted(sizes[0], "{n} head each", "{n} heads each")
    total = sum(layer.n_heads for layer in layers)
    assumed = any(layer.found_by == "structure" for layer in layers)
    counts = _(
        "{layers}, {each}: {heads} in all.",
        layers=counted(len(layers), "{n} attention layer", "{n} attention layers"),
        each=each,
        heads=counted(total, "{n} head", "{n} heads"),
    )
    return f"{counts} {_(_BY_STRUCTURE if assumed else _BY_INTERFACE)}"


def _environment(record: AuditRecord) -> tuple[Fact, ...]:
    where = record.environment
    return (
        recorded_fact(_("Python"), where.python),
        recorded_fact(_("Platform"), where.platform),
        recorded_fact(_("torch"), where.torch),
        recorded_fact(_("transformers"), where.transformers),
        recorded_fact(_("Device"), where.device),
        recorded_fact(_("Number format"), where.dtype),
        recorded_fact(_("Threads"), number_text(where.threads)),
        *_memory(where.memory),
    )


def _memory(memory: Memory) -> tuple[Fact, ...]:
    """What the run was given and what it took; how it kept within that."""
    return (
        recorded_fact(_("Memory given"), _("{n} MiB", n=memory.budget >> 20)),
        recorded_fact(_("Most memory held"), _(_PEAK_OF[memory.peak_of], n=memory.peak >> 20)),
        recorded_fact(
            _("Layers"),
            _("read from the model's files whenever they ran")
            if memory.layers_offloaded
            else _("in memory"),
        ),
        recorded_fact(
            _("Head outputs"),
            _("in temporary files") if memory.outputs_in_files else _("in memory"),
        ),
    )


def _tool(record: AuditRecord) -> tuple[Fact, ...]:
    return (
        recorded_fact(_("Tool"), f"{record.tool.name} {record.tool.version}"),
        recorded_fact(_("Source digest"), record.tool.source_digest, code=True),
        recorded_fact(_("Record schema"), record.schema_version),
        recorded_fact(_("Run"), record.run_id, code=True),
        recorded_fact(
            _("Replaces the record of"),
            _("no earlier run") if record.supersedes is None else record.supersedes,
        ),
        recorded_fact(_("Started"), instant_text(record.times.started)),
        recorded_fact(_("Finished"), instant_text(record.times.finished)),
    )


def _store(record: AuditRecord) -> tuple[tuple[Fact, ...], str]:
    mark = record.checkpoint
    if mark is None:
        return (
            (),
            _("This record carries no checkpoint: it was not yet stored when the report was made."),
        )
    return (
        recorded_fact(_("Store"), mark.origin),
        recorded_fact(_("Records in the store"), number_text(mark.tree_size)),
        recorded_fact(_("Place of this record, counted from 0"), number_text(mark.leaf_index)),
        recorded_fact(_("Leaf hash"), mark.leaf_hash, code=True),
        recorded_fact(_("Root hash"), mark.root_hash, code=True),
        recorded_fact(_("Key of the signed checkpoint"), mark.verifier_key, code=True),
    ), ""


def _confidence(law: Law, level: Confidence) -> str:
    return law.legal_register.confidence_words[level].word


def _law_rows(law: Law) -> tuple[RegisterRowView, ...]:
    return tuple(
        RegisterRowView(
            date=row.date,
            scope=row.scope if row.note is None else f"{sentence(row.scope)} {row.note}",
            basis=row.basis,
            confidence=_confidence(law, row.confidence),
        )
        for row in law.legal_register.rows
    )


def _standards(law: Law) -> tuple[StandardView, ...]:
    return tuple(
        StandardView(one.id, one.subject, one.state, _confidence(law, one.confidence))
        for one in law.legal_register.standards
    )


def _guidelines(law: Law) -> tuple[StandardView, ...]:
    return tuple(
        StandardView(one.id, "", one.state, _confidence(law, one.confidence))
        for one in law.legal_register.guidelines
    )


def _retention(record: AuditRecord, law: Law) -> tuple[str, ...]:
    rule, placed = law.legal_register.retention, record.system.placed_on_market
    if placed is None:
        return rule.text, rule.without_date
    until = retention_end(placed, rule.years)
    return rule.text, filled(rule.with_date, {"placed_on_market": placed, "keep_until": until})


def _commands(record: AuditRecord) -> tuple[CommandView, ...]:
    return (
        CommandView(
            purpose=_(
                "Run the same audit again. Figures may differ in the last digits on another machine"
            ),
            command="auditkit run policy.yaml",
            needs=(
                recorded_fact(_("Tool"), f"{record.tool.name} {record.tool.version}"),
                recorded_fact(_("Policy digest"), record.policy.sha256, code=True),
                recorded_fact(_("Model root digest"), record.model.root_digest, code=True),
            ),
        ),
        CommandView(
            purpose=_(
                "Run the model again and compare what is measured with this record, within its stated "
                "intervals"
            ),
            command=_(
                "auditkit reproduce {directory} --model {folder}",
                directory=f"<{_('run directory')}>",
                folder=f"<{_('model folder')}>",
            ),
            needs=(),
        ),
        CommandView(
            purpose=_(
                "Check signatures, digests and store, and derive circuit and verdict again from the recorded "
                "evidence, without the model"
            ),
            command=_("auditkit verify {directory}", directory=f"<{_('run directory')}>"),
            needs=(),
        ),
    )


def _operator(record: AuditRecord) -> str:
    who = record.operator
    named = None if who.name is None else as_declared(who.name)
    by = _("No operator was named.") if named is None else _("Operator: {name}.", name=named)
    how = _("The run was started by an automated process.") if who.automated else ""
    return f"{by} {how}".strip()


def appendix_view(record: AuditRecord, law: Law) -> AppendixView:
    """The back of the report on this record."""
    register = law.legal_register
    store, absent_store = _store(record)
    return AppendixView(
        declarations=_declarations(record, law),
        model=_model(record),
        layers=_layers(record),
        files=tuple(
            FileView(file.path, number_text(file.size), file.sha256)
            for file in record.model.manifest
        ),
        environment=_environment(record),
        tool=_tool(record),
        store=store,
        absent_store=absent_store,
        law_status=filled(
            register.status,
            {
                "version": register.version,
                "read_on": register.read_on,
                "review_by": register.review_by,
                "standards_checked_on": register.standards_checked_on,
            },
        ),
        law_source=law.source_note,
        law_acts=(
            Fact(_("Regulation"), register.base_act),
            Fact(_("Amended by"), register.amending_act),
        ),
        law_rows=_law_rows(law),
        law_confidence=tuple(
            Fact(each.word, each.meaning) for each in register.confidence_words.values()
        ),
        standards_note=filled(
            register.standards_note, {"standards_checked_on": register.standards_checked_on}
        ),
        standards=_standards(law),
        guidelines=_guidelines(law),
        retention=_retention(record, law),
        retention_basis=register.retention.basis,
        commands=_commands(record),
        persons=tuple(
            PersonView(act, _("not named"), _("not stated"), _("not dated"), _("not signed"))
            for act in (_("Prepared by"), _("Reviewed by"), _("Approved by"))
        ),
        operator=_operator(record),
    )
