"""What a short message says: a reminder in a breath, with whom to answer. The letter itself goes by mail or post."""

from datetime import datetime

from activities.figures import figures_on
from activities.mime import one_line
from activities.refusals import CannotCompose
from activities.wording import wording_for
from models.invoice import Invoice
from models.orders import StepOrder
from models.parties import Creditor

_BEFORE, _OVERDUE, _LETTER, _CORRECTION = "before", "overdue", "letter", "correction"

_TEXTS: dict[str, dict[str, str]] = {
    "en": {
        _BEFORE: "{creditor}: invoice {number} for {amount} falls due on {due}. Thank you for arranging the payment. "
        "Questions: {reach}",
        _OVERDUE: "{creditor}: invoice {number} for {amount} was due on {due} and is still open ({overdue} overdue). "
        "Please pay, or tell us if something is wrong. If you have paid, please ignore this. {reach}",
        _LETTER: "{creditor}: we have written to you about invoice {number} for {amount}, due on {due} ({overdue} "
        "overdue). Please read the letter and reply. {reach}",
        _CORRECTION: "{creditor}: your payment for invoice {number} crossed our letter. Thank you, and please "
        "disregard the amount stated in it. Questions: {reach}",
    },
    "de": {
        _BEFORE: "{creditor}: Rechnung {number} über {amount} wird am {due} fällig. Vielen Dank, wenn Sie die Zahlung "
        "veranlassen. Fragen: {reach}",
        _OVERDUE: "{creditor}: Rechnung {number} über {amount} war am {due} fällig und ist noch offen ({overdue} "
        "überfällig). Bitte zahlen Sie oder melden Sie sich, falls etwas nicht stimmt. Bei erfolgter Zahlung bitte "
        "ignorieren. {reach}",
        _LETTER: "{creditor}: Wir haben Ihnen zu Rechnung {number} über {amount} geschrieben, fällig am {due} "
        "({overdue} überfällig). Bitte lesen Sie das Schreiben und antworten Sie. {reach}",
        _CORRECTION: "{creditor}: Ihre Zahlung zu Rechnung {number} hat sich mit unserem Schreiben überschnitten. "
        "Vielen Dank; den darin genannten Betrag betrachten Sie bitte als gegenstandslos. Fragen: {reach}",
    },
    "fr": {
        _BEFORE: "{creditor} : la facture {number} de {amount} arrive à échéance le {due}. Merci de prévoir le "
        "règlement. Questions : {reach}",
        _OVERDUE: "{creditor} : la facture {number} de {amount}, échue le {due}, reste ouverte ({overdue} de retard). "
        "Merci de la régler ou de nous signaler tout désaccord. Si vous avez payé, ne tenez pas compte de ce message. "
        "{reach}",
        _LETTER: "{creditor} : nous vous avons écrit au sujet de la facture {number} de {amount}, échue le {due} "
        "({overdue} de retard). Merci de lire ce courrier et d'y répondre. {reach}",
        _CORRECTION: "{creditor} : votre paiement de la facture {number} a croisé notre lettre. Merci, et veuillez ne "
        "pas tenir compte du montant qu'elle indique. Questions : {reach}",
    },
    "es": {
        _BEFORE: "{creditor}: la factura {number} por {amount} vence el {due}. Gracias por disponer el pago. "
        "Consultas: {reach}",
        _OVERDUE: "{creditor}: la factura {number} por {amount} venció el {due} y sigue pendiente ({overdue} de "
        "retraso). Le rogamos que la abone o nos avise si algo no es correcto. Si ya ha pagado, ignore este mensaje. "
        "{reach}",
        _LETTER: "{creditor}: le hemos escrito sobre la factura {number} por {amount}, vencida el {due} ({overdue} de "
        "retraso). Le rogamos que lea la carta y responda. {reach}",
        _CORRECTION: "{creditor}: su pago de la factura {number} se cruzó con nuestra carta. Gracias; le rogamos que "
        "no tenga en cuenta el importe indicado en ella. Consultas: {reach}",
    },
    "zh": {
        _BEFORE: "【{creditor}】发票{number}，金额{amount}，将于{due}到期，请安排付款，谢谢。如有疑问请联系：{reach}",
        _OVERDUE: "【{creditor}】发票{number}，金额{amount}，已于{due}到期，现逾期{overdue}，尚未收到款项。"
        "请尽快付款；如有异议请告知。若已付款，请忽略本消息。联系方式：{reach}",
        _LETTER: "【{creditor}】关于发票{number}（金额{amount}，{due}到期，现逾期{overdue}），我方已向贵司发函，"
        "请查阅并回复。联系方式：{reach}",
        _CORRECTION: "【{creditor}】贵方就发票{number}支付的款项已收到，谨致谢意。此前函件所载金额请勿再予理会。"
        "如有疑问请联系：{reach}",
    },
}  # fmt: skip


def short_text(order: StepOrder, invoice: Invoice, creditor: Creditor, at: datetime) -> tuple[str, str, str]:
    """The message of a step, dated `at`, its language, and a note for the record.

    Raises:
        CannotCompose: There is nothing to ask for.
    """
    figures = figures_on(order, invoice, at)
    correction = order.step.letter == _CORRECTION
    if not figures.demanded and not correction:
        raise CannotCompose("nothing undisputed is left to demand: resolve the dispute, then retry or drop this step")
    wording, note = wording_for(invoice.buyer.contact.language, creditor.language)
    kind = _BEFORE if figures.days_overdue <= 0 else _OVERDUE if order.step.kind == "reminder" else _LETTER
    if correction:
        kind = _CORRECTION  # asks for nothing: a payment crossed our letter
    text = _TEXTS.get(wording.language, _TEXTS["en"])[kind].format(
        creditor=one_line(creditor.name), number=one_line(invoice.number), amount=wording.money(figures.demanded),
        due=wording.calendar_day(invoice.due), overdue=wording.days(max(figures.days_overdue, 0)),
        reach=creditor.reply_to or creditor.sender,
    )  # fmt: skip
    return " ".join(text.split()), wording.language if wording.language in _TEXTS else "en", note
