"""Decompression of a block, never beyond what is allowed: a few bytes may stand for any number of them."""

import bz2
import lzma
import zlib
from collections.abc import Callable
from typing import Any

import pyarrow as pa

from braze_assets.currents.container import UnreadableError

__all__ = ["CODECS", "TooLargeError", "inflate"]

_PIECE = 256 << 10


class TooLargeError(UnreadableError):
    """A block holds more than is left of what its file may hold."""

    def __init__(self, left: int) -> None:
        super().__init__(f"holds more than the {left:,} bytes that are left of what a file may hold")


def inflate(codec: str, data: bytes, most: int) -> bytes:
    """What a block holds.

    Args:
        codec: As the file's header names it.
        data: The block as it is in the file.
        most: Bytes it may give. It is refused when it holds more, without making more.

    Raises:
        TooLargeError: It gives more.
        UnreadableError: The codec is not known, or the block is damaged.
    """
    if codec not in CODECS:
        raise UnreadableError(f"has the codec {codec!r}, which is not supported")
    try:
        found = CODECS[codec](data, most)
    except UnreadableError:
        raise
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except Exception as error:
        raise UnreadableError(f"does not decompress ({codec})") from error
    if len(found) > most:
        raise TooLargeError(most)
    return found


def _deflate(data: bytes, most: int) -> bytes:
    return _stream(zlib.decompressobj(-zlib.MAX_WBITS), data, most)


def _bzip2(data: bytes, most: int) -> bytes:
    return _stream(bz2.BZ2Decompressor(), data, most)


def _xz(data: bytes, most: int) -> bytes:
    return _stream(lzma.LZMADecompressor(memlimit=256 << 20), data, most)


def _stream(decompressor: Any, data: bytes, most: int) -> bytes:
    found: bytes = decompressor.decompress(data, most + 1)
    if len(found) <= most and not decompressor.eof:
        raise UnreadableError("is cut short within its compressed bytes")
    return found


def _zstandard(data: bytes, most: int) -> bytes:
    # A piece at a time: for one read Arrow takes all the room at once that was asked for. Into our own room:
    # that of a `read` which fails is never given back (pyarrow 26).
    found, piece = bytearray(), bytearray(_PIECE)
    with pa.CompressedInputStream(pa.BufferReader(data), "zstd") as source:
        while len(found) <= most and (size := source.readinto(piece)):
            found += memoryview(piece)[:size]
    return bytes(found)


def _snappy(data: bytes, most: int) -> bytes:
    # A varint says how much there is, four bytes behind it all are its checksum.
    size, shift, place = 0, 0, 0
    while shift < 35:
        byte = data[place]
        place += 1
        size |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    # Snappy makes at most 64 bytes of three.
    if size > most:
        raise TooLargeError(most)
    if size > 64 * len(data):
        raise UnreadableError("does not decompress (snappy)")
    found: bytes = pa.Codec("snappy").decompress(data[:-4], decompressed_size=size, asbytes=True)
    if zlib.crc32(found) != int.from_bytes(data[-4:], "big"):
        raise UnreadableError("has another checksum than it says (snappy)")
    return found


CODECS: dict[str, Callable[[bytes, int], bytes]] = {
    "null": lambda data, most: data,
    "deflate": _deflate,
    "snappy": _snappy,
    "zstandard": _zstandard,
    "bzip2": _bzip2,
    "xz": _xz,
}
"""Every codec of the specification (Avro 1.12, "Codecs")."""
