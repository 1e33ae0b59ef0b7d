"""Decimals as they were meant.

Avro's `float` has 32 bits: 3.14 is kept as 3.1400001049041748. The shortest decimal that gives the same bits
is what somebody wrote. As DOUBLE it is the nearest there is to that; as text it is exactly that.
"""

from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["as_decimal_text", "as_meant"]


def as_meant(column: Any) -> Any:
    """Floats of 32 bits, also in arrays, as the DOUBLEs of their shortest decimals; others as they are."""
    if pa.types.is_float32(column.type):
        return pc.cast(pc.cast(column, pa.string()), pa.float64())
    if pa.types.is_list(column.type) and pa.types.is_float32(column.type.value_type):
        chunks = [
            pa.Array.from_buffers(
                pa.list_(pa.float64()),
                len(chunk),
                chunk.buffers()[:2],
                chunk.null_count,
                chunk.offset,
                [as_meant(chunk.values)],
            )
            for chunk in column.chunks
        ]
        return pa.chunked_array(chunks, pa.list_(pa.float64()))
    return column


def as_decimal_text(column: pa.ChunkedArray) -> tuple[pa.ChunkedArray, int]:
    """Numbers as exact decimals without an exponent, and how many were none (NaN, infinite): null."""
    lost = 0
    if pa.types.is_floating(column.type):
        finite = pc.is_finite(column)
        lost = pc.sum(pc.invert(finite)).as_py() or 0
        column = pc.if_else(finite, column, None)
    texts = pc.cast(column, pa.string())
    if pc.any(pc.match_substring(texts, "e")).as_py():
        plain = [None if text is None else f"{Decimal(text):f}" for text in texts.to_pylist()]
        texts = pa.chunked_array([pa.array(plain, pa.string())])
    return texts, lost
