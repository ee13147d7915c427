"""The command line through main(argv): what it prints, where, and how it ends."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lrsched.cli import main

CFG = "[net]\nlearning_rate=0.01\npolicy=poly\npower=4\nmax_batches=1000\nburn_in=10\n"
STEPS = "[net]\nmax_batches=500\npolicy=steps\nsteps=400\nscales=.1\n"


@pytest.fixture
def cfg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.cfg").write_text(CFG)
    (tmp_path / "steps.cfg").write_text(STEPS)
    return "a.cfg"


class Result:
    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Any:
    def run(*argv: str) -> Result:
        try:
            code = main(argv)
        except SystemExit as stop:
            code = int(stop.code or 0)
        captured = capsys.readouterr()
        return Result(code, captured.out, captured.err)

    return run


class TestPlan:
    def test_findings_exit_with_1(self, cfg: str, command: Any) -> None:
        result = command("plan", cfg, "--target", "1500")

        assert result.code == 1
        assert result.err == ""
        lines = result.out.splitlines()
        assert lines[0] == "a.cfg: poly · learning_rate 0.01 · max_batches 1000 · power 4 · burn_in 10 · alexeyab"
        assert lines[1] == "Not as meant: 1 error and 1 warning."
        assert "error    ends-before-target" in lines
        assert "    max_batches=1638" in lines

    def test_ok_exits_with_0(self, cfg: str, command: Any) -> None:
        result = command("plan", cfg, "--target", "500")

        assert result.code == 0
        assert "OK, with notes." in result.out
        assert "Rate at the end, iteration 500: 0.000625" in result.out

    def test_json(self, cfg: str, command: Any) -> None:
        result = command("plan", cfg, "--target", "1500", "--gpus", "2", "--json")
        document = json.loads(result.out)

        assert result.code == 1
        assert list(document) == [
            "cfg", "dialect", "policy", "ngpus", "start", "target", "end", "ok", "zero_from", "rate_at_target",
            "findings", "suggestions", "extensions",
        ]  # fmt: skip
        assert (document["cfg"], document["ngpus"], document["end"], document["ok"]) == ("a.cfg", 2, 1000, False)
        assert list(document["findings"][0]) == ["code", "severity", "first", "last", "message"]
        assert list(document["suggestions"][0]) == ["changes", "why", "rate_at_target", "cures", "target"]

    def test_json_has_null_for_what_is_not_finite(self, cfg: str, command: Any) -> None:
        document = json.loads(command("plan", cfg, "--set", "max_batches=0", "--target", "50", "--json").out)

        assert document["rate_at_target"] is None


class TestShow:
    def test_bends(self, cfg: str, command: Any) -> None:
        result = command("show", "steps.cfg")

        assert result.code == 0
        assert result.out.splitlines() == [
            "steps.cfg: steps · learning_rate 0.001 · max_batches 500 · steps 400 · scales 0.1 · alexeyab",
            " iteration     printed             exact",
            "         0    0.001000     0.00100000005",
            "         1    0.001000     0.00100000005  the first update",
            "       399    0.001000     0.00100000005",
            "       400    0.000100    0.000100000005  x 0.1",
            "       500    0.000100    0.000100000005  the end of the run",
        ]

    def test_at(self, cfg: str, command: Any) -> None:
        rows = json.loads(command("show", cfg, "--at", "500,0,1000", "--json").out)["rates"]

        assert [(row["iteration"], round(row["rate"], 9)) for row in rows] == [(500, 0.000625), (0, 0.0), (1000, 0.0)]

    def test_every_as_csv(self, cfg: str, command: Any) -> None:
        rows = list(csv.reader(io.StringIO(command("show", cfg, "--every", "250", "--csv").out)))

        assert rows[0] == ["iteration", "rate"]
        assert [int(row[0]) for row in rows[1:]] == [0, 250, 500, 750, 1000]
        assert float(rows[3][1]) == pytest.approx(0.01 * 0.5**4)

    def test_many_bends_are_counted(self, cfg: str, command: Any) -> None:
        result = command("show", cfg, "--set", "policy=step", "--set", "step=1", "--set", "scale=.99")

        assert len(result.out.splitlines()) < 60
        assert "more bends follow" in result.out

    def test_imports_no_matplotlib(self, cfg: str) -> None:
        code = "import sys; from lrsched.cli import main; main(sys.argv[1:]); assert 'matplotlib' not in sys.modules"
        subprocess.run([sys.executable, "-c", code, "show", cfg], check=True, capture_output=True)


class TestPlot:
    def test_default_name_and_path_printed(self, cfg: str, command: Any) -> None:
        result = command("plot", cfg)

        assert (result.code, result.out) == (0, "a-lr.png\n")
        assert Path("a-lr.png").read_bytes().startswith(b"\x89PNG")

    @pytest.mark.parametrize(("name", "magic"), [("x.svg", b"<?xml"), ("x.pdf", b"%PDF"), ("x.PNG", b"\x89PNG")])
    def test_format_by_ending(self, cfg: str, command: Any, name: str, magic: bytes) -> None:
        assert command("plot", cfg, "steps.cfg", "-o", name).out == f"{name}\n"
        assert Path(name).read_bytes().startswith(magic)

    def test_several_cfgs(self, cfg: str, command: Any) -> None:
        assert command("plot", cfg, "steps.cfg").out == "a-steps-lr.png\n"

    def test_unknown_ending(self, cfg: str, command: Any) -> None:
        result = command("plot", cfg, "-o", "x.bmpp")

        assert result.code == 2
        assert result.err.startswith("lrsched: ")
        assert ".png" in result.err
        assert not Path("x.bmpp").exists()

    def test_ways_to_go_on(self, cfg: str, command: Any) -> None:
        assert command("plot", cfg, "--start", "700", "--target", "1500").out == "a-lr.png\n"
        result = command("plot", cfg, "--start", "700", "--target", "900")
        assert (result.code, result.out) == (2, "")
        assert "there is nothing to go on with" in result.err
        assert "name only one" in command("plot", cfg, "steps.cfg", "--start", "7", "--target", "1500").err

    def test_everything_at_once(self, cfg: str, command: Any) -> None:
        argv = "--gpus 2 --dialect pjreddie --set power=2 --from 5 --to 900 --log-scale --target 800 --images 640"
        assert command("plot", cfg, *argv.split(), "-o", "all.png").code == 0


@pytest.fixture
def function(cfg: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "my_rates.py").write_text("def mine(t):\n    return 0.001 * (t < 500) + 0.0001 * (t >= 500)\n")
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "my_rates", raising=False)
    return "my_rates:mine"


class TestYourOwn:
    """A function by the name it can be imported by, wherever a cfg is welcome."""

    def test_show(self, function: str, command: Any) -> None:
        result = command("show", function, "--at", "499,500", "--csv")
        assert result.out == "iteration,rate\n499,0.001\n500,0.0001\n"
        assert command("show", function, "--at", "5").out.startswith("my_rates:mine: Imported(path='my_rates:mine')\n")

    def test_plan(self, function: str, command: Any) -> None:
        assert command("plan", function, "--target", "1000").code == 0
        document = json.loads(command("plan", function, "--target", "1000", "--json").out)
        assert document["schedule"] == "Imported(path='my_rates:mine')"
        missing = command("plan", function)
        assert (missing.code, missing.err.split("; ")[-1]) == (2, "name a target\n")

    def test_plot(self, function: str, command: Any) -> None:
        assert command("plot", function, "--target", "1000").out == "mine-lr.png\n"

    @pytest.mark.parametrize(
        ("argv", "message"),
        [
            (["nothing.here:x"], "'nothing.here:x' cannot be imported: No module named 'nothing'"),
            (["my_rates:yours"], "'my_rates:yours' cannot be imported: "),
            (["my_rates:mine", "--gpus", "2"], "--set and --gpus are for cfgs"),
            (["json:JSONDecoder.__doc__"], "which cannot be called with an iteration"),
        ],
    )
    def test_wrong_names(self, function: str, command: Any, argv: list[str], message: str) -> None:
        result = command("plan", *argv, "--target", "5")
        assert (result.code, result.out) == (2, "")
        assert message in result.err


class TestCompare:
    def test_forks(self, cfg: str, command: Any) -> None:
        result = command("compare", cfg, "--dialects", "--gpus", "2")

        assert result.code == 1
        assert result.out.startswith("pjreddie and alexeyab: same over iterations 0 to 1000\n")
        assert "pjreddie and hank-ai: not the same over iterations 0 to 1000" in result.out

    def test_a_fork_that_refuses(self, cfg: str, command: Any) -> None:
        Path("crlf.cfg").write_bytes(CFG.replace("\n", "\r\n").encode())
        result = command("compare", "crlf.cfg", "--dialects")

        assert result.code == 1
        assert "\npjreddie refuses it: crlf.cfg:1: the line ends with a carriage return" in result.out

    def test_the_same(self, cfg: str, command: Any) -> None:
        assert command("compare", cfg, cfg).code == 0
        assert command("compare", cfg, cfg, "--tolerance", "1").out.startswith("a.cfg and a.cfg: same over iterations")

    def test_cfg_and_function(self, function: str, command: Any) -> None:
        result = command("compare", "steps.cfg", function, "--to", "499", "--json", "-o", "both.svg")
        [comparison] = json.loads(result.out)["comparisons"]

        # float32 0.001 and 0.0001 beside the float64 ones; the drops are at 400 and 500
        assert (comparison["first"], comparison["last"], comparison["largest_at"]) == (0, 499, 400)
        assert comparison["largest"] == pytest.approx(0.0009)
        assert Path("both.svg").exists()

    @pytest.mark.parametrize(
        ("argv", "message"),
        [
            (["a.cfg"], "compare needs two schedules or more"),
            (["a.cfg", "steps.cfg", "--dialects"], "name only one"),
            (["my_rates:mine", "my_rates:mine"], "no schedule knows where it ends; say so with --to"),
        ],
    )
    def test_usage(self, function: str, command: Any, argv: list[str], message: str) -> None:
        result = command("compare", *argv)
        assert (result.code, result.out) == (2, "")
        assert message in result.err


class TestCheck:
    def test_sound(self, function: str, command: Any) -> None:
        result = command("check", function, "--horizon", "1000", "--milestones", "500", "--max-jump", "0.000001")

        assert result.code == 0
        assert result.out.startswith("my_rates:mine: 13 of 13 checks passed\n  ok        answers\n")
        assert "  not promised, so not judged: minimum or maximum, start, peak" in result.out

    def test_broken_promises(self, function: str, command: Any) -> None:
        result = command("check", function, "--horizon", "1000", "--end", "0", "--milestones", "501")

        assert result.code == 1
        assert "12 of 14 checks passed" in result.out
        assert "  FAILED    reaches-end" in result.out
        assert "promised: " in result.out

    def test_expected(self, function: str, command: Any) -> None:
        result = command("check", function, "--horizon", "1000", "--end", "0", "--expect", "reaches-end=not yet")

        assert result.code == 0
        assert "expected: not yet" in result.out

    def test_json(self, function: str, command: Any) -> None:
        document = json.loads(command("check", function, "--horizon", "1000", "--maximum", "0.0005", "--json").out)

        assert (document["schedule"], document["ok"]) == (function, False)
        failed = [check for check in document["checks"] if check["status"] == "failed"]
        assert [(check["check"], check["iteration"]) for check in failed] == [("within-bounds", 0)]

    def test_a_cfg(self, cfg: str, command: Any) -> None:
        assert command("check", cfg).code == 0

    @pytest.mark.parametrize(
        ("argv", "message"),
        [
            (["my_rates:mine"], "does not say where it ends; name the last iteration with --horizon"),
            (["my_rates:mine", "--horizon", "5", "--expect", "finite"], "this is no CHECK=REASON"),
            (["my_rates:mine", "--horizon", "5", "--expect", "finit=x"], "no check is called 'finit'; write 'finite'"),
            (["nothing.here:x", "--horizon", "5"], "cannot be imported"),
        ],
    )
    def test_usage(self, function: str, command: Any, argv: list[str], message: str) -> None:
        result = command("check", *argv)
        assert (result.code, result.out) == (2, "")
        assert message in result.err


class TestPolicies:
    def test_one(self, command: Any) -> None:
        result = command("policies", "poly")

        assert "learning_rate * (1 - t / max_batches) ** power" in result.out
        assert "default 4" in result.out

    def test_all_as_json(self, command: Any) -> None:
        names = [policy["name"] for policy in json.loads(command("policies", "--json").out)]

        assert names == ["constant", "step", "steps", "exp", "poly", "random", "sigmoid", "sgdr", "burn_in"]

    def test_unknown(self, command: Any) -> None:
        result = command("policies", "cosine")

        assert (result.code, result.out) == (2, "")
        assert result.err == (
            "lrsched: policy must be one of constant, step, steps, exp, poly, random, sigmoid, sgdr, burn_in, "
            "got 'cosine'\n"
        )


class TestSuggest:
    def test_lines_to_paste(self, cfg: str, command: Any) -> None:
        result = command("suggest", cfg, "--target", "900", "--end-rate", "0.001")

        assert result.code == 0
        assert result.out.splitlines()[0] == "max_batches=2057"
        assert "the rate at 900 becomes 0.001 or just above" in result.out

    def test_json(self, cfg: str, command: Any) -> None:
        document = json.loads(command("suggest", cfg, "--target", "900", "--json").out)

        assert [list(suggestion["changes"]) for suggestion in document] == [["max_batches"]] * 2 + [["power"]] * 2

    def test_nothing_to_offer(self, cfg: str, command: Any) -> None:
        result = command("suggest", cfg, "--set", "policy=constant")

        assert (result.code, result.out) == (1, "No value of a key of this policy gives that rate.\n")


class TestWrite:
    def test_only_the_changed_line_changes(self, cfg: str, command: Any) -> None:
        result = command("plan", cfg, "--target", "1500", "--write", "new.cfg", "--choose", "2")

        assert result.code == 1
        assert result.err == "lrsched: wrote new.cfg with max_batches=1700\n"
        assert Path("new.cfg").read_text() == CFG.replace("max_batches=1000", "max_batches=1700")
        assert command("plan", "new.cfg", "--target", "1500").code == 0

    def test_bytes_that_are_no_text_stay(self, cfg: str, command: Any) -> None:
        Path("odd.cfg").write_bytes(b"# caf\xe9\r\n" + CFG.replace("\n", "\r\n").encode())
        command("suggest", "odd.cfg", "--write", "new.cfg")

        old, new = Path("odd.cfg").read_bytes(), Path("new.cfg").read_bytes()
        assert new.startswith(b"# caf\xe9\r\n[net]\r\n")
        assert sum(a != b for a, b in zip(old.split(b"\r\n"), new.split(b"\r\n"), strict=True)) == 1

    def test_never_over_a_file_unasked(self, cfg: str, command: Any) -> None:
        result = command("suggest", cfg, "--write", cfg)

        assert (result.code, result.err) == (2, "lrsched: a.cfg: already exists; use --force to replace it\n")
        assert Path(cfg).read_text() == CFG
        assert command("suggest", cfg, "--write", cfg, "--force").code == 0
        assert Path(cfg).read_text() != CFG
        assert sorted(path.name for path in Path().iterdir()) == ["a.cfg", "steps.cfg"]

    def test_a_choice_that_is_not_there(self, cfg: str, command: Any) -> None:
        result = command("suggest", cfg, "--write", "new.cfg", "--choose", "99")

        assert result.code == 2
        assert "so nothing was written; choose 1, 2" in result.err
        assert not Path("new.cfg").exists()

    def test_a_way_to_go_on_by_its_name(self, cfg: str, command: Any) -> None:
        command("plan", cfg, "--start", "700", "--target", "1500", "--write", "new.cfg", "--choose", "hold")

        assert "policy=constant\n" in Path("new.cfg").read_text()
        rates = [command("show", name, "--at", "700", "--csv").out for name in (cfg, "new.cfg")]
        assert rates[0] == rates[1]


def test_design_is_a_cfg(cfg: str, command: Any) -> None:
    result = command("design", "--classes", "3", "--images", "5000", "--gpus", "2")
    Path("made.cfg").write_text(result.out)

    assert result.out.splitlines()[:3] == ["[net]", "batch=64", "subdivisions=16"]
    assert command("plan", "made.cfg", "--gpus", "2", "--classes", "3", "--images", "5000").code == 0


def test_going_on_is_told(cfg: str, command: Any) -> None:
    result = command("plan", cfg, "--target", "1500", "--start", "700")

    assert "Ways to go on from iteration 700 to 1500:" in result.out
    assert "    continuous: the rate goes on from where it is" in result.out


class TestWrongInput:
    """One sentence on standard error, nothing on standard output, exit code 2."""

    @pytest.mark.parametrize("name", ["plan", "show", "plot"])
    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (None, "lrsched: x.cfg: No such file or directory\n"),
            (b"", "lrsched: x.cfg: there is no section in this file; "),
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "lrsched: x.cfg: this is not a text cfg "),
            (b"learning_rate=1\n[net]\n", "lrsched: x.cfg:1: 'learning_rate=1' stands before the first section; "),
            (b"[net]\npolicy=step\nstep=0\n", "lrsched: x.cfg:3: step=0; every fork crashes (division by zero). "),
            (b"\xff\xfe[\0n\0", "lrsched: x.cfg: this is not a text cfg "),
        ],
    )
    def test_files(self, cfg: str, command: Any, name: str, content: bytes | None, message: str) -> None:
        if content is not None:
            Path("x.cfg").write_bytes(content)
        result = command(name, "x.cfg")

        assert (result.code, result.out) == (2, "")
        assert result.err.startswith(message)
        assert result.err.count("\n") == 1

    def test_a_directory(self, cfg: str, command: Any) -> None:
        result = command("plan", ".")

        assert (result.code, result.err) == (2, "lrsched: .: Is a directory\n")

    @pytest.mark.parametrize(
        ("argv", "message"),
        [
            (["plan", "a.cfg", "--gpus", "0"], "ngpus must be at least 1, got 0"),
            (["show", "a.cfg", "--every", "0"], "--every needs a step of at least 1"),
            (["show", "a.cfg", "--set", "max_batch=5"], "[net] has no key max_batch; did you mean max_batches?"),
            (["show", "a.cfg", "--set", "max_batches"], "--set max_batches: this is no KEY=VALUE"),
            (["show", "a.cfg", "--at", "1,x"], "'x' is no whole number"),
            (["plan", "a.cfg", "--target", "-1"], "-1 is no iteration"),
            (["plan", "a.cfg", "--dialect", "darkent"], "invalid choice: 'darkent'"),
            ([], "the following arguments are required: COMMAND"),
        ],
    )
    def test_usage(self, cfg: str, command: Any, argv: list[str], message: str) -> None:
        result = command(*argv)

        assert (result.code, result.out) == (2, "")
        assert message in result.err


def test_set_reads_the_cfg_as_if_the_line_stood_there(cfg: str, command: Any) -> None:
    changed = command("show", cfg, "--set", "power=2", "--set", "learning_rate=.1", "--at", "500", "--csv").out

    assert changed == "iteration,rate\n500,0.0250000004\n"
    assert Path(cfg).read_text() == CFG


def test_dialects_disagree(cfg: str, command: Any) -> None:
    rates = {
        dialect: command("show", cfg, "--gpus", "4", "--at", "10", "--csv", "--dialect", dialect).out.split(",")[-1]
        for dialect in ("pjreddie", "alexeyab", "hank-ai")
    }

    assert float(rates["pjreddie"]) == float(rates["alexeyab"]) == pytest.approx(4 * float(rates["hank-ai"]))


def test_help_has_examples(command: Any) -> None:
    for argv in (
        ["--help"],
        ["plot", "--help"],
        ["plan", "-h"],
        ["show", "-h"],
        ["policies", "-h"],
        ["compare", "-h"],
        ["check", "-h"],
    ):
        result = command(*argv)
        assert result.code == 0
        assert "lrsched " in result.out.partition("example")[2]


def test_version(command: Any) -> None:
    assert command("--version").out.startswith("lrsched 0.")


def test_a_closed_pipe_is_no_traceback(cfg: str) -> None:
    script = f"{sys.executable} -m lrsched show {cfg} --every 1 --csv --set max_batches=500000 | head -n 1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", script], capture_output=True, text=True, check=False)

    assert (done.stdout, done.stderr) == ("iteration,rate\n", "")


class TestOddInput:
    def test_a_byte_order_mark(self, command: Any, tmp_path: Path) -> None:
        path = tmp_path / "marked.cfg"
        path.write_text("\ufeff# a comment\n" + CFG, encoding="utf-8")

        assert "without a byte-order mark" in command("show", str(path)).err

    def test_a_number_too_large_is_told_in_all_its_digits(self, cfg: str, command: Any) -> None:
        # 5 000 000 000 - 2**32
        assert "is read as 705032704," in command("plan", cfg, "--set", "max_batches=5000000000").out.replace("\n", "")

    @pytest.mark.parametrize("arguments", [("plot", "-o", "none/a.png"), ("plan", "--write", "none/a.cfg")])
    def test_a_folder_that_is_not_there(self, cfg: str, command: Any, arguments: tuple[str, ...]) -> None:
        result = command(arguments[0], cfg, *arguments[1:])

        assert result.code == 2
        assert result.err.startswith(f"lrsched: {arguments[2]}: ")

    def test_a_function_that_raises(self, command: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "failing_rates.py").write_text("def rate(t):\n    return {}[0]\n")
        monkeypatch.syspath_prepend(tmp_path)

        result = command("plan", "failing_rates:rate", "--target", "100")

        assert (result.code, result.err) == (2, "lrsched: the schedule itself raised KeyError: 0; mend it\n")

    def test_a_target_before_the_start(self, cfg: str, command: Any) -> None:
        assert "lies before the start" in command("plan", cfg, "--start", "900", "--target", "100").err

    def test_no_decay_is_no_wish(self, cfg: str, command: Any) -> None:
        assert command("suggest", cfg, "--decay", "0").err == "lrsched: decay must be above 0 and finite, got 0.0\n"
