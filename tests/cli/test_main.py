"""What all commands share: exit codes, messages, help, reading cfgs and functions."""

from __future__ import annotations

import errno
import io
import os
import subprocess
import sys
from pathlib import Path
from unittest.mock import Mock

import pytest

from lrsched import cli
from lrsched.cli import COMMANDS
from tests.cli.conftest import CFG, Command

READERS = pytest.mark.parametrize("name", ["plan", "show", "plot"])


@pytest.mark.parametrize("name", ["--version", *COMMANDS])
def test_help_shows_examples_and_goes_to_stdout(command: Command, name: str) -> None:
    done = command(name, "--help") if name in COMMANDS else command("--help")
    assert (done.code, done.err) == (0, "")
    assert "lrsched " in done.out.partition("example")[2]
    assert max(map(len, done.out.splitlines())) <= 96


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["plan", "a.cfg", "--gpus", "0"], "lrsched plan: --gpus must be at least 1, got 0\n"),
        (["plan", "a.cfg", "--gpus", "4097"], "lrsched plan: --gpus must be at most 4096, got 4097\n"),
        (["plan", "a.cfg", "--target", "3000000000"], "--target must be at most 2147483647"),
        (["show", "a.cfg", "--at", "1,x"], "--at must be an integer, got 'x'"),
        (["show", "a.cfg", "--every", "0"], "--every must be at least 1"),
        (["plan", "a.cfg", "--taget", "5"], "--taget is not an argument of this command; did you mean '--target'?"),
        (
            ["pln", "a.cfg"],
            "'pln' is not one of plot, plan, show, suggest, compare, log, scan, diagnose, check, design, init",
        ),
        (["plan", "a.cfg", "--dialect", "alexyab"], "did you mean 'alexeyab'?"),
        (["show", "a.cfg", "--set", "max_batch=5"], "[net] has no key max_batch; did you mean 'max_batches'?"),
        (["show", "a.cfg", "--set", "max_batches"], "--set max_batches: expected KEY=VALUE"),
        (["plan", "a.cfg", "--ignore", "burnin-long"], "did you mean 'burn-in-long'?"),
        (["init", "--epochs", "5"], "--epochs needs --images"),
        (["compare", "a.cfg"], "compare needs two schedules or more"),
        (["compare", "a.cfg", "steps.cfg", "--dialects"], "give one cfg"),
        (["compare", "my_rates:mine", "my_rates:mine"], "give --horizon N"),
        (["check", "my_rates:mine"], "my_rates:mine has no last iteration; give --horizon N"),
        (["check", "my_rates:mine", "--horizon", "5", "--xfail", "finit"], "'finite'"),
        (["check", "a.cfg", "--horizon", "0"], "lrsched check: --horizon must be at least 1, got 0\n"),
        (["check", "nothing.here:x", "--horizon", "5"], "cannot be imported"),
        (["plan", "my_rates:yours"], "'my_rates:yours' cannot be imported: "),
        (["plan", "my_rates:mine"], "my_rates:mine has no last iteration; give --target N"),
        (["plan", "my_rates:mine", "--gpus", "2"], "--set and --gpus apply to configs only"),
        (["plan", "my_rates:broken", "--target", "5"], "your schedule raised KeyError: 0 (my_rates.py:5)"),
        (["plan", "my_rates:mine", "--target", "9", "--weights", "x"], "--weights reads the weights of a cfg only"),
        (["policies", "sdgr"], "did you mean 'sgdr'?"),
        ([], "the following arguments are required: COMMAND"),
        (
            ["plan", "."],
            "lrsched: .: this folder holds no config of a training run; name the folder of one run, or a file\n",
        ),
        (["plot", "a.cfg", "-o", "none/a.png"], "lrsched: none/a.png: "),
        (["plot", "a.cfg", "--size", "99x100"], "--size must be WxH in pixels, at least 100x100, got '99x100'"),
        (["scan", ".", "--scheduler", "tcp://nowhere"], "--scheduler needs Dask, which is not installed"),
        (["scan", "s3://runs"], "a URL is read with fsspec, which is not installed; install "),
        (["suggest", "a.cfg", "--rate", "x"], "--rate: invalid float value: 'x'"),
        (["suggest", "a.cfg", "--write", ""], "lrsched suggest: --write must be the name of a file, got ''\n"),
        (["plan", "a.cfg", "--write", ""], "lrsched plan: --write must be the name of a file, got ''\n"),
        (["plot", "a.cfg", "-o", ""], "lrsched plot: -o/--output must be the name of a file, got ''\n"),
        (["show", ""], "lrsched: '': No such file or directory\n"),
    ],
)
def test_wrong_usage_in_the_words_of_the_command_line(
    command: Command, monkeypatch: pytest.MonkeyPatch, argv: list[str], message: str
) -> None:
    for extra in ("distributed", "fsspec"):
        monkeypatch.setitem(sys.modules, extra, None)
    done = command(*argv)
    assert (done.code, done.out) == (2, "")
    assert message in done.err


