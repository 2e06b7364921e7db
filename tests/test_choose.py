"""precision="auto" measures, takes the exact one unless another is clearly faster, and says why."""

from dataclasses import replace

import pytest
import torch
from small_runs import NETWORKS, RECIPE, same, small_digits

from lsgan_lib.data import ImageSet, digits, make_set
from lsgan_lib.errors import BookError
from lsgan_lib.training import RunDirectory, Trainer, choose, resume, train
from lsgan_lib.training.processes import World
from lsgan_lib.training.sources import make_stream

CPU = torch.device("cpu")
SHORT = replace(RECIPE, images=32, tick=16, state_every=16, samples_every=16)
TWELVE = replace(SHORT, networks=replace(NETWORKS, size=12))  # pixels; with 8, bfloat16 fails


def digits_of_twelve() -> ImageSet:
    images = digits().images[:50, :, 8:20, 8:20]
    return make_set(images.clone(), name="digits of twelve pixels")


@pytest.mark.parametrize(("fp32", "bf16", "chosen"), [(100, 109, "fp32"), (100, 111, "bf16")])
def test_a_precision_that_rounds_must_be_clearly_faster(monkeypatch, fp32, bf16, chosen) -> None:
    speeds = {"fp32": fp32, "bf16": bf16}
    monkeypatch.setattr(choose, "_images_per_second", lambda *how: speeds[how[-1]])
    stream, _ = make_stream(SHORT, small_digits(), CPU)
    got, told = choose.choose_precision(SHORT, stream, CPU, "eager", World())
    assert got == chosen
    assert told == f"precision {chosen} (images/s in a first trial: fp32 {fp32}, bf16 {bf16})"


def test_the_trial_measures_real_steps_and_leaves_no_trace() -> None:
    stream, _ = make_stream(TWELVE, digits_of_twelve(), CPU)
    assert choose._images_per_second(TWELVE, stream, CPU, "eager", "bf16") > 0
    after = Trainer(TWELVE, stream, CPU)
    before = Trainer(TWELVE, make_stream(TWELVE, digits_of_twelve(), CPU)[0], CPU)
    for trainer in (after, before):
        trainer.step()
    assert same(after.state_dict(), before.state_dict())


def test_the_choice_is_kept_with_the_run(tmp_path, monkeypatch, capsys) -> None:
    speeds = {"fp32": 1.0, "bf16": 2.0}
    monkeypatch.setattr(choose, "_images_per_second", lambda *how: speeds[how[-1]])
    run = tmp_path / "run"
    data = digits_of_twelve()
    whole = train(TWELVE, data, run, device="cpu", precision="auto", progress=True)
    assert "precision bf16" in capsys.readouterr().err
    assert whole.precision == RunDirectory(run).facts()["precision"] == "bf16"
    # A resumed run asks nobody again, and computes as before.
    (state,) = RunDirectory(run).states()
    again = resume(run, data, state=state, device="cpu")
    assert same(again.state_dict(), whole.state_dict())
    plain = train(TWELVE, data, device="cpu")
    assert not same(plain.generator.state_dict(), whole.generator.state_dict())


def test_a_precision_that_makes_numbers_that_are_none_is_never_chosen(monkeypatch) -> None:
    monkeypatch.setattr(Trainer, "not_finite", lambda trainer: ("critic_loss", 8))
    stream, _ = make_stream(TWELVE, digits_of_twelve(), CPU)
    assert choose._images_per_second(TWELVE, stream, CPU, "eager", "bf16") == 0


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ({"precision": "tf32"}, "tf32 is not for the device cpu: choose fp32 or bf16"),
        ({"engine": "graph"}, "needs a CUDA device and a single process, not the device cpu"),
        ({"engine": "fast"}, "there is no engine 'fast': choose eager or graph"),
    ],
)
def test_what_the_device_cannot_do_is_refused_before_anything_is_written(
    tmp_path, how, sentence
) -> None:
    with pytest.raises(BookError, match=sentence):
        train(SHORT, small_digits(), tmp_path / "run", device="cpu", **how)
    assert not (tmp_path / "run").exists()
