"""What a model folder says of itself, without loading it: its heads, and what speaks against it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from auditkit.errors import ModelError
from auditkit.prompts.tokens import Tokenizer

_PICKLED = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
_INDEX = "model.safetensors.index.json"
_SHARD = re.compile(r".*-\d{5}-of-\d{5}\.safetensors")
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


class NotAModelError(UnsupportedModelError):
    """The folder holds a part of a model, which says all there is to say of it."""


@dataclass(frozen=True)
class ModelShape:
    """Attention layers, heads in each, the longest prompt in tokens, the number of tokens known;
    ``None`` if not stated.
    """

    layers: int | None
    heads: int | None
    context: int | None
    vocabulary: int | None


@dataclass(frozen=True)
class ModelFolder:
    """A model folder looked at: its shape, and every reason why it cannot be audited."""

    shape: ModelShape
    errors: tuple[ModelError, ...]


def inspect_folder(folder: Path) -> ModelFolder:
    """The shape that ``config.json`` states, and every reason why the folder cannot be audited."""
    nothing = ModelShape(None, None, None, None)
    if not folder.is_dir():
        advice = "check model.path: it starts from the folder of the policy"
        return ModelFolder(
            nothing, (MissingModelError(f"{folder}: no such folder", advice=advice),)
        )
    errors = [*_weights_errors(folder), *_tokenizer_errors(folder)]
    try:
        config = _read_config(folder / "config.json")
    except ModelError as error:
        alone = [each for each in errors if isinstance(each, NotAModelError)]
        return ModelFolder(nothing, tuple(alone or (error, *errors)))
    shape = ModelShape(
        _count(config, _LAYER_KEYS),
        _count(config, _HEAD_KEYS),
        _count(config, _CONTEXT_KEYS),
        _count(config, ("vocab_size",)),
    )
    return ModelFolder(
        shape, (*_config_errors(folder, config), *_kind_errors(folder, config), *errors)
    )


def refuse_unreadable(folder: Path) -> None:
    """Raises unless the folder holds one model, of whatever kind, in a form that can be read.

    Raises:
        ModelError: the first reason why it cannot be read.
    """
    if not folder.is_dir():
        raise MissingModelError(f"{folder}: no such folder", advice="name a model folder")
    errors = _weights_errors(folder)
    if not errors:
        errors = _kind_errors(folder, _read_config(folder / "config.json"))
    if errors:
        raise errors[0]


def _kind_errors(folder: Path, config: dict[str, object]) -> list[ModelError]:
    """Weights in a form that no audit can run, by what the configuration says of them."""
    where = folder / "config.json"
    errors: list[ModelError] = []
    quantised = config.get("quantization_config")
    if quantised is not None:
        method = quantised.get("quant_method") if isinstance(quantised, dict) else None
        message = f"{where}: the weights are quantised ({method or 'method not stated'})"
        advice = (
            "auditkit runs float32, bfloat16 and float16; audit the model before it is quantised"
        )
        errors.append(UnsupportedModelError(message, advice=advice))
    named = config.get("architectures")
    classes = named if isinstance(named, list) else []
    if config.get("is_encoder_decoder") is True and not any(
        str(each).endswith("EncoderModel") for each in classes
    ):
        message = f"{where}: an encoder-decoder, whose tasks this version cannot ask"
        advice = "audit its encoder alone, saved by itself, or a model of one stack"
        errors.append(UnsupportedModelError(message, advice=advice))
    return errors


def _weights_errors(folder: Path) -> list[ModelError]:
    names = sorted(path.name for path in folder.iterdir() if path.is_file())
    if "adapter_config.json" in names and "config.json" not in names:
        message = (
            f"{folder}: an adapter alone, not a model (adapter_config.json without config.json)"
        )
        advice = "merge it into its base model (merge_and_unload in peft) and save the whole model"
        return [NotAModelError(message, advice=advice)]
    weights = [name for name in names if name.endswith(".safetensors")]
    if weights:
        return _more_than_one(folder, names, weights)
    if any(name.endswith(".gguf") for name in names):
        message = f"{folder}: the weights are GGUF, a quantised form for other programs"
        advice = "audit the model that it was converted from, saved as safetensors"
        return [UnsupportedModelError(message, advice=advice)]
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


def _more_than_one(folder: Path, names: list[str], weights: list[str]) -> list[ModelError]:
    """Two sets of weights in one folder: which of them is the model would be a guess."""
    shards = [name for name in weights if _SHARD.fullmatch(name)]
    whole = [name for name in weights if name not in shards]
    indexed = _INDEX in names
    if len(whole) > 1 or (whole and (shards or indexed)):
        both = ", ".join([*whole, *([_INDEX] if indexed else shards[:1])])
        return [
            UnsupportedModelError(
                f"{folder}: more than one set of weights ({both})",
                advice="keep the files of the one model that is audited, and nothing beside them",
            )
        ]
    return []


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


def refuse_misfit(tokenizer: Tokenizer, shape: ModelShape, folder: Path) -> None:
    """Raises unless the model knows every token of the tokenizer. It may know more: padding.

    Raises:
        UnsupportedModelError: a token has a number that the weights have no row for.
    """
    if shape.vocabulary is not None and tokenizer.highest_id >= shape.vocabulary:
        raise UnsupportedModelError(
            f"{folder}: the tokenizer does not fit the weights: it gives token numbers up to"
            f" {tokenizer.highest_id}, and the model knows {shape.vocabulary} tokens",
            advice="save the tokenizer that the model was trained with: tokenizer.save_pretrained(folder)",
        )


def _count(config: dict[str, object], keys: tuple[str, ...]) -> int | None:
    for place in _places(config):
        for key in keys:
            value = place.get(key)
            if isinstance(value, int) and not isinstance(value, bool) and value > 0:
                return value
    return None
