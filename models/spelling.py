"""How names and numbers are brought to one spelling, so that what means the same compares as equal.

Who is meant by a name is in payers.py, which number by a text in citations.py.
"""

import re
import unicodedata
from functools import lru_cache

_LETTERS = str.maketrans(
    {
        "ß": "ss", "ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "þ": "th", "ı": "i", "&": " ", "+": " ",
        "’": "", "'": "", "`": "",
    }
)  # fmt: skip
_WORD = re.compile(r"[^\W_]+")
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_DOTTED = re.compile(r"\b(?:\w\.){1,5}(?:\w\b)?")
"""Letters with dots, such as S.p.A., B.V. and z o.o.: one word."""

_FORMS = frozenset(
    "gmbh gesmbh mbh ag kg kgaa ohg gbr ug haftungsbeschrankt ek ev eg se co cie company corp corporation inc "
    "incorporated llc llp lp ltd limited plc pty pte sa sas sasu sarl eurl snc scs sc spa srl srls sapa sl slu slp sau "
    "bv nv vof cv bvba sprl ab hb oy oyj asa as aps ivs kk sp zoo spzoo spolka zo oo ooo oao zao ao sro dba kft zrt "
    "nyrt bt doo dd ad ood eood lda ltda sgps mb uab sia ou".split()
)
"""Legal forms, folded. They tell sisters apart, but payers write them as they like."""
_LINKS = frozenset("und and et y e i en og och the der die das la le les el los".split())
_CJK_FORMS = re.compile(
    "股份有限公司|有限责任公司|有限責任公司|有限公司|集团公司|公司|株式会社|有限会社|合同会社|合資会社|주식회사|유한회사|\\(株\\)|\\(有\\)|㈱|㈲"
)


@lru_cache(maxsize=16_384)
def words(name: str) -> tuple[str, ...]:
    """A name as folded words: no accents, case or punctuation; umlauts however they were written out.

    Chinese, Japanese and Korean names, which have no spaces, give one word per run of such characters.
    """
    text = unicodedata.normalize("NFKC", name)
    text = _DOTTED.sub(lambda dotted: dotted.group().replace(".", "") + " ", text).casefold().translate(_LETTERS)
    text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    # Müller is written Mueller and Muller: all three fold to one; that "Bauer" becomes "baur" does no harm.
    text = text.replace("ae", "a").replace("oe", "o").replace("ue", "u")
    return tuple(_WORD.findall(unicodedata.normalize("NFC", text)))


@lru_cache(maxsize=16_384)
def core(name: str) -> tuple[str, ...]:
    """The words of a name without legal forms and links; if nothing is left, all its words."""
    if _CJK.search(name):
        bare = _CJK_FORMS.sub(" ", unicodedata.normalize("NFKC", name))
        return words(bare) or words(name)
    every = words(name)
    return tuple(word for word in every if word not in _FORMS and word not in _LINKS) or every


def is_cjk(word: str) -> bool:
    """Whether a word is of Chinese, Japanese or Korean characters."""
    return bool(_CJK.search(word))


def compact(text: str) -> str:
    """Letters and digits alone, in capitals: how references and account numbers compare."""
    return "".join(c for c in unicodedata.normalize("NFKC", text).upper() if c.isalnum())


def close(one: str, other: str) -> bool:
    """Whether one slip (a character wrong, missing, added, or two neighbours swapped) lies between two words."""
    if one == other:
        return True
    if abs(len(one) - len(other)) > 1:
        return False
    if len(one) > len(other):
        one, other = other, one
    at = 0
    while at < len(one) and one[at] == other[at]:
        at += 1
    if len(one) < len(other):
        return one[at:] == other[at + 1 :]
    if one[at + 1 :] == other[at + 1 :]:
        return True
    return one[at : at + 2] == other[at : at + 2][::-1] and one[at + 2 :] == other[at + 2 :]
