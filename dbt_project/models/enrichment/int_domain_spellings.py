"""Domains in one spelling: `xn--mnchen-3ya.de` is `münchen.de`, and no SQL decodes that on every engine."""

import unicodedata
from typing import Any

import pyarrow as pa

ENCODED = "xn--"


def in_letters(domain: str) -> str:
    """The domain in the letters that it stands for; a label that decodes to nothing stays as it is."""
    return ".".join(_label(label) for label in unicodedata.normalize("NFC", domain).split("."))


def _label(label: str) -> str:
    if not label.startswith(ENCODED):
        return label
    try:
        letters = label.removeprefix(ENCODED).encode("ascii").decode("punycode")
        # What no encoding holds would end the build.
        letters.encode()
    except (UnicodeError, ValueError, OverflowError):
        return label
    return unicodedata.normalize("NFC", letters).lower() or label


def model(dbt: Any, session: Any) -> pa.Table:
    """The domains of users and companies that are spelled otherwise than in their letters."""
    sources = (
        dbt.ref("stg_product_db__users").project("email_domain"),
        dbt.ref("stg_enrichment__companies").project("domain"),
    )
    domains = {domain for source in sources for (domain,) in source.distinct().fetchall() if domain}
    spelled = {domain: in_letters(domain) for domain in sorted(domains)}
    other = {domain: letters for domain, letters in spelled.items() if letters != domain}
    return pa.table({"domain": pa.array(other.keys(), pa.string()), "letters": pa.array(other.values(), pa.string())})
