"""Latents replaced alone, as a table: one row for each head as a whole, then one for each of its latents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from auditkit.circuits.intervals import rounded
from auditkit.messages import _, number_text
from auditkit.records.base import NotAssessed
from auditkit.records.causal import Causal
from auditkit.records.latents import HeadLatents, VerifiedLatents
from auditkit.records.task import TaskRecord
from auditkit.report.wording import absent_text, decimal_text, listed, range_text


@dataclass(frozen=True)
class VerifiedRow:
    """A head as a whole (``whole`` says all of it), or one latent of the head named above it."""

    head: str
    whole: str
    latent: str = ""
    code: str = ""
    alone: str = ""
    interval: str = ""
    attributed: str = ""
    together: str = ""


def verified_rows(task: TaskRecord) -> tuple[tuple[VerifiedRow, ...], str, str]:
    """The rows, a note on the signature, and the words in their place where nothing was replaced."""
    if not isinstance(task.causal, Causal):
        return (), "", absent_text(task.causal)
    latents = task.causal.latents
    if isinstance(latents, NotAssessed):
        return (), "", absent_text(latents)
    return tuple(row for head in latents.heads for row in _rows(head)), _note(latents), ""


def _rows(head: HeadLatents) -> Iterator[VerifiedRow]:
    yield VerifiedRow(head.head, _whole(head))
    for latent, lost in zip(head.tried, head.together, strict=True):
        yield VerifiedRow(
            head=head.head,
            whole="",
            latent=number_text(latent.latent),
            code=str(latent.code),
            alone=decimal_text(latent.effect.mean),
            interval=range_text(latent.effect),
            attributed=decimal_text(latent.attributed),
            together=decimal_text(_mean(lost)),
        )


def _whole(head: HeadLatents) -> str:
    measured = _(
        "the whole head {exact}; all its latents {all}; what they do not reconstruct {rest}.",
        exact=decimal_text(_mean(head.exact)),
        all=decimal_text(_mean(head.all_latents)),
        rest=decimal_text(_mean(head.unexplained)),
    )
    if isinstance(head.carrying, NotAssessed):
        return f"{measured} {head.carrying.reason}"
    names = {each.code: str(each.latent) for each in head.tried}
    carried = _(
        "Latents that carry the head's effect: {latents}.",
        latents=listed(names[code] for code in head.carrying),
    )
    return f"{measured} {carried}"


def _note(latents: VerifiedLatents) -> str:
    return _(
        "Measured on {pairs} pairs. Codes that at least {least} of them carry, each by a measured effect: "
        "{codes}.",
        pairs=number_text(len(latents.pairs)),
        least=number_text(latents.quorum_count),
        codes=listed(map(str, latents.signature)),
    )


def _mean(values: Sequence[Decimal]) -> Decimal:
    return rounded(sum(map(Fraction, values), Fraction(0)) / len(values))
