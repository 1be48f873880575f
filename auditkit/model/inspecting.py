"""What a model folder holds: architecture, size, heads, files; whether an audit could read its heads."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import transformers
from transformers import PreTrainedModel

from auditkit.errors import ModelError
from auditkit.model.fingerprint import Fingerprint, fingerprint
from auditkit.model.holding import Held
from auditkit.model.loading import fitting_kinds, load_as
from auditkit.model.locating import locate_heads, recorded
from auditkit.prompts.tokens import Tokenizer
from auditkit.records.base import NotAssessed
from auditkit.records.model import AttentionLayer
from auditkit.records.specification import TaskKind


@dataclass(frozen=True)
class Inspection:
    """A model folder, as it is without auditing it.

    ``layers``: where each head can be read, or the reason why none can. ``key_value_heads`` is how many
    heads share their keys and values with others, as the configuration states it; ``None`` where it
    does not. ``kinds`` are the kinds of task it can be asked.
    """

    architecture: str
    n_parameters: int
    dtype: str
    layers: tuple[AttentionLayer, ...] | NotAssessed
    key_value_heads: int | None
    tokenizer: str
    kinds: tuple[TaskKind, ...]
    files: Fingerprint


def inspect_model(folder: Path) -> Inspection:
    """Fingerprint a model folder, load it as what its configuration names, and locate its heads.

    Raises:
        ModelError: it is not a model that can be loaded safely.
    """
    held = Held(folder, folder, fingerprint(folder), "folder")
    architecture = _architecture(folder)
    model = load_as(getattr(transformers, architecture), folder, "float32")
    held.confirm()
    return Inspection(
        architecture=architecture,
        n_parameters=sum(parameter.numel() for parameter in model.parameters()),
        dtype=str(model.config.dtype or "float32").removeprefix("torch."),
        layers=_layers(model),
        key_value_heads=getattr(model.config.get_text_config(), "num_key_value_heads", None),
        tokenizer=_tokenizer(folder),
        kinds=_kinds(folder),
        files=held.files,
    )


def _architecture(folder: Path) -> str:
    config = _json(folder / "config.json")
    named = config.get("architectures") or []
    known = [str(name) for name in named if hasattr(transformers, str(name))]
    if len(known) != 1:
        raise ModelError(
            f"{folder / 'config.json'}: names {named or 'no architecture'}, which is not one model class "
            "of transformers",
            advice="save the model again with model.save_pretrained(folder)",
        )
    return known[0]


def _kinds(folder: Path) -> tuple[TaskKind, ...]:
    """The kinds that fit the model's class; a masked token task also needs a mask token."""
    has_mask = Tokenizer.from_folder(folder).mask_id is not None
    return tuple(kind for kind in fitting_kinds(folder) if kind != "masked_token" or has_mask)


def _layers(model: PreTrainedModel) -> tuple[AttentionLayer, ...] | NotAssessed:
    try:
        return recorded(locate_heads(model))
    except ModelError as error:
        return NotAssessed(code="model_refused", reason=error.message)


def _tokenizer(folder: Path) -> str:
    kind = _json(folder / "tokenizer.json").get("model") or {}
    return str(kind.get("type") or "unknown") if isinstance(kind, dict) else "unknown"


def _json(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: cannot be read as JSON") from error
    if not isinstance(document, dict):
        raise ModelError(f"{path}: is not a JSON object")
    return document
