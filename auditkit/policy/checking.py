"""What a policy points to, looked at before a run: the model folder, the heads, the prompts.

Nothing here loads the model or imports torch. What cannot be checked without it is listed as not
checked, with the reason.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from auditkit.errors import InputError, ModelError, Problem
from auditkit.policy.asked import kind_problems, small_budget, too_few_examples
from auditkit.policy.loading import LoadedPolicy
from auditkit.policy.model_folder import ModelShape, inspect_folder, refuse_misfit
from auditkit.policy.naming import dictionary_problems
from auditkit.policy.prompting import prepare_task, wanted
from auditkit.policy.schema import PolicyTask
from auditkit.policy.source import KeyPath
from auditkit.prompts.files import read_pairs
from auditkit.prompts.kinds import head_of, misfit
from auditkit.prompts.pairs import split_as_wanted
from auditkit.prompts.tokens import Tokenizer


@dataclass(frozen=True)
class NotChecked:
    """Something a check could not look at, and why."""

    what: str
    reason: str


@dataclass(frozen=True)
class CheckOutcome:
    """What was found, what was looked at, and what was not.

    ``problems`` are faults of the policy or of a prompt file, in the order of the policy;
    ``model_errors`` are reasons why the model cannot be audited.
    """

    problems: tuple[Problem, ...]
    model_errors: tuple[ModelError, ...]
    checked: tuple[str, ...]
    not_checked: tuple[NotChecked, ...]

    def refuse(self, warn: Callable[[str], None]) -> None:
        """Returns where nothing was found. Where the policy has problems, ``warn`` is told of the model's.

        Raises:
            InputError: the policy or a prompt file has problems.
            ModelError: the model cannot be audited.
        """
        if self.problems:
            for error in self.model_errors:
                warn(error.message)
            raise InputError(self.problems)
        if self.model_errors:
            messages = "; ".join(error.message for error in self.model_errors)
            raise ModelError(messages, advice=self.model_errors[0].advice)


@dataclass(frozen=True)
class _Reader:
    """What prompts are read with: the model's tokenizer, where it is at hand, and its labels."""

    tokenizer: Tokenizer | None
    labels: tuple[str, ...]


@dataclass
class _Findings:
    problems: list[Problem] = field(default_factory=list)
    model_errors: list[ModelError] = field(default_factory=list)
    checked: list[str] = field(default_factory=list)
    not_checked: list[NotChecked] = field(default_factory=list)

    def add_once(self, problem: Problem | None) -> None:
        """A problem of a task, if it is one; tasks may share one of the defaults."""
        if problem is not None and problem not in self.problems:
            self.problems.append(problem)

    def outcome(self) -> CheckOutcome:
        return CheckOutcome(
            tuple(self.problems),
            tuple(self.model_errors),
            tuple(self.checked),
            tuple(self.not_checked),
        )


def check_policy(loaded: LoadedPolicy) -> CheckOutcome:
    """Everything that can be known of a policy without running the model, all problems at once."""
    findings = _Findings(checked=["the policy's keys and values"])
    _check_pins(loaded, findings)
    shape, tokenizer = _check_model(loaded, findings)
    _check_dictionary(loaded, findings)
    labels = _check_kinds(loaded, findings)
    for index, task in enumerate(loaded.policy.tasks):
        _check_heads(loaded, index, task, shape, findings)
        _check_examples(loaded, index, findings)
        _check_budget(loaded, index, shape, findings)
        if labels is not None:
            _check_prompts(loaded, index, task, shape, _Reader(tokenizer, labels), findings)
    return findings.outcome()


def _check_model(
    loaded: LoadedPolicy, findings: _Findings
) -> tuple[ModelShape | None, Tokenizer | None]:
    """The model's shape and tokenizer, as far as they can be read."""
    folder = loaded.model_folder()
    if folder is None:
        reason = "it is on the hub, and a check does not use the network"
        findings.not_checked.append(NotChecked("the model", reason))
        return None, None
    found = inspect_folder(folder)
    findings.model_errors += found.errors
    findings.checked.append("the model folder: configuration, weights format and tokenizer")
    findings.not_checked.append(
        NotChecked("the contents of the weights", "they are read, and their digest taken, by a run")
    )
    tokenizer = None
    if (folder / "tokenizer.json").is_file():
        try:
            tokenizer = Tokenizer.from_folder(folder)
            refuse_misfit(tokenizer, found.shape, folder)
        except ModelError as error:
            findings.model_errors.append(error)
    return found.shape, tokenizer


