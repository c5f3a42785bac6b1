"""JSON in messages."""

from __future__ import annotations

from typing import Any

from google.protobuf.struct_pb2 import ListValue, Struct, Value


def json_object(message: Struct) -> dict[str, Any]:
    """The object of a JSON message, its members by name."""
    return {key: _plain(message.fields[key]) for key in sorted(message.fields)}


def _plain(value: Value) -> Any:
    """The value of a JSON message; whole numbers, which it cannot tell from others, as int."""
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return json_object(value.struct_value)
    if kind == "list_value":
        items: ListValue = value.list_value
        return [_plain(item) for item in items.values]
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    return None if kind in (None, "null_value") else getattr(value, kind)
