"""Where a creditor's own letters are, and what the law of a debtor's country asks of letters.

What is checked in them is in activities/template_check.py.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from pathlib import Path

from activities.template_check import TemplateFault, check_templates
from gateway.creditor_files import load_creditor
from gateway.errors import GatewayError
from gateway.jurisdiction_files import load_jurisdiction
from models.ids import CREDITOR_CODE
from models.jurisdiction import LetterRule


def letter_faults(data_dir: str | Path, codes: Iterable[str] | None = None) -> list[TemplateFault]:
    """What is wrong with the letters that creditors wrote themselves: of all of them, or of some.

    A creditor whose own file has faults is passed over: that is told where the file is used.
    """
    root = Path(data_dir) / "creditors"
    found = codes if codes is not None else sorted(folder.parent.name for folder in root.glob("*/letters"))
    faults: list[TemplateFault] = []
    for code in found:
        if not CREDITOR_CODE.fullmatch(code):
            continue
        try:
            creditor = load_creditor(code, data_dir)
        except GatewayError:
            creditor = None
        faults += check_templates(root / code / "letters", creditor)
    return faults


def letter_rules(data_dir: str | Path) -> Callable[[str | None], Sequence[LetterRule]]:
    """A function that gives what the law of a country (two letters) asks of letters; nothing where none is known."""

    @lru_cache(maxsize=300)
    def rules(country: str | None) -> Sequence[LetterRule]:
        try:
            return load_jurisdiction(country, data_dir).letters if country else ()
        except GatewayError:
            return ()

    return rules
