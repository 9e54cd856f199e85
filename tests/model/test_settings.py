from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aldea.model.settings import SettingsError, about, load_settings


def _even(value: int) -> str | None:
    return None if value % 2 == 0 else "an even number"


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    port: int = field(default=80, metadata=about("where to knock", env="X_PORT", minimum=1, maximum=65535))
    colours: tuple[str, ...] = field(default=("red",), metadata=about(env="X_COLOURS", choices=("red", "blue")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    name: str = field(metadata=about("what it is called"))
    width: float = field(default=1.5, metadata=about(minimum=0.5))


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    owner: str = field(metadata=about("who lives there", env="X_OWNER"))
    floors: int = field(default=2, metadata=about(check=_even, env="X_FLOORS"))
    lit: bool = field(default=False, metadata=about(env="X_LIT"))
    heat: float = field(default=20.0, metadata=about(env="X_HEAT"))
    note: str | None = None
    folder: Path = Path("here")
    sizes: tuple[int, ...] = field(default=(), metadata=about(env="X_SIZES", minimum=1))
    door: Door = field(default_factory=Door)
    windows: tuple[Window, ...] = ()

    def __post_init__(self) -> None:
        if self.lit and self.heat < 0:
            raise ValueError("is lit and frozen; choose one")


def _load(table: object, **environ: str) -> House:
    return load_settings(House, table, environ, "house")


def _errors(table: object, **environ: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        _load(table, **environ)
    return caught.value.errors


def test_what_is_not_given_has_its_default() -> None:
    assert _load({"owner": "me"}) == House(owner="me")


def test_every_kind_of_value_is_read() -> None:
    table = {
        "owner": "me", "floors": 4, "lit": True, "heat": 21, "note": "hi", "folder": "/there", "sizes": [1, 2],
        "door": {"port": 8080, "colours": ["blue"]}, "windows": [{"name": "a"}, {"name": "b", "width": 2}],
    }  # fmt: skip
    house = _load(table)
    assert house == House(
        owner="me",
        floors=4,
        lit=True,
        heat=21.0,
        note="hi",
        folder=Path("/there"),
        sizes=(1, 2),
        door=Door(port=8080, colours=("blue",)),
        windows=(Window(name="a"), Window(name="b", width=2.0)),
    )
    assert type(house.heat) is float


def test_the_environment_wins_even_over_a_table_that_is_not_there() -> None:
    house = _load(
        {"owner": "file", "floors": 6}, X_OWNER="env", X_PORT="8080", X_LIT="yes", X_HEAT="3", X_SIZES="1, 2,",
        X_COLOURS="blue,red", X_FLOORS="4", UNRELATED="x",
    )  # fmt: skip
    assert (house.owner, house.floors, house.lit, house.heat) == ("env", 4, True, 3.0)
    assert house.door == Door(port=8080, colours=("blue", "red"))
    assert house.sizes == (1, 2)


def test_an_empty_variable_is_an_unset_one() -> None:
    assert _load({"owner": "file"}, X_OWNER="", X_PORT="") == House(owner="file")


def test_every_mistake_is_said_at_once_and_names_its_key() -> None:
    table = {
        "ownr": "me",
        "floors": 3,
        "lit": "yes",
        "heat": "warm",
        "sizes": [1, "two", 0],
        "door": {"port": 70000, "colours": ["green"], "colour": "red"},
        "windows": [{"width": 0.1}, "glass"],
    }
    assert _errors(table, X_PORT="") == [
        "house.ownr is not a setting; did you mean owner?",
        "house.owner is missing; set it (or the variable X_OWNER): who lives there",
        "house.floors is 3; expects an even number",
        "house.lit is 'yes'; expects true or false",
        "house.heat is 'warm'; expects a number",
        "house.sizes[1] is 'two'; expects a whole number",
        "house.sizes[2] is 0; expects at least 1",
        "house.door.colour is not a setting; did you mean colours?",
        "house.door.port is 70000; expects at most 65535",
        "house.door.colours[0] is 'green'; expects one of red, blue",
        "house.windows[0].name is missing; set it: what it is called",
        "house.windows[0].width is 0.1; expects at least 0.5",
        "house.windows[1] is 'glass'; expects a table",
    ]


@pytest.mark.parametrize(
    ("environ", "error"),
    [
        ({"X_PORT": "http"}, "the variable X_PORT is 'http'; expects a whole number"),
        ({"X_PORT": "0"}, "the variable X_PORT is 0; expects at least 1"),
        ({"X_LIT": "maybe"}, "the variable X_LIT is 'maybe'; expects true or false"),
        ({"X_SIZES": "1,x"}, "the variable X_SIZES[1] is 'x'; expects a whole number"),
        ({"X_HEAT": "nan"}, "the variable X_HEAT is nan; expects a number"),
    ],
)
def test_a_mistake_in_a_variable_names_the_variable(environ: dict[str, str], error: str) -> None:
    assert _errors({"owner": "me"}, **environ) == [error]


@pytest.mark.parametrize(
    ("key", "value", "expects"),
    [
        ("floors", True, "a whole number"),
        ("floors", 2.0, "a whole number"),
        ("heat", float("inf"), "a number"),
        ("lit", 1, "true or false"),
        ("folder", "", "a path"),
        ("note", 7, "a text"),
        ("sizes", "12", "a list"),
        ("door", 7, "a table"),
    ],
)
def test_a_value_of_another_type_is_refused(key: str, value: object, expects: str) -> None:
    assert _errors({"owner": "me", key: value}) == [f"house.{key} is {value!r}; expects {expects}"]


def test_what_is_no_table_is_refused() -> None:
    assert _errors([1]) == ["house is [1]; expects a table"]


def test_a_key_like_no_other_gets_the_list_of_keys() -> None:
    (error,) = _errors({"owner": "me", "zzzzz": 1})
    assert error.startswith("house.zzzzz is not a setting; known are door, floors,")


def test_fields_are_checked_together_only_when_each_is_right() -> None:
    assert _errors({"owner": "me", "lit": True, "heat": -1.0}) == ["house is lit and frozen; choose one"]
    assert _errors({"owner": 7, "lit": True, "heat": -1.0}) == ["house.owner is 7; expects a text"]


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["port", "name", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)
_KEYS = st.sampled_from([*House.__dataclass_fields__, "nothing"])


@given(st.dictionaries(_KEYS, _VALUES, max_size=6))
def test_any_table_gives_a_house_or_sentences(table: dict[str, Any]) -> None:
    try:
        house = load_settings(House, table, {}, "house")
    except SettingsError as error:
        errors = error.errors
    else:
        assert isinstance(house.owner, str)
        return
    assert errors
    assert all(line.startswith("house") for line in errors)


@pytest.mark.parametrize("table", [{"heat": 10**400}, {"floors": 10**30}, {"owner": "me\0you"}, {"heat": float("nan")}])
def test_numbers_and_texts_that_nothing_can_keep_are_refused_in_words(table: dict[str, Any]) -> None:
    (error,) = _errors({"owner": "me", **table})
    assert error.startswith(f"house.{next(iter(table))} is ")
