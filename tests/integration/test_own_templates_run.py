"""``report.template_dir`` through the command line: laid out, said, verified with the templates, refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.conftest import QUICK, ROOT, CommandLine, Outcome
from tests.policies import POLICY

LETTERHEAD = "<p>Example Provider, audit office</p>\n"


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a policy that names own templates, and the model it audits."""
    made = tmp_path_factory.mktemp("own") / "audit"
    shutil.copytree(ROOT / "policies" / "models" / "reference", made / "model")
    policy = POLICY.replace("formats: [html]", "template_dir: letters").replace(
        "{file: pairs.jsonl}", "{generator: ioi}"
    )
    policy = policy.replace("tasks:\n", f"defaults: {{{QUICK}}}\ntasks:\n")
    (made / "policy.yaml").write_text(policy)
    (made / "letters").mkdir()
    (made / "letters" / "letterhead.html.j2").write_text(LETTERHEAD)
    return made


def report_check(outcome: Outcome) -> tuple[str, str]:
    checks = outcome.json()["checks"]
    (found,) = [(one["outcome"], one["detail"]) for one in checks if one["id"] == "report_html"]
    return found


def test_a_report_with_a_letterhead_verifies_with_its_templates(
    audited: Path, auditkit_here: CommandLine
) -> None:
    """HTML and PDF carry it, page 1 says whose it is; without the templates that check is not made."""
    outcome = auditkit_here("run", audited / "policy.yaml", "--out", audited / "out", "--json")
    directory = Path(outcome.json()["directory"])
    assert "Example Provider, audit office" in (directory / "report.html").read_text("utf-8")
    without = auditkit_here("verify", directory, "--json")
    assert (without.code, report_check(without)[0]) == (3, "not_run")
    assert "letterhead.html.j2 sha256:" in report_check(without)[1]
    given = auditkit_here("verify", directory, "--templates", audited / "letters", "--json")
    assert (given.code, report_check(given)[0]) == (0, "passed")
    others = audited / "others"
    shutil.copytree(audited / "letters", others)
    (others / "letterhead.html.j2").write_text("<p>Somebody else</p>\n")
    assert (
        report_check(auditkit_here("verify", directory, "--templates", others, "--json"))[0]
        == "not_run"
    )


def test_a_template_that_hides_the_limits_is_refused_before_the_work(
    audited: Path, tmp_path: Path, home: Path, auditkit_here: CommandLine
) -> None:
    """``check`` and ``run`` name file and line, and nothing is stored."""
    broken = Path(shutil.copytree(audited, tmp_path / "broken"))
    (broken / "letters" / "letterhead.html.j2").write_text("<p>x</p>\n<!-- \n")
    for command in ("check", "run"):
        outcome = auditkit_here(command, broken / "policy.yaml")
        assert outcome.code == 4
        assert "letterhead.html.j2" in outcome.err
    assert not (home / "evidence.db").exists()


def test_a_folder_of_templates_that_is_not_there_is_named(
    audited: Path, tmp_path: Path, auditkit_here: CommandLine
) -> None:
    """By the line and the key of the policy."""
    broken = Path(shutil.copytree(audited, tmp_path / "broken"))
    shutil.rmtree(broken / "letters")
    outcome = auditkit_here("check", broken / "policy.yaml")
    assert outcome.code == 4
    assert "report.template_dir: there is no folder" in outcome.err
