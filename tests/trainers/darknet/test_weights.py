"""Headers of weights files, written here as the trainers write them."""

import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lrsched.trainers.darknet import Net, parse_cfg, read_weights

NET = parse_cfg("[net]\nbatch=64\nsubdivisions=16\n")


def written(folder: Path, content: bytes) -> Path:
    path = folder / "yolo_last.weights"
    path.write_bytes(content)
    return path


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(iteration=st.integers(0, 2**31 - 1), more=st.integers(0, 63), weights=st.binary(max_size=9))
def test_the_iteration_is_that_of_the_training(tmp_path: Path, iteration: int, more: int, weights: bytes) -> None:
    path = written(tmp_path, struct.pack("<3iQ", 0, 2, 5, iteration * 64 + more) + weights)
    read = read_weights(path)
    assert (read.version, read.seen, read.source) == ((0, 2, 5), iteration * 64 + more, str(path))
    assert read.iteration(NET) == iteration


@pytest.mark.parametrize(
    ("version", "count", "seen"), [("01", "I", 2**32 - 64), ("10", "Q", 2**40), ("02", "Q", 2**40)]
)
def test_old_files_have_a_shorter_count(tmp_path: Path, version: str, count: str, seen: int) -> None:
    header = struct.pack(f"<3i{count}", *map(int, version), 0, seen)
    assert read_weights(written(tmp_path, header)).seen == seen


NO_WEIGHTS = [
    (b"", "0 bytes"),
    (b"\0" * 12, "12 bytes"),
    (struct.pack("<4i", 0, 2, 5, 64), "ends inside its header"),
    (b"[net]\nbatch=64\nsubdivisions=16\n", "not a weights file"),
    (b"PK\x03\x04" + b"\0" * 40, "not a weights file"),
    (struct.pack("<4i", -1, 2, 5, 64) + b"\0" * 4, "not a weights file"),
]


@pytest.mark.parametrize(("content", "words"), NO_WEIGHTS)
def test_what_is_no_weights_file(tmp_path: Path, content: bytes, words: str) -> None:
    path = written(tmp_path, content)
    with pytest.raises(ValueError, match=words) as caught:
        read_weights(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_counts_that_no_training_reaches(tmp_path: Path) -> None:
    huge = read_weights(written(tmp_path, struct.pack("<3iQ", 0, 2, 5, 2**63)))
    with pytest.raises(ValueError, match="more than darknet can count"):
        huge.iteration(Net(batch=64))
    with pytest.raises(FileNotFoundError):
        read_weights(tmp_path / "absent.weights")
