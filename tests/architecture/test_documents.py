"""A fact that a document repeats is the fact: stages, layers, rooms, counts, names, links, words."""

from __future__ import annotations

import ast
import re
import runpy
from configparser import ConfigParser
from functools import cache
from pathlib import Path

import grimp
import pytest
import yaml

import auditkit.engine
from auditkit.bundle.evidence import parse_evidence
from auditkit.cli.commands import cli
from auditkit.cli.terminal import print_tasks
from auditkit.identifying import mechanism
from auditkit.law.overclaims import OVERCLAIMS
from tests.conftest import ROOT, SAMPLES

DOCUMENTS = (
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "sample_reports" / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
)
NUMBERS = {4: "four", 5: "five", 6: "six", 7: "seven", 8: "eight", 9: "nine", 10: "ten"}
EXAMPLES = frozenset({"auditkit/law/quotes/de.yaml"})
"""Named as what a reader would make."""


def text_of(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


@cache
def contracts() -> ConfigParser:
    parser = ConfigParser()
    parser.read(ROOT / ".importlinter")
    return parser


def layers() -> list[set[str]]:
    """The contract's lines of rooms, the highest first."""
    lines = contracts()["importlinter:contract:layers"]["layers"].split("\n")
    return [set(re.findall(r"\w+", line)) for line in lines if line.strip()]


def stages() -> list[tuple[int, str, str]]:
    """Number, name and room of each stage, as the engine lists them."""
    found = re.findall(
        r"^ ?(\d+)  (.+?)  +(\w+)  +\w.*$", auditkit.engine.__doc__ or "", re.MULTILINE
    )
    return [(int(number), name, room) for number, name, room in found]


def test_the_engine_numbers_its_stages() -> None:
    """One list, numbered from 1, each stage in a room that is there."""
    numbers = [number for number, _name, _room in stages()]
    assert numbers == list(range(1, 13))
    rooms = set.union(*layers())
    assert {room for _number, _name, room in stages()} <= rooms


def test_the_stages_of_the_documents_are_the_engines() -> None:
    """for-engineers.md explains each stage by its number and name; architecture.md has the same table."""
    explained = re.findall(
        r"^(\d+)\. \*\*(.+?)\.\*\*", text_of("docs/for-engineers.md"), re.MULTILINE
    )
    assert [(int(number), name) for number, name in explained] == [s[:2] for s in stages()]
    table = re.findall(
        r"^\| (\d+) (.+?) \| `(\w+)` \|", text_of("docs/architecture.md"), re.MULTILINE
    )
    assert [(int(number), name, room) for number, name, room in table] == stages()


def test_mechanism_says_which_stages_it_is() -> None:
    """Its first lines, and every document that speaks of them, name the stages of ``identifying``."""
    numbers = [number for number, _name, room in stages() if room == "identifying"]
    first, last = numbers[0], numbers[-1]
    assert numbers == list(range(first, last + 1))
    assert f"Stages {first} to {last} of ``engine``" in (mechanism.__doc__ or "")
    assert f"`identifying/mechanism.py`\nis {first} to {last}." in text_of(
        "docs/for-engineers.md"
    ).replace("auditkit/", "")
    assert f"`auditkit/identifying/mechanism.py`: stages {first} to {last}" in text_of(
        "docs/architecture.md"
    )


def test_the_stages_follow_each_other_in_the_engine() -> None:
    """The comments in its code count upwards."""
    marks = re.findall(r"# stages? (\d+)", text_of("auditkit/engine.py"))
    assert len(marks) >= 3
    outline = [int(mark) for mark in marks[: marks.index("11") + 1]]
    assert outline == sorted(outline)


def test_the_layers_of_the_architecture_are_the_contracts() -> None:
    """docs/architecture.md draws the lines of ``.importlinter``, with what each room is."""
    drawn = re.search(
        r"^```\n(cli .*?)^```", text_of("docs/architecture.md"), re.MULTILINE | re.DOTALL
    )
    assert drawn is not None
    lines = [re.split(r"  +", line, maxsplit=1) for line in drawn[1].splitlines()]
    assert all(len(line) == 2 and line[1] for line in lines)
    assert [set(line[0].split(" | ")) for line in lines] == layers()


def test_every_room_is_in_the_contract() -> None:
    """No module and no package beside those that the layers name."""
    names = {
        path.stem
        for path in (ROOT / "auditkit").iterdir()
        if (path.suffix == ".py" or (path / "__init__.py").exists()) and path.stem[:2] != "__"
    }
    assert names - {"_shipped"} == set.union(*layers())


def test_the_torch_rooms_are_the_documented_ones_the_contracts_and_the_true_ones() -> None:
    """Which rooms need torch stands in the architecture, in the contract's name, and follows from imports."""
    told = re.search(
        r"\*\*Torch rooms\*\* may need torch: (.+?)\.", text_of("docs/architecture.md"), re.DOTALL
    )
    assert told is not None
    documented = set(re.findall(r"`(\w+)`", told[1]))
    contract = contracts()["importlinter:contract:no-torch"]
    free = set(re.findall(r"auditkit\.(\w+)", contract["source_modules"]))
    named = set(
        re.findall(r"\w+", contract["name"].removeprefix("Only").removesuffix("need torch"))
    )
    graph = grimp.build_graph("auditkit", include_external_packages=True)
    for name in graph.find_modules_directly_imported_by("auditkit"):  # when they are asked for
        graph.remove_import(importer="auditkit", imported=name)
    heavy = graph.find_downstream_modules("torch") | graph.find_downstream_modules("transformers")
    needing = {name.split(".")[1] for name in heavy if name.count(".")}
    assert documented == named - {"and"}
    assert needing - {"cli", "__main__"} == documented
    assert not needing & free
    assert set.union(*layers()) - free - documented <= {"cli", "errors", "progress", "digest"}


def test_the_number_of_samples_is_counted() -> None:
    """The documents, the tests and the tool speak of as many sample runs as there are."""
    folders = {path.name for path in (ROOT / "sample_reports").iterdir() if path.is_dir()}
    made = runpy.run_path(str(ROOT / "tools" / "sample_reports.py"))["VERDICTS"]
    word = NUMBERS[len(folders)]
    assert folders == set(SAMPLES) == set(made)
    assert f"holds {word} whole runs" in text_of("README.md")
    told = text_of("sample_reports/README.md")
    assert f"{word.capitalize()} whole runs" in told
    assert f"`make samples` runs all {word} again" in " ".join(told.split())
    assert re.findall(r"^\| \[(\w+)\].*?\| `(\w+)` \|", told, re.MULTILINE) == list(
        {
            name: made[name] for name, _ in re.findall(r"^\| \[(\w+)\](.)", told, re.MULTILINE)
        }.items()
    )


def test_the_number_of_families_is_counted() -> None:
    """for-engineers.md names as many families as the tests locate heads in."""
    lists = {"BY_INTERFACE", "BY_STRUCTURE"}
    counted: dict[str, set[str]] = {}
    for node in ast.parse(text_of("tests/families.py")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in lists:
            counted[ast.unparse(node.targets[0])] = set(ast.literal_eval(node.value))
    assert set(counted) == lists
    n = len(set.union(*counted.values()))
    assert f"{n} families of transformers" in " ".join(text_of("docs/for-engineers.md").split())


def test_the_numbers_of_controls_are_counted() -> None:
    """Eight models with a planted circuit and two with none, wherever they are spoken of."""
    from auditkit.controls.family import FAMILY
    from auditkit.controls.outcomes import NEGATIVE_CONTROLS

    told = " ".join(text_of("docs/for-engineers.md").split())
    assert f"{NUMBERS[len(FAMILY)]} small models whose circuit is written" in told
    assert len(NEGATIVE_CONTROLS) == 2
    assert "on two where there is nothing to find" in told


def test_the_readme_shows_what_the_terminal_shows(capsys: pytest.CaptureFixture[str]) -> None:
    """The output in the README is that of the sample it names, line by line."""
    shown = re.search(r"^```text\n(.*?)^```", text_of("README.md"), re.MULTILINE | re.DOTALL)
    assert shown is not None
    record = parse_evidence((SAMPLES["consistent"] / "evidence.json").read_bytes())
    print_tasks(record.tasks)
    printed = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    table = [line for line in shown[1].splitlines() if line]
    assert table.pop() == f"verdict: {record.verdict}"
    assert table == [line for line in printed if line][1:]


def test_the_findings_quoted_for_compliance_are_findings_of_the_sample() -> None:
    """Each quoted sentence stands in the named sample's record, at the level that is given."""
    text = text_of("docs/for-compliance.md")
    assert "sample_reports/not_consistent/" in text
    quotes = [
        " ".join(each.replace("> ", "").split())
        for each in re.findall(r"(?:^>.*\n)+", text, re.MULTILINE)
    ]
    record = parse_evidence((SAMPLES["not_consistent"] / "evidence.json").read_bytes())
    findings = {
        f"**{finding.level.capitalize()}.** {finding.text}"
        for task in record.tasks
        for finding in task.findings
    }
    assert len(quotes) == 3
    assert set(quotes) <= findings


def test_the_readme_is_short_and_explains_every_verdict_and_reason() -> None:
    """At most 120 lines; four words; no meaning of more than 25 words."""
    readme = text_of("README.md")
    assert len(readme.splitlines()) <= 120
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+?) \|$", readme, re.MULTILINE))
    assert list(rows) == ["consistent", "not_consistent", "inconclusive", "not_assessed"]
    assert all(len(meaning.split()) <= 25 for meaning in rows.values())


@pytest.mark.parametrize("name", sorted(cli.commands))
def test_every_command_is_documented(name: str) -> None:
    """for-engineers.md says what each command does."""
    assert re.search(
        rf"^\| `auditkit {name}` \| \w", text_of("docs/for-engineers.md"), re.MULTILINE
    )


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_what_a_document_links_to_is_there(path: Path) -> None:
    """Every relative link and every picture leads to a file, and an anchor to a heading."""
    text = re.sub(r"^```.*?^```", "", path.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    links = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'src="([^"]+)"', text)
    for link in links:
        if re.match(r"[a-z]+:", link):
            continue
        target, _, anchor = link.partition("#")
        found = (path.parent / target).resolve() if target else path
        assert found.exists(), link
        if anchor:
            heads = re.findall(r"^#+ (.+)$", found.read_text("utf-8"), re.MULTILINE)
            slugs = {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}
            assert anchor in slugs, link


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_the_files_a_document_names_are_there(path: Path) -> None:
    """Paths in code quotes that begin with a folder of the project exist."""
    folders = "auditkit|docs|policies|sample_reports|templates|tests|tools"
    for name in re.findall(rf"`((?:{folders})/[\w./-]*)`", path.read_text("utf-8")):
        assert name.rstrip("/") in EXAMPLES or (ROOT / name).exists(), name


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_the_python_programs_a_document_starts_are_there(path: Path) -> None:
    """``python -m NAME`` and ``python tools/NAME.py`` name modules and files of the project."""
    text = path.read_text("utf-8")
    for name in re.findall(r"python -m ([\w.]+)", text):
        place = ROOT / name.replace(".", "/")
        assert name == "pytest" or place.with_suffix(".py").exists() or place.is_dir(), name
    for name in re.findall(r"python (tools/\w+\.py)", text):
        assert (ROOT / name).exists(), name


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_document_says_more_than_was_measured(path: Path) -> None:
    """No document uses a word that overclaims."""
    assert OVERCLAIMS.findall(path.read_text("utf-8")) == []


def test_the_code_names_of_the_glossary_are_in_the_code() -> None:
    """Each name in its third column is a word of the package or a file of it."""
    words: set[str] = set()
    for source in (ROOT / "auditkit").rglob("*.py"):
        words |= set(re.findall(r"\w+", source.read_text("utf-8")))
    rows = re.findall(r"^\| (.+?) \| .+? \| (.+?) \|$", text_of("docs/glossary.md"), re.MULTILINE)
    assert len(rows) >= 30
    terms = [term for term, _ in rows if term != "term"]
    assert len(terms) == len(set(terms))
    for term, code in rows:
        for name in re.findall(r"`(.+?)`", code):
            if "/" in name:
                place = ROOT / "auditkit" / name
                assert place.exists(), name
            else:
                assert set(re.findall(r"[A-Za-z_]\w*", name.lstrip("-"))) <= words | {
                    "json",
                    "p7s",
                }, (term, name)


def test_a_test_says_what_it_promises() -> None:
    """In its first line, or in a name of four words and more."""
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                words = node.name.removeprefix("test_").split("_")
                assert ast.get_docstring(node) or len(words) >= 3, f"{path.name}: {node.name}"


def test_make_help_lists_every_target() -> None:
    """Each target that is meant to be called says what it does, and CONTRIBUTING calls none other."""
    makefile = text_of("Makefile")
    phony = set(re.findall(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)[0].split())
    told = set(re.findall(r"^([a-z]+):.*## \w", makefile, re.MULTILINE))
    assert told == phony
    for path in DOCUMENTS:
        for call in re.findall(r"`make ([a-z ]+)`", path.read_text("utf-8")):
            assert set(call.split()) <= phony, (path.name, call)


def test_every_hook_is_a_check_of_make_lint_and_fetches_nothing() -> None:
    """The hooks before a commit are local, run from the virtual environment, and check what CI checks."""
    config = yaml.safe_load(text_of(".pre-commit-config.yaml"))
    (local,) = config["repos"]
    assert local["repo"] == "local"
    lint = text_of("Makefile").partition("lint: setup")[2].partition("\n\n")[0]
    for hook in local["hooks"]:
        assert hook["language"] == "system"
        program, *_ = hook["entry"].removeprefix(".venv/bin/").split()
        assert f"$(BIN)/{program}" in lint
    assert len(local["hooks"]) == lint.count("$(BIN)/")
