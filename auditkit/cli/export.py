"""``auditkit export --pack``: one zip of a run for an authority."""

from __future__ import annotations

from pathlib import Path

import click

from auditkit.bundle.names import EVIDENCE
from auditkit.bundle.packing import pack, zipped
from auditkit.bundle.run_files import write_new
from auditkit.cli.terminal import say, warn
from auditkit.errors import EvidenceError, ExitCode
from auditkit.verifying.case import packed_case, read_case
from auditkit.verifying.protocol import check


def export_pack(run: str, target: Path, runs: Path) -> int:
    """Verify a run, pack it, and return the exit code."""
    directory = find_run(run, runs)
    case = read_case(directory)
    if case.kind != "run_directory" or EVIDENCE not in case.files:
        raise click.UsageError(f"{directory} is no run directory: it holds no {EVIDENCE}")
    content = zipped(pack(case.files, case.extended))
    # What is verified is what is written: the pack itself, before it is on the disk.
    result = check(packed_case(content), str(target))
    if not result.intact or case.strangers:
        failed = ", ".join(result.failed) or f"it also holds {', '.join(case.strangers)}"
        raise EvidenceError(
            f"{directory}: does not verify ({failed}), so it is not packed",
            advice=f"auditkit verify {directory} says what is wrong",
        )
    for left in result.not_compared:
        warn(f"check {left.number}, {left.id}, was not made: {left.detail}")
    write_new(target, content, "--pack")
    say(f"pack:   {target} ({len(content):,} bytes)")
    say(f"verify: auditkit verify {target}, or as VERIFY.txt in it says")
    return ExitCode.CONSISTENT


def find_run(run: str, runs: Path) -> Path:
    """The run directory at a path, or the one below ``runs`` whose name begins so.

    Raises:
        click.UsageError: there is none, or more than one.
    """
    if Path(run).is_dir():
        return Path(run)
    found = []
    if runs.is_dir() and "/" not in run:
        found = sorted(
            path for path in runs.iterdir() if path.name.startswith(run) and path.is_dir()
        )
    if len(found) != 1:
        raise click.UsageError(
            f"{len(found)} runs in {runs} start with {run!r}; name one"
            if found
            else f"{run!r} is no run directory, and none in {runs} starts with it; --runs names another"
        )
    return found[0]
