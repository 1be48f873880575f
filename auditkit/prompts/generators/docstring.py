"""Docstring completion: the documented arguments follow the order of the definition.

After ``def run(self, a, b, A, B, C, d):`` and a docstring that documents ``A`` and ``B``, the next
``:param`` is followed by ``C``. From Heimersheim & Janiak 2023, "A circuit for Python docstrings in
a 4-layer attention-only transformer".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from auditkit.prompts.generators.contract import Draw, Generator, GeneratorInfo, Split
from auditkit.prompts.generators.fitting import half, known_words, one_token_words, require
from auditkit.prompts.generators.words import OBJECTS, PLACES
from auditkit.prompts.tokens import Tokenizer
from auditkit.records.prompts import PromptPair

ARGUMENTS = (
    *("file", "name", "line", "list", "item", "key", "value", "index", "path", "text"),
    *("time", "date", "type", "code", "user", "size", "port", "host", "mode", "node"),
    *("page", "table", "field", "query", "state", "event", "group", "image", "label", "level"),
    *("limit", "model", "order", "parent", "point", "range", "result", "rule", "scale", "score"),
    *("shape", "source", "step", "style", "target", "title", "token", "unit", "view", "width"),
    *("height", "color", "count", "weight", "format", "filter", "option", "message", "method"),
    *("number", "input", "output", "version", "row"),
)
"""Argument names."""

FUNCTIONS = ("run", "make", "build", "read", "send", "open", "close", "save")
"""Function names."""

NOTES = (*OBJECTS, *PLACES)
"""Words of the descriptions. None is an argument name."""


@dataclass(frozen=True)
class Layout:
    """How many words the summary line and each argument's description have."""

    summary: int
    note: int


LAYOUTS = (Layout(3, 2), Layout(2, 2), Layout(2, 3), Layout(3, 3))
"""The layouts. The first is the published one."""

_DEFINED, _DOCUMENTED = 6, 2
"""Arguments in a definition, and those documented before the one to be named."""

ARGUMENTS_NEEDED = 2 * (_DEFINED + _DEFINED + _DOCUMENTED)
"""Single-token argument names for both splits: a positive's, its negative's, all different."""

_INFO = GeneratorInfo(
    name="docstring",
    title="Docstring completion",
    metric="logit_difference",
    summary=(
        "A Python function documents its arguments in the order of its definition, and the next"
        " argument must be named. In the negative every argument name is replaced, differently in"
        " the definition and in the docstring: nothing links the two, and neither the answer nor"
        " the other arguments it is compared with occur."
    ),
    source=(
        "Heimersheim & Janiak 2023, A circuit for Python docstrings in a 4-layer attention-only"
        " transformer"
    ),
)


def write_function(
    function: str, arguments: Sequence[str], summary: str, documented: Sequence[tuple[str, str]]
) -> str:
    """The text of a function up to the ``:param`` whose argument comes next.

    ``documented`` holds the arguments already described, each with its description.
    """
    lines = [f"def {function}(self, {', '.join(arguments)}):", f'    """{summary}', ""]
    lines += [f"    :param {name}: {note}" for name, note in documented]
    return "\n".join([*lines, "    :param"])


def _prepare(tokenizer: Tokenizer, split: Split) -> Draw:
    found = one_token_words(tokenizer, ARGUMENTS, "def run(self,")
    require(len(found), ARGUMENTS_NEEDED, "argument names are single tokens")
    arguments = half(found, split)
    functions = known_words(tokenizer, FUNCTIONS, "def")
    notes = known_words(tokenizer, NOTES, "the")
    layouts = half(LAYOUTS, split)
    require(min(len(functions), len(notes)), 2, "known function names or description words exist")

    def draw(rng: Random) -> PromptPair:
        layout, function = rng.choice(layouts), rng.choice(functions)
        names = rng.sample(arguments, 2 * _DEFINED + _DOCUMENTED)
        defined, other, documented = names[:6], names[6:12], names[12:]
        summary = _phrase(rng, notes, layout.summary)
        first, second = _phrase(rng, notes, layout.note), _phrase(rng, notes, layout.note)
        answer = defined[4]
        return PromptPair(
            positive=write_function(
                function, defined, summary, [(defined[2], first), (defined[3], second)]
            ),
            negative=write_function(
                function, other, summary, [(documented[0], first), (documented[1], second)]
            ),
            answers=(f" {answer}",),
            wrong=tuple(f" {name}" for name in defined if name != answer),
            template=f"docstring-{layout.summary}-{layout.note}",
        )

    return draw


def _phrase(rng: Random, words: Sequence[str], length: int) -> str:
    return " ".join(rng.choice(words) for _ in range(length))


DOCSTRING = Generator(_INFO, _prepare)
"""The generator of docstring completion."""
