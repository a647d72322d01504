"""What a row means: canonical texts to an invoice, or the first thing that is wrong with it."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any, TypeVar, get_args

from pydantic import ValidationError

from gateway.intake import cells
from gateway.intake.columns import DISPUTED, REQUIRED, SETTLED
from gateway.intake.entries import Fault, InvoiceRow
from gateway.intake.payment_terms import DueDate, days_after, due_from_terms
from gateway.intake.profiles import GuessedProfile, Profile, fill
from gateway.intake.tables import Texts
from models.faults import shown
from models.interest import LateFee
from models.invoice import MAX_NOTES, Guarantee, InsuranceCover, Invoice
from models.money import Money
from models.parties import Buyer, ChatChannel, Contact, mail_address

T = TypeVar("T")
_COVER = ("insurer", "insured_percentage", "credit_limit")
_MULTILINE = frozenset({"notes", "guarantee", "terms", "buyer_address", "postal_address"})
_PERCENT = re.compile(r"(\d{1,3}(?:\.\d{1,6})?)\s*%?", re.ASCII)
# A name only: a path in somebody's file must not make us read files.
_POLICY = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")
_LAW = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,12})?")
_FIELD_OF = {
    "id": "buyer_id", "name": "buyer_name", "text": "guarantee", "percent": "late_fee", "address": "postal_address",
}  # fmt: skip


class RowReader:
    """Reads rows as a profile has it; without one, as the canonical form has it."""

    def __init__(self, profile: Profile | None = None, default_terms: Mapping[str, int] | None = None) -> None:
        """Prepare the readers of dates and amounts; `default_terms`: the days to pay of creditors that have some."""
        self._default_terms = default_terms or {}
        self._date = cells.iso_date if profile is None else cells.date_reader(profile.date_format)
        self._date_form = "%Y-%m-%d" if profile is None else profile.date_format
        self._amount = (
            cells.amount_reader("point")
            if profile is None
            else cells.amount_reader(profile.decimal, grouping=True, guessed=isinstance(profile, GuessedProfile))
        )
        self._constants = {} if profile is None else profile.constants
        self._disputed = None if profile is None or profile.disputed is None else profile.disputed.value

    def read(self, row: Texts) -> InvoiceRow:
        """The invoice of a row.

        Raises:
            Fault: the first thing that is wrong.
        """
        for field, pattern in self._constants.items():
            if field not in row:
                row[field] = fill(field, pattern, row)
        reason = "" if "due" in row or "issued" not in row else self._take_due_from_terms(row)
        for field in REQUIRED:
            if field not in row:
                raise Fault(field, "", "is required and empty")
        for field, text in row.items():
            if not text.isprintable():
                _checked(field, text, lambda t, f=field: cells.printable(t, f in _MULTILINE))  # type: ignore[misc]
        if not row["buyer_id"].isascii():
            row["buyer_id"] = unicodedata.normalize("NFC", row["buyer_id"])
        if "policy" in row and not _POLICY.fullmatch(row["policy"]):
            raise Fault("policy", row["policy"], "not the name of a policy, such as plain")
        issued = self._day(row, "issued")
        due = _checked("due", row["due"], self._date)
        if issued is not None and due < issued:
            raise Fault("due", row["due"], f"lies before the date of issue {issued}")
        currency = _checked("currency", row["currency"], cells.currency)
        amount = _checked("amount", row["amount"], lambda text: self._amount(text, currency))
        return InvoiceRow(
            invoice=self._invoice(row, amount, issued, due),
            policy=row.get("policy"),
            settled=self._day(row, SETTLED),
            disputed=self._disputed is not None and row.get(DISPUTED) == self._disputed,
            due_from=reason,
        )

    def _take_due_from_terms(self, row: Texts) -> str:
        """Take the due date from the terms, else from the creditor's default, and note how it follows.

        Raises:
            Fault: neither settles one.
        """
        issued, terms, creditor = self._day(row, "issued"), row.get("terms", ""), row.get("creditor", "the creditor")
        found, days = due_from_terms(terms, issued), self._default_terms.get(creditor)
        if found is None and issued is not None and days is not None:
            by_default = f"by the default terms of {creditor}, {days} days from the date of issue"
            found = DueDate(days_after(issued, days).due, by_default)
        if found is None:
            said = f"the payment terms {shown(terms)} do not settle one" if terms else "there are no payment terms"
            raise Fault("due", "", f"is required and empty: {said}, and no default terms of {creditor} are known")
        row["due"] = found.due.strftime(self._date_form)
        own, note = row.get("notes", ""), f"Due {found.reason}."
        if len(own) <= MAX_NOTES:
            row["notes"] = f"{note}\n{own}"[:MAX_NOTES].rstrip()
        return found.reason

    def _invoice(self, row: Texts, amount: Money, issued: date | None, due: date) -> Invoice:
        get = row.get
        buyer = _buyer(
            row["buyer_id"], get("buyer_name"), get("country"), get("language"), get("email"), get("phone"),
            get("timezone"), get("tier"), get("contact_name"), get("buyer_vat_id"), get("buyer_registration"),
            get("buyer_endpoint"), get("buyer_address"), get("preferred_channels"), get("opt_out"),
            get("postal_address"),
            tuple((name, address) for name in get_args(ChatChannel) if (address := get(f"chat_{name}")) is not None),
        )  # fmt: skip
        ibans, late_fee = get("ibans"), get("late_fee")
        for field, check in (("jurisdiction", _jurisdiction), ("allocation", _allocation)):
            if field in row:
                _checked(field, row[field], check)
        try:
            return Invoice(
                creditor=row["creditor"], number=row["number"], buyer=buyer, amount=amount,
                issued=issued, due=due, cover=self._cover(row, amount.currency),
                terms=get("terms"), contract=get("contract"), order=get("order"), agency=get("agency"),
                notes=get("notes"), payment_reference=get("payment_reference"), document=get("document"),
                ibans=None if ibans is None else tuple(ibans.split()),
                late_fee=None if late_fee is None else _late_fee(late_fee),
                guarantee=self._guarantee(row), jurisdiction=get("jurisdiction"),
                allocation="principal_first" if "allocation" in row else None,
            )  # fmt: skip
        except ValidationError as error:
            raise fault_of(error) from None

    def _guarantee(self, row: Texts) -> Guarantee | None:
        expires = self._day(row, "guarantee_expires")
        if "guarantee" in row:
            return Guarantee(text=row["guarantee"], expires=expires)
        if expires is not None:
            raise Fault("guarantee_expires", row["guarantee_expires"], "there is no guarantee that could expire")
        return None

    def _cover(self, row: Texts, currency: str) -> InsuranceCover | None:
        given: dict[str, Any] = {field: row[field] for field in _COVER if field in row}
        if not given:
            return None
        if (percentage := row.get("insured_percentage")) is not None:
            given["insured_percentage"] = _checked("insured_percentage", percentage, _percentage)
            if not given["insured_percentage"]:
                return None
        if (limit := row.get("credit_limit")) is not None:
            plain = limit.removesuffix(currency).strip()
            given["credit_limit"] = _checked("credit_limit", plain, lambda text: self._amount(text, currency))
        try:
            return InsuranceCover(**given)
        except ValidationError as error:
            raise fault_of(error) from None

    def _day(self, row: Texts, field: str) -> date | None:
        text = row.get(field)
        return None if text is None else _checked(field, text, self._date)


def _checked(field: str, text: str, read: Callable[[str], T]) -> T:
    try:
        return read(text)
    except ValueError as error:
        raise Fault(field, text, str(error)) from None


@lru_cache(maxsize=20_000)
def _buyer(
    identifier: str, name: str | None, country: str | None, language: str | None, email: str | None,
    phone: str | None, timezone: str | None, tier: str | None, contact_name: str | None, vat_id: str | None,
    registration: str | None, endpoint: str | None, address: str | None, preferred: str | None, opt_out: str | None,
    postal: str | None, chat: tuple[tuple[str, str], ...],
) -> Buyer:  # fmt: skip
    """A buyer; remembered, as files repeat the same buyer over many invoices."""
    contact: dict[str, Any] = {}
    checks: tuple[tuple[str, str, str | None, Callable[[str], Any]], ...] = (
        ("name", "contact_name", contact_name, cells.printable),
        ("language", "language", language, cells.language),
        ("email", "email", email, mail_address),
        ("phone", "phone", phone, cells.printable),
        ("timezone", "timezone", timezone, cells.timezone),
        ("preferred", "preferred_channels", preferred, cells.channels),
        ("opt_out", "opt_out", opt_out, cells.channels),
    )
    for field, column, text, check in checks:
        if text is not None:
            contact[field] = _checked(column, text, check)
    if postal is not None:
        contact["address"] = tuple(line for part in re.split(r"[\n|]", postal) if (line := part.strip()))
    if chat:
        contact["chat"] = dict(chat)
    if country is not None:
        _checked("country", country, cells.country)
    try:
        reached = Contact(**contact)
        return Buyer(
            id=identifier, name=name or "", country=country, tier=tier, contact=reached, vat_id=vat_id,
            registration=registration, endpoint=endpoint,
            address=None if address is None else tuple(filter(None, map(str.strip, address.splitlines()))),
        )  # fmt: skip
    except ValidationError as error:
        raise fault_of(error) from None


@lru_cache(maxsize=1000)
def _late_fee(text: str) -> LateFee:
    try:
        return LateFee.model_validate(text)
    except ValidationError as error:
        fault = fault_of(error)
        raise Fault("late_fee", text, fault.reason) from None


def _jurisdiction(text: str) -> None:
    if not _LAW.fullmatch(text):
        raise ValueError("not the code of a jurisdiction, such as DE, UK or US-NY")


def _allocation(text: str) -> None:
    if text != "principal_first":
        raise ValueError("write principal_first, if the contract says so; else leave it empty: the law's order holds")


def _percentage(text: str) -> Decimal:
    match = _PERCENT.fullmatch(text)
    if match is None or Decimal(match[1]) > 100:
        raise ValueError("not a percentage from 0 to 100")
    return Decimal(match[1])


def fault_of(error: ValidationError) -> Fault:
    """The first fault that a model found, in the words of the file."""
    detail: Any = error.errors()[0]
    name = next((part for part in reversed(detail["loc"]) if isinstance(part, str)), "")
    if "chat" in detail["loc"]:
        name = f"chat_{name}"
    given = detail["input"] if isinstance(detail["input"], str) else ""
    return Fault(_FIELD_OF.get(name, name), given, detail["msg"].removeprefix("Value error, "))
