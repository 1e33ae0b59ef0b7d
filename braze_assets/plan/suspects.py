"""Which users may differ, found without joining and without holding their values.

Every user falls into one of many buckets by its identifier. A digest of the identifier and the values that
are wanted is added to the bucket's number, one of those that are held is taken from it again. Whoever is as
held leaves nothing behind, so only users in buckets that are not zero have to be looked at. That takes eight
bytes a bucket, whatever the number of attributes, and nothing is spilled.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from braze_assets.ledger.types import converted
from braze_assets.plan.diff import Diff
from braze_assets.rows import AttributeType
from braze_assets.storage import quote_identifier

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["Suspects", "find_suspects"]

_FEWEST, _MOST = 10, 27
"""Bits of a bucket's number. The most take 1 GB, while DuckDB holds next to nothing. Beyond 100 million users
a bucket has several, and more of those who do not differ are looked at as well."""
_READ = 122_880


@dataclass(frozen=True)
class Suspects:
    """The users who may differ.

    Args:
        table: A table of the numbers of buckets, `bucket`.
        bits: Bits of such a number.
    """

    table: str
    bits: int

    def among(self, identifier: str) -> str:
        """SQL: the user may differ.

        Args:
            identifier: The SQL of its identifier.
        """
        return f"{_bucket(identifier, self.bits)} IN (SELECT bucket FROM {self.table})"


def find_suspects(connection: "DuckDBPyConnection", diff: Diff, users: int, table: str) -> Suspects:
    """All users whose values may differ, the new ones, and those that vanished; hardly any others.

    That a user who differs goes unseen takes digests of 64 bits that make up for each other by chance: less
    likely than one in 10^11 in a plan of 100 million changes.

    Args:
        connection: What the tables are read with, and where the buckets are kept.
        diff: The plan's queries; something is held.
        users: The number of users wanted or held, whichever is more.
        table: The name of the table that is made.
    """
    import numpy
    import pyarrow as pa

    bits = min(_MOST, max(_FEWEST, users.bit_length() + 1))
    tally = numpy.zeros(1 << bits, numpy.uint64)
    for query, count in zip(_digests(diff, bits), (numpy.add, numpy.subtract), strict=True):
        for batch in connection.sql(query).to_arrow_reader(_READ):
            bucket, digest = (column.to_numpy() for column in batch.columns)
            count.at(tally, bucket.view(numpy.int64), digest)
    buckets = pa.table({"bucket": numpy.flatnonzero(tally).view(numpy.uint64)})
    del tally
    connection.register("plan_buckets", buckets)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT * FROM plan_buckets")
    connection.unregister("plan_buckets")
    return Suspects(table, bits)


def _bucket(identifier: str, bits: int) -> str:
    return f"(hash({identifier}) >> {64 - bits})"


def _digests(diff: Diff, bits: int) -> tuple[str, str]:
    """SQL: bucket and digest of every user that is wanted, and of every one that is held."""
    identifier = quote_identifier(diff.header.identifier)
    wanted, held, odd, held_odd = [], [], ["_error IS NOT NULL"], ["_unknown IS NOT NULL"]
    for column in diff.columns:
        name = quote_identifier(column.name)
        if column.new is None:
            held_odd += [f"{name} IS NOT NULL"] if diff.unsets(column) else []
        elif column.old is None:
            odd.append(f"{name} IS NOT NULL")
        else:
            kind = column.new.type.sql
            same = converted(name, column.old, kind)
            wanted.append(_hashed(f"CAST({name} AS {kind})", column.new.type))
            held.append(_hashed(same, column.new.type))
            if column.old != kind:
                # What has no value of the new type is NULL there, and held all the same.
                held_odd.append(f"({name} IS NOT NULL AND {same} IS NULL)")
    return (
        f"SELECT {_bucket(identifier, bits)}, {_digest(identifier, wanted, odd, 1)} FROM {diff.rows}",
        f"SELECT {_bucket(identifier, bits)}, {_digest(identifier, held, held_odd, 2)} FROM {diff.held}",
    )


def _hashed(value: str, kind: AttributeType) -> str:
    """What goes into the digest: DuckDB hashes some arrays alike ([0] and [0, 0]; [] and NULL)."""
    if kind.name == "Object" or (kind.array and kind.name == "String"):
        return f"to_json({value})::VARCHAR"
    return f"CAST({value} AS VARCHAR)" if kind.array else value


def _digest(identifier: str, values: Sequence[str], odd: Sequence[str], side: int) -> str:
    """SQL: 64 bits of the identifier and the values, other ones on each side for who is odd.

    How DuckDB makes one hash of several is linear: left at that, two users of one bucket with the same change
    would make up for each other. The hash of a number is not, so it is taken of both parts, and of their sum.
    """
    mixed = f"hash(hash({', '.join(values)}))" if values else "0::UBIGINT"
    marked = f"CASE WHEN {' OR '.join(odd)} THEN {side}::UBIGINT ELSE 0::UBIGINT END"
    return f"hash(xor(xor(hash({identifier}), {mixed}), {marked}))"
