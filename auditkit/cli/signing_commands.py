"""``auditkit sign`` and ``auditkit keys``: options and help; the modules named after them do the work."""

from __future__ import annotations

from pathlib import Path

import click

from auditkit.cli.options import JSON


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--role", type=click.Choice(["reviewer"]), help="Sign as this officer.")
@click.option(
    "--key",
    default="default",
    show_default=True,
    metavar="NAME",
    help="The key to sign with (auditkit keys list).",
)
@click.option("--renew", is_flag=True, help="Put a newer timestamp over a B-LTA report instead.")
@click.option(
    "--trust",
    "trusted",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    multiple=True,
    metavar="CERT",
    help="With --renew: a root (PEM) of the signer's or the timestamp service's certificates.",
)
@click.option(
    "--timestamp-url",
    metavar="URL",
    help="The timestamp service to ask, at every level but B-B.",
)
def sign(
    path: Path,
    role: str | None,
    key: str,
    renew: bool,
    trusted: tuple[Path, ...],
    timestamp_url: str | None,
) -> int:
    """Counter-sign a run's PDF as a second officer, or renew its timestamps.

    Writes report.extended.pdf into the run's directory: the run's own PDF, byte for byte, and what
    was signed after it. The other files do not change.

    \b
    Examples:
      auditkit sign runs/RUN_ID --role reviewer --key rita
      auditkit sign runs/RUN_ID --renew --trust root.pem --timestamp-url https://tsa.example.com
    """
    if renew == (role is not None):
        raise click.UsageError("give either --role reviewer or --renew")
    if renew and not trusted:
        raise click.UsageError("--renew needs --trust: a timestamp leads to a root you name")
    from auditkit.cli import sign as signing

    if renew:
        return signing.renew(path, trusted, timestamp_url)
    return signing.countersign(path, key, timestamp_url)


@click.command()
@click.argument("policy", type=click.Path(path_type=Path), metavar="POLICY")
@click.option(
    "--key", metavar="NAME", help="The key to sign with.  [default: the one the policy names]"
)
@click.option(
    "--timestamp-url",
    metavar="URL",
    help="A timestamp service (RFC 3161).  [default: the one the policy names]",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="The file to write.  [default: POLICY.p7s, where a run looks for it]",
)
def commit(policy: Path, key: str | None, timestamp_url: str | None, out: Path | None) -> int:
    """Sign and timestamp a policy before its run.

    Article 9(8) asks for testing against metrics and thresholds defined beforehand. The commitment is a
    signature over the policy's bytes, checked by verify and by openssl. Without a timestamp service only
    the signer's own clock says when it was made.

    \b
    Examples:
      auditkit commit policy.yaml --timestamp-url http://timestamp.example/tsa
      auditkit run policy.yaml
    """
    from auditkit.cli.commit import commit_policy

    return commit_policy(policy, key, timestamp_url, out)


@click.group("keys")
def keys_group() -> None:
    """The keys this machine signs with.

    A policy names a key; keys.yaml in auditkit's folder says where it is. Passphrases and PINs come
    from an environment variable, a private file or a prompt, never from an option.

    \b
    Example:
      auditkit keys list
    """


@keys_group.command("list")
@JSON
def keys_list(as_json: bool) -> int:
    """List the keys: whose certificate each has, until when, and the level it reaches.

    \b
    Example:
      auditkit keys list --json
    """
    from auditkit.cli.keys import list_keys

    return list_keys(as_json=as_json)


@keys_group.command("show")
@click.argument("name", default="default")
@JSON
def keys_show(name: str, as_json: bool) -> int:
    """Show one key. Exits with 6 when it cannot be used now, and says why.

    \b
    Example:
      auditkit keys show default
    """
    from auditkit.cli.keys import show_key

    return show_key(name, as_json=as_json)


@keys_group.command("create")
def keys_create() -> int:
    """Make the development key now; otherwise the first run makes it.

    \b
    Example:
      auditkit keys create
    """
    from auditkit.cli.keys import create_key

    return create_key()


@keys_group.command("import-p12")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--name", required=True, metavar="NAME", help="The name policies use for the key.")
@click.option("--passphrase-env", metavar="VARIABLE", help="The variable with the passphrase.")
@click.option("--passphrase-file", metavar="FILE", help="A private file with the passphrase.")
@click.option(
    "--trust",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    multiple=True,
    metavar="CERT",
    help="A root (PEM) that the certificate, or the timestamp service's, leads to.",
)
@click.option(
    "--chain",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    multiple=True,
    metavar="CERT",
    help="The certificate of an intermediate issuer (PEM), where the file leaves it out.",
)
def keys_import_p12(
    file: Path,
    name: str,
    passphrase_env: str | None,
    passphrase_file: str | None,
    trust: tuple[Path, ...],
    chain: tuple[Path, ...],
) -> int:
    """Copy a PKCS#12 file into auditkit's folder and give it a name.

    Asks for the passphrase at every signing, unless told which variable or file it is in.

    \b
    Example:
      auditkit keys import-p12 seal.p12 --name seal --passphrase-env SEAL_PASSPHRASE --trust root.pem
    """
    if passphrase_env is not None and passphrase_file is not None:
        raise click.UsageError("give one of --passphrase-env and --passphrase-file")
    from auditkit.cli.keys import import_p12, passphrase_from

    secret = passphrase_from(passphrase_env, passphrase_file)
    return import_p12(file, name, secret, trust, chain)
