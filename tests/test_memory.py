"""Memory of a run: what it needs beyond the pictures grows neither with their number nor in time.

Counted is anonymous memory (Linux: RssAnon), what the process itself has written. Pages of the
memory-mapped file are not: the system keeps them while there is room, and takes them back at will.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lsgan_lib.files import write_json
from lsgan_lib.packed import FORMAT

STATUS = Path("/proc/self/status")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (STATUS.is_file() and "RssAnon" in STATUS.read_text()),
        reason="Linux alone counts a process's anonymous memory",
    ),
]

# One fresh process makes all the measurements: most of its seconds go into loading PyTorch.
MEASURE = """
import ctypes, gc, json, re, sys, threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from lsgan_lib.data import read_set
from lsgan_lib.data.prefetch import StreamedBatches
from lsgan_lib.losses.objectives import LossSensitive
from lsgan_lib.networks import LossSensitiveNetworks, MLPNetworks
from lsgan_lib.training import Recipe, Trainer, train
from torch import Tensor

def status(key):
    return int(re.search(rf"{key}:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])

def anonymous():
    return status("RssAnon") * 1024  # bytes

class Mallinfo(ctypes.Structure):
    fields = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
    _fields_ = [(name, ctypes.c_size_t) for name in fields.split()]

def allocated():  # bytes that C and C++ asked for and have not given back
    mallinfo2 = getattr(ctypes.CDLL(None), "mallinfo2", None)
    if mallinfo2 is None:
        return None
    mallinfo2.restype = Mallinfo
    return mallinfo2().uordblks + mallinfo2().hblkhd

def peak_of(run):
    peak, ended = [anonymous()], threading.Event()
    def watch():
        while not ended.wait(0.002):
            peak.append(anonymous())
    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        run()
    finally:
        ended.set()
        watcher.join()
    return max(peak)

small, large, directory = sys.argv[1:]

# 1. A thousand ticks of a toy, with all that a run writes. First, while the process has little
# memory that was freed: a leak would fill that before it shows.

toy = Recipe(
    networks=MLPNetworks(z_dim=4, hidden=8, depth=1), objective=LossSensitive(), data="ring",
    noise="normal", images=8 * 1_000, batch_size=8, tick=8, samples_every=8 * 100,
    state_every=8 * 100, sample_count=4,
)
ticks = {}

def look(trainer):
    if len(trainer.history) in (200, 1_000):
        gc.collect()
        ticks[len(trainer.history)] = {
            "memory": anonymous(),
            "allocated": allocated(),
            "tensors": sum(issubclass(type(thing), Tensor) for thing in gc.get_objects()),
            "threads": status("Threads"),
        }

train(toy, directory=directory, on_tick=look)

# 2. Faces of 64 pixels, black ones: how many there are is the question here.

faces = Recipe(
    networks=LossSensitiveNetworks(width=0.05), objective=LossSensitive(), data=small,
    noise="normal", images=8 * 4, batch_size=8, tick=8, sample_count=4, flip=True,
)

def streamed(recipe):
    images = read_set(Path(recipe.data)).images
    with closing(StreamedBatches(images, recipe.batch_size, seed=0, flip=True)) as stream:
        trainer = Trainer(recipe, stream)
        while trainer.shown < recipe.images:
            trainer.step()
        trainer.tick()

peaks = {}
for way in (train, streamed):
    peak_of(lambda: way(faces))  # the first run fills caches that the others find full
    for name, data in (("small", small), ("large", large)):
        peaks[f"{way.__name__}, {name}"] = peak_of(lambda: way(replace(faces, data=data)))

print(json.dumps({"peaks": peaks, "early": ticks[200], "late": ticks[1_000]}))
"""


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    folder = tmp_path_factory.mktemp("memory")
    sets = [black_faces(folder / str(count), count) for count in (1_000, 20_000)]
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, *map(str, sets), str(folder / "run")],
        capture_output=True,
        text=True,
        timeout=300,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def black_faces(folder: Path, count: int) -> Path:
    """A packed set of 64-pixel images, all zero: a file with a hole, which takes no disk."""
    folder.mkdir()
    shape = (count, 3, 64, 64)
    np.lib.format.open_memmap(folder / "images.npy", mode="w+", dtype=np.uint8, shape=shape)
    facts = {"format": FORMAT, "name": "black", "count": count, "shape": shape, "sha256": ""}
    write_json(folder / "manifest.json", facts)
    return folder


@pytest.mark.parametrize("way", ["train", "streamed"])
def test_training_on_twenty_times_as_many_images_takes_no_more_memory(seen, way):
    """The pixels of the larger set would add 234 MB if they were copied, 934 MB as float32."""
    small, large = seen["peaks"][f"{way}, small"], seen["peaks"][f"{way}, large"]
    assert large - small < 20e6


def test_a_thousand_ticks_leak_nothing(seen):
    """What is kept of a tick is its row of the history, less than a kilobyte."""
    early, late = seen["early"], seen["late"]
    ticks = 1_000 - 200
    assert late["tensors"] == early["tensors"] > 0
    assert late["threads"] == early["threads"]
    if early["allocated"] is not None:  # glibc since 2.33 counts to the byte
        assert late["allocated"] - early["allocated"] < ticks * 1_000
    # What the allocator holds in reserve moves this figure by a megabyte or two.
    assert late["memory"] - early["memory"] < ticks * 10_000
