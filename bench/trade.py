"""A firm's trade, made up by seed: thousands of buyers in many countries, and their invoices.

What the bank then says about them is in statement_noise.py. Nothing here knows how payments are matched.
"""

import string
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from models.money import Money, minor_unit
from models.open_invoices import CashDiscount, OpenInvoice

CREDITOR = "ACME"
TODAY = date(2026, 10, 30)
"""The day of the statement."""

_SURNAMES = (
    "Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Schäfer Koch Bauer Richter Klein Wolf "
    "Schröder Neumann Schwarz Zimmermann Braun Krüger Hofmann Hartmann Lange Schmitt Werner Krause Lehmann Köhler "
    "Dupont Lefèvre Moreau Girard Bonnet Fournier Rousseau Mercier Chevalier Gauthier Janssens Peeters Maes Jacobs "
    "Rossi Ferrari Esposito Bianchi Romano Colombo Ricci Marino Greco Conti García Martínez Fernández González "
    "Smith Jones Taylor Brown Wilson Evans Thomas Roberts Walker Wright Hughes Edwards Green Clarke Harrison "
    "Kowalski Wiśniewski Wójcik Kamiński Lewandowski Zieliński Szymański Dąbrowski Nielsen Jensen Hansen Sørensen "
    "Andersson Johansson Karlsson Virtanen Korhonen Nieminen de_Vries van_den_Berg Bakker Visser Smit Mulder Bos"
).split()
_TRADES = {
    "DE": "Maschinenbau Logistik Elektrotechnik Bau Handels Verpackungen Holzbau Druck Großhandel Kältetechnik Metall",
    "FR": "Transports Bâtiment Électricité Distribution Menuiserie Emballages Métallurgie Négoce Imprimerie",
    "IT": "Trasporti Costruzioni Impianti Forniture Meccanica Arredamenti Tessuti",
    "ES": "Transportes Construcciones Suministros Instalaciones Maquinaria Alimentación",
    "GB": "Engineering Logistics Packaging Foods Electrical Timber Trading Fabrications Printing Supplies",
    "PL": "Budownictwo Transport Handel Elektronika Meble Opakowania",
    "NL": "Techniek Transport Bouw Verpakkingen Groothandel Installatie",
    "SE": "Bygg Teknik Logistik Verkstad Handel",
}
_FORMS = {
    "DE": ("GmbH", "GmbH & Co. KG", "AG", "KG", "e.K.", "UG (haftungsbeschränkt)"),
    "FR": ("SARL", "SAS", "S.A."), "IT": ("S.r.l.", "S.p.A."), "ES": ("S.L.", "S.A."),
    "GB": ("Ltd", "Limited", "PLC", "LLP"), "PL": ("Sp. z o.o.", "S.A."), "NL": ("B.V.", "N.V."), "SE": ("AB",),
    "BE": ("BV", "NV", "SRL"), "CH": ("AG", "GmbH", "SA"), "AT": ("GmbH", "GesmbH"), "US": ("Inc.", "LLC", "Corp."),
}  # fmt: skip
_BASE = {"BE": "NL", "CH": "DE", "AT": "DE", "US": "GB"}
_TOWNS = {
    "DE": "Hamburg München Köln Leipzig Bremen Nürnberg", "FR": "Lyon Lille Nantes Rennes", "IT": "Torino Verona Bari",
    "ES": "Sevilla Bilbao Zaragoza", "GB": "Leeds Bristol Cardiff Glasgow", "PL": "Kraków Łódź Gdańsk",
    "NL": "Utrecht Breda Zwolle", "SE": "Malmö Uppsala Örebro", "BE": "Gent Namur Liège", "CH": "Zürich Bern Genève",
    "AT": "Wien Graz Linz", "US": "Dallas Denver Portland",
}  # fmt: skip
_CHINESE = (
    "上海 北京 深圳 广州 杭州 苏州 宁波 青岛".split(),
    "华信 东方 天元 金桥 瑞丰 恒通 明达 新世纪 远洋 中联 嘉禾 博雅".split(),
    "电子 机械 纺织 贸易 化工 物流 科技 食品".split(), "有限公司 股份有限公司 有限责任公司".split(),
)  # fmt: skip
_JAPANESE = ("山田 鈴木 高橋 田中 渡辺 東海 日進 三栄 大和 富士".split(), "製作所 工業 商事 電機 物産 食品".split())
_COUNTRIES = ("DE", "FR", "IT", "ES", "GB", "PL", "NL", "SE", "BE", "CH", "AT", "US", "CN", "JP")
_SHARES = (34, 9, 6, 5, 9, 5, 6, 3, 5, 6, 4, 3, 3, 2)
_CURRENCIES = {"GB": "GBP", "CH": "CHF", "US": "USD", "CN": "CNY", "JP": "JPY", "PL": "PLN", "SE": "SEK"}
_BBAN = {
    "DE": 18, "FR": 23, "IT": 23, "ES": 20, "GB": 18, "PL": 24, "NL": 14, "SE": 20, "BE": 12, "CH": 17, "AT": 16,
}  # fmt: skip
_BANKS = ("ABNA", "INGB", "RABO", "BARC", "LOYD", "NWBK")


