"""Tells by its words that a mail is an out-of-office notice, where no header says so: en, de, fr, es, it, zh.

A machine's answer answers nothing, and nobody reads it. So a text counts as one only if every sentence of it is about
the absence; whatever else it says, a person is to see it.
"""

import re

_SHORT = 1_000


def in_subject(subject: str, said: str) -> bool:
    """Whether the subject is that of an out-of-office notice; one that a person may write, too, needs a text to fit."""
    if _MACHINE_SUBJECT.search(subject):
        return True
    return _AWAY_SUBJECT.search(subject) is not None and not _ABOUT_BUSINESS.search(said)


def and_nothing_else(said: str) -> bool:
    """Whether a text says that its writer is away, and nothing that a person should read."""
    if len(said) > _SHORT or not _AWAY.search(said[:300]) or _ANOTHER_AWAY.search(said):
        return False
    if _ABOUT_BUSINESS.search(said):
        return False
    letter = _CLOSING.split(said, maxsplit=1)[0]
    whole_lines = re.sub(r"(?<=\S{2})(?<![.!?:,;])\n(?=[a-zà-ÿ])", " ", letter)
    sentences = (sentence.strip(" \t\r-*_,.") for sentence in _SENTENCE_END.split(whole_lines))
    return all(_AWAY.search(sentence) or _ABOUT_ABSENCE.search(sentence) for sentence in sentences if sentence)


# What a mail program writes before the subject that it answers.
_MACHINE_SUBJECT = re.compile(
    r"^\W*(auto(matic|mated)?[ -]?(reply|response|answer)\b|auto:|autoreply|automatische antwort|autom\. antwort"
    r"|réponse automatique|respuesta automática|risposta automatica|自动回复|自动答复|休假回复|外出自动)",
    re.IGNORECASE,
)
_AWAY_SUBJECT = re.compile(
    r"^\W*(out of (the )?office|ooo\b|abwesenheit|abwesend\b|absence du bureau|message d.absence|absence$"
    r"|absent(e)? (du bureau|jusqu)|fuera de la oficina|ausencia\b|fuori ufficio|不在办公室)",
    re.IGNORECASE,
)
_AWAY = re.compile(
    r"\b(out of (the )?office|on (annual |parental |maternity |sick )?leave|on vacation|on holidays?"
    r"|away from (my desk|the office)|currently (away|unavailable)|i('m| am| will be) (away|unavailable)"
    r"|nicht im büro|nicht im haus|abwesend|im urlaub|(ich bin|bin ich)\b.{0,40}\bnicht erreichbar"
    r"|absent(e)? du bureau|en congés?\b|je (suis|serai)\b.{0,30}\b(absent(e)?|en (vacances|déplacement))\b"
    r"|actuellement absent|fuera de la oficina|de vacaciones|ausente de la oficina|(estoy|estaré) (ausente|fuera)\b"
    r"|fuori ufficio|in ferie|(sono|sarò) assente)"
    r"|不在办公室|休假|出差中|外出|年假",
    re.IGNORECASE,
)
# A person says of another that they are away.
_ANOTHER_AWAY = re.compile(
    r"\b(our|he|she|mr|mrs|ms|unser\w*|herr|frau|notre|elle|nuestr[oa])\b[^.!?\n]{0,60}"
    r"\b(is (currently |now )?(away|on|out)|ist\b[^.!?\n]{0,40}(urlaub|abwesend)"
    r"|est\b[^.!?\n]{0,40}(absent|en (vacances|congé))|está\b[^.!?\n]{0,40}(ausente|de vacaciones))"
    r"|负责人|同事|经理",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(
    r"(?<!\d)(?<!\b[A-Za-z])(?<!\b[A-Z][a-z])[.!?;](?=\s|$)|[。！？；\n]|\b(?:but|aber|mais|pero|ma)\b|但"
)
_CLOSING = re.compile(
    r"^\W*((?:best |kind |warm )?regards|best wishes|sincerely|mit freundlichen|freundliche grüße|viele grüße"
    r"|beste grüße|mfg|cordialement|bien à vous|saludos|un saludo|atentamente|cordiali saluti|此致|顺祝|祝好)",
    re.IGNORECASE | re.MULTILINE,
)
# What else such an answer says: greeting, thanks, until when, and who is there meanwhile.
_ABOUT_ABSENCE = re.compile(
    r"^(dear|hello|hi|good (morning|day|afternoon)|sehr geehrte|guten tag|hallo|bonjour|madame|monsieur|hola|estimad"
    r"|buenos|buongiorno|thank|many thanks|vielen dank|danke|merci|gracias|grazie|您好|你好|尊敬|谢谢|感谢)"
    r"[^,，]{0,60}$"
    r"|\b(back (on|in|at)|i (will )?(be back|return)|(access|respond|reply) to (my |your )?e-?mails?"
    r"|(in|for|if) urgent|in an emergency|zurück am|wieder (da|erreichbar|im büro)|ihre (e-?mail|nachricht) wird"
    r"|in dringenden|de retour|(toute|d.) ?urgences?|casos? urgentes?|vuelvo|regreso|rientro)\b"
    r"|返回|回来|如有紧急|如有急事|尽快回复",
    re.IGNORECASE,
)
# Somebody who is away and says when the money comes, or what was wrong with the goods, has answered.
_ABOUT_BUSINESS = re.compile(
    r"\b(pay|paid|paying|payments?|invoices?|transfer|remit\w*|disput\w*|owe\w*|goods|deliver\w*|damaged?|defect\w*|faulty"
    r"|quality|refus\w*|reject\w*|accept\w*|complain\w*|contract|cancel\w*|send (us|me)|resend|credit note|lawyer"
    r"|insolv\w*|call me|zahl\w*|bezahlt|rechnung\w*|überw\w*|ware|waren|liefer\w*|mangel\w*|mängel\w*|beschädigt\w*"
    r"|defekt\w*|reklam\w*|zurückge\w*|widersp\w*|bestreit\w*|vertrag\w*|storn\w*|gutschrift\w*|anwalt\w*|senden sie"
    r"|schicken sie|mich an\b|pai\w*|pay[ée]\w*|factur\w*|virement|régl\w*|marchandises?|livr\w*|endommag\w*|défect\w*"
    r"|réclam\w*|contest\w*|litige|annul\w*|avocat|pag\w*|transferencia|mercanc\w*|entreg\w*|dañad\w*|calidad"
    r"|rechaz\w*|pedido|albarán|abogado|fattur\w*|bonific\w*|merce|consegn\w*|difett\w*)\b"
    r"|付款|支付|发票|汇款|转账|打款|货|质量|合同|投诉|拒绝|请发|发送|请联系我",
    re.IGNORECASE,
)
