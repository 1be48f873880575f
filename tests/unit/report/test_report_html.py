"""The HTML report: says what the record says, in allowed words, with nothing fetched or run."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from auditkit.characters.spelling import visible
from auditkit.circuits import paths
from auditkit.circuits.effects import NO_BACKUPS_SOUGHT
from auditkit.law import ARTICLE_13_ITEMS, load_law
from auditkit.law.overclaims import OVERCLAIMS
from auditkit.records.audit import AuditRecord
from auditkit.records.base import NotAssessed
from auditkit.records.causal import Causal
from auditkit.records.declared import NotApplicable, Provided
from auditkit.records.task import Circuit, Codes
from auditkit.report.html import render_html
from auditkit.report.view import build_view
from auditkit.report.wording import percent_text, shortened
from auditkit.resources import shipped
from tests.builders import WEIGHTS, D, audit_record, committed, digest, patched
from tests.pages import Page, rendered, with_first_task

HOSTILE = (
    "<script>alert(1)</script> {{ 7*7 }} {% raw %} javascript:alert(1) \u202etxt.exe\u202c \x07 "
    '\u200b "quote" \' &amp; ]]> </style><link rel=attachment href=file:///etc/hostname>'
)
HOSTILE_SHOWN = HOSTILE.translate(
    {0x22: "'", 0x202E: "[U+202E]", 0x202C: "[U+202C]", 0x07: "[U+0007]", 0x200B: "[U+200B]"},
)


@pytest.fixture(scope="module")
def page() -> Page:
    return rendered(audit_record())


def with_system(**changes: object) -> AuditRecord:
    record = audit_record()
    return record.model_copy(update={"system": record.system.model_copy(update=changes)})


def front(record: AuditRecord) -> str:
    text = rendered(record).text
    return text[: text.index("1 System and provider")]


@pytest.mark.parametrize(
    "fact",
    [
        "Circuit evidence report",
        "Article 13",
        "declared system “Example screening system”",
        "“Example screening system”, version “1.2”",
        "“Example Provider GmbH”",
        "“toy”, 1,234 parameters",
        WEIGHTS,
        digest("6"),
        "not shown: no timestamp from before the run is in this record",
        "Overall result not assessed",
        "consistent with the declared expectation",
        "DEVELOPMENT KEY: it names nobody",
        "Responsibility for the system",
        "not a conformity assessment",
    ],
)
def test_page_1_states(fact: str) -> None:
    """Page 1 has each fact that a reader of it alone must have."""
    assert fact in front(audit_record())


def test_every_limitation_of_the_record_is_on_page_1() -> None:
    """No limitation is left for a later page."""
    record = audit_record()
    for limitation in record.limitations:
        assert limitation.text in front(record)


def test_every_item_of_article_13_appears_with_its_words_and_state(page: Page) -> None:
    """Each item has the law's words, its qualifier, and whether it is provided and by whom."""
    view = build_view(audit_record(), load_law())
    assert tuple(item.id for item in view.items) == ARTICLE_13_ITEMS
    states = {item.id: (item.state, item.owner) for item in view.items}
    assert states["13(3)(a)"] == ("text given, not judged", "")
    assert states["13(3)(b)(i)"] == ("text given, not judged", "")
    assert states["13(3)(b)(ii)"] == ("text given, not judged", "")
    assert states["13(3)(d)"] == ("not given", "owner: “Product management”")
    assert states["13(3)(e)"] == ("declared not applicable", "")
    assert states["13(3)(f)"] == ("not given", "owner not named")
    for item in view.items:
        assert item.quote in page.text
        assert f"Qualifier in the law: {item.qualifier}" in page.text


