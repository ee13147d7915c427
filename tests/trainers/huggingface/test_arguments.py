from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from lrsched import plan
from lrsched.logs import config_beside, read_log
from lrsched.sources import read_config
from lrsched.trainers.huggingface import Arguments, read_arguments, schedule_of
from lrsched.trainers.huggingface.arguments import arguments_of
from lrsched.trainers.yaml import ConfigError
from tests.trainers.huggingface.oracle import logged, state

YAML = """### train
per_device_train_batch_size: 1
learning_rate: 1.0e-4
num_train_epochs: 3.0
lr_scheduler_type: cosine_with_min_lr
lr_scheduler_kwargs:
  min_lr_rate: 1e-1
warmup_ratio: 0.1
"""
CARD = """# A model
- license: mit

The following hyperparameters were used during training:
- learning_rate: 1e-04
- lr_scheduler_type: SchedulerType.CONSTANT_WITH_WARMUP
- lr_scheduler_warmup_steps: 0.05
- training_steps: 1000
"""
AUTO = dict.fromkeys(("warmup_min_lr", "warmup_max_lr", "warmup_num_steps", "total_num_steps"), "auto")


def written(folder: Path, name: str, content: Any) -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content, indent=2))
    return path


def test_arguments_are_read_from_yaml_json_and_a_model_card(tmp_path: Path) -> None:
    yaml = read_arguments(written(tmp_path, "train.yaml", YAML + "max_steps: 500\n"))
    card = read_arguments(written(tmp_path, "README.md", CARD))
    data = b'\xef\xbb\xbf{"learning_rate": "1e-4", "warmup_steps": 20.0, "max_steps": "100"}'
    stable = arguments_of({"lr_scheduler_kwargs": {"decay_type": "linear", "num_decay_steps": "1e1"}})
    assert stable is not None
    assert stable.lr_scheduler_kwargs == {"decay_type": "linear", "num_decay_steps": 10}
    expected = schedule_of("cosine_with_min_lr", 1e-4, 50, 500, min_lr_rate=0.1)
    assert yaml.schedules() == {"learning_rate": expected}
    assert card.schedules() == {"learning_rate": schedule_of("constant_with_warmup", 1e-4, 50, 1000)}
    assert read_arguments(io.BytesIO(data)).schedules() == {"learning_rate": schedule_of("linear", 1e-4, 20, 100)}


def test_a_config_is_planned_as_any_other(tmp_path: Path) -> None:
    changes = {"max_steps": "500", "lr_scheduler_type": "linear", "lr_scheduler_kwargs": "{}"}
    config = read_config(written(tmp_path, "train.yaml", YAML), changes)
    assert config.caption() == "linear · learning_rate 0.0001 · warm-up 0.1 · 500 steps"
    assert plan(config).schedule(500) == 0.0


def test_the_schedule_of_deepspeed_replaces_the_one_of_the_arguments(tmp_path: Path) -> None:
    written(tmp_path, "ds.json", {"scheduler": {"type": "WarmupDecayLR", "params": AUTO}})
    run = {"learning_rate": 1e-4, "lr_scheduler_type": "cosine", "warmup_steps": 20, "max_steps": 100}
    path = written(tmp_path, "args.json", run | {"deepspeed": "ds.json"})
    own = read_arguments(written(tmp_path, "own.json", {"scheduler": {"type": "WarmupLR"}, "max_steps": 2000}))

    expected = schedule_of("WarmupDecayLR", 1e-4, 20, 100)
    assert (read_arguments(path).schedules()["learning_rate"](range(200)) == expected(range(200))).all()
    assert own.schedules()["learning_rate"]([99, 999, 5000]).tolist() == pytest.approx([0.001 * 2 / 3, 0.001, 0.001])


def test_the_log_knows_the_steps_of_the_epochs(tmp_path: Path) -> None:
    for name, text in {"README.md": "# No\n", "docker.yaml": "? not: [a config\n", "train.yaml": YAML}.items():
        written(tmp_path, name, text)
    (tmp_path / "trainer_state.json").write_bytes(state(logged(lambda step: step), 1000))
    log = read_log(tmp_path)
    config = config_beside(log)

    assert isinstance(config, Arguments)
    assert config.of_log(log).schedules()["learning_rate"].horizon == 1000
    with pytest.raises(ConfigError, match=r"train.yaml: the steps of 3 epochs .* write max_steps"):
        config.schedules()


def test_a_config_is_only_taken_where_it_can_be_of_no_other_run(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "trainer_state.json").write_bytes(state(logged(lambda step: step), 1000))
    log = read_log(tmp_path / "out")
    written(tmp_path, "one.yaml", YAML)
    assert config_beside(log) is not None
    written(tmp_path, "other.yaml", YAML)
    assert config_beside(log) is None

    written(tmp_path / "out", "train.yaml", YAML)
    assert config_beside(log) is not None
    written(tmp_path / "out", "another-trainer_state.json", {})
    assert config_beside(log) is None


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("training_args.bin", "", "training_args.bin: this is a pickle"),
        ("best.pt", "", "best.pt: this is a pickle, which can run any code .*, so it is not; give the config"),
        ("a.json", '{"learning_rate": ', "a.json: the JSON is broken"),
        ("a.json", {"imgsz": 640}, "a.json: it has no argument of a Trainer"),
        ("a.json", {"learning_rate": "fast"}, "learning_rate must be a number, got 'fast'"),
        ("a.json", {"max_steps": [1]}, r"max_steps must be a whole number, got \[1\]"),
        ("a.json", {"lr_scheduler_kwargs": "x"}, "lr_scheduler_kwargs must be a dictionary, got 'x'"),
        ("a.json", {"max_steps": 9, "lr_scheduler_type": "cosin"}, "a.json: there is no schedule 'cosin'"),
        ("a.json", {"max_steps": 9, "learning_rate": -1}, "a.json: .*peak must"),
        ("a.json", {"max_steps": 9, "warmup_steps": 1e300}, "a.json: warmup: iterations must"),
        ("a.json", {"max_steps": 9, "scheduler": {"type": "OneCycle", "params": {}}}, "no schedule 'OneCycle'"),
        ("a.json", {"max_steps": 9, "scheduler": {"type": "WarmupLR", "params": {"warmup_num_steps": []}}}, "a.json: "),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(tmp_path: Path, name: str, content: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_arguments(written(tmp_path, name, content)).schedules()
