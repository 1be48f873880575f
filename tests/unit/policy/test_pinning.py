"""A policy may fix the model's files: by digest, or by a signature; others are refused before any work."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from auditkit.errors import InputError, ModelError
from auditkit.model.fingerprint import fingerprint, signing_statement
from auditkit.model.holding import Held, hold
from auditkit.policy import LoadedPolicy, load_policy
from auditkit.policy.checking import check_policy
from auditkit.policy.pinning import confirm_pins
from auditkit.records.model import PinnedDigest, PinnedSignature
from tests.conftest import ROOT, CommandLine
from tests.model_bundles import PEM, Publisher, publisher, write
from tests.toy_models import gpt2, save

LEAST = (ROOT / "tests" / "fixtures" / "policy_least.yaml").read_text("utf-8")


@pytest.fixture(scope="module")
def signer() -> Publisher:
    return publisher()


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return save(gpt2(), tmp_path / "model")


def policy(folder: Path, pins: str) -> LoadedPolicy:
    """The least policy with these keys of its model, in a file beside the model."""
    text, found = re.subn(
        r"^model: .*$", f"model: {{path: model, {pins}}}", LEAST, flags=re.MULTILINE
    )
    assert found == 1
    return load_policy(write(folder, "policy.yaml", text.encode()))


def held(folder: Path) -> Held:
    return Held(folder, folder, fingerprint(folder), "folder")


def signed(model: Path, signer: Publisher) -> Path:
    """Writes signature, key and certificates beside the model; returns the signature."""
    statement = signing_statement("model", fingerprint(model).manifest)
    made = signer.sign(statement, certificates=[signer.certificate])
    write(model.parent, "key.pem", signer.public_pem())
    write(model.parent, "signer.pem", signer.certificate.public_bytes(PEM))
    write(model.parent, "issuer.pem", signer.authority.public_bytes(PEM))
    return write(model.parent, "model.sig", made)


def test_a_policy_that_fixes_nothing_pins_nothing(model: Path) -> None:
    """Without digests or a signature in the policy, the record has no pins."""
    assert confirm_pins(policy(model.parent, "dtype: float32"), held(model)) == ()


def test_digests_that_agree_are_recorded_as_pins(model: Path) -> None:
    """Each digest that the policy fixes and the model has is a pin of the record."""
    found = fingerprint(model)
    pins = f'root_digest: "{found.root_digest}", weights_digest: "{found.weights_digest}"'
    assert confirm_pins(policy(model.parent, pins), held(model)) == (
        PinnedDigest(by="root_digest", value=found.root_digest),
        PinnedDigest(by="weights_digest", value=found.weights_digest),
    )


@pytest.mark.parametrize("by", ["root_digest", "weights_digest"])
def test_another_digest_is_refused_with_both_values(model: Path, by: str) -> None:
    """A model with another digest is exit 6, and both digests are named."""
    other = "sha256:" + "0" * 64
    with pytest.raises(ModelError) as caught:
        confirm_pins(policy(model.parent, f'{by}: "{other}"'), held(model))
    assert caught.value.exit_code == 6
    for said in (by, other, getattr(fingerprint(model), by)):
        assert said in caught.value.message


@pytest.mark.parametrize(
    ("trust", "subject"),
    [
        ("public_key: key.pem", None),
        ("certificate: signer.pem", "CN=Example Publisher"),
        ("certificate: issuer.pem", "CN=Example Publisher"),
    ],
)
def test_a_signature_is_verified_by_key_certificate_or_issuer(
    model: Path, signer: Publisher, trust: str, subject: str | None
) -> None:
    """And the record says whose it is."""
    signed(model, signer)
    (pin,) = confirm_pins(
        policy(model.parent, f"signature: {{bundle: model.sig, {trust}}}"), held(model)
    )
    assert isinstance(pin, PinnedSignature)
    assert pin.subject == subject


def edit(folder: Path) -> None:
    (folder / "config.json").write_bytes((folder / "config.json").read_bytes() + b"\n")


def add(folder: Path) -> None:
    (folder / "note.txt").write_text("x")


def remove(folder: Path) -> None:
    (folder / "generation_config.json").unlink()


def rename(folder: Path) -> None:
    (folder / "generation_config.json").rename(folder / "renamed.json")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (edit, "(changed: config.json)"),
        (add, "(extra: note.txt)"),
        (remove, "(missing: generation_config.json)"),
        (rename, "(missing: generation_config.json; extra: renamed.json)"),
    ],
)
def test_other_files_than_those_signed_are_named(
    model: Path, signer: Publisher, change: Callable[[Path], None], says: str
) -> None:
    """Changed, missing and extra files are told apart, and a rename is both."""
    signed(model, signer)
    change(model)
    pins = "signature: {bundle: model.sig, public_key: key.pem}"
    with pytest.raises(ModelError) as caught:
        confirm_pins(policy(model.parent, pins), held(model))
    assert caught.value.message == f"{model}: not the files that were signed {says}"


def test_a_signature_may_lie_with_what_it_signs(model: Path, signer: Publisher) -> None:
    """In the model folder it is a file of the model, and the only one that is not signed."""
    signed(model, signer).rename(model / "model.sig")
    pins = "signature: {bundle: model/model.sig, public_key: key.pem}"
    assert confirm_pins(policy(model.parent, pins), held(model))


def test_signed_hidden_files_are_not_asked_for(model: Path, signer: Publisher) -> None:
    """They are neither hashed nor loaded here."""
    signed(model, signer)
    statement = signing_statement("model", fingerprint(model).manifest)
    resources = statement["predicate"]["resources"]
    resources.append({"name": ".note", "algorithm": "sha256", "digest": "0" * 64})
    with_hidden = signer.sign(statement)
    write(model.parent, "model.sig", with_hidden)
    pins = "signature: {bundle: model.sig, public_key: key.pem}"
    with pytest.raises(ModelError, match="not over a list of files"):  # the root is not theirs
        confirm_pins(policy(model.parent, pins), held(model))
    (model / ".note").write_text("x")
    digests = b"".join(bytes.fromhex(each["digest"]) for each in resources)
    import hashlib

    statement["subject"][0]["digest"]["sha256"] = hashlib.sha256(digests).hexdigest()
    write(model.parent, "model.sig", signer.sign(statement))
    assert confirm_pins(policy(model.parent, pins), held(model))


def test_a_signature_that_does_not_verify_is_refused(model: Path, signer: Publisher) -> None:
    """A signed statement changed by one letter pins nothing."""
    path = signed(model, signer)
    bundle = json.loads(path.read_bytes())
    payload = bundle["dsseEnvelope"]["payload"]
    bundle["dsseEnvelope"]["payload"] = (
        payload[:40] + ("A" if payload[40] != "A" else "B") + payload[41:]
    )
    path.write_text(json.dumps(bundle))
    pins = "signature: {bundle: model.sig, public_key: key.pem}"
    with pytest.raises(ModelError, match="does not verify"):
        confirm_pins(policy(model.parent, pins), held(model))


@pytest.mark.parametrize("key", ["bundle", "public_key"])
def test_files_that_are_missing_or_something_else_are_the_policy_s_fault(
    model: Path, signer: Publisher, key: str
) -> None:
    """Exit 4 with the key's place; ``auditkit check`` finds the missing one without a model."""
    signed(model, signer)
    named = {"bundle": "model.sig", "public_key": "key.pem"}[key]
    pins = "signature: {bundle: model.sig, public_key: key.pem}"
    loaded = policy(model.parent, pins)
    (model.parent / named).write_text("something else")
    with pytest.raises(InputError) as caught:
        confirm_pins(loaded, held(model))
    assert caught.value.problems[0].key == f"model.signature.{key}"
    (model.parent / named).unlink()
    with pytest.raises(InputError, match="No such file"):
        confirm_pins(loaded, held(model))
    assert f"model.signature.{key}" in {each.key for each in check_policy(loaded).problems}


