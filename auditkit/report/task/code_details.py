"""The details of a task's codes as finished strings: token roles, latents, envelope over settings."""

from __future__ import annotations

from dataclasses import dataclass

from auditkit.messages import N_, _, counted, number_text
from auditkit.records.base import NotAssessed
from auditkit.records.codes import CodeEnvelope, HeadRoles, Latent, Role, TokenRoles, TopExample
from auditkit.records.prompts import PromptPair
from auditkit.records.task import Circuit, Codes, TaskRecord
from auditkit.report.drawings.charts import frequency_chart
from auditkit.report.drawings.svg import Chart
from auditkit.report.facts import Fact, measured_fact
from auditkit.report.task.verified_latents import VerifiedRow, verified_rows
from auditkit.report.wording import MINUS, absent_text, decimal_text, listed

LATENTS_SHOWN = 3
"""More latents of one head than this are left to the evidence file, and the report says how many."""

HEADS_DRAWN = 24
"""More heads than this are left out of the picture, and the report says so."""


ROLES: dict[Role, str] = {
    "first difference": N_("first difference"),
    "second difference": N_("second difference"),
    "later difference": N_("later difference"),
    "repeat of a difference": N_("repeat of a difference"),
    "after a difference": N_("after a difference"),
    "before any difference": N_("before any difference"),
    "elsewhere": N_("elsewhere"),
    "last": N_("last"),
    "first": N_("first"),
    "mask": N_("mask"),
}
"""Token roles as a reader sees them."""

_TOPS = {
    ("positive", True): N_(
        "prompt of example {example} (printed above), position {place}, {role}: {size}"
    ),
    ("positive", False): N_("prompt of example {example}, position {place}, {role}: {size}"),
    ("negative", True): N_(
        "matched prompt of example {example} (printed above), position {place}, {role}: {size}"
    ),
    ("negative", False): N_(
        "matched prompt of example {example}, position {place}, {role}: {size}"
    ),
}


@dataclass(frozen=True)
class RoleRow:
    """One head, or all positions alike, with a share per role; ``absent`` stands for missing shares."""

    name: str
    shares: tuple[str, ...]
    absent: str


@dataclass(frozen=True)
class LatentView:
    """One latent of a circuit head."""

    head: str
    latent: str
    support: str
    effect: str
    excited_by: str


@dataclass(frozen=True)
class CodeDetails:
    """What a task's section prints beside its screening. An ``absent_...`` text stands for a part."""

    roles: tuple[str, ...]
    role_rows: tuple[RoleRow, ...]
    absent_roles: str
    latents: tuple[LatentView, ...]
    latents_note: str
    absent_latents: str
    verified: tuple[VerifiedRow, ...]
    verified_note: str
    absent_verified: str
    envelope: tuple[Fact, ...]
    frequencies: Chart | None
    frequencies_note: str
    absent_envelope: str


def code_details(task: TaskRecord) -> CodeDetails | None:
    """The details of a task's codes, or ``None`` where there are no codes."""
    codes = task.codes
    if not isinstance(codes, Codes):
        return None
    latents, note, absent_latents = _latents(task, codes)
    chart, frequencies_note = _frequencies(codes.envelope)
    verified, verified_note, absent_verified = verified_rows(task)
    return CodeDetails(
        roles=()
        if isinstance(codes.roles, NotAssessed)
        else tuple(_(ROLES[role]) for role in codes.roles.roles),
        role_rows=() if isinstance(codes.roles, NotAssessed) else _role_rows(codes.roles),
        absent_roles=absent_text(codes.roles),
        latents=latents,
        latents_note=note,
        absent_latents=absent_latents,
        verified=verified,
        verified_note=verified_note,
        absent_verified=absent_verified,
        envelope=_envelope(codes.envelope),
        frequencies=chart,
        frequencies_note=frequencies_note,
        absent_envelope=absent_text(codes.envelope),
    )


def _role_rows(roles: TokenRoles) -> tuple[RoleRow, ...]:
    alike = tuple(decimal_text(share) for share in roles.positions)
    return (
        RoleRow(_("all positions alike"), alike, ""),
        *(_role_row(each) for each in roles.heads),
    )