@dataclass(slots=True)
class Trader:
    """A buyer as it really is; what the creditor's books know of it is less."""

    id: str
    name: str
    country: str
    currency: str
    accounts: list[str]
    """The accounts it pays from; the first may be known to the creditor."""
    known: tuple[str, ...]
    style: int
    discount: tuple[Decimal, int] | None
    rent: int
    """If not zero: the amount in minor units that recurs on its invoices."""
    weight: float
    numbered: int = 0
    invoices: list[OpenInvoice] = field(default_factory=list)


@dataclass(slots=True)
class Trade:
    """Everything of one seed."""

    traders: list[Trader]
    invoices: list[OpenInvoice]


def iban(rng: Random, country: str) -> str:
    """A formally right IBAN of the country; where there are none, an account number."""
    length = _BBAN.get(country)
    if length is None:
        return digits(rng, 12)
    bban = rng.choice(_BANKS) + digits(rng, length - 4) if country in ("NL", "GB") else digits(rng, length)
    number = int("".join(str(int(c, 36)) for c in f"{bban}{country}00"))
    return f"{country}{98 - number % 97:02d}{bban}"


def digits(rng: Random, count: int) -> str:
    """So many random digits."""
    return "".join(rng.choice(string.digits) for _ in range(count))


def trade(seed: int, invoices: int = 100_000, buyers: int | None = None) -> Trade:
    """Buyers and invoices of one creditor; a few large buyers, many small ones."""
    rng = Random(f"trade/{seed}")
    traders = _traders(rng, buyers or max(20, invoices // 25))
    weights = [trader.weight for trader in traders]
    made: list[OpenInvoice] = []
    circles = [rng.randrange(1, 5_000) for _ in _STYLE_SHARES]  # every series of numbers counts for itself
    day = TODAY - timedelta(days=210)
    for n, trader in enumerate(rng.choices(traders, weights, k=invoices)):
        issued = day + timedelta(days=200 * n // invoices)
        invoice = _invoice(rng, trader, circles[trader.style], issued)
        circles[trader.style] += 1
        trader.invoices.append(invoice)
        made.append(invoice)
    return Trade(traders, made)


def _traders(rng: Random, count: int) -> list[Trader]:
    found: list[Trader] = []
    names: set[str] = set()
    while len(found) < count:
        country = rng.choices(_COUNTRIES, _SHARES)[0]
        # Sisters share a name but for the legal form or the town: they exist, and are easily confused.
        sister = rng.choice(found) if found and rng.random() < 0.04 else None
        name = _sister(rng, sister) if sister else _name(rng, country)
        if name in names:
            continue
        names.add(name)
        country = sister.country if sister else country
        accounts = [iban(rng, country) for _ in range(rng.choice((1, 1, 1, 2, 3)))]
        if sister and rng.random() < 0.2:
            accounts = [sister.accounts[0]]
        number = len(found)
        discount = rng.choice(((Decimal(2), 14), (Decimal(3), 10), (Decimal(2), 10))) if rng.random() < 0.25 else None
        found.append(
            Trader(
                id=rng.choice((f"{10000 + number}", f"C-{number:05d}")),
                name=name,
                country=country,
                currency=_CURRENCIES.get(country, "EUR") if rng.random() < 0.7 else "EUR",
                accounts=accounts,
                known=tuple(accounts[:1]) if rng.random() < 0.7 else (),
                style=rng.choices(range(8), _STYLE_SHARES)[0],
                discount=discount,
                rent=rng.randrange(5_000, 400_000) if rng.random() < 0.06 else 0,
                weight=rng.paretovariate(1.3),
            )  # fmt: skip
        )
    for trader in found:
        trader.weight = min(trader.weight, 40.0)
    return found


def _name(rng: Random, country: str) -> str:
    if country == "CN":
        return "".join(rng.choice(part) for part in _CHINESE)
    if country == "JP":
        name = "".join(rng.choice(part) for part in _JAPANESE)
        return f"株式会社{name}" if rng.random() < 0.5 else f"{name}株式会社"
    base = _BASE.get(country, country)
    surname = rng.choice(_SURNAMES).replace("_", " ")
    trade_name = rng.choice(_TRADES[base].split())
    form = rng.choice(_FORMS[country])
    town = rng.choice(_TOWNS[country].split())
    shape = rng.random()
    if shape < 0.5:
        return f"{surname} {trade_name} {form}"
    if shape < 0.65:
        return f"{trade_name} {surname} {town} {form}"
    if shape < 0.8:
        return f"{surname} & {rng.choice(_SURNAMES).replace('_', ' ')} {form}"
    if shape < 0.9:
        return f"{surname[:2].upper()}{rng.choice(string.ascii_uppercase)} {trade_name} {town} {form}"
    return f"{rng.choice('ABCDEFGHIKLMNOPRSTUVW')}. {surname} {trade_name} {form}"


def _sister(rng: Random, of: Trader) -> str:
    if of.country in ("CN", "JP"):
        return _name(rng, of.country)
    first, *_ = of.name.split()
    if rng.random() < 0.5:
        return f"{of.name.rsplit(' ', 1)[0]} {rng.choice(_FORMS[of.country])}"
    return f"{first} {rng.choice(_TOWNS[of.country].split())} {rng.choice(_FORMS[of.country])}"


_STYLE_SHARES = (26, 14, 14, 10, 12, 10, 8, 6)


def _number(style: int, n: int, issued: date, trader: Trader) -> str:
    """Eight ways in which firms number invoices; leading zeros count."""
    trader.numbered += 1
    return (
        f"RE-{issued.year}-{n:06d}", f"{issued.year}{n:06d}", f"{n:08d}", f"INV/{issued:%y}/{issued:%m}/{n:05d}",
        f"{trader.id.removeprefix('C-')}-{trader.numbered:03d}", f"F{issued:%y}{n:05d}", f"{500_000 + n}",
        f"SI{n:07d}A",
    )[style]  # fmt: skip


def _invoice(rng: Random, trader: Trader, n: int, issued: date) -> OpenInvoice:
    unit = minor_unit(trader.currency)
    scale = {"JPY": 15_000, "CNY": 800, "PLN": 400, "SEK": 1_000}.get(trader.currency, 100)
    shape = rng.random()
    if trader.rent and shape < 0.8:
        minor = trader.rent
    elif shape < 0.15:
        minor = int(rng.choice((50, 100, 250, 500, 1000, 1200, 1500, 2000, 5000)) / unit)
    else:
        minor = max(1, int(rng.lognormvariate(2.2, 1.3) * scale * (100 if unit == Decimal("0.01") else 1)))
    amount = Money.from_minor(minor, trader.currency)
    number = _number(trader.style, n, issued, trader)
    references = _references(trader, n)
    discounts: tuple[CashDiscount, ...] = ()
    if trader.discount:
        percent, days = trader.discount
        discounts = (CashDiscount.assembled(percent=percent, until=issued + timedelta(days=days)),)
    return OpenInvoice.assembled(
        creditor=CREDITOR, number=number, buyer=trader.id, buyer_name=trader.name, amount=amount, outstanding=amount,
        due=issued + timedelta(days=rng.choice((10, 14, 30, 30, 30, 45, 60))), issued=issued, ibans=trader.known,
        references=references, discounts=discounts, settled_on=None,
    )  # fmt: skip


def _references(trader: Trader, n: int) -> tuple[str, ...]:
    """What the creditor prints as a structured reference: Swiss QR and Belgian OGM; RF is derived, hence not stored."""
    if trader.country == "CH":
        return (_swiss(f"{trader.id.removeprefix('C-')}{trader.style}{n:011d}".zfill(26)),)
    if trader.country == "BE":
        body = f"{trader.style + 1}{n:09d}"
        return (f"{body}{int(body) % 97 or 97:02d}",)
    return ()


def _swiss(body: str) -> str:
    carry = 0
    for digit in body:
        carry = (0, 9, 4, 6, 8, 2, 7, 1, 3, 5)[(carry + int(digit)) % 10]
    return f"{body}{(10 - carry) % 10}"
