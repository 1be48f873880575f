"""Task kinds: what a model is asked for, which models can be asked, and which labels they have.

=================  =====================================  =============================================
kind               the model must be                      what is compared
=================  =====================================  =============================================
``next_token``     a causal language model                scores of tokens after the prompt
``masked_token``   a masked language model                scores of tokens at the prompt's one mask
``classification``  a sequence classifier                  scores of labels of ``config.id2label``
``similarity``     an encoder without a head              cosines of the prompt's embedding with texts'
=================  =====================================  =============================================

Read from ``config.json`` without torch: ``auditkit check`` and ``auditkit run`` refuse the same things.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from auditkit.errors import ModelError
from auditkit.records.specification import Metric, TaskKind

CALLED: dict[TaskKind, str] = {
    "next_token": "next token",
    "masked_token": "masked token",
    "classification": "classification",
    "similarity": "similarity",
}
"""Each kind, as it is called in a sentence."""

NEEDS: dict[TaskKind, str] = {
    "next_token": "a causal language model (a class ...ForCausalLM or ...LMHeadModel)",
    "masked_token": "a masked language model (a class ...ForMaskedLM)",
    "classification": "a sequence classifier (a class ...ForSequenceClassification)",
    "similarity": "an encoder without a head (a class ...Model)",
}
"""What a model must be for each kind of task."""

METRICS: dict[TaskKind, tuple[Metric, ...]] = {
    "next_token": ("logit_difference", "probability_difference"),
    "masked_token": ("logit_difference", "probability_difference"),
    "classification": ("logit_difference", "probability_difference"),
    "similarity": ("cosine_difference",),
}
"""The metrics that each kind allows, its standard one first."""

_BY_CLASS_NAME: tuple[tuple[str, tuple[TaskKind, ...]], ...] = (
    ("ForCausalLM", ("next_token",)),
    ("WithLMHeadModel", ("next_token", "masked_token")),
    ("LMHeadModel", ("next_token",)),
    ("ModelWithLMHead", ("next_token",)),
    ("ForMaskedLM", ("masked_token",)),
    ("ForSequenceClassification", ("classification",)),
    ("ForTokenClassification", ()),
    ("ForQuestionAnswering", ()),
    ("ForMultipleChoice", ()),
    ("Model", ("similarity",)),
)
"""The last words of a model class's name, and the kinds that it then fits."""


@dataclass(frozen=True)
class ModelHead:
    """What a model's configuration says of its head.

    ``architecture`` is the model class it names, or ``None`` where it does not name exactly one.
    ``labels`` are in the order of the scores; ``problem`` is ``problem_type``, where it is stated.
    """

    architecture: str | None
    labels: tuple[str, ...]
    problem: str | None


def head_of(folder: Path) -> ModelHead:
    """What ``config.json`` of a model folder says of the model's head.

    Raises:
        ModelError: it cannot be read, or its labels are not numbered from 0 without a gap.
    """
    path = folder / "config.json"
    try:
        config = json.loads(path.read_bytes())
        named = config.get("architectures") or []
        written, problem = config.get("id2label"), config.get("problem_type")
        stated = config.get("num_labels")
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        raise ModelError(
            f"{path}: not a readable configuration",
            advice="copy the whole model again, or save it again with model.save_pretrained(folder)",
        ) from error
    return ModelHead(
        architecture=str(named[0]) if len(named) == 1 else None,
        labels=_labels(path, written, stated),
        problem=problem if isinstance(problem, str) else None,
    )


def _labels(path: Path, written: object, stated: object) -> tuple[str, ...]:
    """The labels as transformers reads them: those written, or else LABEL_0, LABEL_1 and so on."""
    if not isinstance(written, dict):
        number = stated if isinstance(stated, int) and stated > 0 else 2
        return tuple(f"LABEL_{index}" for index in range(number))
    try:
        labels = {int(key): str(value) for key, value in written.items()}
        return tuple(labels[index] for index in range(len(labels)))
    except (ValueError, KeyError) as error:
        raise ModelError(
            f"{path}: id2label does not number the labels from 0 without a gap",
            advice="write id2label as the model was trained with it",
        ) from error


def kinds_by_name(architecture: str) -> tuple[TaskKind, ...] | None:
    """The kinds that a model class fits by its name, or ``None`` where the name does not tell."""
    return next((kinds for ending, kinds in _BY_CLASS_NAME if architecture.endswith(ending)), None)


def why_not(head: ModelHead, kind: TaskKind) -> str | None:
    """Why a task of a kind cannot be asked of a model with this head; ``None`` where nothing says so.

    A class whose name does not tell what it is passes here; loading it decides.
    """
    fitting = None if head.architecture is None else kinds_by_name(head.architecture)
    if fitting is not None and kind not in fitting:
        fits = " or ".join(CALLED[each] for each in fitting) or "no task kind of this version"
        return (
            f"a {CALLED[kind]} task needs {NEEDS[kind]}, and this is {head.architecture}, which "
            f"fits {fits}"
        )
    if kind == "classification":
        return _no_classifier(head)
    return None


def _no_classifier(head: ModelHead) -> str | None:
    if head.problem == "regression" or len(head.labels) < 2:
        return (
            "the model gives one number and no labels to compare (regression): no answer is right "
            "and none is wrong, so a classification task cannot be asked of it"
        )
    repeated = sorted({label for label in head.labels if head.labels.count(label) > 1})
    if repeated:
        return f"its id2label has the label {repeated[0]!r} more than once"
    return None


def misfit(folder: Path, kind: TaskKind) -> ModelError | None:
    """The error of asking a task of a kind of the model in a folder, or ``None``.

    Raises:
        ModelError: the configuration cannot be read.
    """
    reason = why_not(head_of(folder), kind)
    if reason is None:
        return None
    return ModelError(
        f"{folder}: {reason}",
        advice="change the task's kind, or name a model saved with the head that the kind needs",
    )
