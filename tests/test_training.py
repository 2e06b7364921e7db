"""The training loop: its mathematics written out again, its bookkeeping, and that it learns."""

import copy
import math
from dataclasses import replace

import pytest
import torch
from small_runs import NETWORKS, RECIPE, RECIPES, data_of, same, small_digits
from torch import Tensor, nn

from lsgan_lib.data import Mixture, ring
from lsgan_lib.errors import BookError
from lsgan_lib.losses.objectives import CrossEntropy, LeastSquares, LossSensitive, Penalty
from lsgan_lib.networks import LossSensitiveNetworks, MLPNetworks
from lsgan_lib.networks.dropout import Dropout
from lsgan_lib.training import Recipe, Trainer, train
from lsgan_lib.training.average import keep_factor, update_average
from lsgan_lib.training.pictures import grid_png
from lsgan_lib.training.sources import load_data, make_stream
from lsgan_lib.training.tally import Step

CPU = torch.device("cpu")

every_recipe = pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)

POINTS = replace(
    RECIPE, networks=MLPNetworks(z_dim=3, hidden=8), data="ring", noise="normal", average_ramp=1.0
)


def trainer_of(recipe: Recipe) -> Trainer:
    stream, _ = make_stream(recipe, data_of(recipe), CPU)
    return Trainer(recipe, stream, CPU)


def weights(network: nn.Module) -> list[Tensor]:
    return [p.detach().clone() for p in network.parameters()]


def equal(a: list[Tensor], b: list[Tensor]) -> bool:
    return all(map(torch.equal, a, b))


# --- the algorithm, written out ------------------------------------------------------------------


class WrittenOutAdam:
    """Kingma and Ba 2015, algorithm 1, one parameter after the other."""

    def __init__(self, network: nn.Module, lr: float, beta1: float, beta2: float, decay: float):
        self.parameters = list(network.parameters())
        self.lr, self.beta1, self.beta2, self.decay = lr, beta1, beta2, decay
        self.m = [torch.zeros_like(p) for p in self.parameters]
        self.v = [torch.zeros_like(p) for p in self.parameters]
        self.t = 0

    @torch.no_grad()
    def step(self, gradients: tuple[Tensor, ...]) -> None:
        self.t += 1
        for i, (p, g) in enumerate(zip(self.parameters, gradients, strict=True)):
            g = g + self.decay * p
            self.m[i] = self.beta1 * self.m[i] + (1 - self.beta1) * g
            self.v[i] = self.beta2 * self.v[i] + (1 - self.beta2) * g**2
            m = self.m[i] / (1 - self.beta1**self.t)
            v = self.v[i] / (1 - self.beta2**self.t)
            p.copy_(p - self.lr * m / (v.sqrt() + 1e-8))


