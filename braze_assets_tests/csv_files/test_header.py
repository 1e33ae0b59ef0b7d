"""L06: a wrong header is refused, and tells nothing about anybody."""

import pytest

from braze_assets.csv_files.header import FileHeader, read_header
from braze_assets.csv_files.settings import CsvSettings
from braze_assets.errors import ConfigurationError, CsvError


def read(line: str, **settings: object) -> FileHeader:
    return read_header(line, CsvSettings(**settings), "f.csv")  # type: ignore[arg-type]


def test_names_are_unchanged() -> None:
    """L07: `Loyalty Points`, and whatever else Braze takes."""
    assert read('external_id,Loyalty Points,"a, b",ÄÖ\r\n').attributes == ("Loyalty Points", "a, b", "ÄÖ")


def test_an_alias_takes_two_columns() -> None:
    header = read("user_alias_name,user_alias_label,tier\n", identifier="user_alias")
    assert (header.attributes, header.columns) == (("tier",), 3)
    assert read("braze_id,tier\n", identifier="braze_id").identifier == "braze_id"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("External_ID,a", "it is called 'External_ID'"),
        ("user id,a", "it is called 'user id'"),
        ("braze_id,a", "it is called 'braze_id'"),
        ("a,external_id", "first column is not 'external_id'."),
        ("external_id;a", "`delimiter`"),
        (" external_id,a", "first column is not"),
        ('"external_id', "quotes"),
    ],
)
def test_a_wrong_first_column_is_refused(line: str, said: str) -> None:
    with pytest.raises(CsvError) as caught:
        read(line)
    assert said in str(caught.value)
    assert "f.csv:1" in str(caught.value)


def test_a_file_without_a_header_shows_nobody() -> None:
    """Peers' mistake 5: the first line is then a customer."""
    with pytest.raises(CsvError) as caught:
        read("jane@example.com,Jane,1982")
    assert "jane" not in str(caught.value).lower()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("external_id,a,a", "Two columns are named a"),
        ("external_id,tier,Tier", "differ only in upper and lower case"),
        ("external_id,a,external_id", "Two columns are named external_id"),
        ("external_id,a,braze_id", "second kind of identifier"),
        ("external_id,a,", "no name"),
        ("external_id,a, b", "begins or ends with a space"),
        ("external_id,_update_existing_only", "underscore"),
        ("external_id," + "x" * 256, "256 characters"),
        ("external_id,push_tokens", "object"),
        ("external_id", "no attributes"),
    ],
)
def test_names_that_cannot_be_are_refused(line: str, said: str) -> None:
    with pytest.raises(CsvError, match=said) as caught:
        read(line)
    assert "SELECT" not in str(caught.value.remedy)
    assert " AS" not in str(caught.value.remedy)


def test_as_many_columns_as_are_taken_and_one_more() -> None:
    """L06, bad input: a header with a million columns is refused by their number."""
    names = [f"a{number}" for number in range(2_000)]
    assert read(",".join(["external_id", *names[1:]])).columns == 2_000
    with pytest.raises(CsvError, match="The header has 2,001 columns; 2,000 are taken at most"):
        read(",".join(["external_id", *names]))


def test_a_cast_of_no_column_is_refused_with_what_comes_near() -> None:
    with pytest.raises(CsvError, match="Did you mean 'Loyalty Points'"):
        read("external_id,Loyalty Points", casts={"Loyality Points": "string"})


@pytest.mark.parametrize(
    "settings", [{"encoding": "utf-99"}, {"encoding": "zip"}, {"delimiter": ",,"}, {"delimiter": '"'}]
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError):
        CsvSettings(**settings)  # type: ignore[arg-type]
