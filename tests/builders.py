"""Hand-made records: each field stated, none random, small enough to check by eye.

``audit_record()`` is a run over two tasks on a 2-layer, 2-head model: ``copying`` is consistent
with its expectation, ``counting`` is a task the model does not do.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Any, Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from auditkit.circuits import stability
from auditkit.circuits.codes import CodeSpace
from auditkit.circuits.effects import CARRIED_ALONE, NO_BEHAVIOUR, behaviour_of
from auditkit.circuits.latents import Candidate, carrying, tried_latent, verified
from auditkit.circuits.paths import path_effect
from auditkit.circuits.signature import NO_SIGNATURE
from auditkit.circuits.single import patched_heads
from auditkit.controls.family import FAMILY
from auditkit.controls.outcomes import (
    NEGATIVE_CONTROLS,
    RECORDED,
    control_specification,
    in_layer_order,
    negative_outcome,
    outcomes,
    state_of,
    totals_of,
)
from auditkit.controls.placing import planted_circuits, planted_heads
from auditkit.controls.planting import NULL_KINDS
from auditkit.judging.behaviour import NOTHING_DECLARED
from auditkit.judging.conclusions import conclude
from auditkit.judging.editions import CURRENT
from auditkit.judging.limitations import limitations_of
from auditkit.judging.measured import Measured
from auditkit.judging.ruling import NOTHING_TO_RULE_ON
from auditkit.judging.verdict import NO_EXPECTATION
from auditkit.law import load_law
from auditkit.model.fingerprint import manifest_digest, root_digest, weights_digest
from auditkit.prompts.sets import ONE_LOOK
from auditkit.records.audit import (
    AuditRecord,
    Checkpoint,
    Commitment,
    Editions,
    Environment,
    LegalRegisterReference,
    Memory,
    Operator,
    PolicyReference,
    ReportSettings,
    Signing,
    Times,
    Tool,
)
from auditkit.records.base import Interval, NotAssessed
from auditkit.records.calibration import (
    CalibratedSetting,
    Calibration,
    ControlHead,
    ControlRun,
    DeclaredControls,
    NegativeControl,
    Place,
    VerdictCounts,
)
from auditkit.records.causal import (
    Backup,
    Causal,
    Completion,
    ConstantRole,
    Forwards,
    HeadsEffect,
    JointAblation,
    LeftOut,
    Minimality,
    PatchedHead,
    Paths,
    RandomSets,
    SetEffect,
    TaskEffect,
)
from auditkit.records.codes import (
    CodeSetting,
    HeadRoles,
    Latent,
    NegativeHead,
    NegativeNull,
    TokenRoles,
    TopExample,
)
from auditkit.records.declared import (
    Declarer,
    Expectation,
    HighRisk,
    NotApplicable,
    Provided,
    Provider,
    System,
    ToBeProvided,
)
from auditkit.records.latents import HeadLatents, VerifiedLatents
from auditkit.records.looks import Drops, HeadDrops
from auditkit.records.model import AttentionLayer, FileDigest, ModelIdentity
from auditkit.records.prompts import PromptPair
from auditkit.records.specification import (
    Ablation,
    AutoencoderSettings,
    BootstrapSettings,
    PatchingRule,
    Specification,
    Thresholds,
)
from auditkit.records.task import (
    Behaviour,
    Circuit,
    Codes,
    Comparison,
    ExampleCodes,
    Examples,
    Ladder,
    NullTest,
    PromptSet,
    ScreenedHead,
    TaskRecord,
)
from auditkit.signing.notes import NoteSigner, TreeHead

D = Decimal


DEVELOPMENT_NAME = "CN=auditkit development key,O=UNQUALIFIED DEVELOPMENT KEY - NOT A LEGAL SEAL"


def digest(character: str) -> str:
    """A digest that is visibly made up: one hexadecimal digit repeated."""
    return "sha256:" + character * 64


MODEL_FILES = (
    FileDigest(path="config.json", size=10, sha256=digest("a")),
    FileDigest(path="model.safetensors", size=4936, sha256=digest("b")),
    FileDigest(path="tokenizer.json", size=99, sha256=digest("d")),
)
WEIGHTS = weights_digest(MODEL_FILES)
"""The digest of the weights of every hand-made record."""


LEVEL = D("0.5")
"""Nominal coverage of hand-made intervals: on two pairs nothing is sure at more."""


def interval(mean: str, low: str, high: str, n: int = 2) -> Interval:
    return Interval(mean=D(mean), low=D(low), high=D(high), level=LEVEL, n=n)


def not_in_this_test(what: str) -> NotAssessed:
    return NotAssessed(code="left_out", reason=f"{what} is left out of this hand-made record")


def specification() -> Specification:
    return Specification(
        kind="next_token",
        pooling="mean",
        method="attributed-codes",
        attribution="single",
        attribution_steps=5,
        metric="logit_difference",
        seed=0,
        examples=2,
        max_examples=2,
        test_examples=2,
        ablations=("resample", "mean"),
        autoencoder=AutoencoderSettings(
            latents=4,
            k=2,
            steps=10,
            batch=8,
            learning_rate=D("0.01"),
            seeds=2,
            dictionary=None,
        ),
        thresholds=Thresholds(
            tau=D("0.02"),
            quorum=D("0.5"),
            head_effect=D("0.05"),
            sufficiency=D("0.8"),
            necessity=D("0.5"),
            min_accuracy=D("0.9"),
            tolerance=D("0.1"),
        ),
        patching=PatchingRule(
            budget=1000,
            patience=D("0.25"),
            sample=D("0.25"),
            completion=1,
            backups=1,
            checked=0,
            latents=2,
            paths=64,
        ),
        bootstrap=BootstrapSettings(resamples=100, level=LEVEL),
        null_level=D("0.5"),
        stability_draws=20,
        random_sets=2,
        defaulted=("attribution", "thresholds.tau"),
    )


def examples(origin: str) -> Examples:
    return Examples(
        origin=origin,
        templates=("copy", "copy"),
        discovery=PromptSet(sha256=digest("1"), n=2, repeated=0, uneven=0),
        further=ONE_LOOK,
        test=PromptSet(sha256=digest("2"), n=2, repeated=0, uneven=0),
        shown=PromptPair(
            positive="A B A", negative="C B A", answers=(" B",), wrong=(" C",), template="copy"
        ),
    )


def behaviour(does_it: bool) -> Behaviour:
    """Right on both pairs, or on one of two."""
    values = (D("2.0000"), D("2.0000")) if does_it else (D("-0.1000"), D("0.1000"))
    return behaviour_of(values, (D("-2.0000"), D("-2.0000")), specification())


def screened(head: str, rank: int, effect: str, support: int) -> ScreenedHead:
    """A head with the same effect on both examples: 2 of 4 swaps give as much, or all for none."""
    moves = D(effect) != 0
    return ScreenedHead(
        head=head,
        rank=rank,
        effects=(D(effect), D(effect)),
        attributed=D(effect),
        support=support,
        p_value=D("0.5000") if moves else D("1.0000"),
        q_value=D("0.6667") if moves else D("1.0000"),
    )


def null() -> NullTest:
    """Two examples have four patterns of swapped labels; four heads would need four examples."""
    return NullTest(swaps=4, exact=True, level=D("0.5"), separated=(), least_examples=4)


def token_roles() -> TokenRoles:
    """Three tokens; the first differs, and the other two never do."""
    shares = {"0.1": ("0.2500", "0.7500"), "1.0": ("0.0000", "1.0000")}
    return TokenRoles(
        roles=("first difference", "last"),
        positions=(D("0.6667"), D("0.3333")),
        heads=tuple(
            HeadRoles(head=head, examples=2, shares=(D(first), D(last)))
            for head, (first, last) in shares.items()
        ),
    )


def latents() -> tuple[Latent, ...]:
    """Latent 0 of head 0.1 on both examples; latents 0 and 1 of head 1.0 on one each."""
    first = TopExample(example=0, prompt="positive", position=-1, role="last", size=D("1.0000"))
    second = TopExample(
        example=1, prompt="negative", position=-3, role="first difference", size=D("0.4000")
    )
    effects = {
        7: (D("0.2000"), D("0.1000")),
        13: (D("0.6000"), D("0.0000")),
        14: (D("0.0000"), D("-0.6000")),
    }
    support, mean = {7: 2, 13: 1, 14: 1}, {7: "0.1500", 13: "0.3000", 14: "-0.3000"}
    return tuple(
        Latent(
            code=code,
            head=("0.0", "0.1", "1.0")[code // 6],
            latent=code % 6 - 1,
            effects=each,
            support=support[code],
            mean_effect=D(mean[code]),
            top=(first, second),
        )
        for code, each in effects.items()
    )


def negatives() -> NegativeNull:
    """Head 1.0 shows as much between negatives as on the pairs in one of two comparisons."""
    between = {
        "0.0": ("0.0000", "0.0000", "0.0000", "0.3333"),
        "0.1": ("0.1000", "-0.2000", "0.1500", "0.3333"),
        "1.0": ("0.7000", "0.1000", "0.4000", "0.6667"),
        "1.1": ("0.0000", "0.0000", "0.0000", "1.0000"),
    }
    return NegativeNull(
        examples=(0, 1),
        heads=tuple(
            NegativeHead(
                head=head,
                effects=(D(one), D(other)),
                null_effect=D(mean),
                p_value=D(p_value),
            )
            for head, (one, other, mean, p_value) in between.items()
        ),
    )


def code_settings() -> tuple[CodeSetting, ...]:
    """Two seeds; at the second, head 0.0 has a latent's code under the smaller tau only."""
    found = []
    for seed in (0, 1):
        for tau in ("0.02", "0.010", "0.04"):
            for quorum in ("0.5", "0.3", "0.7"):
                by_latent = ("0.1",) if seed or quorum == "0.7" else ("0.1", "1.0")
                small = ("0.0",) if seed and tau == "0.010" else ()
                found.append(
                    CodeSetting(
                        seed=seed,
                        tau=D(tau),
                        quorum=D(quorum),
                        heads=(*small, "0.1", "1.0"),
                        latent_heads=(*small, *by_latent),
                    )
                )
    return tuple(found)


