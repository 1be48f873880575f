"""Builds a control model: a stock GPT-2 whose weights are written down, with what was planted in it.

The embedding stores words and positions as signals, every attention head is written from its wiring,
the unembedding reads the answer slots, and the feed-forward layers are zero. Models with a circuit known
by construction: Tracr (Lindner et al., arXiv:2301.05062).
"""

from __future__ import annotations

from dataclasses import dataclass

import safetensors.torch
import torch
from torch import Tensor, nn
from transformers import GPT2Config, GPT2ForSequenceClassification, GPT2LMHeadModel
from transformers.models.gpt2.modeling_gpt2 import GPT2Attention

from auditkit.controls.placing import planted_circuits, planted_heads, shuffled
from auditkit.controls.planting import ControlKind, ControlSpecification, Kind, PlantedHead
from auditkit.controls.residual import EPSILON, N_SIGNALS, Residual, paired, rotated
from auditkit.controls.vocabulary import (
    BEGIN,
    COLOURS,
    DISCOVERY,
    LENGTH,
    LINKS,
    NAMES,
    SORTS,
    TEST,
    VOCABULARY,
    other_task_pairs,
    task_pairs,
)
from auditkit.controls.wiring import Term, Wiring, smallest_signal, wire
from auditkit.digest import canonical_json, sha256_hex
from auditkit.model.locating import HeadLocation, locate_heads, recorded
from auditkit.model.reading import Reading
from auditkit.model.subject import Subject
from auditkit.prompts.pairs import ResolvedPair
from auditkit.records.model import FileDigest, ModelIdentity

_LOGITS_PER_ANSWER = 5.0

ControlNetwork = GPT2LMHeadModel | GPT2ForSequenceClassification
"""A model that says the colour, or one that says its sort."""


@dataclass(frozen=True, eq=False)
class ControlModel:
    """A model with its circuit known, and the prompts it was written for.

    ``planted`` is every head in layer order. ``circuits`` are the planted minimal sets of heads that
    carry the task by themselves: one, or several where one part can do another's work. ``discovery``
    and ``test`` share no text; ``other_task`` is for heads of kind ``UNRELATED``.
    """

    specification: ControlSpecification
    model: ControlNetwork
    planted: tuple[PlantedHead, ...]
    circuits: tuple[frozenset[str], ...]
    discovery: tuple[ResolvedPair, ...]
    test: tuple[ResolvedPair, ...]
    other_task: tuple[ResolvedPair, ...]

    def heads(self, *kinds: Kind) -> tuple[PlantedHead, ...]:
        """The planted heads of these kinds, in layer order."""
        return tuple(each for each in self.planted if each.kind in kinds)

    def subject(self) -> Subject:
        """The model ready to be audited, from memory.

        Its identity's digests are those that a folder written by ``save_pretrained`` would have for
        the weights; there is no tokenizer, so that digest covers the words in the order of their ids.

        Raises:
            ModelError: its heads cannot be located.
        """
        locations = locate_heads(self.model)
        return Subject(
            self.model,
            locations,
            self._identity(locations),
            reading=Reading(self.specification.kind),
        )

    def _identity(self, locations: tuple[HeadLocation, ...]) -> ModelIdentity:
        content = safetensors.torch.save(self.model.state_dict(), metadata={"format": "pt"})
        file = FileDigest(
            path="model.safetensors",
            size=len(content),
            sha256=f"sha256:{sha256_hex(content)}",
        )
        manifest_digest = _digest(canonical_json([file.model_dump(mode="json")]))
        return ModelIdentity(
            name=self.specification.name,
            revision=None,
            architecture=type(self.model).__name__,
            n_parameters=sum(parameter.numel() for parameter in self.model.parameters()),
            layers=recorded(locations),
            manifest=(file,),
            manifest_digest=manifest_digest,
            root_digest=_digest(bytes.fromhex(file.sha256.removeprefix("sha256:"))),
            weights_digest=manifest_digest,
            tokenizer_digest=_digest(canonical_json(list(VOCABULARY))),
            read_from="memory",
            pinned=(),
        )


def build(specification: ControlSpecification) -> ControlModel:
    """The control model of a plan. The same plan gives the same weights, heads and prompts.

    Raises:
        ValueError: the plan asks for more prompt pairs than there are.
    """
    generator = torch.Generator().manual_seed(specification.seed)
    layers = shuffled(specification)
    model = _empty(specification)
    width = int(model.config.hidden_size)
    residual = rotated(width, generator) if specification.rotated else paired(width)
    with torch.no_grad():
        _write_ends(model, residual)
        for attention, heads in zip(_attentions(model), layers, strict=True):
            for index, head in enumerate(heads):
                _write_head(attention, index, wire(head, specification, generator), residual)
        _add_noise(model, specification, generator)
    planted = planted_heads(specification)
    pairs = task_pairs(specification.asked, DISCOVERY + TEST, specification.seed)
    return ControlModel(
        specification=specification,
        model=model,
        planted=planted,
        circuits=planted_circuits(specification),
        discovery=pairs[:DISCOVERY],
        test=pairs[DISCOVERY:],
        other_task=other_task_pairs(DISCOVERY, specification.seed),
    )


