"""The evidence store: records are appended, never changed, and every change to one shows.

``evidence_store.EvidenceStore`` is the store, ``schema`` its tables and guards, ``merkle`` the tree
whose root stands for all records at once.
"""
