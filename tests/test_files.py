"""The one writer of files: whole or not at all, and only what a person would want replaced."""

import errno
import os
import stat
from pathlib import Path
from typing import IO

import pytest

from lrsched.files import write_file

NEEDS_UNIX = pytest.mark.skipif(os.name == "nt", reason="links, modes and devices of Unix")


def full_disk(file: IO[bytes]) -> None:
    file.write(b"half of it")
    raise OSError(errno.ENOSPC, "No space left on device")


def interrupted(file: IO[bytes]) -> None:
    file.write(b"half of it")
    raise KeyboardInterrupt


def unreadable_source(file: IO[bytes]) -> None:
    raise FileNotFoundError(errno.ENOENT, "No such file or directory", "train.log")


def test_a_new_file_has_the_content_and_the_usual_mode(tmp_path: Path) -> None:
    plainly = tmp_path / "plainly"
    plainly.write_bytes(b"")
    path = write_file(tmp_path / "new.cfg", lambda file: file.write(b"text"))
    assert path.read_bytes() == b"text"
    assert path.stat().st_mode == plainly.stat().st_mode
    assert sorted(os.listdir(tmp_path)) == ["new.cfg", "plainly"]


def test_an_existing_file_stays_unless_forced(tmp_path: Path) -> None:
    path = tmp_path / "old.cfg"
    path.write_bytes(b"old")
    with pytest.raises(FileExistsError, match="already exists"):
        write_file(path, b"new")
    assert path.read_bytes() == b"old"
    write_file(path, b"new", force=True)
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize("content", [full_disk, interrupted, unreadable_source])
def test_nothing_changes_when_writing_fails(tmp_path: Path, content: object) -> None:
    path = tmp_path / "old.cfg"
    path.write_bytes(b"old")
    with pytest.raises((OSError, KeyboardInterrupt)):
        write_file(path, content, force=True)  # type: ignore[arg-type]
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["old.cfg"]


def test_the_error_names_the_file_that_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    Path("file").touch()
    for given in ("new.cfg", "missing/new.cfg", "file/new.cfg", "folder"):
        with pytest.raises(OSError, match=given) as problem:
            write_file(given, full_disk, force=True)
        assert problem.value.filename == given
    with pytest.raises(FileNotFoundError) as read:
        write_file("new.cfg", unreadable_source)
    assert read.value.filename == "train.log"


def test_an_error_without_a_number_keeps_its_words(tmp_path: Path) -> None:
    def truncated(file: IO[bytes]) -> None:
        raise OSError("image file is truncated")

    with pytest.raises(OSError, match=r"new\.png: image file is truncated$"):
        write_file(tmp_path / "new.png", truncated)


def test_a_file_that_is_read_only_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "old.cfg"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write to every file
    with pytest.raises(PermissionError, match="is read-only"):
        write_file(path, b"new", force=True)
    assert path.read_bytes() == b"old"


@NEEDS_UNIX
def test_a_link_is_followed_and_the_mode_kept(tmp_path: Path) -> None:
    real, link = tmp_path / "real.cfg", tmp_path / "link.cfg"
    real.write_bytes(b"old")
    real.chmod(0o600)
    link.symlink_to(real)
    write_file(link, b"new", force=True)
    assert link.is_symlink()
    assert (real.read_bytes(), stat.S_IMODE(real.stat().st_mode)) == (b"new", 0o600)
    (tmp_path / "dangling").symlink_to(tmp_path / "later.cfg")
    write_file(tmp_path / "dangling", b"new")
    assert (tmp_path / "later.cfg").read_bytes() == b"new"


@NEEDS_UNIX
def test_only_regular_files_are_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for special in (pipe, Path("/dev/null")):
        with pytest.raises(OSError, match="not a file that can be replaced"):
            write_file(special, b"new", force=True)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
