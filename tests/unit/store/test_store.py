"""The evidence store: appends survive, changes show, on every kind of database."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import psycopg
import pytest

from auditkit.bundle.evidence import stored_bytes
from auditkit.errors import EnvironmentUnavailableError, EvidenceError
from auditkit.records.audit import AuditRecord
from auditkit.signing.notes import head_of, open_note
from auditkit.store import postgres_schema, sqlite_schema
from auditkit.store.evidence_store import EvidenceStore
from auditkit.store.merkle import is_consistent, leaf_hash, root_hash, root_of_inclusion
from tests.builders import audit_record
from tests.stores import KINDS, Place, another, go, place, run, small_body, start_writer, url_of

GUARDS = {"sqlite": sqlite_schema.GUARDS, "postgresql": postgres_schema.GUARDS}
TRIGGERS = [
    (kind, name)
    for kind, guards in GUARDS.items()
    for name, statement in guards.items()
    if "CREATE TRIGGER" in statement
]


@pytest.fixture(params=KINDS)
def there(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return place(request.param, request, tmp_path)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store" / "evidence.db"


@pytest.fixture
def on_file(path: Path) -> Place:
    return Place("sqlite", url_of(path), path)


@pytest.fixture
def store(there: Place) -> EvidenceStore:
    return there.open()


@pytest.fixture
def filled(store: EvidenceStore) -> EvidenceStore:
    for number in range(5):
        store.append(run(number))
    return store


@pytest.fixture
def filled_file(on_file: Place) -> EvidenceStore:
    store = on_file.open()
    for number in range(5):
        store.append(run(number))
    return store


def test_checkpoint_is_the_tree_over_the_stored_bytes(store: EvidenceStore) -> None:
    """Each append returns the leaf hash of the exact bytes, the root over all so far, and its proof."""
    for number in range(4):
        checkpoint = store.append(run(number))
        leaves = [leaf_hash(stored_bytes(run(earlier))) for earlier in range(number + 1)]
        assert checkpoint.leaf_index == number
        assert checkpoint.tree_size == number + 1
        assert checkpoint.leaf_hash == "sha256:" + leaves[-1].hex()
        assert checkpoint.root_hash == "sha256:" + root_hash(leaves).hex()
        assert checkpoint.origin == store.origin
        proof = [bytes.fromhex(node[7:]) for node in checkpoint.inclusion_proof]
        root = root_of_inclusion(leaves[-1], number, number + 1, proof)
        assert root == root_hash(leaves)
        head = head_of(open_note(checkpoint.note, checkpoint.verifier_key))
        assert (head.origin, head.tree_size, head.root) == (store.origin, number + 1, root)


def test_records_appended_together_share_one_checkpoint(store: EvidenceStore) -> None:
    """A batch is one transaction and one note; each record has its own proof in the whole tree."""
    store.append(run(100))
    runs = [run(number) for number in range(7)]
    checkpoints = store.append_all(runs)
    assert {checkpoint.note for checkpoint in checkpoints} == {store.notes()[-1].note}
    assert [checkpoint.leaf_index for checkpoint in checkpoints] == list(range(1, 8))
    for one, checkpoint in zip(runs, checkpoints, strict=True):
        proof = [bytes.fromhex(node[7:]) for node in checkpoint.inclusion_proof]
        leaf = leaf_hash(stored_bytes(one))
        root = root_of_inclusion(leaf, checkpoint.leaf_index, 8, proof)
        assert "sha256:" + root.hex() == checkpoint.root_hash == store.root_at(8)
    assert store.audit().checkpoints == 2


@pytest.mark.parametrize("bad", [[run(1), run(2), run(1)], [run(6), run(3)]])
def test_batch_is_stored_whole_or_not_at_all(filled: EvidenceStore, bad: list[AuditRecord]) -> None:
    """A run that is in the batch twice, or stored already, keeps the whole batch out."""
    with pytest.raises(EvidenceError, match=r"twice|already in the store"):
        filled.append_all(bad)
    assert filled.size == 5


def test_tree_over_several_tiles_gives_proofs_that_verify(there: Place) -> None:
    """Tiles are cut at 256 records, and every proof across them gives the same roots as the leaves."""
    store = there.open()
    bodies = [small_body(number) for number in range(700)]
    for start, stop in ((0, 3), (3, 255), (255, 256), (256, 257), (257, 600), (600, 700)):
        store.append_bodies(bodies[start:stop])
    leaves = [leaf_hash(body) for body in bodies]
    for size in (1, 3, 255, 256, 257, 511, 512, 513, 600, 700):
        assert store.root_at(size) == "sha256:" + root_hash(leaves[:size]).hex()
        for index in {0, size // 2, size - 1}:
            proof = store.inclusion(index, size)
            assert root_of_inclusion(leaves[index], index, size, proof) == root_hash(leaves[:size])
        proof = store.consistency(size, 700)
        assert is_consistent(size, 700, root_hash(leaves[:size]), root_hash(leaves), proof)
    assert store.audit().clean
    assert there.reader().audit().good == 700


def test_what_was_stored_is_found_again_after_reopening(
    filled: EvidenceStore, there: Place
) -> None:
    """Bytes, place and hash of a run outlive the process that stored it."""
    reopened = there.reader()
    found = reopened.get(run(3).run_id)
    assert found is not None
    assert found.body == stored_bytes(run(3))
    assert found.leaf_index == 3
    assert found.hash == "sha256:" + leaf_hash(found.body).hex()
    assert reopened.origin == filled.origin
    assert reopened.notes() == filled.notes()
    with pytest.raises(ValueError, match="read only"):
        reopened.append(run(9))


def test_a_new_store_is_its_owners_alone(on_file: Place, path: Path) -> None:
    """Prompts stand in it. A file that is there keeps the rights it has."""
    on_file.open()
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    path.chmod(0o640)
    on_file.open()
    assert path.stat().st_mode & 0o777 == 0o640


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


def test_zero_character_in_a_record_is_kept(store: EvidenceStore) -> None:
    """A token may be U+0000: the body keeps it, though no database can list it."""
    body = small_body(0).replace(b"toy", b"a\\u0000b")
    store.append_bodies([body])
    found = store.get("run-0")
    assert found is not None
    assert found.body == body
    assert store.list()[0].model.startswith("a")
    assert store.audit().clean


def test_run_is_stored_once(filled: EvidenceStore) -> None:
    """A run id that is already there is refused, and nothing changes."""
    with pytest.raises(EvidenceError, match="already in the store"):
        filled.append(run(2))
    assert len(filled.list()) == 5


def test_stores_have_different_names(there: Place) -> None:
    """The origin tells two stores apart, and stays with its store."""
    origins = {there.open().origin, there.open().origin, another(there).open().origin}
    assert len(origins) == 2


def test_history_can_be_asked_again(store: EvidenceStore) -> None:
    """The store gives the root and the signed note of any earlier size, and only of sizes it had."""
    given = [store.append(run(number)) for number in range(6)]
    assert [store.root_at(size) for size in range(1, 7)] == [each.root_hash for each in given]
    assert [note.note for note in store.notes()] == [each.note for each in given]
    for size in (-1, 0, 7):
        with pytest.raises(EvidenceError, match="the store holds"):
            store.root_at(size)


def test_untouched_store_is_clean(filled: EvidenceStore) -> None:
    """Recomputing every hash, root and signature finds nothing."""
    outcome = filled.audit()
    assert outcome.clean
    assert (outcome.good, outcome.checkpoints) == (5, 5)
    assert outcome.root_hash == filled.root_at(5)


def test_empty_store_is_clean(store: EvidenceStore) -> None:
    """A store without records has the root of the empty tree and nothing to witness."""
    assert store.audit().clean
    assert store.audit().root_hash.endswith(root_hash([]).hex())
    with pytest.raises(EvidenceError, match="holds no records"):
        store.witness()


def test_witness_is_the_note_of_the_last_append(filled: EvidenceStore, there: Place) -> None:
    """What was signed once is given out again, even by another key: one note for one tree."""
    assert filled.witness() == there.open(seed=2).witness() == filled.notes()[-1]


def test_two_keys_may_sign_one_store(filled: EvidenceStore, there: Place) -> None:
    """Two machines on one server each sign with their own key; every note names its key."""
    there.open(seed=2).append(run(5))
    assert len({note.verifier_key for note in filled.notes()}) == 2
    assert filled.audit().checkpoints == 6


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE leaf SET hash = hash WHERE idx = 1",
        "UPDATE leaf SET body = body",
        "DELETE FROM leaf WHERE idx = 4",
        "INSERT INTO leaf (idx, body, hash) SELECT 0, body, hash FROM leaf WHERE idx = 3",
        "INSERT INTO leaf (idx, body, hash) SELECT 9, body, hash FROM leaf WHERE idx = 3",
        "INSERT INTO checkpoint SELECT 3, note, verifier_key FROM checkpoint WHERE tree_size = 5",
        "UPDATE checkpoint SET note = 'another'",
        "DELETE FROM checkpoint",
        "INSERT INTO tile (level, idx, hash) SELECT 1, 7, hash FROM leaf WHERE idx = 1",
        "INSERT INTO identity (origin) VALUES ('another')",
        "UPDATE identity SET origin = 'another'",
        "DELETE FROM identity",
    ],
)
def test_statement_other_than_an_append_is_refused(
    filled: EvidenceStore, there: Place, statement: str
) -> None:
    """Accidents with plain SQL are stopped by the database itself."""
    with pytest.raises((sqlite3.IntegrityError, psycopg.DatabaseError), match="only appends"):
        there.attack(statement)
    assert filled.audit().good == 5


@pytest.mark.parametrize(("kind", "guard"), TRIGGERS)
def test_missing_guard_is_named_when_the_store_is_opened(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str, guard: str
) -> None:
    """A store whose trigger was dropped is not opened, and the trigger is not quietly restored."""
    there = place(kind, request, tmp_path)
    there.open()
    table = f" ON {guard.partition('_')[0]}" if kind == "postgresql" else ""
    there.attack(f"DROP TRIGGER {guard}{table}")
    for _ in range(2):
        with pytest.raises(EvidenceError, match=guard):
            there.open()


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
        (["DROP TABLE tile"], "tile is missing"),
        (["PRAGMA application_id = 7"], "not an auditkit store"),
        (["DELETE FROM alembic_version"], "does not name one schema"),
        (["UPDATE alembic_version SET version_num = 'x'"], "does not name one schema"),
    ],
)
def test_altered_schema_is_named_when_a_file_is_opened(
    on_file: Place, statements: list[str], named: str
) -> None:
    """Tables, index and guards must be the very text this version writes."""
    on_file.open()
    on_file.attack(*statements)
    with pytest.raises(EvidenceError, match=named):
        on_file.open()


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("ALTER TABLE leaf DISABLE TRIGGER USER", "leaf_no_change was altered"),
        (
            (
                "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql "
                "AS $$BEGIN RETURN NULL; END$$"
            ),
            r"refuse\(\) was altered",
        ),
        ("CREATE RULE gone AS ON INSERT TO leaf DO INSTEAD NOTHING", "leaf was altered"),
        ("ALTER TABLE leaf ENABLE ROW LEVEL SECURITY", "leaf was altered"),
        ("ALTER TABLE leaf ALTER COLUMN verdict DROP EXPRESSION", "leaf.verdict was altered"),
        ("ALTER TABLE leaf ADD COLUMN note text", "did not make: leaf.note"),
        ("DROP INDEX leaf_run_id", "leaf_run_id is missing"),
        ("CREATE TABLE other (x text)", "did not make: other"),
        ("DROP TABLE checkpoint", "checkpoint is missing"),
        ("DROP TABLE alembic_version", "not an auditkit store"),
    ],
)
def test_altered_schema_is_named_when_a_database_is_opened(
    request: pytest.FixtureRequest, tmp_path: Path, statement: str, named: str
) -> None:
    """What the catalogue says of tables, columns, rules and guards must be what this version makes."""
    there = place("postgresql", request, tmp_path)
    there.open()
    there.attack(statement)
    with pytest.raises(EvidenceError, match=named):
        there.open()


@pytest.mark.parametrize("create", [True, False])
def test_store_of_a_newer_auditkit_is_refused(there: Place, *, create: bool) -> None:
    """A schema that this program does not know is not guessed at."""
    there.open()
    there.attack("UPDATE alembic_version SET version_num = '0003'")
    with pytest.raises(EnvironmentUnavailableError, match=r"schema 0003.* up to 0002"):
        EvidenceStore.open(there.url, create=create)


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
    other = Place("sqlite", url_of(tmp_path / "other.db"), tmp_path / "other.db")
    other.attack("CREATE TABLE theirs (x)")
    before = other.path.read_bytes()
    with pytest.raises(EvidenceError, match="not an auditkit store"):
        other.open()
    assert other.path.read_bytes() == before


@pytest.mark.parametrize(
    "url",
    [
        "sqlite://",
        "sqlite:///:memory:",
        "mysql://u:hunter2@host/db",
        "postgresql+asyncpg://u:hunter2@host/db",
        "postgresql://u:hunter2@host",
        "postgresql+psycopg://u:hunter2@host:port/db",
        "postgresql+psycopg://u:hun@ter2@127.0.0.1:1/db?connect_timeout=2&password=hunter2",
        "postgresql+psycopg://u:hunter2@127.0.0.1:1/db?unknown=hunter2",
        "no url",
        "",
    ],
)
def test_store_that_cannot_be_is_unavailable_without_its_password(url: str) -> None:
    """What evidence cannot be kept in is said in one line, and no password is printed."""
    with pytest.raises(EnvironmentUnavailableError) as caught:
        EvidenceStore.open(url)
    assert "\n" not in caught.value.message
    assert "ter2" not in caught.value.message + caught.value.advice


def test_missing_driver_of_postgresql_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without psycopg the extra to install is named."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(EnvironmentUnavailableError, match="psycopg") as caught:
        EvidenceStore.open("postgresql+psycopg://u:hunter2@host/db")
    assert caught.value.advice == "pip install 'auditkit[postgres]'"


def test_reading_never_makes_a_store(there: Place) -> None:
    """Looking into a store that is not there does not leave an empty one behind."""
    for _ in range(2):
        with pytest.raises(EnvironmentUnavailableError, match="no evidence store"):
            there.reader()
    assert there.kind != "sqlite" or not there.path.parent.exists()


def test_place_that_cannot_hold_a_store_is_an_environment_error(tmp_path: Path) -> None:
    """A folder in the file's place, or a file in the folder's, is the machine's problem."""
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder.db").mkdir()
    for where in ("file/evidence.db", "folder.db"):
        with pytest.raises(EnvironmentUnavailableError):
            EvidenceStore.open(url_of(tmp_path / where))


