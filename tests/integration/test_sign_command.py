"""Signing by the real command line: keys, levels, a second officer, renewal, and every way to fail."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from auditkit.bundle.evidence import parse_evidence
from auditkit.bundle.names import ALL_NAMES, COMMITMENT, EXTENDED_PDF
from auditkit.cli import sign
from auditkit.signing.seal import PdfSignatureStatus, check_pdf_signature
from auditkit.verifying import case
from tests.conftest import Auditkit, CommandLine, Outcome
from tests.pki import PASSPHRASE, Pki
from tests.policies import NOT_CONSISTENT, policy_signed


def add_key(auditkit: CommandLine, pki: Pki, name: str, passphrase: Path) -> Outcome:
    return auditkit(
        *("keys", "import-p12", pki.p12(name), "--name", name),
        *("--passphrase-file", passphrase, "--trust", pki.root_file()),
    )


@pytest.fixture
def passphrase(tmp_path: Path) -> Path:
    path = tmp_path / "passphrase"
    path.write_text(PASSPHRASE + "\n")
    path.chmod(0o600)
    return path


# Keys


def test_keys_are_imported_listed_and_shown(
    auditkit_here: CommandLine, pki: Pki, passphrase: Path, home: Path
) -> None:
    """An imported key has a name, whose certificate it is, until when, and the level it reaches."""
    imported = add_key(auditkit_here, pki, "signer", passphrase)
    assert imported.code == 0, imported.err
    assert "Example Seal" in imported.out
    assert (home / "keys" / "signer.p12").stat().st_mode & 0o777 == 0o600
    assert PASSPHRASE not in (home / "keys.yaml").read_text()
    listed = {each["name"]: each for each in auditkit_here("keys", "list", "--json").json()}
    assert listed.keys() == {"default", "signer"}
    assert listed["signer"]["highest_level"] == "B-LTA"
    assert listed["signer"]["problem"] is None
    assert "not made yet" in listed["default"]["problem"]
    shown = auditkit_here("keys", "show", "signer", "--json").json()
    assert shown == listed["signer"]
    assert auditkit_here("keys", "create").code == 0
    assert auditkit_here("keys", "show").code == 0
    assert add_key(auditkit_here, pki, "signer", passphrase).code == 6


def test_import_with_a_wrong_passphrase_or_no_root_leaves_nothing(
    auditkit_here: CommandLine, pki: Pki, tmp_path: Path, passphrase: Path, home: Path
) -> None:
    """A key that could not sign is not imported."""
    wrong = tmp_path / "wrong"
    wrong.write_text("not this one")
    wrong.chmod(0o600)
    refused = add_key(auditkit_here, pki, "signer", wrong)
    assert (refused.code, "passphrase is wrong" in refused.err) == (6, True)
    path = str(pki.p12("signer"))
    rootless = auditkit_here(
        "keys", "import-p12", path, "--name", "signer", "--passphrase-file", str(passphrase)
    )
    assert (rootless.code, "no root" in rootless.err) == (6, True)
    expired = add_key(auditkit_here, pki, "expired", passphrase)
    assert (expired.code, "expired" in expired.err) == (6, True)
    assert not (home / "keys.yaml").exists()
    assert not list((home / "keys").glob("*.p12")) if (home / "keys").exists() else True


# Every way to fail, before the long work


def entry(pki: Pki, name: str, secret: str, file: Path | None = None) -> str:
    """A keys file with one key."""
    lines = [
        "keys:",
        "  seal:",
        "    kind: pkcs12",
        f"    file: {file or pki.p12(name)}",
        f"    passphrase: {secret}",
        f"    trust: [{pki.root_file()}]",
    ]
    return "\n".join(lines) + "\n"


FAILURES = {
    "wrong passphrase": ("signer", "B-B", "WRONG", "the passphrase is wrong"),
    "no passphrase": ("signer", "B-B", "ABSENT", "environment variable ABSENT is not set"),
    "expired": ("expired", "B-B", "RIGHT", "the certificate expired"),
    "revoked": ("revoked", "B-LTA", "RIGHT", "a certificate was revoked"),
    "OCSP silent": ("unanswered", "B-LT", "RIGHT", "whether a certificate is revoked cannot"),
    "no timestamps": ("signer", "B-T", "RIGHT", "cannot be reached"),
    "no such key": ("signer", "B-B", "RIGHT", "no signing key is named 'absent'"),
    "shared keys file": ("signer", "B-B", "RIGHT", "other users may write the keys file"),
}


@pytest.mark.parametrize("case", FAILURES)
def test_what_cannot_be_signed_fails_in_one_line_before_the_model_is_loaded(
    auditkit_here: CommandLine,
    pki: Pki,
    tmp_path: Path,
    home: Path,
    case: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Exit status 6, one line and advice; no run directory, no record, no half-signed file."""
    name, level, source, reason = FAILURES[case]
    home.mkdir(mode=0o700)
    (home / "keys.yaml").write_text(entry(pki, name, f"{{env: {source}}}"))
    (home / "keys.yaml").chmod(0o666 if case == "shared keys file" else 0o600)
    key = "absent" if case == "no such key" else "seal"
    url = "http://127.0.0.1:1/tsa" if case == "no timestamps" else pki.tsa_url
    more = "" if level == "B-B" else f", timestamp_url: '{url}'"
    policy = policy_signed(tmp_path, f"{{key: {key}, level: {level}{more}}}")
    secrets = {"RIGHT": PASSPHRASE, "WRONG": "not this one"}
    for variable, secret in secrets.items():
        monkeypatch.setenv(variable, secret)
    outcome = auditkit_here("run", policy, "--out", tmp_path / "out")
    assert (outcome.code, outcome.out) == (6, "")
    first, *advice = outcome.err.splitlines()
    assert first.startswith("auditkit: ")
    assert reason in first
    assert len(advice) <= 1
    assert not any(secret in outcome.err for secret in secrets.values())
    assert list((tmp_path / "out").iterdir()) == []
    assert auditkit_here("list", "--json").json() == []