def test_not_applicable_is_flagged_only_where_the_law_has_no_qualifier() -> None:
    """An unconditional item that is called not applicable is flagged."""
    record = audit_record()
    statements = {
        "13(3)(e)": NotApplicable(not_applicable="Hosted."),
        "13(3)(f)": NotApplicable(not_applicable="No logs."),
    }
    view = build_view(record.model_copy(update={"instructions_for_use": statements}), load_law())
    flags = {item.id: bool(item.flag) for item in view.items if item.statement}
    assert (flags["13(3)(e)"], flags["13(3)(f)"]) == (True, False)


def test_page_1_says_which_record_of_its_store_it_is() -> None:
    """The place among the records when it was stored, and that records elsewhere are not seen."""
    record = audit_record()
    mark = record.checkpoint
    assert mark is not None
    said = f"record {mark.leaf_index + 1} of {mark.tree_size} when it was stored"
    assert said in rendered(record).text


def test_evidence_never_changes_what_the_provider_has_provided() -> None:
    """Evidence for an item stands beside it, and the item stays not provided."""
    view = build_view(audit_record(), load_law())
    item = next(item for item in view.items if item.id == "13(3)(b)(iv)")
    assert (item.state, item.owner) == ("not given", "owner not named")
    assert "counted from 0): 0.1, 1.0." in item.evidence[0].claim
    assert item.not_supported == load_law().hook("13(3)(b)(iv)").not_supported


def test_a_statement_under_an_unknown_name_is_printed_not_dropped() -> None:
    """No statement of the provider is lost for its key."""
    odd = {"13(3)(z)": Provided(text="A text that belongs nowhere.")}
    text = rendered(audit_record().model_copy(update={"instructions_for_use": odd})).text
    assert "A text that belongs nowhere." in text


def test_an_unknown_hook_is_said_to_be_unknown() -> None:
    """A place in the law that this build does not know is printed as such."""
    text = rendered(with_first_task(evidence_for=("IV.9(x)",))).text
    assert f"IV.9(x) {load_law().notices.unknown_hook}" in text


def test_no_forbidden_word_outside_the_laws_own_words(page: Page) -> None:
    """The report overclaims nowhere."""
    text = page.text
    law = load_law()
    quotes = [item.quote for item in law.article_13.items]
    for quote in quotes + [point.quote for point in law.annex_iv.points]:
        text = text.replace(quote, "")
    assert OVERCLAIMS.findall(text) == []


def test_no_forbidden_word_in_any_template() -> None:
    """No template overclaims, whatever the record."""
    for path in shipped("templates").glob("*.j2"):
        assert OVERCLAIMS.findall(path.read_text("utf-8")) == [], path.name


def test_hostile_strings_are_plain_text_wherever_they_stand() -> None:
    """Markup in a record is text on the page, and hidden characters are spelled out."""
    record = with_first_task(title=HOSTILE)
    provider = record.system.provider.model_copy(update={"name": HOSTILE, "email": HOSTILE})
    system = record.system.model_copy(
        update={"name": HOSTILE, "intended_purpose": HOSTILE, "provider": provider}
    )
    page = rendered(record.model_copy(update={"system": system}))
    assert page.text.count(" ".join(HOSTILE_SHOWN.split())) >= 6
    assert {tag for tag, _ in page.tags} & {"script", "link", "img", "iframe", "object"} == set()


def test_nothing_is_fetched_and_nothing_runs(page: Page) -> None:
    """The page has no script, no address to load from, and a policy that forbids both."""
    for tag, attributes in page.tags:
        assert not {"src", "onload", "onclick", "action", "style", "data"} & set(attributes), tag
        for target in (attributes.get("href"), attributes.get("xlink:href")):
            assert target is None or target.startswith("#")
    content = render_html(audit_record(), load_law()).decode()
    assert "url(" not in content
    assert "@import" not in content
    policy = [a["content"] for _, a in page.tags if "http-equiv" in a]
    assert policy == ["default-src 'none'; style-src 'unsafe-inline'"]


