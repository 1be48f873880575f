"""``auditkit run``: what is asked for on the command line, what is printed, and the exit code."""

from __future__ import annotations

from pathlib import Path

from auditkit.cli.surroundings import standard
from auditkit.cli.terminal import (
    EXIT_CODE_OF,
    print_json,
    print_tasks,
    progress_shown,
    say,
    state,
    task_summary,
)
from auditkit.controls.outcomes import setting_for
from auditkit.judging.causes import causes_of
from auditkit.running import Finished, RunOptions, run, settle


def run_audit(
    policy: Path,
    out: Path,
    store_url: str | None,
    options: RunOptions,
    *,
    as_json: bool,
    quiet: bool,
) -> int:
    """Run a policy, print what was found, and return the exit code of the verdict."""
    settled = settle(policy, out, options, standard(store_url))
    with progress_shown(quiet=quiet) as progress:
        finished = run(settled, progress)
    record = finished.record
    if as_json:
        print_json(_summary(finished))
    elif not quiet:
        print_tasks(record.tasks)
        say(f"verdict: {state(record.verdict).plain}")
        say(f"report:  {finished.directory}")
    return EXIT_CODE_OF[record.verdict]


def _summary(finished: Finished) -> dict[str, object]:
    record = finished.record
    return {
        "run_id": record.run_id,
        "directory": str(finished.directory),
        "verdict": record.verdict,
        "exit_code": int(EXIT_CODE_OF[record.verdict]),
        "weights_digest": record.model.weights_digest,
        "tasks": [
            task_summary(task, causes_of(task, setting_for(task.id, record.calibration)))
            for task in record.tasks
        ],
    }
