"""Which tests run in one process: those of a module that has fixtures of its own to make once."""

from __future__ import annotations

from functools import cache

from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

from tests.conftest import ROOT


class BySharedFixtures(LoadScopeScheduling):  # type: ignore[misc]
    """What ``--dist loadgroup`` is for, by modules: it groups nothing under pytest 9.

    (xdist 3.8 writes a test's group into ``Item._nodeid``, which pytest 9.2 does not read.) A module with
    a fixture of scope ``module`` stays on one worker, so that no second one makes the same again; every
    other test goes to whichever worker is free.
    """

    def _split_scope(self, nodeid: str) -> str:
        module, _, _ = nodeid.partition("::")
        return module if _has_own_fixtures(module) else nodeid


@cache
def _has_own_fixtures(module: str) -> bool:
    return 'scope="module"' in (ROOT / module).read_text("utf-8")
