"""Everything that is wrong with a policy as somebody wrote it: all faults of it at once, each with its path.

The rules themselves are in policy.py; here they are applied to content that may be broken elsewhere.
"""

import copy
from typing import Any

from pydantic import ValidationError

from models.faults import Keys, explain
from models.policy import Policy
from models.soundness import PolicyFault


def policy_faults(content: Any) -> list[PolicyFault]:
    """The faults of a policy given as plain values; none if it is sound."""
    try:
        Policy.model_validate(content)
    except ValidationError as error:
        faults = faults_of(error)
    else:
        return []
    mended = _mended(content, [fault.path for fault in faults])
    if mended is not None:
        try:
            Policy.model_validate(mended)
        except ValidationError as error:
            ids_known = not any(fault.path[2:] == ("id",) for fault in faults)
            known = {fault.path for fault in faults}
            for fault in _structural(error):
                if fault.path not in known and (ids_known or "no such step" not in fault.message):
                    faults.append(fault)
    return faults


def faults_of(error: ValidationError) -> list[PolicyFault]:
    """The faults in a failed validation of a policy."""
    structural = _structural(error)
    return structural or [PolicyFault(path, message) for path, message in explain(error, Policy)]


def _structural(error: ValidationError) -> list[PolicyFault]:
    found = (detail["ctx"]["faults"] for detail in error.errors() if detail["type"] == "policy_faults")
    return [PolicyFault(tuple(path), message) for faults in found for path, message in faults]


# Stand-ins for what is broken, so that the rest of the ladder can be looked at as a whole.
_NEUTRAL = {"id": "unnamed", "kind": "reminder", "when": {"on_event": "contact_lost"}}


def _mended(content: Any, broken: list[Keys]) -> dict[str, Any] | None:
    """The content with each broken field left out or replaced; None where no ladder is left to look at."""
    if not isinstance(content, dict) or not isinstance(content.get("steps"), list) or not content["steps"]:
        return None
    mended = copy.deepcopy(content)
    for path in broken:
        match path:
            case ("steps", int(i)):
                mended["steps"][i] = {**_NEUTRAL, "id": f"unnamed_{i}"}
            case ("steps", int(i), str(key), *_) if key in _NEUTRAL:
                mended["steps"][i][key] = f"unnamed_{i}" if key == "id" else _NEUTRAL[key]
            case ("steps", int(i), str(key), *_):
                mended["steps"][i].pop(key, None)
            case ("id",):
                mended["id"] = "unnamed"
            case (str(key), *_) if key != "steps":
                mended.pop(key, None)
    return mended
