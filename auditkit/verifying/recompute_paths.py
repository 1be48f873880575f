"""Recompute what direct paths between circuit heads come to, and hold them against what is asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from auditkit.circuits.circuit import grounds, pairs_in_order
from auditkit.circuits.paths import NOT_KNOWN, asked_pairs, path_effect, why_none
from auditkit.records.base import NotAssessed
from auditkit.records.causal import Causal
from auditkit.records.task import TaskRecord
from auditkit.verifying.recompute_drops import why_absent


def paths_differences(
    task: TaskRecord, causal: Causal, circuit: Sequence[str], n_pairs: int
) -> Iterator[str]:
    """The keys of the paths that do not follow from the effects recorded beside them.

    ``circuit`` are the heads that belong to it, ``n_pairs`` is how many pairs they are asked on.
    """
    key, paths, specification = "causal.paths", causal.paths, task.specification
    if isinstance(paths, NotAssessed):
        if paths != why_absent(task, causal, why_none(circuit, specification), NOT_KNOWN):
            yield key
        return
    asked = asked_pairs(circuit, grounds(causal), specification.patching.paths)
    if [(each.source, each.target) for each in paths.tried] != asked:
        yield f"{key}.tried"
        return
    if paths.untried != len(pairs_in_order(circuit)) - len(asked):
        yield f"{key}.untried"
    for pair, each in zip(asked, paths.tried, strict=True):
        if len(each.effects) != n_pairs or each != path_effect(pair, each.effects, specification):
            yield f"{key}[{each.source}, {each.target}]"
