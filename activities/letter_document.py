"""The parts of a letter in their order: paragraphs, tables, blocks of details. No words of its own, no typography.

Text, HTML and print are set from this one document, so that they cannot differ in what they say.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from activities.figures import Figures
from activities.letter_content import InvoiceLine, LetterContent, LetterKind
from activities.mime import one_line
from activities.payment_code import payment_code
from activities.wording import Wording
from models.money import Money
from models.parties import Party

Row = dict[str, Any]
"""`label` (with what parts it from its value), `value`, and whether it is `strong`."""
Block = dict[str, Any]
"""A part of the body: its `type`, and what belongs to it."""


@dataclass(frozen=True, slots=True)
class LetterDocument:
    """A letter, ready to be set. All texts are plain: no markup of any kind."""

    language: str
    region: str
    subject: str
    salutation: str
    sender: Mapping[str, Any]
    addressee: Sequence[str]
    info: Sequence[Row]
    blocks: Sequence[Block]
    closing: Sequence[str]
    labels: Mapping[str, str]


def document_of(
    kind: LetterKind, content: LetterContent, wording: Wording, parts: Mapping[str, Sequence[str]],
    stamp: str | None = None,
) -> LetterDocument:  # fmt: skip
    """The document of a letter.

    Args:
        kind: Which letter.
        content: What it is about.
        wording: In which language.
        parts: The paragraphs of its template, by the template's blocks; `subject` and `salutation` have one each.
        stamp: The stamp image as SVG, for the letters that bear one.
    """
    label, creditor = wording.labels, content.creditor
    return LetterDocument(
        language=wording.language, region=wording.region, subject="".join(parts["subject"]),
        salutation=" ".join(parts["salutation"]),
        sender={
            "name": one_line(creditor.name), "address": [one_line(line) for line in creditor.address],
            "email": creditor.reply_to or creditor.sender, "phone": one_line(creditor.phone or ""),
            "bank": [row["label"] + row["value"] for row in _bank(content, wording)[:-1]],
        },
        addressee=addressee_lines(content, wording),
        info=_rows(wording, {
            "date": wording.calendar_day(content.today),
            "buyer_id": one_line(content.buyer.id),
            "our_reference": "" if content.many and not content.reference else one_line(reference_of(content)),
        }),
        blocks=[block for block in _blocks(kind, content, wording, parts, stamp) if block],
        closing=parts["closing"],
        labels={"page": wording.page, "colon": wording.colon, "email": label["email"], "phone": label["phone"]},
    )  # fmt: skip


def addressee_lines(content: LetterContent, wording: Wording) -> list[str]:
    """Who the letter is for: the buyer's name (its number where nobody knows the name), and where it goes."""
    buyer = content.buyer
    name = one_line(buyer.name) or f"{wording.labels['buyer_id']}{one_line(buyer.id)}"
    return [name, *(line for line in map(one_line, buyer.postal) if line)]


def reference_of(content: LetterContent) -> str:
    """What the debtor quotes with a payment."""
    return content.reference or (content.buyer.id if content.many else content.invoices[0].number)


def _rows(wording: Wording, given: Mapping[str, str], strong: Sequence[str] = ()) -> list[Row]:
    return [
        {"key": key, "label": wording.labels[key], "value": value, "strong": key in strong}
        for key, value in given.items()
        if value
    ]


