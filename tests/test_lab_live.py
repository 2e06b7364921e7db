"""The live GAN lab: its string, its game, its pictures, its thread, and many random events."""

import io
import threading
import time
from dataclasses import replace

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt  # noqa: E402
import numpy as np  # noqa: E402
import pytest  # noqa: E402
import torch  # noqa: E402
from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from lab_events import press_at_random  # noqa: E402
from PIL import Image  # noqa: E402

from lsgan_lib.data.batches import PointBatches  # noqa: E402
from lsgan_lib.errors import BookError  # noqa: E402
from lsgan_lib.evaluation.modes import count_modes  # noqa: E402
from lsgan_lib.evaluation.window import Window  # noqa: E402
from lsgan_lib.labs import live_lab  # noqa: E402
from lsgan_lib.labs.film import Film  # noqa: E402
from lsgan_lib.labs.live import frame as live_frame  # noqa: E402
from lsgan_lib.labs.live import raster as live_raster  # noqa: E402
from lsgan_lib.labs.live.drawing import MIDDLE, drawn, moved  # noqa: E402
from lsgan_lib.labs.live.game import EVERY, LiveGame, add, replayed  # noqa: E402
from lsgan_lib.labs.live.state import (  # noqa: E402
    CELLS,
    DATA,
    MOST_POINTS,
    OBJECTIVES,
    OPTIMISERS,
    RANGES,
    LiveState,
)
from lsgan_lib.labs.live.strip import print_strip, titles  # noqa: E402
from lsgan_lib.labs.live.text import from_text, to_text  # noqa: E402
from lsgan_lib.labs.live_lab import LiveLab  # noqa: E402
from lsgan_lib.losses.objectives import CrossEntropy, LeastSquares, Wasserstein  # noqa: E402
from lsgan_lib.training.loop import Trainer  # noqa: E402

EVENTS = 1_000  # in a row
SMALL = LiveState(width=8, batch=8, depth=1)


def bits(network: torch.nn.Module) -> bytes:
    return b"".join(p.detach().numpy().tobytes() for p in network.parameters())


