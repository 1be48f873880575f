"""One module per method of finding heads, each a function from a ``Problem`` to an ``Answer``."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from benchmarks.peers import (
    acdc,
    attributed_codes,
    attribution_patching,
    exact_patching,
    head_importance,
    integrated_gradients,
    random_order,
    subnetwork_probing,
    unique_codes,
)
from benchmarks.peers.problem import Method

METHODS: Mapping[str, Method] = MappingProxyType(
    {
        "attributed-codes": attributed_codes.find,
        "unique-codes": unique_codes.find,
        "eap": attribution_patching.find,
        "eap-ig": integrated_gradients.find,
        "exact-patching": exact_patching.find,
        "acdc": acdc.find,
        "hisp": head_importance.find,
        "subnetwork-probing": subnetwork_probing.find,
        "random": random_order.find,
    }
)
"""Every method by the name it has in the results."""