def codes() -> Codes:
    """Stride 6: head 0.0 owns codes 0-5, 0.1 owns 6-11, 1.0 owns 12-17, 1.1 owns 18-23."""
    return Codes(
        stride=6,
        quorum_count=1,
        examples=(
            ExampleCodes(example=0, codes=(0, 7, 11, 13, 17, 18)),
            ExampleCodes(example=1, codes=(0, 7, 11, 14, 17, 18)),
        ),
        signature=(7, 11, 13, 14, 17),
        heads=(
            screened("0.0", 3, "0.0100", support=0),
            screened("0.1", 2, "0.3000", support=2),
            screened("1.0", 1, "0.7000", support=2),
            screened("1.1", 4, "0.0000", support=0),
        ),
        unexplained_variance=D("0.1200"),
        ties=0,
        unvarying=(),
        roles=token_roles(),
        latents=latents(),
        negatives=negatives(),
        envelope=stability.code_envelope(code_settings()),
    )


def patched(head: str, effect: str, chosen: str = "ranked") -> PatchedHead:
    return PatchedHead.model_validate_json(
        f'{{"head":"{head}","chosen":"{chosen}","effects":["{effect}","{effect}"],'
        f'"effect":{interval(effect, effect, effect).model_dump_json()}}}'
    )


