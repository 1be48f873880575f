"""A model with a gate on every attention head: what the peers need that an audit does not.

With ``z`` a head's output and ``r`` a replacement, the head puts out ``g z + (1 - g) r``. A gate is one
number per prompt and head: 1 leaves the head as it is, 0 replaces it, and the gates may be
differentiated. This is written apart from ``auditkit.identifying.interventions``, so that
neither can share the other's faults.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from auditkit.model.cached import Outputs
from auditkit.model.locating import HeadLocation
from auditkit.model.subject import HeadIndex, Subject

Measure = Callable[[Tensor], Tensor]
"""The metric ``[batch]`` of next-token logits ``[batch, vocabulary]``."""

_ROWS = 256  # prompts per forward pass: bounds memory


class GatedModel:
    """A model whose heads can be read, gated and differentiated. Counts the prompts it runs.

    Heads are numbered through, in layer order.
    """

    def __init__(self, model: Any, locations: Sequence[HeadLocation]) -> None:  # noqa: ANN401 - any
        self._model = model
        self._locations = tuple(locations)
        self.forwards = 0

    @classmethod
    def of(cls, subject: Subject) -> GatedModel:
        """The model inside a subject that auditkit has loaded."""
        return cls(subject._model, subject._locations)  # noqa: SLF001 - peers change what audits do not

    @property
    def heads(self) -> tuple[HeadIndex, ...]:
        """Every head as (layer, head), in layer order."""
        return tuple(
            (layer, head) for layer, at in enumerate(self._locations) for head in range(at.n_heads)
        )

    @property
    def sizes(self) -> list[int]:
        """The number of heads of each layer."""
        return [at.n_heads for at in self._locations]

    def w_o(self) -> list[Tensor]:
        """Per layer, the part of the output projection that each head owns, ``[heads, d_head, d_model]``."""
        return [at.w_o() for at in self._locations]

    def embed(self, ids: Tensor) -> Tensor:
        """The input embeddings of prompts ``[batch, position]``, as ``[batch, position, d_model]``."""
        with torch.no_grad():
            embedded: Tensor = self._model.get_input_embeddings()(ids)
        return embedded

    def outputs(self, ids: Tensor) -> tuple[Tensor, Outputs]:
        """Next-token logits, and every head's output at every position."""
        seen: list[Tensor] = []

        def note(_: nn.Module, args: tuple[Any, ...]) -> None:
            seen.append(args[0].detach())

        with torch.no_grad(), _hooked(self._modules, [note] * len(self._locations)):
            logits = self._forward(ids)
        return logits, self._by_head(seen)

    def gradients(
        self, ids: Tensor, measure: Measure, embedded: Tensor | None = None
    ) -> tuple[Tensor, Outputs, Outputs]:
        """The metric, every head's output, and the metric's gradient with respect to it.

        With ``embedded`` the input embeddings are those and not the prompts' own.
        """
        seen: list[Tensor] = []

        def track(_: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
            z = args[0] if args[0].requires_grad else args[0].detach().requires_grad_()
            z.retain_grad()
            seen.append(z)
            return (z, *args[1:])

        with torch.enable_grad(), _hooked(self._modules, [track] * len(self._locations)):
            metric = measure(self._forward(ids, embedded))
            torch.autograd.backward(metric.sum())
        gradients = [torch.zeros_like(z) if z.grad is None else z.grad for z in seen]
        return metric.detach(), self._by_head([z.detach() for z in seen]), self._by_head(gradients)

    def gated(self, ids: Tensor, gates: Tensor, source: Outputs) -> Tensor:
        """Next-token logits with gates ``[batch, n_heads]`` and replacements ``source``."""
        hooks = []
        for gate, replacement in zip(torch.split(gates, self.sizes, dim=1), source, strict=True):

            def mix(
                _: nn.Module,
                args: tuple[Any, ...],
                gate: Tensor = gate[:, None, :, None],
                replacement: Tensor = replacement,
            ) -> tuple[Any, ...]:
                z = args[0].reshape(replacement.shape)
                mixed = gate * z + (1 - gate) * replacement
                return (mixed.reshape(args[0].shape), *args[1:])

            hooks.append(mix)
        with _hooked(self._modules, hooks):
            return self._forward(ids)

    def logits_without(self, ids: Tensor, replaced: Tensor, source: Outputs) -> Tensor:
        """Logits ``[n_sets, batch, vocabulary]`` when each set of heads is replaced in turn.

        ``replaced`` is ``[n_sets, n_heads]``, true where the head is replaced.
        """
        n = ids.shape[0]
        done = []
        with torch.no_grad():
            for sets in torch.split(replaced, max(1, _ROWS // n)):
                rows = torch.arange(n).repeat(sets.shape[0])
                gates = 1.0 - sets.repeat_interleave(n, 0).float()
                logits = self.gated(ids[rows], gates, tuple(z[rows] for z in source))
                done.append(logits.reshape(sets.shape[0], n, -1))
        return torch.cat(done)

    def _forward(self, ids: Tensor, embedded: Tensor | None = None) -> Tensor:
        self.forwards += ids.shape[0]
        inputs: dict[str, Tensor] = {"input_ids": ids}
        if embedded is not None:
            inputs = {"inputs_embeds": embedded}
        output = self._model(**inputs, use_cache=False, logits_to_keep=1)
        logits: Tensor = output.logits[:, -1, :]
        return logits.float()

    def _by_head(self, flat: Sequence[Tensor]) -> Outputs:
        return tuple(
            z.reshape(z.shape[0], z.shape[1], at.n_heads, at.d_head)
            for z, at in zip(flat, self._locations, strict=True)
        )

    @property
    def _modules(self) -> list[nn.Module]:
        return [at.module for at in self._locations]


@contextmanager
def _hooked(modules: Sequence[nn.Module], hooks: Sequence[Any]) -> Iterator[None]:
    handles = [
        module.register_forward_pre_hook(hook) for module, hook in zip(modules, hooks, strict=True)
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
