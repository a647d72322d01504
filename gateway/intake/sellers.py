"""Whose invoice it is: the seller of a document matched with a creditor, by VAT id, registration or account."""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from gateway.intake.document import Document, PartyStated
from gateway.intake.entries import Fault
from models.parties import Creditor

_NOT_CODE = re.compile(r"[^A-Z0-9_-]+")


class NotOurs(Exception):
    """The creditor is the buyer: an invoice to be paid by us, not to be pursued."""


class Seller(NamedTuple):
    """The creditor's code, the creditor itself where it is known, and what a person should know about the match."""

    code: str
    creditor: Creditor | None
    note: str = ""


class Sellers:
    """The creditors that are known, and the one that was chosen for all files, if any."""

    def __init__(self, creditors: Iterable[Creditor], chosen: str | None = None, dry_run: bool = False) -> None:
        """With the creditors of the data folder; in a dry run unknown sellers are taken as they come."""
        self._creditors = {creditor.code: creditor for creditor in creditors}
        self._chosen = chosen
        self._dry_run = dry_run

    def of(self, document: Document) -> Seller:
        """The creditor of a document.

        Raises:
            Fault: if the seller is unknown or could be several, or contradicts the chosen creditor.
            NotOurs: if the document names a creditor as its buyer.
        """
        found = self._matches(document)
        if self._chosen is not None:
            return self._as_chosen(self._chosen, document, found)
        seller = document.seller
        if len(found) > 1:
            codes = " and ".join(sorted(creditor.code for creditor in found))
            raise Fault("creditor", _named(seller), f"the seller could be {codes}; name one with --creditor")
        if found:
            return Seller(found[0].code, found[0])
        for creditor in self._creditors.values():
            if _is(creditor, document.buyer):
                raise NotOurs(f"the buyer is {creditor.code}, a creditor here: an invoice to pay, not to pursue")
        if not self._dry_run:
            raise Fault(
                "creditor", _named(seller), "the seller is no creditor here (by VAT id, registration or IBAN): "
                "add those to a creditor's file, or name the creditor with --creditor",
            )  # fmt: skip
        code = _placeholder(seller)
        return Seller(code, None, f"the seller is no creditor here; taken as {code} in this dry run")

    def _matches(self, document: Document) -> list[Creditor]:
        """The creditors with the seller's VAT id; if none, with its registration; if none, with an account of it."""
        creditors, seller = self._creditors.values(), document.seller
        vat, registration = _plain(seller.vat_id), _plain(seller.registration)
        accounts = {_plain(account) for account in document.ibans}
        by_vat = [c for c in creditors if vat and _plain(c.vat_id) == vat]
        by_registration = [c for c in by_vat or creditors if registration and _plain(c.registration) == registration]
        if by_vat and len(by_vat) == 1:
            return by_vat
        if by_registration:
            return by_registration if len(by_registration) == 1 else _with_account(by_registration, accounts)
        return _with_account(by_vat or creditors, accounts) or by_vat

    def _as_chosen(self, code: str, document: Document, found: list[Creditor]) -> Seller:
        creditor = self._creditors.get(code)
        if any(c.code == code for c in found):
            return Seller(code, creditor)
        seller = document.seller
        if creditor is not None:
            if _is(creditor, document.buyer) and not _is(creditor, seller):
                raise NotOurs(f"the buyer is {code}: an invoice to pay, not to pursue")
            if _plain(creditor.vat_id) and _plain(seller.vat_id) and _plain(creditor.vat_id) != _plain(seller.vat_id):
                raise Fault(
                    "creditor", _named(seller), f"the seller's VAT id {seller.vat_id} is not that of {code} "
                    f"({creditor.vat_id})",
                )  # fmt: skip
        return Seller(code, creditor)


def _with_account(creditors: Iterable[Creditor], accounts: set[str]) -> list[Creditor]:
    return [c for c in creditors if accounts & {_plain(iban) for iban in _accounts(c)}]


def _accounts(creditor: Creditor) -> Iterator[str]:
    yield from (iban for iban in (creditor.bank_account.iban, *creditor.ibans) if iban)


def _is(creditor: Creditor, party: PartyStated) -> bool:
    pairs = ((creditor.vat_id, party.vat_id), (creditor.registration, party.registration))
    return any(_plain(ours) and _plain(ours) == _plain(theirs) for ours, theirs in pairs)


def _plain(text: str | None) -> str:
    """An identifier without blanks, dots and the like, in capitals."""
    return "".join(c for c in text.upper() if c.isalnum()) if text else ""


def _named(seller: PartyStated) -> str:
    number = seller.vat_id or seller.registration
    return f"{seller.name} ({number})" if seller.name and number else seller.name or number


def _placeholder(seller: PartyStated) -> str:
    text = _plain(seller.vat_id) or seller.name.upper()
    code = _NOT_CODE.sub("-", text).strip("-")[:40].strip("-")
    return code or "UNKNOWN"
