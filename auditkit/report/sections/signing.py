"""What page 1 says of the signature: whose key, at which level, and what neither shows."""

from __future__ import annotations

from auditkit.messages import N_, _
from auditkit.records.audit import KeyLevel, PadesLevel, Signing
from auditkit.report.wording import as_declared

SIGNING_KEYS: dict[KeyLevel, str] = {
    "development": N_(
        "DEVELOPMENT KEY: it names nobody and makes neither an advanced nor a qualified seal. It shows only "
        "that bytes did not change since signing by the holder of that key."
    ),
    "self_signed": N_(
        "SELF-SIGNED CERTIFICATE: it makes neither an advanced nor a qualified seal. It states the name "
        "{subject}, and nobody else vouches for it."
    ),
    "organisation": N_(
        "ORGANISATION CERTIFICATE of {subject}, a name stated by its issuer, {issuer}; "
        "auditkit does not check it against the trusted lists of the EU and does not call it qualified."
    ),
}
SIGNING_LEVELS: dict[PadesLevel, str] = {
    "B-B": N_(
        "Level PAdES B-B: the time of signing is the signer's own word, and the signature can be "
        "judged while its certificate is valid."
    ),
    "B-T": N_(
        "Level PAdES B-T: a timestamp shows that the signature existed at its time. Whether the "
        "certificate was revoked is not in the file."
    ),
    "B-LT": N_(
        "Level PAdES B-LT: a timestamp shows that the signature existed at its time, and the file "
        "carries what shows that the certificate was not revoked then."
    ),
    "B-LTA": N_(
        "Level PAdES B-LTA: a timestamp over the whole file covers what shows that the certificate "
        "was not revoked when it was signed, so that the signature can be judged after the certificate's "
        "end, while the last timestamp's certificate is valid."
    ),
}
SEAL_IS_SHOWN = N_(
    "Page 1 of the PDF shows a picture of the seal; whether the seal holds is judged with auditkit "
    "verify, and not by that picture."
)
NAME_LIMIT = 120


def signing_text(signing: Signing) -> tuple[str, str]:
    """Whose key signs the report, and what the level of the signature shows."""
    said = _(
        SIGNING_KEYS[signing.key_level],
        subject=as_declared(signing.subject, NAME_LIMIT),
        issuer=as_declared(signing.issuer, NAME_LIMIT),
    )
    level = _(SIGNING_LEVELS[signing.pades])
    return said, " ".join((level, _(SEAL_IS_SHOWN))) if signing.visible else level
