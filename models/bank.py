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
    charges: Money | None = None
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
    nth: int = Field(default=1, ge=1, description="which of several entries in this file that are alike in everything")

    @property
    def received_on(self) -> date:
        """The day that counts for interest: the value date, else the booking date."""
        return self.value_on or self.booked_on

    @property
    def key(self) -> str:
        """Its identity: the servicer's reference, else a fingerprint that keeps two equal payments of a day apart."""
        if self.servicer_reference:
            return ids.digest(f"{self.account}\n{self.kind}\n{self.servicer_reference}\n{self.amount}\n{self.nth}")[:32]
        content = self.model_dump_json(exclude={"entry"})
        return ids.digest(content)[:32]
