"""JSON whose numbers keep their texts: 0.50 stays 0.50, and no integer is too long."""

from __future__ import annotations

import json
from typing import Any


class Number(str):
    """A JSON number's text."""


def load(text: bytes) -> Any:
    """JSON with numbers as their texts. The last of duplicate members counts."""
    return json.loads(text, parse_int=Number, parse_float=Number, parse_constant=Number)


def write(value: Any) -> str:
    """The same as JSON again, without white space."""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, dict):
        return f"{{{','.join(f'{_leaf(key)}:{write(member)}' for key, member in value.items())}}}"
    if isinstance(value, list):
        return f"[{','.join(map(write, value))}]"
    return _leaf(value)


def _leaf(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
