"""A public key infrastructure for tests: certificates, OCSP, CRLs and a timestamp service on localhost.

``running_pki`` starts one in a thread of the test's own process. Its certificates are dated by the
moment it starts, so that the real command line, which reads the real clock, can use them.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import yaml
from certomancer.integrations.animator import Animator, AnimatorArchStore
from certomancer.registry import ArchLabel, CertLabel, CertomancerConfig, PKIArchitecture
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12

SIGNERS = ("signer", "reviewer", "expired", "revoked", "unanswered", "rsa", "p384")
_RSA_BITS = {"rsa": 3072}
_CURVES = {"p384": ec.SECP384R1()}
_KEYS = ("root", "interm", *SIGNERS, "tsa", "responder")
PASSPHRASE = "correct horse"  # noqa: S105 - a test's

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass
class Pki:
    """A running infrastructure. ``down`` names services that answer with an error from now on."""

    url: str
    folder: Path
    architecture: PKIArchitecture
    down: set[str] = field(default_factory=set)

    @property
    def tsa_url(self) -> str:
        """Where timestamps are asked for (RFC 3161)."""
        return f"{self.url}/test/tsa/tsa"

    def pem(self, label: str) -> bytes:
        """A certificate in PEM form."""
        der = self.architecture.get_cert(CertLabel(label)).dump()
        return x509.load_der_x509_certificate(der).public_bytes(serialization.Encoding.PEM)

    def private_key(self, label: str) -> PrivateKey:
        """A private key by its name."""
        pem = (self.folder / f"{label}.key.pem").read_bytes()
        key = serialization.load_pem_private_key(pem, None)
        assert isinstance(key, PrivateKey)
        return key

    def p12(self, label: str, passphrase: str = PASSPHRASE) -> Path:
        """A PKCS#12 file with a signer's key, certificate and intermediate certificate."""
        path = self.folder / f"{label}.p12"
        if not path.exists():
            content = pkcs12.serialize_key_and_certificates(
                label.encode(),
                self.private_key(label),
                x509.load_pem_x509_certificate(self.pem(label)),
                [x509.load_pem_x509_certificate(self.pem("interm"))],
                serialization.BestAvailableEncryption(passphrase.encode()),
            )
            path.write_bytes(content)
            path.chmod(0o600)
        return path

    def root_file(self) -> Path:
        """The root certificate as a file."""
        path = self.folder / "root.pem"
        path.write_bytes(self.pem("root"))
        return path


def _certificates(now: datetime) -> dict[str, object]:
    def lasting(years: float, since: float = 1.0) -> dict[str, str]:
        first, last = now - timedelta(days=365 * since), now + timedelta(days=365 * years)
        return {"valid-from": first.isoformat(), "valid-to": last.isoformat()}

    def ca(subject: str, years: float, **more: object) -> dict[str, object]:
        extensions: list[dict[str, object]] = [
            {"id": "basic_constraints", "critical": True, "value": {"ca": True}},
            {
                "id": "key_usage",
                "critical": True,
                "smart-value": {"schema": "key-usage", "params": ["key_cert_sign", "crl_sign"]},
            },
        ]
        if subject != "root":
            extensions.append(_crl("root"))
        return {
            "subject": subject,
            "issuer": "root",
            "validity": lasting(years),
            "extensions": extensions,
            **more,
        }

    def leaf(years: float, ocsp: str = "interm", **more: object) -> dict[str, object]:
        usage = {"schema": "key-usage", "params": ["digital_signature", "non_repudiation"]}
        aia = {"schema": "aia-urls", "params": {"ocsp-responder-names": [ocsp]}}
        extensions = [
            {"id": "key_usage", "critical": True, "smart-value": usage},
            {"id": "authority_information_access", "smart-value": aia},
        ]
        return {
            "issuer": "interm",
            "validity": lasting(years),
            "extensions": extensions,
            **more,
        }

    revoked = {"revoked-since": (now - timedelta(days=30)).isoformat(), "reason": "key_compromise"}
    past = {"valid-from": (now - timedelta(days=700)).isoformat()}
    past["valid-to"] = (now - timedelta(days=10)).isoformat()
    return {
        "root": ca("root", 40),
        "interm": ca("interm", 30),
        "signer": leaf(2, subject="signer"),
        "reviewer": leaf(2, subject="reviewer"),
        "rsa": leaf(2, subject="rsa"),
        "p384": leaf(2, subject="p384"),
        "unanswered": leaf(2, "silent", subject="unanswered"),
        "revoked": leaf(2, subject="revoked", revocation=revoked),
        "expired": leaf(2, subject="expired") | {"validity": past},
        "tsa": _purpose("tsa", "time_stamping", lasting(15)),
        "responder": _purpose("responder", "ocsp_signing", lasting(15)),
    }


