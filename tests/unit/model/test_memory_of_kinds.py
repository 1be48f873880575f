"""Every kind of task within a memory plan, with layers read from files, on the model's device."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from auditkit.circuits.methods import Mechanism
from auditkit.identifying.batches import batches_for
from auditkit.identifying.mechanism import (
    Trials,
    find_mechanism,
    find_unique_codes,
    observe,
)
from auditkit.model.loading import load_subject
from auditkit.model.memory import Plan
from auditkit.model.sizes import sizes_of
from auditkit.model.subject import Subject
from auditkit.model.texts import Texts
from auditkit.prompts.asking import Asking
from auditkit.prompts.pairs import ResolvedPair, resolve
from auditkit.records.causal import JointAblation
from auditkit.records.prompts import Matched, PromptPair
from auditkit.records.specification import Attribution, Specification, TaskKind
from tests.builders import specification
from tests.devices import OnNoDevice
from tests.text_models import ENCODERS, text_model
from tests.toy_audits import alike, question_of, run_whole

ANSWERS: dict[TaskKind, tuple[str, str]] = {
    "classification": ("shortlist", "reject"),
    "masked_token": ("nurse", "welder"),
    "similarity": ("she works at night", "he works at day in the city"),
}
ALWAYS = {
    ("classification", "bert"),
    ("classification", "llama"),
    ("masked_token", "deberta-v2"),
    ("similarity", "modernbert"),
}
"""Every kind and every layout once: the other encoders are laid out as BERT is. The rest are slow tests."""
CASES = [
    pytest.param(kind, family, marks=[] if (kind, family) in ALWAYS else [pytest.mark.slow])
    for kind in ANSWERS
    for family in (*ENCODERS, *(["llama"] if kind == "classification" else []))
]
KINDS: list[tuple[TaskKind, str]] = [
    ("classification", "bert"),
    ("classification", "llama"),
    ("masked_token", "bert"),
    ("similarity", "bert"),
]


def parted(one: str, other: str, kind: TaskKind) -> PromptPair:
    """A pair written in parts with ``/`` between them; its prompts may differ in length."""
    answer, wrong = ANSWERS[kind]
    parts = tuple(
        Matched(positive=ours, negative=theirs)
        for ours, theirs in zip(one.split("/"), other.split("/"), strict=True)
    )
    return PromptPair(
        positive=one.replace("/", ""),
        negative=other.replace("/", ""),
        answers=(answer,),
        wrong=(wrong,),
        parts=parts,
    )


def pairs_of(kind: TaskKind, *, even: bool = False) -> list[PromptPair]:
    """Pairs of several lengths; without ``even`` two of them with prompts of different length."""
    read = "a [MASK] reads" if kind == "masked_token" else "a nurse reads"
    texts = [
        (f"the/ nurse/ works and {read}", f"the/ welder/ works and {read}"),
        (f"she/ works/ and {read}", f"he/ works/ and {read}"),
        (f"a/ nurse/ cares and {read} code", f"a/ welder/ cares and {read} code"),
        (f"the/ engineer/ writes and {read}", f"the/ nurse/ writes and {read}"),
    ]
    if not even:
        texts += [
            (f"the/ nurse/ works and {read}", f"the/ welder at night/ works and {read}"),
            (f"a/ people and nurse/ writes and {read}", f"a/ welder/ writes and {read}"),
        ]
    return [parted(one, other, kind) for one, other in texts]


def asked(kind: TaskKind, attribution: Attribution = "halfway") -> Specification:
    metric = "cosine_difference" if kind == "similarity" else "logit_difference"
    return specification().model_copy(
        update={"kind": kind, "metric": metric, "attribution": attribution}
    )


def given(
    folder: Path, kind: TaskKind, memory: Plan, *, even: bool = False
) -> tuple[Subject, tuple[ResolvedPair, ...]]:
    """The model under a memory plan, read as the kind asks, and its pairs."""
    texts = Texts.from_folder(folder)
    loaded = load_subject(folder, revision=None, dtype="float32", kind=kind, memory=memory)
    subject = loaded.asked(texts.reading(loaded, asked(kind)))
    pairs = resolve(
        pairs_of(kind, even=even), texts.tokenizer, "here", asking=Asking(kind, texts.labels)
    )
    return subject, pairs


def trials(subject: Subject, pairs: tuple[ResolvedPair, ...], settings: Specification) -> Trials:
    test = observe(subject, pairs, settings, attributed=False, positives=False)
    discovery = observe(subject, pairs, settings, attributed=True)
    run_whole(subject)
    return Trials.of(subject, discovery, (), test, settings)


def oriented(
    subject: Subject, pairs: tuple[ResolvedPair, ...], settings: Specification
) -> tuple[ResolvedPair, ...]:
    """The pairs, each with right and wrong the way round in which replacing every head loses something."""
    drops = trials(subject, pairs, settings).resampled.drops.tolist()
    return tuple(
        each
        if drop > 0
        else replace(
            each,
            answer_ids=each.wrong_ids,
            wrong_ids=each.answer_ids,
            answer_texts=each.wrong_texts,
            wrong_texts=each.answer_texts,
        )
        for each, drop in zip(pairs, drops, strict=True)
    )


def found(subject: Subject, pairs: tuple[ResolvedPair, ...], settings: Specification) -> Mechanism:
    """Everything that is found inside the model, whether or not it does the task."""
    return find_mechanism(
        trials(subject, pairs, settings), question_of(pairs), settings, 0, lambda _done: None
    )


@pytest.mark.parametrize(("kind", "family"), KINDS, ids=lambda each: each)
def test_one_pair_at_a_time_in_files_gives_the_same(
    kind: TaskKind, family: str, tmp_path: Path
) -> None:
    """Segment numbers, alignments and candidates stay with their pairs however few run at once."""
    folder = text_model(family, kind, tmp_path / "model")
    (tmp_path / "spill").mkdir()
    one = Plan(sizes=sizes_of(folder, "float32", [kind]), working=1, spill=tmp_path / "spill")
    whole, pairs = given(folder, kind, Plan())
    pairs = oriented(whole, pairs, asked(kind))
    apart, _ = given(folder, kind, one)
    assert one.prompts(9, gradient=True) == 1
    assert any(len(each.positive_ids) != len(each.negative_ids) for each in pairs)
    expected = found(whole, pairs, asked(kind))
    assert isinstance(expected.causal.joint_ablation, JointAblation)
    assert alike(found(apart, pairs, asked(kind)), expected)
    assert list((tmp_path / "spill").iterdir())


def test_a_part_of_a_batch_has_all_of_its_pairs(tmp_path: Path) -> None:
    """Types are cut with the pairs; alignment and candidates are those of the batch."""
    subject, pairs = given(text_model("bert", "similarity", tmp_path), "similarity", Plan())
    batches = batches_for(subject, (*pairs, *pairs), "cosine_difference")
    (batch,) = (each for each in batches if each.places == (4, 10))
    first, second = batch.parts(1)
    for row, part in enumerate((first, second)):
        assert part.places == batch.places[row : row + 1]
        assert part.positive_types is not None
        assert batch.positive_types is not None
        assert part.positive_types.shape == part.positive.shape
        assert part.negative_types is not None
        assert part.negative_types.shape == part.negative.shape
        assert part.alignment is batch.alignment
        assert part.candidates is batch.candidates
        assert batch.positions == max(part.positive.shape[1], part.negative.shape[1])
    assert batch.positive.shape[1] < batch.positions


@pytest.mark.parametrize(("kind", "family"), CASES, ids=lambda each: each)
def test_layers_read_from_files_give_the_same_bits(
    kind: TaskKind, family: str, tmp_path: Path
) -> None:
    """Wherever a model's answer is read off, what is measured does not depend on where layers are."""
    folder = text_model(family, kind, tmp_path / "model", layers=4)
    sizes = sizes_of(folder, "float32", [kind])
    assert sizes is not None
    least = sizes.outside + 2 * sizes.largest
    offload = Plan(sizes=sizes, resident=least, folder=tmp_path)
    here, pairs = given(folder, kind, Plan())
    there, _ = given(folder, kind, offload)
    placed: Any = there._model.hf_device_map
    assert "disk" in placed.values()
    assert there.identity == here.identity
    assert there.answer_position == here.answer_position
    settings = asked(kind)
    # Every run reads every layer from its file: one latent of each head and one path show as much as many.
    few = settings.patching.model_copy(update={"latents": 1, "paths": 1})
    settings = settings.model_copy(update={"patching": few})
    pairs = oriented(here, pairs, settings)
    assert found(there, pairs, settings) == found(here, pairs, settings)


