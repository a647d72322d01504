"""Bank files for tests: where real ones are, and small ones made to order."""

from collections.abc import Sequence
from pathlib import Path

from gateway.bank.csv_profiles import bank_profiles
from gateway.bank.reading import read_file
from gateway.bank.sources import Source
from gateway.bank.statement import BankFile

OWN = Path(__file__).parent / "data" / "bank"
SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "bank"
NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"
PROFILES = bank_profiles()


def read(content: str | bytes, name: str = "file") -> BankFile:
    data = content if isinstance(content, bytes) else content.encode()
    return read_file(Source(name, data), None, PROFILES)


def entry(
    amount: str, *details: str, sign: str = "CRDT", currency: str = "EUR", day: str = "2026-03-02", more: str = "",
    reference: str = "", status: str = "<Cd>BOOK</Cd>",
) -> str:  # fmt: skip
    """An entry of camt, with its transactions; `more` is what stands between its dates and its details."""
    servicer = f"<AcctSvcrRef>{reference}</AcctSvcrRef>" if reference else ""
    inner = "".join(f"<TxDtls>{detail}</TxDtls>" for detail in details)
    return (
        f'<Ntry><Amt Ccy="{currency}">{amount}</Amt><CdtDbtInd>{sign}</CdtDbtInd><Sts>{status}</Sts>'
        f"<BookgDt><Dt>{day}</Dt></BookgDt><ValDt><Dt>{day}</Dt></ValDt>{servicer}{more}"
        f"{f'<NtryDtls>{inner}</NtryDtls>' if inner else ''}</Ntry>"
    )


def balance(code: str, amount: str, currency: str = "EUR") -> str:
    sign = "DBIT" if amount.startswith("-") else "CRDT"
    return (
        f'<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="{currency}">{amount.lstrip("-")}</Amt>'
        f"<CdtDbtInd>{sign}</CdtDbtInd><Dt><Dt>2026-03-02</Dt></Dt></Bal>"
    )


def statement(
    *entries: str, opening: str = "", closing: str = "", number: str = "1", account: str = "NL91ABNA0417164300",
    more: str = "", tag: str = "Stmt",
) -> str:  # fmt: skip
    balances = (balance("OPBD", opening) if opening else "") + (balance("CLBD", closing) if closing else "")
    return (
        f"<{tag}><Id>S</Id><ElctrncSeqNb>{number}</ElctrncSeqNb><CreDtTm>2026-03-02T20:00:00</CreDtTm>"
        f"<Acct><Id><IBAN>{account}</IBAN></Id><Ccy>EUR</Ccy></Acct>{balances}{more}{''.join(entries)}</{tag}>"
    )


def document(*statements: str, message: str = "053") -> str:
    root = {"052": "BkToCstmrAcctRpt", "053": "BkToCstmrStmt", "054": "BkToCstmrDbtCdtNtfctn"}[message]
    namespace = NAMESPACE.replace("053", message, 1)
    header = "<GrpHdr><MsgId>M</MsgId><CreDtTm>2026-03-02T20:00:00</CreDtTm></GrpHdr>"
    body = f"<{root}>{header}{''.join(statements)}</{root}>"
    return f'<?xml version="1.0"?>\n<Document xmlns="{namespace}">{body}</Document>'


def mt940(lines: Sequence[str], opening: str = "C260301EUR0,", closing: str = "C260302EUR0,") -> str:
    return "\n".join(
        (":20:T", ":25:NL91ABNA0417164300", ":28C:1/1", f":60F:{opening}", *lines, f":62F:{closing}", "-", "")
    )
