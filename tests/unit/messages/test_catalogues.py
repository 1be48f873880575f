"""A catalogue is data: it changes words and nothing else, and is refused where it would."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from babel.messages import Catalog

from auditkit import messages
from auditkit.errors import AuditkitError, ExitCode
from auditkit.law import load_law
from auditkit.messages import N_, _, counted, speaking
from auditkit.report.html import render_html
from tests.pseudo_language import CLOSE, OPEN, in_xx, marked, template, written
from tests.report_records import RECORDS


def changed(text: str, said: str | tuple[str, ...]) -> Catalog:
    """The pseudo-language with one message said otherwise."""
    catalog = marked(template())
    catalog[text].string = said
    return catalog


PLURAL = "{n} head"


@pytest.mark.parametrize(
    ("text", "said", "problem"),
    [
        ("Not assessed. {reason}", "nicht bewertet", "other placeholders"),
        ("Not assessed. {reason}", "nicht bewertet: {reason} {reason}", "other placeholders"),
        ("Not assessed. {reason}", "nicht bewertet: {reason.__class__}", "other placeholders"),
        ("Not assessed. {reason}", "nicht: {reason} {view.__class__}", "braces"),
        ("Not assessed. {reason}", "nicht: {reason} {0}", "braces"),
        ("Not assessed. {reason}", "nicht: {reason!r}", "other placeholders"),
        ("Not assessed. {reason}", "nicht: {reason} {{ 7 * 7 }}", "braces"),
        ("Contents", "Inhalt {view}", "other placeholders"),
        ("Contents", "", "not translated"),
        (PLURAL, ("{n} Kopf", ""), "not translated"),
        (PLURAL, ("{n} Kopf", "{m} Köpfe"), "other placeholders"),
    ],
)
def test_a_catalogue_that_would_change_more_than_words_is_refused(
    text: str, said: str | tuple[str, ...], problem: str, spoken: Path
) -> None:
    """The message is named, and nothing is printed."""
    written(changed(text, said), spoken)
    with pytest.raises(messages.CatalogueError, match=f"(?s){problem}.*{re.escape(text)}") as error:
        render_html(in_xx(RECORDS["hand-made"]()), load_law())
    assert error.value.exit_code == ExitCode.UNAVAILABLE


def test_a_catalogue_without_a_message_or_with_an_unsure_one_is_refused(spoken: Path) -> None:
    """No report is in two languages by accident; ``fuzzy`` is how translation tools mark a guess."""
    catalog = marked(template())
    catalog.delete("Contents")
    written(catalog, spoken)
    with pytest.raises(messages.CatalogueError, match="missing: 'Contents'"):
        messages.catalogue("xx")
    shutil.rmtree(spoken)
    catalog = marked(template())
    catalog["Contents"].flags.add("fuzzy")
    written(catalog, spoken)
    with pytest.raises(messages.CatalogueError, match="not translated: 'Contents'"):
        messages.catalogue("xx")


@pytest.mark.parametrize(
    "content",
    [b"not a catalogue", b'msgid "Contents\nmsgstr "Inhalt"\n', b'msgid ""\nmsgstr "\xff"\n'],
)
def test_a_damaged_catalogue_is_refused_in_one_line(content: bytes, spoken: Path) -> None:
    """A catalogue that is none is refused in one line that names its file."""
    written(marked(template()), spoken)
    (spoken / "xx" / messages.CATALOGUE).write_bytes(content)
    with pytest.raises(AuditkitError) as error:
        messages.catalogue("xx")
    assert "auditkit.po" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_plural_rule_that_is_no_rule_is_refused(spoken: Path) -> None:
    """The rule of a catalogue is evaluated: only arithmetic on ``n`` is."""
    written(marked(template()), spoken)
    path = spoken / "xx" / messages.CATALOGUE
    rule = b"plural=__import__('os').getpid();"
    path.write_bytes(path.read_bytes().replace(b"plural=(n != 1);", rule))
    with pytest.raises(messages.CatalogueError, match="plural"):
        messages.catalogue("xx")


HOSTILE = '<script>alert(1)</script><b onclick="x">&amp;\' \u202etxt\u200b'


def test_markup_in_a_catalogue_is_text_on_the_page(spoken: Path) -> None:
    """In running text, in an attribute, in a drawing, and in a sentence that has a link in it."""
    catalog = marked(template())
    linked = "How to read them: {section} in section 3."
    for text in ("Contents", "Result", "no circuit was declared", "Reading the pictures"):
        catalog[text].string = HOSTILE
    catalog[linked].string = HOSTILE + "{section}"
    written(catalog, spoken)
    page = render_html(in_xx(RECORDS["nothing-declared"]()), load_law()).decode()
    assert "<script" not in page
    assert "<b onclick" not in page
    assert "\u202e" not in page
    shown = "&lt;script&gt;alert(1)&lt;/script&gt;&lt;b onclick=&#34;x&#34;&gt;"
    shown += "&amp;amp;&#39; [U+202E]txt[U+200B]"
    for place in (
        f'<h2 id="contents">{shown}</h2>',
        f'aria-label="{shown}"',
        f'{shown}<a href="#pictures">',
    ):
        assert place in page
    assert f'<a href="#pictures">{shown}</a>' in page


def test_what_a_record_holds_is_never_a_placeholder_or_a_message(spoken: Path) -> None:
    """Braces in a declared text stay braces, and a text that equals a message is not translated."""
    written(marked(template()), spoken)
    record = RECORDS["hand-made"]()
    provider = record.system.provider.model_copy(update={"name": "{system} {0} {view.__class__}"})
    system = record.system.model_copy(update={"name": "Contents", "provider": provider})
    page = render_html(in_xx(record.model_copy(update={"system": system})), load_law()).decode()
    assert "{system} {0} {view.__class__}" in page
    assert re.search('<p class="system" dir="auto">.*“Contents”.*</p>', page)


def test_a_language_has_as_many_plural_forms_as_it_needs(spoken: Path) -> None:
    """The catalogue's rule decides: here as in Polish, with three forms."""
    catalog = Catalog(locale="pl")
    for message in template():
        if message.id:
            forms = (message.id,) if isinstance(message.id, str) else tuple(message.id)
            catalog.add(message.id, forms[0] if len(forms) == 1 else (*forms, f"{forms[1]}'"))
    written(catalog, spoken)
    path = spoken / "xx" / messages.CATALOGUE
    rule = b"nplurals=3; plural=(n==1 ? 0 : n%10>=2 && n%10<=4 ? 1 : 2);"
    path.write_bytes(path.read_bytes().replace(b"nplurals=2; plural=(n != 1);", rule))
    with speaking("xx"):
        said = [counted(n, "{n} head", "{n} heads") for n in (1, 2, 5, 22, 1000)]
    assert said == ["1 head", "2 heads", "5 heads'", "22 heads", "1,000 heads'"]
    assert counted(5, "{n} head", "{n} heads") == "5 heads"


def test_a_language_without_a_catalogue_is_named_with_those_there_are() -> None:
    """A report in a language without a catalogue is refused, and the advice names those there are."""
    with pytest.raises(messages.CatalogueError, match="there is no report in 'de'") as error:
        render_html(
            RECORDS["hand-made"]().model_copy(
                update={
                    "report": in_xx(RECORDS["hand-made"]()).report.model_copy(
                        update={"language": "de"}
                    )
                }
            ),
            load_law(),
        )
    assert "en" in error.value.advice


def test_the_language_in_force_ends_with_its_block(spoken: Path) -> None:
    """Messages are in a language only inside its block, and values in them are never translated."""
    written(marked(template()), spoken)
    with speaking("xx"):
        assert _(N_("Contents")) == f"{OPEN}Contents{CLOSE}"
    with pytest.raises(KeyError), speaking("xx"):
        _("Not assessed. {reason}")
    assert _("Contents") == "Contents"
    assert _("{n} of {m}", n=1024, m="{n}") == "1,024 of {n}"
