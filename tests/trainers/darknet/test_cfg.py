"""A cfg as text: sections, lines, messages, and texts that nobody wrote on purpose."""

import io
import pickle
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from lrsched import CfgError, read_cfg
from lrsched.schedule import LAST_ITERATION
from lrsched.trainers.darknet import ALEXEYAB, DIALECTS, HANK_AI, PJREDDIE, Dialect, Net, cfg_text, parse_cfg
from lrsched.trainers.darknet.cfg import Entry, Section, read_sections
from lrsched.trainers.darknet.strategies import cfgs
from tests.factories import cfg_texts, damaged


def caught(text: str, dialect: Dialect | str) -> CfgError:
    with pytest.raises(CfgError) as error:
        parse_cfg(text, dialect, source="a.cfg")
    return error.value


# fork, text, the line, what the trainer does, and what the message names, the fix last
MESSAGES = [
    ("pjreddie", "[net]\r\nbatch=64\r\n", 1, "refuses", ["carriage return", "pjreddie/darknet", "Unix line endings"]),
    ("pjreddie", "\r\n[net]\n", 1, "crashes", ["carriage return", "Unix line endings"]),
    ("alexeyab", "", None, "refuses", ["no section", "[net]"]),
    ("alexeyab", "# note\nbatch=1\n[net]\n", 2, "crashes", ["'batch=1'", "before the first", "below a line [net]"]),
    ("alexeyab", "\ufeff[net]\n", 1, "crashes", ["without a byte-order mark"]),
    ("hank-ai", "\n\nbatch=1\n[net]\n", 3, "refuses", ["'batch=1'", "below a line [net]"]),
    ("alexeyab", "# hi\r\n\r\n[yolo]\r\n", 3, "refuses", ["'yolo'", "Put [net] first"]),
    ("hank-ai", "[net]\nbatch=1\n\nbatch=2\n", 4, "refuses", ["twice", "line 2", "Delete one"]),
    ("hank-ai", "[net]\nbatch=1e3\n", 2, "refuses", ["batch=1e3", "plain decimal"]),
    ("hank-ai", "[net]\nbatch=-\n", 2, "refuses", ["batch=-", "plain decimal"]),
    ("hank-ai", "[net]\nbacth=1\n", 2, "refuses", ["unknown key bacth", "write batch"]),
    ("hank-ai", "[net]\nmin_crop=1\n", 2, "refuses", ["pjreddie/darknet and AlexeyAB/darknet", "min_crop", "Delete"]),
    ("hank-ai", "[net]\npolicy=Poly\n", 2, "refuses", ["policy=Poly", "Write policy=poly."]),
    ("hank-ai", "[net]\npolicy=qqqq\n", 2, "refuses", ["Write policy=constant, exp, poly, random, sgdr, sigmoid"]),
    ("alexeyab", "[net]\npolicy=steps\nsteps=1\n", 1, "refuses", ["scales is missing", "every fork", "scales=..."]),
    (
        *("alexeyab", "[net]\npolicy=steps\n\nsteps=4,5,460000\nscales=.1,.1\n", 5, "crashes"),
        ["3 values", "has 2", "AlexeyAB/darknet crashes", "one value per step"],
    ),
    ("alexeyab", "[net]\nsubdivisions=0\n", 2, "crashes", ["every fork", "division by zero", "subdivisions=1"]),
    ("pjreddie", "[net]\nbatch=4\nsubdivisions=8\n", 3, "crashes", ["subdivisions=8", "batch=4", "at most batch"]),
    ("alexeyab", "[net]\npolicy=step\nstep=0\n", 3, "crashes", ["step=0", "iterations between two drops"]),
    ("alexeyab", "[net]\npolicy=sgdr\nsgdr_cycle=0\n", 3, "hangs", ["0 iterations long", "sgdr_cycle with at least 1"]),
    (
        *("hank-ai", "[net]\npolicy=sgdr\nmax_batches=6\nsgdr_cycle=5\nsgdr_mult=0\n", 5, "hangs"),
        ["sgdr_mult=0", "at iteration 6", "sgdr_mult=1"],
    ),
    ("alexeyab", "[\0n\0e\0t\0]\0", None, "refuses", ["NUL bytes", "plain text"]),
]


@pytest.mark.parametrize(("dialect", "text", "line", "result", "words"), MESSAGES)
def test_messages(dialect: str, text: str, line: int | None, result: str, words: list[str]) -> None:
    error = caught(text, dialect)
    place = "a.cfg: " if line is None else f"a.cfg:{line}: "
    assert str(error).startswith(place)
    assert (error.line, error.outcome) == (line, result)
    assert not [word for word in words if word not in str(error)], str(error)


NOT_TRUE = [
    ("alexeyab", "[net]\npolicy=steps\nsteps=1,2\nscales=.1,.1\nseq_scales=1\n", ["pjreddie", "scales has 2"]),
    ("pjreddie", "[net]\nbatch=64\ntime_steps=0\n", ["more than batch"]),
    ("pjreddie", "[net]\nbatch=0\n", ["at most batch"]),
]


@pytest.mark.parametrize(("dialect", "text", "words"), NOT_TRUE)
def test_messages_do_not_accuse_the_innocent(dialect: str, text: str, words: list[str]) -> None:
    message = str(caught(text, dialect))
    assert not [word for word in words if word in message], message


def test_an_error_is_a_value() -> None:
    error = caught("[net]\nsubdivisions=0\n", ALEXEYAB)
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.source, again.line, again.outcome) == (str(error), "a.cfg", 2, "crashes")


