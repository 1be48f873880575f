"""Every command that a document shows can be typed, and those that need nothing from outside are run."""

from __future__ import annotations

import re
import shlex

import click
import pytest

from auditkit.cli.commands import cli
from tests.conftest import ROOT, CommandLine

DOCUMENTS = (
    ROOT / "README.md",
    ROOT / "sample_reports" / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
)
RUN = (
    "check example:quickstart",
    "verify sample_reports/consistent",
    "verify sample_reports/consistent/report.pdf",
    "verify sample_reports/consistent/report.pdf --json",
    "model inspect policies/models/reference",
)
"""Documented commands that need no model run, no secret, no network and no earlier run."""


def shown() -> list[tuple[str, str]]:
    """Every ``auditkit`` line of a fenced block, with its document; comments and prose left out."""
    blocks = [
        (path.name, block)
        for path in DOCUMENTS
        for block in re.findall(
            r"^ *```\w*\n(.*?)^ *```", path.read_text("utf-8"), re.MULTILINE | re.DOTALL
        )
    ]
    return [
        (name, line.strip().removeprefix("auditkit "))
        for name, block in blocks
        for line in block.replace("\\\n", " ").splitlines()
        if line.strip().startswith("auditkit ")
    ]


def command_of(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that these words begin with, and the words that are left for it."""
    command: click.Command = cli
    while isinstance(command, click.Group):
        assert words, "a group of commands does nothing by itself"
        name, *words = words
        assert name in command.commands, name
        command = command.commands[name]
    return command, words


@pytest.mark.parametrize(("document", "line"), shown(), ids=lambda value: value[:60])
def test_a_documented_command_can_be_typed(document: str, line: str) -> None:
    """The command exists, each option is one of its own, and it gets as many arguments as it takes."""
    del document
    words = shlex.split(line, comments=True)
    command, rest = command_of(words)
    with click.Context(command, resilient_parsing=True) as context:
        _given, left, _order = command.make_parser(context).parse_args(list(rest))
    assert left == []
    options = {name for each in command.params for name in (*each.opts, *each.secondary_opts)}
    used = {word.partition("=")[0] for word in rest if word.startswith("-")}
    assert used <= options | {"--help"}


def test_there_are_documented_commands_and_those_run_here_are_among_them() -> None:
    """The list of what is run names only what a document shows."""
    lines = [" ".join(shlex.split(line, comments=True)) for _document, line in shown()]
    assert len(lines) >= 20
    assert set(RUN) <= set(lines)


def test_an_option_that_is_not_there_is_seen() -> None:
    """The check itself: a misspelt option, a missing command and a word too many fail it."""
    for line in ("verify X --trusted Y", "initialise X", "check a.yaml b.yaml"):
        with pytest.raises((AssertionError, click.UsageError)):
            test_a_documented_command_can_be_typed("README.md", line)


@pytest.mark.parametrize("line", RUN)
def test_a_documented_command_runs(
    line: str, auditkit_here: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a reader would type it, from the project's folder, with an empty home."""
    monkeypatch.chdir(ROOT)
    outcome = auditkit_here(*shlex.split(line))
    assert outcome.code == 0, outcome.err
    assert outcome.out


@pytest.mark.parametrize("line", ["list", "show RUN_ID --json", "keys list"])
def test_a_documented_command_on_an_empty_home_ends_in_a_sentence(
    line: str, auditkit_here: CommandLine
) -> None:
    """Where there is no run and no key yet, a command answers or says so, and is no bug."""
    assert line in {" ".join(shlex.split(each, comments=True)) for _document, each in shown()}
    outcome = auditkit_here(*shlex.split(line))
    assert outcome.code in {0, 6}
    assert outcome.out or outcome.err.startswith("auditkit: ")


def test_documents_do_not_show_commands_that_are_not_there() -> None:
    """Commands in prose, too: each ``auditkit NAME`` in code quotes begins with a command."""
    known = set(cli.commands)
    for path in (*DOCUMENTS, ROOT / "CONTRIBUTING.md"):
        for name in re.findall(r"`auditkit ([a-z][a-z0-9]*)", path.read_text("utf-8")):
            assert name in known, f"{path.name}: auditkit {name}"


def test_messages_advise_only_commands_that_are_there() -> None:
    """No text of the package sends a reader to a command that does not exist."""
    known = set(cli.commands)
    for path in sorted((ROOT / "auditkit").rglob("*.py")):
        for name in re.findall(r"`+auditkit ([a-z][a-z0-9]*)", path.read_text("utf-8")):
            assert name in known, f"{path.name}: auditkit {name}"
