"""A language is two files of data: docs/translation.md, followed step by step in a copy of the checkout."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import pytest
import yaml
from babel.messages.pofile import read_po, write_po

from auditkit import messages
from tests.conftest import QUICK, ROOT, Auditkit

POLICY = "policies/samples/consistent.yaml"


class Copy(Auditkit):
    """The command line of a copy of the checkout."""

    folder: Path

    @property
    def command(self) -> list[str]:
        """The copy comes first on the path, and before the installed one."""
        code = (
            f"import sys; sys.path.insert(0, {str(self.folder)!r}); from auditkit.cli import main; "
        )
        return [sys.executable, "-c", code + "sys.exit(main())"]


@pytest.fixture
def copy(home: Path, guard: Path, tmp_path: Path) -> Copy:
    """Code, templates and policies in a folder of their own."""
    made = Copy(home, guard)
    made.folder = tmp_path / "checkout"
    for name in ("auditkit", "templates", "policies"):
        shutil.copytree(
            ROOT / name, made.folder / name, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy(ROOT / "pyproject.toml", made.folder)
    return made


def translated(text: str) -> str:
    """The text in a language that has a ``z`` before every word, and the same placeholders."""
    return "".join(
        part if place % 2 else re.sub(r"\b(?=[A-Za-z])", "z", part)
        for place, part in enumerate(re.split(r"(\{[a-z0-9_]+\})", text))
    )


def add_catalogue(checkout: Path) -> None:
    """Step 1: the template, translated."""
    locale = checkout / "templates" / "locale"
    with (locale / "auditkit.pot").open("rb") as file:
        catalog = read_po(file)
    for message in catalog:
        if isinstance(message.id, str):
            message.string = translated(message.id)
        else:
            message.string = tuple(translated(form) for form in message.id)
    path = locale / "zz" / "LC_MESSAGES" / "auditkit.po"
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        file.write(b'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=UTF-8\\n"\n')
        file.write(b'"Plural-Forms: nplurals=2; plural=(n != 1);\\n"\n\n')
        write_po(file, catalog, omit_header=True)


def add_quotes(checkout: Path) -> None:
    """Step 2: the law's words; here those of the English version, so marked that they can be told apart."""
    quotes = checkout / "auditkit" / "law" / "quotes"
    law = yaml.safe_load((quotes / "en.yaml").read_text("utf-8"))

    def of_zz(value: object) -> object:
        if isinstance(value, dict):
            return {key: of_zz(each) for key, each in value.items()}
        return f"\u00ab{value}\u00bb"

    text = yaml.safe_dump(of_zz(law), allow_unicode=True, sort_keys=False)
    (quotes / "zz.yaml").write_text(text, "utf-8")


def policy_in(checkout: Path, language: str) -> Path:
    path = checkout / POLICY
    text = path.read_text("utf-8")
    assert "language: en," in text
    other = path.with_name(f"in-{language}.yaml")
    text = text.replace("tasks:\n", f"defaults: {{{QUICK}}}\n\ntasks:\n", 1)
    other.write_text(text.replace("language: en,", f"language: {language},"), "utf-8")
    return other


def test_a_language_is_added_by_a_catalogue_and_its_quotes(
    copy: Copy, auditkit: Auditkit, tmp_path: Path
) -> None:
    """Without both there is no report in it; with them a run gives one that verifies, and no code changed."""
    policy = policy_in(copy.folder, "zz")
    for missing in (lambda _: None, add_catalogue):
        missing(copy.folder)
        refused = copy("check", policy)
        assert refused.code == 4
        assert "report.language" in refused.out + refused.err
        assert "`en`" in refused.out + refused.err
    add_quotes(copy.folder)
    assert copy("check", policy).code == 0

    done = copy("run", policy, "--out", tmp_path / "runs", "--json")
    assert done.code == 0, done.err
    directory = Path(done.json()["directory"])
    page = (directory / "report.html").read_text("utf-8")
    assert '<html lang="zz">' in page
    assert "zIn zplain zlanguage" in page
    assert "In plain language" not in page
    assert "\u00abthe identity and the contact details of the provider" in page
    assert "zits \u00abEnglish\u00bb zlanguage zversion" in page
    assert copy("verify", directory, "--json").json()["ok"]

    elsewhere = auditkit("verify", directory, "--json").json()
    (html,) = [check for check in elsewhere["checks"] if check["id"] == "report_html"]
    assert html["outcome"] == "not_run"
    assert "no catalogue for 'zz'" in html["detail"]


def test_a_catalogue_that_cannot_be_used_stops_a_run_before_it_begins(copy: Copy) -> None:
    """The message is named on one line, with the exit code of an environment that lacks something."""
    add_catalogue(copy.folder)
    add_quotes(copy.folder)
    path = copy.folder / "templates" / "locale" / "zz" / messages.CATALOGUE
    path.write_text(
        path.read_text("utf-8").replace('msgstr "zContents"', 'msgstr "{view}"'), "utf-8"
    )
    said = copy("run", policy_in(copy.folder, "zz"), "--out", copy.folder / "runs")
    assert said.code == 6
    assert "'Contents'" in said.err
    assert "Traceback" not in said.err
    assert not (copy.folder / "runs").exists()
