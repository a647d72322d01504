"""The creditors on whose behalf invoices are pursued: one YAML file each in the data folder's `creditors/`.

A sample creditor comes with the package, so that a first try needs none.
"""

from functools import lru_cache
from pathlib import Path
from typing import Literal, NamedTuple

from activities.whole_file import write_whole
from gateway.errors import InputRefused, WrongUsage
from gateway.policy_files import policy_names
from gateway.yaml_source import SourceRefused, parse_source, read_source
from models.ids import CREDITOR_CODE
from models.parties import Creditor

SAMPLE = Path(__file__).resolve().parent / "sample"


class Added(NamedTuple):
    """What became of a creditor's file."""

    creditor: Creditor
    change: Literal["added", "unchanged", "updated"]


class Listed(NamedTuple):
    """A creditor that is known, and whether it is the packaged sample."""

    creditor: Creditor
    sample: bool


def add_creditor(path: str | Path, data_dir: str | Path) -> Added:
    """Take a creditor's file into the data folder, whole or not at all.

    Raises:
        InputRefused: The file has faults (each is named), or the policy it names is unknown.
        WrongUsage: There is no such file, or the data folder cannot be written to.
    """
    source = read_source(path)
    creditor: Creditor = parse_source(source, Creditor.model_validate, Creditor)
    known = policy_names(data_dir)
    if creditor.policy not in known:
        message = f"unknown policy {creditor.policy!r} (known: {', '.join(known)})"
        raise SourceRefused(source.located([(("policy",), message)]))
    target = _folder(data_dir) / f"{creditor.code}.yaml"
    content = source.text.encode()
    try:
        before = target.read_bytes() if target.exists() else None
        if before == content:
            return Added(creditor, "unchanged")
        write_whole(target, content)
    except OSError as error:
        raise WrongUsage(f"{target} cannot be written: {error.strerror}") from None
    return Added(creditor, "added" if before is None else "updated")


def load_creditor(code: str, data_dir: str | Path) -> Creditor:
    """The creditor of a code; a file in the data folder counts before the packaged sample.

    Raises:
        InputRefused: There is none, or its file has faults.
    """
    if CREDITOR_CODE.fullmatch(code):
        for file in (_folder(data_dir) / f"{code}.yaml", SAMPLE / f"{code}.yaml"):
            if file.exists():
                return _loaded(file).but(files=str(_folder(data_dir) / code))
    raise InputRefused(f"unknown creditor {code}: add it with `arrears creditor add FILE.yaml`")


def list_creditors(data_dir: str | Path) -> list[Listed]:
    """All creditors that are known, by their codes.

    Raises:
        InputRefused: A file has faults.
    """
    known = sorted(_known(data_dir).items())
    folder = _folder(data_dir)
    return [Listed(_loaded(file).but(files=str(folder / code)), file.parent == SAMPLE) for code, file in known]


def _folder(data_dir: str | Path) -> Path:
    return Path(data_dir) / "creditors"


def _known(data_dir: str | Path) -> dict[str, Path]:
    folders = (SAMPLE, _folder(data_dir))
    return {f.stem: f for folder in folders for f in folder.glob("*.yaml") if CREDITOR_CODE.fullmatch(f.stem)}


def _loaded(file: Path) -> Creditor:
    stat = file.stat()
    return _read(file, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=1000)
def _read(file: Path, changed: int, size: int) -> Creditor:
    """A creditor is asked for with every letter; its file is read again only when it has changed."""
    source = read_source(file)
    creditor: Creditor = parse_source(source, Creditor.model_validate, Creditor)
    if creditor.code != file.stem:
        message = f"the creditor calls itself {creditor.code}, but the file is named {file.stem}"
        raise SourceRefused(source.located([(("code",), message)]))
    return creditor
