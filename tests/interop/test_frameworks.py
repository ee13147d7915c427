"""Every schedule of the frameworks is read as it steps, trains as it is, and resumes as if it had not been saved."""

from __future__ import annotations

import copy
import io
import json
import os
import pickle
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import keras
import numpy as np
import optax
import pytest
import torch
import transformers
from torch.optim import lr_scheduler

import lrsched
from docs.pages import ROOT
from lrsched import convert
from lrsched.schedule import Schedule
from lrsched.schedules import Named, Sequential, constant, cosine, linear, multi_step, one_cycle, step, table
from lrsched.testing import check_scheduler
from tests.interop.schedules import LR, THEIRS, Theirs
from tests.interop.stepping import Line, optimizer, schedulers_of_timm, stepped
from tests.interop.table import FRAMEWORKS_TABLE, frameworks

SINGLE = {"keras", "optax"}
"""They compute in float32."""

PLANNED = [case for case in THEIRS if not case.ours.startswith("none")]


def called(schedule: Schedule) -> str:
    """The schedule, or what it is where it has no name of its own."""
    if isinstance(schedule, Sequential):
        return "then"
    return "table" if isinstance(schedule, Named) and schedule.name == "table" else str(schedule)


@pytest.mark.parametrize("case", PLANNED, ids=lambda case: f"{case.library}-{case.code}")
def test_a_schedule_is_read_and_trains_as_the_framework_steps_it(case: Theirs) -> None:
    ours, rates = case.read(), case.stepped()
    own, trained = ours(range(case.horizon + 1)), case.trained(ours)
    real = np.isfinite(rates)  # optax computes NaN where a base below 0 is rounded up to it

    assert called(ours) == case.ours
    assert real[:-1].all()
    bound = (2e-6 if case.library in SINGLE else 0.0 if case.ours == "table" else 1e-14) * np.nanmax(rates)
    np.testing.assert_allclose(own[real], rates[real], rtol=0, atol=max(bound, 1e-15 * LR))
    np.testing.assert_allclose(trained[real], rates[real], rtol=0, atol=max(bound, 1e-15 * LR))
    if case.library not in SINGLE:
        assert trained.tolist() == own.tolist()
    elif case.library == "optax":
        assert trained.tolist() == own.astype(np.float32).tolist()


@pytest.mark.filterwarnings("ignore")  # what mmengine imports is deprecated
@pytest.mark.parametrize("taken", [0, 33])
@pytest.mark.parametrize("case", [case for case in PLANNED if case.library in ("torch", "transformers", "mmengine")])
def test_a_scheduler_is_read_from_where_it_stands(case: Theirs, taken: int) -> None:
    o = optimizer()
    made = case.made(o)
    if isinstance(made, list):
        return
    stepped(o, lambda t: made.step(), taken)
    rates = convert.from_torch(made, horizon=case.horizon)(range(taken, case.horizon + 1))

    np.testing.assert_allclose(rates, case.stepped()[taken:], rtol=0, atol=1e-15)


@pytest.mark.parametrize("case", [case for case in THEIRS if case not in PLANNED], ids=lambda case: case.code)
def test_what_follows_a_metric_is_refused(case: Theirs) -> None:
    with pytest.raises(ValueError, match="follows a metric of the run"):
        case.read()


def test_the_table_of_the_documentation_has_these_schedules() -> None:
    """Written by ``python -m tests.interop.table frameworks``; how far rates are apart depends on the machine."""
    listed = (ROOT / FRAMEWORKS_TABLE).read_text("utf-8").splitlines()
    without = [[line.rpartition(" | ")[0] for line in lines] for lines in (listed, frameworks(bare=True))]
    assert without[0] == without[1]


