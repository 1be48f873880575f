"""auditkit: evidence about a transformer model's circuits, recorded, documented and signed.

Where to start reading: ``docs/architecture.md``, then ``auditkit.records`` (the nouns), then
``auditkit.engine`` (the pipeline on one page), then any one stage.
"""

__version__ = "0.1.0"
