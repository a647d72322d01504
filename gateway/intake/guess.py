"""What the columns of somebody's export probably mean: known names in six languages, forms of dates and decimals.

A guess is a profile like any other, shown to a person before it counts. What is not clear is refused, not guessed.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from gateway.errors import InputRefused
from gateway.intake.cells import Decimals, ambiguous, amount_reader, date_reader
from gateway.intake.cells import currency as currency_code
from gateway.intake.columns import FIELDS, REQUIRED, is_own, missing_of
from gateway.intake.looking import OTHER_ENCODINGS, look_at
from gateway.intake.profiles import GuessedProfile, Profile

UNKNOWN_CREDITOR = "UNKNOWN"
"""Stands for the creditor in a dry run that knows none."""

_NAMES: dict[str, str] = {
    "creditor": "creditor seller supplier company companycode mandant buchungskreis firma gläubiger lieferant société "
    "fournisseur créancier verkoper leverancier schuldeiser acreedor proveedor 债权人 卖方 供应商 公司",
    "number": "number invoice invoiceno invoicenr invoicenumber invoicenum invoiceid invno billnumber documentno "
    "documentnumber docno reference rechnung rechnungsnummer rechnungsnr rechnungnr rgnr renr belegnummer belegnr "
    "rechnungsno facture numérofacture numérodefacture nofacture nfacture numfacture numerofacture factuur "
    "factuurnummer factuurnr factura númerofactura númerodefactura nfactura numfactura numerofactura numerodefactura "
    "发票号 发票号码 发票编号 单据号 账单号",
    "buyer_id": "buyerid customerid customerno customernumber customernr customercode custno custnumber accountno "
    "accountnumber debtorid debtorno debtornumber clientid clientcode kundennummer kundennr kundenid kdnr debitor "
    "debitornummer debitorennummer debitorennr codeclient numéroclient nclient idclient compteclient klantnummer "
    "klantnr debiteurnummer debiteurnr códigocliente codigocliente idcliente ncliente "
    "客户编号 客户代码 客户号 买方编号",
    "buyer_name": "buyer buyername customer customername client clientname debtor debtorname kunde kundenname "
    "debitorname nomclient nomduclient raisonsociale klant klantnaam debiteur debiteurnaam cliente nombrecliente "
    "nombredelcliente 客户 客户名称 买方 买方名称 购买方",
    "currency": "currency currencycode curr ccy währung waehrung währungscode devise monnaie valuta munt moneda divisa "
    "币种 货币",
    "amount": "amount total totalamount grossamount invoiceamount invoicetotal betrag rechnungsbetrag bruttobetrag "
    "brutto gesamtbetrag summe montant montantttc totalttc bedrag totaalbedrag totaal importe importetotal "
    "金额 发票金额 应收金额 含税金额 价税合计",
    "issued": "issued issuedate invoicedate date documentdate docdate billdate rechnungsdatum belegdatum datum "
    "ausstellungsdatum redatum datefacture datedefacture datedemission datedémission factuurdatum fechafactura "
    "fechadefactura fechaemisión fechaemision fecha 开票日期 发票日期 日期",
    "due": "due duedate dueon paymentdue paymentduedate netduedate maturity maturitydate fällig fälligkeit "
    "fälligkeitsdatum fälligam faellig faelligkeit faelligkeitsdatum nettofälligkeit zahlbarbis échéance "
    "datedéchéance dateéchéance datedecheance dateecheance echeance vervaldatum vervaldag uiterstebetaaldatum "
    "vencimiento fechavencimiento fechadevencimiento 到期日 到期日期 付款到期日 应付日期",
    "country": "country countrycode land länderkennzeichen ländercode pays codepays landcode país pais 国家 国家代码",
    "email": "email mail emailaddress customeremail emailadresse courriel emailklant correo correoelectrónico 邮箱 "
    "电子邮件 电子邮箱",
    "phone": "phone telephone phonenumber telefon telefonnummer téléphone telephone telefoon teléfono telefono 电话",
    "language": "language lang sprache langue taal idioma 语言",
    "terms": "terms paymentterms zahlungsbedingungen zahlungsbedingung zahlungsziel conditionspaiement "
    "conditionsdepaiement betalingsvoorwaarden betalingsconditie condicionesdepago 付款条件 付款条款",
    "contract": "contract contractno contractnumber vertrag vertragsnummer contrat contractnummer contrato 合同 合同号 "
    "合同编号",
    "order": "order orderno ordernumber ponumber purchaseorder bestellung bestellnummer auftrag auftragsnummer "
    "commande "
    "numérodecommande bestelling bestelnummer ordernummer pedido 订单号 订单编号",
    "buyer_vat_id": "vatid vatno vatnumber customervat ustid ustidnr ustidnummer umsatzsteuerid numérotva tvaclient "
    "btwnummer btwid nif cif 税号 纳税人识别号",
    "notes": "notes note remark remarks comment bemerkung bemerkungen notiz remarque commentaire opmerking opmerkingen "
    "observaciones 备注",
}  # fmt: skip
_OPEN = frozenset(
    "amountdue amountoutstanding amountopen outstanding outstandingamount outstandingbalance open openamount "
    "openbalance balance balancedue unpaid unpaidamount remaining remainingamount offen offenerbetrag offenersaldo "
    "offenerposten restbetrag saldo montantdû montantdu solde soldedû soldedu resteàpayer resteapayer restedû restedu "
    "openstaand openstaandbedrag openstaandsaldo saldopendiente importependiente pendiente 未付金额 未收金额 欠款 "
    "余额".split()
)
"""Names of what is still to be paid; they go before those of the invoice's amount."""
_PAID = frozenset(
    "paid paidamount amountpaid amountreceived payments paidtodate bezahlt gezahlt bezahlterbetrag gezahlterbetrag "
    "zahlungen payé paye réglé regle montantpayé montantpaye montantréglé montantregle betaald "
    "betaaldbedrag pagado importepagado 已付 已付金额 已收金额".split()
)
"""Names of what has been paid: where they stand alone, what is open is not in the table."""
_FIELD_OF = {name: field for field, names in _NAMES.items() for name in names.split()} | dict.fromkeys(_OPEN, "amount")
_DATES = (
    *("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%Y年%m月%d日"),
    *("%d.%m.%y", "%d/%m/%y", "%m/%d/%y", "%d %b %Y", "%d-%b-%Y", "%Y-%m-%d %H:%M:%S", "%d.%m.%Y %H:%M:%S"),
)
_CURRENCY = re.compile(r"\b[A-Z]{3}\b|[€£]")
_SIGNS = {"€": "EUR", "£": "GBP"}
_FIT = 0.8
"""The share of cells that a form must read; the rest is refused row by row."""


