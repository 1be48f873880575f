"""A pack: the same bytes each time, checked with and without auditkit, and hostile zips refused."""

from __future__ import annotations

import importlib.metadata
import io
import json
import os
import re
import struct
import subprocess
import sys
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from auditkit.bundle.evidence import parse_evidence
from auditkit.bundle.packing import BESIDE, PACK, RUN, listing, pack, zipped
from auditkit.bundle.run_files import publish, write_new
from auditkit.digest import canonical_json
from auditkit.errors import EnvironmentUnavailableError, EvidenceError, InputError
from auditkit.judging.conclusions import conclude
from auditkit.judging.measured import Measured
from auditkit.model.fingerprint import fingerprint
from auditkit.records.base import NotAssessed
from auditkit.records.task import TaskRecord
from auditkit.resources import tool
from auditkit.signing.keys.signer import SigningKey, development_key
from auditkit.store.evidence_store import EvidenceStore
from auditkit.verifying import Brought, Verification, verify
from auditkit.verifying.limits import MAX_FILE_BYTES
from auditkit.verifying.packed import MAX_ENTRIES, read_zip
from tests.builders import note_signer
from tests.conftest import ROOT, CommandLine
from tests.signed_runs import (
    NOW,
    RUN_ID,
    bundle_of,
    measured_record,
    read_each_signature_once,
    take_the_policy_as_it_is,
)
from tests.toy_models import gpt2, save

NAMES = (
    "PACK.json",
    "VERIFY.txt",
    "model-manifest.json",
    "run/MANIFEST.json",
    "run/attestation.dsse.json",
    "run/certificate.pem",
    "run/evidence.json",
    "run/policy.yaml",
    "run/report.html",
    "run/report.html.p7s",
    "run/report.pdf",
    "verify.py",
)
LIBRARIES = (
    "cryptography",
    "cffi",
    "pycparser",
    "pikepdf",
    "lxml",
    "pillow",
    "packaging",
    "deprecated",
    "wrapt",
)
"""The two libraries that the verifier needs, and theirs."""


@dataclass(frozen=True)
class Packed:
    """A signed run of a toy model, and its pack."""

    run: Path
    model: Path
    files: dict[str, bytes]
    key: SigningKey


def declared_for(task: TaskRecord, weights: str) -> TaskRecord:
    """The task with its expectation declared for these weights."""
    if isinstance(task.expected, NotAssessed):
        return task
    expected = task.expected.model_copy(update={"declared_for": weights})
    return task.model_copy(update={"expected": expected})


