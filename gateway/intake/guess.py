"""What the columns of somebody's export probably mean: known names in six languages, forms of dates and decimals.

A guess is a profile like any other, shown to a person before it counts. What is not clear is refused, not guessed.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from gateway.errors import InputRefused
from gateway.intake.cells import Decimals, amount_reader, date_reader
from gateway.intake.cells import currency as currency_code
from gateway.intake.columns import FIELDS, REQUIRED, is_own
from gateway.intake.looking import OTHER_ENCODINGS, look_at
from gateway.intake.profiles import Profile

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
    "amount": "amount amountdue outstanding openamount balance balancedue total totalamount grossamount invoiceamount "
    "invoicetotal betrag offenerbetrag rechnungsbetrag bruttobetrag brutto saldo offenerposten gesamtbetrag summe "
    "montant montantttc totalttc montantdû montantdu solde bedrag openstaand openstaandbedrag totaalbedrag totaal "
    "importe importetotal total saldopendiente 金额 发票金额 应收金额 未付金额 含税金额 价税合计 余额",
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
_FIELD_OF = {name: field for field, names in _NAMES.items() for name in names.split()}
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
    if len(ours) == len(names) and set(REQUIRED) - set(ours) == {"creditor"} and creditor:
        return Guess(_profile({n: n for n in ours}, "%Y-%m-%d", "point", {"creditor": creditor}), "", certain=True)
    if len(set(ours) & set(REQUIRED)) > len(REQUIRED) // 2:
        return None  # It is our own form, with a fault that a person should hear of.
    columns = _named(names)
    if not {"number", "amount"} <= columns.keys() or not {"buyer_id", "buyer_name"} & columns.keys():
        return None
    columns.setdefault("buyer_id", columns.get("buyer_name", ""))
    at = {field: header.index(column) for field, column in columns.items()}
    constants = _constants(name, columns, creditor, currency, dry_run)
    if "due" not in columns:
        raise InputRefused(f"{name}: no column looks like the due date; {_HOW}")
    form = _date_form(name, [row[at[f]] for row in rows for f in ("due", "issued") if f in at and row[at[f]]])
    decimal = _decimal(name, [row[at["amount"]] for row in rows if row[at["amount"]]])
    listed = ", ".join(f"{field} = {column!r}" for field, column in columns.items())
    fixed = "".join(f", {field} = {value} throughout" for field, value in constants.items())
    foreign = f"; not UTF-8, read as {encoding}" if encoding in OTHER_ENCODINGS else ""
    passed = [column for column in names if column not in columns.values()]
    beside = f"; passed over: {', '.join(map(repr, passed[:10]))}" if passed else ""
    return Guess(
        _profile(columns, form, decimal, constants, encoding if foreign else "utf-8"),
        f"{listed}{fixed}; dates {form}, decimal {decimal}{beside}{foreign}",
    )


_HOW = "write a profile (see `policies/profiles`) and name it with --profile"


def _plain(name: str) -> str:
    """A column's name for the comparison: letters and digits only, without what stands in brackets."""
    text = re.sub(r"[(\[（].*?[)\]）]", "", unicodedata.normalize("NFC", name)).casefold().replace("n°", "no")
    return "".join(c for c in text if c.isalnum())


def _field(column: str) -> str | None:
    if column in FIELDS:
        return column
    return _FIELD_OF.get(_plain(column)) or _FIELD_OF.get(_plain(_CURRENCY.sub(" ", column)))


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
    point, comma = (sum(_is_amount(mark, text) for text in texts) for mark in marks)
    found: Decimals = "comma" if comma > point else "point"
    if texts and max(point, comma) < _FIT * len(texts):
        odd = next(text for text in texts if not _is_amount(found, text))
        raise InputRefused(
            f"{name}: its amounts (such as {odd[:30]!r}) are not plain digits with a decimal point or "
            "comma, the same in all rows; export them so"
        )
    return found


def _is_amount(mark: Decimals, text: str) -> bool:
    # A currency with four decimals: here it matters which mark divides, not how many digits follow.
    read = amount_reader(mark, grouping=True)
    return _reads(lambda t: read(t.lstrip("-"), "CLF"), text) or text in ("0", "0.00", "0,00")


def _profile(
    columns: dict[str, str], form: str, decimal: Decimals, constants: dict[str, str], encoding: str = "utf-8"
) -> Profile:
    return Profile(
        id="guessed", columns=columns, date_format=form, decimal=decimal, constants=constants, encoding=encoding
    )
