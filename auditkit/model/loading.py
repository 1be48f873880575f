"""Load a model folder for audit: safetensors only, no remote code, nothing from the network.

What is loaded is what was hashed: ``holding`` keeps the files still and hashes them again.
"""

from __future__ import annotations

import logging
import platform
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors import SafetensorError
from transformers import (
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    AutoModelForSequenceClassification,
    PreTrainedModel,
)
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
    MODEL_FOR_MASKED_LM_MAPPING_NAMES,
    MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES,
    MODEL_MAPPING_NAMES,
)
from transformers.utils import logging as transformers_logging

from auditkit.errors import ModelError
from auditkit.model.devices import called, peak_memory
from auditkit.model.fingerprint import fingerprint
from auditkit.model.holding import Held
from auditkit.model.locating import locate_heads, recorded
from auditkit.model.memory import UNBOUNDED, Plan
from auditkit.model.subject import Subject
from auditkit.prompts.kinds import head_of, misfit, why_not
from auditkit.records.audit import Environment, Memory
from auditkit.records.model import AttentionLayer, ModelIdentity, Pin
from auditkit.records.model import Dtype as Dtype  # what a model is loaded in
from auditkit.records.specification import TaskKind

_CLASSES: dict[TaskKind, tuple[Any, Mapping[str, Any], str]] = {
    "next_token": (
        AutoModelForCausalLM,
        MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
        "causal language model",
    ),
    "masked_token": (
        AutoModelForMaskedLM,
        MODEL_FOR_MASKED_LM_MAPPING_NAMES,
        "masked language model",
    ),
    "classification": (
        AutoModelForSequenceClassification,
        MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES,
        "sequence classifier",
    ),
    "similarity": (AutoModel, MODEL_MAPPING_NAMES, "encoder without a head"),
}
"""The class that loads a model for a kind of task, the classes it can be, and what that is called."""
_CALLED = {loader: called for loader, _, called in _CLASSES.values()}


def fitting_kinds(folder: Path) -> tuple[TaskKind, ...]:
    """The kinds of task that a folder's model can be asked, by its class and its labels.

    Raises:
        ModelError: the configuration cannot be read.
    """
    head = head_of(folder)
    return tuple(
        kind
        for kind, (_, classes, _) in _CLASSES.items()
        if head.architecture in _names(classes) and why_not(head, kind) is None
    )


def _names(classes: Mapping[str, Any]) -> set[str]:
    """The class names of a mapping of transformers, which has one or several for a model type."""
    names: set[str] = set()
    for each in classes.values():
        names |= {each} if isinstance(each, str) else set(each)
    return names


def refuse_misfit(folder: Path, kinds: Iterable[TaskKind]) -> None:
    """Raises unless a folder's model, by its configuration, can be asked these kinds of task.

    Raises:
        ModelError: the model does not fit a kind; says what it would have to be, or what fits it.
    """
    for kind in kinds:
        error = misfit(folder, kind)
        if error is not None:
            raise error


def load_subject(
    folder: Path,
    *,
    revision: str | None,
    dtype: Dtype,
    kind: TaskKind = "next_token",
    device: torch.device | None = None,
    memory: Plan = UNBOUNDED,
) -> Subject:
    """The model of a folder as a kind of task needs it, loaded in place: hashed before and after.

    It runs on ``device``, by default the processor, and keeps to the memory plan.

    Raises:
        ModelError: the folder is not such a model that can be loaded safely, or its files changed
            while it was loaded.
    """
    return load_held(
        Held(folder, folder, fingerprint(folder), "folder"),
        (),
        revision=revision,
        dtype=dtype,
        kind=kind,
        device=device,
        memory=memory,
    )


def load_held(
    held: Held,
    pinned: tuple[Pin, ...],
    *,
    revision: str | None,
    dtype: Dtype,
    kind: TaskKind = "next_token",
    device: torch.device | None = None,
    memory: Plan = UNBOUNDED,
) -> Subject:
    """A held model as a kind of task needs it, with its identity and the place of every head.

    ``pinned`` is what the policy fixed the files by, found to agree. The model runs on ``device``, by
    default the processor, and keeps to the memory plan.

    Raises:
        ModelError: it is not such a model that can be loaded safely, or its files changed while it was
            loaded.
    """
    with held.called_by_its_name():
        model = _load(held.folder, dtype, kind, device or torch.device("cpu"), memory)
    held.confirm()
    locations = locate_heads(model)
    identity = _identity(held, pinned, revision, model, recorded(locations))
    return Subject(model, locations, identity, memory)


