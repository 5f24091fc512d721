"""How JSON, the web, pages and Python may write an address: what no file may have of somebody who was deleted."""

import base64
import json
import unicodedata
from urllib.parse import quote


def spellings(address: str) -> set[str]:
    """Every spelling of an address, each by one writer of text, and some by two in turn."""
    local, domain = address.split("@")
    in_idna = f"{local}@{domain.encode('idna').decode()}"
    as_sent = {address, address.upper(), address.title(), in_idna}
    as_sent |= {unicodedata.normalize("NFD", each) for each in as_sent}
    once = {write(each) for each in as_sent for write in WRITERS}
    return as_sent | once | {write(each) for each in once for write in (_json, _percent, _entities)}


def byte_spellings(address: str) -> set[bytes]:
    """The spellings as bytes of a file: in UTF-8, in UTF-16, and in base64 wherever it may begin."""
    as_bytes = {each.encode(encoding) for each in spellings(address) for encoding in ("utf-8", "utf-16-le")}
    in_base64 = {base64.b64encode(b" " * shift + address.encode())[4 if shift else 0 : -4] for shift in range(3)}
    return as_bytes | in_base64


def _json(text: str) -> str:
    return json.dumps(text)[1:-1]


def _json_of_go(text: str) -> str:
    """As Go and PHP write JSON: letters as they are, but signs of pages and slashes escaped."""
    return json.dumps(text, ensure_ascii=False)[1:-1].replace("&", "\\u0026").replace("/", "\\/")


def _escaped(text: str, unit: str) -> str:
    """Every character as escapes of JSON, four hexadecimal digits a unit of UTF-16."""
    units = memoryview(text.encode("utf-16-le")).cast("H")
    return "".join(f"\\u{each:{unit}}" for each in units)


def _json_in_full(text: str) -> str:
    return _escaped(text, "04x")


def _json_in_full_capitals(text: str) -> str:
    return _escaped(text, "04X")


def _percent(text: str) -> str:
    return quote(text, safe="")


def _percent_small(text: str) -> str:
    return "".join(each if each.isascii() and each.isalnum() else quote(each, safe="").lower() for each in text)


def _entities(text: str) -> str:
    return "".join(each if each.isascii() and each.isalnum() else f"&#{ord(each)};" for each in text)


def _entities_in_hex(text: str) -> str:
    return "".join(each if each.isascii() and each.isalnum() else f"&#x{ord(each):X};" for each in text)


def _python_bytes(text: str) -> str:
    return repr(text.encode())[2:-1]


WRITERS = (
    _json, _json_of_go, _json_in_full, _json_in_full_capitals, _percent, _percent_small, _entities, _entities_in_hex,
    _python_bytes,
)  # fmt: skip
