"""Rules of the house that no linter checks: one clock, no reader of pickles, honest words, sizes.

ruff has those it can (prints, docstrings, asserts), and ``.importlinter`` those on imports.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import pytest

from auditkit.cli.commands import cli
from auditkit.errors import EXIT_CODE_MEANINGS
from auditkit.law.overclaims import OVERCLAIMS
from tests.conftest import ROOT

PACKAGE = ROOT / "auditkit"
README = (ROOT / "README.md").read_text("utf-8")

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 80
USUAL_FUNCTION_LINES = 35
"""At most one function in ten is longer."""

OUTSIDE_WORLD = re.compile(
    r"datetime\.(now|utcnow|today)|date\.today|time\.(time|time_ns|monotonic|localtime|sleep)"
    r"|os\.(environ|environb|getenv|getlogin|urandom)|getpass\.\w+|secrets\.\w+|uuid\.\w+"
    r"|random\.(random|randint|choice|choices|sample|shuffle|seed|getrandbits)"
    r"|sys\.(argv|stdin|stdout|stderr|exit)"
)
"""Clock, environment, chance without a seed, terminal and exit: only ``auditkit.cli`` may ask."""

UNSAFE = re.compile(
    r"(c?[pP]ickle|dill|joblib|marshal|shelve)\.\w+|torch\.(load|save|hub\.\w+)|(np|numpy)\.load"
    r"|yaml\.(load|unsafe_load|full_load)|eval|exec|os\.(system|popen)|subprocess\.\w+"
)
"""What runs whatever a file holds, or another program."""


@dataclass(frozen=True)
class Source:
    """One file of Python: its name below the root, its lines and its syntax tree."""

    name: str
    lines: tuple[str, ...]
    tree: ast.Module

    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        """Every function and method, inner ones too."""
        for node in ast.walk(self.tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                yield node

    def docstrings(self) -> set[int]:
        """The identities of the constants that are docstrings, of attributes too."""
        return {
            id(node.value)
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        }


@cache
def sources(*folders: str) -> tuple[Source, ...]:
    """Every Python file of these top-level folders."""
    paths = sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    texts = {path: path.read_text("utf-8") for path in paths}
    return tuple(
        Source(path.relative_to(ROOT).as_posix(), tuple(text.splitlines()), ast.parse(text))
        for path, text in texts.items()
    )


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from ``def`` to the end."""
    return (function.end_lineno or function.lineno) - function.lineno + 1


def uses(source: Source, pattern: re.Pattern[str]) -> list[str]:
    """Each place where a dotted name, as written, is one that the pattern knows."""
    return [
        f"{source.name}:{node.lineno} {ast.unparse(node)}"
        for node in ast.walk(source.tree)
        if isinstance(node, (ast.Attribute, ast.Name)) and pattern.fullmatch(ast.unparse(node))
    ]


def imported_names(source: Source) -> list[str]:
    """``module.name`` of each ``from module import name``, which hides the module from ``uses``."""
    return [
        f"{node.module}.{alias.name}"
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    ]


def test_only_the_command_line_asks_the_outside_world() -> None:
    """Clock, environment, unseeded chance, terminal and exit status are used in ``auditkit/cli`` only."""
    inside = [
        source
        for source in sources("auditkit")
        if not source.name.startswith("auditkit/cli/") and source.name != "auditkit/__main__.py"
    ]
    found = [place for source in inside for place in uses(source, OUTSIDE_WORLD)]
    found += [n for s in inside for n in imported_names(s) if OUTSIDE_WORLD.fullmatch(n)]
    assert found == []
    assert any(uses(source, OUTSIDE_WORLD) for source in sources("auditkit/cli"))


def test_nothing_runs_what_a_file_holds() -> None:
    """No pickle, no ``torch.load``, no ``eval``, no other program, in the package and its tools."""
    found = [place for source in sources("auditkit", "tools") for place in uses(source, UNSAFE)]
    found += [
        n for s in sources("auditkit", "tools") for n in imported_names(s) if UNSAFE.fullmatch(n)
    ]
    assert found == []


def test_models_are_loaded_without_code_network_or_pickles() -> None:
    """Each ``from_pretrained`` says so itself: local files, safetensors, no remote code."""
    calls = [
        node
        for source in sources("auditkit")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "from_pretrained"
    ]
    assert calls
    for call in calls:
        said = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
        assert said["local_files_only"] == "True"
        assert said["trust_remote_code"] == "False"
        if not ast.unparse(call.func).startswith("AutoTokenizer."):  # it reads no weights
            assert said["use_safetensors"] == "True"


def test_every_wide_except_says_why() -> None:
    """``except Exception`` has its reason on the same line, and only the last resort catches more."""
    for source in sources("auditkit", "tools"):
        for node in ast.walk(source.tree):
            if not isinstance(node, ast.ExceptHandler):
                continue
            caught = ast.unparse(node.type) if node.type else "everything"
            place = f"{source.name}:{node.lineno} catches {caught}"
            assert caught != "everything", place
            if re.search(r"\bBaseException\b", caught):
                assert source.name == "auditkit/cli/entry.py", place
            if re.search(r"\b(Base)?Exception\b", caught):
                assert re.search(r"# (noqa: BLE001 - )?[a-z]", source.lines[node.lineno - 1]), place


