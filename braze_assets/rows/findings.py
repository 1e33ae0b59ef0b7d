"""What was found wrong in a table of rows: as a table, as counts, and in plain words."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from braze_assets.braze.identifiers import IdentifierKind

__all__ = ["CATALOGUE", "Explanation", "findings_sql", "findings_summary_sql"]


@dataclass(frozen=True)
class Explanation:
    """A problem code in plain words."""

    meaning: str
    remedy: str
    row: bool = False
    """Whether the whole row is not sent, rather than one cell."""
    sent: bool = False
    """Whether the cell is sent all the same, changed as the meaning says."""


CATALOGUE: Mapping[str, Explanation] = MappingProxyType(
    {
        "null_identifier": Explanation(
            "The row has no identifier, or a blank one.",
            "Exclude such rows in the SQL, or find out why the customer has none.",
            row=True,
        ),
        "duplicate_identifier": Explanation(
            "Several rows have the same identifier; none of them is sent, for nobody knows which is right.",
            "Keep one: QUALIFY row_number() OVER (PARTITION BY external_id ORDER BY ...) = 1.",
            row=True,
        ),
        "identifier_too_long": Explanation(
            "The identifier has more bytes than Braze takes.",
            "Check that the column is an identifier.",
            row=True,
        ),
        "not_finite": Explanation(
            "The value is infinite or not a number, which JSON cannot say.",
            "Make it NULL, such as nullif(a, 0) under a division.",
        ),
        "integer_out_of_range": Explanation(
            "The integer does not fit 64 bits.", "Send it as text, or as a DECIMAL."
        ),
        "date_out_of_range": Explanation(
            "Braze keeps dates before the year 1 or after 3000 as text.", "Make such placeholder dates NULL."
        ),
        "too_long": Explanation(
            "The text has more characters than Braze keeps; it would drop it without an error.",
            "Shorten it: left(column, 255).",
        ),
        "cannot_cast": Explanation(
            "The value does not convert to the type the attribute is set to.",
            "Correct the value, or the type in the settings.",
        ),
        "too_many_items": Explanation(
            "The array has more items than Braze keeps.",
            "Keep the newest: list_slice(column, 1, 25), or raise array_items if Braze raised it for you.",
        ),
        "array_too_large": Explanation(
            "The array is larger than Braze takes.", "Send fewer or shorter items."
        ),
        "nested_too_large": Explanation(
            "The object, or the array of objects, is larger than Braze takes.", "Send fewer fields or items."
        ),
        "bad_key": Explanation(
            "A key of the map is empty, too long, has a space, dot or dollar sign, or is add, remove or inc.",
            "Rename such keys: map_from_entries(list_transform(map_entries(column), ...)).",
        ),
        "null_items": Explanation(
            "Items that are NULL or have no value were left out of the array; the rest is sent.",
            "Filter them in the SQL: list_filter(column, lambda x: x IS NOT NULL).",
            sent=True,
        ),
        "bad_date": Explanation(
            "The date of birth is not a day written YYYY-MM-DD.",
            "Convert it: CAST(strptime(column, '%d/%m/%Y') AS DATE).",
        ),
        "date_in_future": Explanation("The date of birth has not come yet.", "Make such dates NULL."),
        "date_too_early": Explanation("The date of birth is before 1900.", "Make placeholder dates NULL."),
        "bad_country": Explanation(
            "The country is not an ISO 3166-1 alpha-2 code in upper case; Braze might guess, or clear it.",
            "Map names to codes in the SQL.",
        ),
        "bad_language": Explanation(
            "The language is not an ISO 639-1 code in lower case.",
            "Take the first part of a locale: left(l, 2).",
        ),
        "bad_gender": Explanation(
            "The gender is not M, F, O, N or P.", "Map it in the SQL, such as upper(left(gender, 1))."
        ),
        "bad_phone": Explanation(
            "The phone number is not E.164: + and country code, then digits only, 15 at most.",
            "Normalise it where it is recorded; digits cannot be guessed here.",
        ),
        "bad_email": Explanation(
            "The e-mail address is not of the form name@domain; Braze would refuse the whole object.",
            "Correct it where it is recorded.",
        ),
        "bad_time_zone": Explanation(
            "The time zone is not an IANA name such as Europe/Berlin.", "Map abbreviations such as PST."
        ),
        "bad_subscription": Explanation(
            "The state is not opted_in, subscribed or unsubscribed.", "Map it in the SQL."
        ),
    }
)
"""Every code that `_error` and `_findings` can hold."""


def findings_sql(rows: str, identifier: IdentifierKind) -> str:
    """A SELECT of one row a finding: identifier, attribute (NULL for the whole row), problem, detail.

    Args:
        rows: A SQL table expression of a table of rows.
        identifier: Its identifier column.
    """
    return (
        f"SELECT {identifier}, CAST(NULL AS VARCHAR) AS attribute, _error AS problem, "
        f"CAST(NULL AS VARCHAR) AS detail FROM {rows} WHERE _error IS NOT NULL "
        f"UNION ALL SELECT {identifier}, f.attribute, f.problem, f.detail "
        f"FROM (SELECT {identifier}, unnest(_findings) AS f FROM {rows} WHERE len(_findings) > 0)"
    )


def findings_summary_sql(rows: str, identifier: IdentifierKind) -> str:
    """A SELECT of counts without personal data: attribute, problem, cells; the most frequent first."""
    return (
        f"SELECT attribute, problem, count(*) AS cells FROM ({findings_sql(rows, identifier)}) "
        "GROUP BY ALL ORDER BY cells DESC, attribute, problem"
    )
