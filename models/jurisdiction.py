"""A jurisdiction as data: what the law of a place says on late payment, allocation, limitation, letters and days.

Files are in policies/jurisdictions/. What is computed from them is in statutory_interest.py and limitation.py.
Nothing here is legal advice.
"""

from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from models.allocation import Part
from models.base import Value
from models.durations import Days
from models.faults import Keys, faults_within
from models.interest import LateFee
from models.limitation import Limitation
from models.money import Money
from models.rates import Day, Figure, Points, RateTable

DayCount = Literal["act/365", "act/360"]
Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]


class Margin(Figure):
    """Percentage points on top of a reference rate."""

    points: Points


class _Statute(Figure):
    day_count: DayCount
    compound: Literal["none", "yearly"]
    free_days: Days = Field(default=0, description="days after the due date that bear no interest")

    @property
    def basis(self) -> Literal[360, 365]:
        """The days of a year by which the rate is divided."""
        return 360 if self.day_count == "act/360" else 365


class ReferenceInterest(_Statute):
    """A reference rate plus a margin, e.g. directive 2011/7/EU art. 2(6)."""

    kind: Literal["reference"]
    reference: RateTable = Field(description="by half-years, as the law fixes the rate")
    fixing: Literal["floating", "frozen"] = Field(
        description="floating: each half-year's own rate; frozen: that of the day interest starts, for good"
    )
    margin: Margin
    round_up_to: Points | None = Field(default=None, gt=0, description="the sum is rounded up to a multiple of this")

    @model_validator(mode="after")
    def _ends(self) -> Self:
        # A published rate is never known for ever: an open end would be an old rate in silence.
        if self.reference.known_until is None:
            path: Keys = ("reference", "rates", len(self.reference.rates) - 1, "valid_until")
            raise faults_within([(path, "is required: a reference rate is known until a day")])
        return self


class FixedInterest(_Statute):
    """A rate that the law itself names."""

    kind: Literal["fixed"]
    table: RateTable
    fixing: Literal["floating", "frozen"]


class ContractOnly(Figure):
    """No statutory rate for ordinary debts: interest is what the contract says."""

    kind: Literal["contract"]
    day_count: DayCount = "act/365"

    @property
    def basis(self) -> Literal[360, 365]:
        """The days of a year by which a yearly rate is divided."""
        return 360 if self.day_count == "act/360" else 365


def _kind(given: Any) -> str | None:
    return given.get("kind") if isinstance(given, dict) else getattr(given, "kind", None)


LatePayment = Annotated[
    Annotated[ReferenceInterest, Tag("reference")]
    | Annotated[FixedInterest, Tag("fixed")]
    | Annotated[ContractOnly, Tag("contract")],
    Discriminator(
        _kind,
        custom_error_type="unknown_kind",
        custom_error_message="`kind` is one of reference, fixed, contract",
    ),
]


class Band(Value):
    """Fixed compensation for debts below an amount; without `below`, for all others."""

    amount: Money
    below: Money | None = None


class Compensation(Figure):
    """A fixed sum for each late debt."""

    bands: tuple[Band, ...] = Field(min_length=1)
    with_contract_rate: bool = Field(description="whether it is owed also where the contract sets the interest")

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        found: list[tuple[Keys, str]] = []
        for i, band in enumerate(self.bands):
            last, below = i == len(self.bands) - 1, band.below
            if last and below is not None:
                found.append((("bands", i, "below"), "the last band holds for all other debts: leave `below` out"))
            if not last and below is None:
                found.append((("bands", i), "`below` is required: only the last band holds for all other debts"))
            before = self.bands[i - 1].below if i else None
            if below is None or before is None:
                continue
            if below.currency != before.currency:
                found.append((("bands", i, "below"), f"is in another currency than the band before ({before})"))
            elif below <= before:
                found.append((("bands", i, "below"), f"is not above that of the band before ({before})"))
        if found:
            raise faults_within(found)
        return self


