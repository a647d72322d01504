"""A bank statement over a made-up trade, with the noise of real ones, and the truth about every entry.

It was written before the matching and knows nothing of it: what payers do, what banks do to it, and what was meant.
Every way of paying (`WAYS`) is noised independently by name variants, unknown accounts, wrapped lines and small talk.
"""

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from random import Random

from stdnum import iso11649
from stdnum.iso7064 import mod_97_10

from bench.trade import TODAY, Trade, Trader, digits, iban
from models.bank import BankEntry, EntryKind
from models.matches import Matching
from models.money import Money, minor_unit
from models.open_invoices import OpenInvoice

OUR_ACCOUNT = "DE89370400440532013000"

WAYS: dict[str, int] = {
    "exact_reference": 20, "structured": 12, "abbreviated": 7, "mangled": 8, "typo": 5, "several": 8, "collective": 3,
    "amount_and_name": 10, "combination": 3, "charges": 3, "discount": 5, "partial": 4, "overpaid": 2, "twice": 2,
    "unrelated": 3, "foreign_number": 2, "for_another": 1, "wrong_currency": 1, "on_account": 1, "outgoing": 1,
}  # fmt: skip


@dataclass(slots=True)
class Truth:
    """What an entry was meant to pay: per invoice what it settles at most (a discount or charges included)."""

    way: str
    pays: dict[str, Money] = field(default_factory=dict)
    wrong: bool = False


@dataclass(slots=True)
class _Draft:
    """A payment before the bank has had its way with it."""

    way: str
    trader: Trader
    amount: Money
    text: str
    pays: dict[str, Money] = field(default_factory=dict)
    structured: str = ""
    charges: Money | None = None
    day: date = TODAY
    payer: str | None = None
    account: str | None = None
    kind: EntryKind = "payment"


def errors(matching: Matching, truth: Truth) -> list[str]:
    """What a matching that was applied by itself got wrong; money left unapplied is not wrong, only unfinished."""
    found = []
    for match in matching.matches if matching.status == "matched" else ():
        meant = truth.pays.get(match.number)
        if meant is None:
            found.append(f"{truth.way}: {match.number} was not meant ({match.reason})")
        elif meant < match.settles:
            found.append(f"{truth.way}: {match.number} gets {match.settles}, meant were {meant} ({match.reason})")
    return found


def statement(trade: Trade, seed: int, entries: int = 10_000) -> list[tuple[BankEntry, Truth]]:
    """Entries in the order of the statement, each with its truth."""
    return _Statement(trade, Random(f"statement/{seed}")).entries(entries)


