"""The sample reports: they verify, they are what their folders say, and ``make samples`` gives them again.

A run differs from its sample in when, where, by whom and under which key it was made. On the same kind
of processor with the same versions nothing else may differ. Elsewhere floating point rounds otherwise:
``as_elsewhere`` says what is then compared, and how closely.
"""

from __future__ import annotations

import json
import os
import re
import runpy
import shutil
import subprocess
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from auditkit.bundle.evidence import parse_evidence
from auditkit.bundle.run_files import expected_names
from auditkit.cli.surroundings import standard
from auditkit.errors import EvidenceError
from auditkit.law import load_law
from auditkit.policy import load_policy
from auditkit.progress import NoProgress
from auditkit.records.audit import AuditRecord
from auditkit.records.looks import Ruling
from auditkit.report.html import render_html
from auditkit.running import RunOptions, Stated, recorded
from tests.builders import audit_record
from tests.conftest import ROOT, SAMPLES, CommandLine
from tests.recorded_calibration import recorded as recalled
from tests.report_text import differences

REMEDY = "the samples are of another version of auditkit: run make samples"
VERDICTS = {name: name for name in SAMPLES} | {
    "mechanism_not_assessed": "not_consistent",
    "applicant_screening": "not_consistent",
}
TASKS = dict.fromkeys(SAMPLES, 1) | {"applicant_screening": 2}
DIFFERS_BETWEEN_RUNS = {
    "run_id",
    "times",
    "environment",
    "tool",
    "checkpoint",
    "operator",
}

BAND = Decimal("0.002")
"""How far a measured decimal may be from the sample's on another processor. Other vector instructions
move it by 0.0001."""
SHARE_BAND = Decimal("0.03")
"""The same for shares of draws, swaps and combinations: a few of them may fall to the other side."""
SHARES = re.compile(
    r"p_value|q_value|frequency|agreeing|share|mean_jaccard|over_(seeds|seeds_latents|thresholds)"
)
TIPPING = {"rank", "support", "signature", "latents", "separated", "edges", "pairs_tested", "ties"}
TIPPING |= {"settings", "at_least", "text", "forwards", "frequencies", "unexplained_variance"}
"""Ranks, counts and lists that a last digit beside a threshold tips over, what an autoencoder's training
amplifies, and the sentences that repeat such numbers. They are compared on the same processor only."""

every_sample = pytest.mark.parametrize("name", SAMPLES)


@cache
def committed(name: str) -> AuditRecord:
    """The record of a sample as it is in the repository."""
    try:
        return parse_evidence((SAMPLES[name] / "evidence.json").read_bytes())
    except EvidenceError as error:
        pytest.fail(f"{REMEDY} ({error})")


def policy_of(name: str) -> Path:
    """The policy of a sample: the worked example stands beside the folder of the others."""
    folder = ROOT / "policies"
    return (folder if name == "applicant_screening" else folder / "samples") / f"{name}.yaml"


def made_again(name: str) -> AuditRecord:
    """The record of the sample's policy, run here and now."""
    options = RunOptions(device="cpu", memory=8 << 30)  # enough to keep all outputs in memory
    stated = Stated(audit_record().signing)
    return recorded(load_policy(policy_of(name)), options, stated, standard(), NoProgress())


def same_processor(again: AuditRecord, sample: AuditRecord) -> bool:
    """Whether both were made with the same versions on the same kind of processor."""
    here = runpy.run_path(str(ROOT / "tools" / "sample_reports.py"))["processor"]()
    there = json.loads((ROOT / "sample_reports" / "processor.json").read_bytes())
    unlike = {"memory"}
    alike = again.environment.model_dump(exclude=unlike) == sample.environment.model_dump(
        exclude=unlike
    )
    return bool(here == there and alike)


def repeatable(record: AuditRecord) -> dict[str, Any]:
    """The record but for what differs between two runs."""
    return record.model_dump(mode="json", exclude=DIFFERS_BETWEEN_RUNS)


