"""The model under audit: run it, read every head's output, and replace chosen heads' outputs.

Prompts of one batch have one length, so nothing is padded and no mask can be wrong. What a task reads
off the model is its ``Reading``: scores of tokens or labels, or an embedding. A head's output
is ``z``: the slice of the output projection's input that belongs to the head, before it is mixed
into the residual stream.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from auditkit.errors import ModelError
from auditkit.model.cached import Outputs
from auditkit.model.layering import Layering, layering_of
from auditkit.model.locating import HeadLocation, device_of_input
from auditkit.model.memory import UNBOUNDED, Plan
from auditkit.model.offloading import Loaded, offloaded, reread_weights
from auditkit.model.reading import (
    NEXT_TOKEN,
    AnswerPosition,
    Reading,
    accepted,
    position_of,
    refuse_padding,
)
from auditkit.model.resuming import Recording, in_one_piece, recording_into, resumed
from auditkit.model.trying import Resumable, tried
from auditkit.records.model import ModelIdentity

_PROBE_TOKENS = 5

HeadIndex = tuple[int, int]
"""A head as (layer, head), both from 0."""


@dataclass(frozen=True)
class Patch:
    """Which heads to replace in each row of a batch, and with what.

    ``masks``: per layer ``[batch, n_heads]``, true where the head is replaced. ``source``: per layer
    the replacement, ``[batch, position, n_heads, d_head]``; with ``rows`` ``[batch]`` these are the
    rows of the source that the batch takes, read of one layer at a time when that layer runs.
    """

    masks: tuple[Tensor, ...]
    source: Outputs
    rows: Tensor | None = None

    def replacement(self, layer: int, device: torch.device) -> Tensor:
        """What stands in for one layer's outputs ``[batch, position, n_heads, d_head]``."""
        source = self.source[layer]
        if self.rows is not None:
            source = source[self.rows.to(source.device)]
        return source.to(device)