def set_effects(share: str) -> tuple[SetEffect, ...]:
    return tuple(
        SetEffect(
            ablation=ablation,
            shares=(D(share), D(share)),
            share=interval(share, share, share),
            state="observed",
        )
        for ablation in ("resample", "mean")
    )


def left_out(head: str, loss: str) -> LeftOut:
    return LeftOut(head=head, losses=(D(loss), D(loss)), loss=interval(loss, loss, loss))


def backup(head: str, primary: str, gain: str) -> Backup:
    return Backup(
        head=head, primary=primary, gains=(D(gain), D(gain)), gain=interval(gain, gain, gain)
    )


def drops(pairs: Literal["discovery", "test"], ablation: Ablation) -> TaskEffect:
    return TaskEffect(
        pairs=pairs,
        ablation=ablation,
        drops=(D("4.0000"), D("4.0000")),
        drop=interval("4.0000", "4.0000", "4.0000"),
    )


def effect() -> HeadsEffect:
    """Two pairs have four patterns of swapped labels, and two of them give as much."""
    return HeadsEffect(
        measured=(drops("discovery", "resample"), drops("test", "resample"), drops("test", "mean")),
        swaps=4,
        exact=True,
        p_value=D("0.5000"),
        state="observed",
    )


EFFECTS = {"0.0": "0.0000", "0.1": "0.2500", "1.0": "0.7500", "1.1": "0.0000"}
"""The effect of each head of the hand-made record, on either pair."""


def head_drops(effects: Mapping[str, str]) -> Drops:
    """What heads of these effects take away, of the 4 that all of them do on either pair."""
    return Drops(
        whole=(D("4.0000"), D("4.0000")),
        heads=tuple(
            HeadDrops(head=head, drops=(D("4") * D(effect),) * 2)
            for head, effect in effects.items()
        ),
        joint=(),
    )


