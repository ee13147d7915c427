"""Changing a cfg leaves every other byte as it was."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrsched.trainers.darknet import ALEXEYAB, DIALECTS, PJREDDIE, Dialect, Net, parse_cfg, read_sections, with_values

CFG = (
    "# mine\n\n[net]\n# Training\n batch = 64   # big\nlearning_rate=0.001\nburn_in=1000\n\n"
    "policy=steps\nsteps=400,450\nscales=.1,.1\n\n[convolutional]\nbatch=7\n"
)
LAYERS = (
    "[net]\n[convolutional]\nfilters=255 # each\n[yolo]\nmask=0,1,2\nclasses=80\n\n"
    "[convolutional]\n\n# 5 boxes\n[region]\nnum=5\n\n"
)
EDITS: list[tuple[str, dict[str, Any], str]] = [
    (CFG, {"batch": "32"}, CFG.replace(" batch = 64   # big\n", " batch = 32   # big\n")),
    (CFG, {"steps": "1,2"}, CFG.replace("steps=400,450\n", "steps=1,2\n")),
    (CFG, {"max_batches": "500"}, CFG.replace("burn_in=1000\n", "burn_in=1000\nmax_batches=500\n")),
    (CFG, {"subdivisions": "8"}, CFG.replace("# big\n", "# big\nsubdivisions=8\n")),
    (CFG, {"power": "2"}, CFG.replace("policy=steps\n", "policy=steps\npower=2\n")),
    (CFG, {"hue": ".1"}, CFG.replace("scales=.1,.1\n", "scales=.1,.1\nhue=.1\n")),
    (CFG, {}, CFG),
    ("[net]\n#batch=1\n;batch=2\nbatch=3\nbatch=4\n", {"batch": "9"}, "[net]\n#batch=1\n;batch=2\nbatch=9\n"),
    ("[net]\nbatch=\n", {"batch": "9"}, "[net]\nbatch=9\n"),
    ("[net]\nsteps=1,2\nstep=5\n", {"step": "9"}, "[net]\nsteps=1,2\nstep=9\n"),
    ("[net]", {"power": "2"}, "[net]\npower=2\n"),
    ("[net]\nbatch=1", {"power": "2"}, "[net]\nbatch=1\npower=2\n"),
    ("[net]\n\n", {"power": "2"}, "[net]\npower=2\n\n"),
    ("[net]\n[yolo]", {"batch": "9"}, "[net]\nbatch=9\n[yolo]"),
    ("[net]\n# end\n", {"batch": "9"}, "[net]\nbatch=9\n# end\n"),
    ("[net]\nburn_in=\nburn_in=7\n", {"burn_in": "9"}, "[net]\nburn_in=9\n"),
    ("[net]\nbatch=3\nbatch=4\n\n[yolo]\nbatch=5\n", {"batch": None}, "[net]\n\n[yolo]\nbatch=5\n"),
    ("[net]\nbacth=3\n", {"bacth": None, "batch": 4, "hue": 0.1}, "[net]\nbatch=4\nhue=0.1\n"),
    (
        "[net]\nlearning_rate=1",
        {"policy": "poly", "max_batches": 9, "burn_in": 1},
        "[net]\nlearning_rate=1\nburn_in=1\nmax_batches=9\npolicy=poly\n",
    ),
    ("[net]\n[yolo]\n", {"filters": 21}, "[net]\n[yolo]\n"),
    (LAYERS, {"classes": 2}, LAYERS.replace("classes=80", "classes=2").replace("num=5\n", "num=5\nclasses=2\n")),
    (
        LAYERS,
        {"filters": (21, 35)},
        LAYERS.replace("filters=255 #", "filters=21 #").replace("l]\n\n", "l]\nfilters=35\n\n"),
    ),
]


def edited(text: str, changes: dict[str, Any], dialect: Dialect = ALEXEYAB) -> str:
    return with_values(text, read_sections(text, dialect, "a.cfg"), changes)


@pytest.mark.parametrize(("text", "changes", "wanted"), EDITS)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_an_edit_leaves_all_else_alone(text: str, changes: dict[str, Any], wanted: str, newline: str) -> None:
    if "\n" in text:
        assert edited(text.replace("\n", newline), changes) == wanted.replace("\n", newline)
    else:
        assert edited(text, changes) == wanted


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
    assert getattr(parse_cfg(edited(text, {key: value}, dialect), dialect), key) == wanted


LINES = ["batch=64", "  # note", "", "power = 3 # x", ";old=1", "width=416", "policy=poly", "steps=1,2"]


@given(
    head=st.lists(st.sampled_from(LINES), max_size=8),
    tail=st.lists(st.sampled_from(["[convolutional]", "batch=5", "# end", "", "filters=8"]), max_size=5),
    newline=st.sampled_from(["\n", "\r\n"]),
    value=st.integers(0, 10**6) | st.floats(1e-9, 10) | st.tuples(st.integers(1, 10**6), st.integers(1, 10**6)),
    key=st.sampled_from(["max_batches", "learning_rate", "power", "steps", "batch"]),
)
def test_all_other_lines_stay_and_the_value_is_read_back(
    head: list[str], tail: list[str], newline: str, value: Any, key: str
) -> None:
    body = tail if not tail or tail[0].startswith("[") else ["[convolutional]", *tail]
    text = newline.join(["[net]", *head, *body, ""])
    written = edited(text, {key: value})

    def others(lines: str) -> list[str]:
        return [line for line in lines.split(newline) if line.partition("=")[0].strip() != key]

    assert others(written) == others(text)
    assert written.partition("[")[2].partition("[")[2] == text.partition("[")[2].partition("[")[2]
    assert sum(entry.key == key for entry in read_sections(written, ALEXEYAB, "a.cfg")[0].entries) == 1
    if not isinstance(value, tuple) and key in ("learning_rate", "power"):
        assert getattr(parse_cfg(written), key) == float(value)


VALUES = ("", " ", "1\nburn_in=0", "1\r", "1\r\n[yolo]", "1 # x", "1;", "a=b", "[x]", "1\x85", "1\u2028", "1\0")
INJECTIONS = [
    *((key, value) for key in ("batch", "policy", "classes", "filters") for value in VALUES),
    *((key, "1") for key in ("", "a=b", "a\nb", "a\rb", "#a", ";a", "[a", "a]", "a b", "\u00e4", "a\0")),
]


@pytest.mark.parametrize(("key", "value"), INJECTIONS)
def test_a_value_stays_on_its_line(key: str, value: str) -> None:
    for dialect in DIALECTS:
        net = parse_cfg(LAYERS.replace("[net]", "[net]\nhue=1"), dialect)
        with pytest.raises(ValueError, match=r"^[^\n]* cannot be the (key|value) of a cfg: [^\n]*$"):
            net.with_values({key: value})


def test_a_net_without_a_cfg_has_only_its_numbers() -> None:
    assert Net(batch=8).with_values({"burn_in": 5, "gamma": 0.5}) == Net(batch=8, burn_in=5)
    with pytest.raises(ValueError, match=r"^classes and hue can only be changed in a cfg.*read_cfg"):
        Net().with_values({"hue": 1, "classes": 3})
