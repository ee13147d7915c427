"""The server is for one person on one machine: what others ask is refused, and only the opened file is written."""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from docs.pages import ROOT
from lrsched.designer import RefusedError, Session
from lrsched.designer.document import FUNCTION
from lrsched.designer.server import LARGEST, Server
from tests.designer.test_answer import POLY, STEPS

JSON = {"Content-Type": "application/json"}
BYTES = STEPS.encode().replace(b"\n", b"\r\n") + b"# caf\xe9\r\n"


class Reply(NamedTuple):
    status: int
    headers: dict[str, str]
    body: Any


class Client:
    """A page, or somebody who is none."""

    def __init__(self, server: Server, path: Path) -> None:
        self.server, self.path, self.token = server, path, server.token

    def ask(self, method: str, body: Any = None, **headers: str) -> Reply:
        content = body if isinstance(body, bytes) else json.dumps({} if body is None else body).encode()
        usual = {**JSON, "X-Lrsched-Token": self.token}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.send("POST", f"/api/{method}", content, {**usual, **named})

    def send(self, verb: str, path: str, content: bytes = b"", headers: dict[str, str] | None = None) -> Reply:
        line = http.client.HTTPConnection("127.0.0.1", self.server.server_port, timeout=10)
        try:
            line.request(verb, path, content, headers or {})
            reply = line.getresponse()
            text = reply.read()
            is_json = reply.headers.get_content_type() == "application/json"
            return Reply(reply.status, dict(reply.headers), json.loads(text) if is_json else text)
        finally:
            line.close()

    def save(self, changes: dict[str, Any], seen: str | None = None) -> Reply:
        seen = self.ask("answer").body["hash"] if seen is None else seen
        return self.ask("save", {"states": [{"changes": changes}], "seen": seen})


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    path = tmp_path / "my.cfg"
    path.write_bytes(BYTES)
    with Server(Session.of([path])) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield Client(server, path)
        server.shutdown()
        thread.join()


def test_the_page_gets_its_answers(client: Client) -> None:
    opened = client.ask("open")
    [file] = opened.body["files"]
    assert (opened.status, file["name"], file["writable"]) == (200, "my.cfg", True)
    told = client.ask("answer", {"do": {"set": {"power": "2"}}, "states": opened.body["states"]})
    assert (told.status, told.body["dirty"], told.body["saved"], told.body["disk"]) == (200, True, False, "same")
    assert client.ask("rate", {"at": 450_000}).body["at"]["printed"] == "0.000010"
    page = client.send("GET", "/")
    assert (page.status, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "unsafe" not in page.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example:80", "10.0.0.1", "", "localhost:1@evil", "0.0.0.0"]
)
def test_a_name_that_was_made_to_point_here_gets_nothing(client: Client, host: str) -> None:
    assert client.ask("answer", Host=host).status == 403
    assert client.send("GET", "/", headers={"Host": host}).status == 403


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1:1", "[::1]:9", "LOCALHOST"])
def test_a_tunnel_has_another_port(client: Client, host: str) -> None:
    assert client.ask("answer", Host=host, Origin=f"http://{host}").status == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1", "https://127.0.0.1"])
def test_another_origin_gets_nothing(client: Client, origin: str) -> None:
    assert client.ask("answer", Origin=origin).status == 403
    assert client.ask("answer", Sec_Fetch_Site="cross-site").status == 403
    assert client.send("GET", "/", headers={"Sec-Fetch-Site": "cross-site"}).status == 200  # a link to the page


def test_a_form_of_another_site_saves_nothing(client: Client) -> None:
    body = b'{"states": [{"changes": {"learning_rate": 1}}], "seen": null}'
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        assert client.send("POST", "/api/save", body, {"Content-Type": kind}).status == 403
        assert client.ask("save", body, Content_Type=kind).status == 415
    assert client.path.read_bytes() == BYTES


@pytest.mark.parametrize("token", ["", "x", "é"])
def test_a_wrong_token_gets_nothing(client: Client, token: str) -> None:
    assert client.ask("answer", X_Lrsched_Token=token.encode("utf-8").decode("latin-1")).status == 403
    assert client.ask("answer", X_Lrsched_Token=client.token + "x").status == 403
    assert client.send("POST", "/api/answer", b"{}", {"Content-Type": "application/json"}).status == 403