@pytest.mark.filterwarnings("ignore")  # what mmengine imports is deprecated
def test_no_schedule_of_a_framework_is_left_out() -> None:
    timm, mmengine = schedulers_of_timm(), __import__("mmengine.optim.scheduler", fromlist=["x"])
    fvcore = __import__("fvcore.common.param_scheduler", fromlist=["x"])
    named = {
        "torch": set(lr_scheduler.__all__) - {"LRScheduler"},
        "optax": {name for name in vars(optax.schedules) if name.endswith(("_schedule", "_schedules", "_decay"))},
        "keras": {name for name in dir(keras.optimizers.schedules) if name[:1].isupper()} - {"LearningRateSchedule"},
        "timm": {name for name in dir(timm) if name.endswith("LRScheduler")},
        "mmengine": {name for name in dir(mmengine) if name.endswith("LR")},
        "fvcore": {name for name in vars(fvcore) if name.endswith("ParamScheduler")} - {"ParamScheduler"},
        "transformers": {f"'{kind.value}'" for kind in transformers.SchedulerType},
    }
    left = {(library, name) for library, names in named.items() for name in names}
    left -= {(case.library, name) for case in THEIRS for name in named[case.library] if name in case.code}
    # of these the rates are those of another one, or arguments
    assert left <= {("optax", "inject_stateful_hyperparams"), ("optax", "cosine_decay")}


# --- torch --------------------------------------------------------------------------------------------------------

RUN = cosine(peak=LR, horizon=40, warmup=5)


def groups(count: int, kind: Any = torch.optim.SGD, **options: Any) -> Any:
    return kind([{"params": [torch.nn.Parameter(torch.ones(1))]} for _ in range(count)], lr=7.0, **options)


def test_a_scheduler_of_torch_passes_the_checks_for_schedulers() -> None:
    warnings.simplefilter("error")  # torch warns of the order of steps
    expected: dict[str, Any] = {"horizon": 40, "peak": LR, "initial": 0.0, "final": 0.0, "warmup": 5, "after": "stays"}
    check_scheduler(lambda: convert.to_torch(RUN, groups(1)), **expected)
    check_scheduler(lambda: pickle.loads(pickle.dumps(convert.to_torch(RUN, groups(2)))), **expected)
    check_scheduler(lambda: copy.deepcopy(convert.to_torch(RUN, groups(2))), **expected)


@pytest.mark.parametrize("loaded_last", ["scheduler", "optimizer"])
def test_training_with_torch_goes_on_after_a_checkpoint_as_if_there_were_none(tmp_path: Path, loaded_last: str) -> None:
    keys = "learning_rate=0.01\nburn_in=10\nmax_batches=60\npolicy=steps\nsteps=40,50\nscales=.1,.1\n"
    (tmp_path / "tiny.cfg").write_text(f"[net]\n{keys}", "utf-8")
    source = {"rate": tmp_path / "tiny.cfg", "momentum": linear(peak=0.95, final=0.8, horizon=60)}
    data = torch.randn(60, 4, generator=torch.Generator().manual_seed(1))

    def made() -> tuple[Any, Any, Any]:
        torch.manual_seed(0)
        model = torch.nn.Linear(4, 1)
        o = torch.optim.SGD(model.parameters(), lr=1.0, momentum=0.9)
        return model, o, convert.to_torch(source, o)

    def train(model: Any, o: Any, scheduler: Any, first: int, stop: int) -> list[Any]:
        seen = []
        for t in range(first, stop):
            seen.append((o.param_groups[0]["lr"], o.param_groups[0]["momentum"]))
            o.zero_grad()
            model(data[t]).square().sum().backward()
            o.step()
            scheduler.step()
        return seen

    whole = made()
    seen = train(*whole, 0, 60)
    first, saved = made(), io.BytesIO()
    train(*first, 0, 23)
    torch.save([each.state_dict() for each in first], saved)
    saved.seek(0)
    second, states = made(), torch.load(saved, weights_only=True)
    pairs = list(zip(second, states, strict=True))
    for each, state in pairs if loaded_last == "scheduler" else reversed(pairs):
        each.load_state_dict(state)

    assert train(*second, 23, 60) == seen[23:]
    assert second[0].weight.tolist() == whole[0].weight.tolist()
    rates = lrsched.read_cfg(tmp_path / "tiny.cfg").schedule().rates(0, 60)
    assert [rate for rate, _ in seen] == rates.astype(float).tolist()
    assert {type(value) for value in states[2].values()} <= {int, float, list}


