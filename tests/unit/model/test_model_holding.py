"""What is loaded is what was hashed: private copies, files that change, and folders that mislead."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, PreTrainedModel

from auditkit import engine
from auditkit.errors import EnvironmentUnavailableError, ModelError
from auditkit.model import fingerprint as fingerprinting
from auditkit.model import holding
from auditkit.model.fingerprint import PlainFile, fingerprint
from auditkit.model.holding import hold
from auditkit.model.loading import load_held, load_subject
from auditkit.preparing import Machine
from auditkit.progress import NoProgress
from tests.builders import audit_record
from tests.toy_models import gpt2, save


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return save(gpt2(), tmp_path / "toy")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "snapshots"


def weights(model: PreTrainedModel) -> list[torch.Tensor]:
    return [parameter.clone() for parameter in model.parameters()]


def same(one: list[torch.Tensor], other: list[torch.Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


# The attack


def test_the_swap_works_on_whoever_hashes_and_then_loads(model: Path) -> None:
    """The attack itself: hash, swap, load, swap back. Both hashes agree; other weights were loaded."""
    before = fingerprint(model)
    original = (model / "model.safetensors").read_bytes()
    save(gpt2(seed=1), model)
    loaded = AutoModelForCausalLM.from_pretrained(
        model, local_files_only=True, trust_remote_code=False, use_safetensors=True
    )
    kept = weights(loaded)
    (model / "model.safetensors").unlink()  # the old file stays mapped
    (model / "model.safetensors").write_bytes(original)
    (model / "config.json").write_text((model / "config.json").read_text())
    assert fingerprint(model).weights_digest == before.weights_digest
    assert same(kept, weights(gpt2(seed=1)))
    assert not same(kept, weights(gpt2()))


def test_the_swap_does_not_reach_a_snapshot(model: Path, place: Path) -> None:
    """Hash, swap, load: what is loaded from the snapshot are the weights that were hashed."""
    with hold(model, place) as held:
        save(gpt2(seed=1), model)
        subject = load_held(held, (), revision=None, dtype="float32")
    assert subject.identity.read_from == "snapshot"
    assert subject.identity.weights_digest == held.files.weights_digest
    assert fingerprint(model).weights_digest != held.files.weights_digest
    assert same(weights(subject._model), weights(gpt2()))


def test_a_write_to_the_file_reaches_a_loaded_model_but_not_one_of_a_snapshot(
    model: Path, place: Path
) -> None:
    """Loaded weights are mapped: without a copy, overwriting the file changes the running model."""
    with hold(model, place) as held:
        copied = load_held(held, (), revision=None, dtype="float32")
    mapped = load_subject(model, revision=None, dtype="float32")
    before = weights(mapped._model)
    with (model / "model.safetensors").open("r+b") as stream:
        stream.seek(-4000, os.SEEK_END)
        stream.write(bytes(4000))
    assert not same(weights(mapped._model), before)
    assert same(weights(copied._model), before)


def test_a_model_used_in_place_is_hashed_again_after_the_last_measurement(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write during the audit is found at its end, and no record is made."""
    from auditkit.policy import parse_policy
    from auditkit.records.audit import Operator
    from tests.conftest import QUICKSTART

    text = QUICKSTART.read_text("utf-8")
    loaded = parse_policy(text.encode(), QUICKSTART)
    folder = Path(shutil.copytree(loaded.model_folder() or "", model / "x"))

    def tasks_that_overwrite(*_: object) -> Any:  # noqa: ANN401 - never reached by anything
        with (folder / "model.safetensors").open("r+b") as stream:
            stream.seek(-4, os.SEEK_END)
            stream.write(b"\0\1\0\1")

    monkeypatch.setattr(engine, "calibrate", lambda *_: None)
    monkeypatch.setattr(engine, "audit_task", tasks_that_overwrite)
    operator = Operator(name=None, automated=True)
    run = engine.Run("x", operator, audit_record().signing, lambda: "now", snapshots=None)
    machine = Machine(torch.device("cpu"), 1 << 40, 0, model)
    with pytest.raises(ModelError, match="changed while the model was in use"):
        engine.audit(loaded, folder, run, machine, NoProgress())


def test_a_snapshot_that_changed_is_found_when_hashed_again(model: Path, place: Path) -> None:
    """The second hash is of what was loaded, and can fail."""
    with hold(model, place) as held:
        held.confirm()
        with (held.folder / "config.json").open("ab") as stream:
            stream.write(b" ")
        with pytest.raises(ModelError, match="changed while") as caught:
            held.confirm()
    assert str(model) in caught.value.message


