"""What a character looks like: letters and digits of any script that are drawn as an ASCII one, and marks on letters.

The table is Unicode's own (UTS 39, confusables.txt of version 15.1): every letter and digit that folding leaves as it
is and whose prototype, marks aside, is one ASCII letter or digit. Pairs of letters ("rn" for "m") are left out, and so
are pairs within ASCII, which are other words ("AI", "Al"). Between Hangul syllables Unicode lists none: ``hangul``.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from orchestrator.language.lists import listed

_DRAWN_AS = {
    other: row[0]
    for row in listed(
        """
            2:ƧƻϨᒿꙄꛯꝚ
            3:ƷȜЗҘӠⳌꝪꞫ𑣊𖼻
            4:Ꮞ𑢯
            5:Ƽ𑢻
            6:бᏮⳒ𑣕
            7:𐓒𑣆
            8:Ȣȣ৪੪𐌚
            9:৭੧୨൭ⳊꝮ𑢬𑣌𑣖
            A:ΑАᎪᗅꓮ𐊠𖽀
            B:ΒВᏴᗷꓐꞴ𐊂𐊡𐌁
            C:СҪᏟⲤꓚ𐊢𐌂𐐕𐔜𑣩𑣲
            D:ÐĐƉᎠᗞᗪꓓ
            E:ɆΕЕᎬⴹꓰ𐊆𑢦𑢮
            F:ƑϜᖴꓝꞘ𐊇𐊥𐔥𑢢𑣂
            G:ǤԌᏀᏳꓖ
            H:ĦΗНҢӇӉᎻᕼⱧⲎꓧ𐋏
            J:ɈͿЈᎫᒍꓙꞲ
            K:ΚКҚҞᏦᛕⱩⲔꓗꝀ𐔘
            L:ŁᏞᒪⳐꓡ𐐛𐔦𑢣𑢲𖼖
            M:ΜϺМӍᎷᗰᛖⲘꓟ𐊰𐌑
            N:ƝΝⲚꓠ𐔓
            O:ØƟǾΘΟθОѲӨՕ০ଠ୦ዐᎾᏫⲞⴱⵁⵔꓳꝊ𐊒𐊫𐐄𐓂𐔖𑓐𑢵𑣠
            P:ΡРᏢᑭⲢꓑ𐊕
            Q:ⵕ
            R:ƦᎡᏒᖇꓣ𐒴𖼵
            S:ЅՏᏕᏚꓢ𐊖𐐠𖼺
            T:ŦƮȾΤТҬᎢⲦꓔ𐊗𐊱𐌕𑢼𖼊
            U:ɄՍሀᏌᑌꓴ𐓎𑢸𖽂
            V:Ѵ۷Ꮩᐯⴸꓦꛟ𐔝𑢠𖼈
            W:ԜᎳᏔꓪ𑣦𑣯
            X:ΧХҲᚷⲬⵝꓫꞳ𐊐𐊴𐌗𐌢𐔧𑣬
            Y:ɎΥУҮҰᎩᎽⲨꓬ𐊲𑢤𖽃
            Z:ƵȤΖᏃꓜ𐋵𑢩𑣥
            a:ɑαа
            b:ƀƂƃƄɓБЬѢѣҌҍᏏᑲᑳᖯ
            c:ȼсҫᴄⲥꮯ𐐽
            d:đƌɖɗԁᏧᑯꓒ
            e:ɇеҽҿꬲ
            f:ƒքᵮẝꞙꬵ
            g:ƍǥɠɡցᶃ
            h:ħɦћһհᏂᏲꚕ
            i:ıɨɩɪͺιіӏᎥᵻᵼꙇꭵ𑣃
            j:ɉϳј
            k:ƙ
            l:łƖƗƚǀɫɭΙІӀ۱ᛁⲒⵏꓲ𐊊𐌉𐌠𖼨
            m:ꭑ
            n:ƞɲɳηոռᵰ
            o:øɵοσоѳөօ۵०੦૦௦౦೦ഠ൦๐໐တဝ၀ჿᴏᴑⲟꝋꬽꬾꭴꮎꮻ𐐬𐓪𑣈𑣗
            p:ƥρрᵽⲣ
            q:ʠԛգզ
            r:ɍɼɽгғᴦᵲⲅꭇꭈꮁ
            s:ƽʂѕᵴꜱꮪ𐑈𑣁
            t:ŧƫƭᵵ
            u:ʋυսᴜᵾꞟꭎꭒꮜ𐓶𑣘
            v:νѵᴠꮩ𑜆𑣀
            w:ɯѡѽԝաᴡꝡꮃ𑓅𑜊𑜎𑜏
            x:хᕁᕽ
            y:ƴɏɣʏγуүұყᶌỿꭚ𑣜
            z:ƶȥʐᴢᵶꮓ𑣄
        """
    )
    for other in row[2:]
}
# To the eye these are one: AP\u0406, with a Ukrainian I, is APl as much as API.
_ONE_STROKE = str.maketrans("I1|0", "lllO")
MARKS = "\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20e2\u20e4-\u20f0\ufe20-\ufe2f"
"""Marks of no script of their own, as a class of a regular expression; the keycap of emoji is none."""
WORD = re.compile(rf"(?:[\uac00-\ud7a3][{MARKS}]*)+|(?:(?![\uac00-\ud7a3])[^\W_][{MARKS}]*)+")
"""A word of a folded text with its marks; Hangul and other scripts are words of their own."""
# Over a single letter these are notation: a mean, an estimate, a derivative, a vector, an ångström.
_NOTATION = frozenset("\u0302\u0303\u0304\u0305\u0307\u0308\u030a\u20d7\u00f8")


def plain(text: str) -> str:
    """Return a folded text with every letter as the ASCII one that it is drawn as, and without marks."""
    return text if text.isascii() else "".join(map(_plain, text))


def skeleton(word: str) -> str:
    """Return what words that look alike share; no text to be shown (UTS 39, section 4)."""
    return plain(word).translate(_ONE_STROKE).lower()


@lru_cache(maxsize=8_192)
def _plain(ch: str) -> str:
    if ch.isascii() or "\uac00" <= ch <= "\ud7a3":
        return ch
    letters = (c for c in unicodedata.normalize("NFD", ch) if unicodedata.category(c)[0] != "M")
    return _DRAWN_AS.get(ch) or "".join(_DRAWN_AS.get(c, c) for c in letters)


def odd(ch: str) -> bool:
    """Whether a character is a mark by itself, or is drawn as an ASCII one, marks aside."""
    return not ch.isascii() and _plain(ch).isascii()


@lru_cache(maxsize=8_192)
def strokes(ch: str) -> tuple[str, ...]:
    """Return what a Latin letter has that its plain one has not: its marks, or itself where it is a variant (ø)."""
    if ch in _DRAWN_AS:
        return (ch.lower(),)
    return tuple(c for c in unicodedata.normalize("NFD", ch) if unicodedata.category(c)[0] == "M")


@lru_cache(maxsize=8_192)
def script(ch: str) -> str:
    """Return the script of a letter as the first word of its name, such as ``CYRILLIC``."""
    return unicodedata.name(ch, "").partition(" ")[0]


def crosses_out(ch: str) -> bool:
    """Whether this is a mark through or around its character, which no alphabet has."""
    return unicodedata.combining(ch) == 1 or unicodedata.category(ch) == "Me"


def notation(word: str) -> bool:
    """Whether a word is a symbol: a letter under a mark of mathematics, or a small Greek one other than omicron."""
    letter = plain(word)
    if len(letter) != 1 or not (letter.isascii() and letter.isalpha()):
        return False
    if script(word[0]) == "GREEK":
        return word[0].islower() and word[0] != "\u03bf"
    return _NOTATION.issuperset(c for ch in word for c in strokes(ch))
