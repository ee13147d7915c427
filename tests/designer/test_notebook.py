"""The page in a notebook: the same answers, as messages of a widget."""

import base64
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import lrsched
from lrsched.designer import Session
from lrsched.designer.notebook import frame, reply
from tests.designer.test_answer import STEPS


def test_messages_are_answered_as_requests_are() -> None:
    session = Session.of([lrsched.parse_cfg(STEPS)])
    assert reply(session, {"lrsched": 3, "view": "a", "method": "open"})["body"]["states"] == [session.files[0].state]
    told = reply(session, {"lrsched": 4, "view": "a", "method": "answer", "body": {"do": {"set": {"power": 2}}}})
    assert (told["lrsched"], told["view"], told["status"], told["body"]["refused"]) == (4, "a", 200, None)
    assert session.files[0].latest["changes"] == {"power": 2.0}
    wrong: list[Any] = [None, [], {"lrsched": 5}, {"lrsched": 6, "method": "answer", "body": 7}]
    for content in wrong:
        assert reply(session, content)["status"] in (400, 404)


def test_what_came_from_no_file_is_not_saved() -> None:
    session = Session.of([lrsched.Net(max_batches=900, policy="poly")])
    body: dict[str, Any] = {"states": [{"changes": {"power": 2}}], "seen": session.files[0].written}
    assert reply(session, {"method": "save", "body": body})["status"] == 403
    text = base64.b64decode(reply(session, {"method": "text", "body": body})["body"]["base64"])
    assert b"power=2" in text


def test_the_frame_has_everything_in_it() -> None:
    page = frame()
    assert "connect-src" not in page
    assert "default-src 'none'" in page
    assert not re.findall(r'(?:src|href)="(?!#|data:)[^"]+"', page)
    assert page.count("<script>") == page.count("</script>") == 1


class Trait:
    def tag(self, **_: bool) -> None:
        return None


class Widget:
    """What the page's widget needs of anywidget, which the tests do not install."""

    def __init__(self, **values: Any) -> None:
        self.values, self.sent = values, list[Any]()

    def on_msg(self, heard: Callable[..., None]) -> None:
        self.heard = heard

    def send(self, content: Any) -> None:
        self.sent.append(content)


def test_the_widget_holds_what_was_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "anywidget", SimpleNamespace(AnyWidget=Widget))
    monkeypatch.setitem(sys.modules, "traitlets", SimpleNamespace(Unicode=Trait, Int=Trait))
    path = tmp_path / "my.cfg"
    path.write_text(STEPS)
    shown = lrsched.design(path, target=9000)
    message = {"lrsched": 1, "method": "answer", "body": {"do": {"set": {"learning_rate": "0.002"}}}}
    shown.heard(shown, message, [])
    assert shown.sent[0]["body"]["marks"]["target"] == 9000
    assert (shown.config.learning_rate, shown.config.steps) == (0.002, (400_000, 450_000))


def test_without_anywidget_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "anywidget", None)
    with pytest.raises(ImportError, match=r"pip install 'lrsched-designer\[notebook\]'"):
        lrsched.design(lrsched.parse_cfg(STEPS))
