"""A letter's content without a case: a built-in sample invoice, for previews and for checking templates.

Everybody in it is invented; the account is the one that banks print in examples.
"""

from datetime import date, timedelta

from activities.figures import Figures
from activities.letter_content import Instalment, InvoiceLine, LetterContent, Received
from models.interest import LateFee, contract_interest
from models.money import Money
from models.parties import BankAccount, Buyer, Contact, Creditor, Party

DUE = date(2026, 3, 2)
_NAMES = {
    "de": "Beispiel Maschinenbau GmbH", "fr": "Exemple Équipements SARL", "es": "Ejemplo Maquinaria, S. L.",
    "zh": "上海示例机械设备有限公司",
}  # fmt: skip
_DAYS = {"reminder_before_due": -3, "reminder": 2, "reminder_firm": 9, "plan_confirmation": 20}
_USUAL_DAYS = 16
_PERIOD = 10
_DUE_DAYS = 3


def sample_creditor() -> Creditor:
    """A creditor that has everything a letter may need."""
    return Creditor(
        code="SAMPLE", name="Sample Trading Ltd",
        address=("1 Sample Street", "London EX1 1AA", "United Kingdom"),
        sender="receivables@sample.example", phone="+44 20 7946 0100",
        bank_account=BankAccount(
            holder="Sample Trading Ltd", iban="DE89 3704 0044 0532 0130 00", bic="COBADEFFXXX", bank="Example Bank"
        ),
        law_firm=Party(
            name="Sample & Partners LLP", email="office@sample-partners.example", phone="+44 20 7946 0200",
            address=("2 Sample Street", "London EX1 1AB"),
        ),
        agency=Party(
            name="Sample Collections Ltd", email="cases@sample-collections.example", phone="+44 20 7946 0300",
            address=("3 Sample Street", "London EX1 1AC"),
        ),
    )  # fmt: skip


def completed(creditor: Creditor) -> Creditor:
    """A creditor with the sample's in place of what it lacks."""
    sample = sample_creditor()
    return creditor.but(
        law_firm=creditor.law_firm or sample.law_firm, agency=creditor.agency or sample.agency,
        bank_account=creditor.bank_account if creditor.bank_account.iban else sample.bank_account,
        address=creditor.address or sample.address,
    )  # fmt: skip


def sample_content(kind: str, language: str, creditor: Creditor | None = None, invoices: int = 1) -> LetterContent:
    """What a sample letter of a kind is about.

    Args:
        kind: The kind of letter; it sets the day.
        language: The buyer's.
        creditor: On whose behalf; without it the sample's.
        invoices: How many.
    """
    ours = creditor or sample_creditor()
    currency = ours.currency or "EUR"
    today = DUE + timedelta(days=_DAYS.get(kind, _USUAL_DAYS))
    lines = tuple(_line(n, today, currency) for n in range(invoices))
    demanded = sum((line.figures.demanded for line in lines), Money.zero(currency))
    third = Money.of(demanded.amount / 3, currency)
    plan = (third, third, demanded - third - third)
    return LetterContent(
        creditor=ours,
        buyer=Buyer(id="10023", name=_NAMES.get(language.partition("-")[0], "Example Engineering Ltd"),
                    address=("4 Sample Road", "Sampletown"), contact=Contact(language=language)),
        invoices=lines, today=today, deadline=today + timedelta(days=_PERIOD),
        sent=tuple((which, day) for which, after in (("reminder", 2), ("reminder", 9), ("formal_demand", 15))
                   if (day := DUE + timedelta(days=after)) < today),
        instalments=tuple(Instalment(due=date(2026, month, 1), amount=part) for month, part in enumerate(plan, 4)),
        received=(Received(DUE + timedelta(days=8), Money.of(_PAID, currency), "BANK-8841"),),
    )  # fmt: skip


_AMOUNT, _PAID = Money.model_validate("12500 EUR").amount, Money.model_validate("2500 EUR").amount


def _line(n: int, today: date, currency: str) -> InvoiceLine:
    fee, due = LateFee.model_validate("0.05%/day"), DUE + timedelta(days=n % _DUE_DAYS)  # all before a letter's day
    amount, nothing = Money.of(_AMOUNT / (n + 1), currency), Money.zero(currency)
    received_on = DUE + timedelta(days=8)
    paid = Money.of(_PAID, currency) if n == 0 and today >= received_on else nothing
    left = amount - paid
    interest = contract_interest(amount, due, today, fee, [(received_on, paid)] if paid else [])
    return InvoiceLine(
        number=f"INV-2026-{n + 117:04}", due=due, issued=due - timedelta(days=30), contract="C-2025-118",
        order=f"PO-{4711 + n}", late_fee=fee,
        figures=Figures(
            today=today, days_overdue=(today - due).days, original=amount, credited=nothing, paid=paid,
            outstanding=left, disputed=nothing, demanded=left, interest=interest, per_day=fee.on(left, 1),
        ),
    )  # fmt: skip
