"""Which events are there twice.

Currents delivers at least once: the same event, with the same `id`, can be in two files of an hour or in two
hours (Currents documentation, "Event delivery semantics", September 2026). Of several, the first by file key
and position stays; one that a file of an earlier hour has goes.

Ids are compared as what they are, never as hashes, so that no two can collide. Braze's are UUIDs: those are
sorted as the numbers they stand for, all others are compared as text.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from braze_assets.currents.id_file import DOCUMENT, IdFile
from braze_assets.currents.sorted_keys import GatheredKeys, SortedKeys
from braze_assets.currents.text_ids import GatheredTexts
from braze_assets.currents.uuids import Keys, keys_of
from braze_assets.storage import EngineSettings

__all__ = ["DOCUMENT", "Duplicates", "IdFile", "find_duplicates", "shared", "write_ids"]


@dataclass(frozen=True)
class Duplicates:
    """What goes.

    Args:
        positions: Ordinals of the events to leave out, ascending, counted over all files.
        in_hour: How many of them repeat an event of the same hour only.
        of_earlier_hours: How many are in a file of an earlier hour.
    """

    positions: npt.NDArray[np.int64]
    in_hour: int
    of_earlier_hours: int


Ids = Callable[[], Iterable[pa.ChunkedArray]]
"""Gives the `id` column of each file, in the order of the files."""


def find_duplicates(
    ids: Ids,
    earlier: Sequence[IdFile] = (),
    *,
    keep: Path | None = None,
    document: Mapping[str, Any] | None = None,
    settings: EngineSettings | None = None,
) -> Duplicates:
    """Find the events to leave out. Events without an id are all kept.

    Of the ids some millions are in memory at a time, the others wait on disk; those of the earlier hours are
    read along.

    Args:
        ids: The ids of the hour, a file at a time.
        earlier: The ids of earlier hours, as `write_ids` keeps them.
        keep: Where to keep the ids of this hour in the same way.
        document: What to say about them in the file.
        settings: How much of the machine DuckDB may take, for ids that are no UUIDs.
    """
    again: list[npt.NDArray[np.int64]] = []
    known: list[npt.NDArray[np.int64]] = []

    def searched(spans: Iterable[SortedKeys]) -> Iterator[Keys]:
        for span in spans:
            for file in earlier:
                for keys in file.numbers():
                    span.find(keys)
            again.append(span.position[span.again & ~span.known])
            known.append(span.position[span.known])
            yield span.distinct

    with _gathered(ids, settings) as (keys, texts):
        parts = chain(searched(keys.spans()), texts.distinct() if keep is not None else ())
        if keep is not None:
            IdFile(keep).write(parts, document or {})
        else:
            for _ in parts:
                pass
        found = texts.find(chain.from_iterable(file.texts() for file in earlier))
        known.append(found)
        again.append(np.setdiff1d(texts.again(), found))
    of_earlier = sum(map(len, known))
    gone = np.sort(np.concatenate(again + known))
    return Duplicates(gone, len(gone) - of_earlier, of_earlier)


def write_ids(
    ids: Ids, path: Path, document: Mapping[str, Any], settings: EngineSettings | None = None
) -> None:
    """Keep the distinct ids of an hour in a file."""
    with _gathered(ids, settings) as (keys, texts):
        IdFile(path).write(chain((span.distinct for span in keys.spans()), texts.distinct()), document)


def shared(one: IdFile, other: IdFile, settings: EngineSettings | None = None) -> bool:
    """Whether two files of ids have an id in common."""

    def texts() -> Iterator[pa.ChunkedArray]:
        return (pa.chunked_array([each]) for each in one.texts())

    for key, low in one.numbers():
        mine = SortedKeys(key, low, np.arange(len(key), dtype=np.int64))
        if any(mine.find(keys) for keys in other.numbers()):
            return True
    with _gathered(texts, settings) as (_, gathered):
        return len(gathered.find(other.texts())) > 0


@contextmanager
def _gathered(ids: Ids, settings: EngineSettings | None) -> Iterator[tuple[GatheredKeys, GatheredTexts]]:
    """The ids by kind, with the positions of their events."""
    with GatheredKeys() as keys, GatheredTexts(settings) as texts:
        start = 0
        for column in ids():
            for chunk in column.chunks:
                positions = np.arange(start, start + len(chunk), dtype=np.int64)
                start += len(chunk)
                found, numbers = keys_of(chunk)
                if found.all():
                    keys.add(numbers, positions)
                    continue
                keys.add(numbers, positions[found])
                others = ~found & chunk.is_valid().to_numpy(zero_copy_only=False)
                if others.any():
                    texts.add(chunk.filter(pa.array(others)), positions[others])
        texts.finish()
        yield keys, texts
