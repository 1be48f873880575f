"""Where keys come from: a PKCS#12 file, a token, a remote service. All sign the same way."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from asn1crypto.algos import RSASSAPSSParams
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import pkcs12
from google.protobuf import json_format
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement as InTotoStatement
from securesystemslib.dsse import Envelope
from securesystemslib.signer._key import SSlibKey

from auditkit.errors import EnvironmentUnavailableError
from auditkit.signing.cades import check_detached, sign_detached
from auditkit.signing.dsse import sign_statement, statement_about, verify_envelope
from auditkit.signing.keys.csc import RemoteKey, Service, csc_key
from auditkit.signing.keys.keyring import (
    DevelopmentEntry,
    Pkcs12Entry,
    Secret,
    highest_level,
    open_key,
)
from auditkit.signing.keys.pkcs11 import Place, TokenKey, pkcs11_key
from auditkit.signing.keys.pkcs12 import pkcs12_key
from auditkit.signing.keys.schemes import ASK_FOR, Padding
from auditkit.signing.keys.signer import Signer, fingerprint, load_certificate
from auditkit.signing.timestamps import PLAIN, Plan
from auditkit.signing.trial import signing_of, try_signing
from tests.builders import audit_record
from tests.pki import PASSPHRASE, Pki

SOFTHSM = Path("/usr/lib/softhsm/libsofthsm2.so")
PIN = "648219"
ON_THE_TOKEN = {"seal": "signer", "rsa": "rsa", "p384": "p384"}
RSA_OID, PKCS1_OID = "1.2.840.113549.1.1.1", "1.2.840.113549.1.1.11"
PSS_OID, P384_OID = "1.2.840.113549.1.1.10", "1.2.840.10045.4.3.3"
SHA256_OID, SHA384_OID = "2.16.840.1.101.3.4.2.1", "2.16.840.1.101.3.4.2.2"
DIGESTS: dict[str, hashes.HashAlgorithm] = {
    SHA256_OID: hashes.SHA256(),
    SHA384_OID: hashes.SHA384(),
}
FILES = {"evidence.json": b"{}", "policy.yaml": b"auditkit: 1\n"}


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


# A token


@pytest.fixture(scope="module")
def token(pki: Pki, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A SoftHSM2 token with the signer's key, its certificate and the issuer's."""
    if not SOFTHSM.exists():
        pytest.skip(f"SoftHSM2 is not installed: {SOFTHSM}")
    folder = tmp_path_factory.mktemp("softhsm")
    (folder / "tokens").mkdir()
    configuration = folder / "softhsm2.conf"
    configuration.write_text(f"directories.tokendir = {folder / 'tokens'}\n")
    os.environ["SOFTHSM2_CONF"] = str(configuration)
    subprocess.run(
        [
            *("softhsm2-util", "--init-token", "--free", "--label", "auditkit"),
            *("--pin", PIN, "--so-pin", "1234"),
        ],
        check=True,
        capture_output=True,
    )
    for number, (label, name) in enumerate(ON_THE_TOKEN.items(), start=1):
        private = pki.private_key(name).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        (folder / "key.pem").write_bytes(private)
        subprocess.run(
            [
                *("softhsm2-util", "--import", folder / "key.pem", "--token", "auditkit"),
                *("--label", label, "--id", f"0{number}", "--pin", PIN),
            ],
            check=True,
            capture_output=True,
        )
    import pkcs11

    place = Place(str(SOFTHSM), "auditkit", "seal")
    held = pkcs11.lib(str(SOFTHSM)).get_token(token_label=place.token)
    with held.open(rw=True, user_pin=PIN) as session:
        for label, name in (*ON_THE_TOKEN.items(), ("issuer", "interm")):
            der = load_certificate(pki.pem(name)).public_bytes(serialization.Encoding.DER)
            subject = load_certificate(pki.pem(name)).subject.public_bytes()
            session.create_object(
                {
                    pkcs11.Attribute.CLASS: pkcs11.ObjectClass.CERTIFICATE,
                    pkcs11.Attribute.CERTIFICATE_TYPE: pkcs11.CertificateType.X_509,
                    pkcs11.Attribute.TOKEN: True,
                    pkcs11.Attribute.LABEL: label,
                    pkcs11.Attribute.SUBJECT: subject,
                    pkcs11.Attribute.VALUE: der,
                }
            )
    yield place
    del os.environ["SOFTHSM2_CONF"]


