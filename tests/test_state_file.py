"""A state file is the one that was written, bit for bit, or it is refused with a sentence."""

import hashlib
import io
import json
import os
import pickle
import random
import re
import struct
from pathlib import Path

import pytest
import torch
from full_disk import full_disk
from small_runs import same

from lsgan_lib.errors import BookError
from lsgan_lib.training import state_file

FORMAT_1 = Path(__file__).parent / "state_format_1"

CONTENT = {
    "recipe": {"seed": 3},
    "shown": 60_000,
    "weights": {"a": torch.arange(6.0).reshape(2, 3), "b": torch.tensor(7)},
    "history": [{"images": 1.0}],
    "nothing": None,
}


def refusal(path: Path) -> str:
    """The sentence with which a file is refused."""
    with pytest.raises(BookError) as caught:
        state_file.read(path)
    sentence = str(caught.value)
    assert sentence.startswith(str(path)) and "\n" not in sentence
    assert "go on from another state of the run" in sentence
    return sentence


def seal(body: bytes, version: int = 2) -> bytes:
    """A sealed file as the module's docstring has it, by hand."""
    head = body + f"\nlsgan state {version:04d} sha256 ".encode()
    return head + hashlib.sha256(head).hexdigest().encode() + b"\n"


def saved(content: object, old: bool = False) -> bytes:
    """A plain file of torch, as any program writes it; old: as before it wrote archives."""
    buffer = io.BytesIO()
    torch.save(content, buffer, _use_new_zipfile_serialization=not old)
    return buffer.getvalue()


@pytest.fixture
def path(tmp_path) -> Path:
    """A good file."""
    path = tmp_path / "state.pt"
    state_file.write(path, CONTENT)
    return path


# --- what is written comes back ------------------------------------------------------------------


def test_what_was_written_comes_back(path):
    assert same(state_file.read(path), {**CONTENT, "format": 2})


def test_torch_alone_can_load_it(path):
    assert same(torch.load(path, weights_only=True), {**CONTENT, "format": 2})


def test_tensors_come_to_the_device_that_is_named(path):
    assert state_file.read(path)["weights"]["a"].device.type == "cpu"
    assert state_file.read(path, "meta")["weights"]["a"].is_meta
    old = torch.load(FORMAT_1 / "state.pt", weights_only=True)
    path.write_bytes(saved({**old, "sums": {}, "counts": {}}))
    for device in ("meta", torch.device("meta")):
        new = state_file.read(path, device)
        assert new["critic"]["layers.0.weight"].is_meta
        assert new["tick"]["sums"].is_meta and new["tick"]["first_bad"].is_meta


def test_the_seal_is_what_the_docstring_says(path):
    data = path.read_bytes()
    body = data[: data.rindex(b"\nlsgan state 0002")]
    assert data == seal(body) and body == saved({**CONTENT, "format": 2})
    path.write_bytes(seal(saved({"recipe": {}, "shown": 1, "format": 2})))
    assert state_file.read(path)["shown"] == 1


def test_the_content_that_was_given_is_left_alone(path):
    assert "format" not in CONTENT


def test_a_full_disk_leaves_the_old_file(path):
    before = path.read_bytes()
    large = {**CONTENT, "more": torch.zeros(100_000)}
    with full_disk(free=50_000), pytest.raises(BookError, match=r"could not write .*state\.pt"):
        state_file.write(path, large)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


# --- damage --------------------------------------------------------------------------------------


def everywhere(data: bytes) -> list[int]:
    """Every fourth place in a file, and every one in its seal."""
    return [*range(0, len(data) - 100, 4), *range(len(data) - 100, len(data))]


def test_a_changed_bit_is_found_wherever_it_is(path):
    data, chance = path.read_bytes(), random.Random(0)
    for at in everywhere(data):
        changed = bytearray(data)
        changed[at] ^= 1 << chance.randrange(8)
        path.write_bytes(changed)
        assert "cannot be read" in refusal(path), at


