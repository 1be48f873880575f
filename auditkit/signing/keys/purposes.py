"""What a certificate says that its key is for, and whom it names."""

from __future__ import annotations

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from auditkit.signing.keys.signer import is_authority, load_certificate

_FOR_DOCUMENTS = frozenset(
    {
        ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE.dotted_string,
        ExtendedKeyUsageOID.EMAIL_PROTECTION.dotted_string,  # many seals have it beside nothing else
        "1.3.6.1.5.5.7.3.36",  # signing of documents, RFC 9336
        "1.3.6.1.4.1.311.10.3.12",  # the same, Microsoft's
        "1.2.840.113583.1.1.5",  # the same, Adobe's
    }
)


def not_for_signing(certificate_pem: bytes) -> str:
    """Why a certificate (PEM) is not one to sign documents with; empty where it is.

    It may not be an authority's, must allow digital signatures or non-repudiation where it limits its use
    (RFC 5280, 4.2.1.3), and may not be for other purposes only (4.2.1.12).

    Raises:
        ValueError: the bytes are not one PEM certificate.
    """
    if is_authority(certificate_pem):
        return "it is an authority's, which issues others"
    extensions = load_certificate(certificate_pem).extensions
    try:
        usage = extensions.get_extension_for_class(x509.KeyUsage).value
        if not (usage.digital_signature or usage.content_commitment):
            return "its key usage has neither digitalSignature nor nonRepudiation"
    except x509.ExtensionNotFound:
        pass
    try:
        purposes = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return ""
    named = {purpose.dotted_string for purpose in purposes}
    return "" if named & _FOR_DOCUMENTS else f"its extended key usage is {', '.join(sorted(named))}"


def names_in(certificate_pem: bytes) -> frozenset[str]:
    """The names a certificate (PEM) gives its subject: the whole one (RFC 4514), and each common name and
    organisation.

    Raises:
        ValueError: the bytes are not one PEM certificate.
    """
    subject = load_certificate(certificate_pem).subject
    parts = [
        str(name.value)
        for oid in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME)
        for name in subject.get_attributes_for_oid(oid)
    ]
    return frozenset((subject.rfc4514_string(), *parts))