def test_every_link_leads_to_a_place_on_the_page(page: Page) -> None:
    """Ids are unique, and every link and label points to one."""
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = [str(a["href"]) for tag, a in page.tags if tag == "a"]
    labels = [str(a["aria-labelledby"]) for _, a in page.tags if "aria-labelledby" in a]
    assert {link.removeprefix("#") for link in links} | set(labels) <= set(ids)


def test_the_page_can_be_read_without_seeing_it(page: Page) -> None:
    """Language, landmarks, captions, scopes and the order of headings are there."""
    tags = [tag for tag, _ in page.tags]
    assert ("html", {"lang": "en"}) in page.tags
    assert tags.count("main") == tags.count("h1") == 1
    assert tags.count("table") == tags.count("caption")
    assert all("scope" in attributes for tag, attributes in page.tags if tag == "th")
    skip = next(attributes for tag, attributes in page.tags if tag == "a")
    assert skip == {"class": "skip", "href": "#main"}
    headings = [int(tag[1]) for tag in tags if re.fullmatch("h[1-6]", tag)]
    assert all(after - before <= 1 for before, after in pairwise(headings))


def test_absence_in_its_kinds_prints_differently() -> None:
    """Not assessed and empty are different sentences."""
    unknown = rendered(
        with_first_task(circuit=NotAssessed(code="left_out", reason="It was skipped."))
    ).text
    causal = audit_record().tasks[0].causal
    assert isinstance(causal, Causal)
    small = causal.model_copy(
        update={"patched": (patched("1.0", "0.0100"),), "paths": paths.NO_PATHS}
    )
    nothing = Circuit(heads=(), edges=(), pairs_tested=0)
    empty = rendered(with_first_task(circuit=nothing, causal=small)).text
    assert "Not assessed. It was skipped." in unknown
    assert "None of them changed the task effect by 5 % or more" in empty
    assert "no two heads in different layers" in empty
    assert "Not assessed. It was skipped." not in empty


def test_heads_that_were_not_replaced_are_unknown_not_zero() -> None:
    """The page says that their effects are unknown."""
    causal = audit_record().tasks[0].causal
    assert not isinstance(causal, NotAssessed)
    text = rendered(with_first_task(causal=causal.model_copy(update={"unpatched": ("1.1",)}))).text
    assert "its single effect is unknown, which is not the same as none" in text


def test_what_was_not_assessed_is_printed_with_its_reason(page: Page) -> None:
    """Each measurement that is missing has its recorded reason beside it."""
    causal = audit_record().tasks[0].causal
    assert isinstance(causal, Causal)
    unsought = causal.model_copy(update={"joint_ablation": NO_BACKUPS_SOUGHT})
    text = rendered(with_first_task(causal=unsought)).text
    assert f"Joint ablation: heads that take over {NO_BACKUPS_SOUGHT.reason}" in text
    stability = audit_record().tasks[1].stability
    assert isinstance(stability, NotAssessed)
    assert f"Stability when the pairs are drawn again {stability.reason}" in page.text


def test_defaulted_keys_are_marked(page: Page) -> None:
    """A reader sees which settings the policy chose and which it left."""
    assert "thresholds.tau Least share of the task effect for a code 0.02 default" in page.text
    assert "seed Seed of every random draw 0 set in the policy" in page.text


@pytest.mark.parametrize(
    ("committed_at", "words"),
    [
        ("never", "no timestamp from before the run is in this record"),
        (None, "by the signer's own clock; nothing else in this record shows when that was"),
        ("2026-11-19T08:00:00Z", "before the run started at 2026-11-20 09:30:00 UTC"),
        ("2026-11-21T08:00:00Z", "does not show that the criteria came first"),
    ],
)
def test_criteria_are_said_to_be_fixed_before_only_when_they_were(
    committed_at: str | None, words: str
) -> None:
    """A commitment's time is held against the run's start, and its clock is named."""
    record = audit_record()
    policy = record.policy if committed_at == "never" else committed(record.policy, committed_at)
    assert words in front(record.model_copy(update={"policy": policy}))


