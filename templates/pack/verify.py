"""Check a pack that auditkit wrote for an authority, without auditkit: the zip, or its unpacked folder.

    python verify.py [PATH] [--trust CERTIFICATE] [--signer sha256:...] [--model FOLDER] ...

PATH is the zip or the folder; by default the folder this file lies in. Needs Python 3.9 or later and
two libraries, cryptography and pikepdf. Opens no network connection, runs nothing from the pack and
writes nothing. VERIFY.txt says what each check shows and what it does not.

The options mean what they mean to "auditkit verify", which checks more: it computes the conclusions again
and compares the words of the reports. Nothing here does, so the best outcome is 3 and never 0.

Exit codes: 3 whole and as signed, conclusions and words not compared; 2 the command line is wrong;
4 there is no pack at PATH; 5 a check failed.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import io
import json
import os
import re
import stat
import sys
import zipfile
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cryptography import x509

NAME = re.compile(r"(run/)?[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
MAX_ENTRIES = 64
MAX_BYTES = 512 * 1024 * 1024
MAX_RATIO = 200
HELPERS = {"VERIFY.txt", "verify.py", "model-manifest.json"}
BESIDE = HELPERS | {"PACK.json"}
SIGNED_AS = "pack/"
OF_A_RUN = {
    "MANIFEST.json",
    "attestation.dsse.json",
    "certificate.pem",
    "evidence.json",
    "policy.yaml",
    "policy.yaml.p7s",
    "report.html",
    "report.html.p7s",
    "report.pdf",
}
EXTENDED = "report.extended.pdf"
RESULTS = {
    "consistent": "PASSED",
    "not_consistent": "FAILED",
    "inconclusive": "WARNED",
    "not_assessed": "WARNED",
}
INDEX = "model.safetensors.index.json"
IN_TOTO = "application/vnd.in-toto+json"
NOT_CHECKED = """\
NOT compared here: that circuits and verdicts follow from the measurements, that the HTML report is what
the evidence gives, the PDF's own signature, and the store (auditkit verify does); that the measurements
are right (auditkit reproduce runs the model again). When a key signed is its owner's word."""


class NoPackError(Exception):
    """There is nothing at the path that could be checked."""


class FailedError(Exception):
    """A check failed; says why."""


class NotRunError(Exception):
    """A check cannot be made here; says why."""


class Pack:
    """A pack's files by name, as bytes, and what the reader brings to them."""

    def __init__(
        self, files: dict[str, bytes], given: argparse.Namespace, trusted: list[bytes]
    ) -> None:
        self.files, self.given, self.trusted = files, given, trusted
        self.run = {n[len("run/") :]: c for n, c in files.items() if n.startswith("run/")}

    def file(self, name: str) -> bytes:
        """A file of the pack, which must be there."""
        if name not in self.files:
            raise FailedError(f"{name} is missing")
        return self.files[name]

    def evidence(self) -> dict[str, Any]:
        """The record, as JSON."""
        document = parsed(self.file("run/evidence.json"), "run/evidence.json")
        if not isinstance(document, dict):
            raise FailedError("run/evidence.json is not a record")
        return document


def canonical(value: Any) -> bytes:  # noqa: ANN401 - any JSON value
    """The RFC 8785 bytes of a JSON value without floats."""
    if isinstance(value, dict):
        items = sorted(value.items(), key=lambda item: item[0].encode("utf-16-be"))
        return b"{" + b",".join(canonical(k) + b":" + canonical(v) for k, v in items) + b"}"
    if isinstance(value, list):
        return b"[" + b",".join(map(canonical, value)) + b"]"
    if isinstance(value, float):
        raise FailedError("a number that is not an integer")
    return json.dumps(value, ensure_ascii=False).encode("utf-8")


def parsed(content: bytes, name: str) -> Any:  # noqa: ANN401 - any JSON value
    """The JSON value in bytes that must be its canonical form: no byte can change unseen."""
    try:
        value = json.loads(content)
        same = canonical(value) == content
    except (ValueError, RecursionError) as error:
        raise FailedError(f"{name} is not JSON") from error
    if not same:
        raise FailedError(f"{name} is not in canonical form (RFC 8785)")
    return value