class _Statement:
    def __init__(self, trade: Trade, rng: Random) -> None:
        self._rng = rng
        self._open = {trader.id: list(trader.invoices) for trader in trade.traders}
        self._traders = [trader for trader in trade.traders if trader.invoices]
        self._weights = [len(trader.invoices) for trader in self._traders]
        self._all = trade.invoices
        self._paid: list[_Draft] = []
        self._ways: dict[str, Callable[[Trader], _Draft | None]] = {way: getattr(self, f"_{way}") for way in WAYS}

    def entries(self, count: int) -> list[tuple[BankEntry, Truth]]:
        rng = self._rng
        drafts: list[_Draft] = []
        while len(drafts) < count:
            trader = rng.choices(self._traders, self._weights)[0]
            draft = self._ways[rng.choices(list(WAYS), list(WAYS.values()))[0]](trader)
            if draft:
                if draft.way != "twice":
                    draft.day = TODAY - timedelta(days=rng.randrange(1, 22))
                drafts.append(draft)
        drafts.sort(key=lambda draft: draft.day)
        return [(self._booked(n, draft), Truth(draft.way, draft.pays)) for n, draft in enumerate(drafts, 1)]

    # What payers do.

    def _take(self, trader: Trader, count: int = 1, oldest: bool = False) -> list[OpenInvoice] | None:
        """Invoices that are paid now, most often old ones; nobody pays one invoice twice by plan."""
        pool = self._open[trader.id]
        if len(pool) < count:
            return None
        if oldest or self._rng.random() < 0.5:
            taken = sorted(pool, key=lambda i: i.due)[:count]
        else:
            taken = self._rng.sample(pool, count)
        for invoice in taken:
            pool.remove(invoice)
        return taken

    def _full(self, way: str, trader: Trader, invoices: list[OpenInvoice], text: str) -> _Draft:
        total = sum((i.amount for i in invoices[1:]), invoices[0].amount)
        draft = _Draft(way, trader, total, text, {i.number: i.amount for i in invoices})
        self._paid.append(draft)
        return draft

    def _exact_reference(self, trader: Trader) -> _Draft | None:
        taken = self._take(trader)
        return taken and self._full("exact_reference", trader, taken, self._worded(trader, [taken[0].number])) or None

    def _structured(self, trader: Trader) -> _Draft | None:
        taken = self._take(trader)
        if not taken:
            return None
        invoice = taken[0]
        body = "".join(c for c in invoice.number if c.isalnum())
        reference = (
            invoice.references[0] if invoice.references else f"RF{mod_97_10.calc_check_digits(f'{body}RF')}{body}"
        )
        text = ""
        if len(reference) == 12 and reference.isdigit() and self._rng.random() < 0.5:
            text, reference = f"+++{reference[:3]}/{reference[3:7]}/{reference[7:]}+++", ""
        elif self._rng.random() < 0.3:
            text, reference = iso11649.format(reference) if reference.startswith("RF") else reference, ""
        draft = self._full("structured", trader, taken, text)
        draft.structured = reference
        return draft

    def _abbreviated(self, trader: Trader) -> _Draft | None:
        taken = self._take(trader)
        if not taken:
            return None
        number = taken[0].number
        runs = [run for run in "".join(c if c.isdigit() else " " for c in number).split() if run]
        short = self._rng.choice(
            (runs[-1], runs[-1].lstrip("0") or "0", "".join(runs), number.lstrip("0"), runs[-1][-5:])
        )
        return self._full("abbreviated", trader, taken, self._worded(trader, [short]))

    def _mangled(self, trader: Trader) -> _Draft | None:
        taken = self._take(trader)
        return (
            taken
            and self._full("mangled", trader, taken, self._worded(trader, [self._mangle(taken[0].number)]))
            or None
        )

    def _typo(self, trader: Trader) -> _Draft | None:
        taken = self._take(trader)
        return (
            taken
            and self._full("typo", trader, taken, self._worded(trader, [self._mistyped(trader, taken[0])]))
            or None
        )

    def _several(self, trader: Trader) -> _Draft | None:
        return self._many("several", trader, self._rng.randint(2, 5), self._rng.random() < 0.1)

    def _collective(self, trader: Trader) -> _Draft | None:
        return self._many("collective", trader, self._rng.randint(11, 25), self._rng.random() < 0.2)

    def _many(self, way: str, trader: Trader, count: int, short: bool) -> _Draft | None:
        taken = self._take(trader, count)
        if not taken:
            return None
        numbers = [invoice.number for invoice in taken]
        shape = self._rng.random()
        if shape < 0.2:  # the first in full, then only the ends
            numbers = numbers[:1] + [number[-self._rng.choice((4, 5)) :] for number in numbers[1:]]
        elif shape < 0.3:
            numbers = [self._mangle(number) for number in numbers]
        elif shape < 0.37:
            slip = self._rng.randrange(count)
            numbers[slip] = self._mistyped(trader, taken[slip])
        draft = self._full(way, trader, taken, self._worded(trader, numbers))
        if short:  # the advice comes by mail, or the list was cut
            draft.text = self._rng.choice(
                ("gem. Avis", "lt. Zahlungsavis", "as per remittance advice", draft.text[:60])
            )
        return draft

    def _amount_and_name(self, trader: Trader) -> _Draft | None:
        taken = self._take(trader)
        return taken and self._full("amount_and_name", trader, taken, self._small_talk(trader)) or None

    def _combination(self, trader: Trader) -> _Draft | None:
        count = len(self._open[trader.id]) if self._rng.random() < 0.3 else self._rng.randint(2, 4)
        taken = self._take(trader, max(2, min(count, 30)), oldest=self._rng.random() < 0.4)
        return taken and self._full("combination", trader, taken, self._small_talk(trader)) or None

    def _charges(self, trader: Trader) -> _Draft | None:
        draft = self._several(trader) if self._rng.random() < 0.2 else self._exact_reference(trader)
        if draft is None:
            return None
        off = Decimal(self._rng.choice(("5", "7.50", "10", "12.50", "15", "20", "25", "1.5", "0.01", "0.10")))
        if trader.currency == "JPY":
            off *= 100
        off = off.quantize(minor_unit(trader.currency), rounding=ROUND_HALF_UP)
        if draft.amount.amount <= off * 4:
            return draft
        draft.way, draft.amount = "charges", Money.of(draft.amount.amount - off, trader.currency)
        return draft

    def _discount(self, trader: Trader) -> _Draft | None:
        taken = self._take(trader)
        if not taken:
            return None
        invoice = taken[0]
        terms = invoice.discounts[0].percent if invoice.discounts else self._rng.choice((Decimal(2), Decimal(3)))
        known = self._rng.random() < 0.85
        text = self._worded(trader, [invoice.number]) if known else self._small_talk(trader)
        draft = self._full("discount", trader, taken, text)
        draft.amount = Money.of(invoice.amount.amount * (100 - terms) / 100, trader.currency)
        return draft

    def _partial(self, trader: Trader) -> _Draft | None:
        taken = self._take(trader)
        if not taken or taken[0].amount.minor < 300:
            return None
        invoice = taken[0]
        share = self._rng.choice((Decimal("0.5"), Decimal("0.3"), Decimal(str(round(self._rng.uniform(0.1, 0.95), 3)))))
        amount = Money.of(invoice.amount.amount * share, trader.currency)
        if self._rng.random() < 0.3 and amount.amount > 200:
            amount = Money.of(amount.amount // 100 * 100, trader.currency)
        number = self._mistyped(trader, invoice) if self._rng.random() < 0.03 else invoice.number
        text = self._worded(trader, [number]) if self._rng.random() < 0.9 else self._small_talk(trader)
        return _Draft("partial", trader, amount, text, {invoice.number: amount})

    def _overpaid(self, trader: Trader) -> _Draft | None:
        taken = self._take(trader)
        if not taken:
            return None
        more = Money.of(Decimal(self._rng.choice((1, 10, 100, self._rng.randint(2, 900)))), trader.currency)
        draft = self._full("overpaid", trader, taken, self._worded(trader, [taken[0].number]))
        draft.amount = draft.amount + more
        return draft

    def _twice(self, trader: Trader) -> _Draft | None:
        if not self._paid:
            return None
        first = self._rng.choice(self._paid)
        text = first.text if self._rng.random() < 0.7 else self._worded(first.trader, list(first.pays))
        day = min(first.day + timedelta(days=self._rng.randrange(0, 12)), TODAY)
        return _Draft("twice", first.trader, first.amount, text, first.pays, first.structured, day=day)

    def _unrelated(self, trader: Trader) -> _Draft | None:
        rng = self._rng
        amount = rng.choice((Decimal(rng.randrange(100, 500_000)) / 100, Decimal(rng.randrange(1, 60) * 50)))
        if rng.random() < 0.2:  # as much as some invoice, by chance
            amount = rng.choice(self._all).amount.amount
        text = rng.choice((
            f"Erstattung Vers.-Nr. {digits(rng, 8)}", f"Finanzamt St.Nr. 27/{digits(rng, 3)}/{digits(rng, 5)} 2026",
            f"Miete {rng.randint(1, 12):02d}/2026 Objekt {digits(rng, 5)}", f"REFUND ORDER {digits(rng, 7)}",
            f"Gutschrift Vertrag {digits(rng, 6)} vom {rng.randint(1, 28):02d}.09.2026",

            f"Tel. 0{digits(rng, 3)}/{digits(rng, 7)}",
            f"IBAN {iban(rng, 'DE')} Umbuchung", f"Rechnung {digits(rng, 6)}", "Spende", "",
        ))  # fmt: skip
        payer = rng.choice(
            ("Allianz Versicherungs-AG", "Finanzamt Nord", "Stadtwerke", "Erika Mustermann", "Amazon EU", "")
        )
        if rng.random() < 0.4:
            payer = (
                f"{rng.choice(self._traders).name.split()[0]} {rng.choice(('Immobilien', 'Verwaltung', 'Stiftung'))}"
            )
        money = Money.of(amount, rng.choice(("EUR", "EUR", trader.currency)))
        return _Draft("unrelated", trader, money, text, payer=payer, account=iban(rng, "DE"))

    def _foreign_number(self, trader: Trader) -> _Draft | None:
        """The payer's own order number, or another firm's invoice number, that may well be one of ours."""
        taken = self._take(trader)
        if not taken:
            return None
        rng = self._rng
        number = rng.choice(
            (digits(rng, 6), f"PO-{digits(rng, 5)}", f"45{digits(rng, 8)}", rng.choice(self._all).number)
        )
        return self._full("foreign_number", trader, taken, self._worded(trader, [number]))

    def _for_another(self, trader: Trader) -> _Draft | None:
        other = self._rng.choice(self._traders)
        taken = self._take(other)
        if not taken:
            return None
        text = self._worded(trader, [taken[0].number])
        if self._rng.random() < 0.4:
            text = f"{text} {other.name}"
        amount = taken[0].amount
        return _Draft("for_another", trader, amount, text, {taken[0].number: amount})

    def _wrong_currency(self, trader: Trader) -> _Draft | None:
        taken = self._take(trader)
        if not taken:
            return None
        currency = "USD" if trader.currency == "EUR" else "EUR"
        amount = Money.of(taken[0].amount.amount * Decimal("1.08"), currency)
        return _Draft("wrong_currency", trader, amount, self._worded(trader, [taken[0].number]))

    def _on_account(self, trader: Trader) -> _Draft | None:
        amount = Money.of(Decimal(self._rng.choice((500, 1000, 2000, 2500, 5000, 10000))), trader.currency)
        return _Draft("on_account", trader, amount, self._rng.choice(("Akonto", "a conto", "on account", "Abschlag")))

    def _outgoing(self, trader: Trader) -> _Draft | None:
        invoice = self._rng.choice(self._all)
        kind: EntryKind = self._rng.choice(("outgoing", "charge"))
        return _Draft("outgoing", trader, invoice.amount, f"Refund {invoice.number}", kind=kind)

    # What they write.

    def _worded(self, trader: Trader, numbers: list[str]) -> str:
        rng = self._rng
        joined = rng.choice((", ", " ", ";", "/", " + ", " und ")).join(numbers)
        word = rng.choice((
            "RE ", "Rechnung ", "Rg.Nr.", "Invoice ", "INV ", "Facture n° ", "Fattura ", "factuur ", "Rechnungsnr: ",
            "",
            "Faktura ", "发票", "RNR", "inv.no.", "Re.-Nr. ",
        ))  # fmt: skip
        text = f"{word}{joined}"
        if rng.random() < 0.25:
            text = f"{text} {self._aside(trader)}"
        if rng.random() < 0.1:
            text = f"{self._aside(trader)} {text}"
        return text

    def _aside(self, trader: Trader) -> str:
        rng = self._rng
        day = TODAY - timedelta(days=rng.randrange(5, 90))
        return rng.choice((
            f"vom {day:%d.%m.%Y}", f"dated {day}", f"Kd.Nr. {trader.id}", f"Kunde {trader.id}",
            f"Bestellung {digits(rng, 6)}",
            f"Tel. 0{digits(rng, 3)} {digits(rng, 6)}", f"EUR {rng.randrange(10, 900)},{digits(rng, 2)}", "danke",
            "Order 4500012345",
            f"Lieferschein {digits(rng, 7)}", f"{day:%m/%Y}", f"Mandat {digits(rng, 8)}",
        ))  # fmt: skip

    def _small_talk(self, trader: Trader) -> str:
        return self._rng.choice(
            ("", "Zahlung", "payment", "Ihre Rechnung", "invoice", self._aside(trader), "SALDO", "货款")
        )

    def _mangle(self, number: str) -> str:
        """The right number, written in another way."""
        rng = self._rng
        bare = "".join(c for c in number if c.isalnum())
        cut = rng.randrange(2, max(3, len(number) - 1))
        return rng.choice((
            bare, number.lower(), number.replace("-", " ").replace("/", " "), number.replace("-", "/"),
            f"Rechnung{bare}",
            f"{number[:cut]} {number[cut:]}", f"nr{bare}", number.replace("-0", "-").replace("/0", "/").lstrip("0"),
            "".join(c for c in number if c.isdigit()), f"00{bare}" if bare.isdigit() else number.replace("-", ""),
        ))  # fmt: skip

    def _mistyped(self, trader: Trader, invoice: OpenInvoice) -> str:
        """The number with a slip; never that of another invoice of the same amount, for that is a choice, no slip."""
        same = {i.number for i in trader.invoices if i.amount == invoice.amount}
        while (number := self._mistype(invoice.number)) in same:
            pass
        return number

    def _mistype(self, number: str) -> str:
        """A slip of the finger: one digit wrong, two swapped, one lost, one doubled."""
        rng = self._rng
        places = [n for n, c in enumerate(number) if c.isdigit()]
        at = rng.choice(places)
        slip = rng.random()
        if slip < 0.45:
            return f"{number[:at]}{rng.choice('0123456789')}{number[at + 1 :]}"
        if slip < 0.75 and at + 1 < len(number):
            return f"{number[:at]}{number[at + 1]}{number[at]}{number[at + 2 :]}"
        return f"{number[:at]}{number[at + 1 :]}" if slip < 0.9 else f"{number[:at]}{number[at]}{number[at:]}"

    # What the bank makes of it.

    def _booked(self, n: int, draft: _Draft) -> BankEntry:
        rng = self._rng
        trader = draft.trader
        account = draft.account or rng.choice(trader.accounts)
        if rng.random() < 0.15:
            account = ""
        payer = draft.payer if draft.payer is not None else self._called(trader.name)
        text = draft.text
        if rng.random() < 0.15:
            text = text.upper()
        width = rng.choice((27, 35, 140, 140, 140))
        text = text[: 4 * 140 if width == 140 else 14 * width]
        lines = tuple(text[i : i + width] for i in range(0, len(text), width))
        return BankEntry(
            account=OUR_ACCOUNT, entry=str(n), kind=draft.kind, amount=draft.amount, booked_on=draft.day,
            servicer_reference=f"2026{n:010d}" if rng.random() < 0.9 else "",
            end_to_end=rng.choice(("", "NOTPROVIDED", digits(rng, 12), f"ZV{digits(rng, 8)}")),
            creditor_reference=draft.structured, remittance=lines, payer=payer, payer_iban=account,
        )  # fmt: skip

    def _called(self, name: str) -> str:
        """The payer's name as the bank has it."""
        rng = self._rng
        shape = rng.random()
        words = name.split()
        if shape < 0.55 or len(words) < 2:
            return name
        if shape < 0.65:
            return name.upper()
        if shape < 0.72:
            return " ".join(words[:2])
        if shape < 0.79:
            plain = name.replace("ä", "ae").replace("ö", "oe").replace("ü", "ue").replace("ß", "ss")
            return "".join(c for c in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(c))
        if shape < 0.84:
            at = rng.randrange(1, len(words[0])) if len(words[0]) > 1 else 1
            return f"{words[0][: at - 1]}{words[0][at:]} {' '.join(words[1:])}"
        if shape < 0.88:
            return name[:27]
        if shape < 0.91:
            return f"{name}, {rng.choice(('Hauptstr. 5', 'Postfach 1234', 'Abt. Buchhaltung'))}"
        if shape < 0.94:
            return f"{words[0]} {rng.choice(('Holding', 'Group', 'Shared Services', 'Zentrale'))} {words[-1]}"
        return "" if shape < 0.97 else f"{rng.choice(('K.', 'M.', 'Dr.'))} {rng.choice(self._traders).name.split()[0]}"
