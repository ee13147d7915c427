"""The commands show, plot, suggest, compare, check, init and policies."""

from __future__ import annotations

import csv
import io
import json
import socket
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from tests.cli.conftest import Command, documented_keys


class TestShow:
    def test_where_the_schedule_changes(self, command: Command) -> None:
        assert command("show", "steps.cfg").out.splitlines() == [
            "steps.cfg: steps (alexeyab) · learning_rate 0.001 · steps 400 · scales 0.1 · max_batches 500",
            " iteration     printed             exact",
            "         0    0.001000     0.00100000005",
            "         1    0.001000     0.00100000005  first update",
            "       399    0.001000     0.00100000005",
            "       400    0.000100    0.000100000005  x 0.1",
            "       500    0.000100    0.000100000005  last iteration",
        ]

    def test_where_a_log_prints_something(self, command: Command) -> None:
        """0.01 * (t / 1000) ** 4 is printed as 0.000001 from 84.1 on, and 0.01 * (1 - t / 3000) ** 4 until 2747.7."""
        keys = ("burn_in=1000", "max_batches=3000", "power=4")
        lines = command("show", "a.cfg", *(f"--set={key}" for key in keys)).out.splitlines()
        [up] = [line.split()[0] for line in lines if "warm-up: printed above 0.000000 from here" in line]
        [down] = [line.split()[0] for line in lines if "printed as 0.000000 from here to the end" in line]
        assert (up, down) == ("85", "2748")
        assert "warm-up ends" in next(line for line in lines if line.split()[0] == "1000")

    def test_at_some_iterations(self, command: Command) -> None:
        document = json.loads(command("show", "a.cfg", "--at", "500,0", "--json").out)
        assert (document["cfg"], document["policy"], document["ngpus"]) == ("a.cfg", "poly", 1)
        assert [(row["iteration"], round(row["rate"], 9)) for row in document["rates"]] == [(500, 0.000625), (0, 0.0)]

    def test_every_so_many_as_csv(self, command: Command) -> None:
        rows = list(csv.reader(io.StringIO(command("show", "a.cfg", "--every", "250", "--csv").out)))
        assert rows[0] == ["iteration", "rate"]
        assert [int(row[0]) for row in rows[1:]] == [0, 250, 500, 750, 1000]
        assert float(rows[3][1]) == pytest.approx(0.01 * 0.5**4)
        assert len(command("show", "a.cfg", "--every", "250", "--csv", "--horizon", "600").out.splitlines()) == 4
        assert "give --horizon N" in command("show", "my_rates:mine", "--every", "5").err

    def test_many_milestones_are_not_all_listed(self, command: Command) -> None:
        out = command("show", "a.cfg", "--set", "policy=step", "--set", "step=1", "--set", "scale=.99").out
        assert len(out.splitlines()) < 60
        assert "more milestones follow" in out

    def test_the_forks_disagree(self, command: Command) -> None:
        argv = ("show", "a.cfg", "--gpus=4", "--at=10", "--csv", "--dialect")
        rates = [float(command(*argv, fork).out.split(",")[-1]) for fork in ("pjreddie", "alexeyab", "hank-ai")]
        assert rates[0] == rates[1] == pytest.approx(4 * rates[2])


class TestPlot:
    def test_the_path_is_printed(self, command: Command) -> None:
        assert command("plot", "a.cfg", "--log-scale", "steps.cfg").out == "a-steps-lr.png\n"
        assert Path("a-steps-lr.png").read_bytes().startswith(b"\x89PNG")
        assert command("plot", "a.cfg", "-o", "x.svg").out == "x.svg\n"
        assert ".png" in command("plot", "a.cfg", "-o", "x.bmpp").err

    def test_options_for_extending(self, command: Command) -> None:
        assert command("plot", "a.cfg", "--start", "700", "--target", "1500").out == "a-lr.png\n"
        assert command("plot", "a.cfg", "--start", "700", "--target", "900").code == 2
        assert "give one cfg" in command("plot", "a.cfg", "steps.cfg", "--start", "7", "--target", "1500").err

    def test_everything_at_once(self, command: Command) -> None:
        argv = "--gpus 2 --dialect pjreddie --set power=2 --from 5 --horizon 900 --log-scale --target 800 --images 640"
        look = ("--title", "Both", "--dark", "--size", "640x360", "--dpi", "50")
        assert command("plot", "a.cfg", *argv.split(), *look, "-o", "all.png").code == 0
        assert Path("all.png").read_bytes()[16:24] == bytes([0, 0, 2, 128, 0, 0, 1, 104])  # 640 and 360


class TestSuggest:
    def test_lines_to_paste(self, command: Command) -> None:
        done = command("suggest", "a.cfg", "--target", "900", "--rate", "0.001")
        assert done.code == 0
        assert "      max_batches=2100" in done.out.splitlines()

    def test_json(self, command: Command) -> None:
        document = json.loads(command("suggest", "a.cfg", "--target", "900", "--json").out)
        assert {key for suggestion in document for key in suggestion["changes"]} == {"max_batches", "power"}

    def test_nothing_to_offer(self, command: Command) -> None:
        done = command("suggest", "a.cfg", "--set", "policy=constant")
        assert (done.code, done.out) == (1, "No value of the keys that may change gives that rate.\n")
        assert command("suggest", "a.cfg", "--decay", "0").code == 2


