"""The words by which terms of payment are understood, and nothing else: patterns and tables for payment_terms.py.

English, German, French, Dutch and Chinese in full; of Swedish, Danish, Italian and Spanish the words for days.
"""

import re

_I = re.IGNORECASE

SKONTO_LINE = re.compile(
    r"#SKONTO#TAGE=(?P<days>\d{1,3})#PROZENT=(?P<percent>\d{1,3}(?:\.\d{1,4})?)#(?:BASISBETRAG=-?[\d.]{1,20}#)?", _I
)
"""A structured line of XRechnung."""

NUMBERS = {
    "one": 1, "two": 2, "three": 3, "seven": 7, "eight": 8, "ten": 10, "fourteen": 14, "fifteen": 15, "twenty": 20,
    "thirty": 30, "forty-five": 45, "sixty": 60, "ninety": 90, "ein": 1, "eine": 1, "einem": 1, "einer": 1, "eines": 1,
    "zwei": 2, "drei": 3, "vier": 4, "acht": 8, "zehn": 10, "vierzehn": 14, "dreißig": 30, "dreissig": 30,
    "sechzig": 60, "un": 1, "une": 1, "deux": 2, "trois": 3, "huit": 8, "dix": 10, "quinze": 15, "trente": 30,
    "soixante": 60, "een": 1, "één": 1, "twee": 2, "drie": 3, "tien": 10, "veertien": 14, "dertig": 30, "zestig": 60,

    "一": 1, "两": 2, "三": 3, "七": 7, "十": 10, "十五": 15, "二十": 20, "三十": 30, "四十五": 45,
    "六十": 60, "九十": 90,
}  # fmt: skip

_NUMBER = r"(?P<number>\d{1,4}|" + "|".join(sorted(map(re.escape, NUMBERS), key=len, reverse=True)) + ")"
_BUSINESS = (
    r"(?:business|working|bank(?:ing)?)\s+days?|(?:werk|arbeits|bank|geschäfts)tage?n?|jours?\s+ouvr(?:é|e|able)s?|"
    r"werkdagen|werkdag|bankdagar|(?:个)?工作日"
)
_DAYS = (
    r"(?:calendar\s+)?days?|(?:kalender)?tage?n?|tg\b|jours?(?:\s+(?:calendaires|nets?))?|jrs?\b|(?:kalender)?dagen|dag\b|"
    r"dgn\b|dagar|dage|giorni|días|dias|(?:个)?(?:自然|日历)?(?:天|日)"
)
_WEEKS = r"weeks?|wochen?|semaines?|weken|week|(?:个)?(?:周|星期)"
_MONTHS_UNIT = r"months?|monate?n?s?|mois|maanden|maand|个?月"
PERIOD = re.compile(
    rf"(?<![A-Za-zÀ-ÿ\d.,/#=月-]){_NUMBER}\s*(?:\(\s*\d+\s*\)\s*)?-?\s*(?P<unit>{_BUSINESS}|{_DAYS}|{_WEEKS}|{_MONTHS_UNIT})(?![a-zäöüß])",
    _I,
)
"""A period: "14 Tagen", "one month", "三十天"."""


def unit_of(text: str) -> str:
    """What a period counts: days, business, weeks or months."""
    for unit, pattern in (("business", _BUSINESS), ("days", _DAYS), ("weeks", _WEEKS)):
        if re.fullmatch(pattern, text, _I):
            return unit
    return "months"


