"""What a provider declares before a run: the policy, read, explained and checked.

``load_policy`` reads a file; ``auditkit.policy.checking`` looks at what the policy points to.
"""

from auditkit.policy.loading import LoadedPolicy, load_policy, parse_policy
from auditkit.policy.schema import HubModel, LocalModel, Policy, PolicyTask

__all__ = [
    "HubModel",
    "LoadedPolicy",
    "LocalModel",
    "Policy",
    "PolicyTask",
    "load_policy",
    "parse_policy",
]
