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
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
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
from auditkit.signing.keys.signer import Signer, fingerprint, load_certificate
from auditkit.signing.timestamps import PLAIN, Plan
from auditkit.signing.trial import signing_of, try_signing
from tests.builders import audit_record
from tests.pki import PASSPHRASE, Pki

SOFTHSM = Path("/usr/lib/softhsm/libsofthsm2.so")
PIN = "648219"
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
    private = pki.private_key("signer").private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (folder / "key.pem").write_bytes(private)
    subprocess.run(
        [
            *("softhsm2-util", "--import", folder / "key.pem", "--token", "auditkit"),
            *("--label", "seal", "--id", "01", "--pin", PIN),
        ],
        check=True,
        capture_output=True,
    )
    import pkcs11

    place = Place(str(SOFTHSM), "auditkit", "seal")
    held = pkcs11.lib(str(SOFTHSM)).get_token(token_label=place.token)
    with held.open(rw=True, user_pin=PIN) as session:
        for label, name in (("seal", "signer"), ("issuer", "interm")):
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


def token_key(pki: Pki, place: Place) -> TokenKey:
    return pkcs11_key(place, PIN, roots=[pki.pem("root")])


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

    def do_POST(self) -> None:
        """Answers one call."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        method = self.path.removeprefix("/csc/v1/")
        if self.headers["Authorization"] != "Bearer access" or body["credentialID"] != "seal":
            self.answer(401, {"error": "invalid_request"})
        elif method == self.broken:
            self.answer(200, {})
        elif method == "credentials/info":
            ders = [load_certificate(self.pki.pem(n)) for n in ("signer", "interm", "root")]
            encoded = [base64.b64encode(d.public_bytes(serialization.Encoding.DER)) for d in ders]
            self.answer(200, {"cert": {"certificates": [each.decode() for each in encoded]}})
        elif method == "credentials/authorize" and body["PIN"] == PIN:
            sad = hashlib.sha256(repr(body["hash"]).encode()).hexdigest()
            self.authorised[sad] = body["hash"][0]
            self.answer(200, {"SAD": sad})
        elif (
            method == "signatures/signHash" and self.authorised.get(body["SAD"]) == body["hash"][0]
        ):
            digest = base64.b64decode(body["hash"][0])
            algorithm = ec.ECDSA(Prehashed(hashes.SHA256()))
            signature = self.pki.private_key("signer").sign(digest, algorithm)
            self.answer(200, {"signatures": [base64.b64encode(signature).decode()]})
        else:
            self.answer(403, {"error": "access_denied"})

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
    with ThreadingHTTPServer(("127.0.0.1", 0), Remote) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def remote_key(pki: Pki, url: str, pin: str = PIN) -> RemoteKey:
    return csc_key(Service(url, "seal", "access", pin), roots=[pki.pem("root")])


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
    """auditkit signs with EC P-256 keys, and says so."""
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
    with pytest.raises(EnvironmentUnavailableError, match="not an EC P-256 key"):
        pkcs12_key(path, PASSPHRASE)


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
