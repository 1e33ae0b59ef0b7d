"""docs/engagement.md names the columns that are there, and no others (K42)."""

import re

from braze_assets.currents.campaign_columns import CAMPAIGN_COLUMNS
from braze_assets.currents.engagement import ENGAGEMENT_COLUMNS
from braze_assets.currents.message_events import MESSAGE_EVENTS_COLUMNS
from braze_assets.currents.messages import ACTIONS
from braze_assets_tests.docs.documents import read

TEXT = read("engagement.md")


def rows(heading: str, table: str) -> list[list[list[str]]]:
    """The cells of a table, by its section and the title of its first column: what is between backticks."""
    section = TEXT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = section[section.index(f"| {table} |") :].partition("\n\n")[0].splitlines()[2:]
    return [[re.findall(r"`([^`]+)`", cell) for cell in line.strip("|").split("|")] for line in lines]


def first_cells(heading: str, table: str) -> list[str]:
    return [name for row in rows(heading, table) for name in row[0]]


def test_the_columns_of_messages_and_campaigns() -> None:
    assert sorted(first_cells("Every channel", "column")) == sorted(c.name for c in MESSAGE_EVENTS_COLUMNS)
    assert sorted(first_cells("Campaigns and Canvases", "column")) == sorted(c.name for c in CAMPAIGN_COLUMNS)


def test_the_words_of_actions() -> None:
    assert sorted(first_cells("Every channel", "`action` | event types ending in")) == sorted(ACTIONS)


def test_the_columns_of_engagement() -> None:
    """Shortened names, `email_opens_...`, with what stands for the dots in the next cell."""
    engaged, others, *rest = rows("Attributes and segments", "columns of both")
    left_out = {"last_5_days", "last_3_months", "last_6_months", "last_9_months"}
    said = [name.replace("...", end) for name in engaged[0] for end in engaged[1]]
    said += [name.replace("...", end) for name in others[0] for end in engaged[1] if end not in left_out]
    for names, ends in rest:
        said += [name.replace("...", end) for name in names for end in (ends if "..." in name else [""])]
    assert sorted(said) == sorted({c.name for c in ENGAGEMENT_COLUMNS} - {"external_user_id"})
