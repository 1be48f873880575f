"""``auditkit check``: everything wrong with a policy and what it names; the model is not run."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import click

from auditkit.cli import clock
from auditkit.cli.terminal import print_json, say
from auditkit.errors import ExitCode, InputError, ModelError
from auditkit.law import load_law
from auditkit.policy import LoadedPolicy, load_policy
from auditkit.policy.checking import CheckOutcome, check_policy
from auditkit.report.own_templates.overriding import SHIPPED, Templates


def check_only(policy: Path, *, as_json: bool) -> int:
    """Check a policy, print what was and was not checked, and return the exit code.

    A legal register that is past its review is a warning: it changes no exit code.
    """
    stale = load_law().legal_register.warning_on(clock.now().date().isoformat())
    warnings = [] if stale is None else [stale]
    try:
        loaded = load_policy(policy)
        outcome = check_policy(loaded)
        refuse(outcome)
        own_templates(loaded)
    except (InputError, ModelError) as error:
        if not as_json:
            raise
        print_json({"ok": False, "problems": _as_json(error), "warnings": warnings})
        return error.exit_code
    if as_json:
        not_checked = [dataclasses.asdict(each) for each in outcome.not_checked]
        print_json(
            {
                "ok": True,
                "checked": outcome.checked,
                "not_checked": not_checked,
                "warnings": warnings,
            }
        )
        return ExitCode.CONSISTENT
    for warning in warnings:
        say(f"warning      {warning}")
    for what in outcome.checked:
        say(f"checked      {what}")
    for each in outcome.not_checked:
        say(f"not checked  {each.what}: {each.reason}")
    say(f"{policy}: no problem found")
    return ExitCode.CONSISTENT


def refuse(outcome: CheckOutcome) -> None:
    """Raise what a check found: problems of the policy first, else of the model.

    Raises:
        InputError: the policy or a prompt file has problems.
        ModelError: the model cannot be audited.
    """
    if outcome.problems:
        for error in outcome.model_errors:
            click.echo(f"auditkit: {error.message}", err=True)
        raise InputError(outcome.problems)
    if outcome.model_errors:
        messages = "; ".join(error.message for error in outcome.model_errors)
        raise ModelError(messages, advice=outcome.model_errors[0].advice)


def own_templates(loaded: LoadedPolicy) -> Templates:
    """The templates of the provider's own that a policy names, each tried; none where it names none.

    Raises:
        InputError: the folder is not there, or a template is not one a provider may write.
    """
    named = loaded.policy.report.template_dir
    if named is None:
        return SHIPPED
    from auditkit.report.trying import read_templates  # few policies need what it needs

    folder = loaded.folder / named
    if not folder.is_dir():
        message = f"there is no folder {folder}"
        raise InputError([loaded.problem(("report", "template_dir"), message)])
    return read_templates(folder)


def _as_json(error: InputError | ModelError) -> list[dict[str, object]]:
    if isinstance(error, InputError):
        return [dataclasses.asdict(problem) for problem in error.problems]
    return [{"message": error.message, "advice": error.advice}]