def waited(condition, seconds=30.0) -> bool:
    """Whether it comes true in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.01)
    return condition()


@pytest.fixture
def make():
    """Labs that are closed when the test ends, even one that fails."""
    labs = []

    def made(*arguments, **options) -> LiveLab:
        labs.append(LiveLab(*arguments, **options))
        return labs[-1]

    yield made
    for lab in labs:
        lab.close()


# --- settings and their string --------------------------------------------------------------------

places = st.integers(0, CELLS - 1)
numbers = {
    name: st.integers(low, high)
    if isinstance(getattr(LiveState, name), int)
    else st.floats(low, high)
    for name, (low, high) in RANGES.items()
}
states = st.builds(
    LiveState,
    data=st.sampled_from(DATA),
    objective=st.sampled_from(OBJECTIVES),
    optimiser=st.sampled_from(OPTIMISERS),
    **(numbers | {"a": st.floats(-4, -0.1), "b": st.floats(0.1, 4)}),
    points=st.lists(st.tuples(places, places), min_size=1, max_size=20, unique=True).map(tuple),
)


def said(state: LiveState) -> LiveState:
    """What a string tells of a state: only a drawing has points."""
    return state if state.data == "drawn" else replace(state, points=LiveState.points)


@settings(max_examples=100, deadline=None)
@given(states, states)
def test_a_string_brings_back_the_settings_that_it_was_made_of(one, other):
    assert from_text(to_text(one)) == (said(one),)
    both = said(one), replace(said(other), data=one.data, seed=one.seed, points=said(one).points)
    assert from_text(to_text(*both)) == both


def test_what_a_string_means_does_not_change():
    """Strings are sent to other people: what is left out of them must keep its value."""
    (state,) = from_text("")
    assert state == LiveState(
        "ring", "cross-entropy", 0.0, 1.0, 1.0, 0.0, 0.5, 0.0, 32, 2, "adam", 2e-3, 1e-3, 1, 64, 0
    )
    (state,) = from_text("grid,least squares,rmsprop,a=-1, c = 0,width=64,critic=1e-3,seed=3")
    assert state.loss == LeastSquares(-1.0, 1.0, 0.0)
    assert (state.data, state.optimiser, state.width) == ("grid", "rmsprop", 64)
    assert (state.critic, state.generator, state.seed) == (1e-3, 1e-3, 3)
    assert from_text("wasserstein")[0].penalty == 1 and from_text("loss-sensitive")[0].penalty > 0
    assert from_text("wasserstein, penalty=0")[0].loss == Wasserstein(None)
    assert from_text("saturating")[0].loss == CrossEntropy(saturating=True)
    (drawing,) = from_text("drawn, points=AAB-")
    assert drawing.points == ((0, 0), (1, 62))
    assert drawing.mixture.centres[0].tolist() == [-2 + 1 / 32] * 2


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("rong", "I do not know “rong”. I know line, two bumps, triangle, ring,"),
        ("colour=red", "I do not know “colour=red”"),
        ("width", "I do not know “width”"),
        ("width=2.5", "width wants a whole number, not “2.5”"),
        ("a=tall", "a wants a number, not “tall”"),
        ("a=nan", "cannot be played: a is nan, but belongs between -4 and 4"),
        ("width=1000000", "belongs between 2 and 128"),
        ("least squares, a=1", "a and b are both 1.0"),
        ("drawn, points=", "from 1 to 100 points"),
        ("points=ABC", "I do not know “points=ABC”"),
        ("ring | seed=4", "share data and seed"),
        ("a=1 | b=2 | c=3", "one bar at most"),
    ],
)
def test_a_string_that_is_not_understood_is_answered_by_a_sentence(text, sentence):
    with pytest.raises(BookError) as refused:
        from_text(text)
    assert sentence in str(refused.value)


@pytest.mark.parametrize("data", DATA)
def test_all_data_lie_inside_what_is_drawn(data):
    """The density sums to 1 over the window, so that the divergence sees all of it."""
    window = Window(2.0, 60)
    density = window.density(LiveState(data=data).mixture, blur=0.1)
    assert density.sum().item() * window.spacing**2 == pytest.approx(1, abs=0.01)


# --- a drawing ------------------------------------------------------------------------------------


def test_pointer_and_keyboard_draw():
    two = ((1, 1), (2, 2))
    down, move, up = ({"kind": kind} for kind in ("down", "move", "up"))
    enter, delete = ({"kind": "key", "key": key} for key in ("Enter", "Delete"))
    assert drawn(two, down, MIDDLE, (5, 6), anew=False) == (*two, (5, 6))
    assert drawn(two, move, MIDDLE, (2, 2), anew=False) == two  # is there
    assert drawn(two, move, MIDDLE, None, anew=False) == two  # not over the panel
    assert drawn(two, up, MIDDLE, (5, 6), anew=False) == two
    assert drawn(two, enter, (7, 8), (5, 6), anew=False) == (*two, (7, 8))
    assert drawn(two, down, MIDDLE, (5, 6), anew=True) == ((5, 6),)
    assert drawn(two, delete, MIDDLE, None, anew=False) == ((1, 1),)
    assert drawn(two[:1], delete, MIDDLE, None, anew=False) == two[:1]  # data there must be
    assert moved((0, 63), "ArrowLeft") == moved((0, 63), "ArrowUp") == (0, 63)
    assert moved((0, 63), "ArrowRight") == (1, 63) and moved((0, 63), "ArrowDown") == (0, 62)


@pytest.mark.parametrize("games", [1, 2])
def test_a_click_meets_the_point_under_it(games):
    """A point is drawn where one clicked for it."""
    width, height = live_frame.size(games)
    for number in range(games):
        left, top = live_frame.corner(games, number, 0)
        for place in ((0, 0), (63, 63), (10, 50)):
            state = LiveState(data="drawn", points=(place,))
            column, row = live_raster.pixels(state.mixture.centres.numpy())[0]
            clicked = live_frame.place_at(games, (left + column) / width, (top + row) / height)
            assert clicked == place
    assert live_frame.place_at(games, 0.999, 0.999) is None


# --- the game -------------------------------------------------------------------------------------


def test_single_turns_of_the_trainer_move_one_player():
    trainer = Trainer(SMALL.recipe(EVERY), PointBatches(SMALL.mixture, 8, seed=0))
    critic, generator = bits(trainer.critic), bits(trainer.generator)
    told = trainer.turn("critic", name=1)
    assert "critic_loss" in told.names and "generator_loss" not in told.names
    assert bits(trainer.critic) != critic and bits(trainer.generator) == generator
    assert trainer.shown == 8
    critic = bits(trainer.critic)
    losses = []
    for name in (2, 3, 2):
        twin = Trainer(SMALL.recipe(EVERY), PointBatches(SMALL.mixture, 8, seed=0))
        losses.append(twin.turn("generator", name=name).sums[0].item())
    assert losses[0] == losses[2] != losses[1]  # its name is all that its noise depends on
    trainer.turn("generator", name=2)
    assert bits(trainer.critic) == critic and bits(trainer.generator) != generator
    assert trainer.shown == 8 and trainer.history == []
    trainer.step()  # and the game goes on
    assert trainer.shown == 16
    trainer.engine = "graph"
    with pytest.raises(BookError, match="single turns need the engine eager"):
        trainer.turn("critic", name=3)


@pytest.mark.parametrize("text", ["ring, width=8", "grid, wasserstein, turns=2, rmsprop, width=8"])
def test_the_game_is_a_plain_training_run(text, make):
    """Bit by bit, although it is watched, and trained in a thread."""
    lab = make(text)
    lab.play()
    assert waited(lambda: lab.games[0].played >= 25)
    lab.pause()
    game = lab.games[0]
    state = game.state
    data = PointBatches(state.mixture, state.batch, seed=state.seed)
    plain = Trainer(state.recipe(EVERY), data)
    for _ in range(game.played):
        plain.step()
    assert bits(plain.critic) == bits(game.trainer.critic)
    assert bits(plain.generator) == bits(game.trainer.generator)
    assert plain.shown == game.trainer.shown == game.played * state.batch * state.turns


def test_the_same_string_gives_the_same_pictures(make):
    text = "two bumps, saturating, width=8, turns=2, seed=5"
    lab, again = make(text, speed=3), make(text, name="another")
    lab.play()
    assert waited(lambda: lab.games[0].played >= 12)
    for press in (lab.toggle, *[lambda: lab.turn("critic")] * 3, lambda: lab.turn("generator")):
        press()
    lab.play()
    assert waited(lambda: lab.games[0].played >= 40)
    lab.pause()
    shown, settings = bytes(lab.image.value), lab.settings
    assert [what for what, _ in settings.moves] == ["round", "critic", "generator", "round"]
    assert settings.moves[1:3] == (("critic", 9), ("generator", 3))
    assert again.picture(settings) == shown  # trained anew, at another pace
    other = replace(settings, states=(replace(settings.states[0], seed=6),))
    assert again.picture(other) != shown


def test_a_pair_plays_on_the_same_data_from_the_same_start(make):
    lab = make("ring, cross-entropy, width=8, seed=2 | cross-entropy, width=8")
    lab.turn("round")
    one, other = lab.games
    assert bits(one.trainer.generator) == bits(other.trainer.generator)
    lab.change(1, "objective", "least squares")
    lab.turn("round")
    one, other = lab.games
    assert bits(one.trainer.generator) != bits(other.trainer.generator)
    assert (one.real == other.real).all()
    lab.change(None, "data", "line")
    assert [state.data for state in lab.settings.states] == ["line", "line"]
    assert (
        LiveLab.pair("line, width=8", "saturating", name="third").settings.states[1].data == "line"
    )


def test_the_curves_are_what_was_logged():
    game = LiveGame(SMALL)
    game.play("round", 2 * EVERY + 3)
    game.play("critic")
    curves = game.curves()
    assert curves["turn"].tolist() == [0, EVERY, 2 * EVERY, 2 * EVERY + 4, 2 * EVERY + 4]
    plain = Trainer(SMALL.recipe(EVERY), PointBatches(SMALL.mixture, 8, seed=0))
    for _ in range(EVERY):
        plain.step()
    row = plain.tick()
    assert curves["critic_loss"][1] == row["critic_loss"]
    assert curves["generator_loss"][1] == row["generator_loss"]
    assert np.isnan(curves["generator_loss"][-1]) and np.isfinite(curves["critic_loss"][-1])
    assert curves["divergence"][1] != curves["divergence"][0] > 0
    views = replayed(SMALL, add((), "round", EVERY)).look()
    assert views.divergence == pytest.approx(curves["divergence"][1])


@pytest.mark.parametrize("what", ["round", "critic", "generator"])
def test_a_game_whose_numbers_run_away_says_so_and_stops(what, make):
    lab = make("ring, width=8", speed=1)
    with torch.no_grad():
        for weights in lab.games[0].trainer.critic.parameters():
            weights.mul_(1e20)  # the scores overflow
    lab.turn(what)
    assert lab.games[0].broken and "is not finite in turn 1," in lab.page.status.value
    weights = bits(lab.games[0].trainer.generator)
    lab.play()
    assert waited(lambda: not lab.film.running)
    assert lab.page.play.description == "Play"
    assert "The game is over. " in lab.page.status.value
    assert bits(lab.games[0].trainer.generator) == weights
    assert lab.games[0].look() is None  # and the picture says so
    lab.reset()
    assert lab.games[0].broken is None and lab.games[0].played == 0


# --- pictures -------------------------------------------------------------------------------------


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def test_the_picture_shows_the_points_where_they_are_and_the_critic_where_it_is_high():
    game = LiveGame(replace(SMALL, data="drawn", points=((32, 32),)))
    with torch.no_grad():
        *_, last = game.trainer.generator.parameters()
        for weights in game.trainer.generator.parameters():
            weights.zero_()
        last.copy_(torch.tensor([1.0, -1.0]))  # all generated points are here
        first, bias, *_, score, lowest = game.trainer.critic.parameters()
        first.zero_(), score.zero_(), lowest.zero_()
        first[0, 0], bias[0], score[0, 0] = 1.0, 2.0, 1.0  # the score is x + 2
    page = pixels(live_frame.frame([game]))
    left, top = live_frame.corner(1, 0, 0)
    assert page[top + 300, left + 300].tolist() == [0xD5, 0x5E, 0x00]
    red, green, blue = page[top + 198, left + 203].tolist()
    assert red < green < blue  # pale blue
    assert page[top + 100, left + 100].tolist() == [255, 255, 255]
    left, top = live_frame.corner(1, 0, 1)
    line = page[top + 40, left + 10 : left + 390, 0].astype(int)
    assert (np.diff(line) >= 0).all() and line[0] == 0x7A and line[-1] == 0xFF


def test_all_six_panels_change_with_the_game_and_titles_name_them():
    game = LiveGame(SMALL)
    before = pixels(live_frame.frame([game]))
    game.play("round", 20)
    after = pixels(live_frame.frame([game]))
    for place in range(6):
        left, top = live_frame.corner(1, 0, place)
        panel = np.s_[top : top + live_raster.SIDE, left : left + live_raster.SIDE]
        assert (before[panel] != after[panel]).any(), live_frame.TITLES[place]
        title = after[top - 30 : top - 8, left : left + 100]
        assert (title < 128).any()


def test_a_frame_is_quick():
    """25 a second on one core leave 40 ms; the bound leaves room for a slow machine."""
    game = LiveGame(LiveState())
    game.play("round", 20)
    live_frame.frame([game])
    begun = time.process_time()
    for _ in range(10):
        live_frame.frame([game])
    assert (time.process_time() - begun) / 10 < 0.08


def test_the_strip_is_a_figure_of_the_same_game():
    before = plt.get_fignums()
    print_strip([SMALL, replace(SMALL, objective="least squares")], (0, 5))
    figure = plt.gcf()
    assert len(figure.axes) == 8 and figure.axes[1].get_title() == "5 rounds"
    views = replayed(SMALL, add((), "round", 5)).look()
    generated = figure.axes[1].collections[1].get_offsets()
    np.testing.assert_array_equal(generated, views.fake[:200])
    plt.close(figure)
    assert plt.get_fignums() == before
    assert titles([SMALL, replace(SMALL, objective="least squares")])[1] == "least squares"
    assert titles([SMALL, replace(SMALL, slope=0.5)]) == ["slope 0", "slope 0.5"]


# --- the thread -----------------------------------------------------------------------------------


def test_a_film_runs_beside_us_and_leaves_no_thread():
    threads, frames, ends = threading.active_count(), [], []
    film = Film(lambda: frames.append(threading.current_thread()), ends.append, rate=200)
    for _ in range(3):
        film.start()
        film.start()
        assert threading.active_count() == threads + 1
        made = len(frames)
        assert waited(lambda made=made: len(frames) > made + 2)
        film.stop()
        film.stop()
        assert threading.active_count() == threads and not film.running
    assert threading.main_thread() not in frames and ends == [] and film.pace > 0


def test_a_film_ends_by_itself_and_says_why():
    ends = []
    film = Film(lambda: None, ends.append, longest=0.05)
    film.start()
    assert waited(lambda: ends) and "minutes of play" in ends.pop()
    film = Film(lambda: "no more.", ends.append)
    film.start()
    assert waited(lambda: ends == ["no more."])
    film = Film(lambda: 1 // 0, ends.append)
    film.start()
    assert waited(lambda: len(ends) == 2) and "stopped by an error: integer division" in ends[1]
    assert waited(lambda: not film.running)


def test_who_holds_the_film_still_sees_no_frame_and_can_stop_it():
    frames = []
    film = Film(lambda: frames.append(1), lambda why: None, rate=1000)
    film.start()
    assert waited(lambda: frames)
    with film.lock:
        made = len(frames)
        time.sleep(0.05)
        assert len(frames) == made
        film.stop()  # does not wait for a frame that waits for us
    assert not film.running


def test_playing_stops_when_the_lab_leaves_the_page_or_is_made_anew(make):
    threads = threading.active_count()
    lab = make("ring, width=8")
    lab.image.hear({"kind": "shown"})
    lab.page.play.click()
    assert lab.film.running and lab.page.play.description == "Pause"
    lab.image.hear({"kind": "gone"})
    assert not lab.film.running and "left the page" in lab.page.status.value
    lab.play()
    other = make("ring, width=8", name="another")
    assert lab.film.running
    newest = make("line, width=8")
    assert not lab.film.running and "made anew" in lab.page.status.value
    newest.play()
    other.play()
    newest.close()
    other.close()
    assert threading.active_count() == threads
    assert "live lab" not in live_lab._labs and "another" not in live_lab._labs


def test_a_change_starts_again_and_goes_on_playing(make):
    lab = make("ring, width=8")
    lab.play()
    assert waited(lambda: lab.games[0].played > 3)
    lab.page.own[0].made["objective"].value = "least squares"
    assert lab.film.running and lab.games[0].state.objective == "least squares"
    lab.pause()
    assert lab.page.share.value == "ring, least squares, width=8"
    assert lab.page.own[0].made["a"].layout.display is None
    assert lab.page.own[0].made["slope"].layout.display == "none"
    lab.page.own[0].made["a"].value = 1.0  # equals b
    assert "Not changed: a and b are both 1.0" in lab.page.status.value
    assert lab.page.own[0].made["a"].value == 0.0 == lab.settings.states[0].a
    lab.page.share.value = "line, wasserstein, seed=7"
    assert lab.settings.states == (LiveState("line", "wasserstein", penalty=1.0, seed=7),)
    assert lab.page.common.made["seed"].value == 7
    lab.page.share.value = "line, wassersteen"
    assert "I do not know “wassersteen”" in lab.page.status.value
    assert lab.settings.states[0].objective == "wasserstein"
    lab.page.share.value = "ring | line"
    assert "Nothing changed." in lab.page.status.value


def test_points_are_drawn_with_pointer_and_keys(make):
    lab = make("ring, width=8")
    down = {"kind": "down", "x": 0.2, "y": 0.3}
    lab.image.hear(down)
    assert "choose the data" in lab.page.status.value and lab.settings.states[0].data == "ring"
    lab.page.common.made["data"].value = "drawn"
    before = lab.settings.states[0].points
    lab.image.hear(down)
    assert lab.settings.states[0].points == (*before, live_frame.place_at(1, 0.2, 0.3))
    lab.page.drawing.click()
    for key in ("ArrowUp", "Enter", "ArrowLeft", " "):
        lab.image.hear({"kind": "key", "key": key, "x": 0.5, "y": 0.5})
    assert lab.settings.states[0].points == ((32, 33), (31, 33))
    assert from_text(lab.page.share.value) == lab.settings.states
    full = LiveState("drawn", points=tuple((5, row) for row in range(MOST_POINTS // 2)) + tuple(
        (7, row) for row in range(MOST_POINTS // 2)))  # fmt: skip
    lab.page.share.value = to_text(full)
    lab.image.hear(down)
    assert lab.settings.states == (full,) and "from 1 to 100 points" in lab.page.status.value


# --- what the chapters say about it ---------------------------------------------------------------


def gap(game: LiveGame) -> float:
    return float(game.curves()["divergence"][-1])


@pytest.mark.parametrize("seed", [0, 1])
def test_chapter_01_one_player_alone(seed):
    (state,) = from_text(f"triangle, cross-entropy, width=64, turns=4, batch=128, seed={seed}")
    game = LiveGame(state)
    start = game._fake()
    game.play("critic", 50)
    assert torch.equal(game._fake(), start)  # the points stand still
    assert game.curves()["critic_loss"][1] > 1.3 and game.curves()["critic_loss"][-1] < 0.6
    game = replayed(state, (("round", 200),))
    assert gap(game) < 0.2
    game.play("generator", 100)
    assert gap(game) > 0.35
    game.play("round", 150)
    assert gap(game) < 0.15


@pytest.mark.slow
@pytest.mark.parametrize("objective", ["cross-entropy", "least squares"])
def test_chapter_05_a_critic_that_is_too_slow(objective):
    def modes(game: LiveGame) -> int:
        return count_modes(game._fake(), game.state.mixture).modes

    (slow,), (quick,) = (
        from_text(f"ring, {objective}, width=64, critic={rate}") for rate in ("0.0002", "0.002")
    )
    game, centres = LiveGame(slow), []
    for _ in (300, 400, 500, 600):
        game.play("round", 300 if game.played == 0 else 100)
        assert modes(game) <= 4
        centres.append(game._fake().mean(dim=0))
    assert torch.pdist(torch.stack(centres)).max() > 0.3  # they wander
    if objective == "cross-entropy":
        late = {name: values[20:] for name, values in game.curves().items()}
        assert abs(late["critic_loss"] - 2 * np.log(2)).max() < 0.1
        assert abs(late["generator_loss"] - np.log(2)).max() < 0.15
    assert modes(replayed(quick, (("round", 600),))) >= 7


@pytest.mark.slow
def test_chapter_10_two_slopes_and_one_game():
    free = "ring, loss-sensitive, penalty=0, turns=2 | loss-sensitive, slope=1, penalty=0, turns=2"
    zero, one = (replayed(state, (("round", 600),)) for state in from_text(free))
    assert zero.curves()["critic_loss"][1:].min() > 0 > one.curves()["critic_loss"][-1]
    wide = free.replace("penalty=0", "margin=10, penalty=1")
    zero, one = (replayed(state, (("round", 150),)) for state in from_text(wide))
    assert bits(zero.trainer.generator) == bits(one.trainer.generator)


# --- a thousand events ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("ring, cross-entropy, width=8, batch=8", EVENTS),
        ("drawn, least squares | wasserstein", EVENTS // 3),
    ],
)
def test_random_events_in_a_row(text, count, make, monkeypatch):
    """While it trains in its thread: no exception, the picture is that of the settings."""
    for module in (live_raster, live_frame):
        monkeypatch.setattr(module, "SIDE", 120)  # small pages, for speed
    live_frame._page.cache_clear()
    lab = make(text, speed=2, name=text)
    for controls in lab.page.own:  # and small games
        for name, most in (("width", 8), ("batch", 8), ("depth", 2), ("turns", 2)):
            controls.made[name].value = min(controls.made[name].value, most)
            controls.made[name].max = most
    lab.page.speed.max = 3
    threads, running = threading.active_count(), []
    lab.film.ended = lambda why, ended=lab.film.ended: (running.append(why), ended(why))
    press_at_random(lab, count, seed=count, threads=1)
    lab.pause()
    assert lab.page.play.description == "Play"
    assert threading.active_count() == threads
    assert make(text, name="fresh").picture(lab.settings) == bytes(lab.image.value)
    live_frame._page.cache_clear()


# --- in a kernel ----------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_kernel_goes_on_answering_while_the_lab_trains():
    """Cells run, see the training go on, and a cell that is run again stops what it had begun."""
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel(kernel_name="python3")
    try:

        def run(code: str) -> str:
            printed = []
            reply = client.execute_interactive(
                code,
                timeout=120,
                output_hook=lambda m: printed.append(m["content"].get("text", "")),
            )
            assert reply["content"]["status"] == "ok", reply["content"]
            return "".join(printed)

        run("import threading, time\nfrom lsgan_lib.labs.live_lab import LiveLab")
        run("before = threading.active_count()\nfirst = lab = LiveLab('ring, width=8'); lab.play()")
        first = int(run("print(lab.games[0].played)"))
        assert waited(lambda: int(run("print(lab.games[0].played)")) > first + 8)
        begun = time.monotonic()
        assert run("print(sum(range(1000)))").strip() == "499500"
        assert time.monotonic() - begun < 5
        run("lab = LiveLab('ring, width=8')")
        assert run("print(first.film.running, threading.active_count() - before)").split() == [
            "False",
            "0",
        ]
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
