"""Runs signed by keys of every kind verify, here and elsewhere; by weaker keys or digests they do not."""

from __future__ import annotations

import base64
import io
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import algos, pem
from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, padding, rsa
from pyhanko.pdf_utils.reader import PdfFileReader

from auditkit.bundle.run_files import publish
from auditkit.errors import EnvironmentUnavailableError, EvidenceError
from auditkit.signing import pdf as signing_pdf
from auditkit.signing.cades import check_detached, sign_detached
from auditkit.signing.commitment import read_commitment
from auditkit.signing.dsse import (
    PAYLOAD_TYPE,
    pre_authentication_encoding,
    sign_statement,
    statement_about,
    verify_envelope,
)
from auditkit.signing.keys.pkcs12 import pkcs12_key
from auditkit.signing.keys.schemes import ASK_FOR, PKCS1, RefusedKeyError, Scheme, public_key_of
from auditkit.signing.keys.signer import SigningKey, load_certificate
from auditkit.signing.pdf import countersign_pdf, sign_pdf
from auditkit.signing.seal import check_pdf_signature
from auditkit.signing.timestamps import PLAIN
from auditkit.store.evidence_store import EvidenceStore
from auditkit.verifying import Brought, protocol, verify
from tests.builders import audit_record, note_signer
from tests.pki import PASSPHRASE
from tests.signed_runs import (
    NOW,
    RUN_ID,
    bundle_of,
    measured_record,
    one_page_pdf,
    take_the_policy_as_it_is,
)
from tests.signers import KINDS, from_a_file, private_key, self_signed

FILES = {"evidence.json": b"{}", "policy.yaml": b"auditkit: 1\n"}
VERIFIER = Path(__file__).parents[2] / "templates" / "pack" / "verify.py"


@pytest.fixture(autouse=True)
def same_build(monkeypatch: pytest.MonkeyPatch) -> None:
    """The installed auditkit is the one that made the records, and their policy is not read."""
    monkeypatch.setattr(protocol, "tool", lambda: audit_record().tool)
    take_the_policy_as_it_is(monkeypatch)


def made_by(kind: str, folder: Path) -> SigningKey:
    """A key of a kind, read from a PKCS#12 file."""
    of, asked = KINDS[kind]
    return from_a_file(
        self_signed(private_key(of), NOW - timedelta(days=1), asked), folder / "key.p12"
    )


def run_by(key: SigningKey, folder: Path, committed_by: SigningKey | None = None) -> Path:
    """The directory of a stored run."""
    store = EvidenceStore.open(f"sqlite:///{folder / 'evidence.db'}", signer=note_signer())
    record = measured_record(RUN_ID, committed_by)
    record = record.model_copy(update={"checkpoint": store.append(record)})
    return publish(bundle_of(record, key), folder / "out", RUN_ID)


@pytest.mark.parametrize("kind", KINDS)
def test_run_signed_by_a_key_of_each_kind_verifies(kind: str, tmp_path: Path) -> None:
    """Seal, page, commitment and attestation hold here, to OpenSSL, and to pdfsig."""
    key = made_by(kind, tmp_path)
    directory = run_by(key, tmp_path, key)
    verification = verify(directory, Brought(trusted=[key.certificate]))
    assert verification.failed == ()
    assert {"certificate", "pdf_seal", "html_signature", "attestation"} <= {
        check.id for check in verification.checks if check.outcome == "passed"
    }
    _openssl_agrees(directory, key, tmp_path)
    _pdfsig_agrees(directory / "report.pdf")