def sha256(content: bytes) -> str:
    """The SHA-256 as the records write it."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


def listed(files: dict[str, bytes]) -> list[dict[str, Any]]:
    """What a manifest says of files."""
    return [
        {"name": name, "sha256": sha256(files[name]), "size": len(files[name])}
        for name in sorted(files)
    ]


def differing(found: Iterable[tuple[str, object]], expected: Iterable[tuple[str, object]]) -> str:
    """What tells two lists of files by name apart, in words; empty if nothing."""
    there, wanted = dict(found), dict(expected)
    said = {
        "changed": sorted(n for n in there.keys() & wanted.keys() if there[n] != wanted[n]),
        "missing": sorted(wanted.keys() - there.keys()),
        "extra": sorted(there.keys() - wanted.keys()),
    }
    return "; ".join(f"{word}: {', '.join(names)}" for word, names in said.items() if names)


def pack(case: Pack) -> str:
    """PACK.json lists exactly the files of the pack, and these are files that a pack has."""
    there = {name for name in case.files if not name.startswith("run/")}
    strange = sorted(there - BESIDE - {EXTENDED}) + sorted(case.run.keys() - OF_A_RUN)
    if strange or BESIDE - there:
        raise FailedError(
            f"no file of a pack: {', '.join(strange)}" if strange else "a file is missing"
        )
    files = {name: content for name, content in case.files.items() if name != "PACK.json"}
    return _manifest(case.file("PACK.json"), "PACK.json", files)


def manifest(case: Pack) -> str:
    """run/MANIFEST.json lists exactly the files of the run."""
    files = {name: content for name, content in case.run.items() if name != "MANIFEST.json"}
    return _manifest(case.file("run/MANIFEST.json"), "run/MANIFEST.json", files)


def _manifest(content: bytes, name: str, files: dict[str, bytes]) -> str:
    recorded, found = parsed(content, name)["files"], listed(files)
    if recorded != found:
        said = differing([(e["name"], e) for e in found], [(e["name"], e) for e in recorded])
        raise FailedError(said or f"{name} lists a file twice, or not in order")
    return f"{len(found)} files, each with its recorded size and SHA-256"


def _verifies(certificate: x509.Certificate, signature: bytes, signed: bytes) -> bool:
    """Whether the certificate's key made the signature, by one of the schemes that such a key may use."""
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

    curves = {
        "secp256r1": hashes.SHA256(),
        "secp384r1": hashes.SHA384(),
        "secp521r1": hashes.SHA512(),
    }
    key: Any
    try:
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        key = None
    tried: list[tuple[Any, ...]] = []
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in curves:
        tried = [(ec.ECDSA(curves[key.curve.name]),)]
    elif isinstance(key, rsa.RSAPublicKey) and key.key_size >= 3072:
        exponent, digest = key.public_numbers().e, hashes.SHA256()
        if exponent >= 65537 and exponent % 2:
            tried = [(padding.PSS(padding.MGF1(digest), 32), digest)]
            if certificate.public_key_algorithm_oid.dotted_string != "1.2.840.113549.1.1.10":
                tried.append((padding.PKCS1v15(), digest))
    if not tried:
        raise FailedError(
            "the certificate's key is not accepted; ask for a certificate on an RSA key of at least "
            "3072 bits or an EC key on P-256, P-384 or P-521"
        )
    for how in tried:
        try:
            key.verify(signature, signed, *how)
        except (InvalidSignature, ValueError, UnsupportedAlgorithm):
            continue
        return True
    return False


def _signed(case: Pack) -> tuple[bytes, str]:
    """The statement's bytes once their signature verified, and the certificate's fingerprint."""
    try:
        from cryptography import x509
        from cryptography.hazmat.primitives import serialization
    except ImportError as error:
        raise NotRunError("the library cryptography is not installed") from error
    name = "run/attestation.dsse.json"
    envelope = parsed(case.file(name), name)
    (entry,) = envelope["signatures"]
    payload = base64.b64decode(envelope["payload"], validate=True)
    signature = base64.b64decode(entry["sig"], validate=True)
    for text, content in ((envelope["payload"], payload), (entry["sig"], signature)):
        if base64.b64encode(content).decode("ascii") != text:
            raise FailedError(f"{name} is not in its one form")
    if envelope["payloadType"] != IN_TOTO:
        raise FailedError("what is signed is not an in-toto statement")
    pem = case.file("run/certificate.pem")
    certificate = x509.load_pem_x509_certificate(pem)
    if certificate.public_bytes(serialization.Encoding.PEM) != pem:
        raise FailedError("run/certificate.pem holds more than one certificate")
    kind = IN_TOTO.encode("ascii")
    signed = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
    if not _verifies(certificate, signature, signed):
        raise FailedError("the signature does not verify")
    fingerprint = sha256(certificate.public_bytes(serialization.Encoding.DER))
    if entry["keyid"] != fingerprint:
        raise FailedError("the attestation names another certificate than run/certificate.pem")
    return payload, fingerprint


