"""What the published method ``unique-codes`` observed: a code per head and prompt, counted per head.

O'Neill and Bui, arXiv:2405.12522. Positive and negative are keys here, never places in a list.
"""

from __future__ import annotations

from auditkit.records.base import AtLeastOne, Count, HeadId, Measure, Record


class PublishedAutoencoder(Record):
    """The one autoencoder that all heads share, as the paper describes it: no key of a policy moves it.

    ``features`` ReLU features with one tied bias; squared error plus ``sparsity`` times the mean
    feature; Adam at ``learning_rate`` for ``epochs`` passes over all vectors of ``prompts`` prompts,
    drawn from positives and negatives together.
    """

    features: AtLeastOne
    sparsity: Measure
    learning_rate: Measure
    epochs: AtLeastOne
    prompts: AtLeastOne


class PromptCodes(Record):
    """The code of every head on one prompt, heads in layer order.

    A code is the feature with the largest activation. ``silent`` are the places, ascending, of heads no
    feature answered to: the published code of silence is 0, which is also the code of feature 0.
    """

    codes: tuple[Count, ...]
    silent: tuple[Count, ...]


class PairCodes(Record):
    """The codes of one discovery example, on its positive and on its negative prompt."""

    example: Count
    positive: PromptCodes
    negative: PromptCodes


class CountedHead(Record):
    """One head's count, and what label swaps give in its place.

    ``count`` is the number of distinct codes on positives that no negative shows; ``score`` its softmax
    over the heads, as published; equal counts share a ``rank``, 1 for the largest. ``at_least`` swaps of
    positive and negative within pairs count as many codes or more, and ``swapped_mean`` is the mean
    count over swaps. ``p_value`` is the share of swaps in ``at_least``; ``q_value`` corrects for the
    number of heads (Benjamini and Hochberg 1995). ``silent`` counts prompts on which no feature answered.
    """

    head: HeadId
    count: Count
    score: Measure
    rank: AtLeastOne
    at_least: Count
    swapped_mean: Measure
    p_value: Measure
    q_value: Measure
    silent: Count


class UniqueCodes(Record):
    """The codes of every discovery example and what they come to. Nothing here is an intervention.

    ``reported`` are the heads the published method names: all with at least one unique code.
    """

    autoencoder: PublishedAutoencoder
    examples: tuple[PairCodes, ...]
    heads: tuple[CountedHead, ...]
    reported: tuple[HeadId, ...]
