"""JSON in and out with every digit of every number: a float would round what Stripe sent."""

from typing import Any

COMPACT = (",", ":")


def loads(text: bytes) -> Any:
    """Raises `ValueError`."""
    import simplejson

    return simplejson.loads(text, use_decimal=True)


def dumps(value: object, *, sort_keys: bool = False) -> bytes:
    import simplejson

    return simplejson.dumps(value, separators=COMPACT, use_decimal=True, sort_keys=sort_keys).encode()