def causal_of(effects: Mapping[str, str]) -> dict[str, Any]:
    """Drops and single effects of a causal check with these heads."""
    drops = head_drops(effects)
    return {
        "drops": drops,
        "patched": patched_heads(drops, dict.fromkeys(effects, "all"), LEVEL, 2),
    }


SPACE = CodeSpace(("0.0", "0.1", "1.0", "1.1"), latents=4)
"""The codes of the hand-made record."""


def head_latents(head: str, exact: str, effects: Mapping[int, str], both: str) -> HeadLatents:
    """Two latents of a head replaced on either pair, the first given doing the most, and then both."""
    twice = {latent: (D(effect), D(effect)) for latent, effect in effects.items()}
    tried = tuple(
        tried_latent(head, Candidate(latent, seen[0]), seen, SPACE, specification())
        for latent, seen in twice.items()
    )
    whole, together = (D(exact), D(exact)), (tried[0].effects, (D(both), D(both)))
    return HeadLatents(
        head=head,
        exact=whole,
        tried=tried,
        together=together,
        all_latents=whole,
        unexplained=(D("0.0000"), D("0.0000")),
        carrying=carrying(tried, together, whole, D("0.8")),
    )


def verified_latents() -> VerifiedLatents:
    """Head 0.1 is carried by one latent, 1.0 by two of them together."""
    return verified(
        (
            head_latents("0.1", "0.2500", {1: "0.2400", 2: "0.0100"}, "0.2500"),
            head_latents("1.0", "0.7500", {0: "0.5000", 3: "0.2000"}, "0.7000"),
        ),
        specification(),
    )


def causal() -> Causal:
    return Causal(
        **causal_of(EFFECTS),
        unpatched=(),
        completion=Completion(alone=set_effects("1.0000")[0], heads=(), completed=CARRIED_ALONE),
        sufficiency=set_effects("1.0000"),
        necessity=set_effects("0.9500"),
        random_sets=RandomSets(
            circuit=D("0.9500"), shares=(D("0.1000"),), at_least=0, p_value=D("0.5000")
        ),
        minimality=Minimality(
            ablation="resample",
            left_out=(left_out("0.1", "0.2000"), left_out("1.0", "0.7000")),
            dispensable=(),
            removed=(),
        ),
        joint_ablation=JointAblation(
            tried=(backup("0.0", "1.0", "0.2500"),),
            backups=("0.0",),
            with_backups=set_effects("0.9800"),
        ),
        constant_role=ConstantRole(
            patched=(patched("0.0", "0.0000"), patched("1.1", "0.9000")),
            heads=("1.1",),
            with_circuit=set_effects("1.0000")[1],
        ),
        latents=verified_latents(),
        paths=Paths(
            tried=(path_effect(("0.1", "1.0"), (D("0.2000"), D("0.2000")), specification()),),
            untried=0,
        ),
        signature=NO_SIGNATURE,
        forwards=Forwards(attribution=12, search=20, checks=160, latents=24, paths=4),
    )


PLACES: dict[str, Place] = {"constant_role": "constant_role", "backup": "backup"}


def control_behaviour(positive: str) -> Behaviour:
    """A control model whose metric is the same on each of its 20 test pairs."""
    values = [D(positive)] * 20
    return behaviour_of(values, [D("-2.0000")] * 20, specification())


def summed_up(setting: CalibratedSetting) -> CalibratedSetting:
    """The setting with every outcome, total and state as the rules give them."""
    models = tuple(
        run.model_copy(
            update={
                "heads": tuple(
                    head.model_copy(update={"outcome": outcome})
                    for head, outcome in zip(
                        run.heads, outcomes(run, setting.specification), strict=True
                    )
                )
            }
        )
        for run in setting.models
    )
    negatives = tuple(
        each.model_copy(update={"outcome": negative_outcome(each.reported)})
        for each in setting.negative_controls
    )
    sums = {"totals": totals_of(models), "state": state_of(models, negatives, setting.declared)}
    return setting.model_copy(update={"models": models, "negative_controls": negatives, **sums})


