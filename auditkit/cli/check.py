"""``auditkit check``: everything wrong with a policy and what it names; the model is not run."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from auditkit.cli import clock
from auditkit.cli.terminal import print_json, say, warn
from auditkit.errors import ExitCode, InputError, ModelError
from auditkit.law import load_law
from auditkit.policy import load_policy
from auditkit.policy.checking import check_policy
from auditkit.policy.overclaiming import overclaiming


def check_only(policy: Path, *, as_json: bool) -> int:
    """Check a policy, print what was and was not checked, and return the exit code.

    A legal register that is past its review, and a declared text that says more than an audit can, are
    warnings: they change no exit code.
    """
    stale = load_law().legal_register.warning_on(clock.now().date().isoformat())
    warnings = [] if stale is None else [stale]
    try:
        loaded = load_policy(policy)
        outcome = check_policy(loaded)
        outcome.refuse(warn)
        warnings += [str(each) for each in overclaiming(loaded)]
        if loaded.policy.report.template_dir is not None:
            from auditkit.running import own_templates  # few policies need what it needs

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


def _as_json(error: InputError | ModelError) -> list[dict[str, object]]:
    if isinstance(error, InputError):
        return [dataclasses.asdict(problem) for problem in error.problems]
    return [{"message": error.message, "advice": error.advice}]