@dataclass(frozen=True, slots=True)
class Guess:
    """A guessed profile, and how it is shown to a person. `certain`: only our own names were used."""

    profile: Profile
    shown: str
    certain: bool = False


def guess_columns(path: Path, name: str, creditor: str | None, currency: str | None, dry_run: bool) -> Guess | None:
    """What the columns of a CSV file mean, or None if their names are not known well enough to guess.

    Args:
        path: The file.
        name: Its name, for messages.
        creditor: The creditor's code, where it was given for all files.
        currency: That creditor's currency, taken where the file names none.
        dry_run: Whether a missing creditor may stay open.

    Raises:
        InputRefused: if most is clear, but not all that is needed: it says what is missing.
    """
    header, rows, encoding = look_at(path, name, lambda column: _field(column) is not None)
    names = [column for column in header if column and not is_own(column)]
    ours = [column for column in names if column in FIELDS]
    if len(ours) == len(names) and missing_of(ours) == ["creditor"] and creditor:
        own = Profile(id="own", columns={n: n for n in ours}, constants={"creditor": creditor})
        return Guess(own, "", certain=True)
    if len(set(ours) & set(REQUIRED)) > len(REQUIRED) // 2:
        return None  # It is our own form, with a fault that a person should hear of.
    columns = _named(names)
    if not {"number", "amount"} <= columns.keys() or not {"buyer_id", "buyer_name"} & columns.keys():
        return None
    columns["amount"] = _amount_column(name, names)
    columns.setdefault("buyer_id", columns.get("buyer_name", ""))
    at = {field: header.index(column) for field, column in columns.items()}
    constants = _constants(name, columns, creditor, currency, dry_run)
    if missing_of(columns.keys() | constants.keys()) == ["due"]:
        raise InputRefused(f"{name}: no column looks like the due date; {_HOW}")
    form = _date_form(name, [row[at[f]] for row in rows for f in ("due", "issued") if f in at and row[at[f]]])
    decimal = _decimal(name, [row[at["amount"]] for row in rows if row[at["amount"]]])
    listed = ", ".join(f"{field} = {column!r}" for field, column in columns.items())
    fixed = "".join(f", {field} = {value} throughout" for field, value in constants.items())
    foreign = f"; not UTF-8, read as {encoding}" if encoding in OTHER_ENCODINGS else ""
    follows = "" if "due" in columns else "; no column looks like the due date: terms of payment settle it"
    passed = [column for column in names if column not in columns.values()]
    beside = f"; passed over: {', '.join(map(repr, passed[:10]))}" if passed else ""
    return Guess(
        GuessedProfile(
            id="guessed", columns=columns, date_format=form, decimal=decimal, constants=constants,
            encoding=encoding if foreign else "utf-8",
        ),
        f"{listed}{fixed}; dates {form}, decimal {decimal}{follows}{beside}{foreign}",
    )  # fmt: skip


_HOW = "write a profile (see `policies/profiles`) and name it with --profile"


