"""The evidence store: appends survive, changes show."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from auditkit.errors import EnvironmentUnavailableError, EvidenceError
from auditkit.evidence import stored_bytes
from auditkit.records.audit import AuditRecord
from auditkit.store.evidence_store import EvidenceStore
from auditkit.store.merkle import leaf_hash, root_hash
from tests.builders import audit_record

GUARDS = (
    "leaf_no_update",
    "leaf_no_delete",
    "leaf_append_only",
    "identity_no_update",
    "identity_no_delete",
    "identity_once",
)

WRITER = """
import sys
from auditkit.store.evidence_store import EvidenceStore
from tests.builders import audit_record
url, first, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
store = EvidenceStore.open(url)
print("ready", flush=True)
sys.stdin.readline()
for number in range(first, first + count):
    run_id = f"01234567-89ab-7def-8123-{number:012x}"
    store.append(audit_record().model_copy(update={"run_id": run_id}))
    print(run_id, flush=True)
"""


def run(number: int) -> AuditRecord:
    """A record that differs from the others in its run id only."""
    return audit_record().model_copy(
        update={"run_id": f"01234567-89ab-7def-8123-{number:012x}", "checkpoint": None}
    )


def url_of(path: Path) -> str:
    return f"sqlite:///{path}"


def attack(path: Path, *statements: str) -> None:
    """Somebody with write access to the file and no interest in the guards' good opinion."""
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store" / "evidence.db"


@pytest.fixture
def store(path: Path) -> EvidenceStore:
    return EvidenceStore.open(url_of(path))


@pytest.fixture
def filled(store: EvidenceStore) -> EvidenceStore:
    for number in range(5):
        store.append(run(number))
    return store


def test_checkpoint_is_the_tree_over_the_stored_bytes(store: EvidenceStore) -> None:
    """Each append returns the leaf hash of the exact bytes and the root over all so far."""
    for number in range(4):
        checkpoint = store.append(run(number))
        leaves = [leaf_hash(stored_bytes(run(earlier))) for earlier in range(number + 1)]
        assert checkpoint.leaf_index == number
        assert checkpoint.tree_size == number + 1
        assert checkpoint.leaf_hash == "sha256:" + leaves[-1].hex()
        assert checkpoint.root_hash == "sha256:" + root_hash(leaves).hex()
        assert checkpoint.origin == store.origin


def test_what_was_stored_is_found_again_after_reopening(filled: EvidenceStore, path: Path) -> None:
    """Bytes, place and hash of a run outlive the process that stored it."""
    reopened = EvidenceStore.open(url_of(path), create=False)
    found = reopened.get(run(3).run_id)
    assert found is not None
    assert found.body == stored_bytes(run(3))
    assert found.leaf_index == 3
    assert found.hash == "sha256:" + leaf_hash(found.body).hex()
    assert reopened.origin == filled.origin


def test_unknown_run_is_none(filled: EvidenceStore) -> None:
    """A run the store does not hold is told apart from one it holds."""
    assert filled.get(run(99).run_id) is None


def test_checkpoint_inside_a_record_is_not_stored(store: EvidenceStore) -> None:
    """A record with and one without its checkpoint are the same leaf."""
    record = run(0)
    checkpoint = store.append(record.model_copy(update={"checkpoint": audit_record().checkpoint}))
    assert checkpoint.leaf_hash == "sha256:" + leaf_hash(stored_bytes(record)).hex()


def test_summaries_are_read_from_the_bodies_in_order(filled: EvidenceStore) -> None:
    """The list shows what the records say, oldest first."""
    summaries = filled.list()
    assert [summary.run_id for summary in summaries] == [run(number).run_id for number in range(5)]
    first = summaries[0]
    record = run(0)
    assert (first.verdict, first.finished) == (record.verdict, record.times.finished)
    assert (first.system, first.model) == (record.system.name, record.model.name)


def test_run_is_stored_once(filled: EvidenceStore) -> None:
    """A run id that is already there is refused, and nothing changes."""
    with pytest.raises(EvidenceError, match="already in the store"):
        filled.append(run(2))
    assert len(filled.list()) == 5


def test_stores_have_different_names(tmp_path: Path) -> None:
    """The origin tells two stores apart, and stays with its store."""
    origins = {EvidenceStore.open(url_of(tmp_path / f"{n}.db")).origin for n in (1, 2, 2)}
    assert len(origins) == 2


def test_history_of_checkpoints_can_be_asked_again(store: EvidenceStore) -> None:
    """The store gives the checkpoint of any earlier size, and only of sizes it had."""
    given = [store.append(run(number)) for number in range(6)]
    assert [store.checkpoint_at(size) for size in range(1, 7)] == given
    for size in (-1, 0, 7):
        with pytest.raises(EvidenceError, match="the store holds"):
            store.checkpoint_at(size)


def test_untouched_store_is_clean(filled: EvidenceStore) -> None:
    """Recomputing every hash and root finds nothing."""
    outcome = filled.audit()
    assert outcome.clean
    assert outcome.good == 5
    assert outcome.root_hash == filled.checkpoint_at(5).root_hash


