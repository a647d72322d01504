"""What a case is pinned to besides its policy: the law of its jurisdiction, and the terms of its insurance.

Whose law holds is said by the invoice, else by the creditor's file, else it is taken to be that of the buyer's country;
who said so is kept with it.
"""

from datetime import date
from functools import lru_cache
from typing import NamedTuple

from gateway.errors import InputRefused
from gateway.jurisdiction_files import load_jurisdiction
from models.insurance import InsuranceTerms
from models.invoice import Invoice
from models.jurisdiction import Jurisdiction
from models.law import Basis, CaseLaw, law_for
from models.parties import Creditor


class Terms(NamedTuple):
    """The law, and the insurance's terms if the invoice is insured; None where nobody knows them."""

    law: CaseLaw | None
    insurance: InsuranceTerms | None


NO_TERMS = Terms(None, None)


class TermsFinder:
    """Finds the terms of invoices; files are read once."""

    def __init__(self, data_dir: str) -> None:
        """With the data folder, whose jurisdictions come before the packaged ones."""
        self._jurisdiction = lru_cache(maxsize=500)(lambda code: load_jurisdiction(code, data_dir))
        self._countries: dict[str, Jurisdiction | None] = {}
        # To cut a law down to what a case needs, and to compare it with others, takes longer than to read its invoice.
        self._pinned = lru_cache(maxsize=10_000)(self._cut_down)

    def of(self, invoice: Invoice, creditor: Creditor | None = None) -> Terms:
        """The terms of an invoice.

        Raises:
            InputRefused: The invoice or the creditor names a jurisdiction that there is not.
        """
        insurance = None
        if invoice.cover is not None:
            insurance = invoice.cover.terms or (creditor.insurance if creditor else None)
        return Terms(self._law(invoice, creditor), insurance)

    def _law(self, invoice: Invoice, creditor: Creditor | None) -> CaseLaw | None:
        named: list[tuple[Basis, str | None]] = [
            ("invoice", invoice.jurisdiction), ("creditor", creditor.jurisdiction if creditor else None),
        ]  # fmt: skip
        for basis, code in named:
            if code is not None:
                return self._pinned(code, basis, invoice.due)
        country = invoice.buyer.country
        if country is None or self._of_country(country) is None:
            return None
        return self._pinned(country, "buyer", invoice.due)

    def _cut_down(self, code: str, basis: Basis, due: date) -> CaseLaw:
        return law_for(self._jurisdiction(code), basis, due)

    def _of_country(self, country: str) -> Jurisdiction | None:
        if country not in self._countries:
            try:
                self._countries[country] = self._jurisdiction(country)
            except InputRefused:
                self._countries[country] = None  # no file for it: nothing is known, and nothing claimed
        return self._countries[country]
