"""JSON in and out with every digit of every number: a float would round what Stripe sent."""

from typing import Any

import simplejson

COMPACT = (",", ":")


def loads(text: bytes) -> Any:
    """Raises `ValueError`."""
    return simplejson.loads(text, use_decimal=True)


def dumps(value: object, *, sort_keys: bool = False) -> bytes:
    return simplejson.dumps(value, separators=COMPACT, use_decimal=True, sort_keys=sort_keys).encode()