@READERS
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "lrsched: x.cfg: No such file or directory\n"),
        (b"", "lrsched: x.cfg: there is no section in this file; "),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "lrsched: x.cfg: this is not a text cfg "),
        (b"learning_rate=1\n[net]\n", "lrsched: x.cfg:1: 'learning_rate=1' comes before the first section; "),
        (b"[net]\npolicy=step\nstep=0\n", "lrsched: x.cfg:3: step=0; every fork crashes (division by zero). "),
        (b"\xff\xfe[\0n\0", "lrsched: x.cfg: this is not a text cfg "),
        (b"\xef\xbb\xbf# a comment\n[net]\n", "lrsched: x.cfg:"),
    ],
)
def test_an_unreadable_cfg_is_one_sentence(command: Command, name: str, content: bytes | None, message: str) -> None:
    if content is not None:
        Path("x.cfg").write_bytes(content)
    done = command(name, "x.cfg")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(message)
    assert done.err.count("\n") == 1


@READERS
def test_a_cfg_from_standard_input(command: Command, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(CFG.encode())))
    assert (command(name, "-").code, command(name, "a.cfg").code) in [(0, 0), (1, 1)]


def test_a_mistake_of_ours_is_no_traceback(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise LookupError("nothing")

    monkeypatch.setattr("lrsched.cli.plan.plan", broken)
    done = command("plan", "a.cfg")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("lrsched: internal error, please report it: LookupError: nothing (test_main.py:")


def test_an_output_that_cannot_be_written_is_one_sentence(folder: Path) -> None:
    argv = [sys.executable, "-m", "lrsched", "show", "a.cfg"]
    with open("a.cfg", "rb") as not_for_writing:
        done = subprocess.run(argv, stdout=not_for_writing, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, f"lrsched: standard output: {os.strerror(errno.EBADF)}\n")


class Full(io.StringIO):
    """An output on a disk that is full."""

    def __init__(self, file: int) -> None:
        super().__init__()
        self.file = file

    def fileno(self) -> int:
        return self.file

    def flush(self) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize(("raised", "code"), [(KeyboardInterrupt, 130), (BrokenPipeError, 0)])
def test_what_ends_a_command_is_an_exit_code(
    folder: Path, monkeypatch: pytest.MonkeyPatch, raised: type[BaseException], code: int
) -> None:
    monkeypatch.setattr(cli, "main", Mock(side_effect=raised))
    monkeypatch.setattr("gc.set_threshold", Mock())
    with open("out", "wb") as file:
        monkeypatch.setattr(sys, "stdout", Full(file.fileno()))
        with pytest.raises(SystemExit) as stop:
            cli.run()
    assert stop.value.code == code


def test_completion_knows_all_commands(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = Mock()
    monkeypatch.setenv("_ARGCOMPLETE", "1")
    monkeypatch.setitem(sys.modules, "argcomplete", seen)
    command("--version")
    text = seen.autocomplete.call_args.args[0].format_help()
    assert all(f"\n    {name} " in text for name in COMMANDS)


def test_a_closed_pipe_is_no_traceback(folder: Path) -> None:
    script = f"{sys.executable} -m lrsched show a.cfg --every 1 --csv --set max_batches=500000 | head -n 1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", script], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("iteration,rate\n", "")


@pytest.mark.parametrize(("name", "absent"), [("plan", "matplotlib"), ("show", "matplotlib"), ("--help", "numpy")])
def test_a_command_loads_only_what_it_needs(folder: Path, name: str, absent: str) -> None:
    code = (
        "import sys, atexit; from lrsched.cli import main\n"
        f"atexit.register(lambda: print({absent!r} in sys.modules, file=sys.stderr)); main(sys.argv[1:])"
    )
    done = subprocess.run([sys.executable, "-c", code, name, "a.cfg"], check=False, capture_output=True, text=True)
    assert done.stderr == "False\n"