_NETWORD = r"(?:\bnett?o?\b|\bnette?s?\b|ohne\s+(?:jeden\s+)?abzug|without\s+deduction|no\s+deduction|净额)"
NET = re.compile(_NETWORD, _I)
NET_PERIOD = re.compile(
    rf"(?<![\d.,])(?P<before>\d{{1,3}})\s*(?:{_DAYS})\s*(?:rein\s+)?{_NETWORD}|"
    rf"{_NETWORD}\s*(?:within|innerhalb|in|binnen|à|a)?\s*(?:von\s+)?(?P<after>\d{{1,3}})\s*(?:{_DAYS})?(?![\d%.,])",
    _I,
)
"""A period called net, wherever it stands: "30 Tage netto", "net 30"."""
AFTER_MONTH_END = re.compile(r"\beom\s*(?:\+|plus)?\s*(?P<days>\d{1,3})(?![\d%.,/])", _I)
""""EOM 30": so many days after the end of the month."""
BARE_NET = re.compile(r"\b(?:net(?:to)?|n/)\s*(?P<after>\d{1,3})(?![\d%.,/])|\b(?P<before>\d{1,3})\s+net(?:to)?\b", _I)
SHORTHAND = re.compile(
    r"(?<![\d/])(?P<percent>\d{1,2}(?:[.,]\d+)?)\s*%?\s*/\s*(?P<early>\d{1,3})\s*,?\s*"
    r"(?:net\s*/?|netto|n\s*/?)\s*(?P<days>\d{1,3})(?![\d%.,/])",
    _I,
)
""""2/10 net 30": two per cent within ten days, else thirty."""