LINES = "# one\n; two\n\n[net]\nbatch=3\n \t\nburn_in=\nword\n#power=1\nbatch=9\n[yolo]\nclasses=2"
KEPT = (Entry("batch", "3", 5), Entry("word", None, 8), Entry("batch", "9", 10))
CLASSIC = (Section("net", 4, KEPT, (Entry("burn_in", "", 7),)), Section("yolo", 11, (Entry("classes", "2", 12),)))


@pytest.mark.parametrize("text", [LINES, LINES.replace("\n", "\r\n"), LINES + "\n", LINES + "\n\n#\n"])
def test_sections_know_their_lines(text: str) -> None:
    assert read_sections(text, ALEXEYAB, "a.cfg") == CLASSIC
    if "\r" not in text:
        assert read_sections(text, PJREDDIE, "a.cfg") == CLASSIC
    with pytest.raises(CfgError, match=r"^a\.cfg:10: batch appears twice in \[net\] \(first in line 5\)"):
        read_sections(text, HANK_AI, "a.cfg")
    once = read_sections(text.replace("batch=9", "#"), HANK_AI, "a.cfg")
    assert once == (Section("net", 4, KEPT[:1]), CLASSIC[1])


ODD = [
    "learning_rate=\u0131nf",
    "learning_rate=\u0130nf",
    "learning_rate=0x1p" + "9" * 30,
    "max_batches=" + "9" * 5000,
    "learning_rate=0." + "9" * 5000,
    "policy=steps\nsteps=" + "9" * 5000 + "\nscales=" + "1" * 5000,
    "batch=-2147483648\nsubdivisions=-1",
    "policy=step\nstep=-2147483648\nscale=-0",
    "policy=sigmoid\nstep=-2147483648\ngamma=nan",
    "policy=sgdr\nsgdr_cycle=1\nsgdr_mult=1",
    "policy=sgdr\nsgdr_cycle=2147483647\nsgdr_mult=2147483647\nlearning_rate=inf",
    "\ud800=\udcff\nbatch=\udcff",
]
TEXTS = st.text(max_size=80) | st.text(" \t\n\r[]network=#;,.-0123456789policysgdr", max_size=80)
BYTES = st.binary(max_size=60) | st.binary(max_size=40).map(lambda tail: b"[net]\nbatch=64\n" + tail)


def net_or_error(text: str, dialect: Dialect) -> Net | CfgError:
    try:
        return parse_cfg(text, dialect, source="a.cfg")
    except CfgError as error:
        return error


def survive(text: str) -> None:
    """A text is, for every fork, a net that answers whatever anybody may ask of it, or an error with its place."""
    for net in (net_or_error(text, dialect) for dialect in DIALECTS):
        if isinstance(net, CfgError):
            assert str(net).startswith("a.cfg:")
            assert net.outcome in {"refuses", "crashes", "hangs"}
            assert net.line is None or 1 <= net.line <= text.count("\n") + 1
            continue
        for ngpus in (1, 3):
            schedule = net.schedule(ngpus)
            assert schedule([0, 1, LAST_ITERATION]).dtype == schedule(LAST_ITERATION).dtype == np.float32
            assert len(schedule.rates(0, 40)) == 40
            assert hash(schedule)
            assert repr(schedule)
        assert net.effective_batch != 0
        assert repr(net)
        assert str(net)


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=150)
@given(text=TEXTS | cfg_texts() | damaged(cfgs()))
def test_any_text_is_a_net_or_an_error(text: str) -> None:
    survive(text)


@pytest.mark.parametrize("lines", ODD)
def test_odd_texts_are_nets_or_errors(lines: str) -> None:
    survive(f"[net]\n{lines}\n")


@given(content=BYTES)
@example(b"\xff\xfe[\0n\0e\0t\0]\0\n\0")
@example(b"\xef\xbb\xbf[net]\n")
def test_any_bytes_are_a_net_or_an_error(content: bytes) -> None:
    text, source = cfg_text(io.BytesIO(content))
    assert source == "<file>"
    assert text.encode("utf-8", "surrogateescape") == content
    survive(text)


def test_a_path_or_a_file_can_be_read(tmp_path: Any) -> None:
    path = tmp_path / "tiny.cfg"
    path.write_bytes(b"[net]\r\nbatch=8 # \xe9\r\n")
    for source in (path, str(path)):
        net = read_cfg(source)
        assert (net.batch, net.source) == (8, str(path))
    with path.open("rb") as file:
        assert read_cfg(file).source == str(path)
    with path.open(encoding="latin-1") as file:
        assert read_cfg(file).batch == 8
    assert read_cfg(io.StringIO("[net]\nbatch=8\n")).source == "<file>"
    assert cfg_text(io.BytesIO(b"[net]")) == ("[net]", "<file>")
    with pytest.raises(FileNotFoundError):
        read_cfg(tmp_path / "absent.cfg")
    with pytest.raises(CfgError, match=r"tiny\.cfg:1:"):
        read_cfg(path, "pjreddie")


NO_TEXT: list[Any] = [None, 5, True, b"[net]", bytearray(b"[net]"), ["[net]"], {}, object(), str, io.StringIO, Net()]
NO_TEXT += [SimpleNamespace(read=lambda content=content: content) for content in (None, 5, ["[net]"])]


@pytest.mark.parametrize("given", NO_TEXT, ids=range(len(NO_TEXT)))
def test_what_is_no_cfg_is_told_what_to_pass(given: Any) -> None:
    with pytest.raises(TypeError, match=r"^parse_cfg takes the text of a cfg .*, got \w+; read_cfg takes a path$"):
        parse_cfg(given)
    with pytest.raises(TypeError, match=r"^a cfg is read from a path, .*, got \w+; parse_cfg takes the text itself$"):
        read_cfg(given)
    with pytest.raises(ValueError, match=r"^dialect must be one of 'pjreddie', "):
        parse_cfg("[net]\n", given)
