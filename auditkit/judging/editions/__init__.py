"""Editions of the rules: a record is judged for ever under the edition that made it.

``edition``  what an edition is, and every edition this auditkit can judge under
``counting`` how editions 1 and 2 came to a verdict
``words_1``  the sentences of edition 1, as it printed them

An edition says which conclusions follow from measurements, what the known-answer controls are, and how
statements are worded. A newer edition changes some of that; what it changes moves, unchanged, into a
module of the older edition, and stays. ``docs/how-to-change.md`` has the steps.
"""

from auditkit.judging.editions.edition import CURRENT, EDITIONS, Edition, edition_of

__all__ = ["CURRENT", "EDITIONS", "Edition", "edition_of"]