NO_JSON = [b"", b"{", b"\xff", b"[" * 100_000, b'{"at": NaN}']
NO_REQUEST = [b"[]", b"3", b"null", b'{"file": 9}', b'{"states": {}}', b'{"view": []}']


@pytest.mark.parametrize("body", [*NO_JSON, *NO_REQUEST])
def test_a_body_that_is_no_request_is_refused_in_a_sentence(client: Client, body: bytes) -> None:
    reply = client.ask("answer", body)
    assert reply.status == 400
    assert "Traceback" not in reply.body["error"]


def test_a_huge_body_is_not_read(client: Client) -> None:
    assert client.ask("answer", Content_Length=str(LARGEST + 1)).status == 413
    assert client.ask("answer", Content_Length="many").status == 411
    assert client.ask("answer").status == 200


@pytest.mark.parametrize("path", ["/../../etc/passwd", "/%2e%2e/secret", "/my.cfg", "/server.py", "/api/open"])
def test_no_other_file_is_served(client: Client, path: str) -> None:
    assert client.send("GET", path).status == 404
    assert client.ask(f"../{path}").status == 404
    headers = {**JSON, "X-Lrsched-Token": client.token}
    assert client.send("POST", f"/there{path}", b"{}", headers).status == 404
    assert client.send("PUT", path).status == 501


def test_saving_writes_the_changed_lines_and_no_other_byte(client: Client) -> None:
    assert client.save({"learning_rate": 0.002}).status == 200
    assert client.path.read_bytes() == BYTES.replace(b"learning_rate=0.001", b"learning_rate=0.002")
    told = client.ask("answer", {"states": [{"changes": {"learning_rate": 0.002}}]}).body
    assert (told["saved"], told["dirty"], told["disk"]) == (True, True, "same")
    assert client.save({}).status == 200
    assert client.path.read_bytes() == BYTES


def test_a_file_that_changed_is_not_overwritten_unasked(client: Client) -> None:
    client.path.write_text(POLY)
    assert client.ask("answer").body["disk"] == "changed"
    refused = client.save({"learning_rate": 0.002})
    assert (refused.status, client.path.read_text()) == (409, POLY)
    assert client.save({"learning_rate": 0.002}, refused.body["hash"]).status == 200  # the person said so
    assert client.path.read_bytes() == BYTES.replace(b"learning_rate=0.001", b"learning_rate=0.002")


def test_a_file_that_changed_can_be_read_again(client: Client) -> None:
    client.path.write_text(POLY)
    assert client.ask("reload", {"file": 0}).status == 200
    told = client.ask("answer").body
    assert (told["controls"][0]["value"], told["disk"], told["saved"]) == ("poly", "same", True)
    client.path.write_text("no cfg")
    assert client.ask("reload", {"file": 0}).status == 409


def test_a_link_is_followed_and_stays(client: Client, tmp_path: Path) -> None:
    link = tmp_path / "link.cfg"
    link.symlink_to(client.path)
    session = Session.of([link])
    session.ask("save", {"states": [{"changes": {"burn_in": 500}}], "seen": session.files[0].written})
    assert link.is_symlink()
    assert b"burn_in=500" in client.path.read_bytes()


