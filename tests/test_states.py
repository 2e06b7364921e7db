"""Which states of a run stay, and which one it goes on from, whatever happens in between."""

import math
import os
import re

import pytest
import torch
from full_disk import full_disk
from small_runs import RECIPE, same

from lsgan_lib.errors import BookError
from lsgan_lib.training import RunDirectory


def content(shown: int) -> dict:
    return {"shown": shown, "weights": torch.full((4,), float(shown))}


@pytest.fixture
def run(tmp_path) -> RunDirectory:
    run = RunDirectory(tmp_path / "my run")
    run.create(RECIPE)
    return run


def written(run: RunDirectory, *shown: int, keep: int = 2) -> RunDirectory:
    for images in shown:
        run.write_state(RECIPE, content(images), keep=keep)
    return run


def reopened(run: RunDirectory) -> RunDirectory:
    """As the next process sees it."""
    return RunDirectory(run.path)


def damage(run: RunDirectory, name: str) -> None:
    data = bytearray((run.path / name).read_bytes())
    data[len(data) // 2] ^= 1
    (run.path / name).unlink()  # a file that went bad, and not its other names
    (run.path / name).write_bytes(data)


def files(run: RunDirectory) -> set[str]:
    return {p.relative_to(run.path).as_posix() for p in run.path.rglob("*.p*t") if p.is_file()}


# --- the last k ----------------------------------------------------------------------------------


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize(("keep", "older"), [(1, []), (2, [30]), (3, [20, 30]), (9, [10, 20, 30])])
def test_the_last_states_stay_whole_under_their_own_numbers(run, keep, older, restarts):
    for shown in (10, 20, 30, 40):
        run.write_state(RECIPE, content(shown), keep=keep)
        run = reopened(run) if restarts else run
    assert run.states() == older
    assert same(run.state(), content(40))
    for images in older:
        assert same(run.state(which=images), content(images))
    assert files(run) == {"state.pt", *(f"states/{images:09d}.pt" for images in older)}


def test_two_stay_where_nothing_is_said(run):
    for shown in (10, 20, 30):
        run.write_state(RECIPE, content(shown))
    assert run.states() == [20]


def test_fewer_to_keep_drops_the_oldest_with_the_next_state(run):
    written(run, 10, 20, 30, 40, keep=4)
    assert written(run, 50, keep=2).states() == [40]
    assert written(run, 60, keep=1).states() == []


def test_the_same_moment_again_replaces_it(run):
    assert written(run, 10, 20, 20).states() == [10]
    assert written(reopened(run), 20).states() == [10]


def test_a_future_that_was_given_up_does_not_come_back(run):
    """Back from 40 to 20 and on to 25: nothing of the other future may pass for this one's."""
    written(run, 10, 20, 30, 40, keep=4)
    back = reopened(run)
    assert back.state(which=20)["shown"] == 20
    written(back, 25, keep=4)
    assert back.states() == [10, 20] and back.state()["shown"] == 25
    assert written(back, 30, keep=4).states() == [10, 20, 25]


def test_states_come_to_the_device_that_is_named(run):
    written(run, 10, 20)
    run.write_state(RECIPE, content(30), distance=1.0)
    for which in ("newest", "best", 20):
        assert run.state("meta", which=which)["weights"].is_meta


# --- the best ------------------------------------------------------------------------------------


@pytest.mark.parametrize("restarts", [False, True])
def test_the_best_is_the_first_with_the_lowest_distance(run, restarts):
    for shown, distance, best in (
        (5, math.nan, None),  # no distance at all
        (10, 3.0, 10),
        (20, 2.0, 20),
        (30, 2.0, 20),  # of equals the older
        (40, None, 20),
        (50, math.nan, 20),
        (60, 2.5, 20),
        (70, 1.0, 70),
        (80, math.inf, 70),
    ):
        run.write_state(RECIPE, content(shown), distance=distance)
        run = reopened(run) if restarts else run
        if best is None:
            with pytest.raises(BookError, match="no state best"):
                run.state(which="best")
        else:
            assert same(run.state(which="best"), content(best))
        assert same(run.state(), content(shown))


def test_a_best_state_that_cannot_be_read_gives_way_to_the_next(run):
    run.write_state(RECIPE, content(10), distance=1.0)
    damage(run, "best.pt")
    with pytest.raises(BookError, match=r"best\.pt cannot be read: its checksum"):
        run.state(which="best")
    run = reopened(run)
    run.write_state(RECIPE, content(20), distance=2.0)
    assert same(run.state(which="best"), content(20))


@pytest.mark.parametrize("name", ["state.pt", "best.pt"])
def test_a_state_that_the_reader_deletes_meanwhile_stops_nothing(run, name):
    run.write_state(RECIPE, content(10), distance=1.0)
    (run.path / name).unlink()
    run.write_state(RECIPE, content(20), distance=2.0)
    assert same(run.state(), content(20))
    assert run.state(which="best")["shown"] == (20 if name == "best.pt" else 10)


# --- going on ------------------------------------------------------------------------------------


def test_a_run_without_a_state_has_none(run):
    assert run.state() is None and run.states() == []


def test_a_number_finds_a_state_under_any_of_its_names(run):
    run.write_state(RECIPE, content(10), distance=1.0)
    written(run, 20, 30, 40)
    for images in (10, 30, 40):
        assert same(reopened(run).state(which=images), content(images))
    with pytest.raises(BookError, match=r"there is no state 20 in .*there are: 30\. `lsgan resume"):
        run.state(which=20)
    with pytest.raises(BookError, match=r"no state 20 in .*there are: none\."):
        written(run, 50, keep=1).state(which=20)


def test_beside_a_damaged_newest_state_the_sentence_names_the_next(run):
    run.write_state(RECIPE, content(10), distance=1.0)
    written(run, 20, 30, 40, keep=3)

    def sentence() -> str:
        with pytest.raises(BookError) as caught:
            reopened(run).state()
        assert "\n" not in str(caught.value)
        assert str(caught.value).startswith(f"{run.path / 'state.pt'} cannot be read")
        return str(caught.value)

    command = f"`lsgan resume '{run.path}' --from "
    damage(run, "state.pt")
    assert f"{command}30` goes on from one that can be read." in sentence()
    assert same(run.state(which=30), content(30))
    damage(run, "states/000000030.pt")
    assert f"{command}20`" in sentence()
    (run.path / "states/000000020.pt").write_bytes(b"")
    assert f"{command}best`" in sentence()
    damage(run, "best.pt")
    assert "There is no other that can be read: start the run again in another f" in sentence()


def test_a_run_whose_newest_state_is_gone_does_not_begin_anew_in_silence(run):
    written(run, 20, 30)
    for name in files(run) - {"states/000000020.pt"}:
        (run.path / name).unlink()
    with pytest.raises(BookError, match=r"state\.pt cannot be read \(No such.* --from 20`"):
        reopened(run).state()


def test_a_run_killed_between_its_first_best_and_newest_state_goes_on_from_the_best(run):
    run.write_state(RECIPE, content(20), distance=1.0)
    (run.path / "state.pt").unlink()
    assert reopened(run).state()["shown"] == 20


def test_a_damaged_newest_state_takes_no_place_among_the_older(run):
    written(run, 10, 20)
    damage(run, "state.pt")
    back = reopened(run)
    assert back.state(which=10)["shown"] == 10
    written(back, 20, 30)
    assert back.states() == [20] and same(back.state(which=20), content(20))


# --- killed --------------------------------------------------------------------------------------


class Killed(BaseException):
    """Stands in for SIGKILL: nothing catches it, and nothing is tidied up after it."""


def let_die(patch: pytest.MonkeyPatch, at: int) -> list[str]:
    """Die at the so-manieth call that changes the disk; returns the calls that were begun."""
    begun: list[str] = []
    for name in ("replace", "link", "unlink", "fsync"):
        real = getattr(os, name)

        def mortal(*arguments, real=real, name=name):
            begun.append(name)
            if len(begun) > at:  # and at every later one: the process is no more
                raise Killed
            return real(*arguments)

        patch.setattr(os, name, mortal)
    return begun


def no_links(*_):
    raise OSError(1, "Operation not permitted")


@pytest.mark.parametrize("links", [True, False], ids=["links", "copies"])
@pytest.mark.parametrize(("distance", "best"), [(1.0, 30), (5.0, 20), (None, 20)])
def test_killed_between_any_two_steps_nothing_is_lost(tmp_path, monkeypatch, links, distance, best):
    if not links:
        monkeypatch.setattr(os, "link", no_links)
    for at in range(1_000):
        run = RunDirectory(tmp_path / str(at))
        run.create(RECIPE)
        run.write_state(RECIPE, content(10), distance=3.0)
        run.write_state(RECIPE, content(20), distance=2.0)
        with monkeypatch.context() as patch:
            begun = let_die(patch, at)
            try:
                run.write_state(RECIPE, content(30), distance=distance)
                break
            except Killed:
                pass
        run = reopened(run)
        shown = run.state()["shown"]
        assert shown in (20, 30), begun
        for images in {*run.states(), shown, shown - 10}:  # the last two of that moment
            assert same(run.state(which=images), content(images)), begun
        # The best that is known is not behind the newest state.
        assert run.state(which="best")["shown"] in ({20, best} if shown == 20 else {best}), begun
        # It goes on, with the same process number and without tidying up, as if nothing had been.
        if shown == 20:
            run.write_state(RECIPE, content(30), distance=distance)
        written(run, 40)
        assert same(run.state(), content(40)) and run.states() == [30]
        assert same(run.state(which=30), content(30))
        assert same(run.state(which="best"), content(best))
        run.prepare()
        assert files(run) == {"state.pt", "best.pt", "states/000000030.pt"}
    assert at == len(begun) and {"replace", "unlink", "fsync"} <= set(begun) and at >= 6


def test_a_name_that_cannot_be_given_leaves_all_states_as_they_were(run):
    """A folder in the way: neither a link nor a copy can take its place."""
    written(run, 10, 20)
    (run.path / "states/000000020.pt/in the way").mkdir(parents=True)
    with pytest.raises(BookError, match=r"could not write .*000000020\.pt"):
        written(run, 30)
    assert same(run.state(), content(20))
    assert [p.name for p in run.path.rglob(".*")] == []


def test_a_full_disk_leaves_all_states_as_they_were(run):
    run.write_state(RECIPE, content(10), distance=2.0)
    written(run, 20)
    large = {"shown": 30, "weights": torch.zeros(100_000)}
    for distance in (1.0, 3.0):
        with full_disk(free=50_000), pytest.raises(BookError, match=r"could not write .*\.pt: "):
            run.write_state(RECIPE, large, distance=distance)
        assert same(run.state(), content(20)) and same(run.state(which=10), content(10))
        assert same(run.state(which="best"), content(10))
        assert [p.name for p in run.path.rglob(".*")] == []


def test_a_full_disk_where_links_are_unknown(run, monkeypatch):
    monkeypatch.setattr(os, "link", no_links)
    large = {"shown": 10, "weights": torch.zeros(100_000)}
    run.write_state(RECIPE, large)
    with full_disk(free=50_000), pytest.raises(BookError, match=r"could not write .*000000010\.pt"):
        written(run, 20)
    assert same(run.state(), large) and run.states() == []


def test_numbers_in_the_sentences_are_those_of_the_command(run):
    """What a sentence tells to type is what `state` takes."""
    written(run, 60_000, 120_000)
    damage(run, "state.pt")
    with pytest.raises(BookError) as caught:
        run.state()
    number = re.search(r"--from (\S+)`", str(caught.value))
    assert number and run.state(which=int(number[1]))["shown"] == 60_000
