"""Everything that only a GPU can show, in one go: `python -m lsgan_lib.benchmarks.gpu_session OUT`.

For a machine with a CUDA device that is lent for minutes and reaches no network. It needs torch
2.11 or newer and, of what this library needs, all but tyro; pytest for its tests. Each part prints
PASS, FAIL or SKIP with a sentence, and a part that fails does not stop the next. What was found is
in OUT after each: session.json (the verdicts), bench.json (the rows of `lsgan bench`), pytest.txt.
The parts come in order of weight, and none is begun after --minutes.

--device cpu is a rehearsal: parts that need CUDA are skipped, the rest is done in little.
"""

import argparse
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import torch

from lsgan_lib.benchmarks.kernels import count_kernels
from lsgan_lib.benchmarks.machine_limit import measure_rates
from lsgan_lib.benchmarks.measure import Row, measure
from lsgan_lib.benchmarks.record import add_rows, place, read_rows, table
from lsgan_lib.benchmarks.steps import adapted, engines, image_recipes, random_images, ways
from lsgan_lib.data.batches import Batches
from lsgan_lib.errors import first_line
from lsgan_lib.files import write_json
from lsgan_lib.training.loop import Engine, Trainer
from lsgan_lib.training.precision import Precision, precisions
from lsgan_lib.training.recipe import Recipe
from lsgan_lib.training.recipes import CELEBA_EPOCH, recipe

# Seed 1's step with its penalty, and seed 0's with its dropout.
BOTH = ("faces-loss-sensitive", "mnist-least-squares-full")
_NEEDS_CUDA = "needs a CUDA device"  # the reason that such tests give where they skip
_NEVER = 10**12  # images: a tick that does not end


class Skipped(Exception):
    """A part that cannot be shown here; says why."""


@dataclass(frozen=True)
class Session:
    """Where the parts run, and how much of each."""

    device: torch.device
    out: Path
    deadline: float
    """of time.monotonic: no part and no recipe is begun after it"""

    @property
    def rehearsal(self) -> bool:
        """Without CUDA everything is done in little."""
        return self.device.type != "cuda"

    @property
    def width(self) -> float | None:
        """Of the networks; None is the recipe's own."""
        return 0.05 if self.rehearsal else None

    @property
    def bench(self) -> Path:
        """The file of measurements."""
        return self.out / "bench.json"

    def need_cuda(self) -> None:
        """Raise Skipped where there is none."""
        if self.rehearsal:
            raise Skipped(_NEEDS_CUDA)


def trainer_of(settings: Recipe, session: Session, engine: Engine, precision: Precision) -> Trainer:
    """A trainer on random images whose tick does not end."""
    settings = replace(settings, tick=_NEVER)
    images = random_images(settings)
    stream = Batches(images, settings.batch_size, seed=settings.seed, device=session.device)
    return Trainer(settings, stream, session.device, engine=engine, precision=precision)


# --- the parts: each returns the sentence of its PASS, or raises --------------------------------


def no_waits(session: Session) -> str:
    """No step waits for the GPU: torch raises where one would, and the profiler counts none."""
    session.need_cuda()
    for name in BOTH:
        for engine, precision in product(engines(session.device), precisions(session.device)):
            trainer = trainer_of(recipe(name), session, engine, precision)
            for _ in range(10):
                trainer.step()
            with _waits_forbidden():
                for _ in range(20):
                    trainer.step()
            waits = count_kernels(trainer.step, session.device).waits
            assert waits == 0, f"{name} {engine} {precision}: {waits} waits a step in the profile"
    return f"20 steps each of {' and '.join(BOTH)}, every engine and precision"


@contextmanager
def _waits_forbidden() -> Iterator[None]:
    torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")


def graph_equals_eager(session: Session, steps: int = 200) -> str:
    """The same bits after so many steps, with deterministic algorithms, penalty and dropout."""
    session.need_cuda()
    with _deterministic():
        for name in BOTH:
            for precision in precisions(session.device):
                trainers = [
                    trainer_of(adapted(recipe(name), batch=64), session, engine, precision)
                    for engine in engines(session.device)
                ]
                for trainer in trainers:
                    for _ in range(steps):
                        trainer.step()
                eager, graph = (trainer.state_dict() for trainer in trainers)
                different = _differences(eager, graph)
                assert not different, f"{name} {precision}: {len(different)} differ: {different[0]}"
    return f"{steps} steps of {' and '.join(BOTH)} in every precision, all states equal"


@contextmanager
def _deterministic() -> Iterator[None]:
    before = torch.backends.cudnn.benchmark
    torch.backends.cudnn.benchmark = False
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(False)
        torch.backends.cudnn.benchmark = before


def _differences(a: Any, b: Any, where: str = "state") -> list[str]:
    """Names of what is not equal bit for bit in two nested states."""
    if isinstance(a, torch.Tensor):
        return [] if a.dtype == b.dtype and torch.equal(a, b) else [where]
    if isinstance(a, dict):
        if a.keys() != b.keys():
            return [f"{where}: other names"]
        return [d for key in a for d in _differences(a[key], b[key], f"{where}.{key}")]
    if isinstance(a, list | tuple):
        pairs = enumerate(zip(a, b, strict=True))
        return [d for i, (x, y) in pairs for d in _differences(x, y, f"{where}.{i}")]
    return [] if a == b else [where]


