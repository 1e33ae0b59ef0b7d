"""Duplicates by id, against sets of texts as the oracle."""

import uuid
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from braze_assets.currents import id_file, sorted_keys, text_ids, uuids
from braze_assets.currents.duplicates import IdFile, find_duplicates, shared, write_ids
from braze_assets.currents.uuids import SplitIds, keys_of, split_ids

_SOME = [str(uuid.UUID(int=number * 0x9E3779B97F4A7C15F39CC0605CEDC834 % 2**128)) for number in range(12)]
_NEARLY = [_SOME[1].upper(), _SOME[2].replace("-", "_"), _SOME[3][:-1] + "g", _SOME[4][:-1], f" {_SOME[5]}"]
_IDS = st.sampled_from([None, "", "event-1", "event-2", "é" * 18, *_SOME, *_NEARLY])
_HOUR = st.lists(st.lists(_IDS, max_size=8), max_size=4)


def _columns(hour: Sequence[Sequence[str | None]]) -> list[SplitIds]:
    """The ids of each file, in two chunks that do not begin where their memory does."""
    return [
        split_ids(pa.chunked_array([pa.array([None, *part], pa.string())[1:] for part in (ids[:3], ids[3:])]))
        for ids in hour
    ]


def _file(hour: Sequence[Sequence[str | None]], path: Path) -> IdFile:
    write_ids(lambda: _columns(hour), path, {})
    return IdFile(path)


@pytest.fixture(params=["few at once", "many at once"], autouse=True)
def _sizes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything twice: in one go, and with every limit so low that disk, spans and DuckDB take part."""
    if request.param == "few at once":
        monkeypatch.setattr(sorted_keys, "_AT_ONCE", 4)
        monkeypatch.setattr(sorted_keys, "_IN_MEMORY", 2)
        monkeypatch.setattr(sorted_keys, "_WORTH", 1)
        monkeypatch.setattr(text_ids, "_IN_MEMORY", 2)
        monkeypatch.setattr(id_file, "_ROWS", 2)
        monkeypatch.setattr(id_file, "_FEW", 3)


@settings(deadline=None, max_examples=40)
@given(hour=_HOUR, earlier=st.lists(_HOUR, max_size=3), alike=st.booleans(), workers=st.sampled_from([1, 3]))
def test_the_first_of_several_stays(
    tmp_path_factory: pytest.TempPathFactory,
    hour: list[list[str | None]],
    earlier: list[list[list[str | None]]],
    alike: bool,
    workers: int,
) -> None:
    """K41: of several the first stays, and none that an earlier hour has; also if numbers collide."""
    folder = tmp_path_factory.mktemp("ids")
    with pytest.MonkeyPatch.context() as patch:
        if alike:
            patch.setattr(uuids, "_spread", lambda numbers: numbers & np.uint64(1))
        files = [_file(each, folder / f"{number}.parquet") for number, each in enumerate(earlier)]
        kept = folder / "kept.parquet"
        found = find_duplicates(
            lambda: _columns(hour), files, keep=kept, document={"of": "it"}, workers=workers
        )
        without = find_duplicates(lambda: _columns(hour), files, workers=workers)
        common = [shared(IdFile(kept), file) for file in files]

    known = {name for each in earlier for ids in each for name in ids}
    seen: set[str | None] = {None}
    gone, of_earlier = [], 0
    for position, name in enumerate(name for ids in hour for name in ids):
        if name is not None and (name in known or name in seen):
            gone.append(position)
            of_earlier += name in known
        seen.add(name)
    assert found.positions.tolist() == without.positions.tolist() == gone
    assert (found.in_hour, found.of_earlier_hours) == (len(gone) - of_earlier, of_earlier)
    mine = seen - {None}
    assert common == [bool(mine & {name for ids in each for name in ids}) for each in earlier]
    texts = [name for part in IdFile(kept).texts() for name in part.to_pylist()]
    assert sorted(texts) == sorted(name for name in mine if name is not None and name not in _SOME)
    numbers = [pair for key, low in IdFile(kept).numbers() for pair in zip(key, low, strict=True)]
    assert len(numbers) == len(set(numbers)) == len(mine & set(_SOME))
    assert numbers == sorted(numbers)


def test_exactly_the_text_of_a_uuid_is_one() -> None:
    """K41: an id is taken for a UUID only where it is that UUID's own text, so no two ids become one."""
    texts = []
    for text in _SOME[1:3]:
        for place in range(36):
            texts += [text[:place] + chr(code) + text[place + 1 :] for code in range(1, 128)]
    found, (key, low) = keys_of(pa.array(texts))
    assert found.tolist() == [_is_uuid(text) for text in texts]
    distinct = {text for text, one in zip(texts, found, strict=True) if one}
    assert len(set(zip(key.tolist(), low.tolist(), strict=True))) == len(distinct)


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False
