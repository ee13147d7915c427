"""Pictures in files and windows, whatever the user's settings of matplotlib are."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pytest

from lrsched import plot
from lrsched.plotting import save
from lrsched.trainers.darknet import Constant, parse_cfg

STORY = parse_cfg("[net]\nlearning_rate=0.01\npolicy=poly\nmax_batches=39248\nburn_in=100\n")


class TestSave:
    @pytest.mark.parametrize(("name", "begins"), [("x.PNG", b"\x89PNG"), ("x.svg", b"<?xml"), ("a.b.pdf", b"%PDF")])
    def test_the_ending_decides(self, name: str, begins: bytes, tmp_path: Path) -> None:
        path = tmp_path / name
        assert save(plot(STORY), path) == path
        assert path.read_bytes().startswith(begins)

    @pytest.mark.parametrize(
        ("options", "expected"),
        [({}, (1000, None)), ({"dpi": 200}, (2000, None)), ({"size": (480, 320)}, (480, 320))]
        + [({"size": (1920, 1080), "dpi": dpi}, (1920, 1080)) for dpi in (72, 100, 300)],
    )
    def test_size_in_pixels(self, options: dict[str, Any], expected: tuple[int, int | None], tmp_path: Path) -> None:
        head = save(plot(STORY, **options), tmp_path / "x.png").read_bytes()[16:24]
        width, height = int.from_bytes(head[:4], "big"), int.from_bytes(head[4:], "big")
        assert (width, height) == (expected[0], expected[1] or height)

    @pytest.mark.parametrize("name", ["x.gif", "x", ".png"])
    def test_another_ending_is_refused(self, name: str, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match=r"x?: a picture must end in \.png, \.svg or \.pdf, got "):
            save(plot(STORY), tmp_path / name)
        assert not list(tmp_path.iterdir())

    def test_the_same_schedule_gives_the_same_file_and_text_stays_text(self, tmp_path: Path) -> None:
        for ending in ("svg", "pdf", "png"):
            one, other = (save(plot(STORY), tmp_path / f"{n}.{ending}").read_bytes() for n in "ab")
            assert one == other
            assert b"dc:date" not in one
        assert "last iteration 39248" in (tmp_path / "a.svg").read_text("utf-8")
        assert b"/Type3" not in (tmp_path / "a.pdf").read_bytes()

    def test_a_letter_the_font_lacks_is_no_warning(self, tmp_path: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            save(plot(STORY, labels=["\N{CJK UNIFIED IDEOGRAPH-914D}.cfg"]), tmp_path / "x.png")


def test_settings_of_the_user_do_not_leak_in(tmp_path: Path) -> None:
    plain = save(plot(STORY), tmp_path / "plain.png").read_bytes()
    theirs: Any = {
        "axes.facecolor": "red",
        "font.size": 20,
        "lines.linewidth": 9,
        "savefig.bbox": "tight",
        "savefig.dpi": 33,
        "xtick.direction": "in",
        "xtick.major.size": 20,
        "ytick.color": "green",
    }
    with mpl.rc_context(theirs):
        assert save(plot(STORY), tmp_path / "theirs.png").read_bytes() == plain
        assert mpl.rcParams["font.size"] == 20


def test_a_picture_in_a_file_needs_no_backend_and_no_pyplot(tmp_path: Path) -> None:
    code = (
        "import sys; from lrsched.plotting import plot, save\n"
        "from lrsched.trainers.darknet import Constant\n"
        "save(plot(Constant(max_batches=9)), sys.argv[1])\n"
        "sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    # a notebook sets one that another process may not have
    environment = os.environ | {"MPLBACKEND": "of_a_notebook"}
    command = [sys.executable, "-c", code, str(tmp_path / "x.png")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "x.png").exists()


class TestPyplot:
    @pytest.fixture(autouse=True)
    def without_windows(self) -> Iterator[None]:
        before = mpl.rcParams["backend"]
        mpl.use("agg")
        yield
        mpl.rcParams["backend"] = before

    def test_it_shows_each_picture_once_where_it_is_used(self) -> None:
        from matplotlib import pyplot  # noqa: PLC0415

        pyplot.close("all")
        ax = plot(Constant(max_batches=9))
        assert [pyplot.figure(number) for number in pyplot.get_fignums()] == [ax.figure]