def _plain(name: str) -> str:
    """A column's name for the comparison: letters and digits only, without what stands in brackets."""
    text = re.sub(r"[(\[（].*?[)\]）]", "", unicodedata.normalize("NFC", name)).casefold().replace("n°", "no")
    return "".join(c for c in text if c.isalnum())


def _field(column: str) -> str | None:
    if column in FIELDS:
        return column
    return next((_FIELD_OF[name] for name in _plain_names(column) if name in _FIELD_OF), None)


def _plain_names(column: str) -> tuple[str, str]:
    """The column's name for the comparison, with a currency in it and without."""
    return _plain(column), _plain(_CURRENCY.sub(" ", column))


def _amount_column(name: str, names: Iterable[str]) -> str:
    """The column of what is open, else the only one that is called an amount.

    Raises:
        InputRefused: if it cannot be told which, or whether what was paid is taken off it.
    """
    meant = [column for column in names if _field(column) == "amount"]
    still_open = [column for column in meant if not _OPEN.isdisjoint(_plain_names(column))]
    found = still_open or meant
    if len(found) > 1:
        raise InputRefused(f"{name}: the columns {' and '.join(map(repr, found[:5]))} could each be the amount; {_HOW}")
    paid = next((column for column in names if not _PAID.isdisjoint(_plain_names(column))), None)
    if paid is not None and not still_open:
        raise InputRefused(
            f"{name}: the column {paid!r} says what was paid, and none what is open of {found[0]!r}; {_HOW}"
        )
    return found[0]


def _named(names: Iterable[str]) -> dict[str, str]:
    """Field to column; the first column of a meaning counts, and one of our own names before all."""
    found: dict[str, str] = {}
    for column in names:
        field = _field(column)
        if field is not None and (field not in found or column == field):
            found[field] = column
    return found


def _constants(
    name: str, columns: dict[str, str], creditor: str | None, currency: str | None, dry_run: bool
) -> dict[str, str]:
    constants = {}
    if creditor is not None:
        columns.pop("creditor", None)
        constants["creditor"] = creditor
    elif "creditor" not in columns:
        if not dry_run:
            raise InputRefused(f"{name}: no column names the creditor; name it with --creditor")
        constants["creditor"] = UNKNOWN_CREDITOR
    if "currency" not in columns:
        signs = (_SIGNS.get(sign, sign) for sign in _CURRENCY.findall(columns["amount"]))
        code = next((sign for sign in signs if _reads(currency_code, sign)), currency)
        if code is None:
            raise InputRefused(f"{name}: no column names the currency; {_HOW}")
        constants["currency"] = code
    return constants


def _date_form(name: str, texts: list[str]) -> str:
    if not texts:
        return _DATES[0]
    fits = {form: sum(_reads(date_reader(form), text) for text in texts) for form in _DATES}
    most = max(fits.values())
    best = [form for form, count in fits.items() if count == most]
    if most < _FIT * len(texts):
        odd = next(text for text in texts if not _reads(date_reader(best[0]), text))
        raise InputRefused(f"{name}: its dates (such as {odd[:30]!r}) have no form that is known for all; {_HOW}")
    if len(best) > 1 and any(date_reader(best[0])(t) != date_reader(best[1])(t) for t in texts if _reads_all(best, t)):
        raise InputRefused(
            f"{name}: its dates (such as {texts[0][:30]!r}) could be day/month or month/day, and nothing in them "
            f"settles it; {_HOW}"
        )
    return best[0]


def _reads_all(forms: list[str], text: str) -> bool:
    return all(_reads(date_reader(form), text) for form in forms)


def _reads(read: object, text: str) -> bool:
    try:
        read(text)  # type: ignore[operator]
    except ValueError:
        return False
    return True


def _decimal(name: str, texts: list[str]) -> Decimals:
    marks: tuple[Decimals, Decimals] = ("point", "comma")
    clear = [text for text in texts if not ambiguous(text)]
    point, comma = (sum(_is_amount(mark, text) for text in clear) for mark in marks)
    found: Decimals = "comma" if comma > point else "point"
    if max(point, comma) < _FIT * len(clear):
        odd = next(text for text in clear if not _is_amount(found, text))
        raise InputRefused(
            f"{name}: its amounts (such as {odd[:30]!r}) are not plain digits with a decimal point or "
            "comma, the same in all rows; export them so"
        )
    if point == comma and len(clear) < len(texts):
        odd = next(text for text in texts if ambiguous(text))
        raise InputRefused(
            f"{name}: its amounts (such as {odd[:30]!r}) could have thousands or decimals, and nothing in them "
            f"settles it; {_HOW}"
        )
    return found


def _is_amount(mark: Decimals, text: str) -> bool:
    # A currency with four decimals: here it matters which mark divides, not how many digits follow.
    read = amount_reader(mark, grouping=True)
    return _reads(lambda t: read(t.lstrip("-"), "CLF"), text) or text in ("0", "0.00", "0,00")
