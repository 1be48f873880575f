"""Whose a report is and what it is about: pinned signers, purposes of certificates, and replays."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from auditkit.bundle.evidence import parse_evidence
from auditkit.signing.keys.purposes import names_in, not_for_signing
from auditkit.signing.keys.signer import fingerprint
from auditkit.verifying import Asked, Brought, verify
from tests.conftest import SAMPLES, CommandLine

RUN = SAMPLES["not_consistent"]
PEM = (RUN / "certificate.pem").read_bytes()
RECORD = parse_evidence((RUN / "evidence.json").read_bytes())
NOW = datetime(2026, 11, 20, tzinfo=UTC)
OTHER = "sha256:" + "0" * 64


def certificate(*extensions: x509.ExtensionType) -> bytes:
    """A self-made certificate with these extensions."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, "Ada Example"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Example GmbH"),
        ]
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(days=1))
    )
    for each in extensions:
        builder = builder.add_extension(each, critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def usage(**allowed: bool) -> x509.KeyUsage:
    names = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    )
    return x509.KeyUsage(**{name: allowed.get(name, False) for name in names})


@pytest.mark.parametrize(
    ("extensions", "problem"),
    [
        ((), ""),
        ((usage(digital_signature=True),), ""),
        ((usage(content_commitment=True),), ""),
        ((usage(key_encipherment=True),), "key usage"),
        ((x509.BasicConstraints(ca=True, path_length=None),), "an authority's"),
        ((x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]),), "extended key usage"),
        ((x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]),), "extended key usage"),
        ((x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]),), "extended key usage"),
        ((x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]),), ""),
        ((x509.ExtendedKeyUsage([x509.ObjectIdentifier("1.3.6.1.5.5.7.3.36")]),), ""),
    ],
)
def test_a_certificate_of_another_purpose_signs_no_report(
    extensions: tuple[x509.ExtensionType, ...], problem: str
) -> None:
    """An authority's, a server's, a timestamp service's; one that limits nothing may."""
    found = not_for_signing(certificate(*extensions))
    assert problem in found
    assert bool(found) == bool(problem)


def test_the_names_in_a_certificate_are_those_of_its_subject() -> None:
    """As a whole, and each by itself."""
    assert names_in(certificate()) == {
        "O=Example GmbH,CN=Ada Example",
        "Ada Example",
        "Example GmbH",
    }


def check_of(brought: Brought, name: str) -> tuple[str, str]:
    (found,) = [each for each in verify(RUN, brought).checks if each.id == name]
    return found.outcome, found.detail


def test_a_signer_is_pinned_by_the_certificate_itself() -> None:
    """Its digest is trust enough; any other digest fails, whatever else is trusted."""
    assert check_of(Brought(), "certificate")[0] == "not_run"
    assert check_of(Brought(signers=frozenset({fingerprint(PEM)})), "certificate")[0] == "passed"
    for trusted in ((), (PEM,)):
        outcome, detail = check_of(
            Brought(trusted=trusted, signers=frozenset({OTHER})), "certificate"
        )
        assert (outcome, "none of the signers asked for" in detail) == ("failed", True)
    named = Brought(trusted=(PEM,), signer_names=("Somebody else",))
    assert check_of(named, "certificate")[0] == "failed"
    named = Brought(trusted=(PEM,), signer_names=("auditkit development key",))
    assert check_of(named, "certificate")[0] == "passed"


def test_whoever_is_trusted_with_timestamps_or_reviews_is_no_signer() -> None:
    """Each list serves for what it is named after."""
    for brought in (Brought(stamping=(PEM,)), Brought(reviewers=(PEM,))):
        assert check_of(brought, "certificate")[0] == "not_run"


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ({"weights": RECORD.model.weights_digest}, {"weights": OTHER}),
        ({"policy": RECORD.policy.sha256}, {"policy": OTHER}),
        ({"system": RECORD.system.name}, {"system": "Another system"}),
        ({"verdict": "not_consistent"}, {"verdict": "consistent"}),
        (
            {"not_before": datetime(2026, 11, 1, tzinfo=UTC)},
            {"not_before": datetime(2126, 11, 1, tzinfo=UTC)},
        ),
    ],
)
def test_an_honest_report_of_something_else_is_refused(
    right: dict[str, Any], wrong: dict[str, Any]
) -> None:
    """By the key that differs; nothing asked is not run."""
    assert check_of(Brought(), "asked")[0] == "not_run"
    assert check_of(Brought(asked=Asked(**right)), "asked") == ("passed", "as asked")
    outcome, detail = check_of(Brought(asked=Asked(**wrong)), "asked")
    (key,) = wrong
    said = "finished" if key == "not_before" else key
    assert (outcome, detail.startswith(f"{said}: ")) == ("failed", True)


def test_the_command_line_asks_and_says_who_vouches(auditkit_here: CommandLine) -> None:
    """Exit 0 without trust says that nobody vouches; ``--require-trusted`` makes it 3, a wrong verdict 5."""
    plain = auditkit_here("verify", RUN)
    assert plain.code == 0
    assert "the record's verdict: not consistent" in plain.out
    assert "Nobody vouches for the signer" in plain.out
    assert auditkit_here("verify", RUN, "--require-trusted").code == 3
    pin = fingerprint(PEM).removeprefix("sha256:").upper()
    colons = ":".join(pin[i : i + 2] for i in range(0, len(pin), 2))  # as openssl prints it
    trusted = auditkit_here("verify", RUN, "--require-trusted", "--signer", colons)
    assert (trusted.code, "Nobody vouches" in trusted.out) == (0, False)
    assert auditkit_here("verify", RUN, "--verdict", "consistent").code == 5
    assert auditkit_here("verify", RUN, "--signer", "sha256:12").code == 2
    said = auditkit_here("verify", RUN, "--json").json()
    assert (said["version"], said["ok"], said["trusted"]) == (1, True, False)
    assert (said["verdict"], said["run_id"]) == ("not_consistent", RECORD.run_id)
    assert said["fingerprint"] == fingerprint(PEM)
    assert said["weights_digest"] == RECORD.model.weights_digest
    assert said["policy_sha256"] == RECORD.policy.sha256
