"""One file cannot make whoever verifies it wait, or eat the machine: numbers and time are bounded."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import pytest

from auditkit.bundle.evidence import parse_evidence
from auditkit.digest import canonical_json
from auditkit.errors import EvidenceError
from auditkit.records.specification import MOST_DRAWS, MOST_IN_A_SET, MOST_RESAMPLES
from auditkit.verifying import limits, rendered
from tests.conftest import SAMPLES, CommandLine

EVIDENCE = (SAMPLES["consistent"] / "evidence.json").read_bytes()

BOMBS: dict[str, tuple[tuple[str | int, ...], object]] = {
    "resamples": (("tasks", 0, "specification", "bootstrap", "resamples"), 10**9),
    "resamples just beyond": (
        ("tasks", 0, "specification", "bootstrap", "resamples"),
        MOST_RESAMPLES + 1,
    ),
    "redraws": (("tasks", 0, "specification", "stability_draws"), 10**8),
    "redraws just beyond": (("tasks", 0, "specification", "stability_draws"), MOST_DRAWS + 1),
    "other sets": (("tasks", 0, "specification", "random_sets"), 10**8),
    "test pairs": (("tasks", 0, "specification", "test_examples"), MOST_IN_A_SET + 1),
    "pairs": (("tasks", 0, "specification", "max_examples"), 10**9),
    "points": (("tasks", 0, "specification", "attribution_steps"), 10**9),
    "heads": (("model", "layers", 0, "n_heads"), 10**8),
    "width": (("model", "layers", 0, "d_head"), 10**9),
    "an exponent": (("tasks", 0, "behaviour", "accuracy"), "1E+99999999"),
    "a negative exponent": (("tasks", 0, "behaviour", "accuracy"), "1E-99999999"),
    "digits": (("tasks", 0, "behaviour", "accuracy"), "0." + "1" * 2_000_000),
}


@pytest.mark.parametrize("name", BOMBS)
def test_numbers_that_ask_for_endless_work_are_no_record(name: str) -> None:
    """Each is refused where it is read, within a second, and its key is named."""
    path, value = BOMBS[name]
    document = json.loads(EVIDENCE)
    place = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    content = canonical_json(document)
    began = time.monotonic()
    with pytest.raises(EvidenceError, match=str(path[-1])):
        parse_evidence(content)
    assert time.monotonic() - began < 5


def test_a_verification_ends_at_its_deadline(
    auditkit_here: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A check that goes on for ever fails by name once the time is up, and the exit code is 5."""

    def endless(*_: object, **__: object) -> bytes:
        while True:
            pass

    monkeypatch.setattr(rendered, "render_pdf", endless)
    began = time.monotonic()
    outcome = auditkit_here("verify", SAMPLES["consistent"], "--deadline", "2", "--json")
    assert time.monotonic() - began < 30
    checks = {each["id"]: each for each in outcome.json()["checks"]}
    assert (outcome.code, checks["pdf_pages"]["outcome"]) == (5, "failed")
    assert "longer than 2 seconds" in checks["pdf_pages"]["detail"]


def test_an_extension_that_unpacks_to_too_much_is_refused(
    tmp_path: Path, auditkit_here: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was signed later is bounded as the report itself is."""
    run = tmp_path / "run"
    shutil.copytree(SAMPLES["consistent"], run)
    report = (run / "report.pdf").read_bytes()
    (run / "report.extended.pdf").write_bytes(report + b"\n% more\n")
    monkeypatch.setattr(limits, "MAX_UNPACKED_BYTES", 10)
    outcome = auditkit_here("verify", run, "--json")
    checks = {each["id"]: each for each in outcome.json()["checks"]}
    assert outcome.code == 5
    for name in ("extension", "pdf_pages"):
        assert checks[name]["outcome"] == "failed"
    assert "report.extended.pdf: the PDF's streams unpack" in checks["extension"]["detail"]