def _blocks(
    kind: LetterKind, content: LetterContent, wording: Wording, parts: Mapping[str, Sequence[str]], stamp: str | None
) -> list[Block | None]:
    label = wording.labels
    receipts = _receipts(content, wording) if kind.receipts and content.received else None
    plan = _plan(content, wording) if kind.instalments else None
    return [
        _paragraphs(parts["opening"]),
        plan and _heading(label["plan"]),
        plan,
        _invoices(kind, content, wording),
        *_apart("also_open", content.also_open, content, wording),
        *_apart("contested", content.contested, content, wording),
        receipts and _heading(label["received"]),
        receipts,
        _paragraphs(parts["dispute_open"]),
        *(_late_fee(content, wording, parts) if kind.late_fee else ()),
        _paragraphs(parts["next_steps"]),
        *(_payment(kind, content, wording, parts) if kind.payment and content.demanded else ()),
        _details("reference", _bank(content, wording)[-1:]) if not kind.payment else None,
        _paragraphs(parts["how_to_dispute"]),
        _details("third_party", _party("third_party", third_party_of(content), wording))
        if kind.third_party and not kind.demand
        else None,
        _details("law_firm", _party("law_firm", content.creditor.law_firm, wording), stamp) if kind.demand else None,
    ]


def third_party_of(content: LetterContent) -> Party | None:
    """To whom the debt goes: the named one, else the creditor's agency, or its law firm where the law says so."""
    if content.third_party is not None:
        return content.third_party
    only_lawyers = any(rule.law_firm_only and rule.valid_from <= content.today for rule in content.rules)
    return content.creditor.law_firm if only_lawyers else content.creditor.agency


def _paragraphs(texts: Sequence[str]) -> Block | None:
    return {"type": "paragraphs", "texts": list(texts)} if texts else None


def _heading(text: str) -> Block:
    return {"type": "heading", "text": text}


def _details(what: str, rows: Sequence[Row], stamp: str | None = None) -> Block | None:
    return {"type": "details", "what": what, "rows": list(rows), "stamp": stamp} if rows else None


# --- the invoices -------------------------------------------------------------------------------------------


def _invoices(kind: LetterKind, content: LetterContent, wording: Wording) -> Block:
    facts = [_facts(line, content, wording) for line in content.invoices]
    totals = totals_of(kind, content, wording)
    if not content.many:
        # One list says it all.
        facts = [[*facts[0], *totals]]
    return {"type": "invoices", "facts": facts, "many": content.many, **_table(content, wording), "totals": totals}


def _facts(line: InvoiceLine, content: LetterContent, wording: Wording) -> list[Row]:
    figures, money = line.figures, wording.money
    given = {
        "number": line.number,
        "issued": wording.calendar_day(line.issued) if line.issued else "",
        "contract": one_line(line.contract or ""),
        "order": one_line(line.order or ""),
        "original": money(figures.original),
        "credited": money(figures.credited) if figures.credited else "",
        "paid": money(figures.paid) if figures.paid or figures.days_overdue > 0 else "",
        "disputed": money(figures.disputed) if figures.disputed else "",
        "open": money(open_principal(figures)) if content.many else "",
        "due": wording.calendar_day(line.due),
        "days_overdue": str(figures.days_overdue) if figures.days_overdue > 0 and figures.demanded else "",
    }
    return _rows(wording, given)


def open_principal(figures: Figures) -> Money:
    """What is open of the invoice itself, without the interest and costs that may be part of what is demanded."""
    if not figures.claims_interest:
        return figures.demanded
    costs = figures.costs or Money.zero(figures.demanded.currency)
    return figures.demanded - _claimed_interest(figures) - costs


def _claimed_interest(figures: Figures) -> Money:
    nothing = Money.zero(figures.demanded.currency)
    return figures.interest.owed.interest if figures.claims_interest and figures.interest else nothing


def totals_of(kind: LetterKind, content: LetterContent, wording: Wording) -> list[Row]:
    """The rows under the invoices, down to what is asked for and by when."""
    money = wording.money
    given: dict[str, str] = {}
    if content.claimed:
        lines = [line.figures for line in content.invoices]
        nothing = Money.zero(content.demanded.currency)
        claimed = [figures for figures in lines if figures.claims_interest]
        given["open"] = money(sum((open_principal(figures) for figures in lines), nothing))
        given["interest"] = money(sum((_claimed_interest(figures) for figures in claimed), nothing))
        costs = sum((figures.costs for figures in claimed if figures.costs), nothing)
        given["compensation"] = money(costs) if costs else ""
    given["demanded"] = money(content.demanded)
    given["deadline"] = wording.calendar_day(content.deadline) if kind.demand and content.deadline else ""
    return _rows(wording, given, ("demanded", "deadline"))