def test_no_float_is_a_field_of_a_record() -> None:
    """Records hold integers, text and decimals: floating point stops where a record begins."""
    fields = [
        f"{source.name}:{node.lineno} {ast.unparse(node)}"
        for source in sources("auditkit/records")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.AnnAssign)
    ]
    assert len(fields) > 100
    assert [field for field in fields if re.search(r"\bfloat\b", field)] == []


NOT_RECORDS = frozenset(
    {
        "auditkit/circuits/stability.py",  # what other settings would have given
        "auditkit/cli/keys.py",  # an entry of keys.yaml
        "auditkit/cli/reproduce.py",  # a specification, to compare it
        "auditkit/controls/negative_controls.py",  # a prompt pair with its answers exchanged
        "auditkit/controls/outcomes.py",  # the specification of a control
        "auditkit/policy/naming.py",
        "auditkit/policy/prompting.py",  # a specification, once the prompts are counted
        "auditkit/judging/ruling.py",  # thresholds that might have been declared
        "auditkit/policy/specifying.py",  # the standard specification for a generator
        "auditkit/prompts/asking.py",  # a prompt pair for another kind of task
    }
)
"""Where ``model_copy`` varies settings or prompts. pydantic does not validate what it is given."""


def test_no_record_is_completed_after_it_was_made() -> None:
    """A record is built once, whole: nothing fills in what was left open, which nobody would check."""
    copying = {
        source.name
        for source in sources("auditkit")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Attribute) and node.attr == "model_copy"
    }
    assert copying == NOT_RECORDS


def test_files_and_functions_are_short() -> None:
    """No file over 400 lines, no function over 80, nine functions in ten within 35."""
    measured = sources("auditkit", "tools")
    assert [s.name for s in measured if len(s.lines) > MAX_FILE_LINES] == []
    lengths = [
        (length(function), f"{source.name}:{function.lineno}")
        for source in measured
        for function in source.functions()
    ]
    assert [place for lines, place in lengths if lines > MAX_FUNCTION_LINES] == []
    longer = [place for lines, place in lengths if lines > USUAL_FUNCTION_LINES]
    assert len(longer) * 10 <= len(lengths), longer


def test_every_test_states_its_promise_first() -> None:
    """Whoever sees a test fail reads in its first line what does not hold any more."""
    tests = [
        (f"{source.name}::{function.name}", ast.get_docstring(function) or "")
        for source in sources("tests")
        for function in source.functions()
        if function.name.startswith("test_")
    ]
    assert len(tests) > 1000
    assert [name for name, promise in tests if not promise.splitlines()[:1]] == []


def test_no_test_imports_another() -> None:
    """What several tests need stands beside ``tests/builders.py``, and no test module is imported."""
    imported = [
        f"{source.name} imports {node.module}"
        for source in sources("tests")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ImportFrom)
        and (node.module or "").rpartition(".")[2].startswith("test_")
    ]
    assert imported == []


def test_nothing_is_left_to_do() -> None:
    """No note of unfinished work in code, templates, example policies or documents."""
    marks = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
    for folder in ("auditkit", "templates", "policies", "tools", "docs"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in {".py", ".j2", ".css", ".yaml", ".md"}:
                assert not marks.search(path.read_text("utf-8")), path
    assert not marks.search(README)


def test_the_readme_has_the_exit_codes() -> None:
    """The README's table of exit codes is the program's: every code, in order, in the same words."""
    rows = re.findall(r"^\| (\d+) \| (.+?) \|$", README, re.MULTILINE)
    assert rows == [(str(code.value), meaning) for code, meaning in EXIT_CODE_MEANINGS.items()]


@pytest.mark.parametrize("name", sorted(cli.commands))
def test_every_command_has_help_with_an_example(name: str) -> None:
    """The help of each command has a first line and an example; test_documents finds it documented."""
    told = cli.commands[name].help or ""
    assert re.fullmatch(r"[A-Z].{10,70}\.", told.splitlines()[0])
    assert f"  auditkit {name}" in told


def test_no_string_of_ours_says_more_than_was_measured() -> None:
    """No string in the package, as a message or a help text, uses a word that overclaims.

    Docstrings are for programmers, except those of commands, which are their help.
    """
    helps = {name: command.help or "" for name, command in cli.commands.items()}
    said = [(f"auditkit {name} --help", text) for name, text in helps.items()]
    said.append(("auditkit --help", (cli.help or "") + (cli.epilog or "")))
    for source in sources("auditkit"):
        docstrings = source.docstrings()
        said += [
            (f"{source.name}:{node.lineno}", node.value)
            for node in ast.walk(source.tree)
            if isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in docstrings
            and node.value != OVERCLAIMS.pattern
        ]
    assert len(said) > 500
    found = {(place, word.lower()) for place, text in said for word in OVERCLAIMS.findall(text)}
    assert found == set()


def test_no_template_or_document_says_more_than_was_measured() -> None:
    """Templates, example policies and what we wrote about law use no word that overclaims.

    The law's own words are quoted in ``auditkit/law/quotes``.
    """
    paths = [*(ROOT / "templates").glob("*.j2"), *(ROOT / "policies").glob("*.yaml")]
    paths += (PACKAGE / "law").glob("*.yaml")
    assert len(paths) >= 8
    for path in sorted(paths):
        assert OVERCLAIMS.findall(path.read_text("utf-8")) == [], path.name
