"""Changing a cfg leaves every other byte as it was."""

from __future__ import annotations

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrsched.trainers.darknet import cfg_value, parse_cfg, with_values

CFG = (
    "# mine\n\n[net]\n# Training\n batch = 64   # big\nlearning_rate=0.001\nburn_in=1000\n\n"
    "policy=steps\nsteps=400,450\nscales=.1,.1\n\n[convolutional]\nbatch=7\n"
)


@pytest.mark.parametrize(
    ("values", "before", "after"),
    [
        ({"batch": "32"}, " batch = 64   # big\n", " batch = 32   # big\n"),
        ({"steps": "1,2"}, "steps=400,450\n", "steps=1,2\n"),
        ({"max_batches": "500"}, "burn_in=1000\n", "burn_in=1000\nmax_batches=500\n"),
        ({"subdivisions": "8"}, " batch = 64   # big\n", " batch = 64   # big\nsubdivisions=8\n"),
        ({"power": "2"}, "policy=steps\n", "policy=steps\npower=2\n"),
        ({"hue": ".1"}, "scales=.1,.1\n", "scales=.1,.1\nhue=.1\n"),
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_one_line_changes(values: dict[str, str], before: str, after: str, newline: str) -> None:
    text, expected = CFG.replace("\n", newline), CFG.replace(before, after, 1).replace("\n", newline)

    assert with_values(text, values) == expected


def test_the_first_of_two_counts() -> None:
    assert with_values("[net]\nbatch=1\nbatch=64\n", {"batch": "8"}) == "[net]\nbatch=8\nbatch=64\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[net]", "[net]\npower=2\n"),
        ("[net]\nbatch=1", "[net]\nbatch=1\npower=2\n"),
        ("[net]\n\n", "[net]\npower=2\n\n"),
    ],
)
def test_odd_ends(text: str, expected: str) -> None:
    assert with_values(text, {"power": "2"}) == expected


LINES = st.sampled_from(
    ["batch=64", "  # note", "", "power = 3 # x", ";old=1", "width=416", "policy=poly", "steps=1,2"]
)


@given(
    head=st.lists(LINES, max_size=8),
    tail=st.lists(st.sampled_from(["[convolutional]", "batch=5", "# end", "", "filters=8"]), max_size=5),
    newline=st.sampled_from(["\n", "\r\n"]),
    value=st.integers(0, 10**6) | st.floats(1e-9, 10) | st.tuples(st.integers(1, 10**6), st.integers(1, 10**6)),
    key=st.sampled_from(["max_batches", "learning_rate", "power", "steps", "batch"]),
)
def test_all_other_lines_stay_and_the_value_is_read_back(
    head: list[str], tail: list[str], newline: str, value: object, key: str
) -> None:
    body = tail if not tail or tail[0].startswith("[") else ["[convolutional]", *tail]
    text = newline.join(["[net]", *head, *body, ""])
    edited = with_values(text, {key: cfg_value(value)})

    old, new = text.split(newline), edited.split(newline)
    if len(new) == len(old):
        assert sum(one != other for one, other in zip(old, new, strict=True)) <= 1
    else:
        added = next(i for i, line in enumerate(new) if i == len(old) or line != old[i])
        assert new[:added] + new[added + 1 :] == old
    if isinstance(value, tuple):
        return
    kind = {field.name: getattr(field.type, "__origin__", None) for field in fields(parse_cfg("[net]\n"))}[key]
    if kind is float:
        assert getattr(parse_cfg(edited), key) == float(cfg_value(value))


@pytest.mark.parametrize(
    ("value", "written"),
    [(1e-05, "0.00001"), (0.1, "0.1"), (4.0, "4"), (1e12, "1000000000000"), (0.0, "0"), ((1, 2), "1,2"), ("x", "x")],
)
def test_values_are_plain_decimals(value: object, written: str) -> None:
    assert cfg_value(value) == written


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(
            ("batch", value)
            for value in ("", " ", "1\nburn_in=0", "1\r", "1 # x", "1;", "#", "a=b", "[x]", "1\x85", "1\0")
        ),
        *((key, "1") for key in ("", "a=b", "a\nb", "#a", "[a", "a b", "\u00e4")),
    ],
)
def test_a_value_stays_on_its_line(key: str, value: str) -> None:
    with pytest.raises(ValueError, match="cannot be the"):
        with_values(CFG, {key: value})
