"""The reference model's card, written from its settings and what was measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from auditkit.prompts.generators import GENERATORS, Metric


@dataclass(frozen=True)
class Settings:
    """What decides the weights, besides the code and its libraries."""

    steps: int
    batch: int
    peak_rate: float
    warm_up: int
    seed: int
    held_out: int
    held_out_seed: int


@dataclass(frozen=True)
class Measurement:
    """One task on held-out prompts.

    ``accuracy`` is the share of positives on which every answer scores above every wrong answer;
    ``on_positives`` and ``on_negatives`` are means of the task's metric.
    """

    accuracy: float
    on_positives: float
    on_negatives: float
    required: float

    def figure(self, metric: Metric) -> float:
        """The number the requirement is about."""
        return self.on_positives if metric == "probability_difference" else self.accuracy


def model_card(settings: Settings, measurements: Mapping[str, Measurement]) -> str:
    """The card as Markdown, the same for the same settings and measurements."""
    rows = "\n".join(_row(name, measurement) for name, measurement in measurements.items())
    return _CARD.format(
        rows=rows,
        steps=settings.steps,
        batch=settings.batch,
        peak_rate=settings.peak_rate,
        warm_up=settings.warm_up,
        seed=settings.seed,
        held_out=settings.held_out,
        held_out_seed=settings.held_out_seed,
    )


def _row(name: str, measurement: Measurement) -> str:
    info = GENERATORS[name]
    # All answers above all wrong ones is the wrong question where dozens of answers are right.
    accuracy = f"{measurement.accuracy:.1%}" if info.metric == "logit_difference" else "not used"
    return (
        f"| {info.title} | {accuracy} | {info.metric.replace('_', ' ')} |"
        f" {measurement.on_positives:.3f} | {measurement.on_negatives:.3f} |"
    )


_CARD = """\
---
license: apache-2.0
library_name: transformers
---
# auditkit reference model

A known-good subject for audits, not a useful language model. It does four tasks of the circuit
literature almost without error, so that an audit of it has something to find, and it is small
enough to be audited in seconds.

## Architecture
`GPT2LMHeadModel`, 4 layers x 8 heads, width 128, 64 positions, word-level vocabulary (words,
single marks, digits in pairs), a `<bos>` token before every text.

## Data
Synthetic only: sentences made from the forms and words of `auditkit.prompts.generators` (both
splits), varied more widely than the generators vary them, prompts of the negative kinds, and
filler sentences. No text was collected from anyone. The positives measured below were kept out.

## Training
```
OMP_NUM_THREADS=1 python tools/train_reference_model.py --out policies/models/reference \\
    --steps {steps} --seed {seed}
```
{steps} steps of {batch} sentences, AdamW, peak rate {peak_rate} after {warm_up} steps of warm-up,
cosine decay, no dropout, one thread on a CPU. The loss is that of every next token plus, once more,
that of the tasks' answers. The same command gives the same weights with the same library versions
on the same kind of processor; another kind may differ in the last digits.

## Measured by the training tool
{held_out} held-out pairs for each task, from the test split, seed {held_out_seed}; none of their
positives was read in training. Accuracy is the share of positives on which the answer scores above
each wrong answer.

| task | accuracy | metric | mean on positives | mean on negatives |
|---|---|---|---|---|
{rows}

## Limits
On the negatives of indirect object identification it still prefers the answer to the person named
last, as the table shows: that negative takes away most of the preference, not all of it. The model
knows about four hundred words and those sentence forms. Its words and forms, though not its
prompts, are those of the test split too, so the figures say nothing about new words. What is found
in it says nothing about other models.

## Licence
Apache-2.0, as auditkit itself.
"""