def test_groups_options_and_the_last_epoch() -> None:
    o = groups(2, torch.optim.AdamW)
    scheduler = convert.to_torch({"a": RUN, "b": RUN * 2, "momentum": constant(0.8), "weight_decay": RUN}, o)
    stepped(o, lambda t: scheduler.step(), 7)
    now = [(each["lr"], each["betas"], each["weight_decay"]) for each in o.param_groups]
    assert now == [(RUN(7), (0.8, 0.999), RUN(7)), (2 * RUN(7), (0.8, 0.999), RUN(7))]
    assert scheduler.get_last_lr() == [RUN(7), 2 * RUN(7)]

    with pytest.raises(KeyError, match="initial_lr"):
        convert.to_torch(RUN, groups(1), last_epoch=9)
    assert convert.to_torch(RUN, o, last_epoch=9).get_last_lr() == [RUN(10)] * 2
    named = torch.optim.SGD([{"params": [torch.nn.Parameter(torch.ones(1))], "name": name} for name in "xy"], lr=1.0)
    assert convert.to_torch({"y": constant(2), "x": constant(1)}, named).get_last_lr() == [1, 2]
    tensor = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=torch.tensor(1.0))
    given = tensor.param_groups[0]["lr"]
    schedule = convert.to_torch(RUN + 0.25, tensor)
    assert float(given) == 0.25
    schedule.load_state_dict({"last_epoch": 5, "_step_count": 6})
    assert float(given) == pytest.approx(0.25 + LR)  # a compiled step reads this very tensor
    o = groups(2, momentum=0.9)
    convert.to_torch({"momentum": constant(0.5), "momentum of group 1": constant(0.7)}, o)
    assert [(each["lr"], each["momentum"]) for each in o.param_groups] == [(7.0, 0.5), (7.0, 0.7)]


def taken(steps: int) -> Any:
    """A scheduler that has taken some steps."""
    o = groups(2, momentum=0.9)
    o.param_groups[0]["lr"], o.param_groups[1]["lr"] = 0.1, 0.2
    theirs = lr_scheduler.StepLR(o, 10)
    stepped(o, lambda t: theirs.step(), steps)
    return theirs


def test_a_scheduler_is_read_from_where_it_stands_and_neither_it_nor_its_optimizer_moves() -> None:
    theirs = taken(15)
    o = theirs.optimizer
    before = copy.deepcopy((o.state_dict(), theirs.state_dict()))

    found = convert.groups_from_torch(theirs, horizon=40)

    assert (o.state_dict(), theirs.state_dict()) == before
    assert list(found) == ["group 0", "group 1"]
    assert found["group 1"]([15, 19, 20, 30, 40]).round(9).tolist() == [0.02, 0.02, 0.002, 0.0002, 0.00002]


