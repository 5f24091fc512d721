"""Domains that are spelled for machines, or put together from parts, are compared in their letters."""

import pytest

from tests.dbt_project.building import load_model

spellings = load_model("enrichment/int_domain_spellings.py")


@pytest.mark.parametrize(
    ("domain", "letters"),
    [
        ("xn--mnchen-3ya.de", "münchen.de"),
        ("mail.xn--mnchen-3ya.xn--p1ai", "mail.münchen.рф"),
        ("mu\u0308nchen.de", "münchen.de"),
        ("xn--strae-oqa.de", "straße.de"),
        ("acme.com", "acme.com"),
        ("xn--.de", "xn--.de"),
        ("xn--99999999999.de", "xn--99999999999.de"),
    ],
)
def test_domain_is_decoded_unless_nothing_is_left(domain: str, letters: str) -> None:
    assert spellings.in_letters(domain) == letters