def token_key(
    pki: Pki, place: Place, label: str = "seal", asked: Padding | None = None
) -> TokenKey:
    labelled = replace(place, key=label)
    return pkcs11_key(labelled, PIN, roots=[pki.pem("root")], padding=asked)


def test_token_lacking_something_is_refused_in_one_line(token: Place) -> None:
    """A wrong PIN, token, key, certificate or module: each named."""
    cases = {
        (token, "000000"): "PIN of token 'auditkit' is wrong",
        (Place(token.module, "other", "seal"), PIN): "no token is labelled 'other'",
        (Place(token.module, "auditkit", "other"), PIN): "no private key 'other'",
        (Place("/nonexistent.so", "auditkit", "seal"), PIN): "/nonexistent.so",
    }
    for (place, pin), reason in cases.items():
        with pytest.raises(EnvironmentUnavailableError) as caught:
            pkcs11_key(place, pin)
        assert reason in caught.value.message
        assert "\n" not in caught.value.message


def test_missing_library_for_tokens_is_named(token: Place) -> None:
    """Without python-pkcs11 a key on a token is refused with what to install."""
    code = (
        "import sys; sys.modules['pkcs11'] = None\n"
        "from auditkit.signing.keys.pkcs11 import Place, pkcs11_key\n"
        "try: pkcs11_key(Place('m', 't', 'k'), 'pin')\n"
        "except Exception as error: print(type(error).__name__, error.message, error.advice)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout
    assert said.startswith("EnvironmentUnavailableError")
    assert "extra `pkcs11`" in said


# A remote service


class Remote(BaseHTTPRequestHandler):
    """A signing service by the CSC API, version 1, at SCAL 2: each digest is authorised by itself."""

    pki: Pki
    authorised: dict[str, str]
    broken = ""
    signer = "signer"
    described: Any = None
    """What the service says of the key."""
    asked: dict[str, Any]
    """The last order to sign."""

    def do_POST(self) -> None:
        """Answers one call."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        method = self.path.removeprefix("/csc/v1/")
        if self.headers["Authorization"] != "Bearer access" or body["credentialID"] != "seal":
            self.answer(401, {"error": "invalid_request"})
        elif method == self.broken:
            self.answer(200, {})
        elif method == "credentials/info":
            ders = [load_certificate(self.pki.pem(n)) for n in (self.signer, "interm", "root")]
            encoded = [base64.b64encode(d.public_bytes(serialization.Encoding.DER)) for d in ders]
            said = {} if self.described is None else {"key": self.described}
            certificates = [each.decode() for each in encoded]
            self.answer(200, {"cert": {"certificates": certificates}, **said})
        elif method == "credentials/authorize" and body["PIN"] == PIN:
            sad = hashlib.sha256(repr(body["hash"]).encode()).hexdigest()
            self.authorised[sad] = body["hash"][0]
            self.answer(200, {"SAD": sad})
        elif (
            method == "signatures/signHash" and self.authorised.get(body["SAD"]) == body["hash"][0]
        ):
            type(self).asked = body
            signature = self.made(base64.b64decode(body["hash"][0]), body)
            self.answer(200, {"signatures": [base64.b64encode(signature).decode()]})
        else:
            self.answer(403, {"error": "access_denied"})

    def made(self, digest: bytes, order: dict[str, Any]) -> bytes:
        """The signature of a digest as the order asks for it."""
        used = Prehashed(DIGESTS[order["hashAlgo"]])
        key = self.pki.private_key(self.signer)
        if isinstance(key, ec.EllipticCurvePrivateKey):
            return key.sign(digest, ec.ECDSA(used))
        if order["signAlgo"] != PSS_OID:
            return key.sign(digest, padding.PKCS1v15(), used)
        stated = RSASSAPSSParams.load(base64.b64decode(order["signAlgoParams"])).native
        assert stated["hash_algorithm"]["algorithm"] == "sha256"
        assert stated["mask_gen_algorithm"]["parameters"]["algorithm"] == "sha256"
        mask = padding.MGF1(hashes.SHA256())
        return key.sign(digest, padding.PSS(mask, stated["salt_length"]), used)

    def answer(self, status: int, body: dict[str, Any]) -> None:
        """Sends a JSON object."""
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nothing is printed."""


@pytest.fixture
def remote(pki: Pki) -> Iterator[str]:
    Remote.pki, Remote.authorised, Remote.broken = pki, {}, ""
    Remote.signer, Remote.described = "signer", None
    with ThreadingHTTPServer(("127.0.0.1", 0), Remote) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def remote_key(pki: Pki, url: str, pin: str = PIN, asked: Padding | None = None) -> RemoteKey:
    service = Service(url, "seal", "access", pin)
    return csc_key(service, roots=[pki.pem("root")], padding=asked)


@pytest.mark.parametrize(
    ("signer", "offered", "asked", "ordered"),
    [
        ("rsa", [RSA_OID, PSS_OID], None, (PSS_OID, SHA256_OID)),
        ("rsa", [RSA_OID], None, (RSA_OID, SHA256_OID)),
        ("rsa", [PKCS1_OID, PSS_OID], "pkcs1", (PKCS1_OID, SHA256_OID)),
        ("rsa", None, None, (PSS_OID, SHA256_OID)),
        ("p384", ["1.2.840.10045.4.3.2", P384_OID], None, (P384_OID, SHA384_OID)),
        ("p384", ["1.2.840.10045.2.1"], None, ("1.2.840.10045.2.1", SHA384_OID)),
    ],
)
def test_remote_service_is_asked_for_a_scheme_it_offers(
    pki: Pki,
    remote: str,
    signer: str,
    offered: list[str] | None,
    asked: Padding | None,
    ordered: tuple[str, str],
) -> None:
    """PSS where it is offered, PKCS#1 v1.5 where nothing else is or the key's setting asks for it."""
    Remote.signer = signer
    Remote.described = None if offered is None else {"algo": offered}
    key = remote_key(pki, remote, asked=asked)
    page = sign_detached(b"<html>", key, now())
    assert (Remote.asked["signAlgo"], Remote.asked["hashAlgo"]) == ordered
    assert ("signAlgoParams" in Remote.asked) == (ordered[0] == PSS_OID)
    assert check_detached(b"<html>", page) == (key.certificate, "B-B")


@pytest.mark.parametrize(
    ("described", "asked", "reason"),
    [
        ({"algo": ["1.2.840.113549.1.1.5"]}, None, "not offered"),
        ({"algo": [RSA_OID]}, "pss", "not offered"),
        ({"algo": [PSS_OID], "len": 2048}, None, "describes another key"),
        ({"algo": [PSS_OID], "curve": "1.3.132.0.34"}, None, "describes another key"),
        ({"algo": PSS_OID}, None, "no usable way"),
        (["algo"], None, "no usable way"),
    ],
)
def test_remote_service_that_offers_nothing_usable_is_refused(
    pki: Pki, remote: str, described: object, asked: Padding | None, reason: str
) -> None:
    """SHA-1, another key than the certificate's, or nonsense: refused before anything is signed."""
    Remote.signer, Remote.described = "rsa", described
    with pytest.raises(EnvironmentUnavailableError, match=reason):
        remote_key(pki, remote, asked=asked)


def test_remote_signature_by_another_key_is_not_used(pki: Pki, remote: str) -> None:
    """What comes back is verified with the certificate first."""
    key = remote_key(pki, remote)
    Remote.signer = "reviewer"
    with pytest.raises(EnvironmentUnavailableError, match="not by the certificate's key"):
        key.sign(b"x")


def test_remote_service_that_refuses_is_named(pki: Pki, remote: str) -> None:
    """A wrong token, PIN or answer, or no service at all: one line each, and no secret in it."""
    with pytest.raises(EnvironmentUnavailableError, match="refused credentials/info"):
        csc_key(Service(remote, "seal", "other", PIN))
    with pytest.raises(
        EnvironmentUnavailableError, match="refused credentials/authorize"
    ) as caught:
        remote_key(pki, remote, "000000").sign(b"x")
    assert "000000" not in caught.value.message + caught.value.advice
    with pytest.raises(EnvironmentUnavailableError, match="cannot be reached"):
        csc_key(Service("http://127.0.0.1:1", "seal", "access", PIN))
    for method, reason in (
        ("credentials/info", "no certificate"),
        ("signatures/signHash", "no signature"),
    ):
        Remote.broken = method
        with pytest.raises(EnvironmentUnavailableError, match=reason):
            remote_key(pki, remote).sign(b"x")


# A file


def test_wrong_passphrase_is_one_line(pki: Pki) -> None:
    """The passphrase is not in it."""
    with pytest.raises(EnvironmentUnavailableError, match="the passphrase is wrong") as caught:
        pkcs12_key(pki.p12("signer"), "not this one")
    assert "not this one" not in str(vars(caught.value))


def test_key_file_that_others_may_read_is_refused(pki: Pki, tmp_path: Path) -> None:
    """A PKCS#12 file has the rules of the development key: mode 0600, no link."""
    path = tmp_path / "seal.p12"
    path.write_bytes(pki.p12("signer").read_bytes())
    path.chmod(0o644)
    with pytest.raises(EnvironmentUnavailableError, match="other users may read"):
        pkcs12_key(path, PASSPHRASE)
    (tmp_path / "link.p12").symlink_to(pki.p12("signer"))
    with pytest.raises(EnvironmentUnavailableError, match="cannot be read"):
        pkcs12_key(tmp_path / "link.p12", PASSPHRASE)


def test_key_of_another_kind_is_refused(tmp_path: Path) -> None:
    """An RSA key of 2048 bits signs nothing; the message says what to ask for."""
    private = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Example")])
    certificate = (
        x509.CertificateBuilder(name, name, private.public_key(), 7)
        .not_valid_before(now())
        .not_valid_after(now())
        .sign(private, hashes.SHA256())
    )
    encryption = serialization.BestAvailableEncryption(PASSPHRASE.encode())
    path = tmp_path / "rsa.p12"
    path.write_bytes(
        pkcs12.serialize_key_and_certificates(None, private, certificate, None, encryption)
    )
    path.chmod(0o600)
    with pytest.raises(EnvironmentUnavailableError, match="RSA key has 2048 bits") as caught:
        pkcs12_key(path, PASSPHRASE)
    assert caught.value.advice == ASK_FOR


def test_authority_s_certificate_needs_a_root_in_the_keys_file(pki: Pki, tmp_path: Path) -> None:
    """A chain that leads nowhere is found when the key is opened, not by the first reader."""
    entry = Pkcs12Entry(
        kind="pkcs12", file=str(pki.p12("signer")), passphrase=Secret(env="P"), trust=()
    )
    with pytest.raises(EnvironmentUnavailableError, match="which is no root") as caught:
        open_key("seal", entry, tmp_path, tmp_path, lambda *_: PASSPHRASE, now())
    assert "keys.seal.trust" in caught.value.advice
    rooted = entry.model_copy(update={"trust": (str(pki.root_file()),)})
    opened = open_key("seal", rooted, tmp_path, tmp_path, lambda *_: PASSPHRASE, now())
    assert (opened.level, highest_level(opened)) == ("organisation", "B-LTA")


# One interface


def test_every_key_signs_page_and_statement_alike(
    pki: Pki, token: Place, remote: str, tmp_path: Path
) -> None:
    """From file, token, service or auditkit's own: the same checks pass, and nothing prints a secret."""
    root = (pki.pem("root"),)
    entry = DevelopmentEntry(kind="development")
    keys: list[Signer] = [
        open_key("default", entry, tmp_path, tmp_path / "keys", lambda *_: "", now()),
        pkcs12_key(pki.p12("signer"), PASSPHRASE, roots=root),
        token_key(pki, token),
        remote_key(pki, remote),
    ]
    for key in keys:
        try_signing(key, PLAIN, now())
        page = sign_detached(b"<html>", key, now())
        assert check_detached(b"<html>", page) == (key.certificate, "B-B")
        statement = statement_about(audit_record(), FILES)
        assert verify_envelope(sign_statement(statement, key), key.certificate) == statement
        assert not any(secret in repr(key) for secret in (PIN, PASSPHRASE, "access", "PRIVATE"))
    assert [signing_of(key, PLAIN).key_kind for key in keys] == [
        "development",
        "pkcs12",
        "pkcs11",
        "csc",
    ]
    assert len({key.certificate for key in keys[1:]}) == 1


@pytest.mark.parametrize(
    ("label", "asked", "name"),
    [
        ("rsa", None, "RSA PSS with SHA-256"),
        ("rsa", "pkcs1", "RSA PKCS#1 v1.5 with SHA-256"),
        ("p384", None, "ECDSA P-384 with SHA-384"),
    ],
)
def test_token_signs_with_keys_of_every_kind(
    pki: Pki, token: Place, label: str, asked: Padding | None, name: str
) -> None:
    """An RSA key and one on P-384 seal a page and sign a statement, by the scheme that is stated."""
    key = token_key(pki, token, label, asked)
    assert key.scheme.name == name
    try_signing(key, PLAIN, now())
    statement = statement_about(audit_record(), FILES)
    assert verify_envelope(sign_statement(statement, key), key.certificate) == statement


def test_token_and_service_reach_the_highest_level(pki: Pki, token: Place, remote: str) -> None:
    """The key's place makes no difference to the level."""
    for key in (token_key(pki, token), remote_key(pki, remote)):
        try_signing(key, Plan("B-LTA", pki.tsa_url), now())


# Other people's tools


def test_statement_verifies_with_securesystemslib_and_reads_with_in_toto(pki: Pki) -> None:
    """The envelope is DSSE and the payload an in-toto statement to those who define both."""
    key = pkcs12_key(pki.p12("signer"), PASSPHRASE)
    made = sign_statement(statement_about(audit_record(), FILES), key)
    document = json.loads(made)
    envelope = Envelope.from_dict(json.loads(made))
    public = load_certificate(key.certificate).public_key()
    theirs = SSlibKey.from_crypto(public, keyid=fingerprint(key.certificate))
    assert envelope.verify([theirs], 1).keys() == {fingerprint(key.certificate)}
    changed = base64.b64decode(document["payload"]).replace(b"WARNED", b"PASSED")
    assert changed != base64.b64decode(document["payload"])
    document["payload"] = base64.b64encode(changed).decode()
    with pytest.raises(Exception, match=r"threshold|signatures"):
        Envelope.from_dict(document).verify([theirs], 1)
    parsed = json_format.Parse(envelope.payload, statement_pb2.Statement())
    InTotoStatement.copy_from_pb(parsed).validate()
    assert [item.name for item in parsed.subject] == sorted(FILES)
