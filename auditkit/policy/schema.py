"""A policy: the system, the model, the tasks and what is expected of them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag
from pydantic_core import PydanticCustomError
from typing_extensions import TypeAliasType

from auditkit.messages import catalogue, languages
from auditkit.policy.settings import Settings
from auditkit.policy.specifying import specify
from auditkit.policy.written import GeneratorName, HookId, ItemId, Rate, Share, Written
from auditkit.prompts.generators import GENERATORS
from auditkit.records.audit import PadesLevel, ReportSettings, TemplateFile
from auditkit.records.base import HeadId, Record, Sha256
from auditkit.records.declared import (
    Declarer,
    Expectation,
    Line,
    NotApplicable,
    Provided,
    System,
    ToBeProvided,
)
from auditkit.records.model import Dtype
from auditkit.records.specification import Metric, Specification


def _kind(*keys: str) -> Any:  # noqa: ANN401 - a callable of any written value
    """Tells alternatives apart by the one key that is written of ``keys``; else by nothing.

    The tag is ``by <key>``, which no policy can hold as a key: pydantic puts it into error paths.
    """

    def of(value: object) -> str | None:
        if isinstance(value, dict):
            present = [key for key in keys if key in value]
        else:
            present = [key for key in keys if getattr(value, key, None) is not None]
        return f"by {present[0]}" if len(present) == 1 else None

    return of


class KeySignature(Record):
    """A signature over the model's files, by a key that is known."""

    bundle: Line = Field(description="The signature file (OpenSSF Model Signing), from this file.")
    public_key: Line = Field(description="The signer's public key (PEM), relative to this file.")

    @property
    def certificate(self) -> None:
        """The signer is known by the bare key."""


class CertificateSignature(Record):
    """A signature over the model's files, by the holder of a certificate."""

    bundle: Line = Field(description="The signature file (OpenSSF Model Signing), from this file.")
    certificate: Line = Field(
        description="The signer's certificate, or its issuer's (PEM), relative to this file."
    )

    @property
    def public_key(self) -> None:
        """The signer is known by a certificate."""


ModelSignature = TypeAliasType(
    "ModelSignature",
    Annotated[
        Annotated[KeySignature, Tag("by public_key")]
        | Annotated[CertificateSignature, Tag("by certificate")],
        Discriminator(
            _kind("public_key", "certificate"),
            custom_error_type="alternative",
            custom_error_message="the signer is known in one of two ways, with exactly one of them",
            custom_error_context={
                "advice": "write `public_key: <key.pem>`, or `certificate: <certificate.pem>`"
            },
        ),
    ],
)


class Pins(Record):
    """What the policy fixes the model's files by, beforehand."""

    root_digest: Written[Sha256] = Field(
        None, description="Digest over the contents of all files (`auditkit model inspect`)."
    )
    weights_digest: Written[Sha256] = Field(
        None, description="Digest over the weight files (`auditkit model inspect`)."
    )
    signature: Written[ModelSignature] = Field(
        None, description="A signature over the model's files, verified before it is loaded."
    )


class LocalModel(Pins):
    """A model in a folder, relative to the policy file."""

    path: Line = Field(description="The model folder, relative to this file.")
    dtype: Dtype = Field("float32", description="The number format the model is run in.")

    @property
    def revision(self) -> None:
        """A folder has no revision: its files are identified by digest."""


class HubModel(Pins):
    """A model on the Hugging Face hub, fixed by the hash of a commit."""

    hub: Annotated[str, Field(pattern=r"^[\w.-]+/[\w.-]+$", max_length=200)] = Field(
        description="The repository on the hub: organisation/name."
    )
    revision: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")] = Field(
        description="The commit: 40 lower-case hexadecimal digits. A branch or tag can move."
    )
    dtype: Dtype = Field("float32", description="The number format the model is run in.")


Model = Annotated[
    Annotated[LocalModel, Tag("by path")] | Annotated[HubModel, Tag("by hub")],
    Discriminator(
        _kind("path", "hub"),
        custom_error_type="alternative",
        custom_error_message="the model is named in one of two ways, with exactly one of them",
        custom_error_context={
            "advice": "write `path: <folder>`, or `hub: <owner/name>` with `revision: <commit>`"
        },
    ),
]


class NamedDictionary(Record):
    """A file of trained autoencoders, so that the numbers of latents stay what they are."""

    path: Line = Field(description="The file (`auditkit dictionary` writes one), from this file.")


class GeneratedPrompts(Record):
    """Prompts made by a generator that comes with auditkit."""

    generator: GeneratorName = Field(description="The name of a prompt generator.")

    @property
    def file(self) -> None:
        """Generated prompts come from no file."""

    def metric(self) -> Metric:
        """How answers are compared unless the policy says otherwise: as the generator says."""
        return GENERATORS[self.generator].metric


class PromptFile(Record):
    """Prompts read from a file of pairs, relative to the policy file."""

    file: Line = Field(
        description="A .jsonl, .json or .csv file of positive, negative, answer and wrong."
    )

    @property
    def generator(self) -> None:
        """Prompts of a file come from no generator."""

    def metric(self) -> Metric:
        """How answers are compared unless the policy says otherwise."""
        return "logit_difference"


Prompts = Annotated[
    Annotated[GeneratedPrompts, Tag("by generator")] | Annotated[PromptFile, Tag("by file")],
    Discriminator(
        _kind("generator", "file"),
        custom_error_type="alternative",
        custom_error_message="prompts come from one of two sources, with exactly one of them named",
        custom_error_context={"advice": "write `generator: <name>`, or `file: <pairs.jsonl>`"},
    ),
]


