"""Which model was audited: every file by digest, and where its attention heads were read."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from auditkit.records.base import Record, Sha256

Count = Annotated[int, Field(ge=0)]
FoundBy = Literal["interface", "structure"]
"""How an attention layer was found: by the attention function that ran, or by how modules are named."""


class FileDigest(Record):
    """One file of the model: its path below the model folder, its size in bytes, its SHA-256."""

    path: Annotated[str, Field(min_length=1)]
    size: Count
    sha256: Sha256


class AttentionLayer(Record):
    """One attention layer: its heads, and the module whose input holds their outputs side by side.

    The input of ``module`` is read as ``[batch, position, n_heads * d_head]``, head-major: observed where
    it was ``found_by`` the attention interface of transformers, assumed where by structure.
    """

    index: Count
    n_heads: Annotated[int, Field(ge=1)]
    d_head: Annotated[int, Field(ge=1)]
    module: str
    found_by: FoundBy


class ModelIdentity(Record):
    """The audited model.

    ``manifest_digest`` covers names, sizes and digests of every file (the canonical JSON of
    ``manifest``). ``root_digest`` covers the contents alone, as OpenSSF Model Signing v1.0 defines
    it: SHA-256 over the raw digests in path order. ``weights_digest`` is the manifest digest of the
    weight files only: the value an expectation is declared for.
    """

    name: str
    revision: str | None
    architecture: str
    n_parameters: Count
    layers: tuple[AttentionLayer, ...]
    manifest: Annotated[tuple[FileDigest, ...], Field(min_length=1)]
    manifest_digest: Sha256
    root_digest: Sha256
    weights_digest: Sha256
    tokenizer_digest: Sha256
