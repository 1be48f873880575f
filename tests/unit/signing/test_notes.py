"""Signed notes and the key that signs them: the published form, and nothing else."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from auditkit.errors import EnvironmentUnavailableError, EvidenceError
from auditkit.signing.keys.store_key import STORE_KEY_FILE, store_signer
from auditkit.signing.notes import NoteSigner, TreeHead, head_in, head_of, open_note
from tests.builders import note_signer

# The example in the documentation of Go's golang.org/x/mod/sumdb/note.
PUBLISHED_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PUBLISHED_TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
PUBLISHED = (
    f"{PUBLISHED_TEXT}\n\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2p"
    "ZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
HEAD = TreeHead("auditkit-store", 7, bytes(range(32)))
SIGNED = note_signer().sign(HEAD)


def test_published_note_verifies() -> None:
    """A note that another program signed is read, by its published verifier key."""
    assert open_note(PUBLISHED, PUBLISHED_KEY) == PUBLISHED_TEXT


def test_checkpoint_is_three_lines_and_a_signature() -> None:
    """The text is origin, size and root in base64, and reads back as what was signed."""
    lines = SIGNED.note.split("\n")
    assert lines[:4] == ["auditkit-store", "7", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", ""]
    assert lines[4].startswith("\u2014 auditkit-store ")
    assert lines[5:] == [""]
    assert head_of(open_note(SIGNED.note, SIGNED.verifier_key)) == HEAD
    assert head_in(SIGNED.note) == HEAD


def test_signatures_of_others_may_stand_under_a_note() -> None:
    """A witness's own signature beside ours is no harm; ours is still verified."""
    other = note_signer(2).sign(HEAD)
    both = SIGNED.note + other.note.split("\n\n")[1]
    assert open_note(both, SIGNED.verifier_key) == open_note(both, other.verifier_key)


@pytest.mark.parametrize(
    "change",
    [
        lambda note: note.replace("\n7\n", "\n8\n"),
        lambda note: note.replace("auditkit-store\n7", "another-store\n7"),
        lambda note: note.replace("\n\n", "\n"),
        lambda note: note.rstrip("\n"),
        lambda note: note + "\n",
        lambda note: note + "more\n",
        lambda note: note.replace("\u2014", "-"),
        lambda note: note.replace("=\n", "!\n"),
        lambda note: note.replace("\n7\n", "\n7\t\n"),
        lambda note: note.split("\n\n")[0] + "\n",
        lambda _: note_signer(2).sign(HEAD).note,
        lambda note: "x" * 20_000 + note,
        lambda _: "",
    ],
)
def test_changed_note_is_refused(change: object) -> None:
    """One line for each way a note is not the one that was signed."""
    assert callable(change)
    with pytest.raises(EvidenceError) as caught:
        open_note(change(SIGNED.note), SIGNED.verifier_key)
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    "key",
    [
        "",
        "name",
        "name+00000000+",
        "name+00000000+AAAA",
        PUBLISHED_KEY.replace("c74f20a3", "c74f20a4"),
        PUBLISHED_KEY.replace("PeterNeumann", "Peter Neumann"),
        PUBLISHED_KEY.replace("+ARpc", "+AxRp"),
    ],
)
def test_what_is_no_verifier_key_is_refused(key: str) -> None:
    """A key whose id is not its own, or of another kind, opens nothing."""
    with pytest.raises(EvidenceError):
        open_note(PUBLISHED, key)


@pytest.mark.parametrize(
    "text", ["", "a\n1\n", "a\nx\nAA==\n", "a\n01\nAA==\n", "a\n1\nAA==\n", "\n1\nAA==\n"]
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    """Three lines, a plain number, a SHA-256."""
    with pytest.raises(EvidenceError):
        head_of(text)


def test_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    """The file is 0600 in a 0700 folder, and the second use reads the first one's key."""
    folder = tmp_path / "keys"
    first, second = (store_signer(folder).verifier_key("x") for _ in range(2))
    assert first == second
    assert stat.S_IMODE((folder / STORE_KEY_FILE).stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [path.name for path in folder.iterdir()] == [STORE_KEY_FILE]
    assert "PRIVATE" not in repr(NoteSigner(store_signer(folder).private_key))


@pytest.mark.parametrize("content", [b"", b"hello", b"other key"])
def test_file_that_holds_no_such_key_is_unavailable(tmp_path: Path, content: bytes) -> None:
    """Another kind of key, or none, is said in one line and left as it is."""
    if content == b"other key":
        content = generate_private_key(SECP256R1()).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    tmp_path.chmod(0o700)
    path = tmp_path / STORE_KEY_FILE
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(EnvironmentUnavailableError, match="not a usable store key"):
        store_signer(tmp_path)
    assert path.read_bytes() == content


def test_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    """A readable key is no key."""
    store_signer(tmp_path / "keys")
    (tmp_path / "keys" / STORE_KEY_FILE).chmod(0o644)
    with pytest.raises(EnvironmentUnavailableError, match="other users may read"):
        store_signer(tmp_path / "keys")
