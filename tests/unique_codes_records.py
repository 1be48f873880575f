"""A hand-made task that the published method was asked about, every number of it worked out on paper.

Four pairs on the model of ``tests.builders``, heads 0.0, 0.1, 1.0 and 1.1. Codes per pair:

======  ==============  ==============  =======================================================
head    on positives    on negatives    unique
======  ==============  ==============  =======================================================
0.0     5 6 5 6         9 9 9 9         5 and 6: count 2. Only the labels as they are count 2;
                                        all swapped counts 1 (the 9); any other swap, 1 or none
0.1     0 0 3 3         3 3 3 3         0, and it is silence: count 1
1.0     1 2 3 4         7 8 9 10        all four, as under every swap: it only varies
1.1     7 7 7 7         7 7 7 7         none: count 0
======  ==============  ==============  =======================================================

Of the 16 swaps, head 0.1 counts 1 where the first two pairs stay (4 swaps) and 0 elsewhere: its 3
stands on both prompts of a pair. Head 0.0 counts 2 once. It counts 1 where just one of its codes has
both pairs unswapped: 3 swaps for 5, 3 for 6; and where all are swapped: 1.
"""

from __future__ import annotations

from auditkit.circuits.unique_codes import NO_CIRCUIT, NOTHING_CAUSAL, PUBLISHED
from auditkit.judging.limitations import limitations_of
from auditkit.judging.verdict import NO_EXPECTATION
from auditkit.records.audit import AuditRecord
from auditkit.records.declared import Expectation
from auditkit.records.task import PromptSet, TaskRecord
from auditkit.records.unique_codes import CountedHead, PairCodes, PromptCodes, UniqueCodes
from tests.builders import (
    WEIGHTS,
    D,
    audit_record,
    calibration,
    copying,
    digest,
    specification,
    with_conclusions,
)

HEADS = ("0.0", "0.1", "1.0", "1.1")
POSITIVE = ((5, 0, 1, 7), (6, 0, 2, 7), (5, 3, 3, 7), (6, 3, 4, 7))
NEGATIVE = ((9, 3, 7, 7), (9, 3, 8, 7), (9, 3, 9, 7), (9, 3, 10, 7))


def pairs() -> tuple[PairCodes, ...]:
    """The table above; head 0.1 is silent on the first two positives."""
    return tuple(
        PairCodes(
            example=i,
            positive=PromptCodes(codes=positive, silent=(1,) if i < 2 else ()),
            negative=PromptCodes(codes=negative, silent=()),
        )
        for i, (positive, negative) in enumerate(zip(POSITIVE, NEGATIVE, strict=True))
    )


def head(
    name: str, count: int, rank: int, score: str, swaps: tuple[int, str, str, str], silent: int = 0
) -> CountedHead:
    at_least, mean, p_value, q_value = swaps
    return CountedHead(
        head=name,
        count=count,
        score=D(score),
        rank=rank,
        at_least=at_least,
        swapped_mean=D(mean),
        p_value=D(p_value),
        q_value=D(q_value),
        silent=silent,
    )


def unique_codes() -> UniqueCodes:
    """The table's counts. Softmax of 2, 1, 4, 0: e^-2, e^-3, 1 and e^-4 over their sum, 1.2034."""
    return UniqueCodes(
        autoencoder=PUBLISHED,
        examples=pairs(),
        heads=(
            head("0.0", 2, 2, "0.1125", (1, "0.5625", "0.0625", "0.2500")),
            head("0.1", 1, 3, "0.0414", (4, "0.2500", "0.2500", "0.5000"), silent=2),
            head("1.0", 4, 1, "0.8310", (16, "4.0000", "1.0000", "1.0000")),
            head("1.1", 0, 4, "0.0152", (16, "0.0000", "1.0000", "1.0000")),
        ),
        reported=("0.0", "0.1", "1.0"),
    )


def watching(level: str = "0.05", *, declared: bool = True) -> TaskRecord:
    """The task with its conclusions. At a level of 0.25 the null separates head 0.0."""
    task = copying()
    examples = task.examples.model_copy(
        update={
            "templates": ("copy",) * 4,
            "discovery": PromptSet(sha256=digest("1"), n=4, repeated=0, uneven=0),
        }
    )
    expectation = Expectation(
        heads=("0.0", "1.1"),
        min_precision=D("0.8"),
        min_recall=D("0.8"),
        declared_for=WEIGHTS,
        source="worked out by hand",
    )
    return with_conclusions(
        task.model_copy(
            update={
                "id": "watching",
                "title": "Copies, and is only watched",
                "evidence_for": ("13(3)(b)(iv)", "13(3)(d)", "IV.2(g)"),
                "specification": specification().model_copy(
                    update={
                        "method": "unique-codes",
                        "null_level": D(level),
                        "examples": 4,
                        "max_examples": 4,
                    }
                ),
                "examples": examples,
                "codes": unique_codes(),
                "effect": NOTHING_CAUSAL,
                "causal": NOTHING_CAUSAL,
                "circuit": NO_CIRCUIT,
                "expected": expectation if declared else NO_EXPECTATION,
            }
        )
    )


def watched_record(level: str = "0.05") -> AuditRecord:
    """A run of this one task."""
    task = watching(level)
    tasks = (task,)
    return audit_record().model_copy(
        update={
            "calibration": calibration(tasks=(task.id,), asked=task.specification),
            "tasks": tasks,
            "verdict": "inconclusive",
            "limitations": limitations_of(tasks, committed_at=None),
        }
    )


def as_pairs(table: list[list[tuple[int, int]]]) -> tuple[PairCodes, ...]:
    """Pairs from each head's (positive, negative) codes, heads along the first axis."""
    return tuple(
        PairCodes(
            example=i,
            positive=PromptCodes(codes=tuple(head[i][0] for head in table), silent=()),
            negative=PromptCodes(codes=tuple(head[i][1] for head in table), silent=()),
        )
        for i in range(len(table[0]))
    )
