"""Which model was audited: every file by digest, and where its attention heads were read."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from auditkit.records.base import Count, Record, Sha256

FoundBy = Literal["interface", "structure"]
"""How an attention layer was found: by the attention function that ran, or by how modules are named."""

Dtype = Literal["float32", "bfloat16", "float16"]
"""The number format that a model is run in."""

ReadFrom = Literal["snapshot", "folder", "memory"]
"""Where the model was loaded from: a private copy made while hashing, the folder itself, or nowhere."""


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
    n_heads: Annotated[int, Field(ge=1, le=4096)]
    d_head: Annotated[int, Field(ge=1, le=65_536)]
    module: str
    found_by: FoundBy


class PinnedDigest(Record):
    """A digest of the model that the policy states, and which the files were found to have."""

    by: Literal["root_digest", "weights_digest"]
    value: Sha256


class PinnedSignature(Record):
    """A signature over the model's files (OpenSSF Model Signing v1.0) that the policy names.

    ``bundle`` is the SHA-256 of the signature file, ``key`` that of the signer's public key (DER,
    SubjectPublicKeyInfo). ``subject`` is whom the signer's certificate names; ``None`` where the policy
    gives a bare key. The signature carries no time: nothing says when it was made, or that a
    certificate was valid then.
    """

    by: Literal["signature"]
    bundle: Sha256
    key: Sha256
    subject: str | None


Pin = Annotated[PinnedDigest | PinnedSignature, Field(discriminator="by")]


class ModelIdentity(Record):
    """The audited model.

    ``manifest_digest`` covers names, sizes and digests of every file (the canonical JSON of
    ``manifest``). ``root_digest`` covers the contents alone, as OpenSSF Model Signing v1.0 defines
    it: SHA-256 over the raw digests in path order. ``weights_digest`` is the manifest digest of the
    weight files only: the value an expectation is declared for.

    ``read_from`` a ``snapshot``: the bytes that were hashed were written to a private folder, loaded from
    there and hashed again. From the ``folder``: it was hashed, loaded, hashed, and hashed once more
    after the last measurement. From ``memory``: a known-answer control. ``pinned`` is everything by which
    the policy fixed the files beforehand; empty when it did not.
    """

    name: str
    revision: str | None
    architecture: str
    n_parameters: Count
    layers: Annotated[tuple[AttentionLayer, ...], Field(max_length=1024)]
    manifest: Annotated[tuple[FileDigest, ...], Field(min_length=1)]
    manifest_digest: Sha256
    root_digest: Sha256
    weights_digest: Sha256
    tokenizer_digest: Sha256
    read_from: ReadFrom
    pinned: tuple[Pin, ...]