def as_elsewhere(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """A record as processors have it in common: without what tips over, lists of heads by head.

    What is left is compared exactly, decimals within their band.
    """
    if isinstance(value, dict):
        kept = {key: as_elsewhere(inner) for key, inner in value.items() if key not in TIPPING}
        if "stride" in kept:
            kept.pop("examples", None)  # the codes of each example
        return kept
    if isinstance(value, list):
        if value and all(isinstance(one, dict) and "head" in one for one in value):
            return {one["head"]: as_elsewhere(one) for one in value}
        return [as_elsewhere(one) for one in value]
    return value


def far_apart(again: Any, sample: Any, place: str = "record") -> list[str]:  # noqa: ANN401
    """Every place where two values are further apart than another processor explains."""
    if isinstance(again, dict) and isinstance(sample, dict) and again.keys() == sample.keys():
        return [f for key in again for f in far_apart(again[key], sample[key], f"{place}.{key}")]
    if isinstance(again, list) and isinstance(sample, list) and len(again) == len(sample):
        pairs = enumerate(zip(again, sample, strict=True))
        return [f for i, (a, s) in pairs for f in far_apart(a, s, f"{place}.{i}")]
    if all(isinstance(v, str) and re.fullmatch(r"-?\d+\.\d+", v) for v in (again, sample)):
        band = SHARE_BAND if SHARES.fullmatch(place.rpartition(".")[2]) else BAND
        near = abs(Decimal(again) - Decimal(sample)) <= band
    else:
        near = again == sample
    return [] if near else [f"{place}: {str(again)[:60]}, in the sample {str(sample)[:60]}"]


@every_sample
def test_a_sample_verifies(name: str, auditkit_here: CommandLine) -> None:
    """``auditkit verify`` finds nothing wrong; it asks only for the signer and the store, as it must."""
    outcome = auditkit_here("verify", SAMPLES[name], "--json")
    checks = {check["id"]: check["outcome"] for check in outcome.json()["checks"]}
    assert outcome.code == 0, REMEDY
    not_run = {check for check, state in checks.items() if state != "passed"}
    left_open = {"certificate", "store", "witnesses", "extension", "commitment", "asked"}
    assert not_run == left_open, REMEDY


@every_sample
def test_a_sample_is_what_its_folder_says(name: str) -> None:
    """Its verdict is the folder's name, over its tasks, under the policy that is named after it."""
    record = committed(name)
    assert (record.verdict, len(record.tasks)) == (VERDICTS[name], TASKS[name])
    assert {path.name for path in SAMPLES[name].iterdir()} == expected_names(record)
    policy = policy_of(name).read_bytes()
    assert (SAMPLES[name] / "policy.yaml").read_bytes() == policy, REMEDY
    assert record.signing == audit_record().signing


def test_each_sample_ends_so_for_its_own_reason() -> None:
    """One head refuses; the pairs leave heads open; the task is not done. Nothing else differs."""
    ladders = {name: committed(name).tasks[0].ladder for name in SAMPLES}
    wrong = committed("not_consistent").tasks[0].comparison.model_dump()
    assert (wrong["missing"], wrong["extra"]) == (("2.4",), ("2.3",))
    refusing = committed("not_consistent").tasks[0].ruling
    assert isinstance(refusing, Ruling)
    refused = refusing.refused
    assert [(each.head, each.claim) for each in refused] == [("2.3", "not_declared")]
    open_ = committed("inconclusive").tasks[0].ruling
    assert isinstance(open_, Ruling)
    assert (open_.verdict, open_.refused, open_.looks[-1].pairs) == ("inconclusive", (), 24)
    assert ladders["inconclusive"].causal == "observed"
    assert ladders["mechanism_not_assessed"].behaviour == "not_observed"
    assert ladders["mechanism_not_assessed"].causal == "not_assessed"


@every_sample
def test_the_html_is_what_the_evidence_gives(name: str) -> None:
    """The committed page is the committed record as this version prints it, byte for byte."""
    html = (SAMPLES[name] / "report.html").read_bytes()
    assert html == render_html(committed(name), load_law()), REMEDY


@every_sample
def test_a_sample_can_be_made_again(name: str, calibrations: Path) -> None:
    """Its policy, run again, gives the same record: exactly here, within the bands elsewhere.

    The same record gives the same HTML (the test above), so that is compared with it.
    """
    with recalled(calibrations):
        again, sample = made_again(name), committed(name)
    if same_processor(again, sample):
        assert repeatable(again) == repeatable(sample), REMEDY
    there = (as_elsewhere(repeatable(record)) for record in (again, sample))
    assert far_apart(*there) == [], REMEDY


def test_what_is_compared_elsewhere_still_sees_a_change() -> None:
    """A head more, a moved effect, another verdict and a lost list are seen; a last digit is not."""
    sample = repeatable(committed("consistent"))
    changes: tuple[tuple[tuple[str | int, ...], Any], ...] = (
        (("circuit", "heads", 0), "1.1"),
        (("causal", "sufficiency", 0, "share", "mean"), "0.9000"),
        (("verdict",), "inconclusive"),
        (("causal", "patched"), []),
        (("codes",), {"state": "not_assessed", "reason": "It was skipped."}),
    )
    for path, value in changes:
        changed = json.loads(json.dumps(sample))
        *way, last = path
        inner = changed["tasks"][0]
        for key in way:
            inner = inner[key]
        inner[last] = value
        assert far_apart(as_elsewhere(changed), as_elsewhere(sample)), path
    near = json.loads(json.dumps(sample))
    mean = near["tasks"][0]["behaviour"]["positive"]
    mean["mean"] = str(Decimal(mean["mean"]) + Decimal("0.0001"))
    assert far_apart(as_elsewhere(near), as_elsewhere(sample)) == []


def printed_by(*command: str | Path) -> str:
    done = subprocess.run([*map(str, command)], check=True, capture_output=True, encoding="utf-8")
    return done.stdout


@pytest.mark.skipif(shutil.which("pdffonts") is None, reason="poppler-utils are not installed")
@every_sample
def test_other_tools_see_a_tagged_archival_file_with_its_fonts(name: str) -> None:
    """pdfinfo calls it tagged and of its PDF/A and PDF/UA parts; pdffonts finds every font embedded."""
    pdf = SAMPLES[name] / "report.pdf"
    told = printed_by("pdfinfo", pdf)
    assert re.search(r"^Tagged: +yes$", told, re.MULTILINE)
    assert re.search(r"^JavaScript: +no$", told, re.MULTILINE)
    packet = printed_by("pdfinfo", "-meta", pdf)
    assert re.search(r'pdfaid:part(="|>)3', packet)
    assert re.search(r'pdfaid:conformance(="|>)A', packet)
    assert re.search(r'pdfuaid:part(="|>)1', packet)
    fonts = printed_by("pdffonts", pdf).splitlines()[2:]
    assert len(fonts) >= 3
    # The last columns are emb, sub, uni, and the two numbers of the object.
    assert {font.split()[-5] for font in fonts} == {"yes"}


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="poppler-utils are not installed")
@every_sample
def test_the_pdf_says_what_the_html_says_item_by_item(name: str, tmp_path: Path) -> None:
    """Every item of the HTML stands in the PDF, in order, and nothing else does.

    A word changed in the HTML is noticed, and so is a paragraph that only the PDF has.
    """
    html, pdf = (SAMPLES[name] / "report.html").read_text("utf-8"), SAMPLES[name] / "report.pdf"
    assert differences(html, pdf) == []
    if name == "consistent":
        assert differences(html.replace("Limits of this", "Limits of that"), pdf)
        assert differences(re.sub(r"<h2 id=\"limits\">.*?</h2>", "", html), pdf)


