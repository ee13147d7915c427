"""Net: what a trainer holds, and the rates it asks for."""

import dataclasses
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrsched import CfgError, Net, get_current_rate
from lrsched.testing import cfgs
from lrsched.trainers.darknet import DIALECTS, HANK_AI, PJREDDIE, Constant, Dialect, parse_cfg
from tests.factories import YOLO


def test_a_net_holds_the_numbers() -> None:
    net = parse_cfg(YOLO, source="yolo.cfg")
    values: dict[str, Any] = {"batch": 64, "subdivisions": 16, "learning_rate": 0.001, "burn_in": 1000}
    values |= {"max_batches": 500200, "policy": "steps", "steps": (400000, 450000), "scales": (0.1, 0.1)}
    assert net == Net(**values)
    assert net.source == "yolo.cfg"
    assert [section.name for section in parse_cfg(f"{YOLO}[yolo]\nclasses=3\n").sections] == ["net", "yolo"]
    assert dataclasses.replace(net, batch=1).sections == ()
    assert net.section is not None
    assert net.section.first("burn_in") is not None
    assert net.effective_batch == 64


def test_a_net_is_a_value() -> None:
    net = parse_cfg(YOLO)
    assert hash(net) == hash(parse_cfg(YOLO))
    assert pickle.loads(pickle.dumps(net)) == net
    assert eval(repr(net), {"Net": Net}) == net
    assert net != dataclasses.replace(net, batch=1)
    assert net != dataclasses.replace(net, dialect=HANK_AI)
    assert dataclasses.replace(net, learning_rate=0.5).schedule()(1000) == 0.5
    with pytest.raises(dataclasses.FrozenInstanceError):
        net.batch = 1  # type: ignore[misc]


@pytest.mark.parametrize("ngpus", [1.0, "2", None, True, np.float64(2), 0, -1, np.int64(0), 2**31])
def test_gpus_are_counted(ngpus: Any) -> None:
    with pytest.raises((TypeError, ValueError), match=r"^ngpus must be "):
        get_current_rate(Net(), 5, ngpus)
    assert Net(learning_rate=0.25).schedule(np.int8(2)) == Constant(learning_rate=0.5)  # type: ignore[arg-type]


BROKEN = [
    (Net(policy="step", step=0), "crashes"),
    (Net(subdivisions=0), "crashes"),
    (Net(batch=1, subdivisions=2, dialect=PJREDDIE), "crashes"),
    (Net(policy="sgdr"), "hangs"),
    (Net(policy="sgdr", sgdr_cycle=5, sgdr_mult=0), "hangs"),
]


@pytest.mark.parametrize(("net", "outcome"), BROKEN)
def test_a_net_that_was_changed_is_checked_again(net: Net, outcome: str) -> None:
    with pytest.raises(CfgError) as caught:
        net.schedule()
    assert (caught.value.outcome, caught.value.line) == (outcome, None)
    with pytest.raises(ValueError, match=r"policy must be one of .*; did you mean 'poly'"):
        dataclasses.replace(net, policy="poli").schedule()


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
@given(data=st.data())
def test_print_shows_a_net_that_is_read_back(dialect: Dialect, data: st.DataObject) -> None:
    net = parse_cfg(data.draw(cfgs(dialect=dialect)), dialect)
    net = dataclasses.replace(net, power=data.draw(st.sampled_from([1.0, 2.5, 4.0])))
    again = parse_cfg(f"{net}\n", dialect)
    assert again == net
    assert str(again) == str(net)


def test_only_a_net_has_a_current_rate() -> None:
    with pytest.raises(TypeError, match=r"^get_current_rate takes what read_cfg returns, got str$"):
        get_current_rate("a.cfg", 3)  # type: ignore[arg-type]
