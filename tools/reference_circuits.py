"""Print every head's exact effect on the reference model's tasks: where the expected circuits come from.

Each head is replaced, alone, by its output on the matched negative, on 200 prompt pairs that no audit
with the default seed uses. The effect is the mean share of the task effect lost.

    python tools/reference_circuits.py --threshold 0.05
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from train_reference_model import REQUIRED

from auditkit.identifying.activations import MeanOutputs, capture
from auditkit.identifying.batches import batches_of
from auditkit.identifying.interventions import Intervention
from auditkit.model.loading import load_subject
from auditkit.model.subject import Subject
from auditkit.prompts.generators import GENERATORS, generate
from auditkit.prompts.pairs import resolve
from auditkit.prompts.tokens import Tokenizer

FOLDER = Path(__file__).parent.parent / "policies" / "models" / "reference"
PAIRS_PER_SPLIT = 100
SEED = 20261120


def effects(name: str, subject: Subject, tokenizer: Tokenizer) -> list[tuple[str, float, float]]:
    """Heads with mean effect and its standard error, largest magnitude first."""
    pairs = [
        *generate(name, tokenizer, PAIRS_PER_SPLIT, SEED, "discovery"),
        *generate(name, tokenizer, PAIRS_PER_SPLIT, SEED, "test"),
    ]
    metric = GENERATORS[name].metric
    captured = capture(
        subject,
        batches_of(resolve(pairs, tokenizer, name), metric, subject.vocabulary_size),
    )
    patching = Intervention(subject, captured, "resample", MeanOutputs.over(captured))
    lost = patching.lost([frozenset([head]) for head in subject.heads])
    error = lost.std(1) / len(pairs) ** 0.5
    rows = [
        (f"{layer}.{head}", float(lost[i].mean()), float(error[i]))
        for i, (layer, head) in enumerate(subject.heads)
    ]
    return sorted(rows, key=lambda row: -abs(row[1]))


def main() -> None:
    """Print the table of each task."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--threshold", type=float, default=0.05, help="least share to print")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    subject = load_subject(FOLDER, revision=None, dtype="float32")
    tokenizer = Tokenizer.from_folder(FOLDER)
    print(f"weights {subject.identity.weights_digest}")
    for name in REQUIRED:
        print(f"{name}: effect on {2 * PAIRS_PER_SPLIT} pairs (standard error)")
        for head, effect, error in effects(name, subject, tokenizer):
            if abs(effect) >= arguments.threshold:
                print(f"  {head}  {effect:+.3f} ({error:.3f})")


if __name__ == "__main__":
    main()
