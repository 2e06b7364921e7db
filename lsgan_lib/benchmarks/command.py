"""`lsgan bench`: how fast this machine trains, in a table and a file."""

from collections.abc import Sequence
from pathlib import Path

import torch
import tyro
from tqdm import tqdm
from tyro.conf import Positional

from lsgan_lib.benchmarks.machine_limit import Rates, measure_rates
from lsgan_lib.benchmarks.measure import Row, measure
from lsgan_lib.benchmarks.record import add_rows, default_file, place, table
from lsgan_lib.benchmarks.steps import adapted, image_networks, image_recipes, ways
from lsgan_lib.errors import BookError
from lsgan_lib.training.loop import Engine
from lsgan_lib.training.precision import Precision, precisions
from lsgan_lib.training.recipes import recipe
from lsgan_lib.training.where import pick_device


def main(arguments: Sequence[str]) -> None:
    """What `lsgan bench` does with the words that follow it."""
    if list(arguments[:1]) == ["labs"]:
        try:
            from lsgan_lib.labs.latencies import main as labs
        except ImportError as error:
            raise BookError(
                f"labs are widgets, and {error.name} is not installed: "
                "`pip install 'lsgan-book[book]'`."
            ) from error
        labs(arguments[1:])
        return
    tyro.cli(bench, args=list(arguments), prog="lsgan bench")


def bench(
    recipes: Positional[tuple[str, ...]] = (),
    engine: tuple[Engine, ...] = (),
    precision: tuple[Precision, ...] = (),
    threads: int | None = None,
    rounds: int = 5,
    seconds: float = 2.0,
    width: float | None = None,
    batch: int | None = None,
    device: str | None = None,
    out: Path | None = None,
) -> None:
    """Measure images/s of recipes, engines and precisions on this machine.

    Each is compared with a plain loop, written as a textbook would, and with the machine's own
    limit: the rates of matrix products and of copying that are measured first. The ways to train
    take turns, so that whatever else goes on here disturbs all of them alike.
    `lsgan bench labs` measures the book's labs instead.

    Args:
        recipes: names of recipes on images; all of them if not given.
        engine: eager, graph; all that the device has if not given.
        precision: fp32, tf32, bf16; all that the device has if not given.
        threads: CPU threads; as many as torch likes if not given.
        rounds: turns of each way; the table shows their median.
        seconds: length of a turn, at least one step.
        width: multiplier of the networks' channels; that of the recipe if not given.
        batch: images a step; as many as the recipe says if not given.
        device: cpu, cuda, cuda:1 ...; a GPU where there is one if not given.
        out: the JSON file; assets/benchmarks/MACHINE.json in a clone of the book if not given.
    """
    for name, value in (("threads", threads), ("rounds", rounds), ("seconds", seconds)):
        if value is not None and not value > 0:
            raise BookError(f"--{name} is {value}, but must be more than 0.")
    if threads is not None:
        torch.set_num_threads(threads)
    where = pick_device(device)
    chosen = [
        way
        for way in ways(where)
        if (not engine or way.engine in engine) and (not precision or way.precision in precision)
    ]
    if not chosen:
        there = ", ".join(map(str, ways(where)))
        raise BookError(f"the device {where.type} has no such engine and precision, but {there}.")
    named = {name: adapted(recipe(name), width, batch) for name in recipes or image_recipes()}
    for settings in named.values():
        image_networks(settings)  # refuses points before anything is measured
    facts = place(where)
    file = out if out is not None else default_file(facts)
    rows: list[Row] = []
    turns = len(named) * (len(chosen) + 1) * (rounds + 1)
    with tqdm(total=turns, unit=" turns", disable=None, dynamic_ncols=True) as bar:

        def on_turn(what: str) -> None:
            bar.set_description(what)
            bar.update()

        bar.set_description("what the machine can do")
        rates = measure_rates(where, precisions(where))
        for name, settings in named.items():
            rows += measure(
                *(name, settings, chosen, where, rates),
                rounds=rounds, seconds=seconds, on_turn=on_turn,
            )  # fmt: skip
            add_rows(file, rows, facts)
    print(headline(facts, rates))
    print(table(rows))
    print(f"wrote {file}")


def headline(facts: dict[str, object], rates: Rates) -> str:
    """The machine and its rates, in a line."""
    products = ", ".join(f"{name} {rate / 1e9:,.0f}" for name, rate in rates.products.items())
    return (
        f"{facts['device_name']}, {facts['threads']} threads, torch {facts['torch']}: "
        f"{products} billion multiply-adds a second, {rates.copied / 1e9:,.0f} GB/s copied"
    )
