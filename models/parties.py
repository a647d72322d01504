"""Who is involved: the creditor with its counterparts, the buyer, and how the buyer is reached."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator

from models.base import Value
from models.calendar import ClosingDays
from models.durations import Days
from models.ids import CreditorCode
from models.insurance import InsuranceTerms
from models.money import minor_unit

_MAIL = re.compile(r"[^\s@<>\"(),;:\\\[\]]+@[^\s@<>\"(),;:\\\[\]]+")


def mail_address(text: str) -> str:
    """A bare mail address on one line, or ValueError: nothing that could smuggle a header or a second address."""
    if not _MAIL.fullmatch(text) or len(text) > 254:
        raise ValueError("not an e-mail address (such as accounts@example.com)")
    return text


MailAddress = Annotated[str, AfterValidator(mail_address)]


JurisdictionCode = Annotated[str, Field(pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,12})?$")]
"""A jurisdiction of policies/jurisdictions/, such as DE, UK or US-NY."""
Channel = Literal[
    "email", "post", "sms", "whatsapp", "wecom", "dingtalk", "feishu", "line", "phone", "visit"
]  # fmt: skip
"""How a debtor can be reached."""


def _empty(value: object) -> bool:
    # What most contacts do not have is left out of what is written: it would change the fingerprints of old invoices.
    return not value


Line = Annotated[str, Field(min_length=1, max_length=200)]
ChatChannel = Literal["sms", "whatsapp", "wecom", "dingtalk", "feishu", "line"]
"""Short messages to a phone: they remind, they do not serve a letter."""
ChatAddress = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\s\x00-\x1f]+( [^\s\x00-\x1f]+)*$")]


def _absent(value: object) -> bool:
    """What nobody gave leaves no trace: the content of a case that knows none is what it was."""
    return value is None


class Contact(Value):
    """How a business contact is reached. Personal data: it never enters ids or search attributes."""

    name: str | None = Field(default=None, max_length=200)
    email: MailAddress | None = None
    phone: str | None = Field(default=None, max_length=50)
    language: str = Field(default="en", pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]+)*$")
    timezone: str = "UTC"
    preferred: tuple[Channel, ...] = Field(default=(), exclude_if=_empty, description="the buyer's choice, best first")
    opt_out: tuple[Channel, ...] = Field(default=(), exclude_if=_empty, description="channels the buyer declined")
    private: bool = Field(default=False, exclude_if=_empty, description="a private address, not one of the business")
    address: tuple[Line, ...] | None = Field(
        default=None, max_length=8, exclude_if=_absent, description="postal, line by line"
    )
    chat: dict[ChatChannel, ChatAddress] | None = Field(
        default=None,
        exclude_if=_absent,
        description="addresses by channel: sms, whatsapp, wecom, dingtalk, feishu, line",
    )


class Buyer(Value):
    """The debtor. Identity is (creditor, buyer id)."""

    id: str = Field(min_length=1, max_length=100)
    name: str = Field(default="", max_length=300)
    country: str | None = Field(default=None, pattern=r"^[A-Z]{2}$")
    tier: str | None = Field(default=None, max_length=40)
    vat_id: str | None = Field(default=None, max_length=50)
    registration: str | None = Field(default=None, max_length=100, description="number in the register of companies")
    endpoint: str | None = Field(default=None, max_length=254, description="electronic address, as scheme:value")
    address: tuple[str, ...] | None = Field(default=None, max_length=10, description="line by line, without the name")
    contact: Contact = Contact()

    @property
    def postal(self) -> tuple[str, ...]:
        """Where letters go: the contact's address, else that of the business."""
        return self.contact.address or self.address or ()


class Party(Value):
    """A counterpart with an address: a law firm, an agency, an insurer."""

    name: str = Field(min_length=1, max_length=300)
    email: MailAddress | None = None
    address: tuple[str, ...] = ()
    phone: str | None = None
    reference: str | None = Field(default=None, description="our client or policy number with them")


class BankAccount(Value):
    """Where the debtor pays to."""

    holder: str = ""
    iban: str = ""
    bic: str = ""
    bank: str = ""


class Creditor(Value):
    """On whose behalf invoices are pursued, as set up once in a YAML file."""

    code: CreditorCode
    name: str = Field(min_length=1, max_length=300)
    address: tuple[str, ...] = Field(default=(), description="letterhead, line by line")
    sender: MailAddress = Field(description="the From address of every mail")
    reply_to: MailAddress | None = None
    phone: str | None = None
    bank_account: BankAccount = BankAccount()
    vat_id: str | None = Field(default=None, max_length=50, description="recognises the creditor's own e-invoices")
    registration: str | None = Field(default=None, max_length=100, description="number in the register of companies")
    ibans: tuple[str, ...] = Field(default=(), description="further accounts that its invoices may name")
    currency: str | None = None
    default_terms: Days | None = Field(
        default=None, description="days to pay, from the date of issue, where an invoice says nothing"
    )
    policy: str = Field(default="plain", description="the policy used where neither command, row nor profile names one")
    country: str | None = Field(default=None, pattern=r"^[A-Z]{2}$", description="whose holidays the house keeps")
    closing_days: tuple[ClosingDays, ...] = Field(default=(), description="days on which the house is closed")
    law_firm: Party | None = None
    agency: Party | None = None
    insurer: Party | None = None
    insurance: InsuranceTerms | None = None
    jurisdiction: JurisdictionCode | None = Field(
        default=None, description="whose law holds for its invoices; if none is named, that of the buyer's country"
    )
    language: str | None = Field(
        default=None, pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]+)*$",
        description="of letters to buyers whose own language there are none in; without it English",
    )  # fmt: skip
    stamp: str | None = Field(default=None, min_length=1, max_length=200, description="a PNG or JPEG file in `files`")
    files: str | None = Field(default=None, description="the folder with letters and stamp of its own; set on loading")

    @field_validator("currency")
    @classmethod
    def _known_currency(cls, value: str | None) -> str | None:
        if value is not None:
            minor_unit(value)
        return value
