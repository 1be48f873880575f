"""The key that signs the evidence store's checkpoints: Ed25519, made on first use."""

from __future__ import annotations

from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from auditkit.errors import EnvironmentUnavailableError
from auditkit.signing.keys.private_files import kept
from auditkit.signing.notes import NoteSigner

STORE_KEY_FILE = "store-key.pem"


def store_signer(directory: Path) -> NoteSigner:
    """The signer of checkpoints whose key is kept in a directory, made there on first use.

    The file has mode 0600, the directory 0700. The key does not expire: a checkpoint says which
    records a store held, not when.

    Raises:
        EnvironmentUnavailableError: the directory cannot be written, others may read it or the key, or
            the file holds no such key.
    """
    path = directory / STORE_KEY_FILE
    try:
        private_key = serialization.load_pem_private_key(kept(path, _new), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _unusable(path, "it does not hold an unencrypted private key") from error
    if not isinstance(private_key, Ed25519PrivateKey):
        raise _unusable(path, "its key is not an Ed25519 key")
    return NoteSigner(private_key)


def _new() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _unusable(path: Path, reason: str) -> EnvironmentUnavailableError:
    return EnvironmentUnavailableError(
        f"{path}: not a usable store key: {reason}",
        advice="rename the file and keep it; the next run makes a new key",
    )