@pytest.mark.parametrize(
    "text", ["keys: {seal: {kind: usb}}", "keys: [", "keys: {seal: {kind: csc, url: 'ftp://x'}}"]
)
def test_broken_keys_file_is_explained(auditkit_here: CommandLine, home: Path, text: str) -> None:
    """A keys file that is not one is an input error that names the file."""
    home.mkdir()
    (home / "keys.yaml").write_text(text)
    outcome = auditkit_here("keys", "list")
    assert outcome.code == 4
    assert "keys.yaml" in outcome.err


# One run, signed at the highest level


@pytest.fixture(scope="module")
def archived(pki: Pki, tmp_path_factory: pytest.TempPathFactory, guard: Path) -> tuple[Path, Path]:
    """A run directory signed at B-LTA with a visible seal, and the home it was signed in."""
    folder = tmp_path_factory.mktemp("archived")
    home = folder / "home"
    home.mkdir(mode=0o700)
    own = entry(pki, "signer", "{env: RIGHT}")
    rita = entry(pki, "reviewer", "{env: RIGHT}").replace("  seal:", "  rita:")
    (home / "keys.yaml").write_text(own + rita.removeprefix("keys:\n"))
    (home / "keys.yaml").chmod(0o600)
    seen = f"{{key: seal, level: B-LTA, timestamp_url: '{pki.tsa_url}', visible: true}}"
    policy = policy_signed(folder, seen)
    command = Auditkit(home, guard)
    outcome = command("run", policy, "--out", folder / "out", "--json", RIGHT=PASSPHRASE)
    assert outcome.code == NOT_CONSISTENT, outcome.err
    return Path(outcome.json()["directory"]), home