def test_a_run_on_another_model_ends_before_the_long_work(
    model: Path, tmp_path: Path, auditkit_here: CommandLine
) -> None:
    """Exit 6 in one line and its advice; nothing is calibrated, stored or written, no copy stays."""
    text = (ROOT / "policies" / "quickstart.yaml").read_text("utf-8")
    reference = ROOT / "policies" / "models" / "reference"
    pinned = f'model: {{path: {reference}, weights_digest: "sha256:{"0" * 64}"}}'
    text, found = re.subn(
        r"^model: .*$|^model:\n(  .*\n)+", pinned + "\n", text, flags=re.MULTILINE
    )
    assert found == 1
    path = write(tmp_path, "policy.yaml", text.encode())
    outcome = auditkit_here("run", path, "--out", tmp_path / "out")
    assert outcome.code == 6
    assert "its weights_digest is sha256:" in outcome.err
    assert "calibrate" not in outcome.err
    assert list((tmp_path / "out").iterdir()) == []
    assert [each.name for each in (tmp_path / "home" / "snapshots").iterdir()] == ["lock"]


def test_pins_are_held_against_the_snapshot(model: Path, signer: Publisher) -> None:
    """The files that are loaded are those that were compared."""
    signed(model, signer)
    loaded = policy(model.parent, "signature: {bundle: model.sig, public_key: key.pem}")
    with hold(model, model.parent / "snapshots") as snapshot:
        edit(model)
        assert confirm_pins(loaded, snapshot)
    with pytest.raises(ModelError, match="not the files"), hold(model, None) as again:
        confirm_pins(loaded, again)