def test_empty_store_is_clean(store: EvidenceStore) -> None:
    """A store without records has the root of the empty tree and no bad row."""
    assert store.audit().clean
    assert store.audit().root_hash.endswith(root_hash([]).hex())


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE leaf SET hash = zeroblob(32) WHERE idx = 1",
        "UPDATE leaf SET body = body",
        "DELETE FROM leaf WHERE idx = 4",
        "REPLACE INTO leaf (idx, body, hash, root) SELECT 0, body, hash, root FROM leaf LIMIT 1",
        "REPLACE INTO leaf (idx, body, hash, root) SELECT 5, body, hash, root FROM leaf LIMIT 1",
        "REPLACE INTO leaf (body, hash, root) SELECT body, hash, root FROM leaf WHERE idx = 1",
        "INSERT INTO leaf (idx, body, hash, root) VALUES (9, x'7b7d', x'00', x'00')",
        "INSERT INTO identity (origin) VALUES ('another')",
        "UPDATE identity SET origin = 'another'",
        "DELETE FROM identity",
    ],
)
def test_statement_other_than_an_append_is_refused(
    filled: EvidenceStore, path: Path, statement: str
) -> None:
    """Accidents with plain SQL are stopped by the database itself, replacing inserts included."""
    with pytest.raises(sqlite3.IntegrityError, match="only appends"):
        attack(path, statement)
    assert filled.audit().good == 5


@pytest.mark.parametrize("guard", GUARDS)
def test_missing_guard_is_named_when_the_store_is_opened(
    filled: EvidenceStore, path: Path, guard: str
) -> None:
    """A store whose trigger was dropped is not opened, and the trigger is not quietly restored."""
    attack(path, f"DROP TRIGGER {guard}")
    for _ in range(2):
        with pytest.raises(EvidenceError, match=guard):
            EvidenceStore.open(url_of(path))


@pytest.mark.parametrize(
    ("statements", "named"),
    [
        (
            [
                "DROP TRIGGER leaf_no_delete",
                "CREATE TRIGGER leaf_no_delete BEFORE DELETE ON leaf BEGIN SELECT 1; END",
            ],
            "leaf_no_delete was altered",
        ),
        (["DROP INDEX leaf_run_id"], "leaf_run_id is missing"),
        (["ALTER TABLE leaf ADD COLUMN note TEXT"], "leaf was altered"),
        (["CREATE TABLE other (x)"], "did not make: other"),
        (["DROP TABLE leaf"], "leaf is missing"),
        (["PRAGMA application_id = 7"], "not an auditkit store"),
    ],
)
def test_altered_schema_is_named_when_the_store_is_opened(
    filled: EvidenceStore, path: Path, statements: list[str], named: str
) -> None:
    """Tables, index and guards must be the very text this version writes."""
    attack(path, *statements)
    with pytest.raises(EvidenceError, match=named):
        EvidenceStore.open(url_of(path))


EDIT = (
    "UPDATE leaf SET body = CAST(replace(CAST(body AS TEXT), 'toy', 'tox') AS BLOB) WHERE idx = 2"
)


@pytest.mark.parametrize(
    ("statement", "good", "problem"),
    [
        (EDIT, 2, "row 2 was changed: its body"),
        ("UPDATE leaf SET hash = zeroblob(32) WHERE idx = 3", 3, "row 3 was changed: its body"),
        ("UPDATE leaf SET root = zeroblob(32) WHERE idx = 1", 1, "row 1 was changed: the root"),
        ("DELETE FROM leaf WHERE idx = 1", 1, "row 1 is missing"),
        ("UPDATE leaf SET idx = 9 WHERE idx = 4", 4, "row 4 is missing"),
    ],
)
def test_audit_names_the_first_bad_row(
    filled: EvidenceStore, path: Path, statement: str, good: int, problem: str
) -> None:
    """An edit behind the guards' back is found, and the rows before it are counted as good."""
    attack(path, "DROP TRIGGER leaf_no_update", "DROP TRIGGER leaf_no_delete", statement)
    outcome = filled.audit()
    assert not outcome.clean
    assert outcome.good == good
    assert outcome.problem.startswith(problem)


def test_edit_with_its_hash_recomputed_is_still_found(filled: EvidenceStore, path: Path) -> None:
    """Changing a row and its leaf hash together leaves the roots kept since then wrong."""
    connection = sqlite3.connect(path)
    connection.create_function("leaf_hash", 1, leaf_hash)
    connection.execute("DROP TRIGGER leaf_no_update")
    connection.execute(EDIT)
    connection.execute("UPDATE leaf SET hash = leaf_hash(body) WHERE idx = 2")
    connection.commit()
    connection.close()
    assert filled.audit().problem == "row 2 was changed: the root kept with it is another"


