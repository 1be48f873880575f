"""A dictionary: trained autoencoders of a model's heads in one file, so that latents keep their numbers.

A safetensors file. Each head ``L.H`` has ``L.H.centre`` ``[d]``, ``L.H.scale`` ``[1]``, ``L.H.encoder``
``[d, latents]``, ``L.H.bias`` ``[latents]``, ``L.H.decoder`` ``[latents, d]`` and ``L.H.offset`` ``[d]``, in
single precision, as ``sae.per_head`` reads them. The header says which weights it was trained on and how many
latents are active at a time. Nothing in such a file is code. Needs no torch.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy
from numpy.typing import NDArray

from auditkit.digest import canonical_json, sha256_hex

FORMAT = "auditkit-dictionary-1"
_HEADER = "auditkit"
PARTS = ("centre", "scale", "encoder", "bias", "decoder", "offset")

Numbers = NDArray[np.float32]


class DictionaryError(ValueError):
    """The file is not a dictionary. The message says in a few words what is wrong."""


@dataclass(frozen=True)
class Dictionary:
    """Trained autoencoders by head, with the parts of each by name.

    ``digest`` is that of the file, ``weights_digest`` that of the model's weights they were trained on.
    ``latents`` per head, of which ``k`` are active at a time.
    """

    digest: str
    weights_digest: str
    latents: int
    k: int
    heads: Mapping[str, Mapping[str, Numbers]]

    def width(self, head: str) -> int:
        """How wide the outputs of a head are that its autoencoder reads."""
        return len(self.heads[head]["centre"])


def dictionary_bytes(
    heads: Mapping[str, Mapping[str, Numbers]], weights_digest: str, k: int
) -> bytes:
    """The file of these autoencoders. The same ones give the same bytes."""
    tensors = {
        f"{head}.{part}": np.ascontiguousarray(values, dtype=np.float32)
        for head, parts in heads.items()
        for part, values in parts.items()
    }
    header = {"format": FORMAT, "weights_digest": weights_digest, "k": k}
    # In one entry: safetensors writes several in no fixed order.
    metadata = {_HEADER: canonical_json(header).decode()}
    content: bytes = safetensors.numpy.save(tensors, metadata=metadata)
    return content


def read_dictionary(path: Path) -> Dictionary:
    """The dictionary in a file.

    Raises:
        DictionaryError: it cannot be read, or is none.
    """
    try:
        content = path.read_bytes()
        with safetensors.safe_open(path, framework="np") as opened:
            metadata = opened.metadata() or {}
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    except OSError as error:
        raise DictionaryError(f"it cannot be read ({error.strerror or error})") from error
    except Exception as error:  # safetensors raises an error of its own kind, and numpy others
        raise DictionaryError(f"it is not a safetensors file ({error})") from error
    header = _header(metadata.get(_HEADER, ""))
    heads = _by_head(tensors)
    sizes = {len(parts["bias"]) for parts in heads.values()}
    if len(sizes) != 1:
        raise DictionaryError("its heads do not have the same number of latents")
    (latents,) = sizes
    k = header.get("k")
    if type(k) is not int or not 1 <= k <= latents:
        raise DictionaryError(f"its header says that {k} of {latents} latents are active")
    return Dictionary(
        digest=f"sha256:{sha256_hex(content)}",
        weights_digest=str(header.get("weights_digest", "")),
        latents=latents,
        k=k,
        heads=heads,
    )


def _header(text: str) -> dict[str, Any]:
    try:
        header = json.loads(text)
    except ValueError:
        header = None
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise DictionaryError(f"its header does not say that it is an {FORMAT}")
    return header


def _by_head(tensors: Mapping[str, Numbers]) -> dict[str, dict[str, Numbers]]:
    heads: dict[str, dict[str, Numbers]] = {}
    for name, values in tensors.items():
        head, _, part = name.rpartition(".")
        if part not in PARTS or values.dtype != np.float32 or not bool(np.isfinite(values).all()):
            raise DictionaryError(f"its part {name} is not one of finite single-precision numbers")
        heads.setdefault(head, {})[part] = values
    if not heads:
        raise DictionaryError("it has no head")
    for head, parts in heads.items():
        missing = [part for part in PARTS if part not in parts]
        if missing:
            raise DictionaryError(f"head {head} has no {missing[0]}")
        d, latents = len(parts["centre"]), len(parts["bias"])
        shapes = ((d,), (1,), (d, latents), (latents,), (latents, d), (d,))
        wrong = [p for p, shape in zip(PARTS, shapes, strict=True) if parts[p].shape != shape]
        if wrong or not d or not latents or float(parts["scale"][0]) <= 0:
            raise DictionaryError(
                f"the {(wrong or ['scale'])[0]} of head {head} does not fit the others"
            )
    return heads