@pytest.mark.skipif("VERAPDF" not in os.environ, reason="VERAPDF does not name veraPDF's command")
@pytest.mark.parametrize("profile", ["3a", "ua1"])
@every_sample
def test_verapdf_finds_no_failure(name: str, profile: str) -> None:
    """veraPDF finds no rule of PDF/A-3a or of PDF/UA-1 that a sample fails."""
    command = [os.environ["VERAPDF"], "--flavour", profile, "--format", "json"]
    done = subprocess.run([*command, SAMPLES[name] / "report.pdf"], capture_output=True)
    (job,) = json.loads(done.stdout)["report"]["jobs"]
    results = job["validationResult"]
    for result in results if isinstance(results, list) else [results]:
        assert result["details"]["failedRules"] == 0
        assert result["details"]["passedRules"] > 0
    assert done.returncode == 0


def test_the_samples_are_small() -> None:
    """All files of all samples together are less than 6 MB."""
    sizes = [path.stat().st_size for path in (ROOT / "sample_reports").rglob("*") if path.is_file()]
    assert sum(sizes) < 6_000_000


def test_the_readme_of_the_samples_names_each() -> None:
    """``sample_reports/README.md`` has each folder, and says that the data are fictional."""
    text = (ROOT / "sample_reports" / "README.md").read_text("utf-8")
    assert all(f"[{sample}]({sample})" in text for sample in SAMPLES)
    assert "fictional" in text
