"""The mechanism of one task: which heads carry it, and what shows that. Stages 4 to 9 of ``engine``.

``investigate`` is the default method, ``find_unique_codes`` the published one; ``FINDING`` names both.
Each stage takes and returns frozen values, and what a stage decides is decided in its own module.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from auditkit.circuits.circuit import circuit_of, grounds
from auditkit.circuits.codes import (
    CodeSpace,
    RankedCodes,
    by_size,
    ranking,
)
from auditkit.circuits.effects import NO_BEHAVIOUR, behaviour_of, effect_of, why_no_effect
from auditkit.circuits.methods import Found, Mechanism
from auditkit.circuits.unique_codes import NO_CIRCUIT, NOTHING_CAUSAL
from auditkit.identifying.activations import Captured, MeanOutputs, capture, first_pairs
from auditkit.identifying.attribution import against_means
from auditkit.identifying.batches import batches_for, in_order
from auditkit.identifying.interventions import (
    Intervention,
    left_out,
    random_sets,
    set_effects,
    task_effect,
)
from auditkit.identifying.latents import check_signature, verify_latents
from auditkit.identifying.looking import Further
from auditkit.identifying.needed import constant_role, joint_ablation
from auditkit.identifying.paths import patch_paths
from auditkit.identifying.screening import Screened, in_detail, screen
from auditkit.identifying.search import Searched, Sought, search
from auditkit.identifying.unique_codes import observe_codes
from auditkit.model.subject import Subject
from auditkit.progress import Advance, Progress
from auditkit.prompts.pairs import ResolvedPair
from auditkit.records.base import HeadId, measured
from auditkit.records.causal import Causal, Forwards
from auditkit.records.specification import Ablation, MethodName, Specification
from auditkit.records.task import Behaviour
from auditkit.sae.dictionary import Dictionary


@dataclass(frozen=True)
class Question:
    """A task's pairs, and the heads that are declared for it.

    ``discovery`` are the pairs of the first look, ``further`` those after them, for heads that are left open.
    ``declared`` is empty where nothing is, or where it was declared for other weights; ``signature`` are the
    latents of the ``dictionary`` that are declared for some of these heads. Without one, autoencoders are
    trained on the discovery pairs.
    """

    discovery: Sequence[ResolvedPair]
    further: Sequence[ResolvedPair]
    test: Sequence[ResolvedPair]
    declared: tuple[HeadId, ...]
    signature: Mapping[HeadId, Sequence[int]] = field(default_factory=dict)
    dictionary: Dictionary | None = None


@dataclass(frozen=True)
class Trials:
    """The model with its heads replaced: on the discovery pairs, on further ones, and on the test pairs.

    ``discovery`` and ``further`` are under the first declared ablation, ``test`` under each. What is asked of
    a circuit once it is found uses the first pairs of a set, as many as the specification says:
    ``few`` are those discovery pairs, ``few_test`` the test pairs under the first ablation,
    ``resampled`` the resampling of ``few`` and ``all_resampled`` of all discovery pairs, whichever ablations
    were declared, and ``averaged`` the mean ablations of ``few`` and of all test pairs.
    """

    subject: Subject
    captured: tuple[Captured, ...]
    few: tuple[Captured, ...]
    means: MeanOutputs
    discovery: Intervention
    further: Further
    test: tuple[Intervention, ...]
    few_test: Intervention
    resampled: Intervention
    all_resampled: Callable[[], Intervention]
    averaged: tuple[Intervention, Intervention]

    @classmethod
    def of(
        cls,
        subject: Subject,
        discovery: tuple[Captured, ...],
        further: Sequence[ResolvedPair],
        test: tuple[Captured, ...],
        specification: Specification,
    ) -> Trials:
        """The trials that a specification asks for."""
        means = MeanOutputs.over(discovery)

        def on(captured: tuple[Captured, ...], ablation: Ablation) -> Intervention:
            return Intervention(subject, captured, ablation, means)

        def on_further(start: int, end: int) -> Intervention:
            pairs = further[start - n_first : end - n_first]
            observed = observe(subject, pairs, specification, attributed=False, positives=False)
            return on(observed, ablations[0])

        ablations, n_first = specification.ablations, _size(discovery)
        most = specification.patching.checked or max(n_first, _size(test))
        few, few_test = first_pairs(discovery, most), first_pairs(test, most)
        on_discovery = on(discovery, ablations[0])
        on_test = {ablation: on(test, ablation) for ablation in ablations}
        return cls(
            subject=subject,
            captured=discovery,
            few=few,
            means=means,
            discovery=on_discovery,
            further=on_further,
            test=tuple(on_test.values()),
            few_test=on(few_test, ablations[0]),
            resampled=on(few, "resample"),
            all_resampled=lambda: (
                on_discovery if ablations[0] == "resample" else on(discovery, "resample")
            ),
            averaged=(on(few, "mean"), on_test.get("mean") or on(test, "mean")),
        )


def _size(captured: tuple[Captured, ...]) -> int:
    return sum(len(item.batch.places) for item in captured)


def observe(
    subject: Subject,
    pairs: Sequence[ResolvedPair],
    specification: Specification,
    *,
    attributed: bool,
    positives: bool = True,
) -> tuple[Captured, ...]:
    """What the model did on these pairs, with the gradients of the attribution where they are needed.

    Interventions on the test pairs ask for what the heads did on the negatives alone: without
    ``positives`` the rest is not kept.
    """
    return capture(
        subject,
        batches_for(subject, pairs, specification.metric),
        specification.attribution if attributed else None,
        specification.attribution_steps,
        "discovery pair" if attributed else "test pair",
        positives=positives,
    )


def investigate(
    subject: Subject,
    question: Question,
    test: tuple[Captured, ...],
    specification: Specification,
    advance: Advance,
) -> Found:
    """Whether replacing every head takes the task away beyond chance; then which heads do it, and how."""
    before = subject.forwards
    captured = observe(subject, question.discovery, specification, attributed=True)
    attribution = subject.forwards - before
    trials = Trials.of(subject, captured, question.further, test, specification)
    effect = effect_of(
        [
            task_effect(trials.discovery, "discovery", specification),
            *(task_effect(each, "test", specification) for each in trials.test),
        ],
        specification,
    )
    if effect.state == "not_observed":
        return Found.nothing(why_no_effect(effect), effect)
    found = find_mechanism(trials, question, specification, attribution, advance)
    return Found(effect, found.codes, found.causal, found.circuit)


def find_mechanism(
    trials: Trials,
    question: Question,
    specification: Specification,
    attribution: int,
    advance: Advance,
) -> Mechanism:
    """Codes and the circuit from the pairs that find it; what the circuit does on the test pairs.

    ``attribution`` is the number of forward passes that went into the attributed effects.
    """
    subject = trials.subject
    before = subject.forwards
    effect, dictionary = trials.discovery.task_effect, question.dictionary
    codes, screened = screen(subject, trials.captured, specification, effect, dictionary)
    space = screened.space
    n_pairs = len(question.discovery) + len(question.further)
    sought = Sought(trials.discovery, trials.further, n_pairs, question.declared)
    found = find_circuit(codes, space, sought, specification, advance)
    spent = attribution, subject.forwards - before
    causal = check(trials, found, screened, question, specification, spent)
    circuit = circuit_of(grounds(causal), specification.thresholds)
    detailed = in_detail(codes, circuit, screened, trials.captured, specification)
    return Mechanism(detailed, causal, circuit)


def find_circuit(
    codes: RankedCodes,
    space: CodeSpace,
    sought: Sought,
    specification: Specification,
    advance: Advance,
) -> Searched:
    """The search, in the order that screening gives."""
    coded = set(codes.signature)
    screened = frozenset(
        head for place, head in enumerate(space.head_ids) if space.whole_code(place) in coded
    )
    ranked = ranking({head.head: head.effects for head in codes.heads})
    return search(sought, ranked, screened, specification, advance)


def check(
    trials: Trials,
    found: Searched,
    screened: Screened,
    question: Question,
    specification: Specification,
    spent: tuple[int, int],
) -> Causal:
    """What the circuit found does on the test pairs, which heads beside it are needed, and its latents.

    ``spent`` are the forward passes made so far: to attribute effects and to search.
    """
    before = trials.subject.forwards
    heads = found.circuit(specification.thresholds)
    sufficiency, necessity = set_effects(trials.test, heads, specification)
    others = random_sets(trials.few_test, heads, specification)
    minimality = left_out(trials.few_test, heads, specification)
    joint = joint_ablation(
        trials.subject, trials.few, trials.resampled, trials.test, heads, specification
    )
    by_mean = by_size(trials.subject.head_ids, against_means(trials.captured, trials.means))
    replaced = {each.head for each in found.patched}
    constant = constant_role(
        *trials.averaged, [head for head in by_mean if head in replaced], heads, specification
    )
    checked = trials.subject.forwards
    latents = verify_latents(trials.resampled, trials.few, heads, screened, specification)
    signature = check_signature(
        trials.all_resampled, trials.captured, question.signature, screened, specification
    )
    told = trials.subject.forwards
    measurements = (*found.patched, *found.completion.heads)
    paths = patch_paths(
        trials.subject, trials.resampled, trials.few, heads, measurements, specification
    )
    attribution, searched = spent
    return Causal(
        drops=found.drops,
        patched=found.patched,
        unpatched=found.unpatched,
        completion=found.completion,
        sufficiency=sufficiency,
        necessity=necessity,
        random_sets=others,
        minimality=minimality,
        joint_ablation=joint,
        constant_role=constant,
        latents=latents,
        paths=paths,
        signature=signature,
        forwards=Forwards(
            attribution=attribution,
            search=searched,
            checks=checked - before,
            latents=told - checked,
            paths=trials.subject.forwards - told,
        ),
    )


def find_unique_codes(
    subject: Subject,
    question: Question,
    test: tuple[Captured, ...],
    specification: Specification,
    advance: Advance,
) -> Found:
    """The published method's codes on the discovery pairs; it asks nothing of the test pairs."""
    del test
    captured = observe(subject, question.discovery, specification, attributed=False)
    observed = observe_codes(subject, captured, specification)
    advance(len(subject.heads))
    return Found(NOTHING_CAUSAL, observed, NOTHING_CAUSAL, NO_CIRCUIT)