@pytest.fixture(autouse=True)
def seals(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is said of the same bytes is not worked out again in these tests: it takes seconds each time."""
    for module in (case, sign):
        monkeypatch.setattr(module, "check_pdf_signature", remembered)


SAID: dict[tuple[bytes, tuple[bytes, ...]], PdfSignatureStatus] = {}


def remembered(pdf: bytes, trusted: Sequence[bytes]) -> PdfSignatureStatus:
    key = (pdf, tuple(trusted))
    if key not in SAID:
        SAID[key] = check_pdf_signature(pdf, trusted)
    return SAID[key]


def checks_of(outcome: Outcome) -> dict[str, dict[str, str]]:
    return {check["id"]: check for check in outcome.json()["checks"]}


def test_archived_run_verifies_now_and_in_ten_years(
    archived: tuple[Path, Path], pki: Pki, auditkit_here: CommandLine
) -> None:
    """With the authority's root alone; the record and page 1 say how it was signed."""
    directory, _ = archived
    assert {path.name for path in directory.iterdir()} == ALL_NAMES - {COMMITMENT}
    record = parse_evidence((directory / "evidence.json").read_bytes())
    assert (record.signing.pades, record.signing.key_level) == ("B-LTA", "organisation")
    page = (directory / "report.html").read_text("utf-8")
    assert "ORGANISATION CERTIFICATE" in page
    assert "PAdES B-LTA" in page
    later = f"{datetime.now(UTC) + timedelta(days=3653):%Y-%m-%d}"
    for moment in ((), ("--at", later)):
        arguments = ("--trust", pki.root_file(), *moment, "--json")
        for path in (directory, directory / "report.pdf"):
            outcome = auditkit_here("verify", path, *arguments)
            assert outcome.code == 0, outcome.out
            found = checks_of(outcome)["certificate"]
            assert found["outcome"] == "passed"
            assert "not revoked then" in found["detail"]


def test_run_whose_record_states_a_higher_level_fails(
    archived: tuple[Path, Path], pki: Pki, auditkit_here: CommandLine, tmp_path: Path
) -> None:
    """The PDF cut back to its seal is a whole B-LT file, and not what the record states."""
    directory = tmp_path / "cut"
    shutil.copytree(archived[0], directory)
    pdf = (directory / "report.pdf").read_bytes()
    (directory / "report.pdf").write_bytes(pdf[: pdf.rindex(b"%%EOF", 0, len(pdf) - 10) + 6])
    outcome = auditkit_here("verify", directory / "report.pdf", "--json")
    assert outcome.code == 5
    assert "the record states B-LTA" in checks_of(outcome)["pdf_seal"]["detail"]


def test_second_officer_signs_and_timestamps_are_renewed(
    archived: tuple[Path, Path],
    pki: Pki,
    auditkit_here: CommandLine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Both go into one file beside the run; the run's own files stay, and all of it verifies."""
    directory, home = tmp_path / "run", archived[1]
    shutil.copytree(archived[0], directory)
    before = {path.name: path.read_bytes() for path in directory.iterdir()}
    monkeypatch.setenv("AUDITKIT_HOME", str(home))
    monkeypatch.setenv("RIGHT", PASSPHRASE)
    stated = json.loads((directory / "evidence.json").read_bytes())["signing"]["timestamp_url"]
    service = ("--timestamp-url", stated)
    nowhere = auditkit_here("sign", directory, "--role", "reviewer", "--key", "rita")
    assert (nowhere.code, "because a report says so" in nowhere.err) == (6, True)
    own = auditkit_here("sign", directory, "--role", "reviewer", "--key", "seal", *service)
    assert (own.code, "key of the seal" in own.err) == (6, True)
    unable = auditkit_here("sign", directory, "--role", "reviewer", *service)
    assert (unable.code, "names nobody" in unable.err) == (6, True)
    assert not (directory / EXTENDED_PDF).exists()
    signed = auditkit_here("sign", directory, "--role", "reviewer", "--key", "rita", *service)
    assert signed.code == 0, signed.err
    assert "Rita Reviewer" in signed.out
    stranger = checks_of(auditkit_here("verify", directory, "--json"))["extension"]
    assert (stranger["outcome"], "nobody vouches" in stranger["detail"]) == ("not_run", True)
    again = auditkit_here("sign", directory, "--role", "reviewer", "--key", "rita", *service)
    assert (again.code, "signed already" in again.err) == (5, True)
    assert {n: (directory / n).read_bytes() for n in before} == before
    renewed = auditkit_here("sign", directory, "--renew", "--trust", pki.root_file(), *service)
    assert renewed.code == 0, renewed.err
    outcome = auditkit_here(
        "verify", directory, "--trust", pki.root_file(), "--at", "2036-11-20", "--json"
    )
    assert outcome.code == 0, outcome.out
    detail = checks_of(outcome)["extension"]["detail"]
    assert "Rita Reviewer" in detail
    assert "3 timestamps" in detail
    lone = auditkit_here("verify", directory / EXTENDED_PDF, "--trust", pki.root_file(), "--json")
    assert lone.code == 0, lone.out
    assert checks_of(lone)["extension"]["outcome"] == "passed"


def test_extended_file_of_another_run_or_with_more_in_it_is_caught(
    archived: tuple[Path, Path], pki: Pki, auditkit_here: CommandLine, tmp_path: Path
) -> None:
    """What lies beside the run must begin with its PDF and add signatures only."""
    directory = tmp_path / "run"
    shutil.copytree(archived[0], directory)
    pdf = (directory / "report.pdf").read_bytes()
    for content in (pdf, pdf + b"\n% more\n", b"%PDF-1.7\n", b""):
        (directory / EXTENDED_PDF).write_bytes(content)
        outcome = auditkit_here("verify", directory, "--json")
        assert outcome.code == 5
        failed = {k for k, check in checks_of(outcome).items() if check["outcome"] == "failed"}
        assert "extension" in failed <= {"extension", "pdf_content", "pdf_pages"}


def test_page_signature_of_another_page_or_signer_is_caught(
    archived: tuple[Path, Path], auditkit_here: CommandLine, tmp_path: Path
) -> None:
    """report.html.p7s is checked by itself, besides being listed and attested."""
    directory = tmp_path / "run"
    shutil.copytree(archived[0], directory)
    (directory / "report.html").write_bytes(b"<html>")
    found = checks_of(auditkit_here("verify", directory, "--json"))
    assert found["html_signature"]["outcome"] == "failed"
