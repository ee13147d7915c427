"""The command plan: what it prints for people, scripts and CI, what it writes, and how it ends."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from lrsched.cli import plan as command_plan
from tests.cli.conftest import CFG, Command

BROKEN = ("a.cfg", "--target", "1500")


def test_a_fix_is_lines_to_paste_and_is_what_write_writes(command: Command) -> None:
    done = command("plan", *BROKEN, "--write", "new.cfg")
    pasted = [line.strip() for line in done.out.splitlines() if line.startswith("      ")]
    old, new = (Path(name).read_text().splitlines() for name in ("a.cfg", "new.cfg"))
    assert [line for line in new if line not in old] == pasted[:1]
    assert done.err == f"lrsched: wrote new.cfg with {pasted[0]}\n"
    assert command("plan", "new.cfg", "--target", "1500").code == 0


@pytest.mark.parametrize("width", [40, 60, 100])
def test_the_text_fits_the_terminal(command: Command, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    lines = command("plan", *BROKEN, "--start", "700").out.splitlines()
    assert width - 15 < max(map(len, lines)) <= width


def test_colour_only_when_it_is_wanted(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b" not in command("plan", *BROKEN).out
    monkeypatch.setattr(command_plan, "shows_colour", lambda stream: True)
    assert "\x1b[1;31merror\x1b[0m" in command("plan", *BROKEN).out


def test_json_has_null_for_what_is_not_finite(command: Command) -> None:
    """The keys are those of docs/json.md, which a test of the pages compares."""
    document = json.loads(command("plan", *BROKEN, "--gpus", "2", "--json").out)
    assert (document["cfg"], document["ngpus"], document["last"], document["ok"]) == ("a.cfg", 2, 1000, False)
    empty = json.loads(command("plan", "a.cfg", "--set", "max_batches=0", "--target", "50", "--json").out)
    assert empty["rate_at_target"] is None


def test_several_cfgs(command: Command) -> None:
    done = command("plan", "a.cfg", "nope.cfg", "steps.cfg", "--set", "max_batches=100")
    assert done.code == 2
    assert done.err == "lrsched: nope.cfg: No such file or directory\n"
    assert "a.cfg: poly" in done.out
    both = json.loads(command("plan", "a.cfg", "steps.cfg", "--json").out)
    assert [document["cfg"] for document in both] == ["a.cfg", "steps.cfg"]
    assert command("plan", "a.cfg", "steps.cfg", "--write", "new.cfg").err == "lrsched: --write takes one cfg\n"


def test_ignored_findings_and_what_fails(command: Command) -> None:
    codes = {finding["code"] for finding in json.loads(command("plan", *BROKEN, "--json").out)["findings"]}
    assert "ends-before-target" in codes
    assert command("plan", *BROKEN, "--ignore", ",".join(codes)).out.startswith("OK: no problems found.")
    assert command("plan", *BROKEN, *(f"--ignore={code}" for code in codes)).code == 0


@pytest.mark.parametrize(
    ("argv", "code", "verdict"),
    [
        (BROKEN, 1, "1 error."),
        ((*BROKEN, "--fail-on=error"), 1, "1 error."),
        ((*BROKEN, "--fail-on=never"), 0, "1 error."),
        (("a.cfg",), 1, "1 warning."),
        (("a.cfg", "--fail-on=error"), 0, "1 warning."),
        (("a.cfg", "--target=500"), 0, "OK (see notes)."),
    ],
)
def test_the_verdict_leads_and_the_exit_code_follows_it(
    command: Command, argv: tuple[str, ...], code: int, verdict: str
) -> None:
    done = command("plan", *argv)
    assert (done.code, done.err, done.out.splitlines()[0]) == (code, "", verdict)


def test_annotations_of_a_ci_run(command: Command) -> None:
    done = command("plan", *BROKEN, "--format", "github")
    assert done.code == 1
    first, *_ = done.out.splitlines()
    assert first.startswith("::error file=a.cfg,line=5,title=ends-before-target::The run ends at max_batches=1000, ")
    # percent signs would begin an escape
    assert "%25 of the training" in command("plan", "a.cfg", "--format", "github").out
    assert "::notice title=" in command("plan", "my_rates:mine", "--target=100", "--format=github").out


@pytest.mark.parametrize("others", [(), ("a.cfg",)])
def test_a_cfg_that_cannot_be_read_is_an_annotation(command: Command, others: tuple[str, ...]) -> None:
    Path("torn.cfg").write_text("[net]\nmax_batches=10\npolicy=steps\n", "utf-8")
    done = command("plan", "torn.cfg", *others, "--format", "github")
    assert done.code == 2
    assert done.out.startswith("::error file=torn.cfg,line=1,title=unreadable::torn.cfg:1: policy=steps needs ")
    gone = command("plan", "gone.cfg", *others, "--format", "github")
    assert gone.out.startswith("::error file=gone.cfg,title=unreadable::gone.cfg: No such file or directory")
    assert command("plan", "gone.cfg", "--format", "github", "--write", "new.cfg").code == 2


@pytest.mark.parametrize(
    ("lines", "code", "line"),
    [
        ("max_batches=2000 burn_in=1000", "burn-in-long", 3),
        ("max_batches=2000 batch=64 subdivisions=12", "batch-not-divisible", 3),
        ("hue=.1 hue=.2 max_batches=2000", "key-twice", 2),
        ("max_batches=2000 burnin=.1", "unknown-key", 3),
        ("max_batches=2000 policy=steps steps=400,4000 scales=.1,.1", "step-never-reached", 4),
        ("max_batches=90000 [convolutional] filters=21 [yolo] mask=0 classes=80", "classes-differ", 5),
        ("max_batches=500000", "too-many-iterations", None),
    ],
)
def test_an_annotation_stands_at_the_line_it_is_about(
    command: Command, lines: str, code: str, line: int | None
) -> None:
    Path("x.cfg").write_text("[net]\n" + lines.replace(" ", "\n") + "\n")
    out = command("plan", "x.cfg", "--classes=2", "--images=1000", "--format=github").out
    assert f" file=x.cfg,{'' if line is None else f'line={line},'}title={code}::" in out


class TestWrite:
    def test_bytes_that_are_not_text_stay(self, command: Command) -> None:
        Path("odd.cfg").write_bytes(b"# caf\xe9\r\n" + CFG.replace("\n", "\r\n").encode())
        command("suggest", "odd.cfg", "--write", "new.cfg")
        old, new = Path("odd.cfg").read_bytes(), Path("new.cfg").read_bytes()
        assert new.startswith(b"# caf\xe9\r\n[net]\r\n")
        assert sum(a != b for a, b in zip(old.split(b"\r\n"), new.split(b"\r\n"), strict=True)) == 1

    def test_never_over_a_file_unasked(self, command: Command) -> None:
        done = command("suggest", "a.cfg", "--write", "a.cfg")
        assert (done.code, done.err) == (2, "lrsched: a.cfg: already exists; use --force to replace it\n")
        assert Path("a.cfg").read_text() == CFG
        assert command("suggest", "a.cfg", "--write", "a.cfg", "--force").code == 0
        assert Path("a.cfg").read_text() != CFG

    def test_a_choice_that_is_not_there(self, command: Command) -> None:
        done = command("suggest", "a.cfg", "--write", "new.cfg", "--choose", "99")
        assert done.code == 2
        assert "--choose 99: choose one of 1" in done.err
        done = command("plan", "steps.cfg", "--write", "new.cfg")
        assert done.err == "lrsched: there is nothing to change, so new.cfg was not written\n"
        assert not Path("new.cfg").exists()

    @pytest.mark.parametrize("option", [("--choose", "1"), ("--force",)])
    @pytest.mark.parametrize("name", ["plan", "suggest"])
    def test_a_choice_without_a_file_is_refused(self, command: Command, name: str, option: tuple[str, ...]) -> None:
        done = command(name, "a.cfg", *option)
        assert (done.code, done.out) == (2, "")
        assert "add --write NEW," in done.err

    def test_an_extension_by_its_name(self, command: Command) -> None:
        done = command("plan", *BROKEN, "--start", "700", "--write", "new.cfg", "--choose", "hold")
        assert "Options for extending the run from 700 to 1500:" in done.out
        rates = [command("show", name, "--at", "700", "--csv").out for name in ("a.cfg", "new.cfg")]
        assert rates[0] == rates[1]

    def test_to_standard_output_with_nothing_else_in_it(self, folder: Path) -> None:
        argv = [sys.executable, "-m", "lrsched", "plan", *BROKEN, "--write"]
        subprocess.run([*argv, "new.cfg"], check=False, capture_output=True)
        done = subprocess.run([*argv, "-"], check=False, capture_output=True)
        assert done.stdout == Path("new.cfg").read_bytes()
        assert done.stderr.startswith(b"1 error.\n")


def test_weights_say_how_far_a_run_was_trained(command: Command) -> None:
    images = 700  # 700 iterations of one image
    Path("a_last.weights").write_bytes(struct.pack("<3iQ", 0, 2, 5, images))
    given = [command("plan", *BROKEN, *argv).out for argv in (["--start=700"], ["--weights=a_last.weights"])]
    assert given[0] == given[1] != command("plan", *BROKEN).out
    assert "a.cfg: not a weights file" in command("plan", *BROKEN, "--weights", "a.cfg").err
    assert command("plan", "a.cfg", "steps.cfg", "--weights", "gone").err.startswith("lrsched: gone: No such file")
    assert "not allowed with" in command("plan", *BROKEN, "--weights", "a_last.weights", "--start", "5").err


def test_the_hook_for_pre_commit_runs_this_command() -> None:
    hook = (Path(__file__).parents[2] / ".pre-commit-hooks.yaml").read_text()
    assert "entry: lrsched plan\n" in hook
