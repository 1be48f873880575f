"""Models on the Hugging Face hub, fetched at one commit and never from a moving branch. No torch."""

from __future__ import annotations

from pathlib import Path

from auditkit.errors import ModelError

_WANTED = ("*.safetensors", "*.json", "*.txt", "*.model")


def fetch(repository: str, revision: str, cache: Path) -> Path:
    """The folder in ``cache`` that holds a repository's files at a commit, fetched if need be.

    Raises:
        ModelError: the hub or that commit cannot be reached.
    """
    folder = cache / f"{repository.replace('/', '--')}@{revision}"
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError

    try:
        snapshot_download(
            repository, revision=revision, local_dir=folder, allow_patterns=list(_WANTED)
        )
    except (OSError, ValueError, HfHubHTTPError) as error:
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise ModelError(
            f"{repository} at {revision}: cannot be fetched ({reason})",
            advice="check the name, the commit and the network, or download it and use model.path",
        ) from error
    return folder
