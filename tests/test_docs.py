"""The documentation is true: its examples print what it says, and what it names exists."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from matplotlib.image import imread

import lrsched
import lrsched.trainers.darknet
from docs import generate
from docs.pages import ROOT, Block, aligned, blocks, copy_of_docs, failures, pages, transcript, translations
from lrsched.planner.rules import all_rules

PAGES = pages()
CONSOLE = [block for page in PAGES for block in blocks(page) if block.language == "console"]
WRITTEN = [page for page in PAGES if page.name != "changelog.md"]


def text_of(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


@pytest.mark.parametrize("block", CONSOLE, ids=lambda block: block.place)
def test_a_console_block_shows_what_its_commands_print(block: Block, tmp_path: Path) -> None:
    assert transcript(block.text, copy_of_docs(tmp_path)) == block.text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_python_examples_answer_as_written(page: Path, tmp_path: Path) -> None:
    assert failures(page, copy_of_docs(tmp_path)) == ""


@pytest.mark.parametrize("page", translations(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_translated_page_has_the_commands_outputs_and_links_of_its_original(page: Path) -> None:
    original = translations()[page]
    assert aligned(page, original) == page.read_text("utf-8")
    assert numbers(prose(page)) <= numbers(original.read_text("utf-8"))
    for target in linked(page):
        assert (page.parent / target).is_file(), target


def test_a_wrong_output_is_seen(tmp_path: Path) -> None:
    right = "$ lrsched show docs/examples/yolov3.cfg --at 1 --csv\niteration,rate\n1,1.00000022e-15\n"
    assert transcript(right, copy_of_docs(tmp_path)) == right
    for wrong in (right.replace("22e", "23e"), right + "\n", right.replace("iteration,rate\n", "")):
        assert transcript(wrong, tmp_path) == right != wrong
    assert transcript("$ lrsched show nowhere.cfg\n$ echo $?\n", tmp_path).endswith("\n$ echo $?\n2\n")
    with pytest.raises(ValueError, match="a console block may hold"):
        transcript("$ rm -r docs\n", tmp_path)


def test_a_wrong_python_answer_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("docs.pages.ROOT", tmp_path)
    page = tmp_path / "page.md"
    page.write_text("```python\n>>> a = 1\n```\n\n```python\n>>> a + 1\n2\n```\n", "utf-8")
    assert failures(page, tmp_path) == ""
    page.write_text("Text.\n\n```python\n>>> 1 + 1\n3\n```\n", "utf-8")
    assert "page.md:4" in failures(page, tmp_path)
    page.write_text("```python\nplan()\n```\n", "utf-8")
    with pytest.raises(ValueError, match="needs examples that begin with >>>"):
        failures(page, tmp_path)


def numbers(text: str) -> set[str]:
    return {number for number in re.findall(r"\d[\d.]*\d", text) if sum(map(str.isdigit, number)) >= 4}


def prose(page: Path) -> str:
    text = page.read_text("utf-8")
    return re.sub(r"^```.*?^```$|`[^`\n]*`|\]\([^)]*\)|<img[^>]*>", "", text, flags=re.DOTALL | re.MULTILINE)


def linked(page: Path) -> list[str]:
    """The files beside a page that it links to; pictures and the web are not among them."""
    links = re.findall(
        r"(?<!!)\[[^]]*\]\(([^)#]+)",
        re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE),
    )
    return [link for link in links if "://" not in link]


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: page.stem)
def test_a_long_number_in_the_prose_stands_in_an_example_of_the_page(page: Path) -> None:
    examples = "".join(block.text for block in blocks(page) if block.language in ("console", "python"))
    assert numbers(prose(page)) - {"0.000000"} - numbers(examples) == set()


def shell_lines(page: str) -> list[str]:
    return "".join(block.text for block in blocks(ROOT / page) if block.language == "sh").splitlines()


def test_ci_runs_the_commands_that_users_and_contributors_are_told_to_run() -> None:
    run, test = shell_lines("README.md")  # each of one line
    checks = [
        line for line in shell_lines("docs/contributing.md") if re.match(r"\.venv/bin/(ruff|mypy|sphinx-build)", line)
    ]

    assert "lrsched plot docs/examples/yolov3.cfg" in run
    assert "lrsched plan docs/examples/yolov3.cfg" in run
    assert "pytest" in test
    assert len(checks) >= 4
    assert {test, *checks} <= set(text_of(".ci/run").splitlines())


def test_the_pictures_of_the_first_pages_are_as_lrsched_makes_them(tmp_path: Path) -> None:
    transcript("$ lrsched plot docs/examples/yolov3.cfg -o new.png\n", copy_of_docs(tmp_path))
    assert imread(tmp_path / "new.png").shape[:2] == imread(ROOT / "docs" / "images" / "yolov3-lr.png").shape[:2]
    # taken by tests.browser.picture, which needs Chromium
    height, width = imread(ROOT / "docs" / "images" / "design.png").shape[:2]
    for page in ("README.md", "README.zh.md"):
        [stated] = re.findall(r'<img src="docs/images/design.png" width="(\d+)" height="(\d+)"', text_of(page))
        assert int(stated[0]) * height == int(stated[1]) * width


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_files_that_a_page_links_to_exist(page: Path) -> None:
    assert [link for link in linked(page) if not (page.parent / link).is_file()] == []
    assert page.name != "README.md" or len(linked(page)) > 5


def key_paths(value: Any, path: str = "") -> Iterator[str]:
    """The keys of a JSON document as json.md writes them; the cfg keys in ``changes`` and ``exact`` are values."""
    if isinstance(value, list):
        for item in value:
            yield from key_paths(item, f"{path}[]" if path else "")
    elif isinstance(value, dict) and not path.endswith(("changes", "exact")):
        for key, inner in value.items():
            name = f"{path}.{key}" if path else key
            yield from (name, *key_paths(inner, name))


@pytest.mark.parametrize("command", ["show", "plan", "suggest", "fit", "policies"])
def test_the_json_page_names_every_key_and_no_other(command: str) -> None:
    section = re.split(r"^## ", text_of("docs/json.md"), flags=re.MULTILINE)
    text = next(part for part in section if part.startswith(f"{command}\n"))
    first_cells = re.findall(r"^\| (`[^|]+) \|", text, re.MULTILINE)
    documented = {key for cell in first_cells for key in re.findall(r"`([^`]+)`", cell)}
    document = json.loads(text[text.index("```console") : text.rindex("```")].partition("--json\n")[2])
    assert documented == set(key_paths(document))


def test_the_generated_api_documents_every_public_name_once() -> None:
    documented = re.findall(r"^\.\. (?:auto\w+|data):: (\w+)$", "\n".join(generate.api()), re.MULTILINE)
    repeated = {name for name in documented if documented.count(name) > 1}
    assert repeated == {"config_of", "read_config"}  # of several trainers
    offered = {*lrsched.__all__, *lrsched.trainers.darknet.__all__} - {"convert", "schedules", "testing"}
    assert offered <= set(documented)


def test_the_generated_list_of_modules_has_every_module_with_a_word_about_it() -> None:
    listed = dict(re.findall(r"^`(lrsched/\S+\.py)`\n: (.+)$", "\n".join(generate.modules()), re.MULTILINE))
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "lrsched").rglob("[a-z]*.py")}
    assert set(listed) == modules


def test_the_generated_list_of_findings_has_every_code_that_the_planner_writes() -> None:
    listed = "\n".join(generate.findings())
    assert len(all_rules()) > 20
    assert {code for code in all_rules() if f"`{code}`\n: " not in listed} == set()
