"""What a Braze workspace knows before the first sync: most of the customers, and some people besides."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

from braze_assets.customer_360.draws import Draws
from braze_assets.customer_360.sample import table_sql
from braze_assets.customer_360.settings import SampleSettings

if TYPE_CHECKING:
    import duckdb

__all__ = ["braze_seed_sql", "seed_profiles"]


def braze_seed_sql(
    settings: SampleSettings,
    *,
    identifier: Literal["external_id", "amperity_id"] = "external_id",
    known: float = 0.87,
    strangers: float = 0.03,
) -> str:
    """The SQL of the profiles in Braze on the first day, one column `profile` of JSON objects.

    An object is `{"external_id": ..., "attributes": {...}}`. No external id comes twice. Some custom
    attributes are there already under names that are nearly those of a sync (`One_and_Done`, `birthday`);
    and two profiles of people who are no customers have the same e-mail address.

    Args:
        settings: The sample.
        identifier: The column of merged_customers that Braze has as external id.
        known: The share of the customers who have a profile.
        strangers: Profiles of people who are no customers, as a share of the customers.
    """
    draws = Draws(settings.seed)
    customers = table_sql("merged_customers", settings, settings.start)
    key = f"(hash({identifier}) >> 8)::BIGINT"
    return f"""
    SELECT json_object(
        'external_id', {identifier},
        'attributes', json_merge_patch(  -- which drops what is null
            json_object(), json_object('first_name', given_name, 'email', email),
            CASE WHEN {draws.chance("near miss", 0.3, key)} THEN json_object(
                'One_and_Done', {draws.chance("one and done", 0.6, key)},
                'birthday', strftime(birthdate, '%Y-%m-%d')) ELSE json_object() END
        )
    )::VARCHAR AS profile
    FROM (
        FROM ({customers}) WHERE {identifier} IS NOT NULL
        QUALIFY row_number() OVER (PARTITION BY {identifier} ORDER BY amperity_id) = 1
    )
    WHERE {draws.chance("in Braze", known, key)}
    UNION ALL
    SELECT json_object(
        'external_id', 'app-' || lpad(n::VARCHAR, 8, '0'),
        'attributes', json_object(
            'first_name', 'Guest',
            'email', 'guest.' || greatest(n, 1) || '@example.org',
            'favourite_colour', ['red', 'green', 'blue'][1 + n % 3])
    )::VARCHAR AS profile
    FROM (SELECT range AS n FROM range({max(2, round(settings.customers * strangers))}))
    """


def seed_profiles(
    connection: "duckdb.DuckDBPyConnection",
    settings: SampleSettings,
    *,
    identifier: Literal["external_id", "amperity_id"] = "external_id",
) -> Iterator[dict[str, Any]]:
    """The profiles of `braze_seed_sql`, one after the other, as objects; ordered by external id."""
    query = f"FROM ({braze_seed_sql(settings, identifier=identifier)}) ORDER BY profile"
    for batch in connection.sql(query).to_arrow_reader(10_000):
        for profile in batch.column(0).to_pylist():
            yield json.loads(profile)