Latents = Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1, max_length=64)]
"""Numbers of latents of one head."""


class ExpectedCircuit(Expectation):
    """The circuit declared for a task before the run, and what judges it: the verdict rule, or two shares."""

    signature: Written[dict[HeadId, Latents]] = Field(
        None,
        description="By head, the latents of the dictionary under `sae` that do the head's work.",
    )
    min_precision: Written[Rate] = Field(
        None,
        description="Least share of the heads found that were declared, in place of the verdict rule; "
        "with min_recall.",
    )
    min_recall: Written[Rate] = Field(
        None,
        description="Least share of the heads declared that are found, in place of the verdict rule; "
        "with min_precision.",
    )
    min_sufficiency: Written[Share] = Field(
        None, description="Least share of the task effect these heads are claimed to carry alone."
    )


class PolicyTask(Settings):
    """One thing the model is asked to do, and what is expected of it."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$")] = Field(
        description="A short name, unique in the policy: lower-case letters, digits, - and _."
    )
    title: Line = Field(description="What the task is, for a reader.")
    prompts: Prompts = Field(description="Where the prompt pairs come from.")
    wanted: Written[bool] = Field(
        None, description="Whether the system is meant to behave so: true, or false."
    )
    concerns: Annotated[tuple[Line, ...], Field(max_length=20)] = Field(
        (), description="Groups of people that the behaviour concerns, such as sex or age."
    )
    circuit: Written[ExpectedCircuit] = Field(
        None, alias="expected", description="The circuit declared before the run."
    )
    evidence_for: tuple[HookId, ...] = Field(
        (), description="Items of Article 13(3) and Annex IV the evidence is cited for."
    )

    @property
    def expected(self) -> Expectation | None:
        """The declared circuit as it enters the record, or ``None`` when none was declared."""
        return None if self.circuit is None else Expectation(**dict(self.circuit))


Statement = Annotated[
    Annotated[Provided, Tag("by text")]
    | Annotated[NotApplicable, Tag("by not_applicable")]
    | Annotated[ToBeProvided, Tag("by owner")],
    Discriminator(
        _kind("text", "not_applicable", "owner"),
        custom_error_type="alternative",
        custom_error_message="an item is answered in one of three ways, with exactly one of them",
        custom_error_context={
            "advice": "write `text: ...`, `not_applicable: <reason>`, or `owner: <who owes it>`"
        },
    ),
]


def _with_a_catalogue(language: str) -> str:
    if language not in languages():
        choices = {"expected": ", ".join(languages())}
        raise PydanticCustomError("literal_error", "there is no report in it", choices)
    catalogue(language)  # one that cannot be used is found before the audit, not after
    return language


class ReportBlock(Record):
    """The report: its language, and the files it is written as."""

    language: Annotated[str, AfterValidator(_with_a_catalogue)] = Field(
        "en",
        max_length=8,
        description="The language of the report, by its two letters; English is shipped.",
    )
    formats: Annotated[tuple[Literal["html", "pdf"], ...], Field(min_length=1)] = Field(
        ("html", "pdf"), description="The files the report is written as."
    )
    template_dir: Written[Line] = Field(
        None, description="A folder of own templates for sections of the report."
    )

    def settings(self, templates: tuple[TemplateFile, ...]) -> ReportSettings:
        """The block as it enters the record, with the own templates that were read."""
        return ReportSettings(language=self.language, formats=self.formats, templates=templates)


class SigningBlock(Record):
    """The signature: its key, the level it reaches, where timestamps come from, whether it is shown."""

    key: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$")] = Field(
        "default", description="The name of the signing key in the machine's keys file."
    )
    level: PadesLevel = Field(
        "B-B", description="The baseline level of the PDF's signature (ETSI EN 319 142-1)."
    )
    timestamp_url: Annotated[
        str | None, Field(pattern=r"^https?://[^\s/@]+(/[^\s]*)?$", max_length=500)
    ] = Field(None, description="The timestamp service (RFC 3161), for every level above B-B.")
    visible: bool = Field(
        default=False, description="Whether page 1 of the PDF shows a picture of the seal."
    )


class Policy(Record):
    """Everything a provider declares for one audit."""

    auditkit: Literal[1] = Field(description="The version of the policy format.")
    system: System = Field(description="The AI system and its provider.")
    declared_by: Declarer = Field(description="Who declared the expectations.")
    model: Model = Field(description="The model that is audited.")
    sae: Written[NamedDictionary] = Field(
        None, description="Trained autoencoders of the model's heads, in place of training them."
    )
    defaults: Settings = Field(Settings(), description="Settings of every task that has no own.")
    tasks: Annotated[tuple[PolicyTask, ...], Field(min_length=1)] = Field(
        description="What the model is asked to do."
    )
    instructions_for_use: dict[ItemId, Statement] = Field(
        {}, description="What the provider states on items of Article 13(3)."
    )
    report: ReportBlock = Field(ReportBlock(), description="How the report is presented.")
    signing: SigningBlock = Field(SigningBlock(), description="Which key signs the report.")

    def specification(self, task: PolicyTask) -> Specification:
        """Everything that changes the result of one of this policy's tasks.

        ``test_examples`` of a task with a prompt file is what the policy asks for; when the policy
        leaves it out, the file may hold fewer (``auditkit.policy.prompting`` settles it).
        """
        return specify(task, self.defaults, metric=task.prompts.metric())