@pytest.mark.parametrize(("finished", "stale"), [("2027-02-20", False), ("2027-02-21", True)])
def test_a_stale_register_is_a_warning_on_page_1(finished: str, stale: bool) -> None:
    """The day after its review date the register is called out of date, and not before."""
    record = audit_record()
    times = record.times.model_copy(update={"finished": f"{finished}T00:00:00Z"})
    text = front(record.model_copy(update={"times": times}))
    assert ("may be out of date" in text) is stale


def test_another_edition_of_the_register_is_a_warning_on_page_1() -> None:
    """A record made under another edition says which."""
    record = audit_record()
    other = record.legal_register.model_copy(update={"version": "2026-10-01"})
    text = front(record.model_copy(update={"legal_register": other}))
    assert "The record names edition 2026-10-01" in text


def test_retention_has_an_end_only_with_a_date_of_placing_on_the_market() -> None:
    """Without the date no end is printed."""
    assert "no end date can be worked out" in rendered(audit_record()).text
    assert (
        "keep until 2038-01-31 at least"
        in rendered(with_system(placed_on_market="2028-01-31")).text
    )


def test_a_record_without_a_checkpoint_says_so() -> None:
    """A run that no store holds is not passed off as one that is."""
    text = rendered(audit_record().model_copy(update={"checkpoint": None})).text
    assert "This record carries no checkpoint" in text


def test_a_head_that_completes_the_others_is_not_said_to_act_alone() -> None:
    """A completing head is counted apart from those that change the effect alone."""
    task = audit_record().tasks[0]
    causal = task.causal
    assert isinstance(causal, Causal)
    completing = patched("1.1", "0.6000", "completed")
    completion = causal.completion.model_copy(update={"heads": (completing,)})
    circuit = Circuit(heads=("0.1", "1.0", "1.1"), edges=(), pairs_tested=2)
    changed = with_first_task(
        causal=causal.model_copy(update={"completion": completion}), circuit=circuit
    )
    text = rendered(changed).text
    assert "2 heads changed the task effect" in text
    assert "heads that complete it: 1.1." in text


def test_an_expectation_for_other_weights_is_said_to_be_so() -> None:
    """The other weights are named by their digest."""
    expected = audit_record().tasks[0].expected
    assert not isinstance(expected, NotAssessed)
    other = expected.model_copy(update={"declared_for": digest("9")})
    assert f"other weights ({digest('9')})" in rendered(with_first_task(expected=other)).text


def test_a_long_name_is_shortened_on_page_1_and_whole_in_section_1() -> None:
    """Shortening is said, and nothing is lost."""
    record = with_system(name="N" * 1000)
    assert "(shortened; in full in section 1)" in front(record)
    assert "N" * 1000 in rendered(record).text


def test_the_same_record_gives_the_same_bytes() -> None:
    """Nothing of the page depends on when or how often it is made."""
    assert render_html(audit_record(), load_law()) == render_html(audit_record(), load_law())


def test_numbers_are_printed_as_recorded() -> None:
    """A percentage has the recorded digits, without zeros at the end, and a true minus."""
    assert percent_text(D("0.7543")) == "75.43 %"
    assert percent_text(D("1.0000")) == "100 %"
    assert percent_text(D("-0.0050")) == "\N{MINUS SIGN}0.5 %"


def test_hidden_characters_are_spelled_out_and_line_breaks_kept() -> None:
    """What would not be seen is written as its code."""
    assert visible("a\u202eb\r\nc\x00") == "a[U+202E]b\nc[U+0000]"
    assert visible("a\u4e2d", frozenset({ord("a")})) == "a[U+4E2D]"
    assert shortened("abcdef", 4) == "abc\N{HORIZONTAL ELLIPSIS}"


@pytest.mark.parametrize("name", ["../pyproject.toml", "templates/../../etc", "/etc/passwd", ""])
def test_only_shipped_folders_are_served(name: str) -> None:
    """No name leads out of the folders that auditkit ships."""
    with pytest.raises(ValueError, match="not below"):
        shipped(name)


