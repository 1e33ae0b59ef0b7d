"""The event types of Currents and the fields each is documented to have.

The list is Currents version 10 (Braze's data export reference and changelog, September 2026): 94 event
types. It gives an empty hour its columns and the generator its schemas. It is never needed for reading: a
file brings its own schema, and event types and fields that are not listed here are kept as they come.
"""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

__all__ = ["EMAIL_EVENT_TYPES", "EventField", "avro_schema", "event_types", "fields_of"]

EMAIL_EVENT_TYPES = tuple(
    f"users.messages.email.{name}" for name in ("Send", "Open", "Click", "Bounce", "Unsubscribe")
)
"""The five event types that unified email events are made of."""

_NAMESPACE = "dataexport.S3.inner"
_LETTERS = {"i": "int", "l": "long", "f": "float", "b": "boolean"}


@dataclass(frozen=True)
class EventField:
    """A field of an event type."""

    name: str
    type: str
    """`string`, `int`, `long`, `float` (32 bits), `boolean` or `array<string>`."""
    required: bool
    """False for `["null", type]` with the default null, as all optional fields of Currents are."""

    @property
    def avro(self) -> dict[str, Any]:
        """The field as Avro writes it in a schema."""
        kind: Any = {"type": "array", "items": "string"} if self.type == "array<string>" else self.type
        if self.required:
            return {"name": self.name, "type": kind}
        return {"name": self.name, "type": ["null", kind], "default": None}


@cache
def _documented() -> dict[str, str]:
    text = files("braze_assets.currents").joinpath("event_fields.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


def event_types() -> tuple[str, ...]:
    """The documented event types, sorted. There may be others in a bucket."""
    return tuple(_documented())


@cache
def fields_of(event_type: str) -> tuple[EventField, ...]:
    """The documented fields of an event type in their order, or nothing for an unknown one.

    In the packaged list `!` marks a required field, and `:i`, `:l`, `:f`, `:b` or a spelled-out type
    follows the name of whatever is not a string.
    """
    fields = []
    for word in _documented().get(event_type, "").split():
        name, _, kind = word.partition(":")
        required = name.endswith("!")
        fields.append(EventField(name.rstrip("!"), _LETTERS.get(kind, kind or "string"), required))
    return tuple(fields)


def avro_schema(event_type: str, extra: tuple[EventField, ...] = ()) -> dict[str, Any]:
    """The Avro schema of an event type in the style of Currents: a record named by the event.

    Args:
        event_type: For instance `users.messages.email.Send`.
        extra: Fields to add at the end.
    """
    namespace, _, name = event_type.rpartition(".")
    return {
        "type": "record",
        "name": name,
        "namespace": f"{_NAMESPACE}.{namespace}",
        "fields": [field.avro for field in (*fields_of(event_type), *extra)],
    }
