"""What a task's behaviour comes to against what is wanted, and its mechanism beside it: two results."""

from __future__ import annotations

from auditkit.messages import N_, _, counted
from auditkit.records.base import NotAssessed
from auditkit.records.looks import Ruled
from auditkit.records.task import BehaviourRuling, TaskRecord
from auditkit.report.facts import Fact, declared_fact, measured_fact
from auditkit.report.wording import SHORT_VERDICTS, as_declared, listed, percent_text

_WANTED: dict[Ruled, str] = {
    "consistent": N_("The provider declares this behaviour wanted; it is shown."),
    "inconclusive": N_(
        "The provider declares this behaviour wanted; these pairs do not settle it."
    ),
    "not_consistent": N_("The provider declares this behaviour wanted; it is not shown."),
}
_UNWANTED: dict[Ruled, str] = {
    "consistent": N_("The provider declares this behaviour unwanted; it is not shown."),
    "inconclusive": N_(
        "The provider declares this behaviour unwanted; these pairs do not settle it."
    ),
    "not_consistent": N_("The provider declares this behaviour unwanted."),
}


def behaviour_in_short(task: TaskRecord) -> str:
    """How often the behaviour is seen, and what the provider declares of it, where anything."""
    ruling = task.behaviour_ruling
    if isinstance(ruling, NotAssessed):
        return counted(
            task.behaviour.n,
            "Right answer in {correct} of {n} test pair. Not declared whether that is wanted.",
            "Right answers in {correct} of {n} test pairs. Not declared whether that is wanted.",
            correct=task.behaviour.correct,
        )
    words = _WANTED if ruling.wanted else _UNWANTED
    return f"{shown_text(ruling)} {_(words[ruling.verdict])}"


def shown_text(ruling: BehaviourRuling) -> str:
    """In how many pairs the behaviour is seen, with the interval of that share."""
    values: dict[str, str | int] = {
        "shown": ruling.shown,
        "low": percent_text(ruling.low),
        "high": percent_text(ruling.high),
    }
    if ruling.wanted:
        return counted(
            ruling.n,
            "Right answer in {shown} of {n} test pair (95 % interval {low} to {high}).",
            "Right answers in {shown} of {n} test pairs (95 % interval {low} to {high}).",
            **values,
        )
    return counted(
        ruling.n,
        "The decision changes with what differs between the prompts in {shown} of {n} pair (95 % interval "
        "{low} to {high}).",
        "The decision changes with what differs between the prompts in {shown} of {n} pairs (95 % interval "
        "{low} to {high}).",
        **values,
    )


def mechanism_in_short(task: TaskRecord) -> str:
    """The verdict on the declared circuit, where it stands beside one on the behaviour."""
    if isinstance(task.behaviour_ruling, NotAssessed):
        return ""
    return _("declared circuit: {verdict}", verdict=_(SHORT_VERDICTS[task.mechanism]))


def wanted_facts(task: TaskRecord) -> tuple[Fact, ...]:
    """What is declared of a behaviour and whom it concerns; where anything is, what the pairs say of it."""
    ruling = task.behaviour_ruling
    named = (
        listed(as_declared(each) for each in task.concerns) if task.concerns else _("none named")
    )
    whom = declared_fact(_("Groups it concerns"), named)
    if isinstance(ruling, NotAssessed):
        return declared_fact(_("Wanted or unwanted"), None), whom
    share = percent_text(ruling.bound)
    asked = (
        _("at least {share} of pairs", share=share)
        if ruling.wanted
        else _("at most {share} of pairs", share=share)
    )
    return (
        declared_fact(_("Wanted or unwanted"), _("wanted") if ruling.wanted else _("unwanted")),
        whom,
        measured_fact(_("Seen"), shown_text(ruling)),
        measured_fact(_("Held against"), asked),
        measured_fact(_("Verdict on the behaviour"), _(SHORT_VERDICTS[ruling.verdict])),
        measured_fact(_("Verdict on the declared circuit"), _(SHORT_VERDICTS[task.mechanism])),
    )
