"""The proof: every profile the local Braze holds, compared value by value with the wanted table.

Written without the code it checks: the wanted values are turned into JSON here, by Python's own rules.
"""

import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa

from braze_assets.storage import StoredTable, connect, quote_literal

__all__ = ["Proof", "prove"]


@dataclass
class Proof:
    """What the comparison counted."""

    profiles: int = 0
    """Users that are both in the table and in Braze."""
    values: int = 0
    """Values compared."""
    differences: int = 0
    unknown_to_braze: int = 0
    """Users of the table that Braze does not know: an update never creates them."""
    only_in_braze: int = 0
    left_alone: int = 0
    """Cells that say nothing: NULL with the policy `omit`, or refused. What Braze holds there is not ours."""
    by_attribute: dict[str, int] = field(default_factory=dict)
    """Differences by attribute."""


def prove(rows: StoredTable, profiles: Iterable[Mapping[str, Any]], unset: frozenset[str]) -> Proof:
    """Compare.

    Args:
        rows: The wanted table of the newest partition.
        profiles: What Braze holds: `{"external_id": ..., "attributes": {...}}`.
        unset: Attributes whose NULL means that Braze must not hold them.
    """
    proof = Proof()
    with tempfile.TemporaryDirectory(prefix="braze-assets-") as folder, connect() as connection:
        held = Path(folder, "profiles.csv")
        _write(held, profiles)
        held_sql = (
            f"read_csv({quote_literal(str(held))}, delim = '\t', header = false, quote = '', escape = '', "
            "columns = {'external_id': 'VARCHAR', 'attributes': 'VARCHAR'}, max_line_size = 10000000)"
        )
        reader = connection.sql(
            f"SELECT r.*, h.external_id AS _in_braze, h.attributes AS _held FROM {held_sql} h FULL JOIN "
            f"(SELECT * FROM {rows.sql(connection)} WHERE _error IS NULL) r ON h.external_id = r.external_id"
        ).to_arrow_reader(10_000)
        for batch in reader:
            for row in _rows(batch):
                _compare(proof, row, unset)
    return proof


def _write(path: Path, profiles: Iterable[Mapping[str, Any]]) -> None:
    with path.open("w", encoding="utf-8") as sink:
        for profile in profiles:
            # JSON escapes tabs and line breaks, so one line is one profile.
            sink.write(f"{profile['external_id']}\t{json.dumps(profile['attributes'], ensure_ascii=False)}\n")


def _rows(batch: pa.RecordBatch) -> Iterator[dict[str, Any]]:
    yield from batch.to_pylist()


def _compare(proof: Proof, row: dict[str, Any], unset: frozenset[str]) -> None:
    held_text, known = row.pop("_held"), row.pop("_in_braze")
    bad_cells = {finding["attribute"] for finding in row.pop("_findings") or ()}
    row.pop("_error")
    if row.pop("external_id") is None:
        proof.only_in_braze += 1
        return
    if known is None:
        proof.unknown_to_braze += 1
        return
    proof.profiles += 1
    held = json.loads(held_text, parse_float=Decimal)
    for name, wanted in row.items():
        if name in bad_cells or (wanted is None and name not in unset):
            proof.left_alone += 1
            continue
        proof.values += 1
        if not _same(wanted, held, name):
            proof.differences += 1
            proof.by_attribute[name] = proof.by_attribute.get(name, 0) + 1


def _same(wanted: Any, held: Mapping[str, Any], name: str) -> bool:
    if wanted is None or name not in held:
        return wanted is None and name not in held
    # To Python True is 1; to Braze it is another type.
    return isinstance(wanted, bool) == isinstance(held[name], bool) and held[name] == _as_json(wanted)


def _as_json(value: Any) -> Any:
    """A wanted value as `json.loads` would give it back."""
    if isinstance(value, datetime):
        return value.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, list):
        return [_as_json(each) for each in value]
    return value
