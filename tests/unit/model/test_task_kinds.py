"""Every kind of task: its metric is what transformers gives, and a head is a head in all of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoTokenizer

from auditkit.errors import ModelError
from auditkit.identifying.activations import Captured, MeanOutputs, capture
from auditkit.identifying.batches import batches_for
from auditkit.identifying.interventions import Intervention
from auditkit.model.loading import fitting_kinds, load_subject, refuse_misfit
from auditkit.model.subject import Patch, Subject
from auditkit.model.texts import Texts
from auditkit.prompts.asking import Asking
from auditkit.prompts.pairs import ResolvedPair, resolve
from auditkit.records.prompts import Matched, PromptPair
from auditkit.records.specification import Pooling, Specification, TaskKind
from tests.builders import specification
from tests.text_models import ENCODERS, LABELS, LOADERS, model_of, text_model

ANSWERS: dict[TaskKind, tuple[str, str]] = {
    "classification": ("shortlist", "reject"),
    "masked_token": ("nurse", "welder"),
    "similarity": ("she works at night", "he works at day"),
}
MASKED = "the [MASK] works in the city"
CASES = [
    *(("classification", family) for family in (*ENCODERS, "llama")),
    *(("masked_token", family) for family in ENCODERS),
    *(("similarity", family) for family in ENCODERS),
]


def pairs_of(kind: TaskKind) -> list[PromptPair]:
    """Two pairs of one length and one of another."""
    answer, wrong = ANSWERS[kind]
    texts = [
        ("the nurse works in the city", "the welder works in the city"),
        ("a nurse reads at night", "a welder reads at night"),
        ("she works in the town", "he works in the town"),
    ]
    if kind == "masked_token":
        texts = [
            ("she works and a [MASK] reads", "he works and a [MASK] reads"),
            ("a [MASK] cares for people", "a [MASK] cares for wounds"),
            ("the [MASK] writes in the town", "the [MASK] writes in the city"),
        ]
    return [
        PromptPair(positive=one, negative=other, answers=(answer,), wrong=(wrong,))
        for one, other in texts
    ]


def asked(kind: TaskKind, pooling: Pooling = "mean") -> Specification:
    metric = "cosine_difference" if kind == "similarity" else "logit_difference"
    return specification().model_copy(update={"kind": kind, "pooling": pooling, "metric": metric})


class Case:
    """A model in a folder, its prompts, and what the engine measures on them."""

    def __init__(
        self, folder: Path, kind: TaskKind, pairs: list[PromptPair], pooling: Pooling = "mean"
    ) -> None:
        self.folder, self.kind = folder, kind
        settings = asked(kind, pooling)
        self.texts = Texts.from_folder(folder)
        loaded = load_subject(folder, revision=None, dtype="float32", kind=kind)
        reading = self.texts.reading(loaded, settings)
        self.subject: Subject = loaded.asked(reading)
        asking = Asking(kind, self.texts.labels)
        self.pairs: tuple[ResolvedPair, ...] = resolve(
            pairs, self.texts.tokenizer, "here", asking=asking
        )
        self.texts.check(self.pairs, reading)
        self.batches = batches_for(self.subject, self.pairs, settings.metric)
        self.captured: tuple[Captured, ...] = capture(self.subject, self.batches, "halfway")

    def metric(self, side: str) -> torch.Tensor:
        values = torch.zeros(len(self.pairs))
        for item in self.captured:
            values[list(item.batch.places)] = getattr(item, f"{side}_metric")
        return values


@pytest.fixture(scope="module")
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    kind, family = request.param
    folder = tmp_path_factory.mktemp(f"{kind}-{family}")
    return Case(text_model(family, kind, folder), kind, pairs_of(kind))


def plain_metric(case: Case, pair: PromptPair, text: str, second: str | None = None) -> float:
    """The metric by transformers alone: its tokenizer's own inputs, its model, one prompt at a time."""
    tokenizer = AutoTokenizer.from_pretrained(case.folder)
    model = LOADERS[case.kind].from_pretrained(case.folder)

    def run(*texts: str) -> tuple[Any, Any]:
        inputs = tokenizer(*texts, return_tensors="pt")
        with torch.no_grad():
            return inputs, model(**inputs)

    if case.kind == "masked_token":
        inputs, output = run(text.replace("[MASK]", tokenizer.mask_token))
        at = int((inputs["input_ids"][0] == tokenizer.mask_token_id).nonzero())
        ids = [
            tokenizer(f"the {word}", add_special_tokens=False)["input_ids"][-1]
            for word in (pair.answers[0], pair.wrong[0])
        ]
        return float(output.logits[0, at, ids[0]] - output.logits[0, at, ids[1]])
    if case.kind == "similarity":
        vectors = [
            run(each)[1].last_hidden_state[0].mean(0) for each in (text, *pair.answers, *pair.wrong)
        ]
        cosine = torch.nn.functional.cosine_similarity
        return float(cosine(vectors[0], vectors[1], 0) - cosine(vectors[0], vectors[2], 0))
    logits = run(*((text,) if second is None else (text, second)))[1].logits[0]
    return float(logits[LABELS.index(pair.answers[0])] - logits[LABELS.index(pair.wrong[0])])


