"""Content of YAML files, checked by pydantic."""

from difflib import get_close_matches
from functools import lru_cache
from inspect import signature
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

Model = TypeVar("Model")
UNKNOWN_KEY = ("extra_forbidden", "unexpected_keyword_argument")


def validated(model: type[Model], content: object, where: str, error: type[Exception]) -> Model:
    """The content as a pydantic model or a dataclass. Raises `error`: one sentence on the first mistake."""
    try:
        return _adapter(model).validate_python(content)  # type: ignore[arg-type]  # (a class has a hash)
    except ValidationError as found:
        # A key that is misspelt is also missing: what was written says more.
        mistakes = sorted(found.errors(), key=lambda mistake: mistake["type"] not in UNKNOWN_KEY)
        raise error(f"{where}: {_sentence(mistakes[0], list(signature(model).parameters))}") from None


@lru_cache(maxsize=32)
def _adapter(model: Any) -> TypeAdapter:
    """Kept, since making one takes a millisecond and a file has hundreds of entries."""
    return TypeAdapter(model)


def _sentence(mistake: Any, keys: list[str]) -> str:
    kind, path, said = mistake["type"], [str(part) for part in mistake["loc"]], mistake["msg"]
    key = ".".join(path)
    if kind == "missing":
        return f"key {key!r} is missing"
    if kind in UNKNOWN_KEY:
        close = get_close_matches(key, keys, n=1)
        return f"key {key!r} is unknown; " + (f"did you mean {close[0]!r}?" if close else f"keys are {', '.join(keys)}")
    if kind == "value_error":
        return said.removeprefix("Value error, ")
    if kind == "literal_error":
        return f"{key} {mistake['input']!r} is not one of {mistake['ctx']['expected']}"
    return f"{key or 'it'} is wrong: {said[0].lower()}{said[1:]}"
