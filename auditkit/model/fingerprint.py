"""Which files are the model: a manifest of every file by name, size and SHA-256, without torch.

The digest over contents follows OpenSSF Model Signing v1.0 (``root_digest``). It does not cover file
names, so the manifest's own digest is recorded beside it and is the one auditkit compares.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from auditkit.digest import canonical_json, sha256_hex, sha256_of_stream
from auditkit.errors import ModelError
from auditkit.records.model import FileDigest

WEIGHT_SUFFIX = ".safetensors"
INDEX_NAME = "model.safetensors.index.json"


@dataclass(frozen=True)
class Fingerprint:
    """The model's files in path order, and the digests over them (``sha256:`` and hexadecimal)."""

    manifest: tuple[FileDigest, ...]
    manifest_digest: str
    root_digest: str
    weights_digest: str
    tokenizer_digest: str


def fingerprint(folder: Path) -> Fingerprint:
    """The fingerprint of a model folder: weights, configuration, tokenizer, and whatever lies beside.

    Hidden files and folders are left out. Links, pipes and devices are refused: the bytes hashed must
    be the bytes loaded.

    Raises:
        ModelError: the folder or a file cannot be read, is not a plain file, or an index of shards
            names a file outside the folder.
    """
    if not folder.is_dir():
        raise ModelError(f"{folder}: no such model folder", advice="check model.path in the policy")
    manifest = tuple(_file_digest(folder, path) for path in _plain_files(folder))
    _refuse_outside_shards(folder, {entry.path for entry in manifest})
    weights = tuple(e for e in manifest if e.path.endswith(WEIGHT_SUFFIX) or e.path == INDEX_NAME)
    tokenizer = next((e.sha256 for e in manifest if e.path == "tokenizer.json"), None)
    if not any(entry.path.endswith(WEIGHT_SUFFIX) for entry in weights):
        raise ModelError(
            f"{folder}: no {WEIGHT_SUFFIX} file",
            advice="save the weights as safetensors: model.save_pretrained(folder)",
        )
    if tokenizer is None:
        raise ModelError(
            f"{folder}: no tokenizer.json",
            advice="save the tokenizer with the model: tokenizer.save_pretrained(folder)",
        )
    return Fingerprint(
        manifest=manifest,
        manifest_digest=_manifest_digest(manifest),
        root_digest=_root_digest(manifest),
        weights_digest=_manifest_digest(weights),
        tokenizer_digest=tokenizer,
    )


def _plain_files(folder: Path) -> list[Path]:
    """Every visible file below the folder, in code-point order of its path."""
    found: list[Path] = []
    for root, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in (*folders, *names):
            path = Path(root) / name
            mode = path.lstat().st_mode
            if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                raise ModelError(
                    f"{path}: not a plain file",
                    advice="copy the model into a folder without links, pipes or devices",
                )
        found += [Path(root) / name for name in names if not name.startswith(".")]
    return sorted(found, key=lambda path: path.relative_to(folder).as_posix())


def _file_digest(folder: Path, path: Path) -> FileDigest:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        with os.fdopen(handle, "rb") as stream:
            digest = sha256_of_stream(stream)
            size = stream.tell()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror})") from error
    name = path.relative_to(folder).as_posix()
    return FileDigest(path=name, size=size, sha256=f"sha256:{digest}")


def _refuse_outside_shards(folder: Path, known: set[str]) -> None:
    """Refuse an index whose shards are not in the manifest: they would be loaded without being hashed."""
    if INDEX_NAME not in known:
        return
    try:
        shards = set(json.loads((folder / INDEX_NAME).read_bytes())["weight_map"].values())
    except (ValueError, KeyError, AttributeError) as error:
        raise ModelError(f"{folder / INDEX_NAME}: not a readable index of shards") from error
    for shard in sorted(map(str, shards - known)):
        raise ModelError(
            f"{folder / INDEX_NAME}: names {shard!r}, which is not a file of this model folder"
        )


def _manifest_digest(entries: tuple[FileDigest, ...]) -> str:
    document = [entry.model_dump(mode="json") for entry in entries]
    return f"sha256:{sha256_hex(canonical_json(document))}"


def _root_digest(entries: tuple[FileDigest, ...]) -> str:
    """SHA-256 over the files' raw digests in path order (OpenSSF Model Signing v1.0)."""
    raw = b"".join(bytes.fromhex(entry.sha256.removeprefix("sha256:")) for entry in entries)
    return f"sha256:{hashlib.sha256(raw).hexdigest()}"