def test_a_file_that_was_not_shipped_is_an_error() -> None:
    """A missing file is named, and not an empty one."""
    with pytest.raises(FileNotFoundError, match="no-such"):
        shipped("templates/no-such.css")


def test_long_tables_say_what_they_leave_out() -> None:
    """Rows that are cut are counted, and described."""
    causal = audit_record().tasks[0].causal
    assert not isinstance(causal, NotAssessed)
    small = causal.patched[-1].model_copy(update={"head": "7.7"})
    many = causal.model_copy(update={"patched": causal.patched + (small,) * 60})
    text = rendered(with_first_task(causal=many)).text
    assert (
        "32 more heads were replaced alone, with smaller effects, neither found nor declared"
        in text
    )


def with_codes(**changes: object) -> AuditRecord:
    first = audit_record().tasks[0].codes
    assert isinstance(first, Codes)
    return with_first_task(codes=first.model_copy(update=changes))


@pytest.mark.parametrize(
    "words",
    [
        "all positions alike 0.6667 0.3333 0.1 0.2500 0.7500 1.0 0.0000 1.0000",
        (
            "0.1 0 2 0.1500 prompt of example 0 (printed above), position \u22121, last: 1.0000; "
            "matched prompt of example 1, position \u22123, first difference: 0.4000"
        ),
        "These are all latents of the signature. Circuit heads without a latent in the signature: none.",
        "18: 2 autoencoder seeds; tau 0.010, 0.02, 0.04; quorum 0.3, 0.5, 0.7",
        "The verdict does not rest on codes: patching decides which heads belong to the circuit.",
        "Heads with a code in every combination 0.1, 1.0",
        "11 Effects between negatives",
        "1.0 declared and found 0.7000 0.7000 0.4000 0.6667",
        "2 comparisons of two negatives. Every head of the model is listed.",
    ],
)
def test_the_details_of_the_codes_are_printed(words: str, page: Page) -> None:
    """Positions, shares, latents and examples stand on the page as recorded."""
    assert words in page.text


def test_details_that_are_absent_say_why() -> None:
    """Each part by itself, and none of them as zero."""
    absent = NotAssessed(code="left_out", reason="It was skipped.")
    for part in ("roles", "latents", "negatives", "envelope"):
        text = rendered(with_codes(**{part: absent})).text
        assert text.count("Not assessed. It was skipped.") == 1, part
    codes = audit_record().tasks[0].codes
    assert isinstance(codes, Codes)
    assert not isinstance(codes.roles, NotAssessed)
    silent = codes.roles.heads[0].model_copy(update={"examples": 0, "shares": absent})
    roles = codes.roles.model_copy(update={"heads": (silent,)})
    assert "0.1 Not assessed. It was skipped." in rendered(with_codes(roles=roles)).text
    assert "None: no latent of a circuit head" in rendered(with_codes(latents=())).text


def test_a_prompt_that_is_not_shown_is_not_said_to_be_printed() -> None:
    """The page refers to no example that it does not have."""
    hidden = (
        audit_record()
        .tasks[0]
        .examples.model_copy(
            update={"shown": NotAssessed(code="left_out", reason="It is from a file.")}
        )
    )
    assert "printed above" not in rendered(with_first_task(examples=hidden)).text


def test_heads_taken_by_structure_are_said_to_be_assumed(page: Page) -> None:
    """Where the heads were observed the page says so, and where not it does not."""
    assert "was observed by running the model once" in page.text
    record = audit_record()
    layers = tuple(
        layer.model_copy(update={"found_by": "structure"}) for layer in record.model.layers
    )
    model = record.model.model_copy(update={"layers": layers})
    text = rendered(record.model_copy(update={"model": model})).text
    assert "as such layers are written; that was not observed" in text
    assert "was observed by running the model once" not in text