def test_every_function_takes_a_scheduler() -> None:
    theirs = lr_scheduler.StepLR(groups(1), 10)
    assert str(lrsched.as_schedule(theirs, horizon=40)) == "step(peak=7.0, every=10, horizon=40)"
    assert lrsched.describe(theirs, 40).at_horizon == pytest.approx(0.0007)
    assert lrsched.plan(theirs, target=40).run.last == 40
    assert lrsched.compare(theirs, step(peak=7.0, every=10), last=40, relative=1e-12).same
    assert lrsched.plot(theirs, target=40).get_title(loc="left")
    both = lrsched.plot(lr_scheduler.OneCycleLR(groups(1, momentum=0.9), 0.1, total_steps=50))
    assert both.get_title(loc="left")
    cosines = lr_scheduler.CosineAnnealingLR(groups(1), 10)
    assert lrsched.as_schedule(cosines).horizon == 10
    assert lrsched.as_schedule(cosines, target=30)([10, 20, 30]).round(9).tolist() == [0.0, 7.0, 0.0]
    assert lrsched.plan(lr_scheduler.OneCycleLR(groups(1), 0.1, total_steps=50), target=90).run.last == 49
    with pytest.raises(ValueError, match="StepLR does not say where the run ends; give horizon=N"):
        lrsched.as_schedule(theirs)
    with pytest.raises(ValueError, match=r"OneCycleLR cannot be stepped to iteration 51: .*; give horizon=50 or less"):
        convert.from_torch(lambda o: lr_scheduler.OneCycleLR(o, 0.1, total_steps=50), lr=0.1, horizon=60)
    with pytest.raises(TypeError, match="a scheduler of fvcore is called with a share of the run"):
        lrsched.as_schedule(next(case for case in THEIRS if case.library == "fvcore").made(None), horizon=9)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            lambda: convert.to_torch({"a": RUN, "b": RUN, "c": RUN}, groups(2)),
            "2 parameter groups (group 0 and group 1)",
        ),
        (lambda: convert.to_torch({"rate": RUN, "accumulate": RUN}, groups(2)), "has such a value as accumulate"),
        (lambda: convert.to_torch({"momentum": RUN, "accumulate": RUN}, groups(2)), "has such a value as accumulate"),
        (
            lambda: convert.to_torch({"momentum": RUN}, groups(1, torch.optim.Adagrad)),
            "no number as momentum in group 0",
        ),
        (lambda: convert.to_torch({"nesterov": RUN}, groups(1)), "no number as nesterov in group 0"),
        (lambda: convert.to_torch({"momentum of group 7": RUN}, groups(2)), "there is no such parameter group"),
        (lambda: convert.to_torch("no such file.cfg", groups(1)), "no such file.cfg"),
        (lambda: convert.from_torch(lambda o: None, lr=LR), "the function must return a scheduler, got None"),
        (lambda: convert.from_torch(lambda o: [], lr=LR), "the function must return a scheduler, got []"),
        (lambda: convert.from_torch(lr_scheduler.StepLR, lr=LR), "the function makes no scheduler: TypeError"),
        (lambda: convert.from_torch(lambda o: lr_scheduler.StepLR(o, 3), lr=-1), "lr must be a number of at least 0"),
        (
            lambda: convert.from_torch(lambda o: lr_scheduler.LambdaLR(o, lambda t: -1), lr=LR, horizon=3),
            "LambdaLR: the rate is -0.1 at iteration 0, which no schedule may have",
        ),
        (lambda: convert.from_torch(chain(groups(1)), lr=LR), "a scheduler has its own optimizer and rate"),
        (lambda: convert.from_torch(taken(9), horizon=8), "has already taken 9 steps, so horizon must not be below 9"),
        (lambda: convert.from_keras(keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)), "give horizon=N"),
        (lambda: convert.from_timm(lr_scheduler.StepLR(groups(1), 3)), "give a scheduler of timm"),
        (
            lambda: convert.from_optax(lambda count: np.ones(3) * count, horizon=3),
            "one rate, got an array of shape (3,)",
        ),
        (lambda: convert.from_keras(keras.optimizers.SGD()), "give a LearningRateSchedule"),
        (lambda: convert.to_transformers(RUN, groups(1), 3), "give the model and the TrainingArguments"),
        (lambda: convert.to_torch(RUN, groups(1)).load_state_dict({"x": 1}), "this is not the state of a scheduler"),
        (lambda: convert.from_optax(lambda count: 1 if count > 3 else 0, horizon=9), "cannot be traced by jax"),
        (lambda: convert.from_optax(lambda count: -count, horizon=9), "the rate is -1 at iteration 1"),
    ],
)
def test_what_cannot_be_is_one_sentence(call: Callable[[], Any], said: str) -> None:
    with pytest.raises((OSError, TypeError, ValueError)) as error:
        call()
    assert said in str(error.value)