class TestCompare:
    def test_the_same(self, command: Command) -> None:
        assert command("compare", "a.cfg", "a.cfg").code == 0
        assert command("compare", "a.cfg", "steps.cfg", "--tolerance", "1").code == 0

    def test_one_standard_input_is_read_for_both(self, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(Path("a.cfg").read_bytes())))
        assert command("compare", "-", "-").out.startswith("- and -: same over iterations 0 to 1000\n")

    def test_forks(self, command: Command) -> None:
        done = command("compare", "a.cfg", "--dialects", "--gpus", "2")
        assert done.code == 1
        assert done.out.startswith("pjreddie and alexeyab: same over iterations 0 to 1000\n")
        assert "pjreddie and hank-ai: not the same over iterations 0 to 1000" in done.out

    def test_a_fork_that_refuses(self, command: Command) -> None:
        Path("crlf.cfg").write_bytes(Path("a.cfg").read_bytes().replace(b"\n", b"\r\n"))
        done = command("compare", "crlf.cfg", "--dialects")
        assert done.code == 1
        assert "\npjreddie refuses it: crlf.cfg:1: the line ends with a carriage return" in done.out

    def test_cfg_and_function(self, command: Command) -> None:
        argv = ("compare", "steps.cfg", "my_rates:mine", "--horizon", "499", "--json")
        [comparison] = json.loads(command(*argv).out)["comparisons"]
        # float32 0.001 and 0.0001 beside the float64 ones; the drops are at 400 and 500
        assert (comparison["first"], comparison["last"], comparison["largest_at"]) == (0, 499, 400)
        assert comparison["largest"] == pytest.approx(0.0009)


class TestCheck:
    def test_sound(self, command: Command) -> None:
        done = command("check", "my_rates:mine", "--horizon", "1000", "--milestones", "500", "--max-jump", "0.000001")
        assert done.code == 0
        assert " checks passed" in done.out.splitlines()[0]
        assert "not checked (no expectation given): " in done.out
        assert command("check", "a.cfg").code == 0

    def test_expected_and_got(self, command: Command) -> None:
        done = command("check", "my_rates:mine", "--horizon", "1000", "--peak", "0.0005")
        assert done.code == 1
        assert "\n  FAILED  peak\n          expected: " in done.out
        assert "\n          got: " in done.out
        allowed = command("check", "my_rates:mine", "--horizon=1000", "--peak=0.0005", "--xfail=peak")
        assert allowed.code == 0
        assert "\n  xfail   peak\n" in allowed.out

    def test_what_is_not_checked_has_its_reason(self, command: Command) -> None:
        argv = "check my_rates:mine --horizon 1000 --initial .001 --peak .001 --final .0001 --minimum 0 --maximum 1"
        more = "--warmup 0 --decay 0 --milestones 500 --max-jump 1 --after stays"
        done = command(*argv.split(), *more.split())
        assert "not checked" not in done.out
        assert "\n  -       warmup\n          the warm-up has no iterations\n" in done.out

    def test_json(self, command: Command) -> None:
        argv = ("check", "my_rates:mine", "--horizon", "1000", "--maximum", "0.0005", "--json")
        document = json.loads(command(*argv).out)
        assert (document["schedule"], document["ok"]) == ("my_rates:mine", False)
        assert set(document["checks"][0]) == documented_keys("check", "checks")
        failed = [check for check in document["checks"] if check["status"] == "failed"]
        assert [(check["check"], check["iteration"]) for check in failed] == [("bounds", 0)]


def test_init_is_a_cfg_to_train_with(command: Command) -> None:
    made = command("init", "--classes", "3", "--images", "5000", "--gpus", "2")
    Path("made.cfg").write_text(made.out)
    assert made.out.startswith("[net]\nbatch=64\n")
    assert command("plan", "made.cfg", "--gpus", "2", "--classes", "3", "--images", "5000").code == 0


def test_policies(command: Command) -> None:
    one = command("policies", "poly").out
    assert "learning_rate * (1 - t / max_batches) ** power" in one
    assert "default 4" in one
    every = command("policies").out
    assert all(f"\n\n{name}: " in every for name in ("step", "sgdr", "burn_in"))
    names = [policy["name"] for policy in json.loads(command("policies", "--json").out)]
    assert names == ["constant", "step", "steps", "exp", "poly", "random", "sigmoid", "sgdr", "burn_in"]


