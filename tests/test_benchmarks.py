"""The bench: its plain loop is the real one's mathematics, its counts and ratios are right.

Nothing here says how fast anything is.
"""

import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from small_runs import RECIPES, small_digits
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile, record_function

from lsgan_lib.benchmarks import (
    command,
    gpu_session,
    kernels,
    machine_limit,
    measure,
    memory,
    record,
)
from lsgan_lib.benchmarks.gpu_session import Session, Skipped
from lsgan_lib.benchmarks.kernels import Counts, count_events, count_kernels
from lsgan_lib.benchmarks.machine_limit import Rates, count_products, limit_seconds, update_bytes
from lsgan_lib.benchmarks.measure import Row, timed
from lsgan_lib.benchmarks.plain import Pictures, PlainLoop, slope_penalty
from lsgan_lib.benchmarks.steps import PLAIN, Way, adapted, begin, image_recipes
from lsgan_lib.data import to_float
from lsgan_lib.errors import BookError
from lsgan_lib.losses.objectives import LossSensitive, Penalty
from lsgan_lib.networks import LeastSquaresNetworks, MLPNetworks
from lsgan_lib.training import Recipe, Trainer
from lsgan_lib.training.recipes import recipe
from lsgan_lib.training.sources import make_stream
from lsgan_lib.training.where import machine

CPU = torch.device("cpu")
RATES = Rates({"fp32": 1e9, "bf16": 4e9}, 1e9)

# --- the plain loop ------------------------------------------------------------------------------

SAME = {
    name: RECIPES[name]
    for name in ("least squares", "loss-sensitive, slope penalty", "wasserstein, clipped")
} | {
    "two critic steps": replace(
        RECIPES["loss-sensitive, slope penalty"],
        objective=LossSensitive(
            slope=0.5, penalty=Penalty(weight=3.0, power=2, reduce="pixel"), margin_scale=0.01
        ),
        critic_steps=2,
    )
}


def gradients_of(loop: Trainer | PlainLoop) -> list[Tensor]:
    """The gradients of one step, in the order in which optimisers meet them, as one vector each."""
    seen: list[Tensor] = []

    def keep(optimiser: torch.optim.Optimizer, *_: Any) -> None:
        grads = [p.grad for p in optimiser.param_groups[0]["params"] if p.grad is not None]
        seen.append(torch.cat([g.flatten() for g in grads]))

    handles = [
        optimiser.register_step_pre_hook(keep)
        for optimiser in (loop.critic_optimiser, loop.generator_optimiser)
    ]
    loop.step()
    for handle in handles:
        handle.remove()
    return seen