def test_what_cannot_be_written_is_said(client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # as root every file is writable
    why = client.ask("open").body["files"][0]["why"]
    assert "read-only" in why
    reply = client.save({"burn_in": 500})
    assert (reply.status, reply.body["error"], client.path.read_bytes()) == (403, why, BYTES)


def test_what_the_fork_refuses_is_not_saved(client: Client) -> None:
    assert client.save({"steps": [1, 2, 3]}).status == 400
    assert client.save({"burn_in": "2\nbatch=7"}).status == 400
    assert client.path.read_bytes() == BYTES


def test_only_this_machine_is_listened_to(client: Client) -> None:
    assert client.server.server_address[0] == "127.0.0.1"
    with socket.create_connection(("127.0.0.1", client.server.server_port)) as line:
        line.sendall(b"nonsense\r\n\r\n")
        assert b"400" in line.makefile("rb").read()


def test_the_command_prints_the_address_and_ends_at_an_interrupt(client: Client) -> None:
    # a shell may have told its background jobs to ignore interrupts
    code = "import signal, lrsched.cli; signal.signal(signal.SIGINT, signal.default_int_handler); lrsched.cli.run()"
    begin, pipe = [sys.executable, "-c", code, "design", str(client.path), "--no-browser"], subprocess.PIPE
    with subprocess.Popen(begin, stdout=pipe, stderr=pipe, text=True) as running:
        assert running.stdout is not None
        address = running.stdout.readline()
        running.send_signal(signal.SIGINT)
        try:
            rest, messages = running.communicate(timeout=20)
        finally:
            running.kill()
    assert address.startswith("http://127.0.0.1:")
    assert "/#token=" in address
    assert (running.returncode, rest) == (0, "")
    assert "ssh -L" in messages


def test_each_file_is_drawn_beside_the_others(client: Client, tmp_path: Path) -> None:
    other = tmp_path / "other.cfg"
    other.write_text(POLY)
    session = Session.of([client.path, other, STEPS, lambda t: 0.1 / (1 + t)], target=9000)
    assert [file["name"] for file in session.ask("open", {})["files"]] == ["my.cfg", "other.cfg", "<stdin>", "schedule"]
    told = session.ask("answer", {"file": 1})
    assert [(one["file"], one["name"]) for one in told["others"]] == [(0, "my.cfg"), (2, "<stdin>"), (3, "schedule")]
    assert session.ask("answer", {"file": 3})["disk"] == "same"
    wrong: list[dict[str, Any]] = [{"file": 4}, {"file": True}, {"states": []}]
    for body in wrong:
        with pytest.raises(RefusedError) as refused:
            session.ask("answer", body)
        assert refused.value.status == 400
    with pytest.raises(RefusedError, match="It came from no file"):
        session.ask("reload", {"file": 2})
    why = [file["why"] for file in session.ask("open", {})["files"]]
    assert why == ["", "", "It came from no file; download it instead.", FUNCTION]


def test_a_log_lies_under_the_curve(client: Client) -> None:
    log = Session.of([client.path], log=ROOT / "docs" / "examples" / "train.log").ask("open", {})["log"]
    assert (log["name"], log["loss_name"]) == ("train.log", "avg loss")
    assert (log["rate"]["t"][-1], log["rate"]["y"][-1]) == (500_000, 1e-05)
    assert log["loss"]["y"][0] == pytest.approx(900.44)


def test_a_file_that_is_gone_is_written_anew_where_the_person_says_so(client: Client) -> None:
    client.path.unlink()
    assert (client.ask("answer").body["disk"], client.ask("reload").status) == ("gone", 409)
    refused = client.save({"burn_in": 500})
    assert (refused.status, client.save({"burn_in": 500}, refused.body["hash"]).status) == (409, 200)
    assert b"burn_in=500" in client.path.read_bytes()


def test_a_full_disk_is_said(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(name: str, *_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device", name)

    monkeypatch.setattr("lrsched.designer.session.write_file", full)
    reply = client.save({"burn_in": 500})
    assert (reply.status, "No space left on device; nothing was written" in reply.body["error"]) == (403, True)


def test_an_error_of_lrsched_is_a_sentence(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(client.server.session, "ask", broken)
    reply = client.ask("answer")
    assert (reply.status, "ZeroDivisionError: division by zero" in reply.body["error"]) == (500, True)


def test_of_two_files_that_belong_together_only_the_changed_one_is_written(tmp_path: Path) -> None:
    for name in ("hyp.yaml", "opt.yaml", "results.csv"):
        shutil.copy(ROOT / "docs" / "examples" / "exp" / name, tmp_path)
    before = (tmp_path / "opt.yaml").stat().st_mtime_ns
    session = Session.of([tmp_path])
    body = {"states": [{"changes": {"lrf": 0.1}}], "seen": session.files[0].written}
    assert session.ask("save", body) == {"saved": True}
    assert "\nlrf: 0.1 " in (tmp_path / "hyp.yaml").read_text()
    assert (tmp_path / "opt.yaml").stat().st_mtime_ns == before