def attestation(case: Pack) -> str:
    """The signature over the statement's exact bytes verifies with run/certificate.pem."""
    return f"signed by {_signed(case)[1]}"


def statement(case: Pack) -> str:
    """The signed statement is about exactly these files of the run."""
    said = parsed(_signed(case)[0], "the statement")
    every = [(each["name"], each["digest"]) for each in said["subject"]]
    subjects = [each for each in every if not each[0].startswith(SIGNED_AS)]
    unsigned = {"MANIFEST.json", "attestation.dsse.json"}
    files = {name: content for name, content in case.run.items() if name not in unsigned}
    found = [(n, {"sha256": sha256(c)[len("sha256:") :]}) for n, c in sorted(files.items())]
    if subjects != found or every != sorted(every, key=lambda each: str(each[0])):
        raise FailedError(differing(found, subjects) or "a file is named twice, or not in order")
    verdict = case.evidence()["verdict"]
    if said["predicate"]["result"] != RESULTS.get(verdict):
        raise FailedError(f"its result is not that of the evidence, which is {verdict}")
    return f"{len(subjects)} files; result {said['predicate']['result']}"


def helpers(case: Pack) -> str:
    """VERIFY.txt, verify.py and model-manifest.json are those that the signed statement covers."""
    said = parsed(_signed(case)[0], "the statement")
    signed = {
        each["name"][len(SIGNED_AS) :]: each["digest"]["sha256"]
        for each in said["subject"]
        if each["name"].startswith(SIGNED_AS)
    }
    if not signed:
        raise NotRunError("an older auditkit made the run: its statement covers none of them")
    if signed.keys() != HELPERS:
        raise FailedError("the statement names other helpers than auditkit packs")
    other = sorted(n for n in HELPERS if sha256(case.file(n)) != "sha256:" + signed[n])
    if not other:
        return "as signed with the run"
    build = case.evidence()["tool"]
    if build["source_digest"].encode("ascii") in case.file("VERIFY.txt"):
        raise FailedError(f"{', '.join(other)}: not as auditkit {build['version']} wrote it")
    raise NotRunError(f"{', '.join(other)}: another build packed it, or it was changed")


def signer(case: Pack) -> str:
    """The signer is one you trust: --trust or --signer, and --signer-name."""
    pem = case.file("run/certificate.pem")
    fingerprint, names = _named(pem)
    if case.given.signer and fingerprint not in case.given.signer:
        raise FailedError(f"signed by {fingerprint}, which is not the signer given")
    if case.given.signer_name and not set(case.given.signer_name) & names:
        raise FailedError(f"the certificate names {', '.join(sorted(names))}")
    if fingerprint in case.given.signer:
        return "the signer given"
    if not case.trusted:
        raise NotRunError("no certificate was given with --trust, and no --signer")
    if pem.strip() in {each.strip() for each in case.trusted}:
        return "the certificate given"
    if case.evidence()["signing"]["key_level"] == "organisation":
        raise NotRunError("not one of the certificates given; auditkit verify judges who issued it")
    raise FailedError("run/certificate.pem is none of the certificates given")


def _named(pem: bytes) -> tuple[str, set[str]]:
    """The certificate's fingerprint, and the names in it that --signer-name may ask for."""
    try:
        from cryptography import x509
        from cryptography.hazmat.primitives import serialization
    except ImportError as error:
        raise NotRunError("the library cryptography is not installed") from error
    certificate = x509.load_pem_x509_certificate(pem)
    wanted = {x509.NameOID.COMMON_NAME, x509.NameOID.ORGANIZATION_NAME}
    names = {str(each.value) for each in certificate.subject if each.oid in wanted}
    names.add(certificate.subject.rfc4514_string())
    return sha256(certificate.public_bytes(serialization.Encoding.DER)), names


def asked(case: Pack) -> str:
    """Weights, policy, system, time and verdict are those asked for."""
    document = case.evidence()
    found = {
        "weights": document["model"]["weights_digest"],
        "policy": document["policy"]["sha256"],
        "system": document["system"]["name"],
        "verdict": document["verdict"],
    }
    wanted = {name: getattr(case.given, name) for name in found}
    least = case.given.not_before
    if least is None and not any(wanted.values()):
        raise NotRunError("nothing was asked of what the report is about")
    said = [
        f"{name}: {found[name]}, not {wanted[name]}"
        for name in found
        if wanted[name] is not None and wanted[name] != found[name]
    ]
    if least is not None and document["times"]["finished"] < least:
        said.append(f"finished: {document['times']['finished']}, before {least}")
    if said:
        raise FailedError("; ".join(said))
    return "as asked"


