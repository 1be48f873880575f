"""Sentences about the verdict rule."""

from __future__ import annotations

from collections.abc import Callable

from auditkit.judging.findings.words.phrases import Parameters, counted, listed, percent, plural


def _settled(p: Parameters) -> str:
    return (
        f"Each declared head surely carries more than {percent(p['lower'])} of the task effect, and no other "
        f"head carries {percent(p['upper'])} or more. {_on(p)}"
    )


def _on(p: Parameters) -> str:
    return f"No more than {counted(p['pairs'], 'pair')} were needed to settle it."


def _refuses(p: Parameters) -> str:
    return " ".join(_refused(each, p["threshold"]) for each in p["heads"])


def _refused(head: Parameters, threshold: str) -> str:
    declared = head["claim"] == "declared"
    what = "declared, surely carries less" if declared else "not declared, surely carries more"
    return (
        f"Head {head['head']}, {what} than {percent(threshold)} of the task effect: about "
        f"{percent(head['effect'])} on {counted(head['pairs'], 'pair')}."
    )


def _leaves_open(p: Parameters) -> str:
    declared = [each["head"] for each in p["heads"] if each["claim"] == "declared"]
    others = [each["head"] for each in p["heads"] if each["claim"] == "not_declared"]
    sentences = [
        f"{counted(p['pairs'], 'pair')} {plural(p['pairs'], 'does', 'do')} not settle all heads."
    ]
    if declared:
        what = plural(len(declared), "the declared head", "each of the declared heads")
        sentences.append(
            f"Open is whether {what} {listed(declared)} carries more than {percent(p['lower'])}."
        )
    if others:
        what = plural(len(others), "the head", "each of the heads")
        they = plural(len(others), "which is not declared, ", "which are not declared, ")
        sentences.append(
            f"Open is whether {what} {listed(others)}, {they}carries less than {percent(p['upper'])}."
        )
    return " ".join([*sentences, *_more_pairs(p)])


def _more_pairs(p: Parameters) -> list[str]:
    needed = [each["pairs_needed"] for each in p["heads"] if "pairs_needed" in each]
    boundary = [each["head"] for each in p["heads"] if "pairs_needed" not in each]
    said = (
        [f"About {max(needed)} pairs are expected to settle {_which(boundary)}."] if needed else []
    )
    if boundary:
        lie = plural(len(boundary), "The estimate of {} lies", "The estimates of {} lie")
        said.append(
            f"{lie.format(listed(boundary))} on the bound, beyond it, or too close to it for any number of "
            "pairs to be named."
        )
    if max(needed, default=0) > p["pairs"]:
        said.append(
            f"On {p['pairs']} pairs, a head that does nothing can only be shown to carry less than "
            f"{percent(p['excludable'])}."
        )
    return said


def _which(boundary: list[str]) -> str:
    return "all of them but those named next" if boundary else "this"


def _never_patched(p: Parameters) -> str:
    they = plural(len(p["heads"]), "It stays", "They stay")
    return (
        "The budget did not allow every head to be replaced. "
        f"Not replaced: {listed(p['heads'])}. {they} open."
    )


def _effect_not_sure(p: Parameters) -> str:
    return (
        f"On {counted(p['pairs'], 'pair')} it is not sure that replacing every head lowers the metric, "
        "so there is no sure effect that heads could have shares of."
    )


def _replaceable(p: Parameters) -> str:
    n = len(p["heads"])
    return (
        f"{plural(n, 'Head', 'Heads')} {listed(p['heads'])}, declared, {plural(n, 'is', 'are')} replaceable: "
        f"alone {plural(n, 'it carries', 'each carries')} less than {percent(p['threshold'])} of the task "
        "effect, and more once the other declared heads are replaced. That does not refuse the declaration, "
        "and does not settle it."
    )


def _only_together(p: Parameters) -> str:
    return (
        f"Every head alone surely carries less than {percent(p['threshold'])} of the task effect: the heads "
        "carry it only together."
    )


def _signature_carries(p: Parameters) -> str:
    return f"{_declared_latents(p)} Each of these latents does some of the work there."


def _signature_refused(p: Parameters) -> str:
    said = [_declared_latents(p)]
    for head in p["heads"]:
        if head["carries"] == "not_consistent":
            said.append(f"For head {head['head']} that is surely not the share that is asked for.")
        if head["idle"]:
            said.append(f"Of head {head['head']} these do no work there: {head['idle']}.")
    return " ".join(said)


def _signature_open(p: Parameters) -> str:
    said = [_declared_latents(p)]
    for head in p["heads"]:
        if head["carries"] == "inconclusive":
            said.append(
                f"For head {head['head']} these pairs do not settle whether that is enough."
            )
        if head["open"]:
            said.append(
                f"Of head {head['head']} it is not settled whether these work: {head['open']}."
            )
    return " ".join(said)


def _declared_latents(p: Parameters) -> str:
    heads = ", ".join(
        f"{counted(each['latents'], 'latent')} of {each['head']} {percent(each['share'])}"
        for each in p["heads"]
    )
    return (
        f"On {counted(p['pairs'], 'discovery pair')}, the declared latents, replaced together, carry this "
        f"much of what their head does: {heads}."
    )


WORDS: dict[str, Callable[[Parameters], str]] = {
    "rule_settled": _settled,
    "rule_refuses": _refuses,
    "rule_leaves_open": _leaves_open,
    "heads_never_patched": _never_patched,
    "effect_not_sure": _effect_not_sure,
    "replaceable_heads": _replaceable,
    "only_together": _only_together,
    "signature_carries": _signature_carries,
    "signature_refused": _signature_refused,
    "signature_open": _signature_open,
}
"""The sentence of each of these findings, from its parameters."""