def _openssl_agrees(directory: Path, key: SigningKey, folder: Path) -> None:
    if shutil.which("openssl") is None:
        return
    (folder / "c.pem").write_bytes(key.certificate)
    content = (directory / "report.pdf").read_bytes()
    (seal,) = PdfFileReader(io.BytesIO(content)).embedded_signatures
    start, before, resume, after = (int(part) for part in seal.byte_range)
    (folder / "seal").write_bytes(seal.pkcs7_content)
    (folder / "sealed").write_bytes(
        content[start : start + before] + content[resume : resume + after]
    )
    signed = {
        directory / "report.html.p7s": directory / "report.html",
        directory / "policy.yaml.p7s": directory / "policy.yaml",
        folder / "seal": folder / "sealed",
    }
    command = [
        "openssl",
        "cms",
        "-verify",
        "-cades",
        "-binary",
        "-inform",
        "DER",
        "-purpose",
        "any",
    ]
    command += ["-CAfile", str(folder / "c.pem"), "-no_check_time"]
    for signature, over in signed.items():
        done = subprocess.run([*command, "-in", signature, "-content", over], capture_output=True)
        assert done.returncode == 0, done.stderr
    envelope = json.loads((directory / "attestation.dsse.json").read_bytes())
    payload = base64.b64decode(envelope["payload"])
    (folder / "pae").write_bytes(pre_authentication_encoding(PAYLOAD_TYPE, payload))
    (folder / "sig").write_bytes(base64.b64decode(envelope["signatures"][0]["sig"]))
    options = "" if key.scheme.name.startswith("ECDSA") or key.scheme is PKCS1 else PSS_OPTIONS
    line = (
        "openssl x509 -in c.pem -pubkey -noout > k.pem && openssl dgst "
        f"-{key.scheme.digest} {options} -verify k.pem -signature sig pae"
    )
    done = subprocess.run(["sh", "-c", line], cwd=folder, capture_output=True)
    assert done.stdout.strip() == b"Verified OK"


PSS_OPTIONS = "-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32 -sigopt rsa_mgf1_md:sha256"


def _pdfsig_agrees(path: Path) -> None:
    if shutil.which("pdfsig") is None:
        return
    done = subprocess.run(["pdfsig", "-nocert", path], capture_output=True, encoding="utf-8")
    assert re.search(r"Signature Validation: Signature is Valid", done.stdout), done.stdout


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_certificate_for_pss_alone_signs_by_nothing_else(tmp_path: Path) -> None:
    """Where the certificate states its key as RSASSA-PSS, PKCS#1 v1.5 is neither made nor taken."""
    line = (
        "openssl req -x509 -newkey rsa-pss -pkeyopt rsa_keygen_bits:3072 -nodes -subj /O=Example "
        "-keyout k.pem -out c.pem && openssl pkcs12 -export -inkey k.pem -in c.pem -out k.p12 "
        f"-passout 'pass:{PASSPHRASE}' && chmod 600 k.p12"
    )
    subprocess.run(["sh", "-c", line], cwd=tmp_path, check=True, capture_output=True)
    key = pkcs12_key(tmp_path / "k.p12", PASSPHRASE)
    statement = statement_about(audit_record(), FILES)
    assert verify_envelope(sign_statement(statement, key), key.certificate) == statement
    with pytest.raises(EnvironmentUnavailableError, match="rsa_padding is pkcs1"):
        pkcs12_key(tmp_path / "k.p12", PASSPHRASE, padding="pkcs1")
    other = Forger(key.private_key, key.certificate, key.level, used=PKCS1)
    with pytest.raises(EvidenceError, match="does not verify"):
        verify_envelope(sign_statement(statement, other), key.certificate)
    page = sign_detached(b"<html>", other, load_certificate(key.certificate).not_valid_before_utc)
    with pytest.raises(EvidenceError, match="which is not RSA PSS with SHA-256"):
        check_detached(b"<html>", page)
    assert _pack_verifies(key)
    assert not _pack_verifies(other)


# What is refused

Sign = Callable[[Any, bytes], bytes]


@dataclass(frozen=True)
class AnyScheme(Scheme):
    """A scheme that auditkit has not."""

    made: Sign = lambda key, message: bytes(key.sign(message))
    parameters: Any = None

    def algorithm(self) -> algos.SignedDigestAlgorithm:
        """As CMS writes it."""
        written = {"algorithm": self.cms_name}
        if self.parameters is not None:
            written["parameters"] = self.parameters
        return algos.SignedDigestAlgorithm(written)

    def sign(self, key: Any, message: bytes) -> bytes:  # noqa: ANN401
        """A private key's signature."""
        return self.made(key, message)


@dataclass(frozen=True)
class Forger(SigningKey):
    """Signs by a scheme that its key should not use."""

    used: Scheme = PKCS1

    @property
    def scheme(self) -> Scheme:
        """Whatever it was given."""
        return self.used


def pkcs1(digest: hashes.HashAlgorithm) -> Sign:
    """RSA PKCS#1 v1.5 over a digest."""
    return lambda key, message: key.sign(message, padding.PKCS1v15(), digest)


def pss(digest: hashes.HashAlgorithm, salt: int) -> Sign:
    """RSA PSS over a digest, with so much salt."""
    how = padding.PSS(padding.MGF1(digest), salt)
    return lambda key, message: key.sign(message, how, digest)