def evidence(case: Pack) -> str:
    """run/evidence.json is in canonical form."""
    return f"run {case.evidence()['run_id']}, verdict {case.evidence()['verdict']}"


def policy(case: Pack) -> str:
    """run/policy.yaml is the policy the evidence names."""
    digest = sha256(case.file("run/policy.yaml"))
    if case.evidence()["policy"]["sha256"] != digest:
        raise FailedError(f"it has {digest}")
    return digest


def attachments(case: Pack) -> str:
    """The files inside the PDF are those beside it."""
    if "report.pdf" not in case.run and "pdf" not in case.evidence()["report"]["formats"]:
        raise NotRunError("the run has no PDF, as its policy asked")
    content = case.file("run/report.pdf")
    try:
        import pikepdf
    except ImportError as error:
        raise NotRunError("the library pikepdf is not installed") from error
    with pikepdf.open(io.BytesIO(content)) as pdf:
        inside = {name: pdf.attachments[name].get_file().read_bytes() for name in pdf.attachments}
    for name in sorted({"evidence.json", "policy.yaml", *inside}):
        if name not in inside:
            raise FailedError(f"the PDF carries no {name}")
        if name in case.run and inside[name] != case.run[name]:
            raise FailedError(f"the {name} inside the PDF is not the one beside it")
        if name not in case.run and name != "report.html":
            raise FailedError(f"the PDF carries {name}, which is no file of the run")
    return ", ".join(sorted(inside))


def extension(case: Pack) -> str:
    """report.extended.pdf is the run's PDF with something signed after it."""
    if EXTENDED not in case.files:
        raise NotRunError("nothing was signed after the run")
    original, extended = case.file("run/report.pdf"), case.files[EXTENDED]
    if not extended.startswith(original) or extended == original:
        raise FailedError("it does not begin with run/report.pdf")
    return f"{len(extended) - len(original)} bytes were added; auditkit verify says what they are"


def instructions(case: Pack) -> str:
    """VERIFY.txt names the run and the verdict of the evidence."""
    lines = case.file("VERIFY.txt").decode("utf-8").splitlines()
    document = case.evidence()
    words = document["verdict"].replace("_", " ")
    for label, value in (("Run", document["run_id"]), ("Verdict", words)):
        said = [line[len(label) :] for line in lines if line.split()[:1] == [label]]
        if [each.partition("(")[0].strip() for each in said] != [value]:
            raise FailedError(f"it says something else of the {label.lower()} than the evidence")
    return f"verdict {document['verdict']}; its other words are not signed"


def model_manifest(case: Pack) -> str:
    """model-manifest.json is the model the evidence names, and its digests follow from its files."""
    said = parsed(case.file("model-manifest.json"), "model-manifest.json")
    model = case.evidence()["model"]
    files = model["manifest"]
    root = sha256(b"".join(bytes.fromhex(each["sha256"][len("sha256:") :]) for each in files))
    weights = [e for e in files if e["path"].endswith(".safetensors") or e["path"] == INDEX]
    digests = {
        "manifest_digest": sha256(canonical(files)),
        "root_digest": root,
        "tokenizer_digest": {each["path"]: each["sha256"] for each in files}["tokenizer.json"],
        "weights_digest": sha256(canonical(weights)),
    }
    for name, digest in digests.items():
        if model[name] != digest:
            raise FailedError(f"the evidence's {name} does not follow from its files")
    expected = {
        **digests,
        "files": files,
        "name": model["name"],
        "revision": model["revision"],
        "schema_version": "1",
        "statement": _to_sign(model["name"], root, files),
    }
    if said != expected:
        raise FailedError("it is not what the evidence says of the model")
    return f"{len(files)} files, root {root}"


def _to_sign(name: str, root: str, files: list[dict[str, Any]]) -> dict[str, Any]:
    """The statement that OpenSSF Model Signing v1.0 signs for these files."""
    start = len("sha256:")
    resources = [
        {"name": each["path"], "algorithm": "sha256", "digest": each["sha256"][start:]}
        for each in files
    ]
    serialization = {
        "method": "files",
        "hash_type": "sha256",
        "allow_symlinks": False,
        "ignore_paths": [],
    }
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": name, "digest": {"sha256": root[start:]}}],
        "predicateType": "https://model_signing/signature/v1.0",
        "predicate": {"serialization": serialization, "resources": resources},
    }


