"""K16: batches of at most 75 objects and 4 MB, in order, every object once, byte for byte."""

import itertools
import json

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from braze_assets.delivery.batches import Batch, Packer

OBJECTS = st.lists(st.dictionaries(st.text(max_size=3), st.text(max_size=20), max_size=3), max_size=200)


def stream(texts: list[str], cuts: list[int]) -> list[pa.RecordBatch]:
    whole = pa.record_batch(
        {"n": pa.array(range(len(texts)), pa.int64()), "object": pa.array(texts, pa.string())}
    )
    edges = sorted({0, len(texts), *(cut % (len(texts) + 1) for cut in cuts)})
    return [whole.slice(a, b - a) for a, b in itertools.pairwise(edges)] or [whole]


@settings(deadline=None, max_examples=80)
@given(
    objects=OBJECTS,
    cuts=st.lists(st.integers(0, 10_000), max_size=5),
    limit=st.integers(1, 75),
    size=st.integers(20, 2_000),
)
def test_every_object_travels_once_in_order_within_both_limits(
    objects: list[dict[str, str]], cuts: list[int], limit: int, size: int
) -> None:
    texts = [json.dumps(each) for each in objects]
    batches = list(Packer(objects=limit, size=size).pack(stream(texts, cuts)))
    assert [text.decode() for batch in batches for text in batch.texts] == texts
    assert [n for batch in batches for n in batch.rows.column("n").to_pylist()] == list(range(len(texts)))
    for batch, after in itertools.zip_longest(batches, batches[1:]):
        assert json.loads(batch.body)["attributes"] == [json.loads(text) for text in batch.texts]
        assert len(batch) <= limit
        assert len(batch.body) <= size or len(batch) == 1
        if after is not None:
            fuller = len(batch.body) + 1 + len(after.texts[0])
            assert len(batch) == limit or fuller > size, "cut short for no reason"


def test_few_large_reads_make_full_batches() -> None:
    texts = ["{}"] * 20_000
    sizes = [len(batch) for batch in Packer(objects=75, size=4_000_000).pack(stream(texts, [7_000, 14_001]))]
    assert sizes == [75] * 266 + [50]


def batch_of(texts: list[str]) -> Batch:
    (rows,) = stream(texts, [])
    return Batch(rows, [text.encode() for text in texts])


@settings(deadline=None, max_examples=50)
@given(st.lists(st.text("x", min_size=1, max_size=300), min_size=2, max_size=75), st.data())
def test_parts_keep_rows_and_texts_together(texts: list[str], data: st.DataObject) -> None:
    batch = batch_of(texts)
    for halves in (batch.halves(), batch.byte_halves()):
        assert all(len(half) for half in halves)
        assert [t for half in halves for t in half.texts] == batch.texts
        assert [n for half in halves for n in half.rows["n"].to_pylist()] == list(range(len(texts)))
    first, second = batch.byte_halves()
    longest = max(map(len, batch.texts))
    assert abs(sum(map(len, first.texts)) - sum(map(len, second.texts))) <= 2 * longest
    gone = data.draw(st.sets(st.integers(0, len(texts) - 1)))
    kept = batch.without(gone)
    assert kept.rows["n"].to_pylist() == [n for n in range(len(texts)) if n not in gone]
    assert kept.rows["object"].to_pylist() == [text.decode() for text in kept.texts]


def test_halving_finds_one_object_in_75_within_seven_rounds() -> None:
    def rounds(batch: Batch) -> int:
        return 0 if len(batch) == 1 else 1 + max(rounds(half) for half in batch.halves())

    assert rounds(batch_of(["{}"] * 75)) == 7


def test_the_body_is_the_same_bytes_every_time() -> None:
    batch = batch_of(['{"a": 1.50}', '{"b":"é"}'])
    assert batch.body is batch.body
    assert batch.body == '{"attributes":[{"a": 1.50},{"b":"é"}]}'.encode()
