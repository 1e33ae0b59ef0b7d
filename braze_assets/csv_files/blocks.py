"""A file's bytes as blocks of UTF-8, checked as they pass."""

import codecs
import hashlib
from collections.abc import Iterable, Iterator

from braze_assets.errors import CsvError

__all__ = ["Blocks"]

_BLOCK = 1 << 20

_BOMS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class Blocks:
    """The content of a file as UTF-8, without a byte-order mark; to be read once.

    Args:
        parts: The bytes of the file, in parts of any size.
        encoding: What they are written in.
        place: The file, for messages.
    """

    def __init__(self, parts: Iterable[bytes], encoding: str, place: str) -> None:
        self._parts, self._place = parts, place
        self._encoding = codecs.lookup(encoding).name
        self._digest = hashlib.sha256()
        self.size = 0

    @property
    def digest(self) -> str:
        """SHA-256 of the bytes read so far, in hexadecimal."""
        return self._digest.hexdigest()

    def __iter__(self) -> Iterator[bytes]:
        """The blocks, of a megabyte or so at most.

        Raises:
            CsvError: A byte is not of the encoding; says which one.
        """
        decoder = codecs.getincrementaldecoder(self._encoding)("strict")
        first = True
        for part in _small(self._parts):
            self._digest.update(part)
            block = self._decoded(decoder, part, final=False)
            self.size += len(part)
            if first and block:
                block, first = block.removeprefix(codecs.BOM_UTF8), False
            if block:
                yield block
        if block := self._decoded(decoder, b"", final=True):
            yield block

    def _decoded(self, decoder: codecs.IncrementalDecoder, part: bytes, *, final: bool) -> bytes:
        waiting = decoder.getstate()[0]
        start = self.size - len(waiting)
        try:
            text = decoder.decode(part, final)
        except UnicodeDecodeError as error:
            raise self._wrong(start + error.start, part if not start else b"") from None
        if "\0" in text:
            raise self._wrong(start + text.index("\0"), part if not start else b"")
        if self._encoding == "utf-8" and not waiting and not decoder.getstate()[0]:
            return part
        try:
            return text.encode()
        except UnicodeEncodeError:  # Half of a surrogate pair, which some encodings let through.
            raise self._wrong(start, b"") from None

    def _wrong(self, offset: int, head: bytes) -> CsvError:
        guess = "windows-1252, or iso-8859-1"
        if head.startswith(_BOMS[1:]) or b"\0" in head[:4]:
            guess = "utf-16 (its first bytes look like that)"
        elif head.startswith(_BOMS[0]):
            guess = "utf-8 (its first bytes look like that)"
        return CsvError(
            f"The file is not written in {self._encoding}: the byte at offset {offset:,} does not fit.",
            place=self._place,
            remedy=f"Save the file as UTF-8, or set `encoding` to what it is written in, such as {guess}. "
            "Nothing of it was sent.",
        )


def _small(parts: Iterable[bytes]) -> Iterator[bytes]:
    for part in parts:
        if len(part) <= _BLOCK:
            yield part
            continue
        for start in range(0, len(part), _BLOCK):
            yield part[start : start + _BLOCK]
