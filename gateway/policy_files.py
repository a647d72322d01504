"""Where policies come from: the packaged presets, the data folder, or a file named on the command line.

What a policy may say is in models/policy.py; here are names, files and lines.
"""

from pathlib import Path
from typing import Any

from gateway.errors import InputRefused
from gateway.yaml_source import Source, SourceFault, SourceRefused, read_source
from models.policy import Policy
from models.policy_faults import policy_faults

PACKAGED = Path(__file__).resolve().parents[1] / "policies"
NO_POLICIES = frozenset(("accounts",))
"""Files that lie beside the policies and are something else."""


def load_policy(name_or_path: str | Path, data_dir: str | Path | None = None) -> Policy:
    """The policy of a name (`plain`), or of a file (whatever has a `/` or ends in .yaml or .yml).

    Args:
        name_or_path: A packaged policy, one of the data folder's `policies/`, or the path of a file.
        data_dir: The data folder; without it only the packaged policies have names.

    Raises:
        InputRefused: No policy has that name (the known ones are listed), or the file has faults.
        WrongUsage: There is no such file.
    """
    text = str(name_or_path)
    if isinstance(name_or_path, Path) or "/" in text or text.endswith((".yaml", ".yml")):
        return _checked(read_source(text))
    known = policy_names(data_dir)
    if text not in known:
        names = ", ".join(known)
        raise InputRefused(f"unknown policy {text!r} (known: {names}; or give the path of a YAML file)")
    source = read_source(known[text])
    policy = _checked(source)
    if policy.id != text:
        message = f"the policy calls itself {policy.id!r}, but the file is named {text!r}: make them the same"
        raise SourceRefused(source.located([(("id",), message)]))
    return policy


def policy_names(data_dir: str | Path | None = None) -> dict[str, Path]:
    """The policies that have a name, and their files.

    Raises:
        InputRefused: A file of the data folder bears the name of a packaged policy: cases name their policy
            by it, so it must mean one thing.
    """
    packaged = _files(PACKAGED)
    own_folder = Path(data_dir) / "policies" if data_dir is not None else None
    own = _files(own_folder) if own_folder else {}
    for name in own:
        if name in packaged:
            raise InputRefused(f"{own[name]}: {name!r} is the name of a packaged policy; rename the file and its id")
    return packaged | own


def _files(folder: Path) -> dict[str, Path]:
    return {file.stem: file for file in sorted(folder.glob("*.yaml")) if file.stem not in NO_POLICIES}


def check_policy(path: str | Path) -> list[SourceFault]:
    """Everything that is wrong with a policy file, in the order of its lines; nothing if it is sound.

    Raises:
        WrongUsage: There is no such file.
    """
    return _faults(read_source(path))


def _faults(source: Source) -> list[SourceFault]:
    faults = list(source.faults)
    if source.readable or not faults:
        faults += source.located(policy_faults(source.data))
    return sorted(faults, key=lambda fault: fault.line)


def _checked(source: Source) -> Policy:
    faults = _faults(source)
    if faults:
        raise SourceRefused(faults)
    content: dict[str, Any] = source.data
    return Policy.model_validate(content)
