"""What becomes of the values of custom attributes (X11)."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from braze_assets.emulator.nested import deep_merge, key_count, nested_is_valid
from braze_assets.emulator.values import unique
from braze_assets_tests.emulator.helpers import call, held, put, send, workspace

scalars = st.one_of(st.booleans(), st.integers(-5, 5), st.sampled_from(["a", "b", "1", ""]))


def same(left: object, right: object) -> bool:
    """As JSON sees it: true is not 1."""
    return left == right and isinstance(left, bool) == isinstance(right, bool)


def test_names_are_trimmed_and_case_sensitive():
    assert put(workspace(), **{" spaced name ": 1, "Tier": "a", "tier": "b"}) == {
        "spaced name": 1,
        "Tier": "a",
        "tier": "b",
    }


@pytest.mark.parametrize("name", ["", "  ", "$price", "n" * 256, " email", "external_id "])
def test_bad_names_are_dropped(name):
    assert put(workspace(), **{name: "value", "good": 1}) == {"good": 1}


def test_null_removes_and_empty_text_stays():
    space = workspace()
    put(space, tier="gold", note="x")
    assert put(space, tier=None, note="", never_there=None) == {"note": ""}


def test_text_over_255_characters_is_not_updated():
    space = workspace()
    assert put(space, note="é" * 255) == {"note": "é" * 255}
    assert put(space, note="x" * 256, other="y") == {"note": "é" * 255, "other": "y"}


def test_scalars_are_kept_as_sent():
    values = {"yes": True, "count": 2**60, "ratio": 0.1, "negative": -3, "at": "2026-11-22T10:00:00.000Z"}
    assert put(workspace(), **values) == values


def test_numbers_too_large_for_json_are_ignored():
    space = workspace()
    send(space, {"external_id": "u"})
    body = b'{"attributes":[{"external_id":"u","big":1e999,"list":[1e999],"nested":{"a":1e999},"ok":1}]}'
    assert call(space, "/users/track", body).status == 201
    assert held(space) == {"ok": 1}


class TestArrays:
    def test_duplicates_go_and_the_last_one_keeps_its_place(self):
        assert put(workspace(), food=["hotdog", "hotdog", "hotdog", "pizza"]) == {"food": ["hotdog", "pizza"]}
        assert put(workspace(), food=["a", "b", "a"]) == {"food": ["b", "a"]}

    def test_an_empty_array_is_kept(self):
        assert put(workspace(), food=[]) == {"food": []}

    @settings(max_examples=200, deadline=None)
    @given(st.lists(scalars, max_size=12))
    def test_unique_for_all_lists(self, items):
        result = unique(items)
        for index, item in enumerate(result):  # no two alike
            assert not any(same(item, other) for other in result[index + 1 :])
        assert all(any(same(item, other) for other in result) for item in items)  # nothing lost
        last = [max(i for i, other in enumerate(items) if same(item, other)) for item in result]
        assert last == sorted(last)  # in the order of last occurrences

    def test_too_many_items_push_the_oldest_out(self):
        assert put(workspace(array_items=3), food=list("abcde")) == {"food": list("cde")}

    def test_too_many_items_are_ignored_where_so_set(self):
        space = workspace(array_items=3, array_over_limit="ignore")
        put(space, food=["a"])
        assert put(space, food=list("abcde")) == {"food": ["a"]}

    def test_duplicates_do_not_count_towards_the_limit(self):
        assert put(workspace(array_items=2), food=["a", "a", "b"]) == {"food": ["a", "b"]}

    @pytest.mark.parametrize("bad", [[None], ["a", None], [["a"]], ["x" * 256], ["a", {"b": 1}]])
    def test_a_bad_item_drops_the_update(self, bad):
        space = workspace()
        put(space, food=["a"])
        assert put(space, food=bad) == {"food": ["a"]}

    def test_add_and_remove(self):
        space = workspace()
        assert put(space, food={"add": ["a", "b"]}) == {"food": ["a", "b"]}
        assert put(space, food={"remove": ["a"], "add": ["c", "b"]}) == {"food": ["c", "b"]}
        assert put(space, food={"remove": ["zzz"]}) == {"food": ["c", "b"]}

    @settings(max_examples=100, deadline=None)
    @given(st.lists(scalars, max_size=6), st.lists(scalars, max_size=6), st.lists(scalars, max_size=6))
    def test_add_and_remove_for_all_lists(self, old, added, removed):
        space = workspace()
        put(space, food=old)
        result = put(space, food={"add": added, "remove": removed})["food"]
        wanted = [item for item in [*old, *added] if not any(same(item, gone) for gone in removed)]
        assert [json.dumps(item) for item in result] == [json.dumps(item) for item in unique(wanted)]

    def test_true_is_not_one(self):
        assert json.dumps(put(workspace(), food=[1, True, 1])) == '{"food": [true, 1]}'


def test_increments():
    space = workspace()
    assert put(space, visits={"inc": 2}) == {"visits": 2}
    assert put(space, visits={"inc": -5}) == {"visits": -3}


class TestNested:
    def test_replaced_without_merge_objects(self):
        space = workspace()
        put(space, pet={"name": "Rex", "age": 3})
        assert put(space, pet={"age": 4}) == {"pet": {"age": 4}}

    def test_merged_with_merge_objects(self):
        space = workspace()
        put(space, pet={"name": "Rex", "home": {"city": "Bonn", "zip": "1"}})
        merged = put(space, _merge_objects=True, pet={"home": {"zip": "2"}, "age": 4})
        assert merged == {"pet": {"name": "Rex", "home": {"city": "Bonn", "zip": "2"}, "age": 4}}

    @pytest.mark.parametrize(
        "bad",
        [
            {"a": None},
            {"a": {"b": None}},
            {"a b": 1},
            {"a.b": 1},
            {"$a": 1},
            {"": 1},
            {"a": "x" * 256},
            {"a": {"$time": "soon"}},
            {"a": {"$time": None}},
            {"a": {"$time": "3001-01-01"}},
            {"a": {"$time": "2026-01-01", "b": 1}},
            {"k" * 256: 1},
        ],
    )
    def test_an_invalid_part_drops_the_attribute_silently(self, bad):
        space = workspace()
        put(space, pet={"name": "Rex"})
        assert put(space, pet=bad, other=1) == {"pet": {"name": "Rex"}, "other": 1}

    def test_time_is_taken_and_null_removes(self):
        space = workspace()
        assert put(space, pet={"born": {"$time": "1980-01-01"}}) == {"pet": {"born": {"$time": "1980-01-01"}}}
        assert put(space, pet=None) == {}

    def test_an_object_over_the_limit_is_ignored(self):
        space = workspace(nested_bytes=50)
        assert put(space, pet={"name": "x" * 60}, small={"a": 1}) == {"small": {"a": 1}}

    nested = st.recursive(
        st.integers() | st.text("ab", max_size=3),
        lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
        max_leaves=8,
    )
    objects = st.dictionaries(st.sampled_from("abc"), nested, max_size=3)

    @settings(max_examples=150, deadline=None)
    @given(objects, objects)
    def test_merging_for_all_objects(self, old, new):
        before = json.dumps([old, new])
        merged = deep_merge(old, new)
        assert deep_merge(merged, new) == merged  # again is the same
        assert merged.keys() == old.keys() | new.keys()
        assert all(merged[key] == new[key] for key in new.keys() - old.keys())
        assert all(merged[key] == old[key] for key in old.keys() - new.keys())
        for key in old.keys() & new.keys():
            both = isinstance(old[key], dict) and isinstance(new[key], dict)
            assert merged[key] == (deep_merge(old[key], new[key]) if both else new[key])
        assert json.dumps([old, new]) == before  # neither is touched
        assert nested_is_valid(merged, 255)

    def test_every_key_is_a_data_point(self):
        assert key_count({"a": 1, "b": {"c": 2, "d": [{"e": 1}]}, "t": {"$time": "2026-01-01"}}) == 6


class TestArraysOfObjects:
    def test_operators_in_their_order(self):
        space = workspace()
        put(space, pets=[{"id": 1, "name": "Rex"}, {"id": 2, "name": "Tom"}])
        changed = put(
            space,
            pets={
                "$update": [
                    {"$identifier_key": "id", "$identifier_value": 3, "$new_object": {"id": 3, "name": "Kim"}}
                ],
                "$remove": [{"$identifier_key": "id", "$identifier_value": 1}],
                "$add": [{"id": 3, "name": "Ida"}],
            },
        )
        assert changed == {"pets": [{"id": 2, "name": "Tom"}, {"id": 3, "name": "Kim"}]}

    def test_update_merges_with_merge_objects(self):
        space = workspace()
        put(space, pets=[{"id": 1, "name": "Rex"}])
        change = {"$identifier_key": "id", "$identifier_value": 1, "$new_object": {"age": 4}}
        assert put(space, _merge_objects=True, pets={"$update": [change]}) == {
            "pets": [{"id": 1, "name": "Rex", "age": 4}]
        }

    @pytest.mark.parametrize(
        "bad", [{"$add": {"id": 1}}, {"$add": [{"id": None}]}, {"$remove": [{}]}, {"$update": [{"$x": 1}]}]
    )
    def test_an_unsound_operation_drops_the_update(self, bad):
        space = workspace()
        put(space, pets=[{"id": 1}])
        assert put(space, pets=bad) == {"pets": [{"id": 1}]}

    def test_no_limit_of_items(self):
        pets = [{"id": n} for n in range(40)]
        assert put(workspace(array_items=3), pets=pets) == {"pets": pets}


@pytest.mark.parametrize(
    ("forced", "given_value", "stored"),
    [
        ("string", 5, "5"),
        ("string", True, "true"),
        ("string", ["a"], None),
        ("boolean", "t", True),
        ("boolean", 0, False),
        ("boolean", "False", False),
        ("boolean", "yes", None),
        ("boolean", "", None),
        ("number", "12", 12),
        ("number", "1.5", 1.5),
        ("number", "nan", None),
        ("number", "inf", None),
        ("number", "x", None),
        ("number", True, None),
        ("number", {"inc": 2}, 2),
        ("time", "2026-11-22", "2026-11-22"),
        ("time", "soon", None),
        ("time", 5, None),
        ("array", ["a"], ["a"]),
        ("array", "a", None),
        ("array", [{"a": 1}], None),
        ("array", {"add": ["a"]}, ["a"]),
        ("object", {"a": 1}, {"a": 1}),
        ("object", {"add": ["a"]}, None),
        ("object", [1], None),
        ("object_array", [{"a": 1}], [{"a": 1}]),
    ],
)
def test_forced_types_coerce_or_ignore(forced, given_value, stored):
    result = put(workspace(forced_types={"field": forced}), field=given_value)
    expected = {} if stored is None else {"field": stored}
    assert json.dumps(result) == json.dumps(expected)


def test_null_removes_whatever_the_forced_type():
    space = workspace()
    put(space, field="x")
    space.configure(space.settings.changed({"forced_types": {"field": "number"}}))
    assert put(space, field="y") == {"field": "x"}  # old values of another type stay
    assert put(space, field=None) == {}


def test_blocked_attributes_are_accepted_and_ignored():
    space = workspace(blocklist=("secret",))
    assert put(space, secret=1, open=2) == {"open": 2}
    assert space.counters.data_points == 1
