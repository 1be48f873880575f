"""Writes the table of scripts of ``auditkit.characters`` from the Unicode Character Database.

The data are those of fontTools (``fontTools.unicodedata.Scripts``, made from Unicode's Scripts.txt), which
comes with WeasyPrint. Python has no script data, and a report must not depend on the version of Python.
"""

from __future__ import annotations

import re
import sys
import textwrap
import unicodedata
from importlib import import_module
from pathlib import Path

database = import_module("fontTools.unicodedata")
PLACE = Path(__file__).resolve().parent.parent / "auditkit" / "characters" / "scripts.py"
NO_SCRIPT = {"Zyyy", "Zinh", "Zzzz"}
HEAD = '''"""The scripts of letters and marks, by ranges of code points. Written by tools/script_table.py.

Source: Scripts.txt of the Unicode Character Database, version {version}
(Copyright Unicode, Inc.; https://www.unicode.org/license.txt). Code points that are no letter or mark
may stand within a range; letters and marks that many scripts share stand in none.
"""

from __future__ import annotations

UNICODE = "{version}"
RANGES = """
'''


def ranges() -> list[tuple[int, int, str]]:
    """First and last code point of every run of letters and marks of one script, and the script."""
    found: list[tuple[int, int, str]] = []
    apart = True
    for code in range(sys.maxunicode + 1):
        script = database.script(chr(code))
        if script in NO_SCRIPT:
            apart = apart or unicodedata.category(chr(code))[0] in "LM"
            continue
        if found and found[-1][2] == script and not apart:
            found[-1] = (found[-1][0], code, script)
        else:
            found.append((code, code, script))
        apart = False
    return found


def text() -> str:
    """The module with the table."""
    source = Path(database.Scripts.__file__).read_text("utf-8")
    version = re.search(r"Scripts-([\d.]+)\.txt", source)
    if version is None:
        raise ValueError("the data do not say which version of Unicode they are")
    entries = " ".join(f"{first:X}-{last:X}:{script}" for first, last, script in ranges())
    return HEAD.format(version=version[1]) + textwrap.fill(entries, 108) + '\n"""\n'


if __name__ == "__main__":
    PLACE.write_text(text(), "utf-8")
