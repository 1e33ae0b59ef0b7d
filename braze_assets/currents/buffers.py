"""What the compiled loops have filled, as Arrow arrays."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from braze_assets.currents.kinds import BOOLEAN, FLOAT

__all__ = ["mask", "numbers", "text"]


def mask(present: npt.NDArray[Any]) -> tuple[int, pa.Buffer | None]:
    """How many are null, and the bits that say which, if any are."""
    nulls = len(present) - int(np.count_nonzero(present))
    return nulls, pa.py_buffer(np.packbits(present, bitorder="little")) if nulls else None


def numbers(
    values: npt.NDArray[np.int64], present: npt.NDArray[np.uint8], of: int, kind: pa.DataType
) -> pa.Array:
    """Numbers.

    Args:
        values: Their bits.
        present: Which are not null.
        of: Their kind.
        kind: The type of the array.
    """
    count = len(values)
    nulls, bits = mask(present)
    if nulls:
        values[present == 0] = 0
    if of == BOOLEAN:
        packed = np.packbits(values.astype(np.uint8), bitorder="little")
        return pa.Array.from_buffers(kind, count, [bits, pa.py_buffer(packed)], nulls)
    stored = values.astype(np.uint32).view(np.float32) if of == FLOAT else values
    return pa.Array.from_buffers(kind, count, [bits, pa.py_buffer(stored)], nulls)


def text(
    ends: npt.NDArray[np.int32], texts: npt.NDArray[np.uint8], present: npt.NDArray[Any], kind: pa.DataType
) -> pa.Array:
    """Texts or bytes.

    Args:
        ends: Where each ends, behind a 0.
        texts: All of them.
        present: Which are not null.
        kind: The type of the array.

    Raises:
        pa.ArrowInvalid: Text is not UTF-8.
    """
    nulls, bits = mask(present)
    buffers = [bits, pa.py_buffer(ends), pa.py_buffer(texts)]
    array = pa.Array.from_buffers(kind, len(present), buffers, nulls)
    if kind == pa.string() and len(texts) and texts.max() > 0x7F:
        array.validate(full=True)
    return array
