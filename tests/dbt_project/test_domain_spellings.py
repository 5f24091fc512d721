"""Domains that are spelled for machines, or put together from parts, are compared in their letters."""

import importlib.util

import pytest

from common.settings import PROJECT_DIR

MODEL = PROJECT_DIR / "dbt_project" / "models" / "intermediate" / "segments" / "int_domain_spellings.py"


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
def test_a_domain_is_read_in_its_letters_and_what_decodes_to_nothing_stays(domain: str, letters: str) -> None:
    spec = importlib.util.spec_from_file_location("int_domain_spellings", MODEL)
    assert spec is not None
    assert spec.loader is not None
    model = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(model)
    assert model.in_letters(domain) == letters
