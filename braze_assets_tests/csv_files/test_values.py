"""L08, L09: what a cell means."""

import ast
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from braze_assets.csv_files.lists import list_json
from braze_assets_tests.csv_files.reading import cells


def sent(cell: str, **more: Any) -> str | None:
    """The JSON text of one cell."""
    quoted = '"' + cell.replace('"', '""') + '"'
    return str_or_none(cells(f"external_id,a\nx,{quoted}\n", **more)[2]["a"])


def str_or_none(value: Any) -> str | None:
    return None if value is None else str(value)


@pytest.mark.parametrize(
    ("cell", "json_text"),
    [
        ("1982", "1982"),
        ("-7", "-7"),
        ("0", "0"),
        ("-0", "0"),
        ("1.50", "1.50"),
        ("-0.5", "-0.5"),
        (".5", "0.5"),
        ("-.5", "-0.5"),
        ("5.", "5"),
        ("0.30000000000000004", "0.30000000000000004"),
        ("9223372036854775807", "9223372036854775807"),
        ("9223372036854775808", '"9223372036854775808"'),
        ("0123", '"0123"'),
        ("-0123", '"-0123"'),
        ("00.5", '"00.5"'),
        ("972-000-0000", '"972-000-0000"'),
        ("1.2.3", '"1.2.3"'),
        ("1,000", '"1,000"'),
        ("+5", '"+5"'),
        ("1e5", '"1e5"'),
        ("-", '"-"'),
        (".", '"."'),
        ("１２", '"１２"'),
        ("true", "true"),
        ("TRUE", "true"),
        ("False", "false"),
        ("yes", '"yes"'),
        ("null", "null"),
        ("NULL", "null"),
        ("nan", '"nan"'),
        ("NaN", '"NaN"'),
        ("inf", '"inf"'),
        ("None", '"None"'),
        (" 5 ", '" 5 "'),
        ('say "hi"\n', '"say \\"hi\\"\\n"'),
        ("é日", '"é日"'),
        ("", None),
        ("2026-11-23T10:00:00Z", '"2026-11-23T10:00:00Z"'),
    ],
)
def test_cells_are_what_they_look_like(cell: str, json_text: str | None) -> None:
    """L09: numbers, leading zeros stay text, true and false in any case, empty skips, null unsets."""
    assert sent(cell) == json_text


@pytest.mark.parametrize(
    ("cell", "items"),
    [
        ("['Value1', 'Value2']", ["Value1", "Value2"]),
        ('["Value1","Value2"]', ["Value1", "Value2"]),
        ("['a']", ["a"]),
        ("[]", []),
        ("[ ]", []),
        ("[1, 2.5, -3]", [1, 2.5, -3]),
        ("[True, false]", [True, False]),
        ("['it\\'s', \"it's\"]", ["it's", "it's"]),
        ("['a', 'b',]", ["a", "b"]),
        ("[' , ', ',']", [" , ", ","]),
        ("['', ']']", ["", "]"]),
        ("['\\u00e9\\n']", ["é\n"]),
        ("['\\101\\7\\v']", ["A\x07\v"]),
    ],
)
def test_list_cells_arrive_as_arrays(cell: str, items: list[Any]) -> None:
    """L08."""
    assert json.loads(sent(cell) or "") == items


@pytest.mark.parametrize(
    "cell",
    [
        "[__import__('os').system('true')]",
        "[open('/etc/passwd').read()]",
        "[1 + 1]",
        "['a' 'b']",
        "['a' * 9]",
        "[x for x in 'ab']",
        "[['a']]",
        "[{'a': 1}]",
        "[None]",
        "[,]",
        "['a'",
        "['a', b]",
        "[unknown]",
        "[0123]",
        "[1e999]",
        "['\\ud800']",
    ],
)
def test_nothing_but_lists_of_scalars_is_read(cell: str) -> None:
    """L08, bad input: code in brackets is a rejected cell; the rest of the row is sent."""
    row = cells(f'external_id,a,b\nx,"{cell}",1\n')[2]
    if not cell.endswith("]"):
        assert json.loads(row["a"]) == cell  # Not in brackets: text.
        return
    assert (row["a"], row["b"], row["findings"], row["error"]) == (None, "1", {"a": "not_a_list"}, None)
    assert json.loads(sent(cell, casts={"a": "string"}) or "") == cell


SCALARS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    st.integers(-(2**63), 2**63 - 1),
    st.booleans(),
)


@given(st.lists(SCALARS, max_size=6))
@settings(deadline=None, max_examples=300)
def test_any_list_python_writes_is_read(items: list[Any]) -> None:
    """As `str(list)` and as JSON; beside Python's own reader of literals."""
    assert json.loads(list_json(str(items)) or "") == ast.literal_eval(str(items)) == items
    assert json.loads(list_json(json.dumps(items)) or "") == items


