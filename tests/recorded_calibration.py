"""The known-answer controls, run once per setting and test session, for tests whose subject is another.

A calibration that is not recorded yet is made as ever, and recorded; it is found again by the exact
settings and the number of threads. ``tests/integration/test_calibration.py`` shows that what is recorded
is what a fresh calibration gives. The ``sitecustomize`` of the command lines that the tests start imports
this file by itself, without the rest of the tests: it needs nothing from them, and imports nothing heavy.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from auditkit.progress import Progress
    from auditkit.records.calibration import CalibratedSetting, Calibration
    from auditkit.records.specification import Specification

    Calibrate = Callable[..., Calibration]

ENGINE = "auditkit.engine"


def recalling(calibrate: Calibrate, folder: Path) -> Calibrate:
    """``calibrate``, but for settings that a file of ``folder`` has the calibration of."""

    def recalled(
        specifications: Mapping[str, Specification],
        progress: Progress,
        known: Mapping[Specification, CalibratedSetting] | None = None,
    ) -> Calibration:
        del known  # what was recorded is as good, and does not depend on the store
        from auditkit.controls.outcomes import distinct
        from auditkit.records.calibration import Calibration

        found = []
        for specification, tasks in distinct(specifications).items():
            setting = _setting(calibrate, specification, folder, progress)
            found.append(setting.model_copy(update={"tasks": tasks}))
        return Calibration(settings=tuple(found))

    return recalled


def _setting(
    calibrate: Calibrate, specification: Specification, folder: Path, progress: Progress
) -> CalibratedSetting:
    import torch

    from auditkit.records.calibration import CalibratedSetting

    asked = f"{torch.get_num_threads()} {specification.model_dump_json()}"
    path = folder / f"{hashlib.sha256(asked.encode()).hexdigest()}.json"
    with alone(path.with_suffix(".lock")):
        if not path.exists():
            (made,) = calibrate({"recorded": specification}, progress).settings
            if made.specification != specification:
                raise ValueError("a control's settings are calibrated as others")
            whole = path.with_suffix(".part")
            whole.write_text(made.model_dump_json(), encoding="utf-8")
            whole.replace(path)
    return CalibratedSetting.model_validate_json(path.read_bytes())


@contextmanager
def alone(lock: Path) -> Iterator[None]:
    """Until the block ends, no other process is in one with the same lock file."""
    with lock.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


class _WhenImported:
    """A finder that has the engine imported as ever, and then changes it."""

    def __init__(self, change: Callable[[ModuleType], None]) -> None:
        self._change = change

    def find_spec(self, name: str, path: object, target: object = None) -> ModuleSpec | None:
        """The engine's own place, with the change to be made once it is executed."""
        del path, target
        if name != ENGINE:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is None or spec.loader is None:
            return None
        loader: Any = spec.loader
        execute = loader.exec_module

        def execute_and_change(module: ModuleType) -> None:
            execute(module)
            self._change(module)

        loader.exec_module = execute_and_change
        return spec


def recall(folder: Path) -> Callable[[], None]:
    """From here on this process recalls calibrations, whether the engine is imported yet or not.

    What is returned puts the engine back as it was.
    """
    undo: list[Callable[[], None]] = []

    def change(engine: Any) -> None:  # noqa: ANN401 - a module, one name of which is set
        own = engine.calibrate
        engine.calibrate = recalling(own, folder)
        undo.append(lambda: setattr(engine, "calibrate", own))

    finder: Any = _WhenImported(change)
    if ENGINE in sys.modules:
        change(sys.modules[ENGINE])
    else:
        sys.meta_path.insert(0, finder)

    def stop() -> None:
        if finder in sys.meta_path:
            sys.meta_path.remove(finder)
        for each in undo:
            each()

    return stop


@contextmanager
def recorded(folder: Path) -> Iterator[None]:
    """Within the block, this process recalls calibrations."""
    stop = recall(folder)
    try:
        yield
    finally:
        stop()
