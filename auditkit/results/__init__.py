"""A finished run, for Python: what was found, as values whose labels travel along.

``run`` holds a run and its tasks, ``heads`` the effects of heads as arrays and as a table, ``reading``
finds a run in its directory, its PDF, a pack or a store. ``docs/python.md`` shows all of it at work.
"""

from auditkit.results.heads import HeadEffects, HeadRow
from auditkit.results.run import Run, Task

__all__ = ["HeadEffects", "HeadRow", "Run", "Task"]
