"""Candidate words shared by the generators: ordinary English, tried against each tokenizer."""

from __future__ import annotations

NAMES = (
    *("Mary", "John", "Lily", "Tim", "Anna", "Tom", "Sarah", "David", "Emma", "James"),
    *("Lucy", "Mark", "Alice", "Paul", "Jane", "Peter", "Laura", "Jack", "Kate", "Max"),
    *("Grace", "Ben", "Sophie", "Daniel", "Rose", "Adam", "Julia", "Simon", "Ruby", "Kevin"),
    *("Helen", "Brian", "Maria", "Scott", "Susan", "Eric", "Linda", "Jason", "Karen", "Frank"),
    *("Amy", "Ryan", "Lisa", "Steve", "Rachel", "Andrew", "Diana", "George", "Clara", "Henry"),
    *("Mia", "Luke", "Sue", "Oscar", "Nina", "Leo", "Ella", "Victor", "Molly", "Timmy"),
)
"""First names of people; odd and even places hold as many of each gender."""

INITIALS = tuple("BCDEFGHJKLMNOPQRSTUVWXYZ")
"""Characters known by an initial, for small vocabularies; not ``A`` and ``I``, which are words."""

NEUTRAL_NAMES = (
    *("Alex", "Sam", "Robin", "Kit", "Jamie", "Taylor", "Casey", "Riley", "Jordan", "Morgan"),
    *("Quinn", "Lee", "Pat", "Drew", "Sky", "Ash", "Zib", "Pom", "Ruko", "Lem"),
    *("Fip", "Bip", "Kaz", "Dop"),
)
"""Names, some invented, that do not say whether a girl or a boy bears them."""

PLACES = ("store", "garden", "restaurant", "school", "hospital", "office", "house", "station")
"""Where the people of a sentence meet."""

OBJECTS = ("ring", "kiss", "bone", "basketball", "computer", "necklace", "drink", "snack")
"""What one person gives another; each takes the article ``a``."""
