"""Rates published since a case began: it is pinned to the tables it opened with, and these continue them."""

from collections.abc import Callable
from functools import lru_cache

from gateway.errors import InputRefused, WrongUsage
from gateway.jurisdiction_files import load_jurisdiction
from models.case import Case
from models.law import CaseLaw, continued


def in_force(case: Case, data_dir: str) -> Case:
    """An open case with its rates as far as they are known now, to look at; nothing is booked by that."""
    law = None if case.closed or case.law is None else newer_laws(data_dir)(case.law)
    return case if law is None else case.but(law=law)


def newer_laws(data_dir: str) -> Callable[[CaseLaw], CaseLaw | None]:
    """What continues a law by the files as they are now, or None where nothing does; each file is read once."""
    load = lru_cache(lambda code: load_jurisdiction(code, data_dir))

    def newer(law: CaseLaw) -> CaseLaw | None:
        if law.known_until is None:
            return None
        try:
            return continued(law, load(law.code))
        except (InputRefused, WrongUsage):
            return None  # a file that cannot be read leaves the cases with what they know

    return newer