def ecdsa(digest: hashes.HashAlgorithm) -> Sign:
    """ECDSA over a digest."""
    return lambda key, message: key.sign(message, ec.ECDSA(digest))


def pss_stated(digest: str, salt: int) -> algos.RSASSAPSSParams:
    """Parameters of PSS as CMS writes them."""
    hashed = algos.DigestAlgorithm({"algorithm": digest})
    mask = algos.MaskGenAlgorithm({"algorithm": "mgf1", "parameters": hashed.copy()})
    return algos.RSASSAPSSParams(
        {"hash_algorithm": hashed, "mask_gen_algorithm": mask, "salt_length": salt}
    )


def rsa_of(bits: int, exponent: int = 65537) -> rsa.RSAPrivateKey:
    """A new RSA key."""
    return rsa.generate_private_key(exponent, bits)


SHA1, SHA256, SHA384 = hashes.SHA1(), hashes.SHA256(), hashes.SHA384()  # noqa: S303
KEPT = {
    "sha256_rsa": AnyScheme("", "sha256", "sha256_rsa", "", pkcs1(SHA256)),
    "sha1_rsa": AnyScheme("", "sha1", "sha1_rsa", "", pkcs1(SHA1)),
    "sha384_rsa": AnyScheme("", "sha384", "sha384_rsa", "", pkcs1(SHA384)),
    "pss-20": AnyScheme("", "sha256", "rsassa_pss", "", pss(SHA256, 20), pss_stated("sha256", 20)),
    "pss-sha1": AnyScheme("", "sha1", "rsassa_pss", "", pss(SHA1, 20), pss_stated("sha1", 20)),
    "sha1_ecdsa": AnyScheme("", "sha1", "sha1_ecdsa", "", ecdsa(SHA1)),
    "sha256_ecdsa": AnyScheme("", "sha256", "sha256_ecdsa", "", ecdsa(SHA256)),
}
FORGERIES: dict[str, tuple[Callable[[], Any], str, str]] = {
    "rsa-1024": (lambda: rsa_of(1024), "sha256_rsa", "RSA key has 1024 bits"),
    "rsa-2048": (lambda: rsa_of(2048), "sha256_rsa", "RSA key has 2048 bits"),
    "exponent-3": (lambda: rsa_of(3072, 3), "sha256_rsa", "has the exponent 3"),
    "rsa-sha1": (lambda: private_key(3072), "sha1_rsa", "which is not RSA PSS"),
    "rsa-sha384": (lambda: private_key(3072), "sha384_rsa", "which is not RSA PSS"),
    "short-salt": (lambda: private_key(3072), "pss-20", "which is not RSA PSS"),
    "pss-sha1": (lambda: private_key(3072), "pss-sha1", "which is not RSA PSS"),
    "p256-sha1": (
        lambda: ec.generate_private_key(ec.SECP256R1()),
        "sha1_ecdsa",
        "which is not ECDSA P-256",
    ),
    "p384-sha256": (
        lambda: ec.generate_private_key(ec.SECP384R1()),
        "sha256_ecdsa",
        "which is not ECDSA P-384",
    ),
    "secp256k1": (
        lambda: ec.generate_private_key(ec.SECP256K1()),
        "sha256_ecdsa",
        "on the curve secp256k1",
    ),
}


def forger(name: str) -> Forger:
    """The signer of a forgery."""
    make, scheme, _ = FORGERIES[name]
    key = self_signed(make(), NOW - timedelta(days=1))
    return Forger(key.private_key, key.certificate, key.level, used=KEPT[scheme])


@pytest.fixture
def any_length(monkeypatch: pytest.MonkeyPatch) -> None:
    """Room is left for signatures by keys that are refused."""
    monkeypatch.setattr(signing_pdf, "longest", lambda _: 600)