@pytest.mark.parametrize("case", CASES, indirect=True, ids="-".join)
def test_the_metric_is_that_of_the_model_called_plainly(case: Case) -> None:
    """Both prompts of every pair, run alone with the tokenizer's own inputs, give the engine's metric."""
    for number, pair in enumerate(pairs_of(case.kind)):
        for side in ("positive", "negative"):
            expected = plain_metric(case, pair, getattr(pair, side))
            assert float(case.metric(side)[number]) == pytest.approx(expected, abs=2e-5)
    assert len({round(float(value), 3) for value in case.metric("positive")}) == 3


@pytest.mark.parametrize("case", CASES, indirect=True, ids="-".join)
def test_a_head_taken_out_by_a_hook_is_a_head_taken_out_of_the_weights(case: Case) -> None:
    """Zeros in place of one head's output do what zeros in its rows of the projection do."""
    batch = case.batches[0]
    for layer, head in ((0, 1), (1, 3)):
        masks = tuple(
            torch.zeros(len(batch.places), z.shape[2], dtype=torch.bool)
            for z in case.captured[0].positive
        )
        masks[layer][:, head] = True
        zeros = tuple(torch.zeros_like(z) for z in case.captured[0].positive)
        by_hook = case.subject.logits(batch.positive, Patch(masks, zeros), batch.positive_types)
        intact = case.subject.logits(batch.positive, None, batch.positive_types)
        at = case.subject._locations[layer]
        weight = at.module.get_parameter("weight")  # [d_model, heads * d_head]
        kept = weight.detach().clone()
        with torch.no_grad():
            weight[:, head * at.d_head : (head + 1) * at.d_head] = 0
        by_weights = case.subject.logits(batch.positive, None, batch.positive_types)
        with torch.no_grad():
            weight.copy_(kept)
        assert torch.allclose(by_hook, by_weights, atol=1e-5)
        assert not torch.allclose(by_hook, intact, atol=1e-4)


@pytest.mark.parametrize("case", CASES, indirect=True, ids="-".join)
def test_replacing_every_head_keeps_the_scale_of_effects(case: Case) -> None:
    """No head replaced loses nothing and all replaced lose the whole effect, whatever is read off."""
    patching = Intervention(
        case.subject, case.captured, "resample", MeanOutputs.over(case.captured)
    )
    if patching.has_effect:
        assert float(patching.lost([frozenset()])[0].mean()) == pytest.approx(0, abs=1e-3)
        assert float(patching.lost([patching.all_heads])[0].mean()) == pytest.approx(1, abs=1e-3)
    assert torch.allclose(patching.metrics([frozenset()])[0], case.metric("positive"), atol=1e-4)


@pytest.mark.parametrize("pooling", ["mean", "first", "last"])
def test_pooling_is_over_the_positions_it_names(pooling: Pooling, tmp_path: Path) -> None:
    """The embedding is the mean, the first or the last hidden state that transformers gives, made unit."""
    folder = text_model("bert", "similarity", tmp_path / "bert")
    case = Case(folder, "similarity", pairs_of("similarity"), pooling)
    tokenizer, model = (
        AutoTokenizer.from_pretrained(folder),
        LOADERS["similarity"].from_pretrained(folder),
    )
    hidden = model(**tokenizer("she works in the town", return_tensors="pt")).last_hidden_state[0]
    vector = {"mean": hidden.mean(0), "first": hidden[0], "last": hidden[-1]}[pooling]
    ids = torch.tensor([case.texts.tokenizer.encode("she works in the town").ids])
    (embedding,) = case.subject.logits(ids, types=torch.zeros_like(ids))
    assert torch.allclose(embedding, vector / vector.norm(), atol=1e-5)
    assert case.subject.answer_position == ("every" if pooling == "mean" else pooling)


