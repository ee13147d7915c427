"""Configs: the YAML that occurs, what the files of each version tell, sentences for what cannot be read."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrsched.trainers.yaml import edited, entries
from lrsched.trainers.yolov5 import ERAS, ConfigError, Hyp, parse_config, read_config

HYP = "lr0: 0.01\nlrf: 0.2  # final = lr0 * lrf\nmomentum: 0.9\nwarmup_epochs: 2.5\n"
OPT = (
    "epochs: 120\nbatch_size: 24\nimg_size:\n- 640\n- 640\nlinear_lr: true\nresume: false\n"
    "save_dir: !!python/object/apply:pathlib.PosixPath\n- runs\n- exp\n"
)
ARGS = (
    "task: detect\nepochs: 80\nbatch: 16\nlr0: 0.02\ncos_lr: true\noptimizer: AdamW\nnbs: 64\ncopy_paste_mode: flip\n"
)


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("k: 300", 300),
        ("k: -1", -1),
        ("k: 1.0e-3", 0.001),
        ("k: .5", 0.5),
        ("k: 1e-3", "1e-3"),
        ("k: null", None),
        ("k:", None),
        ("k: ~", None),
        ("k: True", True),
        ("k: 'it''s'  # said", "it's"),
        ('k: "a # b"', "a # b"),
        ("k: a#b c # d", "a#b c"),
        ("k: [640, 640]", [640, 640]),
        ("k: []", []),
        ("k: !!str 5", 5),
        ("k: &id001 0.1", 0.1),
        (r"k: C:\data\coco.yaml", r"C:\data\coco.yaml"),
        ("'k': 1", 1),
        ("k:\n- 1\n- x", [1, "x"]),
        ("k:\n  - 1\n  - 2", [1, 2]),
        ("# first\n---\nk : 2\r\n", 2),
    ],
)
def test_a_value_is_what_yaml_reads(line: str, value: object) -> None:
    assert entries(line, "x")["k"].value == value


def test_infinities_and_keys_below_a_key_are_read() -> None:
    found = entries("a: .inf\nb: .nan\nhyp:\n  lr0: 0.1\n  lrf: 0.2\nepochs: 3\n", "x")

    assert found["a"].value == float("inf")
    assert found["b"].value != found["b"].value
    assert found["hyp"].value["lrf"].value == 0.2
    assert found["epochs"].line == 6


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("lr0: 0.01\nepochs 3", "line 2"),
        ("lr0: 'x", "line 1"),
        ("epochs: 3\nlr0: {a: 1}", "line 2"),
        ("epochs: 3\nlr0: |\n  x", "line 2"),
        ("- 1", "line 1"),
        ("lr0: [1, 2", "line 1"),
        ("epochs: 3\n  lr0: 1", "line 2"),
        ("epochs: many\nlr0: 0.1", "line 1"),
        ("epochs: 3.5", "line 1"),
        ("epochs: 3\nlr0: true", "line 2"),
        ("epochs: 3\nmomentum: [1]", "line 2"),
        ("epochs: 0", "epochs"),
        ("epochs: 3\nmomentum: 1.5", "momentum"),
        ("lr0: 0.1", "epochs"),
        ("", "epochs"),
    ],
)
def test_what_cannot_be_read_is_said_with_its_line(text: str, line: str) -> None:
    with pytest.raises(ConfigError, match=line) as caught:
        parse_config({"hyp.yaml": text})
    assert "\n" not in str(caught.value)


@given(st.text(st.sampled_from("ab:#-'\"[]{}!&|>.,01e \n\t\r"), max_size=40))
def test_any_text_is_read_or_refused_in_a_sentence(text: str) -> None:
    try:
        parse_config({"x.yaml": text}, epochs=3)
    except ConfigError as problem:
        assert "\n" not in str(problem)  # noqa: PT017


@pytest.mark.parametrize(
    ("texts", "era", "decay", "optimizer"),
    [
        ({"hyp.yaml": HYP, "opt.yaml": OPT}, "yolov5-v5", "linear_lr", "SGD"),
        ({"hyp.yaml": HYP + "loss_ota: 1\n", "opt.yaml": OPT}, "yolov7", "linear_lr", "SGD"),
        ({"hyp.yaml": HYP, "opt.yaml": "epochs: 5\ncos_lr: true\noptimizer: Adam\n"}, "yolov5-v6.1", "cos_lr", "Adam"),
        ({"hyp.yaml": HYP, "opt.yaml": "epochs: 5\ncos_lr: false\nseed: 0\n"}, "yolov5-v6.2", "", "SGD"),
        ({"opt.yaml": "hyp:\n  warmup_epochs: 2\nepochs: 5\nflat_cos_lr: true\n"}, "yolov9", "flat_cos_lr", "SGD"),
        ({"hyp.yaml": "lr0: 0.01\ngiou: 0.05\n", "opt.yaml": "epochs: 9\nadam: true\n"}, "yolov5-v2", "", "Adam"),
        ({"args.yaml": ARGS}, "ultralytics-8.3", "cos_lr", "AdamW"),
        ({"args.yaml": ARGS.replace("copy_paste_mode: flip", "v5loader: false")}, "ultralytics-8.0", "cos_lr", "AdamW"),
    ],
)
def test_the_files_tell_the_version(texts: dict[str, str], era: str, decay: str, optimizer: str) -> None:
    hyp = parse_config(texts)

    assert (hyp.era.name, hyp.decay, hyp.optimizer) == (era, decay, optimizer)


def test_a_folder_a_file_of_it_and_an_open_file_are_read(tmp_path: Path) -> None:
    (tmp_path / "hyp.yaml").write_bytes(b"\xef\xbb\xbf" + HYP.replace("\n", "\r\n").encode())
    (tmp_path / "opt.yaml").write_text(OPT)
    of_folder = read_config(tmp_path, images=1201)

    assert read_config(tmp_path / "hyp.yaml", images=1201) == of_folder == read_config(str(tmp_path), images=1201)
    assert (of_folder.epochs, of_folder.lrf, of_folder.batch, of_folder.nb) == (120, 0.2, 24, 51)
    assert read_config(io.BytesIO(ARGS.encode())).lr0 == 0.02
    with pytest.raises(ConfigError, match=r"there is no args\.yaml"):
        read_config(tmp_path.parent)
    (tmp_path / "args.yaml").write_bytes(b"lr0: 1\nx: \xff")
    with pytest.raises(ConfigError, match=r"the epochs of the run are not known"):
        read_config(tmp_path / "args.yaml")


def test_results_without_rates_leave_the_iterations_of_an_epoch_open(tmp_path: Path) -> None:
    (tmp_path / "args.yaml").write_text(ARGS)
    (tmp_path / "results.csv").write_text("epoch,metrics/precision(B)\n1,0.1\n2,0.2\n")
    assert read_config(tmp_path).iterations_per_epoch is None


def test_keywords_fill_what_the_files_lack() -> None:
    with pytest.raises(ConfigError, match="write yolov5-v1, yolov5-v2"):
        parse_config({"hyp.yaml": HYP}, era="yolov5-5", epochs=10)
    hyp = parse_config({"hyp.yaml": HYP}, era="yolov5-v6.1", epochs=10, batch=8, images=100)

    assert (hyp.era, hyp.epochs, hyp.nb, hyp.warmup) == (ERAS["yolov5-v6.1"], 10, 13, 1000)


def test_what_is_not_known_is_asked_for() -> None:
    with pytest.raises(ConfigError, match="iterations_per_epoch"):
        Hyp(epochs=3).schedules()
    with pytest.raises(ConfigError, match="give classes=N"):
        Hyp(epochs=3, iterations_per_epoch=9, optimizer="auto").schedules()
    assert Hyp(epochs=3, iterations_per_epoch=9, optimizer="auto", classes=80).used.lr0 == 0.000119
    assert Hyp(epochs=300, iterations_per_epoch=900, optimizer="auto", classes=80).used.lr0 == 0.01
    with pytest.raises(ConfigError, match="no option is called 'cosine'; write cos_lr, linear_lr,"):
        Hyp(epochs=3, decay="cosine")
    with pytest.raises(ConfigError, match=r"epochs has no default; give a number\."):
        Hyp(epochs=3).with_values({"epochs": None})
    with pytest.raises(ConfigError, match="optimizer: 'a: b' cannot be written; a value is one line"):
        Hyp(epochs=3).with_values({"optimizer": "a: b"})


@pytest.mark.parametrize(
    ("text", "classes", "batch"),
    [
        ("classes: [0, 2]\nnc: 7\n", 7, 16),  # a list of classes is a filter, not their number
        ("classes:\n- 4\n", None, 16),
        ("batch: -1\n", None, 16),  # the trainer chooses
        ("batch: 0.7\n", None, 16),
    ],
)
def test_what_is_no_number_of_classes_or_images_is_not_taken_for_one(text: str, classes: int, batch: int) -> None:
    hyp = parse_config({"args.yaml": f"epochs: 3\n{text}"})
    assert (hyp.classes, hyp.batch) == (classes, batch)


RATES = {"lr0": st.floats(1e-6, 1.0), "warmup_epochs": st.floats(0.0, 9.0), "warmup_bias_lr": st.floats(1e-3, 0.5)}
COUNTS = {"epochs": st.integers(1, 500), "batch": st.integers(1, 99), "cos_lr": st.booleans()}
PAIR = {"hyp.yaml": HYP, "opt.yaml": "epochs: 5\ncos_lr: false\nseed: 0\nbatch_size: 9\n"}


@given(st.fixed_dictionaries({}, optional={**RATES, **COUNTS}))
def test_changed_values_are_written_into_the_files_and_read_back(changes: dict[str, float]) -> None:
    for texts in (PAIR, {"a.yaml": ARGS}):
        hyp = parse_config(texts)
        changed = hyp.with_values(changes)

        assert parse_config(dict(changed.files), era=hyp.era.name) == changed
        assert all(getattr(changed, key) == value for key, value in changes.items() if key != "cos_lr")
    with pytest.raises(ConfigError, match="did you mean 'lr0'"):
        hyp.with_values({"lr_0": 1.0})


def test_an_edit_keeps_the_rest_of_the_file() -> None:
    assert edited(HYP, "lrf", "0.1") == HYP.replace("0.2  #", "0.1  #")
    assert edited("lrf: 0.1\r\nlr0: 1\r\n", "lr0", "2") == "lrf: 0.1\r\nlr0: 2\r\n"
    assert edited(HYP, "momentum", None) == HYP.replace("momentum: 0.9\n", "")
