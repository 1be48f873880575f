"""A task's prompts and specification, settled together: a file may hold fewer test pairs."""

from __future__ import annotations

from dataclasses import replace

from auditkit.errors import InputError, Problem
from auditkit.policy.asked import kind_problems, uneven_problem
from auditkit.policy.loading import LoadedPolicy
from auditkit.policy.naming import dictionary_problems, with_dictionary
from auditkit.policy.schema import PolicyTask
from auditkit.policy.settings import FEWEST_EXAMPLES
from auditkit.prompts.asking import Asking
from auditkit.prompts.pairs import Wanted
from auditkit.prompts.sets import PreparedPrompts, prepare
from auditkit.prompts.tokens import Tokenizer
from auditkit.records.specification import Specification


def prepare_task(
    loaded: LoadedPolicy, task: PolicyTask, tokenizer: Tokenizer, labels: tuple[str, ...] = ()
) -> tuple[Specification, PreparedPrompts]:
    """The prompts of a task under a tokenizer, and its specification with the pairs it really has.

    ``labels`` are those of the model, for a classification task. Where the policy does not say how many
    test pairs, a prompt file gives what remains after the discovery pairs, up to the standard number.

    Raises:
        InputError: every problem of the task's prompts, with the policy's or the file's line.
    """
    specification = loaded.policy.specification(task)
    problems = kind_problems(loaded, loaded.policy.tasks.index(task))
    dictionary = loaded.dictionary
    if dictionary is not None:
        problems += dictionary_problems(loaded, dictionary)
    if problems:
        raise InputError(problems)
    try:
        prompts = prepare(
            generator=task.prompts.generator,
            file=loaded.prompts_file(task),
            wanted=wanted(specification),
            seed=specification.seed,
            tokenizer=tokenizer,
            where=str(loaded.path),
            asking=Asking(specification.kind, labels),
        )
    except InputError as error:
        raise InputError(_placed(error, loaded, task)) from error
    pairs = (*prompts.discovery, *prompts.further, *prompts.test)
    uneven = sum(bool(each.alignment) for each in pairs)
    problem = uneven_problem(loaded, loaded.policy.tasks.index(task), uneven)
    if problem is not None:
        raise InputError([problem])
    settled = specification.model_copy(update={"test_examples": len(prompts.test)})
    return with_dictionary(settled, dictionary), prompts


def wanted(specification: Specification) -> Wanted:
    """How many pairs a task asks for; where the policy does not say how many, there may be fewer."""
    defaulted = specification.defaulted
    return Wanted(
        first=specification.examples,
        most=specification.max_examples,
        test=specification.test_examples,
        fewer="max_examples" in defaulted,
        fewest_test=FEWEST_EXAMPLES if "test_examples" in defaulted else None,
    )


def _placed(error: InputError, loaded: LoadedPolicy, task: PolicyTask) -> list[Problem]:
    """Problems of the policy's own, such as an unsuitable generator, with the key and its line."""
    here = loaded.problem(("tasks", loaded.policy.tasks.index(task), "prompts"), "")
    return [
        replace(each, line=here.line, key=here.key)
        if each.file == str(loaded.path) and each.line is None
        else each
        for each in error.problems
    ]