DISCOUNT = re.compile(
    r"skonto|discount|escompte|korting|betalingskorting|kontant|rabatt?|remise|sconto|折扣|折让|[%％]", _I
)
OTHER_DISCOUNT = re.compile(
    r"volume|quantity|bulk|\btrade\b|loyal|seasonal|mengen|treue|sonder|händler|wiederverkäuf|quantité|fidélité|staffel|hoeveelheid|批量|数量",
    _I,
)
"""Less for other reasons than paying early."""
DEDUCTED = re.compile(
    r"bereits|schon\b|berücksichtigt|abgezogen|enthalten|already|deducted|\bincluded\b|déjà|inclus|reeds|verrekend|inbegrepen|已(?:扣|含|减)",
    _I,
)
"""The amount is less the discount as it stands: it is not taken off twice."""
CASH_DISCOUNT = re.compile(r"skonto|discount|escompte|korting|kontant|折扣|折让", _I)
"""Less for paying early; `DISCOUNT` finds rebates and bare percents, too."""
IF_PAID = re.compile(r"\s*(?:bei|wenn|falls|if|when|for|upon|en\s+cas|si|pour|bij|indien|als)\b", _I)
"""How a clause begins that says what a discount is granted for."""
PERCENT = re.compile(r"(?<![\d.,])(?P<number>\d{1,2}(?:[.,]\d{1,2})?)\s*[%％]")
NO_DISCOUNT = re.compile(
    r"\b(?:ohne|kein(?:en|e|erlei)?|no|without|sans|pas\s+d['’e]|aucun|geen|zonder)\s*"
    r"(?:skonto(?:abzug)?|abzug|abschlag|(?:cash\s+|early\s+payment\s+)?discount|escompte|korting)"
    r"(?:\s+(?:pour\s+paiement\s+anticipé|for\s+early\s+payment))?|无折扣|不打折",
    _I,
)
"""What says that there is no discount: the net day, then."""
LATE = re.compile(
    r"verzug|mahn|überfällig|ab\s+fälligkeit|nach\s+fälligkeit|late\b|overdue|past[\s-]+due|penalt|interest|after\s+(?:the\s+)?due|"
    r"from\s+(?:the\s+)?due|pénalit|retard|intérêt|indemnit|\brente\b|te\s+laat|aanmaning|boete|dröjsmål|逾期|滞纳|违约|利息",
    _I,
)
"""What happens to those who pay late is not when to pay."""
ELSEWHERE = re.compile(
    r"liefer|delivery|deliver|livraison|lever(?:ing|tijd)|reklamation|mängel|complaint|claims?\b|widerruf|return|retour|"
    r"leistungs?(?:zeit|datum|monat)|zeitraum|vertragslaufzeit|laufzeit|service\s+period|billing\s+period|périod|periode|abonnement|"
    r"garant|warrant|gewährleist|gültig|valid|einspruch|objection|réclamation|klacht|发货|交货|质保|退货",
    _I,
)
"""Periods for other things than paying."""
PAYING = re.compile(
    r"zahl|überweis|begleich|fällig|entricht|payable|payment|\bpay\b|\bpaid\b|\bdue\b|remit|settle|paie|paye|payab|"
    r"règlement|régler|[eé]ch[eé]ance|virement|betaal|betal|voldoen|overmaken|vervaldat|付款|支付|付清|结算|月结|到期|应付",
    _I,
)
AFTER_DELIVERY = re.compile(
    r"(?:nach|ab|after|following|from|na|après|apres|à\s+compter\s+de|dès)\s+(?:erfolgter\s+|the\s+|date\s+of\s+|la\s+|de\s+)*"
    r"(?:lieferung|lieferdatum|delivery|livraison|levering)|货到(?:后)?|(?<!收)到货(?:后)?|交货后",
    _I,
)
AFTER_RECEIPT = re.compile(
    r"erhalt|eingang|zugang|receipt|receiv|réception|reception|ontvangst|票到|收到(?:发票|账单)?|收票", _I
)
UNREADABLE = re.compile(
    # In parts, or before anything is delivered.
    r"\bhalf\b|\bhälfte|\bhalb(?:er|en)\s+betrag|\bmoitié|\bhelft\b|drittel|\bone[\s-]third|\btwo[\s-]thirds|\bun\s+tiers\b|[½⅓⅔¼¾]|"
    r"(?<![\d/.])[123]\s?/\s?[234](?![\d/.])(?!\s*,?\s*n)|\brest(?:e|lich\w*)?\b|\bremainder\b|(?:,|;|\band)\s*(?:the\s+)?balance\b|"
    r"(?<![\d.,])[3-9]\d\s*(?:[%％]|per\s?cent|prozent|pour\s?cent|procent)|其余|剩余|"
    r"\braten\b|ratenzahlung|teilzahlung|teilbetr|abschlag(?:s|\b)|anzahlung|instal?ments?\b|deposit\b|down\s*payment|"
    r"up\s*front|(?<!you\s)(?<!thanks\s)in\s+advance|acompte|arrhes|\bsolde\b|à\s+la\s+commande|échelonn|en\s+\d+\s+fois|aanbetaling|voorschot|"
    r"termijnen|in\s+\d+\s+termijn|anticipo|预付|定金|订金|首付|尾款|余款|分期|"
    # Documents of trade, whose days nobody here knows.
    r"\bl\s*/\s*c\b|letter\s+of\s+credit|bill\s+of\s+lading|\bb\s*/\s*l\b|akkreditiv|konnossement|documentaire|信用证|提单|"
    r"\bwechsel\b|bill\s+of\s+exchange|\bdraft\b|\btraite\b|lettre\s+de\s+change|\bwissel\b|汇票|"
    # The month after, by a word that has several readings; or a day of a month that is not named.
    r"\bprox\b|proximo|(?:fin\s+de\s+mois|jours(?:\s+nets?)?)\s*,?\s*(?:le|au)\s+\d{1,2}\b(?!\s*[/.-]?\s*[\dA-Za-zéû])|\d\s*eom\b|每月|每季|季度|半年|(?:每|各)周|"
    r"(?:jeden|each|every|chaque|elke|iedere)\s+(?:month|monats?|mois|maand|quart)|monatlich|monthly|mensuel|maandelijks|"
    r"quartal|quarterly|trimestriel|per\s+kwartaal|(?<![年\d\s])\d{1,2}\s?月\s?\d{1,2}\s?[日号]",
    re.I,
)
"""What makes terms unfit to be reckoned with, whatever else they say: a wrong day is worse than none."""
_NEXT = (
    r"(?:(?:des|im)\s+)?(?:folgemonats?|nächsten\s+monats?|darauffolgenden\s+monats?)|(?:of\s+)?(?:the\s+)?(?:next|following)\s+month|"
    r"(?:of\s+)?(?:the\s+)?month\s+following|(?:du\s+)?mois\s+(?:prochain|suivant)|(?:van\s+de\s+)?volgende\s+maand|次月|下个?月"
)
NEXT_MONTH = re.compile(_NEXT, _I)
"""The month after that of the invoice."""
DAY_OF_NEXT = re.compile(
    rf"(?<![\d.,])(?P<day>[0-3]?\d)(?:\.|st|nd|rd|th|e|er)?\s+(?:day\s+)?(?:{_NEXT})\s*(?:$|[.,;)!])|(?:次月|下个?月)\s?(?P<day_zh>[0-3]?\d)\s?[日号]",
    _I,
)
END_OF_NEXT = re.compile(
    rf"(?:\bend\s+of\s+(?:the\s+)?(?:next|following)\s+month|\bende\s+(?:{_NEXT})|fin\s+(?:{_NEXT})|einde\s+(?:{_NEXT})|(?:次月|下个?月)(?:底|末))",
    _I,
)
_MONTH_END = (
    r"(?:fin\s+(?:de|du)\s+mois|fdm\b|end\s+of\s+(?:the\s+)?month|month[\s-]end|\beom\b|monatsende|ende\s+des\s+monats|"
    r"einde\s+(?:van\s+de\s+)?maand|fine\s+mese|fin(?:al)?\s+de\s+mes\b|月底|月末|月结)"
)
MONTH_END = re.compile(_MONTH_END, _I)
MONTH_END_APART = re.compile(rf"\s*[,，]\s*(?={_MONTH_END})|(?P<end>{_MONTH_END})\s*[,，]\s*(?=\d)", _I)
"""A comma between a period and the end of a month, which are one thought: "30 days, end of month"."""
COUNTED_FROM = re.compile(
    r"\b(?:nach|ab|after|from|following|upon|o[nf](?=\s+(?:the\s+|final\s+)*(?:accept|approv|complet|arriv|install|ship|order))|na|vanaf|après|apres|dès|"
    r"à\s+(?:compter|partir)\s+d(?:e|u))\s+(?P<what>[^,;.()]{1,60})",
    _I,
)
KNOWN_BASE = re.compile(
    r"rechnung|invoice|\bbill(?:ing)?\b|factu|faktu|erhalt|eingang|empfang|zugang|zustellung|receipt|receiv|réception|reception|"
    r"ontvangst|liefer|deliver|livraison|lever|\bissu|ausstell|émission|emission|heute|today|presentation|sight|"
    rf"^(?:the\s+|dem\s+|la\s+|de\s+)*dat(?:e|um)\b|verzug|fällig|due|{_MONTH_END}",
    _I,
)
GOODS = re.compile(r"\bware(?:n\w*)?\b|goods|merchandise|marchandise|goederen|lading", _I)
OTHER_BASE = re.compile(
    r"order|auftrag|bestell|commande|abnahme|acceptance|completion|"
    r"fertigstellung|contract|vertrag|contrat|zahlungseingang|geldeingang|payment|shipment|versand|expédition|mahnung|"
    r"statement|montage|installation|inbetriebnahme|ablauf|leistung|service|abrechnungs(?:monat|zeitraum|periode)",
    _I,
)
"""What a period may be counted from, besides goods, that nobody here knows the day of."""
AWAITED = re.compile(
    r"acceptance|approval|completion|abnahme|fertigstellung|montage|installation|inbetriebnahme|oplevering|réception\s+des\s+travaux",
    _I,
)
"""What is waited for before a period begins, even where a comma stands between."""
AWAITED_ZH = re.compile(r"收到?(?:货|商品|设备|产品)|验收|签收|完工|竣工|交付|安装|调试|装船|发运|对账")
BEFORE = re.compile(
    r"\s*(?:nett?o?\s+)?(?:vor|before|prior\s+to|ahead\s+of|in\s+advance|im\s+voraus|avant|à\s+l['’]avance|vóór|voor|"
    r"voorafgaand|van\s+tevoren|之?前)(?![a-zäöüß])",
    _I,
)
"""What stands behind a period that ends with something, instead of beginning with it."""
BEFORE_ZH = re.compile(r"前\s*(?:的)?$")
THEREAFTER = re.compile(r"\bdanach\b|\bthereafter\b|\bafterwards\b|\bdaarna\b|\bensuite\b|此后|之后再", _I)
RANGE = re.compile(
    r"(?<![\d.,/])\d{1,3}\s*(?:bis|to|or|oder|à|ou|of|tot|und|and|et|en|至|到|或|和|~|-|–|—|/|,\s|、|，)\s*\d{1,3}\s*(?:tage?|days?|jours?|dagen|天|日|wochen|weeks)",
    _I,
)
""""30 to 60 days" is no day, nor is "30, 60, 90 days"."""
AT_ONCE = re.compile(
    r"\bsofort|umgehend|bei\s+erhalt|nach\s+erhalt|immediate|(?:up)?on\s+receipt|on\s+presentation|prompt(?:ly)?\b|at\s+sight|"
    r"comptant|à\s+réception|a\s+reception|dès\s+réception|immédiat|à\s+vue|per\s+direct|\bdirect\s+(?:te\s+)?beta|onmiddellijk|"
    r"bij\s+ontvangst|contant\b|立即|即付|即期|货到付款|见票",
    _I,
)
"""Payable at once; only the terms themselves may say so."""

