"""Changing a cfg leaves every other byte as it was."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrsched.text import plain
from lrsched.trainers.darknet import ALEXEYAB, PJREDDIE, Dialect, parse_cfg, with_values

CFG = (
    "# mine\n\n[net]\n# Training\n batch = 64   # big\nlearning_rate=0.001\nburn_in=1000\n\n"
    "policy=steps\nsteps=400,450\nscales=.1,.1\n\n[convolutional]\nbatch=7\n"
)
EDITS = [
    (CFG, {"batch": "32"}, CFG.replace(" batch = 64   # big\n", " batch = 32   # big\n")),
    (CFG, {"steps": "1,2"}, CFG.replace("steps=400,450\n", "steps=1,2\n")),
    (CFG, {"max_batches": "500"}, CFG.replace("burn_in=1000\n", "burn_in=1000\nmax_batches=500\n")),
    (CFG, {"subdivisions": "8"}, CFG.replace("# big\n", "# big\nsubdivisions=8\n")),
    (CFG, {"power": "2"}, CFG.replace("policy=steps\n", "policy=steps\npower=2\n")),
    (CFG, {"hue": ".1"}, CFG.replace("scales=.1,.1\n", "scales=.1,.1\nhue=.1\n")),
    (CFG, {}, CFG),
    ("[net]\n#batch=1\n;batch=2\nbatch=3\nbatch=4\n", {"batch": "9"}, "[net]\n#batch=1\n;batch=2\nbatch=9\nbatch=4\n"),
    ("[net]\nbatch=\n", {"batch": "9"}, "[net]\nbatch=9\n"),
    ("[net]\nsteps=1,2\nstep=5\n", {"step": "9"}, "[net]\nsteps=1,2\nstep=9\n"),
    ("[net]", {"power": "2"}, "[net]\npower=2\n"),
    ("[net]\nbatch=1", {"power": "2"}, "[net]\nbatch=1\npower=2\n"),
    ("[net]\n\n", {"power": "2"}, "[net]\npower=2\n\n"),
    ("[net]\n[yolo]", {"batch": "9"}, "[net]\nbatch=9\n[yolo]"),
]


@pytest.mark.parametrize(("text", "values", "wanted"), EDITS)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_an_edit_leaves_all_else_alone(text: str, values: dict[str, str], wanted: str, newline: str) -> None:
    if "\n" in text:
        assert with_values(text.replace("\n", newline), values) == wanted.replace("\n", newline)
    else:
        assert with_values(text, values) == wanted


EDITED: list[tuple[str, str, str, Any]] = [
    ("[net]\npolicy=poly # decay\n", "policy", "exp", "exp"),
    ("[net]\npo licy=poly\n", "policy", "exp", "exp"),
    ("[net]\nfoo\x0cbatch=7\n", "batch", "5", 5),
    ("[net]\nfoo\x85batch=7\nbatch=6\n", "batch", "5", 5),
    ("[net]\nbatch\n", "batch", "5", 5),
]


@pytest.mark.parametrize("dialect", [PJREDDIE, ALEXEYAB], ids=lambda dialect: dialect.name)
@pytest.mark.parametrize(("text", "key", "value", "wanted"), EDITED)
def test_an_edited_value_is_read(dialect: Dialect, text: str, key: str, value: str, wanted: Any) -> None:
    assert getattr(parse_cfg(with_values(text, {key: value}), dialect), key) == wanted


LINES = ["batch=64", "  # note", "", "power = 3 # x", ";old=1", "width=416", "policy=poly", "steps=1,2"]


@given(
    head=st.lists(st.sampled_from(LINES), max_size=8),
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
    edited = with_values(text, {key: plain(value)})

    old, new = text.split(newline), edited.split(newline)
    if len(new) == len(old):
        assert sum(one != other for one, other in zip(old, new, strict=True)) <= 1
    else:
        added = next(i for i, line in enumerate(new) if i == len(old) or line != old[i])
        assert new[:added] + new[added + 1 :] == old
    if not isinstance(value, tuple) and key in ("learning_rate", "power"):
        assert getattr(parse_cfg(edited), key) == float(plain(value))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("batch", value) for value in ("", " ", "1\nburn_in=0", "1\r", "1 # x", "1;", "a=b", "[x]", "1\x85", "1\0")),
        *((key, "1") for key in ("", "a=b", "a\nb", "#a", "[a", "a b", "\u00e4")),
    ],
)
def test_a_value_stays_on_its_line(key: str, value: str) -> None:
    with pytest.raises(ValueError, match="cannot be the"):
        with_values(CFG, {key: value})
