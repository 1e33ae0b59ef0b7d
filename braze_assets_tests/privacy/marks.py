"""What is planted, and how it is recognised in whatever form it comes out."""

import base64
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import quote, quote_plus

__all__ = ["KEY", "MARKS", "S3_SECRET", "SECRETS", "Marks", "person"]

KEY = "zq7key-0f1e2d3c/5a6b+7c8d="
"""A REST API key; with characters that look different in URLs."""
S3_SECRET = "zq7aws/Secret+0123456789abcdefghijABCDEF"

SECRETS = {"api key": KEY, "half an api key": "zq7key-0f1e2d3c", "S3 secret": S3_SECRET}
PEOPLE = {
    "identifier": "zq7id-",
    "e-mail": "zq7mail-",
    "host of an e-mail": "zq7host",
    "name": "Zq7Nämé",
    "phone": "4917655501",
    "word": "zwergfalke",
    "identifier like a word": "mauersegler",
}
"""Pieces that every planted value has."""


def person(number: int, day: int = 0, **changes: object) -> dict[str, object]:
    """A member of the club, every cell of which is marked; all but the identifier change every day."""
    return {
        "external_id": f"zq7id-{number:04}",
        "email": f"zq7mail-{number:04}.{day}@zq7host.example",
        "first_name": f"Zq7Nämé {'I' * day}",
        "phone": f"+4917655501{number:02}{day:02}",
        "hobby": f"zwergfalke {'i' * day}",
        "points": day,
        **changes,
    }


@dataclass(frozen=True)
class Marks:
    """Texts by name, and the search for them in bytes."""

    texts: Mapping[str, str]

    def found(self, data: bytes) -> Iterator[tuple[str, bytes]]:
        """Name and surroundings of the first place of each mark in the data."""
        for pattern, ignore_case in self._patterns:
            seen: set[str] = set()
            for match in pattern.finditer(data.lower() if ignore_case else data):
                name = self._names[int(str(match.lastgroup)[1:])]
                if name not in seen:
                    seen.add(name)
                    yield name, data[max(0, match.start() - 80) : match.end() + 60]

    @cached_property
    def _names(self) -> list[str]:
        return list(self.texts)

    @cached_property
    def _patterns(self) -> list[tuple["re.Pattern[bytes]", bool]]:
        made = []
        for forms, ignore_case in ((_spelled, True), (_encoded, False)):
            groups = []
            for number, text in enumerate(self.texts.values()):
                choices = sorted({form.lower() if ignore_case else form for form in forms(text)})
                groups.append(b"(?P<m%d>%s)" % (number, b"|".join(re.escape(one) for one in choices)))
            made.append((re.compile(b"|".join(groups)), ignore_case))
        return made


def _spelled(text: str) -> Iterator[bytes]:
    """In letters, of either case."""
    yield text.encode()
    yield text.encode("utf-16-le")
    yield text.encode("latin-1")
    yield json.dumps(text)[1:-1].encode()
    yield json.dumps(json.dumps(text)[1:-1])[1:-1].encode()
    yield quote(text, safe="").encode()
    yield quote_plus(text).encode()
    yield repr(text.encode())[2:-1].encode()
    yield text.encode().hex().encode()


def _encoded(text: str) -> Iterator[bytes]:
    """In base64, wherever in the encoded text it begins."""
    raw = text.encode()
    for shift in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            coded = encode(b"\0" * shift + raw)
            first = -(-shift * 8 // 6)
            last = (shift + len(raw)) * 8 // 6
            if last - first >= 6:
                yield coded[first:last]


MARKS = Marks({**SECRETS, **PEOPLE})
