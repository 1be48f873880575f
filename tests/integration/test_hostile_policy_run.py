"""A hostile policy is audited like any other: its texts are on the page as text, and do nothing there."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pikepdf
import pytest

from auditkit.cli import main
from auditkit.law import load_law
from auditkit.policy.source import dotted
from auditkit.prompts.generators import generate
from auditkit.prompts.tokens import Tokenizer
from auditkit.records.audit import AuditRecord
from auditkit.report.html import render_html
from tests.conftest import CommandLine
from tests.hostile_policies import FREE, TEXT_FIELDS, complete, with_text
from tests.pages import Page
from tests.policies import IOI_HEADS, REFERENCE
from tests.recorded_calibration import recorded

HOSTILE = (
    '</p></td><script>alert(1)</script><img src=x onerror=alert(1)>" onload="x" '
    "<a href='javascript:alert(1)'>{{ 7*7 }}{% include 'report.css' %}{# gone #} &lt;b&gt; "
    "</style></title><link rel=attachment href=file:///etc/hostname> url(https://a.invalid/x)"
)
IN_A_NAME = "<img src=x onerror=alert(1)>{{ 7*7 }} &lt;b&gt; javascript:alert(1) "
"""What names of files and folders may hold: no slash."""

ENDINGS = {"model.path": "model", "tasks[0].prompts.file": "pairs.jsonl"}
TEXTS = {
    dotted(path): IN_A_NAME + ENDINGS[dotted(path)]
    if dotted(path) in ENDINGS
    else f"{dotted(path)}: {HOSTILE}"
    for path in TEXT_FIELDS
    if dotted(path) in FREE
}
"""Each free field's text: hostile, and no two alike."""
NOT_PRINTED = {"report.template_dir", "sae.path"} | {
    f"model.signature.{key}" for key in ("bundle", "certificate", "public_key")
}
"""Places of files: what was read from them is on the page, not where."""
SHOWN = {field: text.replace('"', "'") for field, text in TEXTS.items() if field not in NOT_PRINTED}
"""As printed: in quotes, in which double quotes are single ones."""


@dataclass(frozen=True)
class Hostile:
    """A finished run of the policy whose every free field is hostile."""

    directory: Path
    record: AuditRecord
    html: bytes


def prepare(folder: Path) -> Path:
    """The policy's file, beside the model and the prompts it names."""
    policy: Any = complete()
    for path in TEXT_FIELDS:
        if dotted(path) in FREE:
            policy = with_text(policy, path, TEXTS[dotted(path)])
    kept = {
        key: policy["tasks"][0][key]
        for key in ("id", "title", "prompts", "evidence_for", "concerns", "wanted")
    }
    expected = {"heads": IOI_HEADS, "source": policy["tasks"][0]["expected"]["source"]}
    policy["tasks"] = [{**kept, "expected": expected}]
    policy["model"] = {"path": policy["model"]["path"]}  # its digests and signature are made up
    del policy["sae"]  # there is no such dictionary
    policy["defaults"] = {
        "stability_draws": 20,
        "random_sets": 0,
        "test_examples": 20,
        "examples": 10,
    }
    folder.mkdir()
    shutil.copytree(REFERENCE, folder / TEXTS["model.path"])
    pairs = generate("ioi", Tokenizer.from_folder(REFERENCE), 30, 0, "discovery")
    lines = [
        {"positive": p.positive, "negative": p.negative, "answer": p.answers, "wrong": p.wrong}
        for p in pairs
    ]
    content = "".join(json.dumps(line) + "\n" for line in lines)
    (folder / TEXTS["tasks[0].prompts.file"]).write_text(content)
    policy["report"].pop("template_dir")  # a place on the disk, which no page prints
    (folder / "policy.yaml").write_text(json.dumps(policy))
    return folder / "policy.yaml"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory, calibrations: Path) -> Hostile:
    """The run, once."""
    base = tmp_path_factory.mktemp("hostile")
    with pytest.MonkeyPatch.context() as patch, recorded(calibrations):
        patch.setenv("AUDITKIT_HOME", str(base / "home"))
        main(["run", str(prepare(base / "audit")), "--out", str(base / "out"), "--quiet"])
    (directory,) = (base / "out").iterdir()
    record = AuditRecord.model_validate_json((directory / "evidence.json").read_bytes())
    return Hostile(directory, record, (directory / "report.html").read_bytes())


def harmless(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """The same record with a plain word in place of each hostile text."""
    if isinstance(value, dict):
        return {key: harmless(each) for key, each in value.items()}
    if isinstance(value, list):
        return [harmless(each) for each in value]
    if isinstance(value, str):
        for text in TEXTS.values():
            value = value.replace(text, "plain")
    return value


def test_no_text_adds_an_element_an_attribute_or_a_link(hostile: Hostile) -> None:
    """The page has the elements it has with plain words in their place, and no other link."""
    plain = AuditRecord.model_validate_json(
        json.dumps(harmless(json.loads(hostile.record.model_dump_json())))
    )
    assert plain != hostile.record

    def skeleton(html: bytes) -> list[tuple[str, list[str], str | None]]:
        return [(tag, sorted(given), given.get("href")) for tag, given in Page(html).tags]

    assert skeleton(hostile.html) == skeleton(render_html(plain, load_law()))


def test_every_text_is_on_the_page_as_it_was_written(hostile: Hostile) -> None:
    """Nothing is dropped, evaluated or unescaped."""
    text = Page(hostile.html).text
    assert [field for field, each in SHOWN.items() if each not in text] == []


def elements(pdf: pikepdf.Pdf) -> Iterator[pikepdf.Object]:
    """Every annotation of every page."""
    for page in pdf.pages:
        yield from page.get("/Annots", pikepdf.Array())


def test_nothing_was_fetched_or_put_into_the_pdf(hostile: Hostile) -> None:
    """The PDF carries the evidence, the page and the policy, and its links stay inside it."""
    with pikepdf.open(io.BytesIO((hostile.directory / "report.pdf").read_bytes())) as pdf:
        assert set(pdf.attachments) == {"evidence.json", "policy.yaml", "report.html"}
        assert "/JavaScript" not in pdf.Root.get("/Names", pikepdf.Dictionary())
        links = [each for each in elements(pdf) if str(each.Subtype) == "/Link"]
        assert links
        assert all("/A" not in link for link in links)


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="pdftotext is not installed")
def test_the_pdf_shows_every_text_too(hostile: Hostile) -> None:
    """Letter by letter, whatever lines and pages they were broken into."""
    command = ["pdftotext", "-raw", str(hostile.directory / "report.pdf"), "-"]
    made = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    shown = "".join(made.split())
    missing = [field for field, text in SHOWN.items() if "".join(text.split()) not in shown]
    assert missing == []


def test_the_run_verifies(hostile: Hostile, auditkit_here: CommandLine) -> None:
    """Signed, stored and checked like any other."""
    assert auditkit_here("verify", hostile.directory).code == 0