def test_body_that_is_no_json_is_an_evidence_error(filled: EvidenceStore, path: Path) -> None:
    """A damaged body breaks the list with an evidence error, and the audit names its row."""
    attack(path, "DROP TRIGGER leaf_no_update")
    raw = path.read_bytes()
    path.write_bytes(raw.replace(b'"run_id":"01234567-89ab-7def-8123-000000000002"', b"x" * 47))
    with pytest.raises(EvidenceError, match="does not verify"):
        filled.list()
    assert filled.audit().good == 2


@pytest.mark.parametrize("content", [b"hello, this is no database", b"x" * 5000])
def test_what_is_no_database_is_an_evidence_error(tmp_path: Path, content: bytes) -> None:
    """A file that is not a database is reported, and left as it is."""
    path = tmp_path / "evidence.db"
    path.write_bytes(content)
    with pytest.raises(EvidenceError, match="does not verify"):
        EvidenceStore.open(url_of(path))
    assert path.read_bytes() == content


def test_database_of_another_program_is_not_touched(tmp_path: Path) -> None:
    """Tables are made in an empty database only."""
    path = tmp_path / "other.db"
    attack(path, "CREATE TABLE theirs (x)")
    before = path.read_bytes()
    with pytest.raises(EvidenceError, match="not an auditkit store"):
        EvidenceStore.open(url_of(path))
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///:memory:", "postgresql://u:secret@host/db", "no url", ""]
)
def test_other_kinds_of_database_are_not_available(url: str) -> None:
    """What this version cannot keep evidence in is said in one line, without a password."""
    with pytest.raises(EnvironmentUnavailableError) as caught:
        EvidenceStore.open(url)
    assert "secret" not in str(caught.value)


def test_reading_never_makes_a_store(path: Path) -> None:
    """Looking into a store that is not there does not leave an empty one behind."""
    with pytest.raises(EnvironmentUnavailableError, match="no evidence store"):
        EvidenceStore.open(url_of(path), create=False)
    assert not path.parent.exists()


def test_place_that_cannot_hold_a_store_is_an_environment_error(tmp_path: Path) -> None:
    """A folder in the file's place, or a file in the folder's, is the machine's problem."""
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder.db").mkdir()
    for place in ("file/evidence.db", "folder.db"):
        with pytest.raises(EnvironmentUnavailableError):
            EvidenceStore.open(url_of(tmp_path / place))


def test_full_disk_is_an_environment_error_and_loses_nothing(
    filled: EvidenceStore, path: Path
) -> None:
    """When the file cannot grow the append fails, and what was stored stays whole."""
    code = (
        "import resource, signal, sys\n"
        "from auditkit.errors import EnvironmentUnavailableError\n"
        "from auditkit.store.evidence_store import EvidenceStore\n"
        "from tests.unit.test_store import run\n"
        "store = EvidenceStore.open(sys.argv[1])\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "try:\n    store.append(run(5))\n"
        "except EnvironmentUnavailableError as error:\n    print('refused', error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, url_of(path)], capture_output=True, text=True, timeout=60
    )
    assert done.stdout.startswith("refused"), done.stderr
    assert filled.audit().good == 5
    assert filled.append(run(5)).tree_size == 6


def start_writer(url: str, first: int, count: int) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, url, str(first), str(count)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def test_audits_that_append_at_once_all_land(path: Path) -> None:
    """Two processes that write at the same time take turns, and no record is lost."""
    store = EvidenceStore.open(url_of(path))
    writers = [start_writer(url_of(path), first, 20) for first in (0, 1000)]
    for writer in writers:
        go(writer)
    acknowledged = [
        line for writer in writers for line in writer.communicate(timeout=60)[0].split()
    ]
    assert len(acknowledged) == 40
    assert sorted(acknowledged) == sorted(summary.run_id for summary in store.list())
    assert store.audit().good == 40
    assert store.audit().clean


def test_processes_that_open_a_new_store_at_once_share_it(path: Path) -> None:
    """Two first runs at the same moment make one store."""
    for process in [start_writer(url_of(path), n, 1) for n in (0, 1)]:
        go(process)
        process.communicate(timeout=60)
    assert len(EvidenceStore.open(url_of(path)).list()) == 2


def test_killed_append_loses_no_acknowledged_record(path: Path) -> None:
    """After SIGKILL in the middle of appending, what was acknowledged is there and all is clean."""
    store = EvidenceStore.open(url_of(path))
    for attempt, delay in enumerate((0.02, 0.05, 0.11, 0.17)):
        writer = start_writer(url_of(path), attempt * 10_000, 10_000)
        go(writer)
        time.sleep(delay)
        writer.send_signal(signal.SIGKILL)
        acknowledged = set(writer.communicate(timeout=60)[0].split("\n")[:-1])
        stored = {summary.run_id for summary in store.list()}
        assert acknowledged <= stored
        assert store.audit().clean
    assert store.append(run(99_999)).tree_size == len(store.list())


def test_store_survives_being_copied(filled: EvidenceStore, path: Path, tmp_path: Path) -> None:
    """The whole store is one file."""
    shutil.copy(path, tmp_path / "copy.db")
    copy = EvidenceStore.open(url_of(tmp_path / "copy.db"), create=False)
    assert copy.checkpoint_at(5) == filled.checkpoint_at(5)
