"""A bank statement for tests: camt.053 with the entries that are given."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import escape

ACCOUNT = "GB53XMPL00000012345678"


class Line(NamedTuple):
    """One entry: a credit, or a debit where the amount is negative."""

    amount: str
    text: str
    reference: str
    payer: str = "Beispiel GmbH"
    returns: str = ""


def camt053(path: Path, lines: Sequence[Line], on: date, currency: str = "EUR", account: str = ACCOUNT) -> Path:
    """Write a statement that adds up."""
    closing = sum((Decimal(line.amount) for line in lines), Decimal("1000.00"))
    entries = "\n".join(_entry(line, on, currency) for line in lines)
    path.write_text(f"""<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"><BkToCstmrStmt>
<GrpHdr><MsgId>{path.stem}</MsgId><CreDtTm>{on}T18:00:00</CreDtTm></GrpHdr>
<Stmt><Id>{path.stem}</Id><CreDtTm>{on}T18:00:00</CreDtTm><Acct><Id><IBAN>{account}</IBAN></Id><Ccy>{currency}</Ccy></Acct>
{_balance("OPBD", Decimal("1000.00"), on, currency)}{_balance("CLBD", closing, on, currency)}
{entries}
</Stmt></BkToCstmrStmt></Document>""")
    return path


def _balance(code: str, amount: Decimal, on: date, currency: str) -> str:
    side = "CRDT" if amount >= 0 else "DBIT"
    return (
        f'<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="{currency}">{abs(amount)}</Amt>'
        f"<CdtDbtInd>{side}</CdtDbtInd><Dt><Dt>{on}</Dt></Dt></Bal>"
    )


def _entry(line: Line, on: date, currency: str) -> str:
    amount = Decimal(line.amount)
    side = "CRDT" if amount > 0 else "DBIT"
    party = f"<RltdPties><Dbtr><Nm>{escape(line.payer)}</Nm></Dbtr></RltdPties>"
    returned = (
        "<RtrInf><Rsn><Cd>AM04</Cd></Rsn></RtrInf>" if line.returns else ""
    )  # fmt: skip
    end_to_end = line.returns or f"E2E-{line.reference}"
    return f"""<Ntry><Amt Ccy="{currency}">{abs(amount)}</Amt><CdtDbtInd>{side}</CdtDbtInd>
{"<RvslInd>true</RvslInd>" if line.returns else ""}<Sts>BOOK</Sts>
<BookgDt><Dt>{on}</Dt></BookgDt><ValDt><Dt>{on}</Dt></ValDt>
<AcctSvcrRef>{line.reference}</AcctSvcrRef><BkTxCd><Prtry><Cd>NTRF</Cd></Prtry></BkTxCd>
<NtryDtls><TxDtls><Refs><EndToEndId>{end_to_end}</EndToEndId></Refs>{party}
<RmtInf><Ustrd>{escape(line.text)}</Ustrd></RmtInf>{returned}</TxDtls></NtryDtls></Ntry>"""