@pytest.fixture(autouse=True)
def signatures_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The run in a pack is the same in most tests."""
    read_each_signature_once(monkeypatch)
    take_the_policy_as_it_is(monkeypatch)


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Packed:
    base = tmp_path_factory.mktemp("packed")
    model = save(gpt2(), base / "toy")
    found = fingerprint(model)
    record = measured_record(RUN_ID)
    identity = record.model.model_copy(update=vars(found))
    tasks = tuple(
        conclude(
            Measured.of(declared_for(task, found.weights_digest)),
            found.weights_digest,
            record.calibration,
        )
        for task in record.tasks
    )
    record = record.model_copy(update={"model": identity, "tasks": tasks, "tool": tool()})
    store = EvidenceStore.open(f"sqlite:///{base / 'evidence.db'}", signer=note_signer())
    record = record.model_copy(update={"checkpoint": store.append(record)})
    key = development_key(base / "keys", NOW)
    files = bundle_of(record, key)
    return Packed(publish(files, base / "out", RUN_ID), model, pack(files), key)


@pytest.fixture(scope="module")
def bare(
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs a verifier where nothing but the standard library and its two libraries can be imported."""
    libraries = tmp_path_factory.mktemp("libraries")
    for name in LIBRARIES:
        try:
            distribution = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:  # another release of pikepdf needs it not
            continue
        tops = {path.parts[0] for path in distribution.files or () if path.parts[0] != ".."}
        for top in tops - {"__pycache__"}:
            (libraries / top).symlink_to(Path(str(distribution.locate_file(top))))
    program = (
        "import runpy, sys; sys.path.insert(0, sys.argv[1]); sys.argv = sys.argv[2:]; "
        "runpy.run_path(sys.argv[0], run_name='__main__')"
    )

    def run(script: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-I", "-S", "-c", program, libraries, script, *arguments]
        return subprocess.run(
            [*map(str, command)], capture_output=True, encoding="utf-8", timeout=60
        )

    return run


def unpacked(files: Mapping[str, bytes], folder: Path) -> Path:
    (folder / "run").mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def flipped(content: bytes, at: float = 0.5) -> bytes:
    changed = bytearray(content)
    changed[int(len(content) * at)] ^= 1
    return bytes(changed)


def relisted(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files with a listing that fits them as they are now."""
    return {**files, PACK: listing(files)}


def outcome(
    files: Mapping[str, bytes], folder: Path, *, trusted: tuple[bytes, ...] = ()
) -> Verification:
    path = folder / "pack.zip"
    path.write_bytes(zipped(files))
    return verify(path, Brought(trusted=trusted))


# The pack


def test_a_pack_has_the_run_and_what_checks_it(packed: Packed) -> None:
    """The run's files as they are, below ``run/``, and four beside them."""
    assert tuple(sorted(packed.files)) == NAMES
    assert set(NAMES) - {n for n in NAMES if n.startswith(RUN)} == BESIDE
    for path in packed.run.iterdir():
        assert packed.files[f"run/{path.name}"] == path.read_bytes()


def test_the_same_run_gives_the_same_bytes(packed: Packed) -> None:
    """No clock, no order of files, no compressor that differs from machine to machine."""
    content = zipped(packed.files)
    assert content == zipped(dict(reversed(packed.files.items())))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.namelist() == list(NAMES)
        for entry in archive.infolist():
            assert entry.date_time == (1980, 1, 1, 0, 0, 0)
            assert entry.compress_type == zipfile.ZIP_STORED
            assert entry.external_attr >> 16 == 0o100644


def test_a_pack_verifies(packed: Packed, tmp_path: Path) -> None:
    """Every check of a run directory, and the two of a pack."""
    found = outcome(packed.files, tmp_path, trusted=(packed.key.certificate,))
    outcomes = {each.id: each.outcome for each in found.checks}
    assert (found.kind, found.ok, len(found.checks)) == ("pack", True, 22)
    left_open = {name for name, state in outcomes.items() if state == "not_run"}
    assert left_open == {"store", "witnesses", "extension", "commitment", "asked"}
    assert {state for name, state in outcomes.items() if name not in left_open} == {"passed"}


def test_a_pack_that_was_zipped_again_verifies(packed: Packed, tmp_path: Path) -> None:
    """Somebody may unpack it and zip it with another program: compressed, with a folder entry."""
    path = tmp_path / "again.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("run/", b"")
        for name, content in packed.files.items():
            archive.writestr(name, content)
    assert verify(path).ok


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("listed_anew", [False, True])
def test_one_changed_bit_in_any_file_fails(
    packed: Packed, tmp_path: Path, name: str, *, listed_anew: bool
) -> None:
    """By a named check; also where the listing was made anew, for all that the signature covers."""
    files = {**packed.files, name: flipped(packed.files[name])}
    if listed_anew and name != PACK:
        files = relisted(files)
    found = outcome(files, tmp_path)
    assert found.failed
    assert not found.ok


def test_a_file_more_or_less_fails(packed: Packed, tmp_path: Path) -> None:
    """Beside the run or in it, listed or not."""
    more = [{**packed.files, "run/extra.txt": b"x"}, {**packed.files, "extra.txt": b"x"}]
    less = [{n: c for n, c in packed.files.items() if n != name} for name in NAMES]
    for files in (*more, *less):
        for each in (files, relisted(files) if PACK in files else files):
            assert not outcome(each, tmp_path).ok


def test_the_pack_of_another_run_s_model_fails(packed: Packed, tmp_path: Path) -> None:
    """A model manifest that is not the record's is found although it is listed."""
    other = canonical_json({"files": [], "schema_version": "1"})
    found = outcome(relisted({**packed.files, "model-manifest.json": other}), tmp_path)
    assert found.failed == ("pack", "pack_help")


# Without auditkit


def test_the_verifier_needs_two_libraries_only(
    packed: Packed, tmp_path: Path, bare: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    """It verifies folder and zip where neither auditkit nor torch can be imported."""
    (tmp_path / "missing.py").write_text("import auditkit")
    assert "No module named 'auditkit'" in bare(tmp_path / "missing.py").stderr
    folder = unpacked(packed.files, tmp_path / "pack")
    (tmp_path / "pack.zip").write_bytes(zipped(packed.files))
    for arguments in ((), (tmp_path / "pack.zip",)):
        done = bare(folder / "verify.py", *arguments)
        assert (done.returncode, done.stderr) == (3, "")
        assert done.stdout.count(" passed ") == 10
        *_, said, vouched = done.stdout.splitlines()
        assert said.startswith("intact, but NOT compared")
        assert vouched.startswith("Nobody vouches for the signer")
    assert not list(folder.rglob("__pycache__"))


def test_the_verifier_holds_certificate_and_model_against_the_pack(
    packed: Packed, tmp_path: Path, bare: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    """The right ones pass; another certificate, and a model with one changed file, fail by name."""
    folder = unpacked(packed.files, tmp_path / "pack")
    own, other = tmp_path / "own.pem", tmp_path / "other.pem"
    own.write_bytes(packed.key.certificate)
    other.write_bytes(development_key(tmp_path / "keys", NOW).certificate)
    done = bare(folder / "verify.py", "--trust", own, "--model", packed.model)
    assert (done.returncode, done.stdout.count(" passed ")) == (3, 12)
    assert "NOT verified: signer" in bare(folder / "verify.py", "--trust", other).stdout
    changed = save(gpt2(seed=1), tmp_path / "other")
    done = bare(folder / "verify.py", "--model", changed)
    assert done.returncode == 5
    assert "changed: model.safetensors" in done.stdout


@pytest.mark.parametrize("name", NAMES)
def test_the_verifier_finds_one_changed_bit_in_any_file(
    packed: Packed,
    tmp_path: Path,
    name: str,
    bare: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    """Exit 5, in an unpacked folder; and with the listing made anew, for all that is signed."""
    script = unpacked(packed.files, tmp_path / "whole") / "verify.py"
    files = {**packed.files, name: flipped(packed.files[name])}
    done = bare(script, unpacked(files, tmp_path / "changed"))
    assert (done.returncode, done.stdout.splitlines()[-1][:12]) == (5, "NOT verified")
    if name != PACK:
        done = bare(script, unpacked(relisted(files), tmp_path / "listed"))
        assert (done.returncode, done.stdout.splitlines()[-1][:12]) == (5, "NOT verified")


def other_verdict(files: dict[str, bytes]) -> dict[str, bytes]:
    """``VERIFY.txt`` with another verdict on its first lines."""
    lines = files["VERIFY.txt"].decode("utf-8").splitlines(keepends=True)
    told = ["Verdict        certified\n" if x.startswith("Verdict") else x for x in lines]
    return {**files, "VERIFY.txt": "".join(told).encode("utf-8")}


WITHOUT_A_KEY: dict[str, Callable[[dict[str, bytes]], dict[str, bytes]]] = {
    "one file more": lambda files: {**files, "REPORT-FINAL.html": b"<p>consistent</p>"},
    "one file more in the run": lambda files: {**files, "run/report-final.pdf": b"%PDF-1.7"},
    "an invented extension": lambda files: {**files, "report.extended.pdf": b"%PDF-1.7\n"},
    "instructions of another verdict": other_verdict,
    "instructions with a word changed": lambda files: {
        **files,
        "VERIFY.txt": files["VERIFY.txt"].replace(b"Does not show", b"Always shows"),
        "verify.py": files["verify.py"] + b"\n# changed",
    },
}


@pytest.mark.parametrize("change", WITHOUT_A_KEY.values(), ids=WITHOUT_A_KEY)
def test_a_pack_changed_by_nobody_is_not_called_verified(
    packed: Packed,
    tmp_path: Path,
    change: Callable[[dict[str, bytes]], dict[str, bytes]],
    bare: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    """Listed anew, which needs no key: both verifiers end with exit 5."""
    script = unpacked(packed.files, tmp_path / "honest") / "verify.py"
    files = relisted(change(dict(packed.files)))
    assert outcome(files, tmp_path, trusted=(packed.key.certificate,)).result == "failed"
    done = bare(script, unpacked(files, tmp_path / "changed"))
    assert done.returncode == 5, done.stdout


def test_helpers_of_another_build_are_not_called_as_signed(
    packed: Packed,
    tmp_path: Path,
    bare: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    """Another build may pack a run: its helpers say so, and both verifiers end with 3, never with 0."""
    script = unpacked(packed.files, tmp_path / "honest") / "verify.py"
    digest = parse_evidence(packed.files["run/evidence.json"]).tool.source_digest
    other = packed.files["VERIFY.txt"].replace(digest.encode(), b"sha256:" + b"0" * 64)
    files = relisted({**packed.files, "VERIFY.txt": other})
    found = outcome(files, tmp_path, trusted=(packed.key.certificate,))
    assert (found.result, [each.id for each in found.not_compared]) == (
        "not_compared",
        ["pack_help"],
    )
    done = bare(script, unpacked(files, tmp_path / "changed"))
    assert (done.returncode, "another build packed it" in done.stdout) == (3, True)


ASKED = {
    "signer": ("--signer", "sha256:" + "0" * 64),
    "signer's name": ("--signer-name", "Somebody else"),
    "weights": ("--weights", "0" * 64),
    "policy": ("--policy", "0" * 64),
    "system": ("--system", "Another system"),
    "verdict": ("--verdict", "inconclusive"),
    "time": ("--not-before", "2126-01-01"),
}


@pytest.mark.parametrize("options", ASKED.values(), ids=ASKED)
def test_both_verifiers_take_the_same_words(
    packed: Packed,
    tmp_path: Path,
    options: tuple[str, str],
    auditkit_here: CommandLine,
    bare: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    """What the reader asks for, and the pack is not, ends with exit 5 in both."""
    script = unpacked(packed.files, tmp_path / "honest") / "verify.py"
    (tmp_path / "pack.zip").write_bytes(zipped(packed.files))
    assert auditkit_here("verify", tmp_path / "pack.zip", *options).code == 5
    assert bare(script, *options).returncode == 5


def test_the_right_words_are_as_asked(
    packed: Packed, tmp_path: Path, bare: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    """Signer, name, weights, policy, system, verdict and day of the pack itself pass, also as JSON."""
    script = unpacked(packed.files, tmp_path / "honest") / "verify.py"
    record = parse_evidence(packed.files["run/evidence.json"])
    right = [
        *("--signer", packed.key.certificate_sha256, "--weights", record.model.weights_digest),
        *("--signer-name", "UNQUALIFIED DEVELOPMENT KEY - NOT A LEGAL SEAL"),
        *("--policy", record.policy.sha256, "--system", record.system.name),
        *("--verdict", record.verdict, "--not-before", "2026-01-01", "--json"),
    ]
    done = bare(script, *right)
    said = json.loads(done.stdout)
    outcomes = {each["id"]: each["outcome"] for each in said["checks"]}
    assert (done.returncode, said["result"], said["trusted"]) == (3, "not_compared", True)
    assert (outcomes["signer"], outcomes["asked"]) == ("passed", "passed")


def test_the_verifier_says_when_a_library_is_missing(packed: Packed, tmp_path: Path) -> None:
    """Without the libraries the signature is not checked, and nothing is called verified."""
    script = unpacked(packed.files, tmp_path / "pack") / "verify.py"
    command = [sys.executable, "-I", "-S", str(script)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=60)
    assert done.returncode == 5
    assert "the library cryptography is not installed" in done.stdout


def test_the_verifier_says_in_one_line_that_there_is_no_pack(
    packed: Packed, tmp_path: Path, bare: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    """An empty folder and a missing file are exit 4 and one line; an unknown option is exit 2."""
    script = unpacked(packed.files, tmp_path / "pack") / "verify.py"
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "empty", tmp_path / "nothing.zip"):
        done = bare(script, path)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (4, "", 1)
    assert bare(script, "--unknown").returncode == 2


def test_the_instructions_say_what_the_pack_is(packed: Packed) -> None:
    """Run, certificate, digests and every file by name; every command in them exists."""
    text = packed.files["VERIFY.txt"].decode("ascii")
    record = parse_evidence(packed.files["run/evidence.json"])
    for said in (
        record.run_id,
        packed.key.certificate_sha256,
        record.model.root_digest,
        record.model.manifest_digest,
        *NAMES[3:],
    ):
        assert said in text
    assert "development key" in text


# Hostile zips


def written(entries: list[tuple[zipfile.ZipInfo | str, bytes]], **options: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", **options) as archive:  # type: ignore[call-overload]
        for entry, content in entries:
            archive.writestr(entry, content)
    return out.getvalue()


@pytest.mark.parametrize(
    "name",
    [
        "../x",
        "/etc/x",
        "run/../x",
        "run/a/b",
        "C:\\x",
        "a\\b",
        ".hidden",
        "run/.h",
        "",
        "a\nb",
        "x" * 200,
    ],
)
def test_names_that_lead_elsewhere_are_refused(name: str) -> None:
    """No entry's name leaves the pack, hides, or is spelled as another system spells paths."""
    with pytest.raises(EvidenceError, match="does not have the name"):
        read_zip(written([("a.txt", b"x"), (zipfile.ZipInfo(name), b"x")]))


def test_a_name_cut_at_a_null_is_refused() -> None:
    """What one reader calls ``verify.py`` another calls ``verify.py\\0.exe``."""
    content = written([("verify.py_.exe", b"x")]).replace(b"verify.py_.exe", b"verify.py\0.exe")
    with pytest.raises(EvidenceError, match="does not have the name"):
        read_zip(content)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("other", ["verify.py", "VERIFY.py"])
def test_a_name_that_is_there_twice_is_refused(other: str) -> None:
    """Also where it is the same only to a file system that does not tell capitals."""
    with pytest.raises(EvidenceError, match="is there twice"):
        read_zip(written([("verify.py", b"x"), (other, b"y")]))


@pytest.mark.parametrize("kind", [0o120777, 0o010644, 0o060644, 0o040755])
def test_links_pipes_devices_and_folders_are_refused(kind: int) -> None:
    """An entry is a plain file: neither a link, nor a pipe, nor a device, nor a folder."""
    entry = zipfile.ZipInfo("run/link")
    entry.create_system, entry.external_attr = 3, kind << 16
    with pytest.raises(EvidenceError, match="a link or a device"):
        read_zip(written([(entry, b"/etc/passwd")]))


def with_flags(content: bytes, flags: int) -> bytes:
    """The zip of one entry, with general purpose bits set in both of its headers."""
    changed = bytearray(content)
    central = content.index(b"PK\x01\x02")
    for at in (6, central + 8):
        changed[at : at + 2] = struct.pack("<H", flags)
    return bytes(changed)


@pytest.mark.parametrize(
    ("flags", "says"), [(0x1, "encrypted"), (0x41, "encrypted"), (0x20, "way")]
)
def test_encrypted_entries_are_refused(flags: int, says: str) -> None:
    """An entry that is encrypted, or patched, is refused by what its flags say."""
    with pytest.raises(EvidenceError, match=says):
        read_zip(with_flags(written([("a.txt", b"x")]), flags))


def test_other_compressions_are_refused() -> None:
    """Only stored and deflated entries are read."""
    for method in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        with pytest.raises(EvidenceError, match="in a way that no pack is"):
            read_zip(written([("a.txt", b"x" * 99)], compression=method))


def test_a_bomb_is_refused_by_what_it_states() -> None:
    """A hundred mebibytes of nothing in a hundred kilobytes."""
    content = written([("a.txt", bytes(100 << 20))], compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(EvidenceError, match="more than 200 times"):
        read_zip(content)


def test_a_bomb_that_lies_about_its_size_fills_no_memory() -> None:
    """It states 1,000 bytes and unpacks to 256 MiB: no more than was stated is unpacked."""
    size = 256 << 20
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    stream = packer.compress(bytes(size)) + packer.flush()
    content = bytearray(written([("a.txt", stream)]))
    central = bytes(content).index(b"PK\x01\x02")
    for method, stated in ((8, 22), (central + 10, central + 24)):
        content[method : method + 2] = struct.pack("<H", zipfile.ZIP_DEFLATED)
        content[stated : stated + 4] = struct.pack("<L", 1000)
    tracemalloc.start()
    with pytest.raises(EvidenceError, match="damaged"):
        read_zip(bytes(content))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 16 << 20


def test_many_entries_are_refused_before_they_are_read() -> None:
    """One entry more than a pack may have is refused; as many as it may have are read."""
    entries: list[tuple[zipfile.ZipInfo | str, bytes]] = [
        (f"a{n}", b"") for n in range(MAX_ENTRIES + 1)
    ]
    with pytest.raises(EvidenceError, match=f"{MAX_ENTRIES + 1} entries"):
        read_zip(written(entries))
    assert len(read_zip(written(entries[:-1]))) == MAX_ENTRIES


def test_more_bytes_than_a_pack_has_are_refused(tmp_path: Path) -> None:
    """A sparse file of that size, as a zip; nothing is read into memory beyond the limit."""
    path = tmp_path / "large.zip"
    with path.open("wb") as stream:
        os.truncate(stream.fileno(), MAX_FILE_BYTES + 1)
    with pytest.raises(InputError, match="longer than 512 MiB"):
        verify(path)


def test_overlapping_entries_are_refused() -> None:
    """Two names for one place: how a small zip unpacks to much."""
    content = bytearray(written([("a.txt", b"x" * 50), ("b.txt", b"x" * 50)]))
    second = bytes(content).rindex(b"PK\x01\x02")
    content[second + 42 : second + 46] = struct.pack("<L", 0)
    with pytest.raises(EvidenceError, match="overlap"):
        read_zip(bytes(content))


@pytest.mark.parametrize(
    "change",
    [
        lambda zip_: zip_ + b"more",
        lambda zip_: b"MZ before" + zip_,
        lambda zip_: zip_[:-1],
        lambda zip_: zip_[: len(zip_) // 2],
        lambda zip_: zip_[:4],
        lambda zip_: zip_[:0],
        lambda zip_: zip_.replace(b"content of a", b"content of b", 1),
    ],
)
def test_a_zip_with_something_before_or_after_it_or_cut_short_is_refused(
    change: Callable[[bytes], bytes],
) -> None:
    """The bytes are one whole zip from the first to the last, and its contents are those it sums up."""
    with pytest.raises(EvidenceError, match=r"zip"):
        read_zip(change(written([("a.txt", b"content of a")])))


def test_the_command_line_says_it_in_one_line(
    tmp_path: Path, auditkit_here: CommandLine, packed: Packed
) -> None:
    """Exit 5 for a zip that is damaged or hostile, 4 for what is none; never a traceback."""
    path = tmp_path / "pack.zip"
    path.write_bytes(zipped(packed.files)[:-1])
    found = auditkit_here("verify", path)
    assert (found.code, found.err.count("\n")) == (5, 1)
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", "nothing.zip"):
        assert auditkit_here("verify", tmp_path / name).code == 4


# Export


def test_export_writes_a_pack_that_verifies(
    packed: Packed, tmp_path: Path, auditkit_here: CommandLine
) -> None:
    """By path and by the beginning of its id; a second time gives the same bytes."""
    one, two = tmp_path / "one.zip", tmp_path / "two.zip"
    assert auditkit_here("export", packed.run, "--pack", one).code == 0
    by_id = ("export", RUN_ID[:8], "--runs", packed.run.parent, "--pack", two)
    assert auditkit_here(*by_id).code == 0
    assert one.read_bytes() == two.read_bytes() == zipped(packed.files)
    assert auditkit_here("verify", one).code == 0


def test_export_refuses_what_does_not_verify(
    packed: Packed, tmp_path: Path, auditkit_here: CommandLine
) -> None:
    """A changed run, and one with a file more, are not packed; nothing is written."""
    for name, content in (("policy.yaml", b"x"), ("note.txt", b"x")):
        run = tmp_path / name / "run"
        run.mkdir(parents=True)
        for path in packed.run.iterdir():
            (run / path.name).write_bytes(path.read_bytes())
        (run / name).write_bytes(content)
        outcome = auditkit_here("export", run, "--pack", tmp_path / "pack.zip")
        assert (outcome.code, outcome.out) == (5, "")
        assert "is not packed" in outcome.err
    assert not (tmp_path / "pack.zip").exists()


def test_export_names_what_it_cannot_find(tmp_path: Path, auditkit_here: CommandLine) -> None:
    """An unknown run is exit 2, a folder without one exit 4, and no pack is written."""
    target = tmp_path / "pack.zip"
    for run, code in (("0199", 2), (tmp_path, 4)):
        assert auditkit_here("export", run, "--runs", tmp_path, "--pack", target).code == code
    assert not target.exists()


def test_a_pack_never_replaces_a_file_and_is_written_whole(tmp_path: Path) -> None:
    """What is there stays, and nothing lies beside it."""
    target = tmp_path / "pack.zip"
    write_new(target, b"one", "--pack")
    with pytest.raises(EnvironmentUnavailableError, match="there is a file of that name"):
        write_new(target, b"two", "--pack")
    assert target.read_bytes() == b"one"
    with pytest.raises(EnvironmentUnavailableError, match="cannot be written"):
        write_new(tmp_path / "missing" / "pack.zip", b"two", "--pack")
    assert [path.name for path in tmp_path.iterdir()] == ["pack.zip"]


# The page about packs


def test_the_commands_of_the_page_work(
    packed: Packed,
    tmp_path: Path,
    auditkit_here: CommandLine,
    bare: Callable[..., subprocess.CompletedProcess[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Every command of docs/packs.md that needs no second run, as it stands there."""
    page = (ROOT / "docs" / "packs.md").read_text("utf-8")
    blocks = re.findall(r"^```\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    commands = [line.split() for block in blocks for line in block.splitlines()]
    assert [command[:2] for command in commands] == [
        ["auditkit", "export"],
        ["python", "verify.py"],
        ["python", "verify.py"],
        ["auditkit", "verify"],
        ["auditkit", "reproduce"],
    ]
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "RUN_ID").symlink_to(packed.run)
    (tmp_path / "path" / "to").mkdir(parents=True)
    (tmp_path / "path" / "to" / "model").symlink_to(packed.model)
    (tmp_path / "signer.pem").write_bytes(packed.key.certificate)
    (tmp_path / "verify.py").write_bytes(packed.files["verify.py"])
    monkeypatch.chdir(tmp_path)
    for program, *arguments in commands[:-1]:
        if program == "auditkit":
            assert auditkit_here(*arguments).code == 0, arguments
        else:
            done = bare(Path(arguments[0]), *arguments[1:])
            assert (done.returncode, done.stderr) == (3, ""), arguments
