"""``auditkit export``, ``reproduce``, ``dictionary``: options and help. Their own modules do the work."""

from __future__ import annotations

from pathlib import Path

import click

from auditkit.cli.options import IN_PLACE, JSON, PolicyPath


@click.command()
@click.argument("run", metavar="RUN")
@click.option(
    "--pack",
    "target",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    metavar="OUT.zip",
    help="The file to write. It must not exist yet.",
)
@click.option(
    "--runs",
    type=click.Path(path_type=Path),
    default=Path("runs"),
    show_default=True,
    metavar="DIR",
    help="Where run directories lie, when RUN is an id.",
)
def export(run: str, target: Path, runs: Path) -> int:
    """Pack a run into one zip for an authority, with a verifier.

    RUN is a run directory, or the first characters of a run's id. The run is verified first. The zip
    holds its files, the model's manifest, instructions, and verify.py, which checks it all without
    auditkit. The same run gives the same bytes.

    \b
    Examples:
      auditkit export runs/RUN_ID --pack audit.zip
      auditkit verify audit.zip
    """
    from auditkit.cli.export import export_pack

    return export_pack(run, target, runs)


@click.command()
@click.argument("run", type=click.Path(path_type=Path), metavar="RUN")
@click.option(
    "--model",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    metavar="DIR",
    help="The folder of the model that was audited.",
)
@click.option(
    "--files",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="DIR",
    help="The folder the policy's paths to prompts and signatures start from.  [default: the run directory]",
)
@click.option(
    "--threads",
    type=click.IntRange(min=1),
    help="Processor threads for the model.  [default: as recorded]",
)
@IN_PLACE
@JSON
@click.option("--quiet", is_flag=True, help="Show no progress.")
def reproduce(
    run: Path,
    model: Path,
    files: Path | None,
    threads: int | None,
    in_place: bool,
    as_json: bool,
    quiet: bool,
) -> int:
    """Run a recorded audit again and say whether the results agree.

    RUN is a run directory, a pack or a report PDF; it is verified first. Each result is held against
    the noise that the record itself states. Nothing is stored or written. Exits with 0 where all
    agrees, 1 where something differs, 6 where the model is another one or cannot be loaded.

    \b
    Examples:
      auditkit reproduce runs/RUN_ID --model path/to/model
      auditkit reproduce audit.zip --model path/to/model --json
    """
    from auditkit.cli.reproduce import reproduce_run

    return reproduce_run(
        run, model, files, threads, in_place=in_place, as_json=as_json, quiet=quiet
    )


@click.command()
@click.argument("policy", type=PolicyPath(), metavar="POLICY")
@click.argument("task", metavar="TASK")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    metavar="FILE",
    help="The file to write. It must not exist yet.",
)
@IN_PLACE
def dictionary(policy: Path, task: str, out: Path, in_place: bool) -> int:
    """Train autoencoders of a policy's model, and keep them in a file.

    Trained on the pairs that find the circuit of TASK, with its settings. A policy that names the file under
    `sae` uses them in place of training: latents then keep their numbers, and a signature can be declared.

    \b
    Example:
      auditkit dictionary policy.yaml TASK --out heads.safetensors
    """
    from auditkit.cli.dictionary import keep_dictionary

    return keep_dictionary(policy, task, out, in_place=in_place)
