"""Print how much processor time the PDF of a stored record takes, and how many pages it has.

python tools/report_timing.py runs/RUN_ID/evidence.json --out /tmp/report
python tools/report_timing.py runs/RUN_ID/evidence.json --profile 25
"""

from __future__ import annotations

import argparse
import cProfile
import io
import pstats
import time
from pathlib import Path

import pikepdf

from auditkit.bundle.evidence import parse_evidence
from auditkit.law import load_law
from auditkit.records.audit import AuditRecord
from auditkit.report.html import render_html
from auditkit.report.pdf import render_pdf


def timed(record: AuditRecord, rounds: int) -> tuple[bytes, bytes, list[float]]:
    """The HTML, the PDF, and the processor seconds each rendering of the PDF took."""
    law = load_law(record.report.language)
    content, seconds = b"", []
    for _ in range(rounds):
        start = time.process_time()
        content = render_pdf(record, law)
        seconds.append(time.process_time() - start)
    return render_html(record, law), content, seconds


def profiled(record: AuditRecord, lines: int) -> None:
    """Print the functions that a rendering spends most time in."""
    law, profile = load_law(record.report.language), cProfile.Profile()
    profile.runcall(render_pdf, record, law)
    pstats.Stats(profile).sort_stats("tottime").print_stats(lines)


def main() -> None:
    """Render the report of a record, several times, and print seconds and pages."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("evidence", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, help="write report.html and report.pdf there")
    parser.add_argument("--profile", type=int, default=0, help="functions to list")
    arguments = parser.parse_args()
    record = parse_evidence(arguments.evidence.read_bytes())
    page, content, seconds = timed(record, arguments.rounds)
    with pikepdf.open(io.BytesIO(content)) as document:
        pages = len(document.pages)
    each = ", ".join(f"{one:.2f}" for one in seconds)
    print(f"{pages} pages; {each} s; HTML {len(page):,} bytes; PDF {len(content):,} bytes")
    if arguments.out is not None:
        arguments.out.mkdir(parents=True, exist_ok=True)
        (arguments.out / "report.html").write_bytes(page)
        (arguments.out / "report.pdf").write_bytes(content)
    if arguments.profile:
        profiled(record, arguments.profile)


if __name__ == "__main__":
    main()