@pytest.mark.usefixtures("any_length")
@pytest.mark.parametrize("name", FORGERIES)
def test_signature_by_a_weak_key_or_digest_is_refused(name: str) -> None:
    """In the seal, the counter-signature, the page's signature, the commitment and the attestation."""
    key, reason = forger(name), FORGERIES[name][2]
    page = sign_detached(b"<html>", key, NOW)
    for read in (check_detached, read_commitment):
        with pytest.raises(EvidenceError, match=reason):
            read(b"<html>", page)
    with pytest.raises(EvidenceError, match=f"the seal is not accepted: .*{reason}"):
        check_pdf_signature(sign_pdf(one_page_pdf({}), key, NOW), [])
    sealed = sign_pdf(
        one_page_pdf({}), self_signed(private_key(3072), NOW - timedelta(days=1)), NOW
    )
    assert check_pdf_signature(sealed, []).problems == ()
    reviewed = countersign_pdf(sealed, key, NOW, PLAIN)
    with pytest.raises(EvidenceError, match=f"the reviewer's signature is not.*{reason}"):
        check_pdf_signature(reviewed, [])
    with pytest.raises(EvidenceError):
        verify_envelope(
            sign_statement(statement_about(audit_record(), FILES), key), key.certificate
        )


@pytest.mark.usefixtures("any_length")
def test_run_signed_by_a_weak_key_fails_every_check_on_signatures(tmp_path: Path) -> None:
    """An RSA key of 1024 bits, though the reader trusts it, and the reason says what to ask for."""
    key = forger("rsa-1024")
    directory = run_by(key, tmp_path)
    verification = verify(directory, Brought(trusted=[key.certificate]))
    weak = {"certificate", "pdf_seal", "html_signature", "attestation"}
    assert weak <= set(verification.failed)
    for check in verification.checks:
        if check.id in weak:
            assert ASK_FOR in check.detail


@pytest.mark.parametrize(
    "make", [ed25519.Ed25519PrivateKey.generate, lambda: dsa.generate_private_key(3072)]
)
def test_key_that_is_neither_rsa_nor_ec_is_refused(make: Callable[[], Any]) -> None:
    """Ed25519 and DSA are refused with the words for every refused key."""
    private = make()
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x")])
    digest = None if isinstance(private, ed25519.Ed25519PrivateKey) else SHA256
    made = (
        x509.CertificateBuilder(name, name, private.public_key(), 7)
        .not_valid_before(NOW)
        .not_valid_after(NOW)
        .sign(private, digest)
    )
    with pytest.raises(RefusedKeyError, match="neither an RSA nor an EC key") as caught:
        public_key_of(made)
    assert str(caught.value).endswith(ASK_FOR)


@pytest.mark.parametrize("exponent", [1, 2, 65536, 65538])
def test_rsa_exponent_that_signs_nothing_is_refused(exponent: int) -> None:
    """With the exponent 1 everybody can sign; an even one has no private key."""
    key = self_signed(private_key(3072), NOW)
    certificate = asn1.Certificate.load(pem.unarmor(key.certificate)[2])
    information = certificate["tbs_certificate"]["subject_public_key_info"]
    numbers = information["public_key"].parsed
    numbers["public_exponent"] = exponent
    information["public_key"] = numbers
    with pytest.raises(RefusedKeyError):
        public_key_of(x509.load_der_x509_certificate(certificate.dump(force=True)))


@pytest.mark.parametrize("make", [pss(SHA256, 20), pss(SHA384, 32), pkcs1(SHA1), pkcs1(SHA384)])
def test_attestation_by_another_rsa_scheme_does_not_verify(make: Sign) -> None:
    """PSS with 32 bytes of salt, then PKCS#1 v1.5, both with SHA-256: nothing else is tried."""
    used = AnyScheme("", "sha256", "sha256_rsa", "", make)
    own = self_signed(private_key(3072), NOW)
    key = Forger(own.private_key, own.certificate, own.level, used=used)
    envelope = sign_statement(statement_about(audit_record(), FILES), key)
    with pytest.raises(EvidenceError, match="does not verify"):
        verify_envelope(envelope, key.certificate)


def _pack_verifies(key: SigningKey) -> bool:
    """What the pack's own verifier says of a signature by a key."""
    namespace: dict[str, Any] = {"__name__": "pack_verifier"}
    exec(compile(VERIFIER.read_text(), str(VERIFIER), "exec"), namespace)  # noqa: S102
    try:
        certificate = load_certificate(key.certificate)
        return bool(namespace["_verifies"](certificate, key.sign(b"signed"), b"signed"))
    except namespace["FailedError"]:
        return False


def test_pack_verifier_takes_the_same_keys(tmp_path: Path) -> None:
    """It stands alone, and draws the line where ``auditkit verify`` does."""
    assert all(_pack_verifies(made_by(kind, tmp_path)) for kind in KINDS)
    assert not any(_pack_verifies(forger(name)) for name in FORGERIES)