def _role_row(head: HeadRoles) -> RoleRow:
    if isinstance(head.shares, NotAssessed):
        return RoleRow(head.head, (), absent_text(head.shares))
    return RoleRow(head.head, tuple(decimal_text(share) for share in head.shares), "")


def _latents(task: TaskRecord, codes: Codes) -> tuple[tuple[LatentView, ...], str, str]:
    """The largest latents of each circuit head, what is left out, and the words where there are none."""
    if isinstance(codes.latents, NotAssessed):
        return (), "", absent_text(codes.latents)
    heads = task.circuit.heads if isinstance(task.circuit, Circuit) else ()
    shown = [
        latent
        for head in heads
        for latent in sorted(
            (each for each in codes.latents if each.head == head),
            key=lambda each: -abs(each.mean_effect),
        )[:LATENTS_SHOWN]
    ]
    with_latent = {latent.head for latent in shown}
    without = [head for head in heads if head not in with_latent]
    left = len(codes.latents) - len(shown)
    sentences = [
        counted(
            left,
            "{n} more latent of the signature, of these or of other heads, is in evidence.json.",
            "{n} more latents of the signature, of these or of other heads, are in evidence.json.",
        )
        if left
        else _("These are all latents of the signature."),
        _("Circuit heads without a latent in the signature: {heads}.", heads=listed(without)),
    ]
    views = tuple(_latent(each, task.examples.shown) for each in shown)
    absent = "" if views else _("None: no latent of a circuit head is in the signature.")
    return views, " ".join(sentences) if views else "", absent


def _latent(latent: Latent, shown: PromptPair | NotAssessed) -> LatentView:
    return LatentView(
        head=latent.head,
        latent=str(latent.latent),
        support=number_text(latent.support),
        effect=decimal_text(latent.mean_effect),
        excited_by="; ".join(_top(each, shown) for each in latent.top),
    )


def _top(top: TopExample, shown: PromptPair | NotAssessed) -> str:
    printed = top.example == 0 and isinstance(shown, PromptPair)
    values = {
        "example": str(top.example),
        "place": str(top.position).replace("-", MINUS),
        "role": _(ROLES[top.role]),
        "size": decimal_text(top.size),
    }
    return _(_TOPS[top.prompt, printed], **values)


def _envelope(envelope: CodeEnvelope | NotAssessed) -> tuple[Fact, ...]:
    if isinstance(envelope, NotAssessed):
        return ()
    settings = envelope.settings
    seeds = {one.seed for one in settings}
    taus = sorted({one.tau for one in settings})
    quorums = sorted({one.quorum for one in settings})
    always = [each.head for each in envelope.frequencies if each.frequency == 1]
    return (
        measured_fact(
            _("Combinations"),
            _(
                "{n}: {seeds}; tau {taus}; quorum {quorums}",
                n=len(settings),
                seeds=counted(len(seeds), "{n} autoencoder seed", "{n} autoencoder seeds"),
                taus=listed(map(decimal_text, taus)),
                quorums=listed(map(decimal_text, quorums)),
            ),
        ),
        measured_fact(
            _("Mean overlap of the heads of two combinations"),
            decimal_text(envelope.mean_jaccard),
        ),
        measured_fact(_("Over thresholds alone"), decimal_text(envelope.over_thresholds)),
        measured_fact(_("Over seeds alone"), decimal_text(envelope.over_seeds)),
        measured_fact(
            _("Over seeds alone, counting only heads with a latent's code"),
            decimal_text(envelope.over_seeds_latents),
        ),
        measured_fact(_("Heads with a code in every combination"), listed(always)),
    )


def _frequencies(envelope: CodeEnvelope | NotAssessed) -> tuple[Chart | None, str]:
    if isinstance(envelope, NotAssessed) or not envelope.frequencies:
        return None, ""
    ordered = sorted(envelope.frequencies, key=lambda each: -each.frequency)
    left = len(ordered) - HEADS_DRAWN
    note = counted(
        left,
        "The {shown} most frequent heads. {n} more head had a code in some combination; it is in "
        "evidence.json.",
        "The {shown} most frequent heads. {n} more heads had a code in some combination; they are in "
        "evidence.json.",
        shown=HEADS_DRAWN,
    )
    chart = frequency_chart([(e.head, e.frequency) for e in ordered[:HEADS_DRAWN]])
    return chart, note if left > 0 else ""