def _table(content: LetterContent, wording: Wording) -> dict[str, Any]:
    """The invoices as a table, with the columns that any of them fills; sums carry the currency in the caption."""
    label, number = wording.labels, wording.number
    columns: list[tuple[str, str, list[str]]] = []

    def column(key: str, side: str, values: list[str]) -> None:
        if any(values):
            columns.append((label[key], side, values))

    lines = content.invoices
    figures = [line.figures for line in lines]
    settled = [f.credited + f.paid for f in figures]
    column("col_number", "left", [line.number for line in lines])
    column("col_issued", "left", [wording.calendar_day(line.issued) if line.issued else "" for line in lines])
    column("col_due", "left", [wording.calendar_day(line.due) for line in lines])
    late = [f.days_overdue > 0 and bool(f.demanded) for f in figures]
    column(
        "col_days", "right", [str(f.days_overdue) if is_late else "" for f, is_late in zip(figures, late, strict=True)]
    )
    column("col_original", "right", [number(f.original) for f in figures])
    column("col_settled", "right", [number(amount) if amount else "" for amount in settled])
    column("col_disputed", "right", [number(f.disputed) if f.disputed else "" for f in figures])
    column("col_open", "right", [number(open_principal(f)) for f in figures])
    notes = [
        [
            label[key] + said
            for key, value in (("contract", line.contract), ("order", line.order))
            if (said := one_line(value or ""))
        ]
        for line in lines
    ]
    return {
        "caption": wording.amounts_in.format(currency=content.demanded.currency),
        "head": [head for head, _, _ in columns],
        "align": [side for _, side, _ in columns],
        "rows": [[values[n] for _, _, values in columns] for n in range(len(lines))],
        "notes": notes,
    }


def _apart(
    what: str, lines: Sequence[InvoiceLine], content: LetterContent, wording: Wording
) -> list[Block | None]:  # fmt: skip
    """Invoices that are told of under a heading of their own, and are no part of what is demanded."""
    if not lines:
        return []
    label, disputed = wording.labels, what == "contested"
    amounts = [line.figures.disputed if disputed else open_principal(line.figures) for line in lines]
    rows = [
        [line.number, wording.calendar_day(line.due), wording.money(amount)]
        for line, amount in zip(lines, amounts, strict=True)
    ]
    total = sum(amounts, Money.zero(content.demanded.currency))
    sums = [{"key": "total", "label": label["total"], "value": wording.money(total), "strong": False}]
    head = [label["col_number"], label["col_due"], label["col_disputed" if disputed else "col_open"]]
    table: Block = {
        "type": "table", "head": head, "align": ["left", "left", "right"], "rows": rows,
        "totals": sums if len(lines) > 1 else [],
    }  # fmt: skip
    return [_heading(label[what]), table]


# --- late fee -----------------------------------------------------------------------------------------------


def segment_rows(line: InvoiceLine, wording: Wording) -> list[dict[str, str]]:
    """The segments of one invoice's interest: period, calculation, amount; a mark where the rate is unverified."""
    if line.figures.interest is None:
        return []
    return [
        {
            "period": wording.span(segment.start, segment.end),
            "calculation": wording.calculation(segment),
            "amount": wording.money(segment.amount) + ("" if segment.verified else " *"),
            "formula": wording.formula(segment) + ("" if segment.verified else " *"),
        }
        for segment in line.figures.interest.segments
    ]