def _crl(name: str) -> dict[str, object]:
    points = {"schema": "crl-dist-url", "params": {"crl-repo-names": [name]}}
    return {"id": "crl_distribution_points", "smart-value": points}


def _purpose(subject: str, purpose: str, validity: dict[str, str]) -> dict[str, object]:
    usage = {"schema": "key-usage", "params": ["digital_signature"]}
    extensions: list[dict[str, object]] = [
        {"id": "key_usage", "critical": True, "smart-value": usage},
        {"id": "extended_key_usage", "critical": True, "value": [purpose]},
    ]
    extensions.append(
        {"id": "ocsp_no_check", "value": None} if purpose == "ocsp_signing" else _crl("interm")
    )
    return {"subject": subject, "issuer": "interm", "validity": validity, "extensions": extensions}


def _configuration(url: str, now: datetime) -> str:
    entity = {"country-name": "AT", "organization-name": "Example Provider GmbH"}
    names = {
        "root": "Example Root",
        "interm": "Example Issuing CA",
        "tsa": "Example Timestamps",
        "responder": "Example OCSP",
        "signer": "Example Seal",
        "reviewer": "Rita Reviewer",
        "rsa": "Example RSA Seal",
        "p384": "Example P-384 Seal",
        "expired": "Example Expired Seal",
        "revoked": "Example Revoked Seal",
        "unanswered": "Example Unanswered Seal",
    }
    responder = {
        "for-issuer": "interm",
        "responder-cert": "responder",
        "signing-key": "responder",
    }
    services = {
        "ocsp": {"interm": responder, "silent": dict(responder)},
        "crl-repo": {
            name: {"for-issuer": name, "signing-key": name, "simulated-update-schedule": "P1D"}
            for name in ("root", "interm")
        },
        "time-stamping": {"tsa": {"signing-key": "tsa", "signing-cert": "tsa"}},
    }
    architecture = {
        "keyset": "test",
        "entity-defaults": entity,
        "entities": {label: {"common-name": name} for label, name in names.items()},
        "certs": _certificates(now),
        "services": services,
    }
    keys = {name: {"path": f"{name}.key.pem"} for name in _KEYS}
    return yaml.safe_dump(
        {
            "external-url-prefix": url,
            "keysets": {"test": {"path-prefix": ".", "keys": keys}},
            "pki-architectures": {"test": architecture},
        }
    )


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nothing is printed."""


@contextmanager
def running_pki(folder: Path) -> Iterator[Pki]:
    """An infrastructure with its keys in ``folder``, served until the block ends."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in _KEYS:
        key: PrivateKey = (
            rsa.generate_private_key(65537, _RSA_BITS[name])
            if name in _RSA_BITS
            else ec.generate_private_key(_CURVES.get(name, ec.SECP256R1()))
        )
        form = serialization.PrivateFormat.TraditionalOpenSSL
        pem = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
        (folder / f"{name}.key.pem").write_bytes(pem)
    with make_server("127.0.0.1", 0, lambda *_: [], _Server, _Quiet) as server:
        url = f"http://127.0.0.1:{server.server_port}"
        now = datetime.now(UTC).replace(microsecond=0)
        config = CertomancerConfig.from_yaml(_configuration(url, now), str(folder))
        pki = Pki(url, folder, config.get_pki_arch(ArchLabel("test")), {"silent"})
        animator = Animator(
            AnimatorArchStore(config.pki_archs), with_web_ui=False, allow_time_override=False
        )

        def serve(environ: dict[str, object], start: object) -> object:
            if any(str(environ["PATH_INFO"]).endswith(f"/{name}") for name in pki.down):
                start("503 Service Unavailable", [("Content-Length", "0")])  # type: ignore[operator]
                return [b""]
            return animator(environ, start)

        server.set_app(serve)  # type: ignore[arg-type]
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield pki
        finally:
            server.shutdown()
            thread.join()
