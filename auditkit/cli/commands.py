"""The commands, their options and their help. What each one does is in the module named after it.

Nothing heavy is imported here: ``--help`` and the commands that need no model start without torch.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import click

import auditkit
from auditkit.cli.options import IN_PLACE, JSON, STORE, WITNESSES, Fingerprint, PolicyPath
from auditkit.cli.pack_commands import dictionary, export, reproduce
from auditkit.cli.signing_commands import commit, keys_group, sign
from auditkit.cli.store_commands import store_group
from auditkit.errors import EXIT_CODE_MEANINGS

_EXIT_CODES = "\b\nExit codes:\n" + "\n".join(
    f"  {code.value:>3}  {meaning}" for code, meaning in EXIT_CODE_MEANINGS.items()
)


class MemorySize(click.ParamType[int]):
    """A size of memory with its unit, such as ``8GiB``."""

    name = "size"

    def convert(
        self, value: str | int, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        """The size in bytes."""
        from auditkit.model.memory import bytes_of

        try:
            return bytes_of(str(value))
        except ValueError:
            self.fail(f"{value!r} is no size; write for example 8GiB or 500MB", param, ctx)


POLICY = click.argument("policy", type=PolicyPath(), metavar="POLICY")


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, epilog=_EXIT_CODES)
@click.version_option(auditkit.__version__, prog_name="auditkit")
def cli() -> None:
    """Evidence about a transformer model's circuits: recorded, documented, signed.

    \b
    Start with:
      auditkit check example:quickstart
      auditkit run example:quickstart
      auditkit verify runs/RUN_ID
    """


@cli.command()
@POLICY
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("runs"),
    show_default=True,
    metavar="DIR",
    help="Where the run directory is written.",
)
@STORE
@click.option("--operator", metavar="NAME", help="Who runs the audit, for the record.")
@click.option(
    "--threads",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Processor threads for the model. One gives the same digits on more machines.",
)
@IN_PLACE
@click.option(
    "--commitment",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="The policy's commitment (auditkit commit).  [default: POLICY.p7s, if it exists]",
)
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="auto",
    show_default=True,
    help="Where the model runs. auto: the graphics device where there is one.",
)
@click.option(
    "--memory",
    type=MemorySize(),
    metavar="SIZE",
    help="The memory to plan for, for example 8GiB.  [default: 80 % of what is free]",
)
@click.option(
    "--offload",
    is_flag=True,
    help="Read layers from the model's files whenever they run.  [default: only where memory requires it]",
)
@click.option(
    "--calibrate",
    is_flag=True,
    help="Run the known-answer controls, even where an earlier run in the store did with these settings.",
)
@JSON
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
def run(
    policy: Path,
    out: Path,
    store: str | None,
    as_json: bool,
    quiet: bool,
    **options: Any,  # noqa: ANN401 - the options above that RunOptions has as fields
) -> int:
    """Audit a model by a policy and leave a signed report.

    Writes DIR/RUN_ID/ with evidence.json, report.html, report.pdf, the policy as read, a signed
    statement over all of them and a manifest: all of it, or nothing. The exit code is the verdict.

    \b
    Examples:
      auditkit run policy.yaml
      auditkit run policy.yaml --out audits --operator "Ada Example" --json
      auditkit run policy.yaml --device cuda --memory 60GiB
    """
    from auditkit.cli.run import run_audit
    from auditkit.running import RunOptions

    return run_audit(policy, out, store, RunOptions(**options), as_json=as_json, quiet=quiet)


@cli.command()
@POLICY
@JSON
def check(policy: Path, as_json: bool) -> int:
    """Check a policy and what it names, without running the model.

    Reports every problem at once, with file, line, key, and what to write instead.

    \b
    Example:
      auditkit check policy.yaml
    """
    from auditkit.cli.check import check_only

    return check_only(policy, as_json=as_json)


@cli.command()
@click.argument("policy", type=PolicyPath(), metavar="[POLICY]", required=False)
@click.option("--models", is_flag=True, help="Print every head of every control model.")
@JSON
def calibrate(policy: Path | None, models: bool, as_json: bool) -> int:
    """Run the known-answer controls: models whose circuit is known.

    Uses the settings of a policy, or the standard ones. Every run does this first; this command does it
    alone, and needs neither the policy's model nor its prompts. Exits with 0 when no planted head was
    missed and nothing was reported falsely, otherwise with 3.

    \b
    Examples:
      auditkit calibrate
      auditkit calibrate policy.yaml --models
      auditkit calibrate policy.yaml --json
    """
    from auditkit.cli.calibrate import run_calibration

    return run_calibration(policy, as_json=as_json, models=models)


@cli.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--trust",
    "trusted",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    multiple=True,
    metavar="CERT",
    help="A certificate (PEM) you trust: a signer's, or an authority's root. May be repeated.",
)
@click.option(
    "--signer",
    "signers",
    type=Fingerprint(),
    multiple=True,
    metavar="sha256:...",
    help="The digest of the signer's certificate. No other signer passes. May be repeated.",
)
@click.option(
    "--signer-name",
    "names",
    multiple=True,
    metavar="NAME",
    help="A name in the signer's certificate, beside --trust. May be repeated.",
)
@click.option(
    "--trust-timestamps",
    "stamping",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    multiple=True,
    metavar="CERT",
    help="A timestamp authority's root. It makes no signers.  [default: as --trust]",
)
@click.option(
    "--trust-reviewer",
    "reviewers",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    multiple=True,
    metavar="CERT",
    help="A reviewer's certificate or its root. It makes no signers.  [default: as --trust]",
)
@click.option("--require-trusted", is_flag=True, help="Exit with 3 where nobody vouches.")
@click.option("--weights", type=Fingerprint(), metavar="sha256:...", help="The weights you mean.")
@click.option("--policy", type=Fingerprint(), metavar="sha256:...", help="The policy you mean.")
@click.option("--system", metavar="NAME", help="The system you mean, as declared.")
@click.option(
    "--not-before",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"]),
    metavar="DATE",
    help="The earliest moment at which the run may have finished, UTC.",
)
@click.option(
    "--verdict",
    type=click.Choice(["consistent", "not_consistent", "inconclusive", "not_assessed"]),
    help="The verdict the report has to state.",
)
@click.option(
    "--at",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"]),
    metavar="DATE",
    help="The moment certificates are judged at, UTC.  [default: now]",
)
@STORE
@click.option(
    "--require-store",
    "required_store",
    metavar="URL",
    help="The evidence store that counts: a report of another store, or that it lacks, is exit 5.",
)
@click.option(
    "--templates",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="DIR",
    help="The provider's own templates, where the report was laid out with some.",
)
@WITNESSES
@click.option(
    "--deadline",
    type=click.FloatRange(min=1),
    default=3600,
    show_default=True,
    metavar="SECONDS",
    help="Ends with exit 5 after so long. A report on a hundred tasks takes minutes.",
)
@JSON
def verify(
    path: Path,
    trusted: tuple[Path, ...],
    signers: tuple[str, ...],
    names: tuple[str, ...],
    stamping: tuple[Path, ...],
    reviewers: tuple[Path, ...],
    require_trusted: bool,
    weights: str | None,
    policy: str | None,
    system: str | None,
    not_before: datetime | None,
    verdict: str | None,
    at: datetime | None,
    store: str | None,
    required_store: str | None,
    templates: Path | None,
    witnesses: tuple[Path, ...],
    deadline: float,
    as_json: bool,
) -> int:
    """Verify a run directory, a pack or a report PDF, check by check.

    Needs no model, no network and no private key. Says of each check whether it passed, failed or was
    not run, and why. docs/verification.md explains each number.

    \b
    Examples:
      auditkit verify runs/RUN_ID
      auditkit verify audit.zip
      auditkit verify report.pdf --trust certificate.pem
      auditkit verify report.pdf --trust root.pem --at 2036-11-20
      auditkit verify runs/RUN_ID --witness runs/OLDER_RUN_ID
      auditkit verify audit.zip --signer sha256:... --verdict consistent --require-trusted
    """
    from auditkit.cli.verify import Trusting, verify_path
    from auditkit.verifying import Asked

    trusting = Trusting(trusted, signers, names, stamping, reviewers, require_trusted)
    asked = Asked(weights, policy, system, not_before, verdict)
    return verify_path(
        path,
        trusting,
        asked,
        at,
        store,
        required_store,
        templates,
        witnesses,
        deadline=deadline,
        as_json=as_json,
    )


@cli.group("model")
def model_group() -> None:
    """Look at a model without auditing it.

    \b
    Example:
      auditkit model inspect path/to/model
    """


@model_group.command("inspect")
@click.argument("folder", type=click.Path(path_type=Path), metavar="PATH")
@JSON
def model_inspect(folder: Path, as_json: bool) -> int:
    """Show what a model folder holds: architecture, heads, where they can be read, digests.

    Exits with 6 when its heads cannot be read one by one, and says why.

    \b
    Examples:
      auditkit model inspect path/to/model
      auditkit model inspect path/to/model --json
    """
    from auditkit.cli.inspect import inspect_only

    return inspect_only(folder, as_json=as_json)


@cli.command()
@click.argument("run_id", metavar="RUN")
@STORE
@JSON
def show(run_id: str, store: str | None, as_json: bool) -> int:
    """Show one stored run; RUN is its id or the first characters of it.

    With --json, print the stored record exactly as it was recorded.

    \b
    Example:
      auditkit show 0199f0c4
    """
    from auditkit.cli.show import show_run

    return show_run(run_id, store, as_json=as_json)


@cli.command("list")
@STORE
@JSON
def list_command(store: str | None, as_json: bool) -> int:
    """List the stored runs, oldest first.

    \b
    Example:
      auditkit list
    """
    from auditkit.cli.show import list_runs

    return list_runs(store, as_json=as_json)


cli.add_command(export)
cli.add_command(reproduce)
cli.add_command(dictionary)
cli.add_command(store_group)
cli.add_command(keys_group)
cli.add_command(sign)
cli.add_command(commit)