def model_files(case: Pack) -> str:
    """The model folder given with --model has the files that were audited."""
    if case.given.model is None:
        raise NotRunError("no model folder was given with --model")
    found = []
    for root, folders, names in os.walk(case.given.model):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = Path(root) / name
            if not name.startswith("."):
                found.append((path.relative_to(case.given.model).as_posix(), _file_digest(path)))
    recorded = case.evidence()["model"]["manifest"]
    said = differing(found, [(each["path"], each["sha256"]) for each in recorded])
    if said:
        raise FailedError(said)
    return f"{len(found)} files, the same as audited"


def _file_digest(path: Path) -> str:
    if not stat.S_ISREG(path.lstat().st_mode):
        raise FailedError(f"{path} is not a plain file")
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(1 << 20):
            digest.update(chunk)
    return "sha256:" + digest.hexdigest()


CHECKS: tuple[Callable[[Pack], str], ...] = (
    pack,
    manifest,
    attestation,
    statement,
    signer,
    evidence,
    policy,
    attachments,
    model_manifest,
    model_files,
    extension,
    instructions,
    helpers,
    asked,
)
NEEDED = {"pack", "manifest", "attestation", "statement", "evidence", "policy", "instructions"}


def read_folder(folder: Path) -> dict[str, bytes]:
    """The files of an unpacked pack; anything beside them fails the first check."""
    files: dict[str, bytes] = {}
    total = 0
    for path in sorted([*folder.iterdir(), *(folder / "run").glob("*")]):
        name, status = path.relative_to(folder).as_posix(), path.lstat()
        if name == "run" and stat.S_ISDIR(status.st_mode):
            continue
        total += status.st_size
        if not stat.S_ISREG(status.st_mode) or len(files) >= MAX_ENTRIES or total > MAX_BYTES:
            raise FailedError(f"{name}: not a plain file, or more than a pack holds")
        files[name] = path.read_bytes()
    return files


def read_zip(path: Path) -> dict[str, bytes]:
    """The files of a zip, in memory: nothing is written, and no name leads anywhere."""
    if path.stat().st_size > MAX_BYTES:
        raise FailedError("larger than a pack can be")
    content = path.read_bytes()
    end = content[-22:]
    if len(end) < 22 or end[:4] != b"PK\5\6" or int.from_bytes(end[10:12], "little") > MAX_ENTRIES:
        raise FailedError("not a zip as a pack is one: too many entries, or bytes after its end")
    files: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = [each for each in archive.infolist() if each.filename != "run/"]
            if sum(each.file_size for each in entries) > MAX_BYTES:
                raise FailedError("larger than a pack can be")
            for entry in entries:
                _refuse_odd(entry, files)
                with archive.open(entry) as stream:
                    files[entry.filename] = stream.read(entry.file_size + 1)
    except FailedError:
        raise
    except Exception as error:
        raise FailedError(f"the zip is damaged ({error})") from error
    return files


def _refuse_odd(entry: zipfile.ZipInfo, files: dict[str, bytes]) -> None:
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if not NAME.fullmatch(entry.filename):
        raise FailedError(f"an entry is named {entry.filename!r}")
    if entry.filename.lower() in {name.lower() for name in files}:
        raise FailedError(f"{entry.filename} is there twice")
    if entry.flag_bits & 1 or kind not in {0, stat.S_IFREG}:
        raise FailedError(f"{entry.filename} is encrypted, a link or a device")
    if entry.file_size > MAX_RATIO * max(entry.compress_size, 4096):
        raise FailedError(f"{entry.filename} is packed more tightly than documents are")


def read(path: Path) -> dict[str, bytes]:
    """The files of the pack at a path."""
    try:
        if path.is_dir():
            files = read_folder(path)
        elif path.is_file():
            files = read_zip(path)
        else:
            raise NoPackError(f"{path}: no such folder or file")
    except OSError as error:
        raise NoPackError(f"{path}: cannot be read ({error.strerror})") from error
    if "PACK.json" not in files:
        raise NoPackError(f"{path}: not a pack: it has no PACK.json")
    return files