class GivenStream:
    """Batches made beforehand, and a note of which were asked for."""

    epoch = 1_000

    def __init__(self, shape: tuple[int, ...], count: int, size: int) -> None:
        random = torch.Generator().manual_seed(7)
        self.batches = [torch.rand(size, *shape, generator=random) * 2 - 1 for _ in range(count)]
        self.size = size
        self.asked: list[int] = []

    def at(self, shown: int) -> Tensor:
        self.asked.append(shown)
        return self.batches[shown // self.size].clone()


def least_squares_losses(critic, generator):
    def of_critic(real: Tensor, fake: Tensor) -> Tensor:
        scores, others = critic(real), critic(fake)
        return ((scores - 2) ** 2).sum() / 10 + ((others + 1) ** 2).sum() / 10

    return of_critic, lambda z: ((critic(generator(z)) - 0.5) ** 2).sum() / 10


def loss_sensitive_losses(critic, generator):
    def of_critic(real: Tensor, fake: Tensor) -> Tensor:
        total = torch.zeros(())
        for x, y in zip(real, fake, strict=True):
            violation = 0.01 * (x - y).abs().sum() + critic(x[None])[0] - critic(y[None])[0]
            total = total + (violation if violation > 0 else 0.25 * violation)
        slopes = 0.0
        for x in real:  # one sample after the other: the slope of one is its own
            x = x.clone().requires_grad_()
            (slope,) = torch.autograd.grad(critic(x[None])[0], x, create_graph=True)
            slopes = slopes + slope.square().sum().sqrt()
        return total / 5 + 3.0 * slopes / 5

    return of_critic, lambda z: critic(generator(z)).mean()


@pytest.mark.parametrize(
    ("recipe", "shape", "losses"),
    [
        (
            replace(
                RECIPE,
                networks=replace(NETWORKS, generator_norm=False, critic_norm=False),
                objective=LeastSquares(a=-1.0, b=2.0, c=0.5),
                weight_decay=0.01,
            ),
            (1, 8, 8),
            least_squares_losses,
        ),
        (
            replace(
                RECIPE,
                networks=LossSensitiveNetworks(
                    size=8, channels=1, z_dim=3, width=0.1, generator_norm=False
                ),
                objective=LossSensitive(slope=0.25, margin_scale=0.01, penalty=Penalty(weight=3.0)),
                noise="normal",
                critic_steps=2,
                generator_steps=2,
            ),
            (1, 8, 8),
            loss_sensitive_losses,
        ),
    ],
    ids=["least squares", "loss-sensitive"],
)
def test_four_steps_equal_the_algorithm_written_out(recipe, shape, losses):
    """Losses, gradients, both Adams, the average and the log, from plain formulas."""
    recipe = replace(
        recipe, batch_size=5, tick=10, critic_lr=1e-3, generator_lr=3e-3, average_half_life=12
    )
    steps = 4
    stream = GivenStream(shape, steps * recipe.critic_steps, 5)
    trainer = Trainer(recipe, stream, CPU)
    for p in [*trainer.generator.parameters(), *trainer.critic.parameters()]:
        p.data.mul_(8)  # scores and slopes that are not all about nought
    update_average(trainer.average, trainer.generator, 0.0)
    generator, critic = copy.deepcopy(trainer.generator), copy.deepcopy(trainer.critic)
    average = weights(trainer.average)
    noise: list[Tensor] = []
    trainer.generator.register_forward_pre_hook(lambda _, z: noise.append(z[0].detach().clone()))

    rows = []
    for step in range(steps):
        trainer.step()
        if step % 2:
            rows.append(trainer.tick())

    critic_loss, generator_loss = losses(critic, generator)
    of_critic = WrittenOutAdam(critic, 1e-3, 0.5, 0.999, recipe.weight_decay)
    of_generator = WrittenOutAdam(generator, 3e-3, 0.5, 0.999, 0.0)
    draws, batches = iter(noise), iter(stream.batches)
    expected: list[dict[str, list[float]]] = []
    for step in range(steps):
        if step % 2 == 0:
            expected.append({"critic_loss": [], "critic_gradient": [], "generator_loss": []})
        row = expected[-1]
        for _ in range(recipe.critic_steps):
            real, fake = next(batches).requires_grad_(), generator(next(draws)).detach()
            loss = critic_loss(real, fake)
            *gradients, at_input = torch.autograd.grad(loss, [*critic.parameters(), real])
            row["critic_loss"].append(loss.item())
            size = math.sqrt(sum(g.square().sum().item() for g in gradients))
            row["critic_gradient"].append(size)
            of_critic.step(tuple(gradients))
        for _ in range(recipe.generator_steps):
            z = next(draws).requires_grad_()
            loss = generator_loss(z)
            *gradients, at_noise = torch.autograd.grad(loss, [*generator.parameters(), z])
            row["generator_loss"].append(loss.item())
            of_generator.step(tuple(gradients))
        shown = 5 * recipe.critic_steps * (step + 1)
        keep = 0.5 ** (5 * recipe.critic_steps / min(12, recipe.average_ramp * shown))
        average = [
            keep * a + (1 - keep) * p.detach()
            for a, p in zip(average, generator.parameters(), strict=True)
        ]

    assert next(draws, None) is None
    assert len({tuple(z.flatten().tolist()) for z in noise}) == len(noise)  # always fresh noise
    assert stream.asked == [5 * i for i in range(steps * recipe.critic_steps)]
    close = {"rtol": 1e-4, "atol": 2e-6}
    for got, wanted in (
        (weights(trainer.critic), weights(critic)),
        (weights(trainer.generator), weights(generator)),
        (weights(trainer.average), average),
    ):
        for a, b in zip(got, wanted, strict=True):
            torch.testing.assert_close(a, b, **close)
    for row, wanted in zip(rows, expected, strict=True):
        for name, values in wanted.items():
            assert row[name] == pytest.approx(sum(values) / len(values), rel=1e-4), name
    # The gradients at the inputs are those of the tick's last step.
    if recipe.critic_steps == 1:
        assert rows[-1]["input_gradient"] == pytest.approx(at_input.abs().mean().item(), rel=1e-3)
        assert rows[-1]["noise_gradient"] == pytest.approx(at_noise.abs().mean().item(), rel=1e-3)


# --- one turn leaves the other alone -------------------------------------------------------------


@every_recipe
def test_each_turn_moves_one_network(recipe):
    trainer = trainer_of(recipe)
    trainer.step()
    before = weights(trainer.critic), weights(trainer.generator)
    gradients = [p.grad.clone() for p in trainer.generator.parameters()]
    trainer._critic_step(trainer.batches.at(trainer.shown), Step(), probe=True)
    assert equal(weights(trainer.generator), before[1])
    assert equal([p.grad for p in trainer.generator.parameters()], gradients)
    assert not equal(weights(trainer.critic), before[0])
    before = weights(trainer.critic), weights(trainer.generator)
    gradients = [p.grad.clone() for p in trainer.critic.parameters()]
    trainer._generator_step(Step(), probe=True)
    assert equal(weights(trainer.critic), before[0])
    assert not equal(weights(trainer.generator), before[1])
    assert equal([p.grad for p in trainer.critic.parameters()], gradients)
    assert all(p.requires_grad for p in trainer.critic.parameters())  # and so it learns again


@every_recipe
def test_a_step_asks_and_moves_no_global_random_state(recipe):
    ends = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        trainer = trainer_of(recipe)
        before = torch.get_rng_state()
        trainer.step()
        trainer.samples()
        assert torch.equal(torch.get_rng_state(), before)
        ends.append(trainer.state_dict())
    assert same(ends[0], ends[1])


def test_another_seed_is_another_run():
    one, other = (trainer_of(replace(RECIPE, seed=seed)) for seed in (0, 1))
    assert not equal(weights(one.generator), weights(other.generator))
    assert not equal(weights(one.critic), weights(other.critic))
    assert not torch.equal(one.fixed_noise, other.fixed_noise)
    assert not torch.equal(one.batches.at(0), other.batches.at(0))


@every_recipe
def test_looking_more_often_changes_nothing(recipe):
    """Rows of the log, with gradients at the inputs, and pictures are free of side effects."""
    rarely, often = trainer_of(replace(recipe, tick=10**6)), trainer_of(replace(recipe, tick=1))
    for _ in range(3):
        rarely.step()
        often.step()
        assert "input_gradient" in often.tick()
        often.samples()
        often.samples(often.generator)
    for name in ("generator", "critic", "average", "generator_optimiser", "critic_optimiser"):
        assert same(rarely.state_dict()[name], often.state_dict()[name]), name
    assert "input_gradient" not in rarely.tick()


# --- what a step counts --------------------------------------------------------------------------


@pytest.mark.parametrize(("critic_steps", "generator_steps"), [(1, 1), (3, 1), (1, 2)])
def test_a_step_is_so_many_turns_of_each(critic_steps, generator_steps):
    recipe = replace(RECIPE, critic_steps=critic_steps, generator_steps=generator_steps)
    stream = GivenStream((1, 8, 8), 2 * critic_steps, 8)
    trainer = Trainer(recipe, stream, CPU)
    for _ in range(2):
        trainer.step()
    assert stream.asked == [8 * i for i in range(2 * critic_steps)]  # fresh images each time
    assert trainer.shown == 16 * critic_steps
    for optimiser, turns in (
        (trainer.critic_optimiser, 2 * critic_steps),
        (trainer.generator_optimiser, 2 * generator_steps),
    ):
        assert {int(state["step"]) for state in optimiser.state.values()} == {turns}
    row = trainer.tick()
    assert row["images"] == 16 * critic_steps and row["epoch"] == 16 * critic_steps / 1_000


def test_a_row_of_the_log_is_the_mean_over_its_tick():
    names = ("critic_loss", "generator_loss", "score_real", "score_fake", "generator_gradient")
    fine, coarse = trainer_of(replace(RECIPE, tick=8)), trainer_of(replace(RECIPE, tick=32))
    for _ in range(8):
        fine.step()
        fine.tick()
        coarse.step()
        if coarse.shown % 32 == 0:
            coarse.tick()
    assert [row["images"] for row in coarse.history] == [32, 64]
    for i, row in enumerate(coarse.history):
        for name in names:
            mean = sum(r[name] for r in fine.history[4 * i : 4 * i + 4]) / 4
            assert row[name] == pytest.approx(mean, rel=1e-5), name


@every_recipe
def test_the_log_names_what_the_objective_has(recipe):
    trainer = trainer_of(recipe)
    trainer.step()
    row = trainer.tick()
    expected = {
        *("images", "epoch", "critic_loss", "generator_loss", "score_real", "score_fake"),
        *("critic_gradient", "generator_gradient"),
    }
    if isinstance(recipe.objective, LossSensitive):
        expected |= {"margin", "active_hinges"}
        assert 0 <= row["active_hinges"] <= 1 and row["margin"] > 0
    if recipe.objective.penalty is not None:
        expected |= {"penalty"}
        assert row["penalty"] >= 0
    assert row.keys() - {"input_gradient", "noise_gradient"} == expected
    assert all(math.isfinite(value) for value in row.values())


def test_learning_rates_drop_again_and_again():
    recipe = replace(RECIPE, lr_drop_every=16, lr_drop=0.1, critic_lr=1.0, generator_lr=0.5)
    trainer = trainer_of(recipe)
    rates = []
    for _ in range(6):
        trainer.step()  # eight images each
        rates.append(
            [
                o.param_groups[0]["lr"]
                for o in (trainer.critic_optimiser, trainer.generator_optimiser)
            ]
        )
    assert [r[0] for r in rates] == pytest.approx([1, 1, 0.1, 0.1, 0.01, 0.01])
    assert [r[1] for r in rates] == pytest.approx([0.5, 0.5, 0.05, 0.05, 0.005, 0.005])


def test_the_critic_s_weights_are_clipped_and_the_generator_s_are_not():
    trainer = trainer_of(RECIPES["wasserstein, clipped"])
    trainer.step()
    largest = max(p.abs().max().item() for p in trainer.critic.parameters())
    assert largest == pytest.approx(0.02)
    assert max(p.abs().max().item() for p in trainer.generator.parameters()) > 0.02


def test_weight_decay_is_the_critic_s_alone():
    one, other = trainer_of(RECIPE), trainer_of(replace(RECIPE, weight_decay=0.5))
    groups = other.critic_optimiser.param_groups, other.generator_optimiser.param_groups
    assert [g[0]["weight_decay"] for g in groups] == [0.5, 0.0]
    one.step()
    other.step()
    assert not equal(weights(one.critic), weights(other.critic))


def test_rmsprop_s_first_step_is_known():
    """v = 0.01 g^2, so each weight moves by lr g / (0.1 |g| + eps): ten times lr."""
    recipe = replace(POINTS, optimiser="rmsprop", critic_lr=1e-3)
    trainer = trainer_of(recipe)
    before = weights(trainer.critic)
    trainer.step()
    moved = torch.cat(
        [(a - b).flatten() for a, b in zip(weights(trainer.critic), before, strict=True)]
    )
    assert moved.abs().median().item() == pytest.approx(1e-2, rel=1e-3)


# --- the average ---------------------------------------------------------------------------------


def module(weight: float, mean: float, batches: int) -> nn.BatchNorm1d:
    layer = nn.BatchNorm1d(2)
    nn.init.constant_(layer.weight, weight)
    layer.running_mean.fill_(mean)
    layer.num_batches_tracked.fill_(batches)
    return layer


def test_the_average_of_a_constant_is_approached_geometrically():
    average, generator = module(0.0, 8.0, 0), module(1.0, 4.0, 3)
    for _ in range(3):
        update_average(average, generator, keep=0.25)
    assert average.weight.tolist() == pytest.approx([1 - 0.25**3] * 2)
    assert average.running_mean.tolist() == pytest.approx([4 + 4 * 0.25**3] * 2)
    assert average.num_batches_tracked == 3  # a count is copied, not averaged
    assert generator.weight.tolist() == [1, 1]


def test_keeping_nothing_is_a_copy_and_keeping_all_is_none():
    average, generator = module(0.3, 0.1, 0), module(0.7, 0.2, 5)
    update_average(average, generator, keep=1.0)
    assert torch.equal(average.weight, torch.full((2,), 0.3))
    update_average(average, generator, keep=0.0)
    assert torch.equal(average.weight, generator.weight)
    assert torch.equal(average.running_mean, generator.running_mean)


@pytest.mark.parametrize("batch", [1, 8, 50, 400])
def test_a_half_life_of_images_halves_whatever_the_batch_size(batch):
    kept = math.prod(keep_factor(batch, 10**9, 400, 0.05) for _ in range(400 // batch))
    assert kept == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (100, 0.5 ** (20 / 5)),  # half-life 0.05 x 100
        (1_000, 0.5 ** (20 / 50)),
        (2_000, 0.5 ** (20 / 100)),
        (50_000, 0.5 ** (20 / 100)),  # never longer than asked for
    ],
)
def test_the_ramp_shortens_the_memory_at_the_start(shown, expected):
    assert keep_factor(20, shown, 100, 0.05) == pytest.approx(expected)


def test_without_ramp_or_images_nothing_old_is_kept():
    assert keep_factor(8, 0, 100, 0.05) == 0
    assert keep_factor(8, 500, 100, 0.0) == 0


@every_recipe
def test_the_average_starts_as_the_generator_and_takes_no_gradients(recipe):
    trainer = trainer_of(recipe)
    assert same(trainer.average.state_dict(), trainer.generator.state_dict())
    assert not any(p.requires_grad for p in trainer.average.parameters())
    trainer.step()
    assert not trainer.average.training and trainer.generator.training


# --- samples -------------------------------------------------------------------------------------


@every_recipe
def test_samples_are_the_average_s_and_disturb_nothing(recipe):
    trainer = trainer_of(recipe)
    for _ in range(2):
        trainer.step()
    before = copy.deepcopy(trainer.state_dict())
    first = trainer.samples()
    assert torch.equal(trainer.samples(), first) and len(first) == recipe.sample_count
    with torch.no_grad():
        assert torch.equal(first, trainer.average(trainer.fixed_noise))
    raw = trainer.samples(trainer.generator)
    assert not torch.equal(raw, first)
    assert trainer.generator.training  # running statistics of BatchNorm would show in the state
    assert same(trainer.state_dict(), before)


def test_many_samples_are_drawn_in_pieces_that_make_no_difference():
    trainer = trainer_of(replace(RECIPE, sample_count=1_100))
    with torch.no_grad():
        whole = trainer.average(trainer.fixed_noise)
    torch.testing.assert_close(trainer.samples(), whole, rtol=0, atol=1e-6)


def test_dropout_of_the_generator_is_on_in_training_and_off_in_samples():
    trainer = trainer_of(RECIPES["least squares, dropout"])
    layers = [m for m in trainer.generator.modules() if isinstance(m, Dropout)]
    assert len(layers) == 3 and all(m.random is trainer.draws for m in layers)
    z = trainer.fixed_noise
    with torch.no_grad():
        assert not torch.equal(trainer.generator(z), trainer.generator(z))
    assert torch.equal(trainer.samples(trainer.generator), trainer.samples(trainer.generator))


@pytest.mark.parametrize(("count", "columns", "size"), [(9, None, (32, 32)), (6, 2, (22, 32))])
def test_a_picture_is_a_grid_with_gaps(count, columns, size):
    from io import BytesIO

    from PIL import Image

    images = torch.linspace(-1, 1, count)[:, None, None, None].expand(count, 1, 8, 8)
    picture = Image.open(BytesIO(grid_png(images, columns)))
    assert picture.size == size and picture.mode == "L"
    assert picture.getpixel((5, 5)) == 0 and picture.getpixel((0, 0)) == 255  # image, gap
    assert picture.getpixel((size[0] - 5, size[1] - 5)) == 255  # the last image is white


def test_a_picture_of_points_is_dark_where_they_are():
    from io import BytesIO

    from PIL import Image

    points = torch.tensor([[1.0, 1.0]]).repeat(100, 1)  # to the right and up
    picture = Image.open(BytesIO(grid_png(points)))
    width, height = picture.size
    dark = [(x, y) for x in range(width) for y in range(height) if picture.getpixel((x, y)) < 255]
    assert len(dark) == 1
    assert dark[0][0] > width / 2 and dark[0][1] < height / 2


# --- whole runs ----------------------------------------------------------------------------------


def test_train_shows_so_many_images_and_reports_every_tick():
    seen = []
    trainer = train(RECIPE, small_digits(), device="cpu", on_tick=lambda t: seen.append(t.shown))
    assert trainer.shown == RECIPE.images == 96
    assert seen == [16, 32, 48, 64, 80, 96]
    assert [row["images"] for row in trainer.history] == seen
    assert all(row["images_per_second"] > 0 for row in trainer.history)


def test_a_run_that_does_not_end_with_a_tick_still_logs_its_end():
    recipe = replace(RECIPE, images=50, tick=32)
    trainer = train(recipe, small_digits(), device="cpu")
    assert [row["images"] for row in trainer.history] == [32, 56]  # the last batch is not cut


def test_a_tick_that_no_batch_meets_ends_with_the_batch_that_passes_it():
    recipe = replace(RECIPE, images=96, tick=20)  # 20, 40, 60, 80; batches end at 8, 16, 24 ...
    trainer = train(recipe, small_digits(), device="cpu")
    assert [row["images"] for row in trainer.history] == [24, 40, 64, 80, 96]
    assert "input_gradient" in trainer.history[0] and "noise_gradient" in trainer.history[2]


@pytest.mark.parametrize(
    "objective", [LeastSquares(), CrossEntropy(), LossSensitive(margin_scale=0.1, penalty=None)]
)
def test_a_generator_learns_where_the_data_are(objective):
    """One mode at (1.5, -1): the mean of the samples moves there from near the origin."""
    mode = Mixture(torch.tensor([[1.5, -1.0]]), torch.ones(1), 0.2)
    recipe = replace(
        POINTS,
        networks=MLPNetworks(z_dim=4, hidden=16, gain=1.0),
        objective=objective,
        images=300 * 64,
        batch_size=64,
        critic_lr=5e-3,
        generator_lr=5e-3,
        average_half_life=640,
        tick=6_400,
        sample_count=500,
    )
    stream, _ = make_stream(recipe, mode, CPU)
    untrained = Trainer(recipe, stream, CPU).samples().mean(dim=0)
    trained = train(recipe, mode, device="cpu").samples().mean(dim=0)
    assert (untrained - mode.centres[0]).norm() > 1.2
    assert (trained - mode.centres[0]).norm() < 0.4


# --- data and networks that do not fit -----------------------------------------------------------


def test_images_of_another_shape_are_refused_before_anything_is_written(tmp_path):
    with pytest.raises(BookError, match=r"shape \(1, 28, 28\).*holds \(1, 8, 8\)"):
        train(Recipe(), small_digits(), tmp_path / "run", device="cpu")
    assert list(tmp_path.iterdir()) == []


def test_points_and_images_need_their_own_networks():
    with pytest.raises(BookError, match="need networks of the kind MLPNetworks"):
        train(replace(RECIPE, data="ring"), ring(), device="cpu")
    with pytest.raises(BookError, match="MLPNetworks are for points"):
        train(replace(POINTS, data="digits"), small_digits(), device="cpu")


def test_images_are_mirrored_where_the_recipe_says_so():
    plain, _ = make_stream(RECIPE, small_digits(), CPU)
    mirrored, _ = make_stream(replace(RECIPE, flip=True), small_digits(), CPU)
    pairs = list(zip(plain.at(0), mirrored.at(0), strict=True))
    assert all(torch.equal(a, b) or torch.equal(a.flip(-1), b) for a, b in pairs)
    assert not all(torch.equal(a, b) for a, b in pairs)


def test_data_are_loaded_by_name(tmp_path, monkeypatch):
    from small_runs import small_digits_in

    monkeypatch.setenv("LSGAN_DATA", str(tmp_path))
    small_digits_in(tmp_path / "small")
    assert load_data(replace(RECIPE, data="digits", first=20)).manifest["count"] == 20
    assert load_data(replace(RECIPE, data=str(tmp_path / "small"))).name == "small digits"
    assert load_data(replace(RECIPE, data="small")).name == "small digits"  # in the data folder
    assert isinstance(load_data(POINTS), Mixture)
    with pytest.raises(BookError, match="there are no data called 'cats'.*Built in are mnist"):
        load_data(replace(RECIPE, data="cats"))
    with pytest.raises(BookError, match="so 51 cannot be taken"):
        load_data(replace(RECIPE, data="small", first=51))


def test_a_device_that_is_not_here_is_one_sentence():
    for wanted in ("tpu9", "cuda:99"):
        with pytest.raises(BookError, match=f"the device '{wanted}' is not here") as caught:
            train(RECIPE, small_digits(), device=wanted)
        assert "\n" not in str(caught.value)
