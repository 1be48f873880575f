"""A provider's own templates lay out sections; limits, law and results stay where they are."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from markupsafe import escape

from auditkit.errors import InputError
from auditkit.law import load_law
from auditkit.report.html import LABEL, page, render_html
from auditkit.report.own_templates.guarding import GuardError
from auditkit.report.own_templates.overriding import OVERRIDABLE, SHIPPED, Templates
from auditkit.report.trying import MAX_BYTES, read_templates, specimen
from auditkit.report.view import ReportView, build_view
from auditkit.resources import shipped
from tests.builders import audit_record
from tests.pages import squeezed

LETTERHEAD = '<p class="quiet">Example Provider, {{ view.front.title }}</p>\n'


def folder(path: Path, **templates: str) -> Path:
    """A folder of templates by the name of their section."""
    path.mkdir(exist_ok=True)
    for name, source in templates.items():
        (path / f"{name}.html.j2").write_text(source, encoding="utf-8")
    return path


def label(name: str) -> str:
    """What stands before a section of a provider's own."""
    return f'<p class="own">{escape(LABEL.format(template=name))}</p>'


def refused(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_templates(path)
    return str(caught.value)


def test_a_letterhead_stands_on_page_1_and_everything_else_as_before(tmp_path: Path) -> None:
    """But for the letterhead, and the sentence that says so, the page is the shipped one."""
    own = read_templates(folder(tmp_path, letterhead=LETTERHEAD))
    view = build_view(audit_record(), load_law())
    with_it, without = page(view, templates=own), page(view)
    shown = '<p class="quiet">Example Provider, Circuit evidence report</p>'
    assert with_it.index('<aside class="limits"') < with_it.index(shown) < with_it.index("<nav")
    added = squeezed(label("letterhead.html.j2") + shown)
    assert squeezed(with_it).replace(added, "", 1) == squeezed(without)


def test_the_shipped_templates_could_be_a_providers(tmp_path: Path) -> None:
    """Each section as it is shipped passes what a provider's must, and gives the same page with labels."""
    for name in OVERRIDABLE:
        (tmp_path / name).write_bytes((shipped("templates") / name).read_bytes())
    own = read_templates(tmp_path)
    view = build_view(audit_record(), load_law())
    assert own.sources.keys() == OVERRIDABLE
    shown = squeezed(page(view, templates=own))
    assert squeezed(label("task.html.j2")) in shown
    for name in OVERRIDABLE:
        shown = shown.replace(squeezed(label(name)), "")
    assert shown == squeezed(page(view))


def test_page_1_says_which_sections_are_the_providers(tmp_path: Path) -> None:
    """With the digest of each template, in the limits of the report."""
    own = read_templates(folder(tmp_path, letterhead=LETTERHEAD))
    settings = audit_record().report.model_copy(update={"templates": own.files()})
    record = audit_record().model_copy(update={"report": settings})
    shown = render_html(record, load_law(), own).decode()
    limits = re.search(r'<aside class="limits".*?</aside>', shown, re.DOTALL)
    assert limits is not None
    assert f"letterhead.html.j2 ({own.files()[0].sha256})" in limits[0]
    with pytest.raises(ValueError, match="other templates"):
        render_html(record, load_law(), SHIPPED)


BREAKS_OUT = {
    "an unclosed element": "<div>",
    "another's element": "</header>",
    "an open comment": "<!-- ",
    "a comment": "<!-- note -->",
    "an unclosed attribute": '<p class="',
    "a script": "<script>alert(1)</script>",
    "a style": "<style>.limits { display: none }</style>",
    "a style attribute": '<p style="position:fixed">x</p>',
    "an event": '<p onclick="x()">x</p>',
    "an image": '<img src="https://example.com/x.png">',
    "a frame": '<iframe src="https://example.com"></iframe>',
    "a link out": '<a href="https://example.com">x</a>',
    "a javascript link": '<a href="javascript:x()">x</a>',
    "a form": "<form><input></form>",
    "a template element": "<template><p>x</p></template>",
    "a text area": "<textarea>",
    "a hidden element": "<p hidden>x</p>",
    "a hidden class": '<p class="visually-hidden">x</p>',
    "raw markup by a filter": "{{ '<script>'|safe }}",
    "markup with escaping off": "{% autoescape false %}{{ '<script></script>' }}{% endautoescape %}",
    "a forged mark": "<!--{{ '0' * 64 }}-->",
    "the mark of another section": '{% set m %}{% include "matrix.html.j2" %}{% endset %}{{ m[:60] }}<!--',
    "its own place": "{{ _place('letterhead.html.j2') }}",
    "a styled drawing": '<svg style="position:absolute"></svg>',
    "a drawing with an event": '<svg onload="x()"></svg>',
    "a drawing of its own": '<svg width="900" height="900"><rect fill="#fff"></rect></svg>',
    "the box of the result": '<p class="verdict overall consistent">Overall result</p>',
    "the box of the limits": '<aside class="limits"><p>None.</p></aside>',
    "the look of a heading of ours": '<p class="label">Overall result</p>',
    "an id that is there": '<p id="limits">x</p>',
    "a link to nowhere": '<a href="#nowhere">x</a>',
    "foreign content": "<svg><foreignObject><p>x</p></foreignObject></svg>",
    "the whole page again": '{% extends "report.html.j2" %}',
    "itself": '{% include "letterhead.html.j2" %}',
    "a file": '{% include "../pyproject.toml" %}',
    "an attribute of Python": "{{ view.__class__.__mro__ }}",
    "a name that is not there": "{{ view.front.score }}",
    "no Jinja": "{% if %}",
    "a division": "{{ 1 // 0 }}",
    "an overclaim": "<p>This system is certified.</p>",
    "a processing instruction": "<?php echo 1 ?>",
    "a declaration": "<!DOCTYPE html>",
    "cdata": "<![CDATA[ x ]]>",
}


@pytest.mark.parametrize("source", BREAKS_OUT.values(), ids=BREAKS_OUT)
def test_a_template_that_reaches_out_of_its_section_is_refused(tmp_path: Path, source: str) -> None:
    """Before any work, with the file named; what Python says of it is not shown as a traceback."""
    message = refused(folder(tmp_path, letterhead=source))
    assert "letterhead.html.j2" in message
    assert "Traceback" not in message


def test_the_line_of_a_mistake_is_named(tmp_path: Path) -> None:
    """Of a name that is not there, of syntax, and of a word that claims too much."""
    first = "<p>x</p>\n<p>y</p>\n"
    for third in ("{{ view.front.score }}", "{% if %}", "guaranteed"):
        assert "letterhead.html.j2:3:" in refused(folder(tmp_path, letterhead=first + third))


@pytest.mark.parametrize("name", ["report", "law", "parts", "other"])
def test_the_fixed_parts_cannot_be_overridden(tmp_path: Path, name: str) -> None:
    """Page 1 and the words of the law, whatever a provider puts into the folder."""
    assert "can be overridden" in refused(folder(tmp_path, **{name: "<p>x</p>"}))


def test_limits_and_law_are_on_the_page_whatever_a_provider_writes() -> None:
    """With every section that can be overridden made empty."""
    view = build_view(audit_record(), load_law())
    sources = dict.fromkeys(OVERRIDABLE, "")
    while True:
        try:
            shown = page(view, templates=Templates(sources))
            break
        except GuardError as error:  # a place that page 1 links to has to be somewhere
            sources["back.html.j2"] += (
                f"<p {error.advice.removeprefix('keep an element with ')}>x</p>"
            )
    assert str(escape(view.front.not_this)) in shown
    for item in view.items:
        assert str(escape(item.quote)) in shown
    assert '<aside class="limits"' in shown


def test_what_is_no_template_is_refused(tmp_path: Path) -> None:
    """A link, a pipe, too much text, text in another encoding, an empty folder."""
    assert "no template" in refused(folder(tmp_path / "empty"))
    linked = folder(tmp_path / "linked")
    (linked / "task.html.j2").symlink_to(tmp_path / "elsewhere")
    assert "regular file" in refused(linked)
    piped = folder(tmp_path / "piped")
    os.mkfifo(piped / "task.html.j2")
    assert "regular file" in refused(piped)
    assert "at most" in refused(folder(tmp_path / "long", task="x" * (MAX_BYTES + 1)))
    coded = folder(tmp_path / "coded")
    (coded / "task.html.j2").write_bytes("Prüfung".encode("latin-1"))
    assert "UTF-8" in refused(coded)


def test_a_specimen_has_every_field_of_a_page() -> None:
    """The shipped page can be made of nothing but types, full and empty."""
    assert "specimen" in page(specimen(ReportView, full=True))
    assert "specimen" not in page(specimen(ReportView, full=False))