def chain(o: Any) -> Any:
    return lr_scheduler.ChainedScheduler(
        [lr_scheduler.LinearLR(o, 0.1, total_iters=5), lr_scheduler.CosineAnnealingLR(o, 30)], o
    )


def in_turn(*last: Any) -> Any:
    """A constant rate for 5 steps, then another scheduler."""
    o = groups(1)
    return lr_scheduler.SequentialLR(o, [lr_scheduler.ConstantLR(o, 0.5), *(make(o) for make in last)], [5])


def test_schedulers_of_several_parts_end_where_their_parts_do() -> None:
    cosines = in_turn(lambda o: lr_scheduler.CosineAnnealingLR(o, 20))
    steps = in_turn(lambda o: lr_scheduler.StepLR(o, 20))
    assert lrsched.as_schedule(chain(groups(1))).horizon == 30
    assert lrsched.as_schedule(cosines).horizon == 25
    assert lrsched.as_schedule(cosines, target=90).horizon == 90
    assert lrsched.as_schedule(steps, target=90)([84, 85]).round(9).tolist() == [0.007, 0.0007]
    with pytest.raises(ValueError, match="SequentialLR does not say where the run ends; give horizon=N"):
        convert.from_torch(steps)


def test_a_function_finds_the_options_of_the_optimizer_that_is_given() -> None:
    found = convert.groups_from_torch(lambda o: lr_scheduler.StepLR(o, 30), groups(2), horizon=90)
    assert {key: str(each) for key, each in found.items()} == {"rate": "step(peak=7.0, every=30, horizon=90)"}


@pytest.mark.filterwarnings("ignore")  # PlateauLRScheduler says that it will go
def test_a_scheduler_of_timm_ends_with_its_cycles_and_counts_epochs() -> None:
    timm = schedulers_of_timm()
    cosines = timm.CosineLRScheduler(optimizer(), t_initial=50, lr_min=0.01)
    assert str(lrsched.as_schedule(cosines)) == "cosine(peak=0.1, horizon=50, final=0.01)"
    per_epoch = convert.from_timm(cosines, iterations_per_epoch=20)
    assert per_epoch([0, 19, 20, 980]).tolist() == convert.from_timm(cosines)([0, 0, 1, 49]).tolist()
    steps = timm.StepLRScheduler(optimizer(), decay_t=30, decay_rate=0.1)
    assert lrsched.as_schedule(steps, target=90).horizon == 90
    with pytest.raises(ValueError, match="StepLRScheduler does not say where the run ends; give horizon=N"):
        convert.from_timm(steps)


def test_momentum_is_read_where_it_moves() -> None:
    found = convert.groups_from_torch(lambda o: lr_scheduler.OneCycleLR(o, 0.1, total_steps=100), lr=0.1)
    assert str(found["momentum"]) == "one_cycle(peak=0.85, horizon=99, final=0.95, warmup=29, initial=0.95)"
    o = optimizer()
    convert.to_torch(found, o)
    assert (o.param_groups[0]["lr"], o.param_groups[0]["momentum"]) == (0.1 / 25, 0.95)


# --- transformers -------------------------------------------------------------------------------------------------


def test_a_trainer_trains_with_it_and_resumes(tmp_path: Path) -> None:
    run = one_cycle(peak=0.01, horizon=24)
    generator = torch.Generator().manual_seed(3)
    data = [
        {"x": torch.randn(2, generator=generator), "labels": torch.randn(1, generator=generator)} for _ in range(32)
    ]

    def trained(folder: str, checkpoint: str | None) -> tuple[dict[int, float], list[list[float]]]:
        torch.manual_seed(0)
        arguments = transformers.TrainingArguments(
            output_dir=str(tmp_path / folder), per_device_train_batch_size=4, num_train_epochs=3, logging_steps=1,
            save_steps=10, report_to=[], use_cpu=True, disable_tqdm=True,
        )  # fmt: skip
        model = Line(2, 1)
        optimizers = convert.to_transformers(run, model, arguments)
        trainer = transformers.Trainer(model=model, args=arguments, train_dataset=data, optimizers=optimizers)
        trainer.train(resume_from_checkpoint=checkpoint)
        rows = [row for row in trainer.state.log_history if "learning_rate" in row]
        return {row["step"]: row["learning_rate"] for row in rows}, model.weight.tolist()

    rates, weight = trained("whole", None)
    resumed, again = trained("resumed", str(tmp_path / "whole" / "checkpoint-10"))

    assert rates == {k: float(run(k - 1)) for k in range(1, 25)}
    own = groups(1)
    assert convert.to_transformers(run, optimizer=own)[0] is own
    assert (resumed, again) == (rates, weight)


