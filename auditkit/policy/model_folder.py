"""What a model folder says of itself, without loading it: its heads, and what speaks against it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from auditkit.errors import ModelError

_PICKLED = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
_MAX_CONFIG_BYTES = 1024 * 1024
_LAYER_KEYS = ("num_hidden_layers", "n_layer", "num_layers", "n_layers")
_HEAD_KEYS = ("num_attention_heads", "n_head", "num_heads", "n_heads")
_CONTEXT_KEYS = ("max_position_embeddings", "n_positions", "n_ctx")
_COPY_AGAIN = "copy the whole model again, or save it again with model.save_pretrained(folder)"


class MissingModelError(ModelError):
    """The folder, or a file that a model needs, is not there."""


class UnsafeModelError(ModelError):
    """Loading the model would run code from its folder."""


class UnsupportedModelError(ModelError):
    """The folder holds something else than a transformer with attention heads."""


@dataclass(frozen=True)
class ModelShape:
    """Attention layers, heads in each, and the longest prompt in tokens; ``None`` if not stated."""

    layers: int | None
    heads: int | None
    context: int | None


@dataclass(frozen=True)
class ModelFolder:
    """A model folder looked at: its shape, and every reason why it cannot be audited."""

    shape: ModelShape
    errors: tuple[ModelError, ...]


def inspect_folder(folder: Path) -> ModelFolder:
    """The shape that ``config.json`` states, and every reason why the folder cannot be audited."""
    nothing = ModelShape(None, None, None)
    if not folder.is_dir():
        advice = "check model.path: it starts from the folder of the policy"
        return ModelFolder(
            nothing, (MissingModelError(f"{folder}: no such folder", advice=advice),)
        )
    errors = [*_weights_errors(folder), *_tokenizer_errors(folder)]
    try:
        config = _read_config(folder / "config.json")
    except ModelError as error:
        return ModelFolder(nothing, (error, *errors))
    shape = ModelShape(
        _count(config, _LAYER_KEYS), _count(config, _HEAD_KEYS), _count(config, _CONTEXT_KEYS)
    )
    return ModelFolder(shape, (*_config_errors(folder, config), *errors))


def _weights_errors(folder: Path) -> list[ModelError]:
    names = sorted(path.name for path in folder.iterdir() if path.is_file())
    if any(name.endswith(".safetensors") for name in names):
        return []
    pickled = [name for name in names if name.endswith(_PICKLED)]
    if pickled:
        return [
            UnsafeModelError(
                f"{folder}: the weights are pickled ({', '.join(pickled)}), which can run code",
                advice="convert to safetensors: load them where they are trusted, then "
                "model.save_pretrained(folder)",
            )
        ]
    advice = "save the weights as safetensors: model.save_pretrained(folder)"
    return [MissingModelError(f"{folder}: no .safetensors file", advice=advice)]


def _tokenizer_errors(folder: Path) -> list[ModelError]:
    if (folder / "tokenizer.json").is_file():
        return []
    advice = "save the tokenizer with the model: tokenizer.save_pretrained(folder)"
    return [MissingModelError(f"{folder}: no tokenizer.json", advice=advice)]


def _read_config(path: Path) -> dict[str, object]:
    if not path.is_file():
        advice = "save the whole model: model.save_pretrained(folder)"
        raise MissingModelError(f"{path.parent}: no config.json", advice=advice)
    try:
        with path.open("rb") as stream:
            config = json.loads(stream.read(_MAX_CONFIG_BYTES))
    except (OSError, ValueError, RecursionError) as error:
        raise UnsupportedModelError(
            f"{path}: not a readable configuration ({error})", advice=_COPY_AGAIN
        ) from error
    if not isinstance(config, dict):
        raise UnsupportedModelError(
            f"{path}: not a configuration, which is a JSON object", advice=_COPY_AGAIN
        )
    return config


def _config_errors(folder: Path, config: dict[str, object]) -> list[ModelError]:
    errors: list[ModelError] = []
    if "auto_map" in config:
        message = f"{folder / 'config.json'}: asks to run code of its own (auto_map)"
        advice = "auditkit runs no code from a model folder; use a model that transformers supports"
        errors.append(UnsafeModelError(message, advice=advice))
    missing = [] if isinstance(config.get("model_type"), str) else ["model_type"]
    if not any(key in place for place in _places(config) for key in _HEAD_KEYS):
        missing.append("number of attention heads")
    if missing:
        message = (
            f"{folder / 'config.json'}: not a transformer: it states no {' and no '.join(missing)}"
        )
        advice = "auditkit looks at attention heads; other models have none"
        errors.append(UnsupportedModelError(message, advice=advice))
    return errors


def _places(config: dict[str, object]) -> list[dict[str, object]]:
    """The configuration, and the part of it that describes the text model of several."""
    text = config.get("text_config")
    return [config, text] if isinstance(text, dict) else [config]


def _count(config: dict[str, object], keys: tuple[str, ...]) -> int | None:
    for place in _places(config):
        for key in keys:
            value = place.get(key)
            if isinstance(value, int) and not isinstance(value, bool) and value > 0:
                return value
    return None
