"""Make the sample reports: one whole run, as ``auditkit run`` leaves it, for each policy of the samples.

    python tools/sample_reports.py

Each policy of ``policies/samples``, and the worked example beside them, is run on its bundled model and
its run directory replaces ``sample_reports/NAME``. The runs share a store and a development key, both
made for this and thrown away. A sample whose verdict is not the one its folder stands for is not written.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

from auditkit.cli import places
from auditkit.cli.surroundings import standard
from auditkit.digest import canonical_json, sha256_hex
from auditkit.errors import ExitCode
from auditkit.progress import NoProgress
from auditkit.records.audit import AuditRecord
from auditkit.running import RunOptions, run, settle

ROOT = Path(__file__).resolve().parent.parent
POLICIES = ROOT / "policies" / "samples"
SAMPLES = ROOT / "sample_reports"
PROCESSOR = SAMPLES / "processor.json"
OPERATOR = "make samples"
VERDICTS = {
    "consistent": "consistent",
    "not_consistent": "not_consistent",
    "inconclusive": "inconclusive",
    "mechanism_not_assessed": "not_consistent",
    "applicant_screening": "not_consistent",
}
"""Each sample and the verdict it stands for."""


def processor() -> dict[str, str]:
    """Which kind of processor this is, by digest: on another, measured decimals may differ.

    Linux says in ``/proc/cpuinfo`` which instructions there are, by which the arithmetic is chosen.
    Elsewhere the digest is that of an empty description.
    """
    described = Path("/proc/cpuinfo")
    lines = described.read_text("utf-8").splitlines() if described.exists() else []
    kept = {line for line in lines if line.startswith(("vendor_id", "model", "flags", "Features"))}
    return {"sha256": sha256_hex("\n".join(sorted(kept)).encode())}


def policy_of(name: str) -> Path:
    """The policy of a sample: one of the samples, or the worked example beside their folder."""
    own = POLICIES / f"{name}.yaml"
    return own if own.exists() else POLICIES.parent / f"{name}.yaml"


def run_of(name: str, out: Path) -> tuple[Path, AuditRecord]:
    """The directory and the record of one sample's run, written below ``out``."""
    options = RunOptions(operator=OPERATOR, calibrate=True)  # each sample stands by itself
    finished = run(settle(policy_of(name), out, options, standard()), NoProgress())
    return finished.directory, finished.record


def main() -> int:
    """Run every policy of the samples, then replace their folders, all of them or none."""
    with tempfile.TemporaryDirectory(prefix="auditkit-samples-") as scratch:
        os.environ[places.HOME_VARIABLE] = str(Path(scratch, "home"))
        made = {}
        for name, verdict in VERDICTS.items():
            directory, record = run_of(name, Path(scratch, name))
            if record.verdict != verdict:
                print(f"{name}: the verdict is {record.verdict}; nothing was replaced")
                return ExitCode.NOT_CONSISTENT
            made[name] = directory
            print(f"{name}: {record.verdict}")
        for name, directory in made.items():
            shutil.rmtree(SAMPLES / name, ignore_errors=True)
            shutil.copytree(directory, SAMPLES / name)
        PROCESSOR.write_bytes(canonical_json(processor()))
    return ExitCode.CONSISTENT


if __name__ == "__main__":
    sys.exit(main())
