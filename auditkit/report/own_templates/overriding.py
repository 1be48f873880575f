"""A provider's own templates for sections of the report: which may be, and what they cannot take away.

Page 1 with the limits of the report, the contents and the words of the law are in templates that
nobody overrides. What a provider's template writes is looked at once the page is whole (``guarding``):
it is text and tables beside the fixed parts, which stay where they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from auditkit.digest import sha256_hex
from auditkit.records.audit import AuditRecord, TemplateFile

OVERRIDABLE = frozenset(
    f"{name}.html.j2"
    for name in (
        "back",
        "calibration",
        "codes",
        "common",
        "details",
        "letterhead",
        "matrix",
        "negatives",
        "pictures",
        "task",
        "unique_codes",
    )
)
"""The templates of sections. ``letterhead`` is empty unless a provider writes one."""


@dataclass(frozen=True)
class Templates:
    """A provider's own templates by name; none of them by default."""

    sources: Mapping[str, str] = field(default_factory=dict)

    def files(self) -> tuple[TemplateFile, ...]:
        """What the record says of them: names and digests, by name."""
        return tuple(
            TemplateFile(name=name, sha256="sha256:" + sha256_hex(self.sources[name].encode()))
            for name in sorted(self.sources)
        )

    def require(self, record: AuditRecord) -> None:
        """Raises unless these are the templates that a record names.

        Raises:
            ValueError: the record names others, or more, or fewer.
        """
        if self.files() != record.report.templates:
            raise ValueError("the record names other templates of the provider's own")


SHIPPED = Templates()
"""No template of the provider's own."""
