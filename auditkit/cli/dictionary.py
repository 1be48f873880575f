"""``auditkit dictionary``: trained autoencoders of a model's heads, kept in a file."""

from __future__ import annotations

from pathlib import Path

from auditkit.bundle.run_files import write_new
from auditkit.cli.surroundings import standard
from auditkit.cli.terminal import progress_shown, say, warn
from auditkit.digest import sha256_hex
from auditkit.errors import EnvironmentUnavailableError, ExitCode
from auditkit.policy import load_policy
from auditkit.policy.checking import check_policy
from auditkit.running import RunOptions, trained_dictionary


def keep_dictionary(policy: Path, task: str, out: Path, *, in_place: bool) -> int:
    """Train, write the file, and say how a policy names it."""
    loaded = load_policy(policy)
    check_policy(loaded).refuse(warn)
    if out.exists():  # said before the work, and made sure of after it
        advice = "move it away, or name another with --out"
        raise EnvironmentUnavailableError(f"{out}: there is a file of that name", advice=advice)
    options = RunOptions(in_place=in_place)
    with progress_shown(quiet=False) as progress:
        content = trained_dictionary(loaded, task, options, standard(), progress)
    write_new(out, content, "--out")
    say(f"written: {out}")
    say(f"digest:  sha256:{sha256_hex(content)}")
    say(f"A policy names it with `sae: {{path: {out}}}`, from its own folder.")
    return ExitCode.CONSISTENT