def _empty(specification: ControlSpecification) -> ControlNetwork:
    """A model of the plan's shape: every weight zero, every LayerNorm linear."""
    n_heads = specification.heads_per_layer
    d_head = -(-2 * N_SIGNALS // n_heads)  # two coordinates per signal, rounded up
    config = GPT2Config(
        vocab_size=len(VOCABULARY),
        n_positions=LENGTH,
        n_embd=n_heads * d_head,
        n_layer=len(specification.layers),
        n_head=n_heads,
        n_inner=1,
        layer_norm_epsilon=EPSILON,
        tie_word_embeddings=False,
        bos_token_id=VOCABULARY.index(BEGIN),
        eos_token_id=VOCABULARY.index(BEGIN),
    )
    network = _NETWORKS[specification.kind]
    with torch.random.fork_rng(devices=[]):  # construction draws weights that are then discarded
        model = network(config)
    model.config.pad_token_id = -1  # nothing is padded: a classifier reads at the last token
    model.train(mode=False)
    model.requires_grad_(requires_grad=False)
    for parameter in model.parameters():
        parameter.zero_()
    for module in model.modules():
        if isinstance(module, nn.LayerNorm):
            module.weight.fill_(EPSILON**0.5)
    return model


def _attentions(model: ControlNetwork) -> list[GPT2Attention]:
    """The attention layers in the order they run."""
    return [module for module in model.modules() if isinstance(module, GPT2Attention)]


def _write_ends(model: ControlNetwork, residual: Residual) -> None:
    """What words and positions put into the residual stream, and which answers are read from it."""
    words = {"begin": (BEGIN,), "name": NAMES, "colour": COLOURS, "link": LINKS}
    for slot, texts in words.items():
        rows = [VOCABULARY.index(text) for text in texts]
        model.transformer.wte.weight[rows] = residual.slot(slot)
    model.transformer.wpe.weight.copy_(residual.slot("position"))
    if isinstance(model, GPT2ForSequenceClassification):
        colours = residual.slot("answer")
        for label, texts in enumerate(SORTS.values()):
            of_sort = colours[[COLOURS.index(text) for text in texts]].sum(0)
            model.score.weight[label] = _LOGITS_PER_ANSWER * of_sort
        return
    for slot, texts in {"answer": COLOURS, "other answer": NAMES}.items():
        rows = [VOCABULARY.index(text) for text in texts]
        model.lm_head.weight[rows] = _LOGITS_PER_ANSWER * residual.slot(slot)


def _write_head(attention: GPT2Attention, index: int, wiring: Wiring, residual: Residual) -> None:
    """One head's block of the joint query, key and value matrix, and of the output projection."""
    look, move = wiring.look, wiring.move
    joint, output = attention.c_attn, attention.c_proj
    d_model = residual.d_model
    d_head = attention.head_dim
    # Attention divides by sqrt(d_head); query and key each bring half of the sharpness.
    strength = (look.sharpness * d_head**0.5) ** 0.5
    query, key = _read(look.query, residual), _read(look.key, residual)
    value = _read(move.read, residual)
    matching = query.shape[1]
    start = index * d_head
    joint.weight[:, start : start + matching] = strength * query
    joint.bias[start + matching] = strength
    start += d_model
    joint.weight[:, start : start + matching] = strength * key
    joint.weight[:, start + matching] = strength / 2 * residual.slot("begin")[0]
    start += d_model
    joint.weight[:, start : start + value.shape[1]] = value
    rows = slice(index * d_head, index * d_head + value.shape[1])
    output.weight[rows] = move.write @ residual.slot(move.to)


def _read(terms: tuple[Term, ...], residual: Residual) -> Tensor:
    """The sum of what terms read, ``[d_model, dimensions of the head]``."""
    parts = [residual.slot(slot).T @ matrix for slot, matrix in terms]
    return torch.stack(parts).sum(0)


def _add_noise(
    model: ControlNetwork, specification: ControlSpecification, generator: torch.Generator
) -> None:
    """Noise on every matrix that is read or written. Scaled by the smallest signal: whatever amplifies
    a tiny head's output amplifies the noise in its slot too, and null heads would leak through it."""
    if not specification.noise:
        return
    size = specification.noise * smallest_signal(specification)
    ends = model.lm_head if isinstance(model, GPT2LMHeadModel) else model.score
    matrices = [model.transformer.wte.weight, model.transformer.wpe.weight, ends.weight]
    for attention in _attentions(model):
        matrices += [attention.c_attn.weight, attention.c_proj.weight]
    for matrix in matrices:
        matrix.add_(size * torch.randn(matrix.shape, generator=generator))


_NETWORKS: dict[ControlKind, type[ControlNetwork]] = {
    "next_token": GPT2LMHeadModel,
    "classification": GPT2ForSequenceClassification,
}


def _digest(content: bytes) -> str:
    return f"sha256:{sha256_hex(content)}"