def test_full_disk_is_an_environment_error_and_loses_nothing(
    filled_file: EvidenceStore, path: Path
) -> None:
    """When the file cannot grow the append fails, and what was stored stays whole."""
    code = (
        "import resource, signal, sys\n"
        "from auditkit.errors import EnvironmentUnavailableError\n"
        "from auditkit.store.evidence_store import EvidenceStore\n"
        "from tests.builders import note_signer\n"
        "from tests.stores import run\n"
        "store = EvidenceStore.open(sys.argv[1], signer=note_signer())\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "try:\n    store.append(run(5))\n"
        "except EnvironmentUnavailableError as error:\n    print('refused', error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, url_of(path)], capture_output=True, text=True, timeout=60
    )
    assert done.stdout.startswith("refused"), done.stderr
    assert filled_file.audit().good == 5
    assert filled_file.append(run(5)).tree_size == 6


def test_audits_that_append_at_once_all_land(there: Place) -> None:
    """Two processes that write at the same time take turns, and no record is lost."""
    store = there.open()
    writers = [start_writer(there.url, first, 20) for first in (0, 1000)]
    for writer in writers:
        go(writer)
    acknowledged = [
        line for writer in writers for line in writer.communicate(timeout=60)[0].split()
    ]
    assert len(acknowledged) == 40
    assert sorted(acknowledged) == sorted(summary.run_id for summary in store.list())
    assert store.audit().good == 40
    assert store.audit().clean