Find = Callable[[Subject, Question, tuple[Captured, ...], Specification, Advance], Found]
"""What a method makes of a task's question, and of its test pairs as they ran."""

FINDING: dict[MethodName, Find] = {
    "attributed-codes": investigate,
    "unique-codes": find_unique_codes,
}


def examine(
    subject: Subject,
    question: Question,
    specification: Specification,
    name: str,
    progress: Progress,
) -> tuple[Behaviour, Found]:
    """Behaviour, then the mechanism if there is a behaviour: of a task or of a known-answer control."""
    with progress.stage(f"{name}: behaviour", 1) as advance:
        on_test = observe(subject, question.test, specification, attributed=False, positives=False)
        behaviour = measure_behaviour(on_test, specification)
        advance(1)
    if behaviour.state == "not_observed":
        return behaviour, Found.nothing(NO_BEHAVIOUR)
    with progress.stage(f"{name}: patch heads", len(subject.heads)) as advance:
        find = FINDING[specification.method]
        return behaviour, find(subject, question, on_test, specification, advance)


def measure_behaviour(captured: tuple[Captured, ...], specification: Specification) -> Behaviour:
    """Whether the model does the task on the captured pairs."""
    batches = [item.batch for item in captured]
    positive = in_order([item.positive_metric for item in captured], batches)
    negative = in_order([item.negative_metric for item in captured], batches)
    return behaviour_of(
        [measured(value) for value in positive.tolist()],
        [measured(value) for value in negative.tolist()],
        specification,
    )
