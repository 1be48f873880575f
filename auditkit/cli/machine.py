"""What a run may use of the machine: as asked for on the command line, and as the engine takes it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from auditkit.cli.terminal import warn

if TYPE_CHECKING:
    from auditkit.preparing import Machine


@dataclass(frozen=True)
class Resources:
    """What a run may use: the device, its memory in bytes (``None``: a share of what is free), offloading."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    memory: int | None = None
    offload: bool = False


STANDARD_RESOURCES = Resources()


def machine_of(resources: Resources, working: Path, dtype: str) -> Machine:
    """The device and the memory of this run, as asked for."""
    from auditkit.model.devices import device_of, free_memory
    from auditkit.model.memory import BASE, SHARE_OF_FREE
    from auditkit.preparing import Machine

    device = device_of(resources.device)
    if dtype == "float16" and device.type == "cpu":
        warn("float16 is many times slower on a processor than float32; it is run as declared")
    return Machine(
        device=device,
        budget=resources.memory or int(SHARE_OF_FREE * free_memory(device)),
        base=BASE if device.type == "cpu" else 0,
        working=working,
        offload=resources.offload,
    )
