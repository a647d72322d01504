"""How labels, dates, sums and rates read in each language of our letters.

The sentences themselves are in `templates/<language>/`. A further language is one `Wording` here and one
folder there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from models.interest import LateFee, Segment
from models.money import Money

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November",
    "December",
)  # fmt: skip


@dataclass(frozen=True)
class Wording:
    """One language.

    `labels` end in what parts them from their value; `joiner` joins the lines of a paragraph.
    """

    language: str
    joiner: str
    comma: str
    colon: str
    address_joiner: str
    labels: Mapping[str, str]

    def money(self, money: Money) -> str:
        """`USD 1,234.50`: the code before the sum, which no reader can take for another currency."""
        return f"{money.currency} {money.amount:,}"

    def calendar_day(self, day: date) -> str:
        """The date in words, so that day and month cannot be confused."""
        return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"

    def span(self, start: date, end: date) -> str:
        """A stretch of days, both ends included."""
        return self.calendar_day(start) if start == end else f"{self.calendar_day(start)} – {self.calendar_day(end)}"

    def days(self, number: int) -> str:
        """A number of days."""
        return f"{number} day" if number == 1 else f"{number} days"

    def rate(self, fee: LateFee) -> str:
        """A late fee's rate."""
        per = "per day" if fee.per == "day" else f"per year (actual/{fee.basis})"
        return f"{_percent(fee)} {per}"

    def formula(self, segment: Segment) -> str:
        """The sum behind one segment of interest, to be checked with a pocket calculator."""
        fee = segment.fee
        basis = "" if fee.per == "day" else f" ÷ {fee.basis}"
        return (
            f"{self.money(segment.balance)} × {_percent(fee)} × {self.days(segment.days)}{basis}"
            f" = {self.money(segment.amount)}"
        )


class _Chinese(Wording):
    def calendar_day(self, day: date) -> str:
        return f"{day.year}年{day.month}月{day.day}日"

    def days(self, number: int) -> str:
        return f"{number}天"

    def rate(self, fee: LateFee) -> str:
        return f"每日{_percent(fee)}" if fee.per == "day" else f"年利率{_percent(fee)}（按实际天数/{fee.basis}计）"


def _percent(fee: LateFee) -> str:
    return f"{fee.percent.normalize():f}%"


ENGLISH = Wording(
    language="en", joiner=" ", comma=", ", colon=": ", address_joiner=", ",
    labels={
        "date": "Date: ", "buyer_id": "Customer number: ", "number": "Invoice number: ",
        "issued": "Invoice date: ",
        "contract": "Contract: ", "order": "Your order: ", "original": "Original amount: ",
        "credited": "Credited: ",
        "paid": "Paid so far: ", "disputed": "In dispute, not demanded here: ", "demanded": "Amount due: ",
        "due": "Due date: ", "days_overdue": "Days overdue: ", "deadline": "Final date for payment: ",
        "holder": "Account holder: ", "iban": "IBAN: ", "account": "Account number: ", "bic": "BIC: ",
        "bank": "Bank: ",
        "reference": "Payment reference: ", "law_firm": "Law firm: ", "email": "E-mail: ", "phone": "Phone: ",
        "late_fee": "Late fee", "payment": "How to pay", "total": "Total: ", "address": "Address: ",
    },
)  # fmt: skip

CHINESE = _Chinese(
    language="zh", joiner="", comma="、", colon="：", address_joiner=" ",
    labels={
        "date": "日期：", "buyer_id": "客户编号：", "number": "发票号码：", "issued": "开票日期：",
        "contract": "合同编号：", "order": "贵方订单号：", "original": "发票金额：",
        "credited": "已冲减金额：",
        "paid": "已付金额：", "disputed": "有争议金额（不在本函要求之列）：", "demanded": "应付金额：",
        "due": "付款到期日：", "days_overdue": "逾期天数：", "deadline": "最后付款期限：",
        "holder": "收款人：", "iban": "IBAN：", "account": "账号：", "bic": "BIC：", "bank": "开户银行：",
        "reference": "付款附言：", "law_firm": "律师事务所：", "email": "电子邮箱：", "phone": "电话：",
        "late_fee": "逾期付款违约金", "payment": "付款方式", "total": "合计：", "address": "地址：",
    },
)  # fmt: skip

_WORDINGS = {wording.language: wording for wording in (ENGLISH, CHINESE)}


def wording_for(language: str) -> tuple[Wording, str]:
    """The wording for a contact's language, and a note for the record where it had to be another one."""
    wording = _WORDINGS.get(language.partition("-")[0])
    if wording is None:
        return ENGLISH, f"there are no letters in {language!r}: written in English"
    return wording, ""