def test_the_bytes_are_judged_before_torch_sees_them(path, monkeypatch):
    data, seen = path.read_bytes(), []
    monkeypatch.setattr(torch, "load", lambda *_, **__: seen.append(1) or dict(CONTENT, format=2))
    changed = bytearray(data)
    changed[len(data) // 2] ^= 1
    for damaged in (bytes(changed), data[:-1], data[:-200], data + b"\n", seal(saved({}), 3)):
        path.write_bytes(damaged)
        refusal(path)
        assert not seen
    path.write_bytes(data)
    assert state_file.read(path)["shown"] == 60_000 and seen == [1]


def test_a_file_cut_anywhere_is_refused(path):
    data = path.read_bytes()
    for length in everywhere(data):
        path.write_bytes(data[:length])
        assert "cannot be read" in refusal(path), length


def test_a_file_cut_just_before_its_seal_is_not_taken_for_an_old_one(path):
    data = path.read_bytes()
    path.write_bytes(data[: data.rindex(b"\nlsgan state")])
    assert torch.load(path, weights_only=True)["shown"] == 60_000  # torch sees nothing wrong
    assert "has no seal, like a file of format 1, and says that it is of format 2" in refusal(path)


def test_a_file_of_a_newer_format_is_refused_as_that(path):
    path.write_bytes(seal(saved({**CONTENT, "format": 3}), version=3))
    assert "has format 3, of a newer lsgan than this one, which reads up to 2" in refusal(path)


# --- another program's ---------------------------------------------------------------------------

FOREIGN = {
    "an empty file": b"",
    "a text": b"shown: 60000\n",
    "a picture": b"\x89PNG\r\n\x1a\n" + bytes(100),
    "an empty archive": b"PK\5\6" + bytes(18),
    "a pickle": pickle.dumps(CONTENT["history"]),
    "a sealed pickle": seal(pickle.dumps({"format": 2, "shown": 1, "recipe": {}})),
    "an archive that holds no tensors": b"PK\3\4" + bytes(40) + b"PK\5\6" + bytes(18),
    "another program's checkpoint": saved({"model": {"a": torch.ones(2)}, "epoch": 3}),
    "... whose format is a word": saved({"format": "1"}),
    "... whose format is a tensor": saved({"format": torch.ones(3)}),
    "... that is a tensor": saved(torch.ones(2)),
    "... sealed": seal(saved({"model": {"a": torch.ones(2)}, "format": 2})),
    "... sealed as the format before all": seal(saved({"format": 0}), version=0),
    "one as torch wrote them before archives": seal(saved({**CONTENT, "format": 2}, old=True)),
    "a list, sealed": seal(saved([1, 2])),
    "one of another number than its seal": seal(saved({**CONTENT, "format": 1})),
}


@pytest.mark.parametrize("data", FOREIGN.values(), ids=FOREIGN)
def test_a_file_of_another_program_is_refused(path, data):
    path.write_bytes(data)
    assert " cannot be " in refusal(path)


def test_what_is_no_file_at_all_is_refused(tmp_path):
    assert "cannot be read (Is a directory)" in refusal(tmp_path)
    assert "cannot be read (No such file" in refusal(tmp_path / "state.pt")


class Bomb:
    """Unpickled, it makes a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("wrap", [bytes, seal, lambda data: seal(data, 1)], ids=["bare", "2", "1"])
def test_nothing_in_a_file_ever_runs(path, tmp_path, wrap):
    bomb = Bomb(tmp_path / "boom")
    old = torch.load(FORMAT_1 / "state.pt", weights_only=True)
    for data in (
        *(pickle.dumps(bomb, protocol) for protocol in range(5)),
        saved(bomb),
        saved({**CONTENT, "format": 2, "more": bomb}),
        saved({**old, "history": [bomb]}),
        saved({**old, "shown": bomb}, old=True),
    ):
        path.write_bytes(wrap(data))
        refusal(path)
    assert not (tmp_path / "boom").exists()
    torch.load(io.BytesIO(saved(bomb)), weights_only=False)
    assert (tmp_path / "boom").exists()  # so it was a bomb


# --- format 1 ------------------------------------------------------------------------------------


def test_a_file_of_format_1_becomes_one_of_format_2():
    """Nothing is lost but the optimisers' settings, which the recipe has."""
    old = torch.load(FORMAT_1 / "state.pt", weights_only=True)
    new = state_file.read(FORMAT_1 / "state.pt")
    assert new.keys() == {
        *("format", "recipe", "shown", "generator", "critic", "average", "history", "tick"),
        *("generator_optimiser", "critic_optimiser", "precision", "watch", "rollbacks"),
    }
    kept = ("recipe", "shown", "generator", "critic", "average", "history")
    assert all(same(new[name], old[name]) for name in kept)
    assert new["recipe"] == json.loads((FORMAT_1 / "recipe.json").read_text())
    assert new["shown"] == 160 and new["format"] == 2
    assert (new["precision"], new["watch"], new["rollbacks"]) == ("fp32", {}, 0)
    for optimiser in ("generator_optimiser", "critic_optimiser"):
        assert new[optimiser].keys() == {"state"}
        assert same(new[optimiser]["state"], old[optimiser]["state"])
        assert new[optimiser]["state"][0].keys() == {"step", "exp_avg", "exp_avg_sq"}
    tick = new["tick"]
    assert tick.keys() == {"names", "sums", "counts", "first_bad"}
    assert dict(zip(tick["names"], tick["sums"].tolist(), strict=True)) == {
        name: value.item() for name, value in old["sums"].items()
    }
    assert tick["counts"] == [4] * 9  # 160 images are 4 steps of 8 after the tick at 128
    assert tick["sums"].dtype == torch.float32
    assert tick["first_bad"].dtype == torch.int64 and tick["first_bad"].tolist() == [-1] * 9


def test_a_file_of_format_1_that_ends_with_a_tick_has_empty_sums(path):
    old = torch.load(FORMAT_1 / "state.pt", weights_only=True)
    path.write_bytes(saved({**old, "sums": {}, "counts": {}}))
    tick = state_file.read(path)["tick"]
    assert (tick["names"], tick["counts"]) == ([], [])
    assert tick["sums"].shape == tick["first_bad"].shape == (0,)
    assert (tick["sums"].dtype, tick["first_bad"].dtype) == (torch.float32, torch.int64)


def test_migrated_and_written_again_it_is_the_same(path):
    new = state_file.read(FORMAT_1 / "state.pt")
    state_file.write(path, new)
    assert same(state_file.read(path), new)


def test_a_file_of_format_1_may_hold_what_it_held_and_nothing_else(path):
    old = torch.load(FORMAT_1 / "state.pt", weights_only=True)
    less = {name: value for name, value in old.items() if name != "critic"}
    for content, named in (
        ({**old, "rollbacks": 3}, "rollbacks"),
        (less, "critic"),
        ({**old, "sums": [1.0]}, "TypeError"),
        ({**old, "counts": {}}, "KeyError"),
    ):
        path.write_bytes(saved(content))
        sentence = refusal(path)
        assert "says that it is of format 1, and is not" in sentence and named in sentence


def test_a_file_of_format_1_is_refused_or_the_same_whatever_bit_of_it_changes(path):
    """It has no seal, but checksums of its parts, which torch does not compare.

    What they leave out are bytes without a meaning, between the parts.
    """
    data = (FORMAT_1 / "state.pt").read_bytes()
    good = state_file.read(FORMAT_1 / "state.pt")
    weights = struct.pack("<8f", *good["critic"]["layers.0.bias"].tolist())
    assert data.count(weights) == 1
    start, chance = data.index(weights), random.Random(0)
    found = 0
    for at in [*range(start, start + 32), *chance.sample(range(len(data)), 300)]:
        changed = bytearray(data)
        changed[at] ^= 1 << chance.randrange(8)
        path.write_bytes(changed)
        try:
            assert same(state_file.read(path), good), at
        except BookError:
            found += 1
            assert "\n" not in refusal(path)
    assert found >= 32


def test_a_file_of_format_1_cut_short_is_refused(path):
    data = (FORMAT_1 / "state.pt").read_bytes()
    for length in [*range(0, len(data), 97), *range(len(data) - 30, len(data))]:
        path.write_bytes(data[:length])
        assert re.search("cannot be read.*(cut short|damaged|lost)", refusal(path)), length
