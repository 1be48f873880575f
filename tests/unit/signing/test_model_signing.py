"""The manifest is that of OpenSSF Model Signing: what one side writes, the other accepts, and refuses."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from types import ModuleType

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from auditkit.errors import ModelError
from auditkit.model.fingerprint import fingerprint, signing_statement
from auditkit.signing.model_signature import (
    read_bundle,
    read_certificates,
    read_public_key,
    verify_with_certificates,
    verify_with_key,
)
from tests.model_bundles import PEM, Publisher, publisher, write
from tests.toy_models import gpt2, save

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    theirs: ModuleType = pytest.importorskip("model_signing")
    from model_signing import hashing, manifest, signing, verifying


@pytest.fixture(scope="module")
def signer() -> Publisher:
    return publisher()


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model folder in which the two orders of paths differ: ``a/z.txt`` and ``a-b.txt``."""
    folder = save(gpt2(), tmp_path / "toy")
    (folder / "a").mkdir()
    (folder / "a" / "z.txt").write_text("below")
    (folder / "a-b.txt").write_text("beside")
    return folder


def signing_config() -> signing.Config:
    return signing.Config()  # type: ignore[no-untyped-call]


def verifying_config() -> verifying.Config:
    return verifying.Config()  # type: ignore[no-untyped-call]


def statement(folder: Path) -> object:
    return signing_statement(folder.name, fingerprint(folder).manifest)


def test_a_bundle_over_our_manifest_is_accepted_by_model_signing(
    model: Path, signer: Publisher, tmp_path: Path
) -> None:
    """The reference implementation verifies it by key, and refuses it once a byte changed."""
    bundle = write(tmp_path, "model.sig", signer.sign(statement(model)))
    key = write(tmp_path, "key.pem", signer.public_pem())
    verifier = verifying_config().use_elliptic_key_verifier(public_key=key)
    verifier.verify(model, bundle)
    (model / "config.json").write_bytes((model / "config.json").read_bytes() + b" ")
    with pytest.raises(ValueError, match="mismatch"):
        verifier.verify(model, bundle)


def test_a_bundle_of_model_signing_is_read_by_us(
    model: Path, signer: Publisher, tmp_path: Path
) -> None:
    """What it signs by key is what we have: the same files with the same digests."""
    key = write(tmp_path, "key.pem", signer.private_pem())
    signing_config().use_elliptic_key_signer(private_key=key).sign(model, tmp_path / "model.sig")
    bundle = read_bundle((tmp_path / "model.sig").read_bytes())
    signed = verify_with_key(bundle, read_public_key(signer.public_pem()))
    assert signed.files == {each.path: each.sha256 for each in fingerprint(model).manifest}
    assert signed.subject is None


def test_a_certificate_bundle_of_model_signing_is_read_by_us(
    model: Path, signer: Publisher, tmp_path: Path
) -> None:
    """Signed with a certificate, it is accepted under the issuer and under the certificate itself."""
    pem = {
        name: write(tmp_path, f"{name}.pem", each.public_bytes(PEM))
        for name, each in (("own", signer.certificate), ("issuer", signer.authority))
    }
    signing_config().use_certificate_signer(
        private_key=write(tmp_path, "key.pem", signer.private_pem()),
        signing_certificate=pem["own"],
        certificate_chain=[pem["issuer"]],
    ).sign(model, tmp_path / "model.sig")
    bundle = read_bundle((tmp_path / "model.sig").read_bytes())
    for trusted in pem.values():
        signed = verify_with_certificates(bundle, read_certificates(trusted.read_bytes()))
        assert signed.subject == "CN=Example Publisher"
        assert signed.files["model.safetensors"].startswith("sha256:")


def test_our_certificate_bundle_is_accepted_by_model_signing(
    model: Path, signer: Publisher, tmp_path: Path
) -> None:
    """The reference implementation verifies our statement under the issuer's certificate."""
    made = signer.sign(statement(model), certificates=[signer.certificate])
    bundle = write(tmp_path, "model.sig", made)
    issuer = write(tmp_path, "issuer.pem", signer.authority.public_bytes(PEM))
    verifying_config().use_certificate_verifier(certificate_chain=[issuer]).verify(model, bundle)


