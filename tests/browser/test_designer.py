"""The designer in Chromium, as a person uses it."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from urllib.parse import unquote

import pytest

from lrsched.designer import Session
from lrsched.designer.notebook import frame, reply
from tests.browser.conftest import POLY, STEPS
from tests.browser.driving import IDLE, Command, Keys, Opened, Page

Design = Callable[..., Page]


def handle(page: Page, name: str) -> str:
    """The knob of a handle by its accessible name."""
    return f"[role=slider][aria-label='{name}'] .knob"


def test_a_step_is_dragged_in_time_and_height_and_that_is_one_step_of_undo(design: Design, steps: Path) -> None:
    page = design(steps)
    before = page.run("return document.getElementById('curve').getAttribute('d')")
    page.drag(handle(page, "step 1"), -120, -200)
    changes = page.changes
    assert changes["steps"][0] < 390_000
    assert changes["steps"][1] == 450_000
    assert changes["scales"][0] > 0.2
    assert page.text("#status") == "not saved"
    assert "+steps=" in page.text("#diff")
    page.click("#undo")
    assert page.changes == {}
    assert not page.find("#undo").is_enabled()
    assert page.run("return document.getElementById('curve').getAttribute('d')") == before
    page.click("#redo")
    assert page.changes == changes
    page.click("#reset")
    assert page.changes == {}
    assert steps.read_text() == STEPS


def test_the_end_is_dragged_by_a_finger(design: Design, steps: Path) -> None:
    page = design(steps, size=(390, 844))
    page.drag(handle(page, "last iteration"), -20, 0, kind="touch")
    assert 450_000 < page.changes["max_batches"] < 500_000


def test_the_axis_grows_and_does_not_shrink_while_the_largest_rate_is_dragged(design: Design, steps: Path) -> None:
    page = design(steps)
    high = page.run("return plot.high")
    for rate in (0.002, 0.0005):
        page.run("act({ set: { learning_rate: arguments[0] } }, false)", rate)
        page.wait(f"return !busy && page.states[0].changes.learning_rate === {rate}")
        assert page.run("return plot.high") == pytest.approx(2 * high)
    page.run("finish()")
    page.settled()
    assert page.run("return plot.high") == pytest.approx(high)


def test_a_fix_is_applied_and_saved_byte_for_byte(design: Design, poly: Path) -> None:
    page = design(poly)
    assert page.text("#verdict") == "1 warning."
    assert page.find(".zero").is_displayed()
    page.button("Apply power=1")
    page.settled()
    assert "warning" not in page.text("#verdict")
    assert page.text("#diff").splitlines() == ["-power=4", "+power=1"]
    page.keys("s", holding=Keys.CONTROL)
    page.wait("return document.getElementById('status').textContent === 'saved'")
    assert poly.read_bytes() == POLY.replace("power=4", "power=1").encode()
    assert not page.find("#save").is_enabled()
    page.click("#undo")
    assert page.text("#status") == "not saved"


def test_hovering_over_a_finding_marks_its_stretch_and_a_click_shows_it(design: Design, poly: Path) -> None:
    page = design(poly)
    assert not page.driver.find_elements("css selector", ".shown")
    page.click(".finding .where")
    assert page.find(".shown").is_displayed()
    assert page.run("return plot.first") > 300_000
    page.click("#whole")
    assert page.run("return plot.first") == 0


def test_what_a_fork_refuses_is_shown_as_it_was_asked_and_cannot_be_saved(design: Design, steps: Path) -> None:
    page = design(steps)
    page.write("#set-learning_rate", "fast")
    assert page.find("#set-learning_rate").get_attribute("value") == "fast"
    assert page.find("#set-learning_rate").get_attribute("aria-invalid") == "true"
    assert "fast" in page.text("#verdict")
    assert page.text("#status") == "refused"
    assert page.find("svg.refused #curve").is_displayed()
    assert not page.find("#save").is_enabled()
    page.click("#undo")
    assert page.find("#set-learning_rate").get_attribute("value") == "0.001"
    assert not page.driver.find_elements("css selector", "svg.refused")


def test_a_file_that_changed_on_disk_is_not_overwritten_unasked(design: Design, poly: Path) -> None:
    page = design(poly)
    page.expected = ("409",)
    page.write("#set-power", "1")
    theirs = POLY + "# by somebody else\n"
    poly.write_text(theirs)
    page.click("#save")
    page.wait("return !document.getElementById('banner').hidden")
    assert poly.read_text() == theirs
    page.button("Read it, keep my changes")
    page.settled()
    page.wait("return !document.getElementById('save').disabled")
    page.click("#save")
    page.wait("return document.getElementById('status').textContent === 'saved'")
    assert poly.read_text() == theirs.replace("power=4", "power=1")


def test_it_is_overwritten_where_the_person_says_so(design: Design, poly: Path) -> None:
    page = design(poly)
    page.expected = ("409",)
    page.write("#set-power", "1")
    poly.write_text("something else\n")
    page.click("#save")
    page.wait("return document.getElementById('banner').textContent.includes('Overwrite it')")
    page.button("Overwrite it")
    page.wait("return document.getElementById('status').textContent === 'saved'")
    assert poly.read_text() == POLY.replace("power=4", "power=1")


def test_all_can_be_done_by_keyboard(design: Design, steps: Path) -> None:
    page = design(steps)
    names = []
    for _ in range(60):
        page.keys(Keys.TAB)
        names.append(page.run("return document.activeElement.ariaLabel ?? ''"))
        if names[-1] == "step 1":
            break
    page.keys(Keys.ARROW_LEFT, Keys.ARROW_LEFT)
    slow = 400_000 - page.changes["steps"][0]
    assert slow > 0
    page.keys(Keys.ARROW_LEFT, holding=Keys.SHIFT)
    assert 400_000 - page.changes["steps"][0] > 2 * slow
    page.keys(Keys.ARROW_UP)
    assert page.changes["scales"][0] > 0.1
    page.keys("z", holding=Keys.CONTROL)
    assert "scales" not in page.changes
    page.run("document.getElementById('plot').focus()")
    page.keys("+", Keys.HOME, Keys.ARROW_RIGHT)
    assert page.run("return plot.last - plot.first") < 300_000
    shown = page.text("#readout")
    page.keys(Keys.ARROW_RIGHT)
    assert page.text("#readout") != shown
    page.keys("0")
    assert page.run("return plot.first") == 0


def test_the_slider_has_a_logarithmic_scale_and_moving_it_is_one_step(design: Design, steps: Path) -> None:
    page = design(steps)
    page.run("document.querySelector(\"[aria-label='learning_rate, slider']\").focus()")
    page.keys(*[Keys.ARROW_RIGHT] * 10)
    assert 0.00101 < page.changes["learning_rate"] < 0.0013
    assert page.text("#set-learning_rate + input + .under .mark") == "was 0.001"
    page.drag("[aria-label='learning_rate, slider']", 60, 0)
    past = page.run("return page.past.length")
    page.click("#undo")
    assert page.run("return page.past.length") == past - 1


def test_rows_are_added_changed_and_removed(design: Design, steps: Path) -> None:
    page = design(steps)
    page.click("#add-row")
    assert len(page.changes["steps"]) == 3
    page.write("#row-2-steps", "480000")
    assert [int(step) for step in page.changes["steps"]] == [400_000, 450_000, 480_000]
    page.button("Remove row 1")
    page.settled()
    assert [int(step) for step in page.changes["steps"]] == [450_000, 480_000]


def test_the_policy_is_switched(design: Design, steps: Path) -> None:
    page = design(steps)
    page.choose("#set-policy", "poly")
    assert page.find("#set-power").is_displayed()
    assert page.driver.find_elements("css selector", ".rows") == []
    assert page.text("#status") == "not saved"


def test_a_reload_keeps_the_state(design: Design, poly: Path) -> None:
    page = design(poly)
    page.write("#set-power", "2")
    page.click("#in")
    page.wait('return page.view.last && location.hash.includes(encodeURIComponent(`"last":${page.view.last}`))')
    state, window = page.state, page.run("return page.view")
    assert json.loads(unquote(page.run("return location.hash").partition("state=")[2]))["states"] == [state]
    page.driver.refresh()
    page.settled()
    assert page.state == state
    assert page.run("return page.view") == window
    assert page.find("#set-power").get_attribute("value") == "2"


@pytest.mark.parametrize(
    ("state", "said"), [("{x", "cannot be read"), ('{"states":[{"power":1}]}', "a state has no 'power'")]
)
def test_a_broken_address_is_said_and_shows_the_file(design: Design, poly: Path, state: str, said: str) -> None:
    page = design(poly)
    page.expected = ("400",)
    script = (
        "history.replaceState(null, '', location.hash.split('&')[0] + '&state=' + encodeURIComponent(arguments[0]))"
    )
    page.wait("return location.hash.includes('state=')")  # the page writes it, too
    page.run(script, state)
    page.driver.refresh()
    page.settled()
    assert said in page.text("#banner")
    assert page.changes == {}


def test_a_server_that_is_gone_is_said_and_nothing_is_lost(design: Design, poly: Path) -> None:
    page = design(server=Command(poly))
    page.expected = ("ERR_CONNECTION_REFUSED",)
    page.server.end()
    page.run("act({ set: { power: 2 } })")
    page.wait("return page.gone")
    assert "No answer" in page.text("#banner")
    assert page.text("#status") == "no connection"
    page.button("Try again")
    page.wait("return page.gone")
    assert page.run("return queue.length") == 1


def test_one_request_is_in_flight_and_the_newest_state_wins(design: Design, poly: Path) -> None:
    page = design(poly)
    page.run("""
        window.most = 0; window.now = 0; window.sent = 0; const plain = fetch;
        window.fetch = async (...all) => {
          most = Math.max(most, ++now); sent++;
          await new Promise((resolve) => setTimeout(resolve, 30));
          try { return await plain(...all); } finally { now--; }
        };
        for (let power = 10; power < 40; power++) act({ set: { power: power / 10 } }, power === 39);
    """)
    page.settled()
    assert page.changes == {"power": 3.9}
    assert page.run("return [most, page.past.length]") == [1, 1]
    assert page.run("return sent") <= 4
    page.run("act({ set: { power: 2 } }, false); act({ set: { learning_rate: 0.02 } })")  # one finger, then another
    page.settled()
    assert page.changes == {"power": 2, "learning_rate": 0.02}


def test_thousands_of_cycles_are_drawn_and_can_be_zoomed_into(design: Design, tmp_path: Path) -> None:
    path = tmp_path / "sgdr.cfg"
    path.write_text(
        "[net]\nbatch=64\nlearning_rate=0.01\nmax_batches=2000000\npolicy=sgdr\nsgdr_cycle=1000\nsgdr_mult=1\n"
    )
    page = design(path)
    assert page.find("#curve.dense").is_displayed()
    page.run("setView(1000, 3000)")
    page.settled()
    assert not page.driver.find_elements("css selector", "#curve.dense")


def test_the_wheel_zooms_where_the_pointer_is_and_the_ground_is_dragged(design: Design, steps: Path) -> None:
    page = design(steps)
    page.wheel("#plot", -300)
    first, last = page.run("return [plot.first, plot.last]")
    assert 0 < first < 250_000 < last < 500_000
    page.drag("#plot", 100, 40)
    assert page.run("return plot.first") < first
    assert page.run("return plot.last - plot.first") == pytest.approx(last - first, abs=2)
    page.run("document.getElementById('plot').focus()")
    page.keys("0")
    assert page.run("return page.view.last") is None


def test_a_log_lies_under_the_curve(design: Design, steps: Path, tmp_path: Path) -> None:
    log = tmp_path / "train.log"
    log.write_text(
        "".join(
            f" {t}: 2.5, {9000 / t:f} avg loss, 0.001000 rate, 1.5 seconds, {64 * t} images, 1 hours left\n"
            for t in range(2000, 60000, 100)
        )
    )
    page = design(steps, log=log)
    assert page.run("return document.querySelectorAll('path.loss, path.log-rate').length") == 2
    assert "avg loss" in page.text("#view")


def test_two_files_are_compared(design: Design, steps: Path, poly: Path) -> None:
    page = design(steps, poly)
    assert page.run("return document.querySelectorAll('path.other').length") == 1
    page.write("#set-learning_rate", "fast")
    page.button("poly.cfg")
    page.settled()
    assert page.driver.find_elements("css selector", "path.other, svg.refused") == []
    assert page.text("#verdict").startswith("1 warning")
    page.write("#set-power", "2")
    assert page.run("return page.states.map((state) => Object.keys(state.changes ?? {}).length)") == [1, 1]


STRANGER = """
const [address, done] = arguments;
const kinds = [{ mode: "cors" }, { mode: "no-cors" }];
const bodies = ["application/json", "text/plain"].flatMap((kind) =>
  kinds.map((mode) => ({ ...mode, headers: { "Content-Type": kind } })));
