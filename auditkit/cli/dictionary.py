"""``auditkit dictionary``: trained autoencoders of a model's heads, kept in a file."""

from __future__ import annotations

from pathlib import Path

from auditkit.bundle.run_files import write_new
from auditkit.cli.surroundings import standard
from auditkit.cli.terminal import progress_shown, say, warn
from auditkit.digest import sha256_hex
from auditkit.errors import EnvironmentUnavailableError, ExitCode, InputError, Problem
from auditkit.policy import LoadedPolicy, load_policy
from auditkit.policy.checking import check_policy
from auditkit.progress import Progress
from auditkit.running import RunOptions, Surroundings, measuring, model_folder
from auditkit.sae.dictionary import dictionary_bytes


def keep_dictionary(policy: Path, task: str, out: Path, *, in_place: bool) -> int:
    """Train, write the file, and say how a policy names it."""
    loaded = load_policy(policy)
    check_policy(loaded).refuse(warn)
    _refuse_to_train(loaded, task)
    if out.exists():  # said before the work, and made sure of after it
        advice = "move it away, or name another with --out"
        raise EnvironmentUnavailableError(f"{out}: there is a file of that name", advice=advice)
    options = RunOptions(in_place=in_place)
    with progress_shown(quiet=False) as progress:
        content = _trained(loaded, task, options, standard(), progress)
    write_new(out, content, "--out")
    say(f"written: {out}")
    say(f"digest:  sha256:{sha256_hex(content)}")
    say(f"A policy names it with `sae: {{path: {out}}}`, from its own folder.")
    return ExitCode.CONSISTENT


def _refuse_to_train(loaded: LoadedPolicy, task: str) -> None:
    tasks = [each.id for each in loaded.policy.tasks]
    if task not in tasks:
        advice = f"the tasks are {', '.join(tasks)}"
        message = f"there is no task {task!r}"
        raise InputError([Problem(str(loaded.path), None, "tasks", message, advice)])
    if loaded.policy.sae is not None:
        message = "the policy names trained autoencoders already"
        raise InputError([loaded.problem(("sae",), message, "train with a policy without `sae`")])


def _trained(
    loaded: LoadedPolicy,
    task: str,
    options: RunOptions,
    surroundings: Surroundings,
    progress: Progress,
) -> bytes:
    """The file of autoencoders of the policy's model, trained on one task's pairs."""
    with measuring(loaded, options, surroundings, progress) as machine:
        from auditkit.identifying.training import train_heads
        from auditkit.model.holding import hold
        from auditkit.preparing import load

        folder = model_folder(loaded, surroundings.models)
        snapshots = None if options.in_place else surroundings.snapshots
        with hold(folder, snapshots, progress) as held:
            asked = load(loaded, held, machine, progress)
            specification, prompts = asked.prompts[task]
            subject = asked.subject(task)
            pairs = (*prompts.discovery, *prompts.further)
            with progress.stage("train autoencoders", 1) as advance:
                heads = train_heads(subject, pairs, specification)
                advance(1)
            held.confirm()
        return dictionary_bytes(heads, subject.identity.weights_digest, specification.autoencoder.k)