def _check_kinds(loaded: LoadedPolicy, findings: _Findings) -> tuple[str, ...] | None:
    """The labels of the model, if any; ``None`` where the model cannot be asked these tasks."""
    for index in range(len(loaded.policy.tasks)):
        findings.problems += kind_problems(loaded, index)
    folder = loaded.model_folder()
    if folder is None or not (folder / "config.json").is_file():
        return ()
    try:
        head = head_of(folder)
        kinds = dict.fromkeys(loaded.policy.specification(t).kind for t in loaded.policy.tasks)
        errors = [error for error in (misfit(folder, kind) for kind in kinds) if error is not None]
    except ModelError as error:
        findings.model_errors += [] if findings.model_errors else [error]  # or it has been told
        return None
    findings.model_errors += errors
    findings.checked.append("the kinds of task that the model's class fits, by its name")
    return None if errors else head.labels


def _check_pins(loaded: LoadedPolicy, findings: _Findings) -> None:
    """Whether what the policy fixes the model's files by is there; a run holds the files against it."""
    model = loaded.policy.model
    reason = "the model's files are read, and their digests taken, by a run"
    for name in ("root_digest", "weights_digest", "signature"):
        if getattr(model, name) is not None:
            findings.not_checked.append(NotChecked(f"model.{name}", reason))
    if model.signature is None:
        return
    for key in ("bundle", "public_key", "certificate"):
        named = getattr(model.signature, key)
        if named is not None and not (loaded.folder / named).is_file():
            path: KeyPath = ("model", "signature", key)
            message = f"{loaded.folder / named}: there is no such file"
            findings.problems.append(
                loaded.problem(path, message, "it starts from the folder of the policy")
            )


def _check_dictionary(loaded: LoadedPolicy, findings: _Findings) -> None:
    """Whether the named dictionary is one, and has what is declared of it."""
    try:
        dictionary = loaded.dictionary
    except InputError as error:
        findings.problems += error.problems
        return
    if dictionary is not None:
        findings.problems += dictionary_problems(loaded, dictionary)
        findings.checked.append("the dictionary: its form, and the latents declared of it")
        reason = "the digest of the weights is taken by a run"
        findings.not_checked.append(NotChecked("the weights of the dictionary", reason))


def _check_heads(
    loaded: LoadedPolicy,
    index: int,
    task: PolicyTask,
    shape: ModelShape | None,
    findings: _Findings,
) -> None:
    if task.expected is None:
        return
    what = f"task {task.id}: the expected heads"
    if shape is None or shape.layers is None or shape.heads is None:
        reason = "the number of layers and heads is not known before a run"
        findings.not_checked.append(NotChecked(what, reason))
        return
    for position, head in enumerate(task.expected.heads):
        layer, number = (int(part) for part in head.split("."))
        if layer >= shape.layers or number >= shape.heads:
            path: KeyPath = ("tasks", index, "expected", "heads", position)
            message = f"the model has no head {head}: it has {shape.layers} layers of {shape.heads}"
            advice = f"layers are 0 to {shape.layers - 1}, heads are 0 to {shape.heads - 1}"
            findings.problems.append(loaded.problem(path, message, advice))
    findings.checked.append(what)
    if task.expected.declared_for is not None:
        reason = "the digest of the weights is taken by a run"
        findings.not_checked.append(NotChecked(f"task {task.id}: declared_for", reason))


def _check_examples(loaded: LoadedPolicy, index: int, findings: _Findings) -> None:
    findings.add_once(too_few_examples(loaded, index))


def _check_budget(
    loaded: LoadedPolicy, index: int, shape: ModelShape | None, findings: _Findings
) -> None:
    if shape is None or shape.layers is None or shape.heads is None:
        return
    findings.add_once(small_budget(loaded, index, shape.layers * shape.heads))


def _check_prompts(
    loaded: LoadedPolicy,
    index: int,
    task: PolicyTask,
    shape: ModelShape | None,
    reader: _Reader,
    findings: _Findings,
) -> None:
    try:
        if reader.tokenizer is None:
            _check_texts(loaded, task, findings)
            return
        _, prompts = prepare_task(loaded, task, reader.tokenizer, reader.labels)
    except InputError as error:
        findings.problems += [each for each in error.problems if each not in findings.problems]
        return
    findings.checked.append(f"task {task.id}: the prompts under the model's tokenizer")
    longest = prompts.longest
    if shape is not None and shape.context is not None and longest > shape.context:
        message = f"the longest prompt has {longest} tokens; the model reads {shape.context}"
        path: KeyPath = ("tasks", index, "prompts")
        findings.problems.append(loaded.problem(path, message, "use shorter prompts"))


def _check_texts(loaded: LoadedPolicy, task: PolicyTask, findings: _Findings) -> None:
    """What can be known of prompts without a tokenizer: a file's pairs, and their two sets."""
    reason = "the model's tokenizer is not at hand"
    file = loaded.prompts_file(task)
    findings.not_checked.append(NotChecked(f"task {task.id}: the prompts as tokens", reason))
    if file is None:
        return
    specification = loaded.policy.specification(task)
    pairs = read_pairs(file)
    split_as_wanted(pairs, wanted(specification), specification.seed, str(file))
    findings.checked.append(f"task {task.id}: the prompt file and its two sets")
