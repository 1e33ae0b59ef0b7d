"""Fields that are left out, or kept only as a hash, before anything of an event is stored."""

import hashlib
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from braze_assets.errors import ConfigurationError

__all__ = ["FieldRules"]

_NEEDED = ("id", "time")


@dataclass(frozen=True)
class FieldRules:
    """What is done to fields, by name, in all event types.

    Args:
        drop: Fields whose values are left out; where they are documented, the column is there and NULL.
        hash: Fields that are replaced by the SHA-256 of their text (UTF-8), in hexadecimal. NULL stays NULL.

    Raises:
        ConfigurationError: `id` or `time` is among them, or a field is in both.
    """

    drop: tuple[str, ...] = ()
    hash: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        both = sorted(set(self.drop) & set(self.hash))
        needed = sorted({*self.drop, *self.hash} & set(_NEEDED))
        if both or needed:
            raise ConfigurationError(
                f"The field {(needed or both)[0]!r} "
                + ("is needed as it is." if needed else "is dropped and hashed."),
                place="drop_fields, hash_fields",
                remedy="Take it out of the list" + ("." if needed else " that is not meant."),
            )

    def apply(self, events: pa.Table) -> pa.Table:
        """A table without the dropped fields, and with the hashes."""
        events = events.drop_columns([name for name in self.drop if name in events.column_names])
        for name in self.hash:
            if name in events.column_names:
                place = events.schema.get_field_index(name)
                events = events.set_column(place, name, _hashed(events.column(name)))
        return events


def _hashed(values: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_list(values.type) or pa.types.is_large_list(values.type):
        texts = pa.chunked_array([pa.array([_listed(each) for each in values.to_pylist()], pa.string())])
    else:
        texts = pc.cast(values, pa.string())
    # Values repeat: a hash a value, not a row.
    encoded = texts.combine_chunks().dictionary_encode()
    encoded = encoded if isinstance(encoded, pa.DictionaryArray) else encoded.combine_chunks()
    hashes = [hashlib.sha256(each.encode()).hexdigest() for each in encoded.dictionary.to_pylist()]
    return pa.chunked_array([pa.array(hashes, pa.string()).take(encoded.indices)])


def _listed(value: "list[str] | None") -> str | None:
    return None if value is None else ",".join(map(str, value))