def test_processes_that_open_a_new_store_at_once_share_it(there: Place) -> None:
    """Two first runs at the same moment make one store."""
    for process in [start_writer(there.url, n, 1) for n in (0, 1)]:
        go(process)
        process.communicate(timeout=60)
    assert len(there.open().list()) == 2


def kill_during_append(there: Place, kills: int) -> None:
    """SIGKILL at random moments: what was acknowledged is there, nothing partial is, all is clean."""
    store, moment, acknowledged = there.open(), Random(5), set[str]()  # noqa: S311 - repeatable
    for attempt in range(kills):
        writer = start_writer(there.url, attempt * 100_000, 100_000)
        go(writer)
        assert writer.stdout is not None
        acknowledged |= {writer.stdout.readline()[:-1] for _ in range(moment.randrange(4))}
        time.sleep(moment.uniform(0, 0.05))
        writer.send_signal(signal.SIGKILL)
        acknowledged |= set(writer.communicate(timeout=60)[0].split("\n")[:-1])
        stored = {summary.run_id for summary in there.open().list()}
        assert acknowledged <= stored
        # Of each writer at most the one record whose acknowledgement was not yet printed.
        assert len(stored - acknowledged) <= attempt + 1
        if attempt % 10 == 9 or attempt == kills - 1:
            outcome = store.audit()
            assert outcome.clean
            assert outcome.good == outcome.checkpoints >= len(stored)
    assert len(acknowledged) > kills // 2
    assert store.append(run(99_999_999)).tree_size == len(store.list())


def test_killed_append_loses_no_acknowledged_record(there: Place) -> None:
    """After SIGKILL in the middle of appending, what was acknowledged is there and all is clean."""
    kill_during_append(there, 5)


@pytest.mark.slow
def test_fifty_killed_appends_lose_no_acknowledged_record(there: Place) -> None:
    """The same fifty times in a row in one store."""
    kill_during_append(there, 50)


def test_store_on_file_survives_being_copied(filled_file: EvidenceStore, on_file: Place) -> None:
    """The whole store is one file."""
    copied = on_file.path.with_name("copy.db")
    shutil.copy(on_file.path, copied)
    copy = EvidenceStore.open(url_of(copied), create=False)
    assert (copy.root_at(5), copy.notes()) == (filled_file.root_at(5), filled_file.notes())