# --- optax --------------------------------------------------------------------------------------------------------


def test_where_float64_would_drop_elsewhere_the_rates_are_those_of_float32() -> None:
    """3 times a tenth is more than 0.3 in float64, and 0.3 in float32."""

    def rate(count: Any) -> Any:
        return jax.numpy.where(count * jax.numpy.asarray(0.1) > 0.3, 0.5, 1.0)

    found = convert.from_optax(rate, horizon=9)
    single = np.where(np.arange(10).astype(np.float32) * np.float32(0.1) > np.float32(0.3), 0.5, 1.0)
    assert found(range(10)).tolist() == single.tolist()


def test_optax_compiles_maps_and_injects_it_and_resumes() -> None:
    rate = convert.to_optax(one_cycle(peak=LR, horizon=50))
    transform = optax.inject_hyperparams(optax.sgd)(learning_rate=rate)

    def one(weights: Any, state: Any) -> Any:
        grads = jax.grad(lambda w: (w**2).sum())(weights)
        changes, state = transform.update(grads, state, weights)
        return optax.apply_updates(weights, changes), state

    update, weights = jax.jit(one), jax.numpy.ones(3)
    state, seen, saved = transform.init(weights), [], None
    for t in range(50):
        saved = pickle.dumps((weights, state)) if t == 23 else saved
        weights, state = update(weights, state)
        seen.append(float(state.hyperparams["learning_rate"]))
    assert saved is not None
    again, state = pickle.loads(saved)
    for _ in range(23, 50):
        again, state = update(again, state)

    expected = one_cycle(peak=LR, horizon=50).rates(0, 52).astype(np.float32)
    assert seen == expected[:50].tolist()
    assert again.tolist() == weights.tolist()
    assert jax.vmap(rate)(jax.numpy.arange(52)).tolist() == expected.tolist()
    assert float(jax.grad(lambda w: w * rate(7))(1.0)) == expected[7]
    assert float(rate(2.5)) == pytest.approx((expected[2] + expected[3]) / 2)
    with jax.enable_x64(True):
        assert float(convert.to_optax(one_cycle(peak=LR, horizon=50))(3)) == one_cycle(peak=LR, horizon=50)(3)


def test_past_the_last_listed_rate_optax_and_keras_get_the_rate_that_stays_or_nan() -> None:
    for make in convert.to_optax, convert.to_keras:
        assert float(make(one_cycle(peak=LR, horizon=10))(1000)) == np.float32(one_cycle(peak=LR, horizon=10)(10))
        assert np.isnan(float(make(one_cycle(peak=LR, horizon=10), horizon=5)(6)))
        assert np.isnan(float(make(lambda t: 1 / (1 + t), horizon=5)(6)))
        with pytest.raises(ValueError, match="has no last iteration; give horizon=N"):
            make(lambda t: 1 / (1 + t))


# --- keras --------------------------------------------------------------------------------------------------------

OWN = [
    (constant(0.1), "ExponentialDecay"),
    (linear(peak=0.1, horizon=50), "PolynomialDecay"),
    (cosine(peak=0.1, horizon=50, final=0.01), "CosineDecay"),
    (cosine(peak=0.1, horizon=50, warmup=7, initial=0.02), "CosineDecay"),
    (multi_step(peak=0.1, milestones=[30, 40]), "PiecewiseConstantDecay"),
    (linear(peak=0.1, horizon=50, warmup=5), "Listed"),
    (one_cycle(peak=0.1, horizon=50), "Listed"),
    (table([0, 30, 50], [0.1, 0.2, 0.0]), "Listed"),
]