# The snapshot


def test_a_snapshot_is_a_copy_for_nobody_else_and_is_removed(model: Path, place: Path) -> None:
    """Mode 0700 and 0600, no file shared with the model, the same fingerprint, and gone at the end."""
    with hold(model, place) as held:
        assert held.files == fingerprint(model)
        for path in (place, held.folder.parent, held.folder):
            assert path.stat().st_mode & 0o777 == 0o700
        for path in held.folder.rglob("*"):
            assert path.stat().st_mode & 0o777 == 0o600
            assert path.stat().st_nlink == 1
            assert path.stat().st_ino != (model / path.name).stat().st_ino
    assert not held.folder.exists()
    assert [path.name for path in place.iterdir()] == ["lock"]


def test_hidden_files_are_not_in_a_snapshot(model: Path, place: Path) -> None:
    """What is not hashed cannot be loaded."""
    (model / ".hidden.safetensors").write_bytes(b"x")
    with hold(model, place) as held:
        assert {path.name for path in held.folder.iterdir()} == {
            each.path for each in held.files.manifest
        }


def test_a_snapshot_is_removed_whatever_ends_the_work(model: Path, place: Path) -> None:
    """An interrupt leaves no copy of the model behind."""
    with pytest.raises(KeyboardInterrupt), hold(model, place):
        raise KeyboardInterrupt
    assert [path.name for path in place.iterdir()] == ["lock"]


