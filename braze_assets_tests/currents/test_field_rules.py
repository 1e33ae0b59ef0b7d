"""Fields left out or hashed (K39)."""

import hashlib

import pyarrow as pa
import pytest

from braze_assets.currents.field_rules import FieldRules
from braze_assets.errors import ConfigurationError


def test_fields_are_dropped_and_hashed() -> None:
    """K39: SHA-256 in hexadecimal, NULL stays NULL, nothing else changes."""
    table = pa.table({"id": ["1", "2", "3"], "email": ["a@b.c", None, "a@b.c"], "ad_id": ["x", "y", "z"]})
    found = FieldRules(drop=("ad_id", "other"), hash=("email", "none")).apply(table)
    digest = hashlib.sha256(b"a@b.c").hexdigest()
    assert found.to_pydict() == {"id": ["1", "2", "3"], "email": [digest, None, digest]}
    assert FieldRules(hash=("n",)).apply(pa.table({"n": pa.chunked_array([[1], [2]])})).num_rows == 2
    empty = pa.table({"email": pa.array([], pa.string())})
    assert FieldRules(hash=("email",)).apply(empty).num_rows == 0


@pytest.mark.parametrize("rules", [{"drop": ("id",)}, {"hash": ("time",)}, {"drop": ("a",), "hash": ("a",)}])
def test_rules_that_cannot_be(rules: dict[str, tuple[str, ...]]) -> None:
    with pytest.raises(ConfigurationError):
        FieldRules(**rules)