class TestFit:
    def test_the_cfg_is_printed_and_the_error_is_a_message(self, command: Command) -> None:
        done = command("fit", "my_rates:mine", "--horizon", "1000")
        assert done.code == 0
        assert "policy=steps\nsteps=500\nscales=0.1\n" in done.out
        assert "The cfg matches the curve at all 1000 iterations" in done.err
        Path("new.cfg").write_text(done.out)
        assert command("compare", "new.cfg", "my_rates:mine", "--tolerance", "1e-9").code == 0

    def test_json(self, command: Command) -> None:
        document = json.loads(command("fit", "my_rates:mine", "--horizon", "1000", "--json").out)
        assert list(document) == ["source", "horizon", "cfg", "exact", "error", "iteration", "rate", "expected"]
        assert (document["horizon"], document["exact"]) == (1000, True)

    def test_a_cfg_and_a_picture_are_written(self, command: Command) -> None:
        Path("old.cfg").write_text(
            "# mine\n[net]\nbatch=7 # few\nburn_in=1000\nlearning_rate=1\n[convolutional]\nfilters=3\n"
        )
        done = command("fit", "steps.cfg", "--into", "old.cfg", "-o", "new.cfg", "--plot", "new.png")
        assert (done.code, done.out) == (0, "")
        text = Path("new.cfg").read_text()
        assert text.startswith("# mine\n[net]\nbatch=7 # few\nburn_in=0\nmax_batches=500\npolicy=steps\n")
        assert text.endswith("[convolutional]\nfilters=3\n")
        assert Path("new.png").read_bytes().startswith(b"\x89PNG")
        assert "already exists" in command("fit", "steps.cfg", "-o", "new.cfg").err
        assert Path("new.cfg").read_text() == text
        assert command("fit", "steps.cfg", "-o", "new.cfg", "--force").code == 0

    def test_what_is_wrong_is_one_sentence(self, command: Command) -> None:
        for *argv, sentence in (
            ("my_rates:mine", "give --horizon N"),
            ("my_rates:mine", "--horizon", "0", "--horizon must be at least 1"),
            ("my_rates:mine", "--horizon", "9", "--into", "my_rates.py", "my_rates.py"),
            ("a.cfg", "--set", "learning_rate=-1", "--horizon", "9", "is negative"),
        ):
            done = command("fit", *argv)
            assert (done.code, done.out) == (2, "")
            assert sentence in done.err


class TestExport:
    def test_the_code_of_a_cfg_is_printed(self, command: Command) -> None:
        done = command("export", "steps.cfg", "--to", "torch")
        assert (done.code, done.err) == (0, "")
        assert "return MultiStepLR(optimizer, milestones=[400], gamma=0.1)" in done.out
        names: dict[str, Any] = {}
        exec(command("export", "a.cfg", "--to", "python").out, names)
        assert names["learning_rate"](500) == pytest.approx(0.000625)

    def test_a_file_is_not_replaced(self, command: Command) -> None:
        assert "wrote rates.py" in command("export", "a.cfg", "--to", "keras", "-o", "rates.py").err
        text = Path("rates.py").read_text()
        assert "already exists" in command("export", "a.cfg", "--to", "python", "-o", "rates.py").err
        assert Path("rates.py").read_text() == text

    def test_a_function_without_an_end_needs_one(self, command: Command) -> None:
        assert "give --horizon N" in command("export", "my_rates:mine", "--to", "optax").err
        assert (
            "iterations=(0, 499, 500, 800)"
            in command("export", "my_rates:mine", "--to", "optax", "--horizon", "800").out
        )
        assert "--to" in command("export", "a.cfg", "--to", "caffe").err


class TestDesign:
    """The page itself has tests of its own."""

    @pytest.fixture
    def interrupted(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("lrsched.designer.server.Server.serve_forever", Mock(side_effect=KeyboardInterrupt))

    @pytest.mark.parametrize("found", [True, False])
    def test_a_browser_is_opened(
        self, command: Command, interrupted: None, monkeypatch: pytest.MonkeyPatch, found: bool
    ) -> None:
        opened = Mock(return_value=found)
        monkeypatch.setattr("webbrowser.open", opened)
        monkeypatch.setattr("lrsched.cli.design.Thread", Now)
        done = command("design", "a.cfg")
        opened.assert_called_once_with(done.out.strip())
        assert (done.code, "stopped" in done.err) == (0, True)
        assert ("no browser was found; open the address yourself" in done.err) != found

    def test_a_port_that_is_taken_is_one_sentence(self, command: Command) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = str(taken.getsockname()[1])
            done = command("design", "a.cfg", "--no-browser", "--port", port)
        assert done.code == 2
        assert done.err.startswith(f"lrsched: --port {port}: ")
        assert done.err.endswith("; leave --port out for a free one\n")


class Now:
    """A thread that is over when it has begun."""

    def __init__(self, target: Any, args: Any, daemon: bool) -> None:
        self.start = lambda: target(*args)


def test_diagnose_does_without_a_config_that_cannot_be_read(command: Command) -> None:
    rows = "".join(f"{t},{0.9**t},{0.9**t}\n" for t in range(40))
    Path("results.csv").write_text("epoch,train/loss,val/loss\n" + rows)
    Path("args.yaml").write_text("lr0: [\n")
    done = command("diagnose", "results.csv")
    assert (done.code, done.out.startswith("results.csv: Converged")) == (0, True)
    assert done.err.startswith("lrsched: args.yaml, line 1: ")
    assert done.err.endswith(" (so the advice is without it)\n")
