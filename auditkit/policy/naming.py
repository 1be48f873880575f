"""A named dictionary: what it makes of a specification, and whether it fits the policy and the model."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from auditkit.errors import InputError, Problem
from auditkit.policy.loading import LoadedPolicy
from auditkit.policy.source import KeyPath
from auditkit.records.model import ModelIdentity
from auditkit.records.specification import Specification
from auditkit.sae.dictionary import Dictionary

_PATH: KeyPath = ("sae", "path")


def with_dictionary(specification: Specification, dictionary: Dictionary | None) -> Specification:
    """The specification of a task whose autoencoders are those of a dictionary: nothing is trained."""
    if dictionary is None:
        return specification
    named = {
        "latents": dictionary.latents,
        "k": dictionary.k,
        "steps": 0,
        "batch": 0,
        "learning_rate": Decimal(0),
        "seeds": 1,
        "dictionary": dictionary.digest,
    }
    defaulted = [key for key in specification.defaulted if not key.startswith("autoencoder.")]
    return specification.model_copy(
        update={
            "autoencoder": specification.autoencoder.model_copy(update=named),
            "defaulted": tuple(defaulted),
        }
    )


def dictionary_problems(loaded: LoadedPolicy, dictionary: Dictionary) -> Iterator[Problem]:
    """Settings of a training that does not take place, and declared latents that the file does not have.

    Heads that the model has and the file lacks show once the model is loaded.
    """
    policy = loaded.policy
    places: list[tuple[KeyPath, object]] = [
        (("defaults", "autoencoder"), policy.defaults.autoencoder)
    ]
    places += [
        (("tasks", index, "autoencoder"), task.autoencoder)
        for index, task in enumerate(policy.tasks)
    ]
    for path, block in places:
        if block is not None:
            message = "the policy names trained autoencoders, so none are trained"
            yield loaded.problem(path, message, "remove this block, or `sae`")
    for index, task in enumerate(policy.tasks):
        signature = None if task.expected is None else task.expected.signature
        for head, latents in (signature or {}).items():
            path = ("tasks", index, "expected", "signature", head)
            if head not in dictionary.heads:
                message = f"the dictionary has no head {head}"
                yield loaded.problem(path, message, "name a head that it has")
            elif max(latents) >= dictionary.latents:
                message = (
                    f"there is no latent {max(latents)}: the dictionary has {dictionary.latents}"
                )
                yield loaded.problem(
                    path, message, f"write numbers from 0 to {dictionary.latents - 1}"
                )


def refuse_other_weights(loaded: LoadedPolicy, model: ModelIdentity) -> None:
    """Nothing, where the named dictionary is of the model that was loaded, or none is named.

    Raises:
        InputError: it was trained on other weights, or its heads are not the model's.
    """
    dictionary = loaded.dictionary
    if dictionary is None:
        return
    problems = list(_misfits(loaded, dictionary, model))
    if problems:
        raise InputError(problems)


def _misfits(
    loaded: LoadedPolicy, dictionary: Dictionary, model: ModelIdentity
) -> Iterator[Problem]:
    if dictionary.weights_digest != model.weights_digest:
        message = (
            f"the dictionary was trained on weights {dictionary.weights_digest or 'it does not name'}, and "
            f"the model has {model.weights_digest}"
        )
        yield loaded.problem(_PATH, message, "train one for these weights: `auditkit dictionary`")
        return
    widths = {f"{at.index}.{head}": at.d_head for at in model.layers for head in range(at.n_heads)}
    for head, width in widths.items():
        if head not in dictionary.heads:
            yield loaded.problem(_PATH, f"the dictionary has no head {head}", "train it again")
            return
        read = dictionary.width(head)
        if read != width:
            message = f"head {head} puts out {width} numbers, and the dictionary reads {read}"
            yield loaded.problem(_PATH, message, "train it again")
            return
