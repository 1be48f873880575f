"""docs/tasks.md: every example of a prompt file is read, and its pair resolved, as the page says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tokenizers import Tokenizer as Backend
from tokenizers import models, pre_tokenizers

from auditkit.prompts.asking import Asking
from auditkit.prompts.files import read_pairs
from auditkit.prompts.kinds import METRICS
from auditkit.prompts.pairs import resolve
from auditkit.prompts.tokens import Tokenizer
from auditkit.records.specification import TaskKind
from tests.conftest import ROOT
from tests.text_models import LABELS, wordpiece

PAGE = (ROOT / "docs" / "tasks.md").read_text("utf-8")
EXAMPLES = re.findall(r"<!-- (\w+) -->\n```json\n(.*?)\n```", PAGE)


@pytest.mark.parametrize(("kind", "line"), EXAMPLES)
def test_an_example_of_the_page_is_a_pair(kind: TaskKind, line: str, tmp_path: Path) -> None:
    """Each example that the documents print can be asked of a model of its kind."""
    path = tmp_path / "pairs.jsonl"
    path.write_text(line, "utf-8")
    tokenizer = Tokenizer(wordpiece(), "[MASK]")
    if kind == "next_token":
        words = ("[UNK]", "The", "nurse", "welder", "said", "that", "she", "he")
        backend = Backend(models.WordLevel(dict(zip(words, range(8), strict=True)), words[0]))
        backend.pre_tokenizer = pre_tokenizers.Whitespace()
        tokenizer = Tokenizer(backend)
    (pair,) = resolve(read_pairs(path), tokenizer, str(path), asking=Asking(kind, LABELS))
    assert bool(pair.answer_ids) != (kind == "similarity")
    assert bool(pair.answer_texts) == (kind == "similarity")
    assert pair.positive_ids != pair.negative_ids


def test_every_kind_and_its_metric_is_on_the_page() -> None:
    """The documents have an example of each kind of task, and name its metric."""
    assert {kind for kind, _ in EXAMPLES} == set(METRICS)
    for kind, metrics in METRICS.items():
        assert f"`{kind}`" in PAGE
        assert f"`{metrics[0]}`" in PAGE