def test_what_a_killed_process_left_is_removed_by_the_next(model: Path, place: Path) -> None:
    """A snapshot whose owner was killed goes; one whose owner lives stays."""
    script = (
        "import sys, time; from pathlib import Path; from auditkit.model.holding import hold\n"
        "with hold(Path(sys.argv[1]), Path(sys.argv[2])) as held:\n"
        "    print(held.folder, flush=True); time.sleep(600)\n"
    )
    command = [sys.executable, "-c", script, str(model), str(place)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8") as process:
        assert process.stdout is not None
        theirs = Path(process.stdout.readline().strip())
        with hold(model, place):
            assert theirs.is_dir()
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert theirs.is_dir()
    with hold(model, place):
        assert not theirs.exists()


def test_too_little_room_is_said_before_anything_is_copied(
    model: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line with what is needed and what is free, exit 6, and nothing written."""
    usage = shutil.disk_usage(model)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1_000_000))
    monkeypatch.setattr(holding, "read", None)
    with pytest.raises(
        EnvironmentUnavailableError, match=r"needs \S+ MB, and 1\.0 MB are free"
    ) as e:
        hold(model, place).__enter__()
    assert e.value.exit_code == 6
    assert "--model-in-place" in e.value.advice
    assert [path.name for path in place.iterdir()] == ["lock"]


def test_a_copy_that_cannot_be_finished_leaves_nothing(model: Path, place: Path) -> None:
    """A write that fails in the middle of a copy: one line, exit 6, and no half snapshot."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(EnvironmentUnavailableError, match="File too large") as caught:
            hold(model, place).__enter__()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.exit_code == 6
    assert [path.name for path in place.iterdir()] == ["lock"]


def test_a_place_that_others_can_open_is_refused(model: Path, place: Path) -> None:
    """No snapshot is made in a folder that other users can open."""
    place.mkdir(mode=0o755)
    place.chmod(0o755)
    with pytest.raises(EnvironmentUnavailableError, match="others can open it"):
        hold(model, place).__enter__()


# In place


def test_a_model_others_can_write_to_is_not_used_in_place(model: Path) -> None:
    """The folder, a folder in it, or one file: each is named."""
    (model / "below").mkdir()
    (model / "below" / "note.txt").write_text("x")
    for path in (model, model / "below", model / "config.json"):
        mode = path.stat().st_mode
        path.chmod(mode | 0o020)
        with pytest.raises(ModelError, match="others can write to it") as caught:
            hold(model, None).__enter__()
        assert caught.value.message.startswith(f"{path}:")
        path.chmod(mode & ~0o022)
    with hold(model, None) as held:
        assert (held.folder, held.read_from) == (model, "folder")


# Hostile folders


def replaced_by_a_pipe(folder: Path, file: PlainFile) -> None:
    (folder / file.path).unlink()
    os.mkfifo(folder / file.path)


def replaced_by_a_link(folder: Path, file: PlainFile) -> None:
    (folder / file.path).rename(folder / "aside")
    (folder / file.path).symlink_to(folder / "aside")


def replaced_by_a_device(folder: Path, file: PlainFile) -> None:
    (folder / file.path).unlink()
    (folder / file.path).symlink_to("/dev/zero")


@pytest.mark.parametrize("attack", [replaced_by_a_pipe, replaced_by_a_link, replaced_by_a_device])
def test_a_file_replaced_after_it_was_listed_is_refused_at_once(
    model: Path,
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
    attack: Callable[[Path, PlainFile], None],
) -> None:
    """Neither followed nor waited for: an open pipe without a writer would block for ever."""
    listing = fingerprinting.plain_files

    def list_and_replace(folder: Path) -> list[PlainFile]:
        listed = listing(folder)
        if folder == model:
            attack(folder, next(file for file in listed if file.path == "model.safetensors"))
        return listed

    monkeypatch.setattr(holding, "plain_files", list_and_replace)
    with pytest.raises(ModelError, match=r"not a plain file|symbolic links"):
        hold(model, place).__enter__()


@pytest.mark.parametrize("kind", ["pipe", "link to weights", "socket"])
def test_what_is_not_a_plain_file_is_refused(model: Path, place: Path, kind: str) -> None:
    """A pipe, a socket or a link among the weights is refused, not followed."""
    import socket

    target = model / "odd.safetensors"
    if kind == "pipe":
        os.mkfifo(target)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(os.path.relpath(target))
    else:
        (model / "model.safetensors").rename(model.parent / "elsewhere")
        (model / "model.safetensors").symlink_to(model.parent / "elsewhere")
    with pytest.raises(ModelError, match="not a plain file"):
        hold(model, place).__enter__()


def test_transformers_loads_shards_from_outside_the_folder(model: Path, tmp_path: Path) -> None:
    """Why an index is looked at: weights from beside the folder are loaded without a word."""
    (model / "model.safetensors").rename(tmp_path / "x.safetensors")
    write_index(model, "../x.safetensors")
    loaded = AutoModelForCausalLM.from_pretrained(
        model, local_files_only=True, trust_remote_code=False, use_safetensors=True
    )
    assert same(weights(loaded), weights(gpt2()))


def write_index(folder: Path, shard: object) -> None:
    names = gpt2().state_dict().keys()
    index = {"metadata": {}, "weight_map": dict.fromkeys(names, shard)}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


@pytest.mark.parametrize(
    "shard",
    [
        "../x.safetensors",
        "./model.safetensors",
        "a/../model.safetensors",
        ".h.safetensors",
        "",
        3,
        [],
    ],
)
def test_an_index_names_files_of_the_manifest_only(model: Path, place: Path, shard: object) -> None:
    """By the name they have there; a hidden file is not in it."""
    (model / ".h.safetensors").write_bytes(b"x")
    (model.parent / "x.safetensors").write_bytes(b"x")
    write_index(model, shard)
    with pytest.raises(ModelError, match="not a file of this model folder"):
        hold(model, place).__enter__()


@pytest.mark.parametrize("content", ["[]", "{}", '{"weight_map": 3}', "[" * 100_000, "\ud800"])
def test_an_index_that_is_none_is_refused(model: Path, place: Path, content: str) -> None:
    """In one line, with the folder's own name in it."""
    path = model / "model.safetensors.index.json"
    path.write_bytes(content.encode("utf-8", "surrogatepass"))
    with pytest.raises(ModelError) as caught:
        hold(model, place).__enter__()
    assert caught.value.message.startswith(f"{path}: ")


def test_a_configuration_cannot_name_hidden_weights(model: Path, place: Path) -> None:
    """``transformers_weights`` names the file that is loaded instead of the usual one."""
    (model / ".h.safetensors").write_bytes((model / "model.safetensors").read_bytes())
    config = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(
        json.dumps({**config, "transformers_weights": ".h.safetensors"})
    )
    with pytest.raises(ModelError, match=r"'\.h\.safetensors', which is not a file"):
        hold(model, place).__enter__()


def test_an_adapter_is_refused(model: Path, place: Path) -> None:
    """A folder with an adapter is not held as a model."""
    (model / "adapter_config.json").write_text("{}")
    with pytest.raises(ModelError, match="adapter"):
        hold(model, place).__enter__()


def test_a_damaged_model_is_named_by_its_own_folder(model: Path, place: Path) -> None:
    """No message speaks of the snapshot, which is gone when it is read."""
    (model / "model.safetensors").write_bytes(b"\0" * 64)
    with hold(model, place) as held, pytest.raises(ModelError) as caught:
        load_held(held, (), revision=None, dtype="float32")
    assert str(model) in caught.value.message
    assert str(place) not in caught.value.message