@pytest.mark.parametrize(("schedule", "name"), OWN)
def test_keras_gets_its_own_class_where_it_has_one_and_both_are_saved_and_loaded(schedule: Schedule, name: str) -> None:
    made = convert.to_keras(schedule)
    stored = json.loads(json.dumps(keras.optimizers.schedules.serialize(made)))
    loaded = keras.optimizers.schedules.deserialize(stored, custom_objects=convert.keras_objects())

    assert type(made).__name__ == name
    assert stored["module"] == ("keras.optimizers.schedules" if name != "Listed" else "lrsched.convert.keras")
    for each in made, loaded:
        rates = [float(jax.jit(each)(t)) for t in range(60)]
        assert rates == pytest.approx(schedule(range(60)).tolist(), rel=1e-6, abs=1e-8)


@pytest.mark.parametrize("every", range(1, 60))
def test_a_step_is_keras_own_only_where_compiled_code_steps_at_these_iterations(every: int) -> None:
    """XLA multiplies with the inverse of a constant that it is told to divide by: the floor may be one too small."""
    made = convert.to_keras(step(peak=0.1, every=every, factor=0.9), horizon=8 * every)
    rate = jax.jit(made)
    bends = [t for k in (1, 2, 3, 7) for t in (k * every - 1, k * every)]
    assert [float(rate(t)) for t in bends] == pytest.approx([0.1 * 0.9 ** (t // every) for t in bends], rel=1e-5)


@pytest.mark.filterwarnings("ignore:__array__ implementation")
def test_a_model_of_keras_is_saved_and_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    run = one_cycle(peak=0.1, horizon=40)
    x = np.random.default_rng(0).normal(size=(4, 2)).astype(np.float32)

    def fit(model: Any, epochs: int) -> Any:
        model.fit(x, x.sum(1), epochs=epochs, batch_size=4, shuffle=False, verbose=0)
        return model

    def made() -> Any:
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1)])
        model.compile(keras.optimizers.SGD(convert.to_keras(run), momentum=0.9), "mse")
        return model

    whole, half = fit(made(), 40), fit(made(), 23)
    half.save(tmp_path / "half.keras")
    again = keras.models.load_model(tmp_path / "half.keras", custom_objects=convert.keras_objects())

    assert float(again.optimizer.learning_rate) == np.float32(run(23))
    fit(again, 17)
    np.testing.assert_array_equal(again.get_weights()[0], whole.get_weights()[0])


def test_keras_on_torch_which_cannot_map_conditions() -> None:
    code = """
import sys; sys.modules["torchvision"] = None  # as in conftest.py
from keras.optimizers.schedules import CosineDecay
from lrsched.convert import from_keras, to_keras
from lrsched.schedules import one_cycle
theirs = CosineDecay(0.0, 80, warmup_target=0.1, warmup_steps=10)
ours = from_keras(theirs)
print(ours, type(to_keras(ours)).__name__, float(to_keras(one_cycle(peak=1, horizon=50))(15)))
"""
    env = os.environ | {"KERAS_BACKEND": "torch", "PYTHONPATH": str(ROOT)}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)
    assert run.stdout == "cosine(peak=0.1, horizon=90, warmup=10) CosineDecay 1.0\n"


def test_a_saved_schedule_of_keras_names_nothing_to_import() -> None:
    stored = keras.optimizers.schedules.serialize(convert.to_keras("math:sqrt", horizon=9))
    assert stored["config"]["schedule"]["kind"] == "table"
    stored["config"]["schedule"] = {"kind": "as_schedule", "source": "math:sqrt", "horizon": 9}
    with pytest.raises((TypeError, ValueError), match="may not name a function to import"):
        keras.optimizers.schedules.deserialize(stored, custom_objects=convert.keras_objects())