def environment(dtype: Dtype, device: torch.device, memory: Plan, budget: int) -> Environment:
    """Where the model runs: interpreter, platform, library versions, device, threads, memory so far."""
    return Environment(
        python=platform.python_version(),
        platform=f"{platform.system()}-{platform.machine()}",
        torch=torch.__version__,
        transformers=transformers.__version__,
        device=called(device),
        dtype=dtype,
        threads=torch.get_num_threads(),
        memory=Memory(
            budget=budget,
            peak=peak_memory(device),
            peak_of="device" if device.type == "cuda" else "process",
            layers_offloaded=memory.resident is not None,
            outputs_in_files=memory.spill is not None,
        ),
    )


def _load(
    folder: Path, dtype: Dtype, kind: TaskKind, device: torch.device, memory: Plan
) -> PreTrainedModel:
    model = _placed(folder, dtype, kind, device, memory)
    config = model.config.get_text_config()
    if kind == "classification" and getattr(config, "pad_token_id", None) is None:
        # A decoder with a classifier looks for the last token that is not padding, and refuses a batch
        # where it knows no padding. No prompt here is padded: with an id that no token has it finds the
        # last token of each, as it does of a prompt that runs alone.
        config.pad_token_id = -1
    return model


def _placed(
    folder: Path, dtype: Dtype, kind: TaskKind, device: torch.device, memory: Plan
) -> PreTrainedModel:
    """The model on its device, or as much of it as the memory plan keeps there."""
    loader, _, _ = _CLASSES[kind]
    if memory.resident is None:
        model = load_as(loader, folder, dtype)
        to_device: Any = model.to  # wrapped by transformers, without a type
        to_device(device)
        return model
    place: str | int = "cpu" if device.type == "cpu" else 0
    return load_as(
        loader,
        folder,
        dtype,
        device_map="auto",
        max_memory={place: memory.resident},
        offload_folder=memory.folder,
    )


def load_as(
    kind: Any,  # noqa: ANN401 - a class
    folder: Path,
    dtype: Dtype,
    **placed: object,
) -> PreTrainedModel:
    """A folder's model as one class of transformers: safetensors, no remote code, nothing made up.

    ``placed`` are the loader's options on where weights go.

    Raises:
        ModelError: it cannot be loaded as that, or the weights are not exactly those of the model.
    """
    logging.getLogger("accelerate").setLevel(logging.ERROR)  # it tells of offloaded layers
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    try:
        loaded: Any = kind.from_pretrained(
            folder,
            dtype=getattr(torch, dtype),
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
            **placed,
        )
    except SafetensorError as error:
        raise ModelError(
            f"{folder}: a weight file is damaged ({error})", advice="copy the model again"
        ) from error
    except Exception as error:  # transformers raises all kinds on a malformed folder
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise ModelError(
            f"{folder}: not a {_CALLED.get(kind, kind.__name__)} that transformers can load ({reason})",
            advice="model.path must name a folder written by save_pretrained",
        ) from error
    model: PreTrainedModel
    model, found = loaded
    _refuse_made_up(folder, found)
    model.train(mode=False)
    model.requires_grad_(requires_grad=False)
    return model


def _refuse_made_up(folder: Path, found: Mapping[str, Any]) -> None:
    """Refuse weights that are not the file's: transformers makes up what it does not find, at random."""
    reasons = [f"{name} is not in them" for name in sorted(found["missing_keys"])]
    reasons += [
        f"{name} has shape {list(in_file)} in them and {list(in_model)} in the model"
        for name, in_file, in_model in sorted(found["mismatched_keys"])
    ]
    # The digest is that of the whole file: what it holds must be what is audited.
    reasons += [f"{name} is in them and not used" for name in sorted(found["unexpected_keys"])]
    if reasons:
        more = f", and {len(reasons) - 1} more" if len(reasons) > 1 else ""
        raise ModelError(
            f"{folder}: the weights are not those of the model in config.json: {reasons[0]}{more}",
            advice="copy the whole model again, or save it again with model.save_pretrained(folder)",
        )


def _identity(
    held: Held,
    pinned: tuple[Pin, ...],
    revision: str | None,
    model: PreTrainedModel,
    layers: tuple[AttentionLayer, ...],
) -> ModelIdentity:
    files = held.files
    return ModelIdentity(
        name=held.origin.resolve().name,
        revision=revision,
        architecture=type(model).__name__,
        n_parameters=sum(parameter.numel() for parameter in model.parameters()),
        layers=layers,
        manifest=files.manifest,
        manifest_digest=files.manifest_digest,
        root_digest=files.root_digest,
        weights_digest=files.weights_digest,
        tokenizer_digest=files.tokenizer_digest,
        read_from=held.read_from,
        pinned=pinned,
    )