def test_model_signing_has_the_same_digest_of_every_file(model: Path) -> None:
    """Its own manifest and ours name the same files and digests; where orders differ, roots do too."""
    made: manifest.Manifest = hashing.hash(model)
    found = {each.identifier: f"sha256:{each.digest.digest_hex}" for each in _resources(made)}
    ours = fingerprint(model)
    assert found == {each.path: each.sha256 for each in ours.manifest}
    names = [each.identifier for each in _resources(made)]
    assert sorted(names) == [each.path for each in ours.manifest] != names


def _resources(made: manifest.Manifest) -> list[manifest._ResourceDescriptor]:
    return list(made.resource_descriptors())


def test_a_signature_of_somebody_else_is_refused(model: Path, signer: Publisher) -> None:
    """Another key, another issuer, or a bare key where a certificate is asked for."""
    other = publisher()
    bare = read_bundle(signer.sign(statement(model)))
    issued = read_bundle(signer.sign(statement(model), certificates=[signer.certificate]))
    with pytest.raises(ModelError, match="does not verify"):
        verify_with_key(bare, read_public_key(other.public_pem()))
    with pytest.raises(ModelError, match="neither trusted nor issued under"):
        verify_with_certificates(issued, [other.authority])
    with pytest.raises(ModelError, match="carries no certificate"):
        verify_with_certificates(bare, [signer.authority])


def test_another_key_behind_a_trusted_certificate_is_refused(
    model: Path, signer: Publisher
) -> None:
    """The certificate may be anybody's to copy: its key must have signed."""
    forged = publisher().sign(statement(model), certificates=[signer.certificate])
    with pytest.raises(ModelError, match="does not verify"):
        verify_with_certificates(read_bundle(forged), [signer.authority])


def test_a_certificate_that_is_not_for_signing_is_refused(model: Path) -> None:
    """Key usage is looked at, as the reference implementation does."""
    other = publisher(may_sign=False)
    made = read_bundle(other.sign(statement(model), certificates=[other.certificate]))
    with pytest.raises(ModelError, match="not for signing"):
        verify_with_certificates(made, [other.authority])


def test_a_longer_curve_is_verified_with_its_own_hash(model: Path) -> None:
    """P-384 goes with SHA-384."""
    other = publisher(curve=ec.SECP384R1())
    made = read_bundle(other.sign(statement(model)))
    assert verify_with_key(made, read_public_key(other.public_pem())).files


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"mediaType": "application/json"}, "not a Sigstore bundle"),
        ({"verificationMaterial": {"certificate": {"rawBytes": ""}}}, "signing service"),
        ({"dsseEnvelope": {}}, "not a model signature"),
        ({"dsseEnvelope": []}, "not a model signature"),
    ],
)
def test_a_file_that_is_not_such_a_signature_is_said_to_be_none(
    model: Path, signer: Publisher, change: dict[str, object], says: str
) -> None:
    """Another format, a keyless signature, or nothing of the kind."""
    document = json.loads(signer.sign(statement(model)))
    with pytest.raises(ValueError, match=says):
        read_bundle(json.dumps({**document, **change}).encode())


@pytest.mark.parametrize("content", [b"", b"[]", b"[" * 100_000, b"\xff", b'{"mediaType": 1}'])
def test_hostile_bytes_are_no_signature(content: bytes) -> None:
    """Bytes that are no bundle are refused, and nothing else is raised."""
    with pytest.raises(ValueError, match=r"."):
        read_bundle(content)


def test_a_statement_whose_root_is_another_is_refused(model: Path, signer: Publisher) -> None:
    """The subject's digest has to be the one over the files listed."""
    made = json.loads(json.dumps(statement(model)))
    made["subject"][0]["digest"]["sha256"] = "0" * 64
    bundle = read_bundle(signer.sign(made))
    with pytest.raises(ModelError, match="not over a list of files"):
        verify_with_key(bundle, signer.key.public_key())


def test_keys_and_certificates_that_are_none_are_said_to_be_none(signer: Publisher) -> None:
    """A certificate is no public key, and a key no certificate."""
    with pytest.raises(ValueError, match="not a public key"):
        read_public_key(signer.certificate.public_bytes(PEM))
    with pytest.raises(ValueError, match="not a certificate"):
        read_certificates(signer.public_pem())
    assert isinstance(read_certificates(signer.certificate.public_bytes(PEM))[0], x509.Certificate)
