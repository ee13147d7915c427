"""Text with a step and a rate in a line: every trainer's way to print them, and the settings above."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrsched.log import LogError
from lrsched.logs import audit, infer
from lrsched.logs.judging import config_beside
from tests.trainers.printed import read

FORMS = {
    "llm.c": ("step {s:4d}/300 | loss 4.7 (-2.0z)| norm 0.5 (-1.3z)| lr {r:.2e} | 41 ms | 3 tok/s", 300),
    "llm.c main.log": ("s:{s} trl:4.7 lr:{r:.6f} norm:0.56", None),
    "nanoGPT": ("step {s:5d} | loss: 4.7 | lr {r:.4e} | norm: 1.1 | dt: 51.4ms", None),
    "a fork of nanoGPT": ("iter {s}: loss 4.7, time 23.1ms, mfu 30%, lr {r:.6e}", None),
    "PaddleClas": ("[t] ppcls INFO: [Train][Epoch {e}/30][Iter: {i}/10]lr(LinearWarmup): {r:.8f}, loss: 4.7,", 300),
    "PaddleDetection": ("[t] ppdet.engine INFO: Epoch: [{e0}] [ {i}/10] learning_rate: {r:.6f} loss: 4.7 eta: 1", None),
    "PaddleGAN": ("[t] ppgan.engine.trainer INFO: Iter: {s}/300 lr: {r:.3e} loss: 4.7 batch_cost: 0.5 sec", 300),
    "PaddleGAN by epochs": ("[t] ppgan.engine INFO: Epoch: {e}/30, iter: {i}/10 lr: {r:.3e} loss: 4.7", 300),
    "PaddleOCR": ("[t] ppocr INFO: epoch: [{e}/30], global_step: {s}, lr: {r:.6f}, loss: 4.7, avg_cost: 0.1 s", None),
    "PaddleSeg": ("[TRAIN] epoch: {e}, iter: {s}/300, loss: 4.7, lr: {r:.6f}, batch_cost: 0.2 | ETA 10:00:00", 300),
    "fairseq": ('[t][train_inner][INFO] - {{"epoch": {e}, "loss": "4.7", "num_updates": "{s}", "lr": "{r:g}"}}', None),
    "fairseq as text": ("| epoch {e:03d}: {i} / 10 loss=4.7, num_updates={s}, lr={r:g}, gnorm=3", None),
    "the ImageNet example": ("Epoch: [{e0}][ {i}/10]\tTime 0.2 ( 0.9)\tLoss 4.7 (6.9)\tlr {r:.6f}", None),
    "the MNIST example": ("Train Epoch: {e} [{i}/10 ({i}%)]\tLoss: 4.7\tLR: {r:.6f}", None),
    "Swin": ("[2021-05-01 10:00:00 s](main.py 9): INFO Train: [{e0}/30][{i}/10]\teta 1 lr {r:.6f}\tloss 4.7 (5)", 300),
    "timm": ("Train: {e0} [   {i}/10 ( 10%)]  Loss: 4.7 (5.1)  Time: 0.3s, 300/s  LR: {r:.3e}  Data: 0.01", None),
    "Megatron": (" iteration {s:8d}/     300 | elapsed time (ms): 1.2 | learning rate: {r:.3E} | loss: 4.7", 300),
    "a bar": ("Steps:   0%|   | {s}/300 [00:01<10:00,  1.0it/s, loss=4.7, lr={r:.3e}]", 300),
}


@pytest.mark.parametrize("name", FORMS)
def test_steps_rates_and_losses_of_each_form_are_found(name: str) -> None:
    form, horizon = FORMS[name]
    steps = range(0, 300, 5) if "{i}" in form else range(5, 300, 5)
    rates = [0.002 * (300 - s) / 300 for s in steps]
    rows = [form.format(s=s, e=s // 10 + 1, e0=s // 10, i=s % 10, r=rate) for s, rate in zip(steps, rates, strict=True)]
    (log,) = read("\n".join(["config: lr: 0.1, warmup_lr: 0, epochs: 30", *rows, "saved step 300"]) + "\n")
    assert log.iteration.tolist() == list(steps)
    assert (np.abs(log.rate - rates) <= log.column("rate_slack")).all()
    assert (log.loss == 4.7).all()
    assert log.horizon == horizon
    found = infer(log)
    assert (found.family, found.complete) == ("linear", True)


def test_llm_c_is_compared_with_the_table_it_prints() -> None:
    settings = {"train data pattern": "a.bin", "LR scheduler": "cosine", "learning rate (LR)": "6.000000e-04",
                "warmup iterations": "70", "final LR fraction": "0.100000", "train_num_batches": "900"}  # fmt: skip
    line = "+-----------------------+----------------------------------------------------+\n"
    table = line + "| Parameter             | Value                                              |\n" + line
    table += "".join(f"| {key:21} | {value:50} |\n" for key, value in settings.items()) + line
    single, rows = np.float32, ""
    for s in range(900):
        wave = single(0.5 * (1.0 + math.cos(single(math.pi * single((s - 70) / 830)))))
        rate = 6e-4 * (s + 1) / 70 if s < 70 else single(6e-5 + wave * single(6e-4 - 6e-5))
        rows += f"step {s + 1:4d}/900 | loss nan (+nanz)| norm 0.56 (-1.3z)| lr {rate:.2e} | 41 ms | 3 tok/s\n"
    first, second = read(table + rows[: rows.index("step  500/")] + table + rows[rows.index("step  401/") :])
    assert (len(first), len(second)) == (499, 500)
    for log in (first, second):
        assert audit(log, config_beside(log)).ok
    assert read(rows.replace("/900", f"/{10**400}"))[0].horizon is None
    other = read(table.replace("| 70 ", "| 90 ") + rows)[0]
    assert not audit(other, config_beside(other)).ok


FAIRSEQ = (
    "[t][fairseq_cli.train][INFO] - {'_name': None, 'optimization': {'lr': [0.0005], 'max_update': 9000}, "
    "'lr_scheduler': {'_name': 'polynomial_decay', 'warmup_updates': 800, 'total_num_update': 4000.0, 'power': 1.0}}\n"
)


def test_fairseq_is_compared_with_the_config_it_dumps() -> None:
    rows = ""
    for n in range(200, 5000, 200):
        rate = 5e-4 * (n / 800 if n <= 800 else max(0, 1 - (n - 800) / 3200))
        rows += f'[t][train_inner][INFO] - {{"epoch": 1, "loss": "9.1", "num_updates": "{n}", "lr": "{rate:g}"}}\n'
    (log,) = read(FAIRSEQ + rows)
    assert audit(log, config_beside(log)).ok
    cycles = FAIRSEQ.replace("polynomial_decay'", "cosine', 'lr_period_updates': 900")
    for other in (FAIRSEQ.replace("'_name': None", "'_name': <Choice.x: 1>"), cycles):
        assert read(other + rows)[0].config is None


def test_paddleclas_is_compared_with_the_config_it_dumps() -> None:
    dump = ["lr : ", "    learning_rate : 0.01", "    name : Cosine", "    warmup_epoch : 2", "regularizer : "]
    text = "".join(f"[t] ppcls INFO: {'' if key[0] == ' ' else '    '}{key}\n" for key in ["epochs : 10"])
    text += "".join(f"[t] ppcls INFO:     {key}\n" for key in dump)
    for k in range(1, 501):
        rate = 0.01 * k / 100 if k <= 100 else 0.005 * (1 + math.cos(math.pi * (k - 100) / 400))
        e, i = divmod(k - 1, 50)
        text += f"[t] ppcls INFO: [Train][Epoch {e + 1}/10][Iter: {i}/50]lr(LinearWarmup): {rate:.8f}, loss: 4.7, \n"
    (log,) = read(text)
    assert audit(log, config_beside(log)).ok
    assert infer(log).parameters["warmup"] == 100


def test_an_epoch_whose_length_is_not_printed_is_measured_on_the_rise_or_as_long_as_its_last_iteration() -> None:
    rows = [f"Epoch[{k // 31}] Batch [{k % 31}]\tlr={k / 1000:.6f}\n" for k in range(1, 155) if k % 31 % 10 == 9]
    (log,) = read("".join(rows))
    assert log.iteration.tolist() == [k for k in range(1, 155) if k % 31 % 10 == 9]
    rates = [0.1, 0.1, 0.2, 0.2, 0.3, 0.3]
    (log,) = read("".join(f"Epoch[{k // 2}] Batch [{k % 2 * 9}]\tlr={rate:.6f}\n" for k, rate in enumerate(rates)))
    assert log.iteration.tolist() == [0, 9, 10, 19, 20, 29]


@pytest.mark.parametrize("end", ["step 1 | lr nan\nstep 2 | lr nan\n", "step 3 | lr 3.0"])
def test_a_run_without_a_rate_and_a_rate_that_is_torn_off_are_left_out(end: str) -> None:
    (log,) = read(f"step 1 | lr 1.00e-04 | x\nstep 2 | lr 2.00e-04 | x\n{end}")
    assert log.iteration.tolist() == [1, 2]


KERAS_PRINTS = ((1, "0.0010"), (2, "5.1234e-04"), (3, "2.5000e-04"))


def test_an_epoch_stands_above_what_keras_prints_of_it() -> None:
    (log,) = read("".join(f"Epoch {e}/9\n50/50 - 5s - 9ms/step - loss: 2.3 - lr: {r}\n" for e, r in KERAS_PRINTS))
    assert (log.unit, log.iteration.tolist(), log.horizon) == ("epoch", [0, 1, 2], 9)
    assert (np.abs(log.rate - [0.00104, 0.00051234, 0.00025]) <= log.column("rate_slack")).all()


def test_prose_is_no_log() -> None:
    with pytest.raises(LogError, match="no record of a training"):
        read("At iteration 4800 of 9000 the learning rate 0.001 drops.\nIn epoch 3 lr = 0.1 is too much for step 7.\n")


@given(st.text(max_size=300), st.binary(max_size=300))
def test_junk_is_refused_with_a_sentence(text: str, data: bytes) -> None:
    for junk in (text.encode(), data, b"step 1 lr: 0.1\n" + data):
        try:
            read(junk)
        except LogError as problem:
            assert len(str(problem)) > 20  # noqa: PT017 (some junk is a log)
