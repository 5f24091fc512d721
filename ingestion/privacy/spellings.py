r"""Find and erase addresses and domains in text, however they are escaped.

JSON may write `ö` as `\u00f6`, a URL `@` as `%40`, HTML as `&#64;`, Python as `\x40`, and a domain may be `xn--`.
Escapes nest, so text is searched as it is and in each successively unescaped reading.
"""

import html
import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

# More levels than any real text has.
MAX_READINGS = 8
HEX = "[0-9a-fA-F]"
BYTE, LATER_BYTE = rf"{HEX}{{2}}", rf"[89abAB]{HEX}"


def _utf8(mark: str) -> str:
    """Pattern of one character as hexadecimal bytes; the caller matches the first mark."""
    later = f"(?:{mark}{LATER_BYTE})"
    return f"(?:[0-7]{HEX}|[cdCD]{HEX}{later}|[eE]{HEX}{later}{{2}}|[fF][0-7]{later}{{3}})"


# Every branch begins with a literal character, so Python skips all other text fast.
CODED = (
    r"\\\\*(?:"
    rf"u(?P<high>[dD][89abAB]{BYTE})\\\\*u(?P<low>[dD][c-fC-F]{BYTE})"
    rf"|u(?P<unit>{HEX}{{4}})"
    rf"|x(?P<utf8>{_utf8(chr(92) * 4 + '*x')})"
    rf"|x(?P<latin1>{BYTE})"
    "SHORT)"
    rf"|%(?P<percent>{_utf8('%')})"
    r"|&(?P<entity>\#[0-9]{1,7};|\#[xX][0-9a-fA-F]{1,6};|[a-zA-Z][a-zA-Z0-9]{1,31};)"
    r"|x[nN]--(?<![\w-].{4})(?P<label>[a-zA-Z0-9-]+)"
    r"|X[nN]--(?<![\w-].{4})(?P<upper_label>[a-zA-Z0-9-]+)"
)
ESCAPE = re.compile(CODED.replace("SHORT", r"""|(?P<short>["'\\/bfnrt])"""))
# An escape that may stand for a letter. Short escapes stand for a blank, or for what follows the backslash.
OF_ADDRESS = re.compile(CODED.replace("SHORT", ""))
# The same in SQL, to call Python only for such text.
MAY_BE_CODED = r"\\[ux]|%[0-9a-fA-F]{2}|&[#a-zA-Z][#a-zA-Z0-9]*;|[xX][nN]--"
SHORT = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
# Characters that continue a name: letters, digits and accents.
OF_WORD = r"\w\u0300-\u036f"
# A longer address or domain is somebody else's: joann@x.example and ann@x.example.com are not ann@x.example.
BEGINS = rf"(?<![{OF_WORD}])(?<![{OF_WORD}][.+-])"
ENDS = rf"(?![{OF_WORD}-]|\.\w)"
# A domain is erased with all that precedes it, such as an unknown address.
BEFORE_DOMAIN = rf"[{OF_WORD}.+@-]{{0,300}}(?<![{OF_WORD}-])"

# A text, and for each of its characters and its end the offset in the original text.
Reading = tuple[str, Sequence[int]]


def readings(text: str) -> list[Reading]:
    """The text as it is, and each successively unescaped reading."""
    found: list[Reading] = [(text, range(len(text) + 1))]
    while len(found) < MAX_READINGS:
        unescaped = _unescape_once(*found[-1])
        if unescaped[0] == found[-1][0]:
            break
        found.append(unescaped)
    return found


def all_readings(text: str) -> str:
    """Every reading of a text, joined: the text to search for an address."""
    found = [text]
    while len(found) < MAX_READINGS and (unescaped := ESCAPE.sub(_meaning_of, found[-1])) != found[-1]:
        found.append(unescaped)
    return "\n".join(found).encode("utf-8", "replace").decode("utf-8")


def eraser(words: Iterable[str], instead: str) -> Callable[[str], str]:
    """A function that replaces addresses and domains by `instead`, however they are spelled.

    Longer words go first. A match inside a longer address or domain is somebody else's and stays.
    """
    folded = sorted(
        {_folded(readings(word.strip())[-1][0]) for word in words} - {""}, key=lambda word: (-len(word), word)
    )
    patterns = [
        f"{BEGINS if '@' in word else BEFORE_DOMAIN}{re.escape(word)}{ENDS}"
        for word in sorted(folded, key=lambda word: "@" not in word)
    ]
    pattern = re.compile("|".join(patterns))

    def has_word(text: str) -> bool:
        return any(word in text for word in folded)

    def erase(text: str) -> str:
        if not OF_ADDRESS.search(text) and not has_word(_folded(text.replace("\\", ""))):
            return text
        found = readings(text)
        # Spans cover whole escapes: half an escape would break the text.
        wholes = found[-1][1]
        spans = set()
        for reading, places in found:
            plain = _folded(reading)
            if has_word(plain):
                begins = [place for char, place in zip(reading, places, strict=False) for _ in _folded(char)]
                begins.append(places[-1])
                for each in pattern.finditer(plain):
                    start, stop = begins[each.start()], begins[each.end()]
                    spans.add((wholes[bisect_right(wholes, start) - 1], wholes[bisect_left(wholes, stop)]))
        return _replaced(text, spans, instead) if spans else text

    return erase


def _unescape_once(text: str, places: Sequence[int]) -> Reading:
    parts: list[str] = []
    begins: list[int] = []
    end = 0
    for found in ESCAPE.finditer(text):
        meant = _meaning_of(found)
        parts += text[end : found.start()], meant
        begins.extend(places[end : found.start()])
        begins.extend([places[found.start()]] * len(meant))
        end = found.end()
    parts.append(text[end:])
    begins.extend(places[end:])
    return "".join(parts), begins


def _meaning_of(found: re.Match[str]) -> str:
    """The text an escape stands for; the escape itself if it is invalid."""
    kind = str(found.lastgroup)
    try:
        return MEANINGS[kind](found.group(kind), found)
    except ValueError:
        return found.group()


def _bytes(value: str) -> bytes:
    return bytes.fromhex(re.sub(r"%|\\+x", "", value))


MEANINGS: dict[str, Callable[[str, re.Match[str]], str]] = {
    "low": lambda value, found: bytes.fromhex(found.group("high") + value).decode("utf-16-be"),
    "unit": lambda value, _: chr(int(value, 16)),
    "short": lambda value, _: SHORT.get(value, value),
    "utf8": lambda value, _: _bytes(value).decode(),
    "percent": lambda value, _: _bytes(value).decode(),
    "latin1": lambda value, _: _bytes(value).decode("latin-1"),
    "entity": lambda _, found: html.unescape(found.group()),
    "label": lambda _, found: found.group().encode("ascii").decode("idna"),
    "upper_label": lambda _, found: found.group().encode("ascii").decode("idna"),
}


def _folded(text: str) -> str:
    """Lower case with decomposed accents."""
    return text.lower() if text.isascii() else "".join(map(_folded_character, text))


@lru_cache(maxsize=10_000)
def _folded_character(character: str) -> str:
    return unicodedata.normalize("NFD", character.lower())


def _replaced(text: str, spans: Iterable[tuple[int, int]], instead: str) -> str:
    parts: list[str] = []
    end = 0
    for start, stop in sorted(spans, key=lambda span: (span[0], -span[1])):
        if start >= end:
            parts += text[end:start], instead
        end = max(end, stop)
    return "".join([*parts, text[end:]])
