"""The commands show, plot, plan, suggest, compare, check, init, policies, fit, export, design and diagnose."""

from __future__ import annotations

import csv
import io
import json
import socket
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from tests.cli.conftest import CFG, Command, documented_keys

SOUND = "check my_rates:mine --horizon 1000 --milestones 500 --max-jump 0.000001"
ALL_EXPECTED = (
    "check my_rates:mine --horizon 1000 --initial .001 --peak .001 --final .0001 --minimum 0 --maximum 1 "
    "--warmup 0 --decay 0 --milestones 500 --max-jump 1 --after stays"
)


@pytest.mark.parametrize(
    ("argv", "code", "said"),
    [
        ("show a.cfg --set policy=step --set step=1 --set scale=.99", 0, "more milestones follow"),
        ("show a.cfg --horizon 0", 0, "\n         0    0.000000                 0  last iteration\n"),
        ("show my_rates:mine --every 5", 2, "give --horizon N"),
        ("show my_rates:mine --at 499,500 --csv", 0, "iteration,rate\n499,0.001\n500,0.0001\n"),
        ("show a.cfg --set power=2 --set learning_rate=.1 --at 500 --csv", 0, "iteration,rate\n500,0.0250000004\n"),
        ("plan my_rates:mine --target 1000", 0, "OK"),
        ("plan my_rates:mine --target 1000 --json", 0, '"schedule": "as_schedule('),
        ("plot my_rates:mine --target 1000", 0, "mine-lr.png\n"),
        ("plot my_rates:mine", 2, "my_rates:mine has no last iteration; give --horizon N or --target N\n"),
        ("plot a.cfg --log-scale steps.cfg", 0, "a-steps-lr.png\n"),
        ("plot a.cfg -o x.svg", 0, "x.svg\n"),
        ("plot a.cfg -o x.bmpp", 2, ".png"),
        ("plot a.cfg --start 700 --target 1500", 0, "a-lr.png\n"),
        ("plot a.cfg --start 700 --target 900", 2, "there is nothing to extend"),
        ("plot a.cfg steps.cfg --start 7 --target 1500", 2, "give one cfg"),
        ("suggest a.cfg --target 900 --rate 0.001", 0, "\n      max_batches=2100\n"),
        ("suggest a.cfg --set policy=constant", 1, "No value of the keys that may change gives that rate.\n"),
        ("suggest a.cfg --decay 0", 2, "decay"),
        ("compare a.cfg a.cfg", 0, "a.cfg and a.cfg: same over iterations 0 to 1000\n"),
        ("compare a.cfg steps.cfg --tolerance 1", 0, "same over"),
        ("compare a.cfg --dialects --gpus 2", 1, "pjreddie and alexeyab: same over iterations 0 to 1000\n"),
        ("compare a.cfg --dialects --gpus 2", 1, "pjreddie and hank-ai: not the same over iterations 0 to 1000"),
        ("compare crlf.cfg --dialects", 1, "\npjreddie refuses it: crlf.cfg:1: the line ends with a carriage return"),
        (SOUND, 0, " checks passed\n"),
        (SOUND, 0, "not checked (no expectation given): "),
        ("check a.cfg", 0, " checks passed\n"),
        ("check my_rates:mine --horizon 1000 --peak 0.0005", 1, "\n  FAILED  peak\n          expected: The largest"),
        ("check my_rates:mine --horizon 1000 --peak 0.0005", 1, "\n          got: the largest rate is 0.001, at "),
        ("check my_rates:mine --horizon=1000 --peak=0.0005 --xfail=peak", 0, "\n  xfail   peak\n"),
        (ALL_EXPECTED, 0, "\n  -       warmup\n          the warm-up has no iterations\n"),
        ("policies poly", 0, "learning_rate * (1 - t / max_batches) ** power"),
        ("policies poly", 0, "default 4"),
        ("policies", 0, "\n\nstep: "),
        ("policies", 0, "\n\nburn_in: "),
        ("fit my_rates:mine --horizon 1000", 0, "policy=steps\nsteps=500\nscales=0.1\n"),
        ("fit my_rates:mine --horizon 1000", 0, "The cfg matches the curve at all 1000 iterations"),
        ("fit my_rates:mine", 2, "give --horizon N"),
        ("fit my_rates:mine --horizon 0", 2, "--horizon must be at least 1"),
        ("fit my_rates:mine --horizon 9 --into my_rates.py", 2, "my_rates.py"),
        ("fit a.cfg --set learning_rate=-1 --horizon 9", 2, "is negative"),
        ("fit a.cfg -o steps.cfg", 2, "steps.cfg: already exists"),
        ("export steps.cfg --to torch", 0, "return MultiStepLR(optimizer, milestones=[400], gamma=0.1)"),
        ("export a.cfg --to keras -o rates.py", 0, "wrote rates.py"),
        ("export a.cfg --to python -o my_rates.py", 2, "my_rates.py: already exists"),
        ("export my_rates:mine --to optax", 2, "give --horizon N"),
        ("export my_rates:mine --to optax --horizon 800", 0, "iterations=(0, 499, 500, 800)"),
        ("export a.cfg --to caffe", 2, "--to"),
    ],
)
def test_what_a_command_says(command: Command, argv: str, code: int, said: str) -> None:
    Path("crlf.cfg").write_bytes(Path("a.cfg").read_bytes().replace(b"\n", b"\r\n"))
    done = command(*argv.split())
    assert (done.code, said in (done.err if code == 2 else done.out + done.err)) == (code, True)
    assert code != 2 or not done.out
    assert argv != ALL_EXPECTED or "not checked" not in done.out
    assert Path("a.cfg").read_text() == CFG


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

    def test_the_forks_disagree(self, command: Command) -> None:
        argv = ("show", "a.cfg", "--gpus=4", "--at=10", "--csv", "--dialect")
        rates = [float(command(*argv, fork).out.split(",")[-1]) for fork in ("pjreddie", "alexeyab", "hank-ai")]
        assert rates[0] == rates[1] == pytest.approx(4 * rates[2])


