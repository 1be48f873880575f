"""The messages of the report, from code, templates, law data and the settings' meanings: ``make messages``.

Writes ``templates/locale/auditkit.pot`` and the English catalogue, and brings every other catalogue up
to date: messages that are new are empty in it, and such a catalogue is refused until they are translated.
"""

from __future__ import annotations

import ast
import io
from collections.abc import Iterator
from pathlib import Path

from babel.messages import Catalog
from babel.messages.pofile import read_po, write_po
from jinja2.ext import babel_extract

from auditkit import messages
from auditkit.law import in_other_words, load_law
from auditkit.records.specification import Specification
from auditkit.report.task.specification import meanings

ROOT = Path(__file__).resolve().parent.parent
LOCALE = ROOT / messages.LOCALE
HEADER = """# The words of auditkit's report. docs/translation.md says how to translate them.
msgid ""
msgstr ""
"Project-Id-Version: auditkit\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=UTF-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"""
ENGLISH = '"Language: en\\n"\n"Plural-Forms: nplurals=2; plural=(n != 1);\\n"\n'

Text = str | tuple[str, str]
"""A message, or its forms for one and for many."""


def template() -> bytes:
    """The message catalogue template: every message once, in the order of its letters."""
    return _written(_found(), HEADER)


def english() -> bytes:
    """The English catalogue: every message as it is."""
    catalog = _found()
    for message in catalog:
        if message.id:
            message.string = message.id
    return _written(catalog, HEADER + ENGLISH)


def updated(catalogue: Path) -> bytes:
    """A catalogue with the messages of today: what is new is empty, what is gone is left out."""
    with catalogue.open("rb") as file:
        catalog = read_po(file)
    catalog.update(_found(), no_fuzzy_matching=True, update_creation_date=False)
    out = io.BytesIO()
    write_po(out, catalog, sort_output=True, ignore_obsolete=True, include_lineno=False)
    return out.getvalue()


def _found() -> Catalog:
    catalog = Catalog()
    for place, text in _messages():
        catalog.add(text, locations=[(place, 0)])
    return catalog


def _written(catalog: Catalog, header: str) -> bytes:
    out = io.BytesIO()
    write_po(out, catalog, sort_output=True, omit_header=True, include_lineno=False)
    return header.encode() + b"\n" + out.getvalue()


def _messages() -> Iterator[tuple[str, Text]]:
    """Every message with the file it is in."""
    for path in sorted((ROOT / "auditkit" / "report").rglob("*.py")):
        for text in in_python(path.read_text("utf-8")):
            yield path.relative_to(ROOT).as_posix(), text
    for path in sorted((ROOT / "templates").rglob("*.j2")):
        with path.open("rb") as file:
            for _line, _function, found, _comments in babel_extract(file, ["_"], [], {}):
                # A message with values comes with a None for each of them.
                first = found if isinstance(found, str) else (found or ("",))[0]
                yield path.relative_to(ROOT).as_posix(), first or ""
    for text in meanings(Specification).values():
        yield "auditkit/records/specification.py", text
    yield from (("auditkit/law", text) for text in _of_law())


def _of_law() -> list[str]:
    """The texts on law that are ours."""
    found = []

    def keep(text: str) -> str:
        found.append(text)
        return text

    in_other_words(load_law(), keep)
    return found


def in_python(source: str) -> Iterator[Text]:
    """Every message of a Python source: the texts in ``_``, ``N_`` and ``counted``.

    Raises:
        ValueError: ``N_`` or ``counted`` is given something else than a text that stands there, or
            ``_`` a text that is put together there.
    """
    for node in ast.walk(ast.parse(source)):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
            continue
        name, arguments = node.func.id, node.args
        if name == "counted":
            one, many = (_text(each) for each in arguments[1:3])
            yield one, many
        elif name == "N_" or (name == "_" and isinstance(arguments[0], _WRITTEN)):
            yield _text(arguments[0])


_WRITTEN = (ast.Constant, ast.JoinedStr, ast.BinOp)
"""What a text may look like where it stands; the last two cannot be looked up."""


def _text(node: ast.expr) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    raise ValueError(f"line {node.lineno}: a message is one text, not {ast.unparse(node)}")


def main() -> None:
    """Write the template and every catalogue."""
    (LOCALE / messages.TEMPLATE).write_bytes(template())
    for path in sorted(LOCALE.glob(f"*/{messages.CATALOGUE}")):
        language = path.relative_to(LOCALE).parts[0]
        path.write_bytes(english() if language == "en" else updated(path))
        print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
