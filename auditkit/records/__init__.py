"""The nouns of auditkit: frozen, typed, with no behaviour beyond their invariants.

Read ``audit.AuditRecord`` first: it is ``evidence.json``. ``task.TaskRecord`` is one task of it.
"""
