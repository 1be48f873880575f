"""From a policy file to a ``Policy``, or to everything that is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pydantic import ValidationError

from auditkit.digest import sha256_hex
from auditkit.errors import InputError, Problem
from auditkit.policy.consistency import check_consistency
from auditkit.policy.explaining import explain
from auditkit.policy.schema import LocalModel, Policy, PolicyTask
from auditkit.policy.source import MAX_BYTES, KeyPath, Source, read_source
from auditkit.sae.dictionary import Dictionary, DictionaryError, read_dictionary


@dataclass(frozen=True)
class LoadedPolicy:
    """A policy, the bytes it was read from, and where each of its keys stands.

    ``sha256`` is ``sha256:`` and the digest of ``content``.
    """

    policy: Policy
    content: bytes
    sha256: str
    path: Path
    source: Source

    @property
    def folder(self) -> Path:
        """The folder that relative paths in the policy start from."""
        return self.path.parent

    def model_folder(self) -> Path | None:
        """The folder of the model, or ``None`` for a model on the hub."""
        model = self.policy.model
        return self.folder / model.path if isinstance(model, LocalModel) else None

    def prompts_file(self, task: PolicyTask) -> Path | None:
        """The file a task's prompts are read from, or ``None`` when a generator makes them."""
        return None if task.prompts.file is None else self.folder / task.prompts.file

    @cached_property
    def dictionary(self) -> Dictionary | None:
        """The trained autoencoders that the policy names, read once; ``None`` where it names none.

        Raises:
            InputError: the file is not there, or is no dictionary.
        """
        if self.policy.sae is None:
            return None
        file = self.folder / self.policy.sae.path
        try:
            return read_dictionary(file)
        except DictionaryError as error:
            advice = "name a file that `auditkit dictionary` wrote"
            raise InputError([self.problem(("sae", "path"), f"{file}: {error}", advice)]) from error

    def problem(self, key: KeyPath, message: str, advice: str = "") -> Problem:
        """A problem at a key of this policy, with the key's line."""
        return self.source.problem(key, message, advice)


def load_policy(path: Path) -> LoadedPolicy:
    """The policy in a file.

    Raises:
        InputError: the file cannot be read, or every problem of the policy, in line order.
    """
    content = _read(path)
    return parse_policy(content, path)


def parse_policy(content: bytes, path: Path) -> LoadedPolicy:
    """The policy in the bytes of a file; ``path`` is the file they were read from.

    Raises:
        InputError: every problem of the policy, in line order.
    """
    source = read_source(content, str(path))
    problems = [*source.problems, *check_consistency(source)]
    policy = None
    try:
        policy = Policy.model_validate(source.data)
    except ValidationError as error:
        problems += explain(error, source)
    if policy is None or problems:
        raise InputError(sorted(problems, key=lambda problem: problem.line or 0))
    return LoadedPolicy(policy, content, "sha256:" + sha256_hex(content), path, source)


def _read(path: Path) -> bytes:
    if not path.is_file():
        if path.is_dir():
            message, advice = "this is a folder, not a policy", "name the policy file in it"
        elif path.exists():
            message, advice = "this is not a regular file", ""
        else:
            message = "there is no such file"
            advice = "`auditkit run example:quickstart` runs the one that comes with auditkit"
        raise InputError([Problem(str(path), None, "", message, advice)])
    try:
        with path.open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except OSError as error:
        message = f"the policy cannot be read: {error.strerror}"
        raise InputError([Problem(str(path), None, "", message)]) from error
