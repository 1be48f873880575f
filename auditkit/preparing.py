"""What is settled before anything is measured: prompts, memory, the model and how each task reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from auditkit.identifying.activations import within
from auditkit.model.holding import Held
from auditkit.model.loading import Dtype, load_held, refuse_misfit
from auditkit.model.memory import UNBOUNDED, Load, Plan, plan_for
from auditkit.model.reading import Reading
from auditkit.model.sizes import sizes_of
from auditkit.model.subject import Subject
from auditkit.model.texts import Texts
from auditkit.policy import LoadedPolicy
from auditkit.policy.naming import refuse_other_weights
from auditkit.policy.pinning import confirm_pins
from auditkit.policy.prompting import prepare_task
from auditkit.progress import Advance, Progress
from auditkit.prompts.sets import PreparedPrompts
from auditkit.records.specification import Specification, TaskKind
from auditkit.sae.dictionary import Dictionary


@dataclass(frozen=True)
class Machine:
    """What a run may use: the device, the bytes it may hold at once, and a folder for what it keeps.

    ``base`` is what is held before a model is loaded. ``offload``: read layers from the model's files
    even where memory would hold them all.
    """

    device: torch.device
    budget: int
    base: int
    working: Path
    offload: bool = False


Prepared = tuple[Specification, PreparedPrompts]
"""A task's specification and its prompts."""


@dataclass(frozen=True)
class Asked:
    """The loaded model, and for each task by its id what it is asked and how the answer is read.

    ``dictionary``: the trained autoencoders that the policy names, if it does.
    """

    model: Subject
    prompts: dict[str, Prepared]
    readings: dict[str, Reading]
    dictionary: Dictionary | None = None

    def subject(self, task: str) -> Subject:
        """The model as a task reads it."""
        return self.model.asked(self.readings[task])

    def keep_to_budget(self, budget: int) -> None:
        """Plan with what the longest of all pairs takes. Raises EnvironmentUnavailableError: too much."""
        longest = max(self.prompts, key=lambda task: self.prompts[task][1].longest)
        specification, prompts = self.prompts[longest]
        pairs = (*prompts.discovery, *prompts.further, *prompts.test)
        self.model.memory = within(budget, self.subject(longest), pairs, specification.metric)


def load(loaded: LoadedPolicy, held: Held, machine: Machine, progress: Progress) -> Asked:
    """The prompts of every task and the model, from files that are held still, within the memory budget.

    The model is loaded as the kind of the tasks needs it; a policy has tasks of one kind.

    Raises:
        InputError: prompts cannot be prepared, or what the policy fixes the model by cannot be read.
        ModelError: the model cannot be loaded, or is not the one the policy fixed.
        EnvironmentUnavailableError: the memory budget does not hold it.
    """
    policy, model = loaded.policy, loaded.policy.model
    kinds = tuple(dict.fromkeys(policy.specification(t).kind for t in policy.tasks))
    pinned = confirm_pins(loaded, held)
    with held.called_by_its_name():
        refuse_misfit(held.folder, kinds)
        texts = Texts.from_folder(held.folder)
        with progress.stage("prompts", len(policy.tasks)) as advance:
            prompts = prepare_tasks(loaded, texts, advance)
        with progress.stage("load the model", 1) as advance:
            subject = load_held(
                held,
                pinned,
                revision=model.revision,
                dtype=model.dtype,
                kind=kinds[0],
                device=machine.device,
                memory=memory_for(held.folder, model.dtype, kinds, machine, loads_of(prompts)),
            )
            readings = {id_: reading_of(texts, subject, *each) for id_, each in prompts.items()}
            refuse_other_weights(loaded, subject.identity)
            asked = Asked(subject, prompts, readings, loaded.dictionary)
            asked.keep_to_budget(machine.budget)
            advance(1)
    return asked


def prepare_tasks(loaded: LoadedPolicy, texts: Texts, advance: Advance) -> dict[str, Prepared]:
    """The prompts of every task under the model's tokenizer and labels."""
    prepared = {}
    for task in loaded.policy.tasks:
        prepared[task.id] = prepare_task(loaded, task, texts.tokenizer, texts.labels)
        advance(1)
    return prepared


def reading_of(
    texts: Texts, subject: Subject, specification: Specification, prompts: PreparedPrompts
) -> Reading:
    """How a task is read off the model, its prompts held against transformers' own tokenizer."""
    reading = texts.reading(subject, specification)
    texts.check((*prompts.discovery, *prompts.further, *prompts.test), reading)
    return reading


def loads_of(prepared: Mapping[str, Prepared]) -> tuple[Load, ...]:
    """What each task asks of memory."""
    return tuple(
        Load(
            discovery=len(prompts.discovery),
            test=len(prompts.test) + len(prompts.further),
            positions=prompts.longest,
            latents=specification.autoencoder.latents,
        )
        for specification, prompts in prepared.values()
    )


def memory_for(
    folder: Path,
    dtype: Dtype,
    kinds: Sequence[TaskKind],
    machine: Machine,
    loads: Sequence[Load],
) -> Plan:
    """The memory plan that fits all tasks; none for a folder that states no sizes: loading tells why."""
    sizes = sizes_of(folder, dtype, kinds)
    if sizes is None:
        return UNBOUNDED
    return plan_for(
        sizes,
        loads,
        budget=machine.budget,
        base=machine.base,
        spill=machine.working,
        offload=machine.offload,
    )