class Subject:
    """A loaded model with its heads located. Counts every prompt it runs in ``forwards``."""

    def __init__(
        self,
        model: PreTrainedModel,
        locations: Sequence[HeadLocation],
        identity: ModelIdentity,
        memory: Plan = UNBOUNDED,
        reading: Reading = NEXT_TOKEN,
        loaded: Loaded | None = None,
    ) -> None:
        self._model = model
        self._locations = tuple(locations)
        self.identity = identity
        self.memory = memory
        self.reading = reading
        self._device = device_of_input(model)
        self._loaded = offloaded(model) if loaded is None else loaded
        self.forwards = 0

    def accepts(self, name: str) -> bool:
        """Whether the model's own ``forward`` names an input."""
        return bool(accepted(self._model, {name: None}))

    def asked(self, reading: Reading) -> Subject:
        """The same loaded model, read in another way."""
        return Subject(
            self._model, self._locations, self.identity, self.memory, reading, self._loaded
        )

    @property
    def device(self) -> torch.device:
        """Where the model runs, and where every tensor of a stage belongs."""
        return self._device

    @property
    def heads(self) -> tuple[HeadIndex, ...]:
        """Every head in layer order."""
        return tuple(
            (layer, head) for layer, at in enumerate(self._locations) for head in range(at.n_heads)
        )

    @property
    def head_ids(self) -> tuple[str, ...]:
        """Every head by its name in a record, ``layer.head``, in layer order."""
        return tuple(f"{layer}.{head}" for layer, head in self.heads)

    @property
    def vocabulary_size(self) -> int:
        """Number of logits per position of a language model."""
        return int(self._model.config.get_text_config().vocab_size)

    @property
    def n_scores(self) -> int:
        """Number of scores compared: tokens, or labels. A similarity task has its own candidates."""
        if self.reading.kind == "classification":
            return int(self._model.config.num_labels or 0)
        return self.vocabulary_size

    @cached_property
    def answer_position(self) -> AnswerPosition:
        """The position that answers are read off; of a classifier, observed by running it once."""
        known = self.reading.answer_position
        return self._observed_position() if known is None else known

    def _observed_position(self) -> AnswerPosition:
        seen: list[Tensor] = []

        def track(_: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
            z = args[0].detach()
            z.requires_grad = True
            seen.append(z)
            return (z, *args[1:])

        hooks = [*([None] * (len(self._locations) - 1)), track]
        ids = torch.arange(1, _PROBE_TOKENS + 1, device=self.device).unsqueeze(0)
        with self._differentiated(hooks):
            return position_of(self._forward, ids, lambda: seen[-1])

    def masks(
        self, sets: Sequence[frozenset[HeadIndex]], device: torch.device
    ) -> tuple[Tensor, ...]:
        """Sets of heads per layer as ``[n_sets, n_heads]``, true where the head is in the set."""
        chosen = [
            torch.zeros(len(sets), at.n_heads, dtype=torch.bool, device="cpu")
            for at in self._locations
        ]
        for row, heads in enumerate(sets):
            for layer, head in heads:
                chosen[layer][row, head] = True
        return tuple(each.to(device) for each in chosen)

    @cached_property
    def resumable(self) -> Resumable | None:
        """From which layers the model may be run on what a clean run left; ``None`` for none.

        A model whose layers are read from files while they run is always run whole.
        """
        if any(hasattr(module, "_hf_hook") for module in self._model.modules()):
            return None
        before = self.forwards
        try:
            layering = layering_of(self._model, self._locations, self._probe)
            return None if layering is None else tried(self, layering)
        finally:
            self.forwards = before  # no prompt of the audit was run

    def _probe(self, prompts: int) -> None:
        ids = torch.arange(1, _PROBE_TOKENS + 1, device=self.device) % self.vocabulary_size
        with torch.no_grad():
            self._forward(ids.expand(prompts, -1))

    def recording(
        self, ids: Tensor, types: Tensor | None, shared: int, layering: Layering
    ) -> Recording:
        """A clean run of prompts ``[batch, position]``, of which the ``shared`` first positions are run
        apart.
        """
        prefix = None
        outputs: dict[nn.Module, Any] = {}
        inputs: dict[nn.Module, Tensor] = {}
        with torch.no_grad():
            if shared:
                prefix = self._model(input_ids=ids[:, :shared], use_cache=True).past_key_values
            rest = ids[:, shared:]
            with recording_into(layering, outputs, inputs):
                self._forward(rest, types, deepcopy(prefix))
        return Recording(layering, rest, types, shared, prefix, outputs, inputs)

    def logits_from(self, recording: Recording, layer: int, patch: Patch, rows: Tensor) -> Tensor:
        """The scores of these rows of a recorded batch, run from a layer below which nothing is replaced.

        Raises:
            ModelError: a score is not a finite number.
        """
        types = None if recording.types is None else recording.types[rows]
        past = recording.keys_and_values(rows)
        with (
            torch.no_grad(),
            self._patching(patch, recording.shared),
            resumed(recording, layer, rows),
        ):
            logits = self._forward(recording.ids[rows], types, past)
        return self._finite(logits, patched=True)

    def w_o(self) -> tuple[Tensor, ...]:
        """Per layer, how each head's output enters the residual stream, ``[n_heads, d_head, d_model]``."""
        return tuple(at.w_o() for at in self._locations)

    def logits(
        self, ids: Tensor, patch: Patch | None = None, types: Tensor | None = None
    ) -> Tensor:
        """The scores ``[batch, n_scores]`` of prompts ``[batch, position]``, as the reading says.

        ``types`` are the prompts' segment numbers, for a model that has segments.

        Raises:
            ModelError: a score is not a finite number.
        """
        with torch.no_grad(), self._patching(patch):
            logits = self._forward(ids, types)
        return self._finite(logits, patched=patch is not None)

    def _finite(self, logits: Tensor, *, patched: bool) -> Tensor:
        """The scores, once it is sure that each is a number: a sum of numbers is one."""
        if not bool(torch.isfinite(logits.sum(dtype=torch.float64))):
            when = " with heads replaced" if patched else ""
            raise ModelError(
                f"the model's scores{when} are not finite numbers (NaN or infinity)",
                advice="check the weights, or declare model.dtype: float32",
            )
        return logits

    def capture(
        self, ids: Tensor, types: Tensor | None = None, patch: Patch | None = None
    ) -> tuple[Tensor, Outputs]:
        """The scores, and every head's output at every position, before a patch replaces it."""
        seen: list[Tensor] = []

        def note(_: nn.Module, args: tuple[Any, ...]) -> None:
            seen.append(args[0].detach())

        # Hooks run in the order in which they were set.
        with torch.no_grad(), self._hooked([note] * len(self._locations)), self._patching(patch):
            logits = self._forward(ids, types)
        return logits, self._by_head(seen)

    def capture_with_gradient(
        self,
        ids: Tensor,
        measure: Callable[[Tensor], Tensor],
        patch: Patch | None = None,
        types: Tensor | None = None,
    ) -> tuple[Tensor, Outputs, Outputs]:
        """The metric per prompt, every head's output, and the metric's gradient with respect to it.

        ``measure`` maps scores ``[batch, n_scores]`` to the metric ``[batch]``. Outputs
        and gradients are those of the model with the patch in place.
        """
        with self._patching(patch):
            return self._with_gradient(lambda: self._forward(ids, types), measure)

    def _with_gradient(
        self, forward: Callable[[], Tensor], measure: Callable[[Tensor], Tensor]
    ) -> tuple[Tensor, Outputs, Outputs]:
        seen: list[Tensor] = []

        def track(_: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
            z = args[0]
            if not z.requires_grad:
                z = z.detach()
                z.requires_grad = True
            z.retain_grad()
            seen.append(z)
            return (z, *args[1:])

        with self._differentiated([track] * len(self._locations)):
            metric = measure(forward())
            torch.autograd.backward(metric.sum())
        gradients = [torch.zeros_like(z) if z.grad is None else z.grad for z in seen]
        return metric.detach(), self._by_head([z.detach() for z in seen]), self._by_head(gradients)

    def gradient_at_layer(
        self,
        ids: Tensor,
        measure: Callable[[Tensor], Tensor],
        layer: int,
        outputs: Tensor,
        types: Tensor | None = None,
    ) -> Tensor:
        """The metric's gradient with respect to one layer's head outputs, when they are ``outputs``.

        Later layers see the replaced outputs and are computed anew.
        """
        replaced = outputs.flatten(2).clone()
        replaced.requires_grad = True

        def replace(_: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
            return (replaced, *args[1:])

        hooks = [replace if at == layer else None for at in range(len(self._locations))]
        with self._differentiated(hooks):
            torch.autograd.backward(measure(self._forward(ids, types)).sum())
        gradient = torch.zeros_like(replaced) if replaced.grad is None else replaced.grad
        return gradient.reshape(outputs.shape)

    def gradient_between(
        self,
        ids: Tensor,
        other: Tensor,
        share: float,
        measure: Callable[[Tensor], Tensor],
        types: Tensor | None = None,
    ) -> Outputs:
        """The metric's gradient with respect to head outputs, at a point between two prompts.

        The input embeddings are ``share`` of ``ids`` and the rest of ``other``.
        """
        refuse_padding(self._model, self.reading, ids)
        embed = self._model.get_input_embeddings()
        with torch.no_grad():
            mixed = share * embed(ids) + (1 - share) * embed(other)
        _, _, gradients = self._with_gradient(
            lambda: self._counted(ids, types, inputs_embeds=mixed), measure
        )
        return gradients

    def _forward(
        self,
        ids: Tensor,
        types: Tensor | None = None,
        past: Any = None,  # noqa: ANN401 - a cache of transformers
    ) -> Tensor:
        if past is None:
            return self._counted(ids, types, input_ids=ids)
        return self._counted(ids, types, input_ids=ids, past_key_values=past, use_cache=True)

    def _counted(self, ids: Tensor, types: Tensor | None, **inputs: Any) -> Tensor:  # noqa: ANN401
        self.forwards += ids.shape[0]
        offered: dict[str, Any] = {} if "use_cache" in inputs else {"use_cache": False}
        if self.reading.kind == "next_token":
            offered["logits_to_keep"] = 1
        else:
            offered = accepted(self._model, offered)
        if types is not None:
            offered["token_type_ids"] = types
        with in_one_piece(self._model):
            return self.reading.scores(self._model(**inputs, **offered), ids)

    def _by_head(self, flat: Sequence[Tensor]) -> Outputs:
        return tuple(
            z.reshape(z.shape[0], z.shape[1], at.n_heads, at.d_head)
            for z, at in zip(flat, self._locations, strict=True)
        )

    @contextmanager
    def _patching(self, patch: Patch | None, shared: int = 0) -> Iterator[None]:
        """Within it heads are replaced, at every position but the ``shared`` first ones."""
        if patch is None:
            yield
            return
        hooks = []
        for layer, mask in enumerate(patch.masks):

            def replace(
                _: nn.Module, args: tuple[Any, ...], mask: Tensor = mask, layer: int = layer
            ) -> tuple[Any, ...]:
                source = patch.replacement(layer, args[0].device)[:, shared:]
                z = args[0].reshape(source.shape)
                mixed = torch.where(mask[:, None, :, None], source, z)
                return (mixed.reshape(args[0].shape), *args[1:])

            hooks.append(replace if bool(mask.any()) else None)
        with self._hooked(hooks):
            yield

    @contextmanager
    def _differentiated(self, hooks: Sequence[Any]) -> Iterator[None]:
        with torch.enable_grad(), reread_weights(self._loaded), self._hooked(hooks):
            yield

    @contextmanager
    def _hooked(self, hooks: Sequence[Any]) -> Iterator[None]:
        handles = [
            at.module.register_forward_pre_hook(hook)
            for at, hook in zip(self._locations, hooks, strict=True)
            if hook is not None
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()
