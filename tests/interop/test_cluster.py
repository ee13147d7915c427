"""scan() on a Dask cluster of two workers, one of which is killed in the middle: nothing is lost."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import distributed
import pytest

from lrsched.cli import main
from lrsched.scanning import scan

CFG = "[net]\nlearning_rate=0.001\nmax_batches={}\npolicy=steps\nsteps=4800,5400\nscales=.1,.1\n"
FILES = 200


def test_a_worker_that_dies_loses_nothing(tmp_path: Path) -> None:
    for number in range(FILES):
        (tmp_path / f"{number:03}.cfg").write_text(CFG.format(6000 + number))
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
        client.get_executor() as executor,
    ):
        victim = next(iter(client.run(os.getpid).values()))
        killed: list[int] = []

        def kill_in_the_middle(done: int, total: int) -> None:
            if done > total // 4 and not killed:
                killed.append(done)
                os.kill(victim, signal.SIGKILL)

        rows = scan(tmp_path, executor=executor, progress=kill_in_the_middle)
    assert killed
    assert [Path(row.path).name for row in rows] == [f"{number:03}.cfg" for number in range(FILES)]
    assert [row.planned for row in rows] == [6000 + number for number in range(FILES)]


def test_the_command_takes_the_address_of_a_scheduler(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "my.cfg").write_text(CFG.format(6000))
    with distributed.LocalCluster(n_workers=1, processes=False, dashboard_address=None) as cluster:
        assert main(["scan", str(tmp_path), "--scheduler", cluster.scheduler_address]) == 0
    assert "my.cfg: no problems found" in capsys.readouterr().out


def test_a_url_is_read_with_fsspec(tmp_path: Path) -> None:
    (tmp_path / "my.cfg").write_text(CFG.format(6000))
    rows = scan(f"file://{tmp_path}")
    assert [(row.path, row.planned, row.problem) for row in rows] == [(f"file://{tmp_path}/my.cfg", 6000, False)]