def _given(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Check a pack that auditkit wrote.", allow_abbrev=False
    )
    here = Path(__file__).resolve().parent
    parser.add_argument("path", nargs="?", type=Path, default=here)
    more = parser.add_argument
    more("--trust", type=Path, action="append", default=[], help="the signer's certificate (PEM)")
    more("--signer", type=_digest, action="append", default=[], help="its fingerprint: sha256:...")
    more("--signer-name", action="append", default=[], help="a name in the signer's certificate")
    more(
        "--require-trusted", action="store_true", help="as in auditkit verify; the best is 3 anyway"
    )
    more("--weights", type=_digest, help="the digest of the weights it has to be about")
    more("--policy", type=_digest, help="the digest of the policy it has to be about")
    more("--system", help="the name of the system it has to be about")
    more("--verdict", choices=sorted(RESULTS), help="the verdict it has to have")
    more("--not-before", type=_day, help="the day it has to be of, or later: 2026-11-01")
    more("--model", type=Path, help="a model folder to hold against the one audited")
    more("--json", action="store_true", help="print the checks as JSON")
    return parser.parse_args(arguments)


def _digest(value: str) -> str:
    digits = value.lower().replace("sha256:", "", 1).replace(":", "")
    if not re.fullmatch("[0-9a-f]{64}", digits):
        raise argparse.ArgumentTypeError(
            f"{value!r} is not a SHA-256 digest: 64 hexadecimal digits"
        )
    return f"sha256:{digits}"


def _day(value: str) -> str:
    for form in ("%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"):
        try:
            return f"{datetime.strptime(value, form):%Y-%m-%dT%H:%M:%SZ}"  # noqa: DTZ007 - UTC, as records
        except ValueError:
            continue
    raise argparse.ArgumentTypeError(f"{value!r} is no day like 2026-11-01")


def _certificates(files: list[Path]) -> list[bytes]:
    """Every certificate in the files given with --trust."""
    pattern = re.compile(b"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
    found = []
    for file in files:
        pems = pattern.findall(file.read_bytes())
        if not pems:
            raise NoPackError(f"{file}: no certificate in PEM form")
        found += pems
    return found


def main(arguments: list[str] | None = None) -> int:
    """Make every check, print each with its outcome, and return the exit code."""
    given = _given(arguments)
    try:
        trusted = _certificates(given.trust)
        case = Pack(read(given.path), given, trusted)
    except FailedError as error:
        print(f"NOT verified: {_shown(error)}")
        return 5
    except (NoPackError, OSError) as error:
        print(_shown(error), file=sys.stderr)
        return 4
    made = [(each, *_made(each, case)) for each in CHECKS]
    failed = [each.__name__ for each, outcome, _ in made if outcome == "failed"]
    passed = {each.__name__ for each, outcome, _ in made if outcome == "passed"}
    if not failed and not passed >= NEEDED:
        failed = ["a check that all rests on was not made"]
    if given.json:
        print(json.dumps(_as_json(made, failed), indent=2))
        return 5 if failed else 3
    for number, (check, outcome, detail) in enumerate(made, start=1):
        print(f"{number:>2}  {outcome:<8}  {check.__doc__}\n              {detail}")
    print(NOT_CHECKED)
    if failed:
        print(f"NOT verified: {', '.join(failed)}")
        return 5
    print(
        "intact, but NOT compared: conclusions and words of the reports; auditkit verify compares them."
    )
    if "signer" not in passed:
        print("Nobody vouches for the signer: give --trust or --signer.")
    return 3


def _as_json(
    made: list[tuple[Callable[[Pack], str], str, str]], failed: list[str]
) -> dict[str, Any]:
    outcomes = {check.__name__: outcome for check, outcome, _ in made}
    return {
        "ok": False,
        "result": "failed" if failed else "not_compared",
        "trusted": outcomes["signer"] == "passed",
        "checks": [
            {"id": check.__name__, "outcome": outcome.replace(" ", "_"), "detail": detail}
            for check, outcome, detail in made
        ],
    }


def _made(check: Callable[[Pack], str], case: Pack) -> tuple[str, str]:
    try:
        return "passed", _shown(check(case))
    except NotRunError as error:
        return "not run", _shown(error)
    except FailedError as error:
        return "failed", _shown(error)
    except Exception as error:  # noqa: BLE001 - hostile bytes: whatever breaks a check fails it
        return "failed", _shown(f"the check broke off: {type(error).__name__}: {error}")


def _shown(text: object) -> str:
    """One line, without what a terminal would obey."""
    line = " ".join(str(text).split())[:300]
    return "".join(each if each.isprintable() else "?" for each in line)


if __name__ == "__main__":
    sys.exit(main())