@pytest.mark.parametrize("settings", SAME.values(), ids=SAME)
def test_a_plain_step_is_a_step_of_the_trainer(
    settings: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream, _ = make_stream(settings, small_digits(), CPU)
    trainer, plain = Trainer(settings, stream, CPU), PlainLoop(settings, small_digits().images)
    for name in ("generator", "critic", "average"):
        getattr(plain, name).load_state_dict(getattr(trainer, name).state_dict())
    noises: list[Tensor] = []
    draw = trainer._noise

    def noted() -> Tensor:
        noises.append(draw())
        return noises[-1]

    monkeypatch.setattr(trainer, "_noise", noted)
    real = [stream.at(i * settings.batch_size) for i in range(settings.critic_steps)]
    plain.batches = iter([images.clone() for images in real])
    wanted = gradients_of(trainer)
    monkeypatch.setattr(plain, "_noise", iter(noises).__next__)
    found = gradients_of(plain)

    assert len(found) == len(wanted) == settings.critic_steps + settings.generator_steps
    for ours, theirs in zip(wanted, found, strict=True):
        # Channels_last holds a weight in another order, but flatten() reads it by index.
        assert torch.linalg.vector_norm(ours - theirs) < 1e-4 * torch.linalg.vector_norm(ours) > 0
    for name in ("critic_optimiser", "generator_optimiser"):
        ours, theirs = (getattr(loop, name) for loop in (trainer, plain))
        assert type(ours) is type(theirs)
        for key in ("lr", "weight_decay", "betas", "alpha"):
            assert ours.param_groups[0].get(key) == theirs.param_groups[0].get(key)
    assert plain.shown == trainer.shown


def test_the_plain_average_keeps_a_quarter_after_two_half_lives() -> None:
    settings = replace(SAME["least squares"], average_half_life=4, average_ramp=1.0)
    loop = PlainLoop(settings, small_digits().images)
    old = {name: value.clone() for name, value in loop.average.state_dict().items()}
    loop.step()
    new, now = loop.generator.state_dict(), loop.average.state_dict()
    assert any(not value.is_floating_point() for value in old.values())
    for name, value in now.items():
        wanted = (old[name] + 3 * new[name]) / 4 if value.is_floating_point() else new[name]
        torch.testing.assert_close(value, wanted)


def test_the_plain_critic_runs_three_times_in_its_turn_and_once_in_the_generators() -> None:
    loop = PlainLoop(SAME["loss-sensitive, slope penalty"], small_digits().images)
    calls: list[int] = []
    loop.critic.register_forward_hook(lambda module, images, _: calls.append(len(images[0])))
    critic_loss, generator_loss = loop.step()
    assert calls == [8] * 4
    assert isinstance(critic_loss, float) and isinstance(generator_loss, float)


class Slanted(nn.Module):
    """score = <w, image>: its slope is w everywhere."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.tensor([[[3.0, 0.0]], [[4.0, 12.0]]]))  # (2, 1, 2)

    def forward(self, images: Tensor) -> Tensor:
        return (images * self.w).sum(dim=(1, 2, 3))


@pytest.mark.parametrize(
    ("penalty", "wanted"),
    [
        (Penalty(), 13.0),
        (Penalty(power=2), 169.0),
        (Penalty(reduce="pixel"), (5.0 + 12.0) / 2),
        (Penalty(reduce="pixel", power=2), (25.0 + 144.0) / 2),
        (Penalty(kind="interpolates", target=1.0), 144.0),
    ],
)
def test_the_plain_penalty_on_a_critic_whose_slope_is_known(
    penalty: Penalty, wanted: float
) -> None:
    critic = Slanted()
    real, fake = torch.rand(2, 5, 2, 1, 2)
    value = slope_penalty(penalty, critic, real, fake)
    value.backward()
    assert value.item() == pytest.approx(wanted, rel=1e-5)
    assert critic.w.grad is not None and critic.w.grad.abs().max() > 0


def test_the_plain_loop_refuses_a_penalty_that_it_does_not_know() -> None:
    with pytest.raises(BookError, match="knows no penalty 'dragan'"):
        slope_penalty(Penalty(kind="dragan"), Slanted(), torch.rand(2, 2, 1, 2), torch.rand(2))


def test_the_plain_pictures_are_the_librarys() -> None:
    images = small_digits().images
    pictures = Pictures(images, flip=False)
    assert len(pictures) == len(images)
    torch.testing.assert_close(pictures[3], to_float(images[3:4])[0])
    torch.manual_seed(0)
    flipping = Pictures(images, flip=True)
    both = {bool(torch.equal(flipping[3], pictures[3].flip(-1))) for _ in range(20)}
    assert both == {True, False}


# --- what a machine could do ---------------------------------------------------------------------


def test_products_of_a_convolution_are_those_counted_by_hand() -> None:
    convolution = nn.Conv2d(3, 5, 4, 2, 1)
    images = torch.rand(2, 3, 8, 8)
    forward = (2 * 5 * 4 * 4) * (3 * 4 * 4)  # entries of the output, products for each
    assert count_products(lambda: convolution(images)) == forward
    # Backward, the same once by the weights, and once more by the images where they want it.
    assert count_products(lambda: convolution(images).sum().backward()) == 2 * forward
    images.requires_grad_(True)
    assert count_products(lambda: convolution(images).sum().backward()) == 3 * forward

    def penalty() -> None:
        (slope,) = torch.autograd.grad(convolution(images).sum(), images, create_graph=True)
        slope.square().sum().backward()

    # Forward, the slope, its gradient by the weights, and its gradient by what comes from above.
    assert count_products(penalty) == 4 * forward


def test_products_of_a_training_step_grow_with_the_batch_alone() -> None:
    for way in (PLAIN, Way()):
        counted = {
            size: count_products(
                begin(replace(SAME["loss-sensitive, slope penalty"], batch_size=size), way, CPU)
            )
            for size in (2, 6)
        }
        assert counted[6] == 3 * counted[2] > 0


def test_the_real_loop_multiplies_less_than_the_plain_one() -> None:
    settings = SAME["loss-sensitive, slope penalty"]
    products = measure._products_per_image
    assert products(settings, Way()) < products(settings, PLAIN)


def test_products_an_image_are_those_of_a_step_over_the_images_it_shows() -> None:
    settings = replace(SAME["two critic steps"], batch_size=5)
    of_a_step = count_products(begin(settings, Way(), CPU))
    assert measure._products_per_image(settings, Way()) * 2 * 5 == of_a_step


def test_update_bytes_of_networks_small_enough_to_count() -> None:
    # z 3 -> 5 -> 2: 15 + 5 + 10 + 2 = 32 weights; 2 -> 5 -> 1: 10 + 5 + 5 + 1 = 21.
    networks = MLPNetworks(z_dim=3, hidden=5, depth=1)
    settings = replace(RECIPES["points"], networks=networks, critic_steps=2)
    adam = 7 * (2 * 21 + 32) + 3 * 32
    assert update_bytes(settings) == 4 * adam
    assert update_bytes(replace(settings, optimiser="rmsprop")) == 4 * (adam - 2 * (2 * 21 + 32))


def test_the_limit_adds_products_and_bytes_and_takes_the_faster_products() -> None:
    assert limit_seconds(RATES, "fp32", int(2e9), int(5e8)) == pytest.approx(2 + 0.5)
    assert limit_seconds(RATES, "bf16", int(2e9), int(5e8)) == pytest.approx(0.5 + 0.5)
    slow_bf16 = Rates({"fp32": 1e9, "bf16": 1e8}, 1e9)
    assert limit_seconds(slow_bf16, "bf16", int(2e9), 0) == pytest.approx(2)


def test_rates_are_measured_for_each_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, small in (("_SECONDS", 0.0), ("_ROWS", {"cpu": (64, 128)}), ("_COPIED", (2**16,))):
        monkeypatch.setattr(machine_limit, name, small)
    rates = machine_limit.measure_rates(CPU, ("fp32", "bf16"))
    assert set(rates.products) == {"fp32", "bf16"}
    assert min(*rates.products.values(), rates.copied) > 0


# --- measuring -----------------------------------------------------------------------------------

ROW = Row("mnist", 8, 1.0, "eager", "fp32", limit_ms=500.0)


def test_a_row_has_medians_and_the_ratios_of_its_rounds() -> None:
    settings = replace(RECIPES["least squares"], critic_steps=2)  # 2 x 8 images a step
    row = timed(ROW, settings, [1.0, 2.0, 4.0], [2.0, 6.0, 4.0])
    assert (row.ms_per_step, row.ms_lowest, row.ms_highest) == (2000.0, 1000.0, 4000.0)
    assert row.images_per_second == 8.0
    # 2/1, 6/2 and 4/4; the medians are 4 and 2.
    assert (row.speed_up_lowest, row.speed_up, row.speed_up_highest) == (1.0, 2.0, 3.0)
    assert row.share_of_limit == 0.25
    assert row.rounds == 3


def test_without_a_plain_loop_there_is_no_speed_up() -> None:
    row = timed(replace(ROW, limit_ms=None), RECIPES["least squares"], [1.0], None)
    assert row.speed_up is row.share_of_limit is None


def test_the_ways_take_turns_and_one_that_fails_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def begun(row: Row, settings: Recipe, way: Way, device: torch.device, rates: Rates) -> Any:
        if way.precision == "bf16":
            raise BookError("no such precision here.\nand more")
        return (lambda: made.append(str(way))), row

    monkeypatch.setattr(measure, "_begun", begun)
    monkeypatch.setattr(measure, "_steps_in", lambda *_: 2)
    told: list[str] = []
    ways = [Way(), Way("eager", "bf16")]
    rows = measure.measure(
        "mine", RECIPES["least squares"], ways, CPU, RATES, rounds=3, on_turn=told.append
    )
    assert made == ["plain", "plain", "eager fp32", "eager fp32"] * 3
    assert [(row.engine, row.precision, row.error, row.steps) for row in rows] == [
        ("plain", "fp32", None, 2),
        ("eager", "fp32", None, 2),
        ("eager", "bf16", "no such precision here.", 0),
    ]
    assert rows[2].ms_per_step is None
    assert told[0] == "mine: plain" and told[-1] == "mine: eager fp32, round 3"


@pytest.mark.slow
def test_the_memory_of_a_training_holds_its_weights_and_their_means() -> None:
    settings = adapted(recipe("mnist-least-squares"), batch=2, width=0.4)
    random = torch.Generator()
    networks = settings.networks.critic(random), settings.networks.generator(random)
    weights = sum(p.numel() for network in networks for p in network.parameters())
    peak = memory.peak_on_cpu(settings, Way())
    if peak is None:
        pytest.skip("this system does not tell a process's memory")
    # The weights themselves, gradients, two means each: 4 floats a weight. Then a generator's
    # average, images and activations, but nothing like ten times as much.
    assert 4 * 4 * weights < peak < 40 * 4 * weights


def test_the_memory_is_left_out_where_it_cannot_be_measured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(memory, "_told", lambda name: None)
    assert memory.peak_on_cpu(RECIPES["least squares"], Way()) is None


def event(cat: str, name: str, ts: float, dur: float = 1.0) -> dict[str, Any]:
    return {"ph": "X", "cat": cat, "name": name, "ts": ts, "dur": dur}


def test_kernels_launches_and_waits_of_a_trace() -> None:
    trace = [
        {"ph": "M", "name": "process_name"},
        event("user_annotation", "counted steps", ts=10.0, dur=10.0),
        event("gpu_user_annotation", "counted steps", ts=0.0, dur=1.0),
        event("cuda_runtime", "cudaLaunchKernel", ts=11.0),
        event("cuda_driver", "cuLaunchKernelEx", ts=12.0),
        event("cuda_runtime", "cudaGraphLaunch", ts=13.0),
        event("cuda_runtime", "cudaMemcpyAsync", ts=14.0),
        event("cuda_runtime", "cudaStreamSynchronize", ts=15.0),
        event("cuda_runtime", "cudaDeviceSynchronize", ts=25.0),  # the profiler's own
        event("cuda_runtime", "cudaStreamIsCapturing", ts=16.0),
        *(event("kernel", f"kernel {i}", ts=18.0 + i) for i in range(8)),
        event("gpu_memcpy", "Memcpy HtoD", ts=30.0),
        event("gpu_memset", "Memset", ts=31.0),
        event("cpu_op", "aten::conv2d", ts=11.0),
    ]
    assert count_events(trace, steps=2) == Counts(kernels=5.0, launches=2.0, waits=0.5)


def test_a_real_trace_has_the_region_that_is_counted(tmp_path: Path) -> None:
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        with record_function(kernels._REGION):
            torch.ones(3).sum()
    profiler.export_chrome_trace(str(tmp_path / "trace.json"))
    events = json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
    assert count_events(events, steps=1) == Counts(0.0, 0.0, 0.0)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_profiler_counts_kernels_and_the_waits_of_item() -> None:
    here = torch.zeros((), device="cuda")

    def step() -> None:
        (here + 1).item()

    counts = count_kernels(step, torch.device("cuda"))
    assert counts.kernels >= 2 and counts.launches >= 2  # the sum, and the copy of a number
    assert counts.waits == 1


# --- table and file ------------------------------------------------------------------------------

FACTS = {"device": "cpu", "device_name": "A (R) CPU", "threads": 2}


def test_a_file_keeps_other_rows_and_replaces_those_measured_again(tmp_path: Path) -> None:
    file = tmp_path / "new" / "bench.json"
    other = replace(ROW, recipe="faces")
    record.add_rows(file, [ROW, replace(ROW, precision="bf16"), other], FACTS)
    record.add_rows(file, [replace(ROW, ms_per_step=7.0)], FACTS)
    record.add_rows(file, [replace(ROW, width=0.5)], FACTS)
    rows = record.read_rows(file)
    assert [(r["recipe"], r["precision"], r["width"], r["ms_per_step"]) for r in rows] == [
        ("faces", "fp32", 1.0, None),
        ("mnist", "fp32", 1.0, 7.0),
        ("mnist", "fp32", 0.5, None),
    ]
    record.add_rows(file, [ROW], FACTS | {"threads": 1})
    assert len(record.read_rows(file)) == 4


def test_a_file_of_something_else_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_text('{"rows": []}')
    with pytest.raises(BookError, match="is not a file of measurements"):
        record.add_rows(file, [ROW], FACTS)
    assert file.read_text() == '{"rows": []}'


def test_a_file_is_named_after_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "ASSETS", tmp_path)
    assert record.default_file(FACTS) == Path("benchmarks/a-r-cpu-2-threads.json")
    (tmp_path / "benchmarks").mkdir()
    gpu = {"device": "cuda", "device_name": "NVIDIA H200", "threads": 8}
    assert record.default_file(gpu) == tmp_path / "benchmarks" / "nvidia-h200.json"


def test_a_table_is_aligned_and_shows_what_is_missing() -> None:
    full = replace(
        ROW, images_per_second=12345.6, ms_per_step=2.0, speed_up=2.0, speed_up_lowest=1.5,
        speed_up_highest=2.5, peak_memory=3_000_000, kernels=512.0, share_of_limit=0.25,
    )  # fmt: skip
    lines = record.table([full, replace(ROW, engine="graph", error="no CUDA")]).splitlines()
    head, first, second, error = lines
    assert first.split() == [
        *("mnist", "eager", "fp32", "8", "12,346", "2.00", "2.00", "1.50-2.50", "3", "512", "25%")
    ]
    assert second.split()[:4] == ["mnist", "graph", "fp32", "8"]
    assert set(second.split()[4:]) == {"-"}
    for column in ("images/s", "kernels", "limit"):
        end = head.index(column) + len(column)
        assert first[end - 1] != " " and second[end - 1] == "-"
    assert error == "mnist, graph fp32: no CUDA"


# --- the command ---------------------------------------------------------------------------------


def test_the_bench_writes_a_table_and_flat_documented_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "measure_rates", lambda *_: RATES)
    monkeypatch.setattr(measure, "peak_on_cpu", lambda *_: 5_000_000)
    out = tmp_path / "bench.json"
    command.main(
        "mnist-least-squares-full --width 0.02 --batch 4 --rounds 2 --seconds 0.01 --device cpu "
        f"--out {out}".split()
    )
    shown = capsys.readouterr().out
    assert "mnist-least-squares-full  plain" in shown and f"wrote {out}" in shown
    rows = json.loads(out.read_text())["rows"]
    assert [(r["engine"], r["precision"]) for r in rows] == [
        *(("plain", "fp32"), ("eager", "fp32"), ("eager", "bf16"))
    ]
    for row in rows:
        assert set(row) == {f.name for f in fields(Row)} | set(machine(CPU)) | {"date"}
        assert not any(isinstance(value, dict | list) for value in row.values())
        assert row["error"] is None and row["rounds"] == 2 and row["width"] == 0.02
        assert row["speed_up_lowest"] <= row["speed_up"] * 1.000001
        assert row["speed_up_highest"] >= row["speed_up"] * 0.999999
        assert row["ms_per_step"] * row["images_per_second"] == pytest.approx(4000)
        assert row["share_of_limit"] * row["ms_per_step"] == pytest.approx(row["limit_ms"])
        assert row["limit_ms"] > 0 and row["steps"] >= 1 and row["products"] > 0
        assert row["kernels"] is row["launches"] is row["waits"] is None
    assert rows[0]["speed_up"] == 1.0


def test_the_default_holds_both_seeds_steps_and_no_points() -> None:
    names = image_recipes()
    assert {"faces-loss-sensitive", "mnist-least-squares-full"} < set(names)
    assert not any(name.startswith("ring") for name in names)
    for name in gpu_session.BOTH:
        assert recipe(name).networks.width == 1.0  # type: ignore[union-attr]
    assert recipe("faces-loss-sensitive").batch_size == 64


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("ring-least-squares", "holds points of the plane"),
        ("mnist-least-square", "Did you mean mnist-least-squares"),
        ("--rounds 0", "--rounds is 0"),
        ("--seconds -1", "--seconds is -1"),
        ("--engine graph --device cpu", "no such engine and precision, but eager fp32, eager bf16"),
        ("--precision tf32 --device cpu", "no such engine and precision"),
    ],
)
def test_what_cannot_be_measured_is_refused_before_anything_is(
    words: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "measure_rates", None)  # calling it would be a TypeError
    with pytest.raises(BookError, match=sentence):
        command.main(words.split())


def test_width_and_batch_change_a_recipe_and_nothing_else() -> None:
    settings = recipe("mnist-least-squares")
    assert adapted(settings) == settings
    networks = replace(LeastSquaresNetworks(), dropout=0.5, width=0.1)
    assert adapted(settings, 0.1, 7) == replace(settings, networks=networks, batch_size=7)


# --- the session on a GPU ------------------------------------------------------------------------


def session(out: Path, minutes: float = 5.0) -> Session:
    return Session(CPU, out, gpu_session.time.monotonic() + 60 * minutes)


def passes(_: Session) -> str:
    return "all well"


def fails(_: Session) -> str:
    raise RuntimeError("out of memory\nand a stack trace")


def needs_more(_: Session) -> str:
    raise Skipped("needs a moon")


def test_one_part_that_fails_does_not_stop_the_next(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gpu_session.run(session(tmp_path), (needs_more, passes))
    assert not gpu_session.run(session(tmp_path), (fails, needs_more, passes))
    last = [line.split(" (")[0] for line in capsys.readouterr().out.splitlines()[-3:]]
    assert last == ["FAIL fails", "SKIP needs_more", "PASS passes"]
    written = json.loads((tmp_path / "session.json").read_text())
    assert [part["told"] for part in written["parts"]] == [
        *("RuntimeError: out of memory", "needs a moon", "all well")
    ]
    assert set(machine(CPU)) < set(written)


def test_nothing_is_begun_when_the_time_is_over(tmp_path: Path) -> None:
    assert gpu_session.run(session(tmp_path, minutes=-1), (fails,))
    written = json.loads((tmp_path / "session.json").read_text())
    assert [(p["verdict"], p["told"]) for p in written["parts"]] == [("SKIP", "out of time")]


def test_a_rehearsal_measures_in_little_and_skips_what_needs_cuda(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(gpu_session, "measure_rates", lambda *_: RATES)
    monkeypatch.setattr(measure, "peak_on_cpu", lambda *_: 5_000_000)
    gpu_session.main([str(tmp_path), "--device", "cpu"])
    verdicts = {
        line.split()[1]: line.split()[0]
        for line in capsys.readouterr().out.splitlines()
        if line.startswith(("PASS", "FAIL", "SKIP"))
    }
    assert verdicts.pop("bench_both") == verdicts.pop("bench_others") == "PASS"
    assert len(verdicts) == 4 and set(verdicts.values()) == {"SKIP"}
    assert {row["recipe"] for row in record.read_rows(tmp_path / "bench.json")} >= {
        "faces-loss-sensitive"
    }


def test_a_session_ends_with_1_where_a_part_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpu_session, "run", lambda *_: False)
    with pytest.raises(SystemExit, match="1"):
        gpu_session.main([str(tmp_path), "--device", "cpu"])


def test_25_epochs_of_celeba_from_a_measured_rate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Session, "need_cuda", lambda self: None)
    here = session(tmp_path)
    slow = Row("faces-loss-sensitive", 64, 1.0, "plain", "fp32", images_per_second=5_000.0)
    graph = replace(slow, engine="graph", precision="bf16", images_per_second=20_000.0)
    record.add_rows(here.bench, [slow, graph], FACTS)
    # 25 * 202,599 / 20,000 = 253 seconds
    assert "(graph bf16) take 4.2 minutes" in gpu_session.celeba_in_minutes(here)
    record.add_rows(here.bench, [slow], FACTS)
    with pytest.raises(AssertionError, match=r"\(plain fp32\) take 16.9 minutes"):
        gpu_session.celeba_in_minutes(here)


def test_differences_between_two_states_are_named() -> None:
    state = {"a": torch.ones(2), "b": [1, {"c": torch.zeros(1)}]}
    changed = {"a": torch.ones(2), "b": [1, {"c": torch.full((1,), 1e-30)}]}
    assert gpu_session._differences(state, state) == []
    assert gpu_session._differences(state, changed) == ["state.b.1.c"]
    assert gpu_session._differences(state, {"a": 1}) == ["state: other names"]


def test_the_same_loop_gives_the_same_state_twice(tmp_path: Path) -> None:
    settings = RECIPES["least squares, dropout"]
    states = []
    for _ in range(2):
        trainer = gpu_session.trainer_of(settings, session(tmp_path), "eager", "fp32")
        for _ in range(3):
            trainer.step()
        states.append(trainer.state_dict())
    assert gpu_session._differences(*states) == []
    # Three steps are more than its tick of two, which would measure and read more.
    assert settings.tick == 16 < trainer.shown == 24 < trainer.recipe.tick
