"""What a bank says: one entry of a statement, at the level at which it can be matched to invoices.

Which file formats say it is in gateway/bank/; which invoices an entry pays is in matching.py.
"""

from datetime import date
from typing import Literal

from pydantic import Field

from models import ids
from models.base import Value
from models.durations import Day
from models.money import Money

EntryKind = Literal["payment", "reversal", "outgoing", "charge"]
"""A credit; a credit that was taken back (returned direct debit, chargeback); our own payment; what the bank takes."""


class BankEntry(Value):
    """One transaction of a statement (of a batch entry: one of its transactions).

    `amount` is what the debtor paid, more than zero whatever the direction; `kind` says what it is. With `charges` the
    bank kept a part of it: the account was credited with `amount` less `charges`.
    """

    account: str = Field(max_length=64, description="our account, as the statement names it (IBAN without spaces)")
    entry: str = Field(min_length=1, max_length=40, description="its place in the file, such as 3 or 3.2 (of a batch)")
    kind: EntryKind
    amount: Money
    charges: Money | None = Field(default=None, description="what the bank kept, in the account's currency")
    original: Money | None = Field(default=None, description="as the payer instructed it, where in another currency")
    booked_on: Day
    value_on: Day | None = None
    servicer_reference: str = Field(
        default="", max_length=200, description="the bank's own reference, unique per account"
    )
    end_to_end: str = Field(default="", max_length=200, description="the payer's reference of the payment")
    creditor_reference: str = Field(default="", max_length=200, description="structured: RF, Swiss QR, Belgian OGM")
    remittance: tuple[str, ...] = Field(default=(), description="free text, line by line")
    payer: str = Field(default="", max_length=300)
    payer_iban: str = Field(default="", max_length=64)
    returned_reference: str = Field(default="", max_length=200, description="of a reversal: which payment came back")
    return_reason: str = Field(default="", max_length=200)
    group: str = Field(
        default="",
        max_length=32,
        description="identity of the whole entry it is a part of: other files may split the same entry otherwise",
    )
    nth: int = Field(default=1, ge=1, description="which of several entries of an account that are alike in everything")

    @property
    def received_on(self) -> date:
        """The day that counts for interest: the value date, else the booking date."""
        return self.value_on or self.booked_on

    @property
    def key(self) -> str:
        """Its identity, the same in every file that brings it; two equal payments of a day differ in `nth`."""
        return ids.digest(f"{self.likeness}\n{self.nth}")[:32]

    @property
    def likeness(self) -> str:
        """What makes two entries alike: the servicer's reference, else everything the payer said.

        The booking date counts in both cases: some banks put a constant where the reference belongs. The value date
        does not: intraday reports and statements may differ in it. Line breaks and spaces do not either.
        """
        same = (self.account, self.kind, self.amount.currency, str(self.amount.amount), self.booked_on.isoformat())
        if self.servicer_reference:
            return "\n".join((*same, "reference", self.servicer_reference))
        text = "".join("".join(self.remittance).split()).casefold()
        said = (self.end_to_end, self.creditor_reference, text, self.payer.casefold(), self.payer_iban)
        return "\n".join((*same, "text", *said))
