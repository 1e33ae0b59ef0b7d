"""The wanted table: the user's SQL or file, in canonical types, validated cell by cell."""

from braze_assets.rows.build import BuiltRows, build_rows
from braze_assets.rows.counts import RowsCounts
from braze_assets.rows.files import TableFile
from braze_assets.rows.findings import CATALOGUE, Explanation, findings_sql, findings_summary_sql
from braze_assets.rows.front_matter import FrontMatter
from braze_assets.rows.header import ROWS_KEY, Attribute, NullPolicy, RowsHeader, Update, read_rows_header
from braze_assets.rows.query import TableQuery
from braze_assets.rows.spec import AttributeSettings, RowsSpec
from braze_assets.rows.thresholds import Breach, Thresholds
from braze_assets.rows.types import AttributeType, TypeName, json_form

__all__ = [
    "CATALOGUE",
    "ROWS_KEY",
    "Attribute",
    "AttributeSettings",
    "AttributeType",
    "Breach",
    "BuiltRows",
    "Explanation",
    "FrontMatter",
    "NullPolicy",
    "RowsCounts",
    "RowsHeader",
    "RowsSpec",
    "TableFile",
    "TableQuery",
    "Thresholds",
    "TypeName",
    "Update",
    "build_rows",
    "findings_sql",
    "findings_summary_sql",
    "json_form",
    "read_rows_header",
]