@cache
def calibration(
    *,
    lost: tuple[str, ...] = (),
    tasks: tuple[str, ...] = ("copying", "counting"),
    asked: Specification | None = None,
) -> Calibration:
    """Every control model with its planted heads reported as planted; heads ``model/head`` are not.

    For these tasks, with the settings ``asked``, or those of the hand-made record.
    """
    setting = CalibratedSetting(
        tasks=tasks,
        taken_from=None,
        declared=DeclaredControls(
            pairs=24,
            right=VerdictCounts(consistent=7, not_consistent=0, inconclusive=1),
            wrong=VerdictCounts(consistent=0, not_consistent=60, inconclusive=2),
        ),
        specification=control_specification(asked or specification()),
        models=tuple(
            ControlRun(
                name=plan.name,
                attention=plan.attention,
                negatives=plan.negatives,
                circuits=in_layer_order(planted_circuits(plan)),
                behaviour=control_behaviour("2.0000"),
                looked_for=("circuit", "constant_role", "backup"),
                heads=tuple(
                    ControlHead(
                        head=each.head,
                        kind=RECORDED[each.kind],
                        primary=each.primary,
                        effect=D("0.5000"),
                        reported="not_reported"
                        if each.kind in NULL_KINDS or f"{plan.name}/{each.head}" in lost
                        else PLACES.get(RECORDED[each.kind], "circuit"),
                        outcome="not_looked_for",
                    )
                    for each in planted_heads(plan)
                ),
            )
            for plan in FAMILY
        ),
        negative_controls=tuple(
            NegativeControl(
                name=name,
                behaviour=control_behaviour("-2.0000"),
                reported=(),
                outcome="nothing_reported",
            )
            for name in NEGATIVE_CONTROLS
        ),
        totals=(),
        state="not_observed",
    )
    return Calibration(settings=(summed_up(setting),))


def with_conclusions(task: TaskRecord) -> TaskRecord:
    """The task with what its measurements come to for the weights of ``MODEL_FILES``."""
    controls = calibration(tasks=(task.id,), asked=task.specification)
    return conclude(Measured.of(task), WEIGHTS, controls)


def copying() -> TaskRecord:
    return with_conclusions(
        TaskRecord(
            id="copying",
            title="Copies the name seen before",
            evidence_for=("13(3)(b)(iv)", "IV.2(g)"),
            wanted=None,
            concerns=(),
            specification=specification(),
            examples=examples("generator:copying"),
            behaviour=behaviour(does_it=True),
            behaviour_ruling=NOTHING_DECLARED,
            effect=effect(),
            codes=codes(),
            null=null(),
            causal=causal(),
            circuit=Circuit(
                heads=("0.1", "1.0"),
                edges=(),
                pairs_tested=0,
            ),
            stability=not_in_this_test("Stability"),
            expected=Expectation(
                heads=("0.1", "1.0"),
                min_precision=D("0.8"),
                min_recall=D("0.8"),
                declared_for=WEIGHTS,
                source="worked out by hand",
            ),
            ruling=not_in_this_test("The verdict rule"),
            comparison=Comparison(
                matched=("0.1", "1.0"),
                missing=(),
                extra=(),
                precision=D("1.0000"),
                recall=D("1.0000"),
                met_by_chance=D("0.1667"),
            ),
            ladder=Ladder(
                behaviour="observed",
                association="not_assessed",
                causal="observed",
                stable="not_assessed",
            ),
            findings=(),
            mechanism="consistent",
            verdict="consistent",
        )
    )


def counting() -> TaskRecord:
    absent = NO_BEHAVIOUR
    return with_conclusions(
        TaskRecord(
            id="counting",
            title="Counts to ten",
            evidence_for=("13(3)(b)(ii)",),
            wanted=None,
            concerns=(),
            specification=specification(),
            examples=examples("file:counting.jsonl"),
            behaviour=behaviour(does_it=False),
            behaviour_ruling=NOTHING_DECLARED,
            effect=absent,
            codes=absent,
            null=absent,
            causal=absent,
            circuit=absent,
            stability=absent,
            expected=NO_EXPECTATION,
            ruling=NOTHING_TO_RULE_ON,
            comparison=NO_EXPECTATION,
            ladder=Ladder(
                behaviour="not_observed",
                association="not_assessed",
                causal="not_assessed",
                stable="not_assessed",
            ),
            findings=(),
            mechanism="not_assessed",
            verdict="not_assessed",
        )
    )


def system() -> System:
    return System(
        name="Example screening system",
        version="1.2",
        intended_purpose="Ranks applications for review by a person.",
        high_risk=HighRisk(annex="III", point="4(a)"),
        placed_on_market=None,
        provider=Provider(
            name="Example Provider GmbH",
            address="Beispielweg 1, 10115 Berlin, Germany",
            email="compliance@example.invalid",
            authorised_representative=None,
        ),
    )


