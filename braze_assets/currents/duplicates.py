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
from braze_assets.currents.in_order import in_order
from braze_assets.currents.sorted_keys import GatheredKeys, SortedKeys, Span
from braze_assets.currents.text_ids import GatheredTexts
from braze_assets.currents.uuids import Keys, SplitIds, split_ids
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


Ids = Callable[[], Iterable[SplitIds]]
"""Gives the ids of each file, in the order of the files."""


def find_duplicates(
    ids: Ids,
    earlier: Sequence[IdFile] = (),
    *,
    keep: Path | None = None,
    document: Mapping[str, Any] | None = None,
    settings: EngineSettings | None = None,
    workers: int = 1,
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
        workers: How many processors sort and search.
    """
    again: list[npt.NDArray[np.int64]] = []
    known: list[npt.NDArray[np.int64]] = []

    with _gathered(ids, settings) as (keys, texts):

        def search(span: Span) -> SortedKeys:
            mine = keys.sorted(span)
            for file in earlier:
                for others in file.numbers():
                    mine.find(others)
            return mine

        def searched() -> Iterator[Keys]:
            for mine in in_order(search, keys.spans(workers), workers):
                again.append(mine.position[mine.again & ~mine.known])
                known.append(mine.position[mine.known])
                yield mine.distinct

        parts = chain(searched(), texts.distinct() if keep is not None else ())
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
        numbers = (keys.sorted(span).distinct for span in keys.spans())
        IdFile(path).write(chain(numbers, texts.distinct()), document)


def shared(one: IdFile, other: IdFile, settings: EngineSettings | None = None) -> bool:
    """Whether two files of ids have an id in common."""

    def texts() -> Iterator[SplitIds]:
        return (split_ids(pa.chunked_array([each])) for each in one.texts())

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
        for part in ids():
            keys.add(part.keys, part.numbered + start)
            if len(part.texts):
                texts.add(part.texts.combine_chunks(), part.placed + start)
            start += part.events
        texts.finish()
        yield keys, texts