@pytest.mark.parametrize("family", ["bert", "roberta", "deberta-v2", "llama"])
def test_a_pair_of_texts_is_encoded_as_the_model_has_it(family: str, tmp_path: Path) -> None:
    """Separators and segment numbers of a pair are those of the tokenizer in transformers."""
    pair = PromptPair(
        positive="the nurse works",
        negative="the welder works",
        answers=("shortlist",),
        wrong=("reject",),
        second=Matched(positive="cares for people", negative="cares for people"),
    )
    case = Case(text_model(family, "classification", tmp_path / family), "classification", [pair])
    for side in ("positive", "negative"):
        expected = plain_metric(case, pair, getattr(pair, side), "cares for people")
        assert float(case.metric(side)[0]) == pytest.approx(expected, abs=2e-5)
    assert case.subject.reading.typed == (family == "bert")
    if family == "bert":
        assert case.pairs[0].positive_types == (0, 0, 0, 0, 0, 1, 1, 1, 1)


@pytest.mark.parametrize("family", ["bert", "roberta", "distilbert"])
def test_ids_without_transformers_are_those_of_transformers(family: str, tmp_path: Path) -> None:
    """Single texts and pairs get the ids that transformers gives them."""
    folder = text_model(family, "classification", tmp_path / family)
    ours, theirs = Texts.from_folder(folder).tokenizer, AutoTokenizer.from_pretrained(folder)
    for texts in (("the nurse works",), ("unknown wo nurses!",), ("she reads", "he writes code")):
        assert list(ours.encode(*texts).ids) == theirs(*texts)["input_ids"]


def test_padding_and_truncation_of_a_tokenizer_file_are_not_applied(tmp_path: Path) -> None:
    """A tokenizer saved with a fixed length still reads a prompt whole, and adds nothing."""
    folder = text_model("bert", "classification", tmp_path / "bert")
    from tokenizers import Tokenizer as Backend

    backend = Backend.from_file(str(folder / "tokenizer.json"))
    backend.enable_padding(length=12)
    backend.enable_truncation(4)
    backend.save(str(folder / "tokenizer.json"))
    assert len(Texts.from_folder(folder).tokenizer.encode("the nurse works in the city").ids) == 8


def test_a_classifier_without_a_padding_token_runs_batches(tmp_path: Path) -> None:
    """Batches hold one length, so nothing is padded: the scores are those of each prompt alone."""
    folder = text_model("llama", "classification", tmp_path / "llama")
    model = model_of("llama", "classification", 64)
    model.config.pad_token_id = None
    model.save_pretrained(folder)
    case = Case(folder, "classification", pairs_of("classification"))
    ids = case.batches[0].positive
    alone = torch.cat([model(ids[row : row + 1]).logits for row in range(len(ids))])
    assert torch.allclose(case.subject.logits(ids), alone, atol=1e-5)


@pytest.mark.parametrize(
    ("family", "answer_position"),
    [("bert", "first"), ("roberta", "first"), ("deberta-v2", "first"), ("llama", "last")],
)
def test_where_a_classifier_is_read_off_is_observed(
    family: str, answer_position: str, tmp_path: Path
) -> None:
    """The position is seen by running the model: the first for encoders, the last for a decoder."""
    folder = text_model(family, "classification", tmp_path / family)
    assert (
        Case(folder, "classification", pairs_of("classification")).subject.answer_position
        == answer_position
    )


def test_a_classifier_that_reads_the_mean_is_read_off_everywhere(tmp_path: Path) -> None:
    """Where the model averages its positions, each of them is read."""
    folder = text_model("modernbert", "classification", tmp_path / "modernbert")
    model = LOADERS["classification"].from_pretrained(folder)
    model.config.classifier_pooling = "mean"
    model.save_pretrained(folder)
    assert (
        Case(folder, "classification", pairs_of("classification")).subject.answer_position
        == "every"
    )


def test_kinds_that_fit_are_told_from_the_configuration(tmp_path: Path) -> None:
    """A model's class names the kind it fits, and another kind is refused with both."""
    for family, kind in (
        ("bert", "classification"),
        ("roberta", "masked_token"),
        ("bert", "similarity"),
    ):
        folder = text_model(family, kind, tmp_path / f"{family}-{kind}")  # type: ignore[arg-type]
        assert fitting_kinds(folder) == (kind,)
    with pytest.raises(ModelError, match=r"needs a causal language model.*BertModel.*similarity"):
        refuse_misfit(folder, ["next_token"])


def test_regression_is_refused_with_the_reason(tmp_path: Path) -> None:
    """A classifier with one number and no labels fits no kind, and the refusal says why."""
    folder = text_model("bert", "classification", tmp_path / "bert")
    path = folder / "config.json"
    config = json.loads(path.read_bytes())
    path.write_text(json.dumps({**config, "id2label": {"0": "score"}, "label2id": {"score": 0}}))
    with pytest.raises(ModelError, match="one number and no labels"):
        refuse_misfit(folder, ["classification"])
    assert fitting_kinds(folder) == ()