class AllocationRule(Figure):
    """What a payment settles first within one debt."""

    order: tuple[Part, Part, Part]
    debtor_may_designate: bool = Field(
        default=False, description="whether the debtor may say, against the creditor's will, what a payment settles"
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if len(set(self.order)) != 3:
            raise faults_within([(("order",), "must name costs, interest and principal once each")])
        return self


class ContractLimit(Figure):
    """A bound on the contract's rate, by which it is compared; crossing it is a warning with the reason."""

    side: Literal["above", "below"] = Field(description="warn if the rate lies above, or below, this one")
    rate: LateFee
    valid_until: Day | None = None
    reason: str = Field(min_length=1)


LetterElement = Literal[
    "invoice number", "amount", "due date", "date of the letter", "parties", "days overdue", "way to dispute",
    "late-fee formula or reservation", "per-diem", "final deadline", "law firm's name", "law firm's contact",
    "payment details", "demand",
]  # fmt: skip
"""What a letter can be checked for; `demand` is a sentence that plainly demands payment."""


class LetterRule(Figure):
    """Something that letters to debtors there must have, do or leave. What demands must say is checked by `needs`."""

    to: Literal["any", "company", "individual"] = "any"
    rule: str = Field(min_length=1)
    days: Days | None = Field(default=None, description="the least time the letter must give")
    needs: tuple[LetterElement, ...] = Field(default=(), description="elements without which no demand goes out")
    channel: Literal["email", "post", "courier"] | None = None
    law_firm_only: bool = Field(default=False, description="a debt may be referred to a law firm, to no other company")


class CalendarRule(Figure):
    """Days on which nobody is contacted."""

    weekend: tuple[Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"], ...]
    holidays: str | None = Field(default=None, pattern=r"^[A-Z]{2,4}(-[A-Z0-9]{1,3})?$")


class Variant(Value):
    """A rule for certain debts, or a part of the country, in place of the general one; written `US-NY`."""

    name: str = Field(min_length=1)
    countries: tuple[Country, ...] = Field(
        default=(), description="those of the jurisdiction's countries for which it holds unasked"
    )
    late_payment: LatePayment


class Jurisdiction(Value):
    """The law of one place."""

    code: str = Field(pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,12})?$")
    name: str = Field(min_length=1)
    countries: tuple[Country, ...] = Field(
        default=(), description="ISO 3166 codes for which this holds, besides its own"
    )
    late_payment: LatePayment
    compensation: Compensation | None = None
    allocation: AllocationRule
    contract_limits: tuple[ContractLimit, ...] = ()
    limitation: Limitation | None = None
    letters: tuple[LetterRule, ...] = ()
    calendar: CalendarRule
    variants: dict[str, Variant] = {}
    notes: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _sound(self) -> Self:
        found: list[tuple[Keys, str]] = []
        taken: dict[str, str] = {}
        for key, variant in self.variants.items():
            for i, country in enumerate(variant.countries):
                if country not in self.countries:
                    message = f"{country} is not among the countries of the jurisdiction: list it there, too"
                    found.append((("variants", key, "countries", i), message))
                elif taken.setdefault(country, key) != key:
                    message = f"{country} belongs to the variant {taken[country]} already: leave it out of one"
                    found.append((("variants", key, "countries", i), message))
            if not key.isascii() or not key.isalnum() or not key.isupper() or len(key) > 12:
                message = "a variant is named by capital letters and digits, at most 12, such as NY"
                found.append((("variants", key), message))
        for i, limit in enumerate(self.contract_limits):
            if limit.valid_until is not None and limit.valid_until < limit.valid_from:
                message = f"{limit.valid_until} lies before {limit.valid_from}, on which it begins"
                found.append((("contract_limits", i, "valid_until"), message))
        if found:
            raise faults_within(found)
        return self

    def of_country(self, country: str) -> "Jurisdiction":
        """This jurisdiction as it holds in one of its countries: with the rule of the variant made for it, if any."""
        key = next((key for key, variant in self.variants.items() if country in variant.countries), None)
        return self.variant(key) if key is not None else self

    def variant(self, key: str) -> "Jurisdiction":
        """This jurisdiction with the rule of one of its variants in place of the general one."""
        chosen = self.variants[key]
        return self.but(
            code=f"{self.code}-{key}", name=f"{self.name}: {chosen.name}", late_payment=chosen.late_payment, variants={}
        )


def points_text(number: Decimal) -> str:
    """A number of percent or points without trailing zeros."""
    return f"{number.normalize():f}"