def bench_both(session: Session) -> str:
    """Both seeds' steps at batch 64 and, where it is another, the recipe's own."""
    rows = _bench(session, BOTH)
    if session.rehearsal:
        return f"{len(rows)} rows"
    slow = []
    for name in BOTH:
        best = max(_speed_ups(rows, name, "graph"))
        if best < 3:
            slow.append(f"{name}: graph {best:.2f} x plain, not 3")
    assert not slow, "; ".join(slow)
    return "the graph is at least 3 times as fast as the plain loop at batch 64"


def _speed_ups(rows: list[Row], name: str, engine: str) -> list[float]:
    return [
        row.speed_up or 0.0
        for row in rows
        if (row.recipe, row.engine, row.batch_size) == (name, engine, 64)
    ] or [0.0]


def celeba_in_minutes(session: Session) -> str:
    """25 epochs of CelebA at 64 pixels by the measured rate, batch 64."""
    session.need_cuda()
    rows = read_rows(session.bench)
    rates = [
        (row["images_per_second"], f"{row['engine']} {row['precision']}")
        for row in rows
        if (row["recipe"], row["batch_size"]) == (BOTH[0], 64) and row["images_per_second"]
    ]
    assert rates, "nothing was measured"
    best, way = max(rates)
    minutes = 25 * CELEBA_EPOCH / best / 60
    sentence = (
        f"25 x {CELEBA_EPOCH:,} images at {best:,.0f} images/s ({way}) take {minutes:.1f} minutes"
    )
    assert minutes < 10, sentence
    return sentence


def bench_others(session: Session) -> str:
    """The other recipes on images, as time allows."""
    rows = _bench(session, [name for name in image_recipes() if name not in BOTH])
    return f"{len(rows)} rows"


def cuda_tests(session: Session) -> str:
    """The test files with tests for CUDA: the same mathematics on every engine and precision."""
    session.need_cuda()
    tests = Path(__file__).resolve().parents[2] / "tests"
    files = [str(f) for f in sorted(tests.glob("test_*.py")) if _NEEDS_CUDA in f.read_text()]
    if not files:
        raise Skipped(f"no test in {tests} says {_NEEDS_CUDA!r}")
    done = subprocess.run(
        # addopts: pyproject.toml's speak of plugins that may not be here.
        [sys.executable, "-m", "pytest", "-q", "-o", "addopts=", "-rs", *files],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=max(60.0, session.deadline - time.monotonic()),
        cwd=tests.parent,
    )
    (session.out / "pytest.txt").write_text(done.stdout)
    last = (done.stdout.strip().splitlines() or ["nothing printed"])[-1]
    assert done.returncode == 0, last
    return re.sub(r"=+", "", last).strip()


def _bench(session: Session, names: Any) -> list[Row]:
    """Rows of these recipes at batch 64 and at their own, added to the file as they come."""
    rows: list[Row] = []
    rates = measure_rates(session.device, precisions(session.device))
    facts = place(session.device)
    for batch in (64, None):
        for name in names:
            settings = adapted(recipe(name), session.width, batch)
            if batch is None and settings.batch_size == 64:
                continue
            if time.monotonic() > session.deadline:
                print(f"     out of time before {name}", flush=True)
                return rows
            if session.rehearsal:
                settings = replace(settings, batch_size=4)
            new = measure(
                *(name, settings, ways(session.device), session.device, rates),
                rounds=2 if session.rehearsal else 5,
                seconds=0.05 if session.rehearsal else 0.3,
            )
            add_rows(session.bench, new, facts)
            print(table(new), flush=True)
            rows += new
            if session.rehearsal:
                return rows
    return rows


PARTS: tuple[Callable[[Session], str], ...] = (
    *(no_waits, graph_equals_eager, bench_both, celeba_in_minutes, cuda_tests, bench_others),
)


def run(session: Session, parts: tuple[Callable[[Session], str], ...] = PARTS) -> bool:
    """Every part, its verdict printed and written; True where none failed."""
    session.out.mkdir(parents=True, exist_ok=True)
    verdicts: list[dict[str, Any]] = []
    for part in parts:
        begun = time.monotonic()
        try:
            if begun > session.deadline:
                raise Skipped("out of time")
            verdict, sentence = "PASS", part(session)
        except Skipped as reason:
            verdict, sentence = "SKIP", str(reason)
        except Exception as error:  # whatever it is, the next part is worth its minutes
            verdict, sentence = "FAIL", f"{type(error).__name__}: {first_line(error, 500)}"
        seconds = round(time.monotonic() - begun, 1)
        print(f"{verdict} {part.__name__} ({seconds} s): {sentence}", flush=True)
        verdicts.append(
            {"part": part.__name__, "verdict": verdict, "told": sentence, "seconds": seconds}
        )
        write_json(session.out / "session.json", place(session.device) | {"parts": verdicts})
    return all(verdict["verdict"] != "FAIL" for verdict in verdicts)


def main(arguments: list[str] | None = None) -> None:
    """Read the arguments and run; exits with 1 where a part failed."""
    parser = argparse.ArgumentParser(prog="python -m lsgan_lib.benchmarks.gpu_session")
    parser.add_argument("out", type=Path, help="folder for what is found")
    parser.add_argument("--device", default="cuda", help="cuda, or cpu for a rehearsal")
    parser.add_argument("--minutes", type=float, default=8.5, help="no part begins after them")
    chosen = parser.parse_args(arguments)
    # Deterministic matrix products want this before CUDA is first used.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    deadline = time.monotonic() + 60 * chosen.minutes
    if not run(Session(torch.device(chosen.device), chosen.out, deadline)):
        sys.exit(1)


if __name__ == "__main__":
    main()
