"""What no single value of a policy shows: things written twice, and values that do not go together.

These checks read the policy as written, so that they report even where other keys are wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal, InvalidOperation

from auditkit.errors import Problem
from auditkit.policy.characters import quoted
from auditkit.policy.schema import ExpectedCircuit
from auditkit.policy.source import KeyPath, Source, Value
from auditkit.policy.specifying import STANDARD

_LISTS_WITHOUT_REPEATS = frozenset({"heads", "ablation", "evidence_for", "formats"})


def check_consistency(source: Source) -> list[Problem]:
    """Every repeated id or list entry, blank text, impossible date, value that another one contradicts, and a
    level of signature that cannot be reached."""
    return [
        *_repeated_ids(source),
        *_repeated_entries(source),
        *_blank_texts(source),
        *_impossible_date(source),
        *_too_many_active(source),
        *_fewer_at_most_than_first(source),
        *_one_share_alone(source),
        *_bound_above_everything(source),
        *_signature_of_nothing(source),
        *_unreachable_level(source),
    ]


def _at(data: Value, path: KeyPath) -> Value:
    for part in path:
        if isinstance(part, str) and isinstance(data, dict):
            data = data.get(part)
        elif isinstance(part, int) and isinstance(data, tuple) and part < len(data):
            data = data[part]
        else:
            return None
    return data


def _walk(data: Value, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Value]]:
    yield path, data
    if isinstance(data, dict):
        for key, value in data.items():
            yield from _walk(value, (*path, key))
    elif isinstance(data, tuple):
        for index, value in enumerate(data):
            yield from _walk(value, (*path, index))


def _tasks(source: Source) -> tuple[Value, ...]:
    tasks = source.data.get("tasks")
    return tasks if isinstance(tasks, tuple) else ()


def _repeated_ids(source: Source) -> Iterator[Problem]:
    seen: dict[str, int] = {}
    for index in range(len(_tasks(source))):
        path: KeyPath = ("tasks", index, "id")
        name = _at(source.data, path)
        if not isinstance(name, str):
            continue
        if name in seen:
            message = f"the id {quoted(name)} is that of the task on line {seen[name]}"
            yield source.problem(path, message, "give each task its own id")
        seen.setdefault(name, source.line_of(path))


def _repeated_entries(source: Source) -> Iterator[Problem]:
    for path, value in _walk(source.data):
        if not isinstance(value, tuple) or path[-1:] not in {(k,) for k in _LISTS_WITHOUT_REPEATS}:
            continue
        seen: set[str] = set()
        for index, entry in enumerate(value):
            if not isinstance(entry, str):
                continue
            if entry in seen:
                yield source.problem(
                    (*path, index), f"{quoted(entry)} is written twice", "keep one"
                )
            seen.add(entry)


def _blank_texts(source: Source) -> Iterator[Problem]:
    for path, value in _walk(source.data):
        if isinstance(value, str) and value and not value.strip():
            yield source.problem(path, "the text is blank", "write it, or remove the key")


def _impossible_date(source: Source) -> Iterator[Problem]:
    path: KeyPath = ("system", "placed_on_market")
    value = _at(source.data, path)
    if not isinstance(value, str) or len(value) != len("2027-01-31"):
        return
    year, month, day = value[:4], value[5:7], value[8:]
    if value[4] + value[7] != "--" or not (year + month + day).isdecimal():
        return  # the schema says so
    try:
        date(int(year), int(month), int(day))
    except ValueError:
        yield source.problem(path, f"there is no day {value}", "write year-month-day")


def _unreachable_level(source: Source) -> Iterator[Problem]:
    path: KeyPath = ("signing", "level")
    level, url = _at(source.data, path), _at(source.data, ("signing", "timestamp_url"))
    if level in {"B-T", "B-LT", "B-LTA"} and url is None:
        message = f"level {level} needs timestamps"
        yield source.problem(path, message, "name a service under `timestamp_url`, or write B-B")
    if level in {None, "B-B"} and url is not None:
        place: KeyPath = ("signing", "timestamp_url")
        message = "level B-B has no timestamps"
        yield source.problem(place, message, "write `level: B-T` or above, or remove the key")
    formats = _at(source.data, ("report", "formats"))
    if level in {"B-LT", "B-LTA"} and isinstance(formats, tuple) and "pdf" not in formats:
        message = f"only a PDF reaches level {level}"
        yield source.problem(path, message, "add `pdf` to `report.formats`, or write B-T")
    shown: KeyPath = ("signing", "visible")
    if _at(source.data, shown) is True and isinstance(formats, tuple) and "pdf" not in formats:
        message = "only a PDF shows a picture of the seal"
        yield source.problem(shown, message, "add `pdf` to `report.formats`, or remove the key")


def _too_many_active(source: Source) -> Iterator[Problem]:
    seen: set[KeyPath] = set()
    places: list[KeyPath] = [("tasks", index) for index in range(len(_tasks(source)))]
    for place in places or [("defaults",)]:
        k, k_at = _setting(source, place, "k", STANDARD.autoencoder.k)
        latents, at = _setting(source, place, "latents", STANDARD.autoencoder.latents)
        path = k_at or at or place
        if k is not None and latents is not None and k > latents and path not in seen:
            seen.add(path)
            message = f"{k} latents cannot be active where there are {latents}"
            yield source.problem(path, message, "write a `k` of at most `latents`")


def _fewer_at_most_than_first(source: Source) -> Iterator[Problem]:
    """``examples.max`` below ``examples.first``, each as a task writes it or else the defaults."""
    seen: set[KeyPath] = set()
    places: list[KeyPath] = [("tasks", index) for index in range(len(_tasks(source)))]
    for place in places or [("defaults",)]:
        first, first_at = _setting(source, place, "first", STANDARD.examples, "examples")
        most, most_at = _setting(source, place, "max", STANDARD.max_examples, "examples")
        path = most_at or first_at or place
        written = (
            most_at is not None
        )  # a standard maximum gives way to what is written as the first
        if first is not None and most is not None and most < first and written and path not in seen:
            seen.add(path)
            message = f"at most {most} pairs cannot be fewer than the first {first}"
            yield source.problem(path, message, "write a `max` of at least `first`")


def _one_share_alone(source: Source) -> Iterator[Problem]:
    """``min_precision`` without ``min_recall``, or the other way round: together they replace the rule."""
    for index in range(len(_tasks(source))):
        path: KeyPath = ("tasks", index, "expected")
        expected = _at(source.data, path)
        names = {"min_precision", "min_recall"}
        if not isinstance(expected, dict) or len(names & expected.keys()) != 1:
            continue
        if expected.keys() - ExpectedCircuit.model_fields.keys():
            continue  # a key that is not known may be the other one, misspelt
        (written,) = names & expected.keys()
        (missing,) = names - expected.keys()
        message = (
            f"{written} is written without {missing}: the two stand together in place of the rule"
        )
        yield source.problem((*path, written), message, f"write `{missing}` too, or remove the key")


def _signature_of_nothing(source: Source) -> Iterator[Problem]:
    """Latents declared without a dictionary, of heads that are not declared, or twice."""
    for index in range(len(_tasks(source))):
        path: KeyPath = ("tasks", index, "expected", "signature")
        signature = _at(source.data, path)
        if not isinstance(signature, dict):
            continue
        if source.data.get("sae") is None:
            message = "latents are declared, and no dictionary is named: their numbers mean nothing"
            advice = "name one under `sae: {path: ...}` (`auditkit dictionary` writes it)"
            yield source.problem(path, message, advice)
        heads = _at(source.data, (*path[:-1], "heads"))
        for head, latents in signature.items():
            if isinstance(heads, tuple) and head not in heads:
                message = f"head {head} has declared latents and is not declared"
                yield source.problem((*path, head), message, "add it to `heads`, or remove it here")
            if isinstance(latents, tuple) and len(set(latents)) < len(latents):
                yield source.problem((*path, head), "a latent is written twice", "keep one")


_MOST_THRESHOLD = Decimal("0.45")


def _bound_above_everything(source: Source) -> Iterator[Problem]:
    """A ``head_effect`` whose double, the rule's upper bound, is about the whole task effect or more."""
    seen: set[KeyPath] = set()
    for index in range(len(_tasks(source))):
        if _at(source.data, ("tasks", index, "expected")) is None:
            continue
        for block in (("tasks", index), ("defaults",)):
            path: KeyPath = (*block, "thresholds", "head_effect")
            value = _at(source.data, path)
            if value is None:
                continue
            number = _decimal(value)
            if number is not None and _MOST_THRESHOLD < number <= 1 and path not in seen:
                seen.add(path)
                message = (
                    f"with a head_effect of {value} the verdict rule lets undeclared heads carry twice "
                    "that, which is everything"
                )
                yield source.problem(path, message, f"write at most {_MOST_THRESHOLD}")
            break


def _setting(
    source: Source, place: KeyPath, name: str, standard: int, group: str = "autoencoder"
) -> tuple[int | None, KeyPath | None]:
    """A setting of a task, and where it is written; ``None`` when it is no number."""
    for block in (place, ("defaults",)):
        whole: KeyPath = (*block, group)
        number = _at(source.data, whole)
        if isinstance(number, int) and not isinstance(number, bool):
            return number, whole  # a bare number of pairs is as many at first and no more
        path: KeyPath = (*whole, name)
        value = _at(source.data, path)
        if value is not None:
            number = isinstance(value, int) and not isinstance(value, bool)
            return (value if number and isinstance(value, int) else None), path
    return standard, None


def _decimal(value: Value) -> Decimal | None:
    """A value as written as a decimal; ``None`` where it is none, which the schema then says."""
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return None