Promise.allSettled(bodies.map((how) => fetch(address, { method: "POST", body: "{}", ...how }))).then((all) =>
  done(all.filter((one) => one.status === "fulfilled" && one.value.type !== "opaque").length));
"""


def test_a_page_of_another_site_can_neither_read_nor_save(design: Design, poly: Path, steps: Path) -> None:
    page = design(poly)
    port = page.server.address.split(":")[2].split("/")[0]
    page.driver.get(f"http://rebound.test:{port}/")  # a name of theirs that leads to this machine
    assert "Host must be a name of this machine" in page.text("body")
    page.driver.get(steps.as_uri())
    for method in ("open", "save"):
        address = f"http://127.0.0.1:{port}/api/{method}"
        assert page.driver.execute_async_script(STRANGER, address) == 0
    assert poly.read_text() == POLY
    for log in ("browser", "performance"):
        page.driver.get_log(log)


WIDGET = """<!doctype html><title>a notebook</title><script type="module">%s
const told = [];
window.asked = [];
window.tell = (message) => told.forEach((listen) => listen(message));
const values = { page: %s, height: 700 };
const [get, on] = [(name) => values[name], (_, listen) => told.push(listen)];
const model = { get, on, send: (message) => asked.push(message) };
render({ model, el: document.body });
</script>"""


def test_in_a_notebook_it_needs_no_server(design: Design, poly: Path, tmp_path: Path) -> None:
    session = Session.of([str(poly)])
    script = (files("lrsched.designer") / "page" / "widget.js").read_text("utf-8")
    document = json.dumps(frame()).replace("</", "<\\/")
    (tmp_path / "notebook.html").write_text(
        WIDGET % (script.replace("export default", "export const made ="), document)
    )
    page = design(server=Opened((tmp_path / "notebook.html").as_uri()))

    def answered() -> bool:
        for message in page.run("return window.asked?.splice(0) ?? []"):
            page.run("tell(arguments[0])", reply(session, message))
        page.driver.switch_to.frame(0)
        try:
            return bool(page.run(IDLE))
        finally:
            page.driver.switch_to.default_content()

    page.until(answered)
    page.driver.switch_to.frame(0)
    assert page.text("#verdict") == "1 warning."
    page.button("Apply power=1")
    page.driver.switch_to.default_content()
    page.until(answered)
    page.driver.switch_to.frame(0)
    assert "warning" not in page.text("#verdict")
    assert page.find("#undo").is_enabled()
    page.driver.switch_to.default_content()