def _late_fee(
    content: LetterContent, wording: Wording, parts: Mapping[str, Sequence[str]]
) -> list[Block | None]:  # fmt: skip
    if not parts["late_fee_before"]:
        return []
    blocks: list[Block | None] = [_heading(wording.labels["late_fee"]), _paragraphs(parts["late_fee_before"])]
    groups = [
        {"number": line.number if content.many else "", "rows": rows}
        for line in content.invoices
        if (rows := segment_rows(line, wording))
    ]
    if groups:
        label = wording.labels
        total = sum((line.figures.interest.total for line in content.invoices if line.figures.interest),
                    Money.zero(content.demanded.currency))  # fmt: skip
        totals = [{"key": "total", "label": label["total"], "value": wording.money(total), "strong": True}]
        if content.claimed:
            settled = total - sum((_claimed_interest(line.figures) for line in content.invoices), total - total)
            if settled:
                totals += _rows(wording, {"interest_settled": wording.money(settled)})
        head = [label["period"], label["calculation"], label["amount"]]
        blocks.append({
            "type": "segments", "head": [label["col_number"], *head] if content.many else head, "groups": groups,
            "colon": wording.colon, "totals": totals,
        })  # fmt: skip
    return [*blocks, _paragraphs(parts["late_fee_after"])]


# --- payment, plan, receipts, parties -------------------------------------------------------------------------


def _payment(
    kind: LetterKind, content: LetterContent, wording: Wording, parts: Mapping[str, Sequence[str]]
) -> list[Block | None]:
    account = content.creditor.bank_account
    rows = _bank(content, wording)
    amount = content.instalments[0].amount if kind.instalments and content.instalments else content.demanded
    code = payment_code(account, content.creditor.name, amount, reference_of(content))
    block = {
        "type": "payment", "rows": rows, "qr": code,
        "caption": [wording.labels["qr"], wording.money(amount)],
    }  # fmt: skip
    return [_heading(wording.labels["payment"]), _paragraphs(parts["how_to_pay"]), block]


def _bank(content: LetterContent, wording: Wording) -> list[Row]:
    """The payment details; the reference is always the last of them."""
    account = content.creditor.bank_account
    is_iban = account.iban[:2].isalpha() and account.iban[2:4].isdigit()
    given = {
        "holder": account.holder if account.iban else "", "iban" if is_iban else "account": account.iban,
        "bic": account.bic if account.iban else "", "bank": account.bank if account.iban else "",
        "reference": reference_of(content),
    }  # fmt: skip
    return _rows(wording, {key: " ".join(one_line(value).split()) for key, value in given.items()}, ("reference",))


def _party(role: str, party: Party | None, wording: Wording) -> list[Row]:
    if party is None:
        return []
    given = {
        role: party.name, "address": wording.address_joiner.join(one_line(line) for line in party.address),
        "email": party.email or "", "phone": party.phone or "",
    }  # fmt: skip
    return _rows(wording, {key: one_line(value) for key, value in given.items()}, (role,))


def _plan(content: LetterContent, wording: Wording) -> Block:
    label = wording.labels
    rows = [
        [str(n), wording.calendar_day(part.due), wording.money(part.amount)]
        for n, part in enumerate(content.instalments, 1)
    ]
    total = sum((part.amount for part in content.instalments), Money.zero(content.demanded.currency))
    return {
        "type": "table", "head": [label["instalment"], label["col_due"], label["amount"]],
        "align": ["left", "left", "right"], "rows": rows,
        "totals": [{"key": "total", "label": label["total"], "value": wording.money(total), "strong": True}],
    }  # fmt: skip


def _receipts(content: LetterContent, wording: Wording) -> Block:
    label = wording.labels
    rows = [
        [wording.calendar_day(payment.on), one_line(payment.reference), wording.money(payment.amount)]
        for payment in content.received
    ]
    return {
        "type": "table", "head": [label["received_on"], label["received_from"].rstrip(" :：\u00a0"), label["amount"]],
        "align": ["left", "left", "right"], "rows": rows, "totals": [],
    }  # fmt: skip
