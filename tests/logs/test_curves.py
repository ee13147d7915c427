"""Which columns of a log or a table are its losses, and the command that says what they show."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from lrsched import cli
from lrsched.log import Log, LogError
from lrsched.logs import curves_of, read_run

T = np.arange(80)
FALL = np.exp(-T / 12)

NAMES = {
    "keras": ("accuracy,loss,val_accuracy,val_loss", "loss", "val_loss", "val_accuracy"),
    "lightning": ("train_loss,val_acc,val_loss", "train_loss", "val_loss", "val_acc"),
    "hugging face": ("loss,grad_norm,eval_loss,eval_wer", "loss", "eval_loss", "eval_wer"),
    "timm": ("train_loss,eval_loss,eval_top1,eval_top5", "train_loss", "eval_loss", "eval_top1"),
    "only a mAP": ("bbox_mAP,bbox_mAP_50,time", None, None, "bbox_mAP"),
    "a notebook": ("Training Loss,Validation Loss,Accuracy", "Training Loss", "Validation Loss", "Accuracy"),
    "behind": ("loss_train,loss_val,acc_val", "loss_train", "loss_val", "acc_val"),
    "in brackets": ("Loss (train),Loss (val)", "Loss (train)", "Loss (val)", None),
    "short": ("tr_loss,te_loss", "tr_loss", "te_loss", None),
    "other words": ("train_nll,val_nll,time", "train_nll", "val_nll", None),
    "accuracy of the training": ("loss,accuracy", "loss", None, None),
    "giou is a loss": ("loss,test_loss,test_loss_giou", "loss", "test_loss", None),
}


@pytest.mark.parametrize(("names", "train", "val", "metric"), NAMES.values(), ids=NAMES)
def test_usual_names(names: str, train: str | None, val: str | None, metric: str | None) -> None:
    columns = {name: FALL + place for place, name in enumerate(names.split(","))}
    found = curves_of(Log.of({"iteration": T} | columns, trainer="mine"))
    for kind, name in (("train", train), ("val", val), ("metric", metric)):
        assert (
            (found[kind] is None if name is None else (found[kind] == columns[name]).all())
            if kind in found
            else not name
        )
    assert found["metric_higher_is_better"] is (metric != "eval_wer")


def test_parts_of_a_loss_are_added_and_named_columns_win() -> None:
    columns = {
        "train/box_loss": FALL,
        "train/cls_loss": 2 * FALL,
        "val/box_loss": FALL,
        "mine": 1 - FALL,
        "zero_loss": 0 * T,
    }
    log = Log.of({"iteration": T} | columns, trainer="mine")
    assert curves_of(log)["train"] == pytest.approx(3 * FALL)
    assert curves_of(log, train="mine")["train"] == pytest.approx(1 - FALL)
    with pytest.raises(ValueError, match="no column 'mein'; did you mean 'mine'"):
        curves_of(log, val="mein")


def table(folder: Path, text: str | bytes, name: str = "table.csv") -> str:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def test_any_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [f"{t};{a:.5f};{a + 0.02 * max(t - 30, 0):.5f}" for t, a in enumerate(FALL.tolist())]
    text = "\r\n".join(["\ufeffepoch;my loss;valid_loss", *rows, "80;0.0"])  # a BOM, a torn last line
    path = table(tmp_path, text)
    assert cli.main(["diagnose", path, "--json", "-o", str(tmp_path / "a.png")]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["verdict"] == "overfitted"
    assert document["confidence"] > 0.9
    assert {"name", "value", "error", "text"} <= document["evidence"][0].keys()
    assert "Stop at epoch 29" in document["advice"][0]["text"]
    assert (tmp_path / "a.png").stat().st_size > 10_000
    assert cli.main(["diagnose", path, "--train", "my loss"]) == 0
    assert "Overfitted" in capsys.readouterr().out


JUNK = {
    "empty": b"",
    "binary": bytes(range(256)) * 20,
    "no step": b"a,b\n1,2\n",
    "a header alone": b"epoch,loss\n",
    "no loss": b"epoch,b\n1,2\n2,3\n",
    "nan": b"epoch,loss\n" + b"nan,nan\n" * 30,
    "conflict": b"epoch,loss\n<<<<<<< HEAD\n1,2\n=======\n1,3\n>>>>>>> x\n",
    "huge": b"epoch,loss\n1e400,1\n1e300,2\n",
    "a cell without end": b"epoch,loss\n1," + b"2" * 200_000,
}


@pytest.mark.parametrize("junk", JUNK.values(), ids=JUNK)
def test_what_is_no_table_gets_one_sentence(junk: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = table(tmp_path, junk)
    code = cli.main(["diagnose", path])
    out, err = capsys.readouterr()
    assert code == 2 or "Cannot tell" in out
    assert "internal error" not in err
    with pytest.raises(LogError):
        read_run(table(tmp_path, junk, "x.log"))