def model_identity() -> ModelIdentity:
    layers = tuple(
        AttentionLayer(
            index=i,
            n_heads=2,
            d_head=4,
            module=f"transformer.h.{i}.attn.c_proj",
            found_by="interface",
        )
        for i in range(2)
    )
    return ModelIdentity(
        name="toy",
        revision=None,
        architecture="GPT2LMHeadModel",
        n_parameters=1234,
        layers=layers,
        manifest=MODEL_FILES,
        manifest_digest=manifest_digest(MODEL_FILES),
        root_digest=root_digest(MODEL_FILES),
        weights_digest=WEIGHTS,
        tokenizer_digest=digest("d"),
        read_from="snapshot",
        pinned=(),
    )


def only_record_checkpoint(leaf_hash: str) -> Checkpoint:
    """The signed checkpoint of a store that holds one record."""
    origin = "auditkit-test-store"
    head = TreeHead(origin, 1, bytes.fromhex(leaf_hash.removeprefix("sha256:")))
    signed = note_signer().sign(head)
    return Checkpoint(
        origin=origin,
        tree_size=1,
        leaf_index=0,
        leaf_hash=leaf_hash,
        root_hash=leaf_hash,
        inclusion_proof=(),
        note=signed.note,
        verifier_key=signed.verifier_key,
    )


def audit_record() -> AuditRecord:
    tasks = (copying(), counting())
    return AuditRecord(
        schema_version="3",
        editions=Editions(rules=CURRENT.number, page=digest("8")),
        run_id="01234567-89ab-7def-8123-456789abcdef",
        supersedes=None,
        tool=Tool(name="auditkit", version="0.1.0", source_digest=digest("5")),
        environment=Environment(
            python="3.11.7",
            platform="Linux-x86_64",
            torch="2.13.0",
            transformers="5.23.0",
            device="cpu",
            dtype="float32",
            threads=1,
            memory=Memory(
                budget=2 << 30,
                peak=734 << 20,
                peak_of="process",
                layers_offloaded=False,
                outputs_in_files=False,
            ),
        ),
        policy=PolicyReference(
            sha256=digest("6"),
            declared_by=Declarer(name="Ada Example", role="Head of compliance"),
            committed_at=None,
        ),
        system=system(),
        model=model_identity(),
        calibration=calibration(),
        tasks=tasks,
        verdict="not_assessed",
        instructions_for_use={
            "13(3)(b)(ii)": Provided(text="Accuracy was measured on 1,000 applications."),
            "13(3)(e)": NotApplicable(not_applicable="The system runs on the provider's servers."),
            "13(3)(d)": ToBeProvided(owner="Product management"),
        },
        limitations=limitations_of(tasks, committed_at=None),
        legal_register=LegalRegisterReference(
            version=load_law().legal_register.version, read_on="2026-11-20", review_by="2027-02-20"
        ),
        report=ReportSettings(language="en", formats=("html", "pdf"), templates=()),
        signing=Signing(
            key_level="development",
            key_kind="development",
            subject=DEVELOPMENT_NAME,
            issuer=DEVELOPMENT_NAME,
            pades="B-B",
            timestamp_url=None,
            visible=False,
        ),
        operator=Operator(name=None, automated=False),
        times=Times(started="2026-11-20T09:30:00Z", finished="2026-11-20T09:30:05Z"),
        checkpoint=only_record_checkpoint(digest("7")),
    )


def committed(policy: PolicyReference, timestamped_at: str | None) -> PolicyReference:
    """The policy with a commitment, timestamped at a moment or dated by its signer's clock only."""
    made = Commitment(
        sha256=digest("d"),
        certificate_sha256=digest("e"),
        signer="CN=Example Provider seal",
        signed_at="2026-11-19T08:00:00Z",
        timestamped_at=timestamped_at,
        authority=None if timestamped_at is None else "Common Name: Example Timestamps",
    )
    return policy.model_copy(update={"committed_at": timestamped_at, "commitment": made})


def with_visible_seal(record: AuditRecord, **signing: str) -> AuditRecord:
    """The record of a report whose seal is seen on page 1, signed otherwise where that is said."""
    stated = record.signing.model_copy(update={"visible": True, **signing})
    return record.model_copy(update={"signing": stated})


def note_signer(seed: int = 1) -> NoteSigner:
    """A signer of checkpoints whose key is always the same, another for each seed."""
    return NoteSigner(Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32))