@given(
    st.text(st.sampled_from("[]'\"\\,ab01.-eE TrueFalsenvxN{}7\n"), max_size=14).map(lambda text: f"[{text}]")
)
@settings(deadline=None, max_examples=500)
def test_a_list_is_read_as_python_reads_it_or_not_at_all(text: str) -> None:
    read = list_json(text)
    if read is None:
        return
    as_python = (
        text.replace("true", "True").replace("false", "False")
        if "'" not in text and '"' not in text
        else text
    )
    try:
        wanted = ast.literal_eval(as_python)
    except (ValueError, SyntaxError):
        return  # A line break in a text, or a lower-case truth value beside one: Python is stricter.
    assert json.loads(read) == wanted


def test_lists_too_long_for_braze_are_rejected_cells() -> None:
    many = "[" + ", ".join(f"'{number}'" for number in range(26)) + "]"
    assert cells(f'external_id,a\nx,"{many}"\n')[2]["findings"] == {"a": "too_many_items"}
    long = "['" + "x" * 120_000 + "']"
    assert cells(f'external_id,a\nx,"{long}"\n')[2]["findings"] == {"a": "array_too_large"}


def test_texts_too_long_for_braze_are_rejected_cells() -> None:
    """Braze would drop them without an error."""
    assert sent("é" * 255) == f'"{"é" * 255}"'
    assert cells(f"external_id,a\nx,{'é' * 256}\n")[2]["findings"] == {"a": "too_long"}


@pytest.mark.parametrize(
    ("cast", "cell", "json_text"),
    [
        ("string", "1982", '"1982"'),
        ("string", "true", '"true"'),
        ("string", "null", '"null"'),
        ("string", "['a']", "\"['a']\""),
        ("string", "", None),
        ("integer", "0123", "123"),
        ("integer", "+7", "7"),
        ("integer", "12.0", "12"),
        ("integer", "NULL", "null"),
        ("float", "5", "5.0"),
        ("float", "1e5", "100000.0"),
        ("float", "-0", "0.0"),
        ("boolean", "1", "true"),
        ("boolean", "No", "false"),
        ("boolean", "F", "false"),
        ("boolean", "null", "null"),
    ],
)
def test_casts_by_setting(cast: str, cell: str, json_text: str | None) -> None:
    """L09."""
    assert sent(cell, casts={"a": cast}) == json_text


@pytest.mark.parametrize(
    ("cast", "cell"),
    [
        ("integer", "1.5"),
        ("integer", "true"),
        ("integer", "9223372036854775808"),
        ("float", "nan"),
        ("float", "1e999"),
        ("float", "1,5"),
        ("boolean", "maybe"),
        ("boolean", "2"),
    ],
)
def test_a_cell_that_does_not_convert_is_a_finding(cast: str, cell: str) -> None:
    """L09: it is neither cut nor guessed, and the rest of its row is sent."""
    row = cells(f'external_id,a,b\nx,"{cell}",1\n', casts={"a": cast})[2]
    assert (row["a"], row["b"], row["findings"]) == (None, "1", {"a": "cannot_cast"})


def test_profile_fields_that_are_text_stay_text() -> None:
    """A name, a city or a telephone number of digits is no number."""
    row = cells("external_id,phone,first_name,home_city,points\nx,4915112345678,True,1982,1982\n")[2]
    assert (row["phone"], row["first_name"], row["home_city"], row["points"]) == (
        '"4915112345678"',
        '"True"',
        '"1982"',
        "1982",
    )


@pytest.mark.parametrize("identifier", ["123", "1.10", "true", "null", "0123", "['a']", "nan", " 7 "])
def test_the_identifier_is_never_inferred(identifier: str) -> None:
    """L09, peers' mistake 1."""
    assert cells(f"external_id,a\n{identifier},1\n")[2]["id"] == identifier


def test_rows_without_an_identifier_are_reported() -> None:
    found = cells(f"external_id,a\n,1\n  ,2\n{'é' * 500},3\nx,4\n")
    assert [row["error"] for row in found.values()] == [
        "null_identifier",
        "null_identifier",
        "identifier_too_long",
        None,
    ]


def test_an_alias_is_one_identifier() -> None:
    found = cells("user_alias_name,user_alias_label,a\nn,l,1\nn,,2\n", identifier="user_alias")
    assert found[2]["id"] == '{"alias_name":"n","alias_label":"l"}'
    assert found[3]["error"] == "null_identifier"


def test_rows_of_one_user_are_one_object() -> None:
    """Peers' mistake 6: later cells win, empty ones do not; the earlier rows are reported."""
    found = cells("external_id,a,b,c\nx,1,one,\ny,9,,\nx,,two,null\nx,3,,\n")
    assert {name: found[5][name] for name in "abc"} == {"a": "3", "b": '"two"', "c": "null"}
    assert [found[line]["error"] for line in (2, 3, 4, 5)] == [
        "same_user_later",
        None,
        "same_user_later",
        None,
    ]
    assert found[2]["detail"] == "line 5"