def test_a_picture_with_every_option(command: Command) -> None:
    argv = "--gpus 2 --dialect pjreddie --set power=2 --from 5 --horizon 900 --log-scale --target 800 --images 640"
    look = ("--title", "Both", "--dark", "--size", "640x360", "--dpi", "50")
    assert command("plot", "a.cfg", *argv.split(), *look, "-o", "all.png").code == 0
    assert Path("all.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert Path("all.png").read_bytes()[16:24] == bytes([0, 0, 2, 128, 0, 0, 1, 104])  # 640 and 360


def test_suggestions_as_json(command: Command) -> None:
    document = json.loads(command("suggest", "a.cfg", "--target", "900", "--json").out)
    assert {key for suggestion in document for key in suggestion["changes"]} == {"max_batches", "power"}


def test_compare_reads_one_standard_input_for_both(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(Path("a.cfg").read_bytes())))
    assert command("compare", "-", "-").out.startswith("- and -: same over iterations 0 to 1000\n")


def test_compare_a_cfg_and_a_function(command: Command) -> None:
    argv = ("compare", "steps.cfg", "my_rates:mine", "--horizon", "499", "--json")
    [comparison] = json.loads(command(*argv).out)["comparisons"]
    # float32 0.001 and 0.0001 beside the float64 ones; the drops are at 400 and 500
    assert (comparison["first"], comparison["last"], comparison["largest_at"]) == (0, 499, 400)
    assert comparison["largest"] == pytest.approx(0.0009)


def test_checks_as_json(command: Command) -> None:
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


def test_policies_as_json(command: Command) -> None:
    names = [policy["name"] for policy in json.loads(command("policies", "--json").out)]
    assert names == ["constant", "step", "steps", "exp", "poly", "random", "sigmoid", "sgdr", "burn_in"]


class TestFit:
    def test_the_cfg_that_is_printed_has_the_rates(self, command: Command) -> None:
        Path("new.cfg").write_text(command("fit", "my_rates:mine", "--horizon", "1000").out)
        assert command("compare", "new.cfg", "my_rates:mine", "--tolerance", "1e-9").code == 0
        document = json.loads(command("fit", "my_rates:mine", "--horizon", "1000", "--json").out)
        assert (document["horizon"], document["exact"], document["cfg"]) == (1000, True, Path("new.cfg").read_text())

    def test_a_cfg_and_a_picture_are_written(self, command: Command) -> None:
        Path("old.cfg").write_text(
            "# mine\n[net]\nbatch=7 # few\nburn_in=1000\nlearning_rate=1\n[convolutional]\nfilters=3\n"
        )
        argv = ("fit", "steps.cfg", "--into", "old.cfg", "-o", "new.cfg", "--plot", "new.png")
        done = command(*argv)
        assert (done.code, done.out) == (0, "")
        text = Path("new.cfg").read_text()
        assert text.startswith("# mine\n[net]\nbatch=7 # few\nburn_in=0\nmax_batches=500\npolicy=steps\n")
        assert text.endswith("[convolutional]\nfilters=3\n")
        assert Path("new.png").read_bytes().startswith(b"\x89PNG")
        assert command(*argv).code == 2
        assert command(*argv, "--force").code == 0


def test_exported_code_has_the_rates(command: Command) -> None:
    names: dict[str, Any] = {}
    exec(command("export", "a.cfg", "--to", "python").out, names)
    assert names["learning_rate"](500) == pytest.approx(0.000625)


class TestDesign:
    """The page itself has tests of its own."""

    @pytest.mark.parametrize("found", [True, False])
    def test_a_browser_is_opened(self, command: Command, monkeypatch: pytest.MonkeyPatch, found: bool) -> None:
        opened = Mock(return_value=found)
        monkeypatch.setattr("lrsched.designer.server.Server.serve_forever", Mock(side_effect=KeyboardInterrupt))
        monkeypatch.setattr("webbrowser.open", opened)
        # a thread that is over when it has begun
        monkeypatch.setattr("lrsched.cli.design.Thread", lambda target, args, daemon: Mock(start=lambda: target(*args)))
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


@pytest.mark.parametrize(
    ("argv", "without"),
    [
        ("diagnose", "the advice does without the config beside the log"),
        ("log --no-plot", "the log is not compared with the config beside it"),
    ],
)
def test_why_a_config_beside_a_log_is_not_used_is_said(command: Command, argv: str, without: str) -> None:
    rows = "".join(f"{t},{0.9**t},{0.9**t}\n" for t in range(40))
    Path("run").mkdir()
    Path("run/results.csv").write_text("epoch,train/loss,val/loss\n" + rows)
    Path("run/args.yaml").write_text("lr0: [\n")
    done = command(*argv.split(), "run/results.csv")
    assert (done.code, done.out.startswith("results.csv: ")) == (0, True)
    assert done.err.startswith(f"lrsched: {without}: run/args.yaml, line 1: ")
    Path("args.yaml").write_text("epochs: 40\nlr0: 0.01\n")
    done = command(*argv.split(), "run/results.csv")
    assert done.err.startswith("lrsched: passed over a config beside the log: run/args.yaml, line 1: ")
    assert done.err.count("\n") == 1