_COUNTED_AFTER = re.compile(
    r"(?:nach|ab|after|from|following|na|après|à\s+compter\s+de(?:\s+la)?|à\s+partir\s+de(?:\s+la)?)\s*(?:dem\s+|the\s+)?$",
    _I,
)


def month_end(clause: str) -> str:
    """How the end of a month comes in: `count then`, `then count` (the month's end comes first), or empty."""
    match = MONTH_END.search(clause)
    if match is None:
        return ""
    period = PERIOD.search(clause)
    first = period is not None and match.start() < period.start()
    return "then count" if first or _COUNTED_AFTER.search(clause[: match.start()]) else "count then"


# --- dates ----------------------------------------------------------------------------------------------------

MONTHS = {
    "jan": 1, "feb": 2, "fév": 2, "mar": 3, "mär": 3, "maa": 3, "mrt": 3, "mars": 3, "apr": 4, "avr": 4, "may": 5,
    "mai": 5, "mei": 5, "jun": 6, "juin": 6, "jul": 7, "juil": 7, "aug": 8, "aoû": 8, "sep": 9, "oct": 10, "okt": 10,
    "nov": 11, "dec": 12, "dez": 12, "déc": 12,
}  # fmt: skip
_MONTH_NAME = r"(?:Jan|F[eé]b|F[eé]v|M[aä]r|M[aä]i|May|Apr|Avr|Jun|Jul|Juin|Juil|Aug|Ao[uû]|Sep|O[ck]t|Nov|D[eé][cz])"
ANY_DATE = re.compile(
    r"(?<!\d)(?:(?P<y_iso>\d{4})-(?P<m_iso>\d{2})-(?P<d_iso>\d{2})"
    r"|(?P<d_dot>\d{1,2})\.\s?(?P<m_dot>\d{1,2})\.\s?(?P<y_dot>\d{4}|\d{2}(?!\s*[%€]|\d))"
    r"|(?P<d_slash>\d{1,2})/(?P<m_slash>\d{1,2})/(?P<y_slash>\d{4})"
    r"|(?P<d_dash>\d{1,2})-(?P<m_dash>\d{1,2})-(?P<y_dash>\d{4})"
    r"|(?P<d_name>\d{1,2})(?:\.|st|nd|rd|th|er)?\s+(?P<m_name>[A-Za-zäéû]{3,9})\.?,?\s+(?P<y_name>\d{4})"
    r"|(?P<m_us>[A-Z][a-z]{2,8})\s+(?P<d_us>\d{1,2})(?:st|nd|rd|th)?,?\s+(?P<y_us>\d{4})"
    r"|(?P<y_zh>\d{4})\s?年\s?(?P<m_zh>\d{1,2})\s?月\s?(?P<d_zh>\d{1,2})\s?日)(?!\d)"
)
BY = re.compile(
    r"(?:\bbis(?:\s+(?:zum|spätestens))?|spätestens(?:\s+(?:am|bis|zum))*|fällig(?:\s+(?:am|zum|ist|bis))*|fälligkeits?(?:datum|termin)?"
    r"|zahlbar(?:\s+(?:am|zum|ohne|netto))*|(?:lastschrift|abbuchung|einzug|zahlung)\s+(?:am|zum)|\bby|\buntil|\bbefore|no\s+later\s+than|not\s+later\s+than|\bdue(?:\s+(?:date|on|by|is))*|payable\s+on"
    r"|au\s+plus\s+tard(?:\s+le)?|avant(?:\s+le)?|jusqu['’]au|[eé]ch[eé]ance(?:\s+(?:le|au|du|est))?|payable(?:\s+le)?|pour\s+le"
    r"|uiterlijk(?:\s+(?:op|voor|vóór))*|vóór|voor|\btot|vervaldatum(?:\s+is)?|截止(?:到|至|日期)?|到期日?(?:为|是)?|于|在|最迟)"
    r"\s*[:：]?\s*(?:den\s+|the\s+|le\s+|op\s+)?$",
    _I,
)
"""What stands before the day by which the money is wanted."""
ON = re.compile(r"\b(?:am|zum|on|le|op)\s+(?:den\s+)?$", _I)
SUM = re.compile(r"betrag|\bamount|\bmontant|bedrag|transfer|\bkonto\b|\baccount\b|金额|汇", _I)
"""What else is spoken of where a date is named to pay by."""
DEBIT = re.compile(
    r"abbuch|abgebucht|einzug|eingezogen|einziehen|lastschrift|prélev|collected|direct\s+debit|incasso", _I
)
"""The creditor takes the money: then it is wanted on that day."""
CLOSED = re.compile(
    r"geschlossen|\bclosed\b|fermée?s?\b|gesloten|urlaub|ferien|vacation|holiday|vacances|vakantie|放假|休息", _I
)
"""Nobody is there till that day, which is not when to pay."""
SPAN_BEFORE = re.compile(
    r"(?:\d{4}|\d{1,2}\.\s?\d{1,2}\.|(?<!\d)\d{1,2}\.|日)\s*(?:bis(?:\s+zum)?|to|till|until|au|jusqu['’]au|tot(?:\s+en\s+met)?|t/m|[-–—]|至|到)\s*$",
    _I,
)
SPAN_AFTER = re.compile(
    r"\s*(?:bis|to|till|until|au|jusqu|tot|t/m|[-–—]|至|到)\s*(?:zum\s*|en\s+met\s*|['’]au\s*)?"
    rf"(?:\d{{1,2}}[./-]\s?\d{{1,2}}[./-]|\d{{4}}[-年]|\d{{1,2}}月|\d{{1,2}}\.?\s+{_MONTH_NAME})",
    _I,
)
"""From one day to another: neither is the day to pay."""
COUNT_ENDS = re.compile(rf"(?:{PERIOD.pattern}|\bnett?o?\s*\d{{1,3}})(?:\s+{_NETWORD})?\s*$", _I)
COUNTED_AFTER_ZH = re.compile(r"\s?[^，。,\d]{0,10}?(?:后|起)")
BY_AFTER = re.compile(
    r"\s*(?:fällig|zahlbar|eingezogen|前|之前|到期|[^.]{0,40}(?:eingezogen|abgebucht|prélevé|collected))", _I
)
DAY_FIRST = re.compile(
    r"\b(?:le|au|avant|jusqu|[eé]ch[eé]ance|bis|fällig|zahlbar|uiterlijk|vóór|vervaldatum|betal)", _I
)
"""Languages that write the day first, by their words."""
LETTERS = re.compile(r"[^\W\d_]")

SENTENCES = re.compile(
    rf"[\n;。；]|(?<![0-9A-Za-zäöü][.])(?<=[A-Za-zäöüéß%\d)])[.!?](?!\s+{_MONTH_NAME}[a-zäéû]*\.?\s+\d{{4}})\s+(?=[A-ZÄÖÜÉ])"
)
CLAUSES = re.compile(r",\s+(?!\d{4}\b)|，|、|\s[–—|]\s|\s/\s|\s(?:oder|sonst|or|ou|otherwise|sinon|anders)\s", _I)