@pytest.mark.parametrize(("kind", "family"), KINDS, ids=lambda each: each)
def test_every_tensor_of_a_stage_is_made_on_the_models_device(
    kind: TaskKind, family: str, tmp_path: Path
) -> None:
    """No stage leaves the device to torch's default, whatever is read off the model."""
    folder = text_model(family, kind, tmp_path / "model")
    subject, uneven = given(folder, kind, Plan())
    _, even = given(folder, kind, Plan(), even=True)
    uneven, even = (oriented(subject, pairs, asked(kind)) for pairs in (uneven, even))
    subject = subject.asked(subject.reading)
    with OnNoDevice() as mode:
        assert subject.answer_position in ("first", "last", "mask", "every")
        cases: list[tuple[Attribution, tuple[ResolvedPair, ...]]] = [
            ("halfway", uneven),
            ("single", uneven),
            ("input_ig", even),
        ]
        for attribution, pairs in cases:
            found(subject, pairs, asked(kind, attribution))
        find_unique_codes(subject, question_of(even), (), asked(kind), lambda _done: None)
    assert mode.found == []


def test_a_model_that_scores_every_position_is_counted_so(tmp_path: Path) -> None:
    """A masked language model takes more per prompt than one that is asked for the next token alone."""
    folder = text_model("bert", "masked_token", tmp_path)
    last, every = (sizes_of(folder, "float32", [kind]) for kind in ("next_token", "masked_token"))
    assert last is not None
    assert every is not None
    assert every.forward(8) - last.forward(8) >= 8 * every.scores * 4
    label = sizes_of(folder, "float32", ["classification"])
    assert label is not None
    assert label.scores == max(label.width, 2)
