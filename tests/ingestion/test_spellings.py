"""An address is found in every spelling, the longest first, and nobody else's is touched."""

import json
import random

import pytest

from ingestion.privacy.spellings import all_readings, eraser
from tests.support.spellings import spellings

ADDRESSES = (
    "ann@x.example",
    "jörg.müller@bäcker.example",
    "a&b@x.example",
    "o/brien+tag@x.example",
    "\U0001f600smile@x.example",
)


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_spelling_is_erased_and_read(address: str) -> None:
    erase = eraser([address], "deleted")
    assert len(spellings(address)) >= 40
    for spelling in spellings(address):
        assert erase(f'said "{spelling}", twice: <{spelling}>.') == 'said "deleted", twice: <deleted>.', spelling
        assert erase(f"b'{spelling}'") == "b'deleted'", spelling
    in_json = json.dumps({"error": f"Error:\n{address}\tis no number"})
    assert json.loads(erase(json.dumps(in_json))) == erase(in_json)
    assert json.loads(erase(in_json))["error"].startswith("Error:\ndeleted\t")
    assert f"<{address}>" in all_readings(json.dumps(f"<{address}>"))


def test_the_longest_goes_first_in_whatever_order_the_words_come() -> None:
    words = ["plain.qwrtz@qwrtz.example", "qwrtz.example", "z@qwrtz.example", "ann@x.example", "mail.qwrtz.example"]
    text = (
        "plain.qwrtz@qwrtz.example, PLAIN.QWRTZ%40qwrtz.example; other@mail.qwrtz.example "
        "https://www.qwrtz.example/z ann@x.example"
    )
    for seed in range(20):
        random.Random(seed).shuffle(words)
        erased = eraser(words, "deleted")(text)
        assert erased == "deleted, deleted; deleted https://deleted/z deleted"


@pytest.mark.parametrize(
    "other",
    [
        "joann@x.example", "jo.ann@x.example", "jo+ann@x.example", "ann@x.example.com", "ann@x.examples",
        "öann@x.example", "\\u00f6ann@x.example", "%C3%B6ann@x.example", "qwrtz.example.com", "notqwrtz.example",
        "my-qwrtz.example", "annx.example",
    ],
)  # fmt: skip
def test_an_address_or_domain_that_is_part_of_another_stays(other: str) -> None:
    text = f'{{"said": "{other}\\n"}}'
    assert eraser(["ann@x.example", "qwrtz.example"], "deleted")(text) == text


def test_an_address_is_found_where_undoing_an_escape_would_spoil_it() -> None:
    erase = eraser(["bob@x.example", "ann%41@x.example"], "deleted")
    assert erase(r"C:\bob@x.example") == "C:deleted"
    assert erase("ann%41@x.example") == "deleted"


def test_text_without_any_of_them_is_given_back_as_it_is() -> None:
    erase = eraser(["ann@x.example", "jörg@bäcker.example"], "deleted")
    for text in ("", "100%", "a & b; &nothing; %zz \\q \\u00f", "xn--", "xn--99999999", "\\ud83d alone", "\x00\udcff"):
        assert erase(text) == text
        all_readings(text).encode()
    assert eraser([], "deleted")("ann@x.example") == "ann@x.example"


def test_an_escape_of_an_escape_of_an_escape_ends() -> None:
    assert eraser(["ann@x.example"], "deleted")("%25" * 10_000 + "ann%252525252540x.example").endswith("deleted")
