"""What the page shows, asked of the pure function behind it."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lrsched.designer import Document, RequestError, Session, answer
from lrsched.designer.answer import rate_at, text_of
from lrsched.planner import plan
from lrsched.schedules import cosine, multi_step
from lrsched.serialize import to_dict
from lrsched.sources import as_schedule
from lrsched.trainers.darknet import parse_cfg
from tests.factories import YOLO

STEPS = YOLO
POLY = STEPS[: STEPS.index("policy")] + "policy=poly\npower=4\n"
EXP = STEPS[: STEPS.index("policy")] + "policy=exp\ngamma=.99999\n"
STEP = STEPS[: STEPS.index("policy")] + "policy=step\nstep=100000\nscale=.5\n"
SIGMOID = STEPS[: STEPS.index("policy")] + "policy=sigmoid\nstep=200000\ngamma=.00002\n"
SGDR = STEPS[: STEPS.index("policy")] + "policy=sgdr\nsgdr_cycle=20000\nsgdr_mult=1\n"


def moved(text: str, handle: str, **place: float) -> dict[str, Any]:
    return answer(text, do={"move": {"handle": handle, **place}})


def point(told: dict[str, Any], handle: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in told["handles"] if one["id"] == handle)
    return found


def written(told: dict[str, Any]) -> list[str]:
    return [line["sign"] + line["text"] for line in told["diff"]]


def test_the_answer_is_json() -> None:
    for text in (STEPS, POLY, EXP, STEP, SIGMOID, SGDR):
        assert json.loads(json.dumps(told := answer(text), allow_nan=False)) == told
        assert (told["refused"], told["diff"], told["ghost"]) == (None, [], None)


@pytest.mark.parametrize("text", [STEPS, POLY, EXP, STEP, SIGMOID, SGDR])
@pytest.mark.parametrize("ngpus", [1, 4])
def test_a_dragged_point_lies_where_it_was_dropped(text: str, ngpus: int) -> None:
    state = {"ngpus": ngpus, "options": {"dialect": "alexeyab"}}
    for handle in answer(text, state)["handles"]:
        place: dict[str, Any] = {"handle": handle["id"]}
        if handle["moves"] != "rate":
            place["iteration"] = handle["iteration"] * 15 // 16
        if handle["moves"] != "time":
            place["rate"] = handle["rate"] * 0.7 if handle["id"] != "sgdr_cycle" else 2e-5
        told = answer(text, state, do={"move": place})
        now = point(told, handle["id"])
        assert now["iteration"] == pytest.approx(place.get("iteration", handle["iteration"]), abs=1000)
        assert now["rate"] == pytest.approx(place.get("rate", now["rate"]), rel=0.02)
        # the trainer reads the text that would be saved in the same way
        exact = parse_cfg(saved(text, told)).schedule(ngpus)(now["iteration"])
        assert float(exact) == pytest.approx(now["rate"], rel=1e-6)


def saved(text: str, told: dict[str, Any]) -> str:
    """The text that is written for an answer."""
    return text_of(Document.of(text), told["state"])["<text>"]


def test_a_step_moves_in_time_and_height() -> None:
    told = moved(STEPS, "step:0", iteration=292_713, rate=0.00021)
    assert told["state"]["changes"] == {"steps": [292_700, 450_000], "scales": [0.21, 0.1]}
    assert written(told) == ["-steps=400000,450000", "-scales=.1,.1", "+steps=292700,450000", "+scales=0.21,0.1"]
    assert point(told, "step:1")["rate"] == pytest.approx(0.000021, rel=1e-5)


def test_a_step_stays_between_its_neighbours() -> None:
    assert moved(STEPS, "step:0", iteration=480_000)["rows"]["values"][0][0] == 449_999
    assert moved(STEPS, "step:1", iteration=10)["rows"]["values"][1][0] == 400_001


def test_what_the_file_has_is_no_change() -> None:
    told = answer(STEPS, {"changes": {"learning_rate": 0.002}}, do={"set": {"learning_rate": "1e-3"}})
    assert (told["state"]["changes"], told["diff"]) == ({}, [])
    assert answer(STEPS, {"changes": {"burn_in": 5}}, do={"set": {"burn_in": None}})["state"]["changes"] == {}


def test_the_curve_is_exact_at_its_points() -> None:
    told = answer(SGDR, view={"first": 0, "last": 90_000, "width": 50})
    t, y = np.array(told["curve"]["t"]), np.array(told["curve"]["y"])
    within = np.where(t < 1000, (t / 1000) ** 4, 1)
    phase = np.maximum(t - 1, 0) % 20_000 + (t > 0)
    cosines = 1e-5 + (0.001 - 1e-5) / 2 * (1 + np.cos(np.pi * phase / 20_000))
    assert y[t >= 1000] == pytest.approx(cosines[t >= 1000], rel=1e-5)
    assert y[t < 1000] == pytest.approx(0.001 * within[t < 1000], rel=1e-5)
    assert {20_000, 20_001, 40_000, 80_001} <= {*t.tolist()}  # each drop stands where it is


def test_zero_burn_in_and_target_are_marked() -> None:
    told = answer(POLY, {"target": 450_000})
    rates = 0.001 * (1 - np.arange(1000, 450_001) / 500_200) ** 4
    first = 1000 + int((rates < 5e-7).argmax())
    assert told["marks"]["zero"][0] == pytest.approx(first, abs=1)
    assert told["marks"]["zero"][1] == 450_000
    assert (told["marks"]["burn_in"], told["marks"]["target"]) == ([0, 999], 450_000)


def test_applying_a_fix_removes_the_finding_with_the_target_it_needs() -> None:
    told = answer(POLY, {"target": 490_000})
    fixes = [*told["fixes"], *(fix for finding in told["findings"] for fix in finding["fixes"])]
    assert any(fix["apply"]["target"] for fix in fixes)
    for fix in fixes:
        after = answer(POLY, told["state"], do={"apply": fix["apply"]})
        assert not {one["code"] for one in after["findings"] if one["severity"] != "note"} & {*fix["fixes"]}
        assert fix["apply"]["target"] in (None, after["state"]["target"])


@pytest.mark.parametrize("dialect", ["pjreddie", "alexeyab", "hank-ai"])
@pytest.mark.parametrize("policy", ["constant", "step", "steps", "exp", "poly", "random", "sigmoid", "sgdr"])
def test_another_policy_is_one_that_the_fork_trains(dialect: str, policy: str) -> None:
    for text in (STEPS, SGDR.replace("sgdr_", "#sgdr_").replace("sgdr\n", "poly\n")):
        state = answer(text, {"options": {"dialect": dialect}}, do={"set": {"policy": policy}})
        known = policy != "sgdr" or dialect != "pjreddie"
        assert (state["refused"] is None) is known or dialect == "pjreddie"
        if known:
            assert parse_cfg(saved(text, state), dialect).policy == policy
    refused_keys = {line["text"] for line in state["diff"] if line["sign"] == "-"}
    assert not refused_keys or "policy=poly" in refused_keys


def test_the_keys_that_a_fork_refuses_are_deleted() -> None:
    told = answer(STEPS, {"options": {"dialect": "hank-ai"}, "changes": {}}, do={"set": {"policy": "poly"}})
    assert {"-steps=400000,450000", "-scales=.1,.1", "+policy=poly"} <= {*written(told)}
    back = answer(STEPS, told["state"], do={"set": {"policy": "steps"}})
    assert back["state"]["changes"] == {}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"learning_rate": "fast"}, "learning_rate must be a number, got 'fast'"),
        ({"max_batches": "2\nbatch=7"}, "max_batches must be a whole number"),
        ({"batch": "2\nlearning_rate=7"}, "batch must be a whole number"),
        ({"policy": "poly\npower=1"}, "cannot be the value of a cfg"),
        ({"a=b\nc": 1}, "cannot be the key of a cfg"),
        ({"steps": [1, 2, 3]}, "steps has 3 values but scales has 2"),
        ({"burn_in": 1e300}, "burn_in"),
        ({"learning_rate": math.inf}, "learning_rate must be a number"),
        ({"max_batches": True}, "max_batches must be a whole number, got True"),
        ({"learning_rate": [0.1, 0.2]}, "learning_rate takes one value, got 0.1,0.2"),
        ({"steps": None, "scales": None}, "policy=steps needs the keys steps and scales"),
    ],
)
def test_what_is_refused_is_shown_as_asked(changes: dict[str, Any], words: str) -> None:
    told = answer(STEPS, {"changes": changes})
    assert words in told["refused"]
    assert (told["curve"], told["handles"], told["findings"], told["diff"]) == (None, [], [], [])
    shown = {control["key"]: control["text"] for control in told["controls"]}
    for key, value in changes.items():  # a list as 1,2
        assert (
            key not in shown or shown[key] in (str(value), str(value).strip("[]").replace(" ", "")) or key == "burn_in"
        )


CHANGES = [{"changes": 3}, {"changes": {"a": {"b": 1}}}]
MOVES = [{"move": {"handle": "step:9", "rate": 1}}, {"move": {"handle": "step:0", "rate": "high"}}]


@pytest.mark.parametrize(
    ("name", "wrong"),
    [("state", each) for each in ([], *CHANGES, {"nonsense": 3}, {"options": {"dialect": 4}}, {"ngpus": [1]})]
    + [("view", each) for each in ({"first": -1}, {"width": "wide"}, 3)]
    + [("do", each) for each in ({}, {"fly": 1}, {"set": 1, "move": 2}, *MOVES, {"row": {"remove": 9}}, {"row": {}})]
    + [("at", each) for each in ("here", -1)],
)
def test_what_no_page_sends_is_one_sentence(name: str, wrong: Any) -> None:
    with pytest.raises(RequestError) as refused:
        answer(STEPS, **{name: wrong})
    assert "\n" not in str(refused.value)


def test_rows_are_added_and_removed() -> None:
    more = answer(STEPS, do={"row": {"add": 1}})
    assert more["rows"]["values"] == [[400_000, 0.1], [450_000, 0.1], [475_100, 0.1]]
    fewer = answer(STEPS, more["state"], do={"row": {"remove": 0}})
    assert fewer["state"]["changes"]["steps"] == [450_000, 475_100]
    other = answer(STEPS, do={"row": {"index": 1, "key": "scales", "value": "0.5"}})
    assert written(other) == ["-scales=.1,.1", "+scales=0.1,0.5"]


def test_a_row_that_cannot_be_read_can_be_written_again() -> None:
    wrong = answer(STEPS, do={"row": {"index": 0, "key": "steps", "value": "soon"}})
    assert (wrong["refused"], wrong["rows"]["values"][0]) == ("steps must be a whole number, got 'soon'", ["soon", 0.1])
    right = answer(STEPS, wrong["state"], do={"row": {"index": 0, "key": "steps", "value": "3e5"}})
    assert (right["refused"], right["rows"]["values"][0]) == (None, [300_000, 0.1])
    assert answer(STEPS, wrong["state"], do={"row": {"remove": 0}})["refused"] is None


def test_another_fork_reads_the_text_of_its_own_document() -> None:
    state = {"options": {"dialect": "hank-ai"}, "changes": {"burn_in": 500}}
    for comment in ("# one", "# two"):
        document = Document.of(f"{comment}\n{STEPS}", "my.cfg")
        assert text_of(document, state)["my.cfg"] == f"{comment}\n{STEPS.replace('burn_in=1000', 'burn_in=500')}"


def test_the_exact_rate_is_told() -> None:
    told = answer(STEPS, at=400_000)["at"]
    assert (told["iteration"], told["printed"]) == (400_000, "0.000100")
    assert float(told["exact"]) == pytest.approx(1e-4, rel=1e-6)


def test_a_composed_schedule_is_shaped_by_its_numbers() -> None:
    document = Document.of(cosine(peak=0.1, horizon=1000, warmup=50) * 2)
    told = answer(document, do={"set": {"schedules.0.peak": 0.2}}, at=50)
    assert told["at"]["rate"] == pytest.approx(0.4)
    assert written(told) == ['-      "peak": 0.1,', '+      "peak": 0.2,']
    single = answer(Document.of(cosine(peak=0.1, horizon=1000)), do={"move": {"handle": "peak", "rate": 0.05}})
    assert single["state"]["changes"] == {"peak": 0.05}
    steps = answer(Document.of(multi_step(peak=0.1, milestones=[5, 7], factor=0.1, horizon=9)))
    assert steps["refused"] is None


def test_how_a_trainer_rounds_is_no_control() -> None:
    keys = [control["key"] for control in answer(Document.of(parse_cfg(STEPS).schedule() * 2))["controls"]]
    assert {"schedules.0.policy.learning_rate", "schedules.0.burn_in", "factor"} <= {*keys}
    assert not any("arithmetic" in key for key in keys)


def test_a_peak_moves_as_low_as_its_trainer_takes_it(tmp_path: Path) -> None:
    path = tmp_path / "training_args.json"
    decay = {"lr_scheduler_type": "polynomial", "lr_scheduler_kwargs": {"lr_end": 1e-4}}
    path.write_text(json.dumps({"learning_rate": 1e-3, "max_steps": 1000, "warmup_steps": 100, **decay}))
    for rate in (2e-3, 1.5e-4):
        told = answer(Document.of(path), do={"move": {"handle": "peak", "rate": rate}})
        assert (told["state"]["changes"], point(told, "peak")["rate"]) == ({"learning_rate": rate}, rate)
    with pytest.raises(RequestError, match="lr_end must be smaller than the learning rate 9e-05"):
        answer(Document.of(path), do={"move": {"handle": "peak", "rate": 9e-5}})


def test_a_function_is_shown_and_not_changed() -> None:
    told = answer(Document.of(lambda t: 1 / (1 + t)), {"target": 100})
    assert (told["refused"], told["controls"], told["curve"]["y"][0]) == (None, [], 1)


def test_another_file_is_drawn_beside() -> None:
    told = answer(STEPS, others=[(Document.of(POLY, "b.cfg"), {"changes": {"learning_rate": 0.002}})])
    assert told["others"][0]["name"] == "b.cfg"
    assert max(told["others"][0]["y"]) == pytest.approx(0.002 * 0.999**4, rel=1e-5)


def test_the_numbers_of_another_trainer_are_shaped(tmp_path: Path) -> None:
    path = tmp_path / "args.yaml"
    path.write_text(
        "task: detect\nepochs: 20  # few\nlr0: 0.01\nlrf: 0.1\noptimizer: SGD\nwarmup_epochs: 2.0\nimgsz: 640\n"
    )
    document = Document.of(path)
    assert "iterations per epoch" in answer(document)["refused"]
    told = answer(document, do={"set": {"iterations_per_epoch": "100"}})
    after = answer(document, told["state"], do={"move": {"handle": "end", "iteration": 2_950, "rate": 0.002}}, at=2_999)
    share = (1 + math.cos(math.pi * 28 / 30)) / 2  # of the epoch before the last one
    assert after["state"]["changes"] == {
        "iterations_per_epoch": 100,
        "epochs": 30,
        "lrf": pytest.approx((0.2 - share) / (1 - share), rel=0.01),
    }
    assert after["at"]["rate"] == pytest.approx(0.002, rel=0.01)
    assert {"-epochs: 20  # few", "+epochs: 30  # few"} <= {*written(after)}
    for given in ("true", True):
        assert answer(document, do={"set": {"resumed": given}})["state"]["changes"] == {"resumed": True}
    assert "cannot be written" in answer(document, do={"set": {"optimizer": "SGD\nlr0: 9"}})["refused"]


def test_a_config_that_is_not_rewritten_says_what_to_copy(tmp_path: Path) -> None:
    path = tmp_path / "run.py"
    decay = "dict(type='MultiStepLR', begin=0, end=12, by_epoch=True, milestones=[8, 11], gamma=0.1)"
    path.write_text(f"optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.02))\nparam_scheduler = [{decay}]\n")
    told = answer(Document.of(path), do={"set": {"iterations_per_epoch": 100, "param_scheduler.0.milestones": "6, 9"}})
    assert "not known" in told["refused"]  # nor does it say how long the run is
    path.write_text(f"{path.read_text()}train_cfg = dict(max_epochs=12)\n")
    told = answer(Document.of(path), told["state"], at=600)
    assert told["at"]["rate"] == pytest.approx(0.002)
    assert "+param_scheduler.0.milestones=6,9" in written(told)


def test_a_run_without_an_end_is_drawn() -> None:
    told = answer(STEPS.replace("max_batches=500200\n", ""), at=460_000)
    assert (told["marks"]["horizon"], told["view"]["last"] > 450_000) == (None, True)


def test_all_draws_of_a_random_rate_are_a_band() -> None:
    told = answer(POLY.replace("poly", "random"))
    assert told["band"] == {"low": 0, "high": pytest.approx(0.001)}


def test_what_a_run_is_wanted_for_is_set_and_cleared() -> None:
    four = answer(STEPS, do={"setting": {"ngpus": "4", "dialect": "hank-ai", "target": "5e5"}}, at=2000)
    assert four["state"] == {**answer(STEPS)["state"], "ngpus": "4", "target": "5e5", "options": {"dialect": "hank-ai"}}
    assert (four["marks"]["target"], four["at"]["printed"]) == (500_000, "0.001000")  # hank-ai does not multiply
    cleared = answer(STEPS, four["state"], do={"setting": {"ngpus": "", "dialect": "", "target": ""}})
    assert cleared["state"] == answer(STEPS)["state"]
    wrong = answer(STEPS, do={"setting": {"ngpus": "0"}})
    assert wrong["refused"] == "GPUs must be a whole number from 1 to 4096, got 0"
    assert "has no option fork" in answer(STEPS, {"options": {"fork": "hank-ai"}})["refused"]


def test_a_target_is_dragged() -> None:
    told = answer(STEPS, {"target": 400_000}, do={"move": {"handle": "target", "iteration": 432_123}})
    assert told["state"]["target"] == 432_100
    assert answer(STEPS, told["state"], do={"move": {"handle": "target"}})["state"] == told["state"]


def test_a_point_of_a_refused_curve_cannot_be_moved() -> None:
    with pytest.raises(RequestError, match="learning_rate must be a number, got 'fast'"):
        answer(STEPS, {"changes": {"learning_rate": "fast"}}, do={"move": {"handle": "step:0", "rate": 1e-4}})


def test_the_rate_of_a_refused_state_is_not_known() -> None:
    document = Document.of(STEPS)
    assert rate_at(document, {"changes": {"learning_rate": "fast"}}, 5) == {"at": None}
    assert rate_at(document, {}, 400_000)["at"]["printed"] == "0.000100"


def test_a_composed_schedule_is_opened_again_from_its_json(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(to_dict(cosine(peak=0.1, horizon=1000).then(cosine(peak=0.05, horizon=500)))))
    document = Session.of([path]).files[0].document
    told = answer(document, do={"set": {"schedules.1.peak": 0.02}}, at=1000)
    assert told["at"]["rate"] == pytest.approx(0.02)
    assert "cosine(peak=0.05, horizon=500), at=1000)" in str(plan(document.config))  # as a notebook gets it back
    assert text_of(document, told["state"])[str(path)] == document.config.with_values({"schedules.1.peak": 0.02}).text
    assert "has no number peak" in answer(document, {"changes": {"peak": 1}})["refused"]
    for broken, words in (
        ('{"kind": ', r"mine\.json: the JSON is broken"),
        ('{"kind": "cosine"}', r"missing a required (keyword-only )?argument"),
    ):
        path.write_text(broken)
        with pytest.raises(ValueError, match=words):
            Session.of([path])


def test_a_function_by_its_import_name_is_shaped_by_its_horizon() -> None:
    told = answer(Document.of(as_schedule("math:sqrt", horizon=100)), do={"set": {"horizon": "50"}})
    assert ([control["key"] for control in told["controls"]], told["marks"]["horizon"]) == (["horizon"], 50)
    assert answer(Document.of("math:sqrt"), {"target": 100})["controls"] == []


def test_another_file_that_is_refused_says_why() -> None:
    told = answer(STEPS, others=[(Document.of(POLY, "b.cfg"), {"changes": {"power": "x"}})])
    assert told["others"] == [
        {"file": 0, "name": "b.cfg", "refused": "power must be a number, got 'x'", "t": [], "y": []}
    ]


def test_what_has_no_text_says_so() -> None:
    with pytest.raises(ValueError, match="A function has no text to write"):
        text_of(Document.of(lambda t: 0.1), {})
    assert "a function has no values" in answer(Document.of(lambda t: 0.1), {"changes": {"peak": 1}})["refused"]
