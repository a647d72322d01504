"""How the bytes of a mail become text: any charset or none, HTML or plain, with or without what is quoted."""

import codecs
import re

from lxml import etree, html

MAX_HTML = 2_000_000

# What is commonly sent under a narrower name than it has.
_WIDER = {
    "gb2312": "gb18030", "gbk": "gb18030", "cp936": "gb18030", "x-gbk": "gb18030", "euc-cn": "gb18030",
    "big5": "big5hkscs", "iso-8859-1": "cp1252", "latin-1": "cp1252", "us-ascii": "ascii", "ks_c_5601-1987": "cp949",
    "shift_jis": "cp932", "unicode-1-1-utf-8": "utf-8", "utf8mb4": "utf-8",
}  # fmt: skip
# Codecs that are no charset of mail; some of them take very long on purpose.
_NO_CHARSETS = frozenset({"punycode", "idna", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"})
_HAN = re.compile("[\u3400-\u9fff]")


def decoded(content: bytes, charset: str | None) -> str:
    """Bytes as text, whatever charset they claim: that one if it fits, else UTF-8, Chinese, or Western European."""
    for name in dict.fromkeys([_known(charset), "utf-8"]):
        if name is not None:
            try:
                return content.decode(name)
            except (UnicodeError, LookupError, ValueError):
                pass
    try:
        text = content.decode("gb18030")
        foreign, han = sum(1 for byte in content if byte > 0x7F), len(_HAN.findall(text))
        # A Han character takes two bytes beyond ASCII; an accent before a letter looks like one, but has one such byte.
        if foreign >= 4 and 1.7 * han < foreign < 2.5 * han:
            return text
    except UnicodeError:
        pass
    known = _known(charset)
    return content.decode(known if known not in (None, "ascii", "utf-8") else "cp1252", "replace")


def _known(charset: str | None) -> str | None:
    name = (charset or "").strip().strip("\"'").lower()
    name = _WIDER.get(name, name)
    try:
        found = codecs.lookup(name).name
    except (LookupError, ValueError):
        return None
    return None if found.replace("-", "_") in _NO_CHARSETS else name


_SILENT = frozenset({"script", "style", "head", "title", "template", "noscript", "svg", "object", "iframe"})
_BLOCKS = frozenset(
    {"p", "div", "tr", "li", "ul", "ol", "table", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "hr", "section", "article"}
)
_QUOTE = re.compile(r"gmail_quote|moz-cite|yahoo_quoted|protonmail_quote|OLK_SRC_BODY|divRplyFwdMsg", re.IGNORECASE)


def html_to_text(source: str) -> str:
    """HTML as plain text; what it quotes is marked with `>` line by line."""
    parser = html.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True)
    try:
        tree = html.document_fromstring(source[:MAX_HTML].encode("utf-8", "replace"), parser=parser)
    except (etree.LxmlError, ValueError):
        return re.sub(r"<[^>]{0,1000}>", " ", source[:MAX_HTML])
    out: list[str] = []
    silent = quoted = 0

    def add(text: str | None) -> None:
        if text and not silent:
            words = re.sub(r"[ \t\r\n\f]+", " ", text)
            out.append(words)

    def line() -> None:
        out.append("\n> " if quoted else "\n")

    for event, element in etree.iterwalk(tree, events=("start", "end")):
        tag = element.tag if isinstance(element.tag, str) else ""
        marks = f"{element.get('class') or ''} {element.get('id') or ''}"
        quote = tag == "blockquote" or (tag == "div" and _QUOTE.search(marks) is not None)
        if event == "start":
            silent += tag in _SILENT
            quoted += quote
            if tag == "br" or tag in _BLOCKS or quote:
                line()
            add(element.text)
        else:
            silent -= tag in _SILENT
            quoted -= quote
            if tag in _BLOCKS or quote:
                line()
            add(element.tail)
    text = "".join(out).replace("\xa0", " ")
    lines = [re.sub(r" +", " ", one).strip() for one in text.split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join("" if one == ">" else one for one in lines)).strip()


_WROTE = re.compile(
    r"^(on .{5,200}\bwrote|am .{5,200}\bschrieb\b.{0,200}|le .{5,200}\ba écrit|el .{5,200}\bescribió"
    r"|(在\s?)?\S.{3,200}写道|.{3,200}<[^<>@\s]+@[^<>\s]+>\s*(wrote|schrieb|a écrit|escribió|写道))\s*[:：]?$",
    re.IGNORECASE,
)
_ORIGINAL = re.compile(
    r"^[-_— ]{2,}\s*(original message|forwarded message|ursprüngliche nachricht|originalnachricht|message d'origine"
    r"|message original|message transféré|mensaje original|原始邮件|原邮件|转发的邮件|回复的原邮件)\s*[-_— ]{0,}$",
    re.IGNORECASE,
)
_HEADER_LINE = re.compile(
    r"^\**(from|sent|to|cc|subject|date|von|gesendet|an|betreff|datum|de|envoyé|à|objet|enviado( el)?|para|asunto"
    r"|fecha|发件人|发送时间|收件人|主题|抄送|日期)\**\s*[:：]",
    re.IGNORECASE,
)  # fmt: skip


def without_quotes(text: str) -> str:
    """What the writer added: quoted lines and the mail that is answered fall away.

    Where nothing else is left, the whole text is what was said.
    """
    lines = [line.rstrip() for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    kept: list[str] = []
    for i, line in enumerate(lines):
        bare = line.strip()
        if _ORIGINAL.match(bare) or (bool(kept) and _header_block(lines, i)):
            break
        if bare.startswith((">", "＞")):
            continue
        if _WROTE.match(bare) or (i + 1 < len(lines) and len(bare) < 200 and _wraps(bare, lines[i + 1])):
            continue
        if i and _wraps(lines[i - 1].strip(), line):
            continue
        kept.append(line)
    said = re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip()
    return said or text.strip()


def _wraps(first: str, second: str) -> bool:
    """Whether two lines are one `On …, … wrote:` that was wrapped."""
    starts = re.match(r"(on|am|le|el|在)\b.{5,}", first, re.IGNORECASE)
    return bool(starts and len(second) < 200 and _WROTE.match(f"{first} {second.strip()}"))


def _header_block(lines: list[str], at: int) -> bool:
    """Whether the head of an earlier mail begins here, as some programs paste it."""
    following = [line.strip() for line in lines[at : at + 6] if line.strip()]
    return len(following) > 2 and all(_HEADER_LINE.match(line) for line in following[:3])
