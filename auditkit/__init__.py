"""auditkit: evidence about a transformer model's circuits, recorded, documented and signed.

In Python, ``audit`` runs a policy and ``load`` reads a finished run (``docs/python.md``). Nothing heavy
is imported before it is asked for: torch only by ``audit``.

Where to start reading the source: ``docs/architecture.md``, then ``auditkit.records`` (the nouns), then
``auditkit.engine`` (the pipeline on one page), then any one stage.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from auditkit.errors import (
        AuditkitError,
        EnvironmentUnavailableError,
        EvidenceError,
        InputError,
        ModelError,
    )
    from auditkit.progress import Progress
    from auditkit.records.base import NotAssessed
    from auditkit.results import HeadEffects, HeadRow, Run, Task
    from auditkit.running import RunOptions, Surroundings

__version__ = "0.1.0"

__all__ = [
    "AuditkitError",
    "EnvironmentUnavailableError",
    "EvidenceError",
    "HeadEffects",
    "HeadRow",
    "InputError",
    "ModelError",
    "NotAssessed",
    "Run",
    "RunOptions",
    "Surroundings",
    "Task",
    "__version__",
    "audit",
    "load",
]

_HOMES = {
    **dict.fromkeys(("HeadEffects", "HeadRow", "Run", "Task"), "auditkit.results"),
    **dict.fromkeys(("RunOptions", "Surroundings"), "auditkit.running"),
    "NotAssessed": "auditkit.records.base",
    **dict.fromkeys(
        (
            "AuditkitError",
            "EnvironmentUnavailableError",
            "EvidenceError",
            "InputError",
            "ModelError",
        ),
        "auditkit.errors",
    ),
}
"""Where each public class comes from, once it is asked for."""


if not TYPE_CHECKING:  # a type checker is to find a name that is not there

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def audit(
    policy: str | Path,
    out: str | Path = "runs",
    *,
    options: RunOptions | None = None,
    surroundings: Surroundings | None = None,
    progress: Progress | None = None,
) -> Run:
    """The run of a policy, with its signed directory below ``out``, as ``auditkit run`` makes it.

    ``policy`` is a policy file, or ``example:NAME`` for one that comes with auditkit. Without
    ``surroundings`` they are those of the command line: its store, its keys, ``AUDITKIT_HOME``; warnings
    are then Python's. The verdict is a value of the run, not an error. torch is left with the number of
    threads that ``options`` names, one without them.

    Raises:
        InputError: the policy or a file it names is not valid; it lists every problem. Or an argument is
            no path.
        ModelError: the model cannot be loaded, run, or is not the one the policy fixed.
        EnvironmentUnavailableError: a folder, the store, the key, the device or memory is lacking.
        EvidenceError: the store is spoiled.
    """
    from warnings import warn

    from auditkit.cli.surroundings import standard
    from auditkit.progress import NoProgress
    from auditkit.resources import given_path, policy_file
    from auditkit.results import Run
    from auditkit.running import RunOptions, run, settle

    around = surroundings or standard(warn=lambda line: warn(line, stacklevel=2))
    settled = settle(policy_file(policy), given_path(out, "out"), options or RunOptions(), around)
    finished = run(settled, progress or NoProgress())
    return Run(finished.record, finished.directory)


def load(run: str | Path, *, store: str | None = None) -> Run:
    """A finished run: its directory, report PDF or pack, or its id, or the first characters of that.

    An id is looked up in the evidence store at the database URL ``store``, without one in the user's own.
    Reading verifies nothing: ``Run.verify`` does.

    Raises:
        InputError: there is no such run, or more than one.
        EvidenceError: what is there is damaged, or is not the evidence of a run.
        EnvironmentUnavailableError: there is no store, or it cannot be read.
    """
    from auditkit.cli import places
    from auditkit.resources import given_path
    from auditkit.results.reading import read_run
    from auditkit.store.evidence_store import EvidenceStore

    given_path(run, "run")
    url = store or places.default_store()
    return read_run(run, lambda: EvidenceStore.open(url, create=False))
