"""Any pictures, good and bad: what is kept, what is named, what stays untouched."""

import csv
import os
import re
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from prep_pictures import BAD, encoded, jpeg, noise

from data_prep.__main__ import main
from data_prep.folder import Folder
from data_prep.job import Dropped
from data_prep.listing import listing, read
from data_prep.pack import pack
from lsgan_lib.data import read_set
from lsgan_lib.errors import BookError

ROOT = Path(__file__).resolve().parents[1]


def report(folder: Path) -> dict[str, tuple[str, str, str]]:
    """file -> (outcome, index, note)"""
    with open(folder / "report.csv", newline="", encoding="utf-8") as file:
        rows = csv.DictReader(file)
        return {row["file"]: (row["outcome"], row["index"], row["note"]) for row in rows}


def tree(folder: Path) -> dict[str, tuple]:
    """Everything below a folder, with what tells a change: type, size, time, target of a link."""
    found = {}
    for path in sorted(folder.rglob("*")):
        facts = path.lstat()
        link = os.readlink(path) if path.is_symlink() else ""
        found[str(path)] = (stat.S_IFMT(facts.st_mode), facts.st_size, facts.st_mtime_ns, link)
    return found


def make(source: Path, out: Path, **flags):
    result = pack(Folder(source=source, **flags).job(), out, workers=1, progress=False)
    return result, read_set(out, verify=True)


# --- a thousand files, fifty of them bad ------------------------------------------------------


@pytest.fixture(scope="module")
def thousand(tmp_path_factory) -> tuple[Path, dict[str, str]]:
    """A folder of 950 good pictures and 5 bad ones of each of ten kinds; the bad ones' reasons."""
    home = tmp_path_factory.mktemp("thousand")
    folder, bad = home / "pictures", {}
    folder.mkdir()
    for i in range(950):
        (folder / f"{i:04d}.jpg").write_bytes(jpeg(i))
    for number, (ending, write, reason) in enumerate(BAD.values()):
        for i in range(5):
            name = f"bad{number}_{i}{ending}"
            write(folder / name, 2_000 + 10 * number + i)
            bad[name] = reason
    # Readable by whoever runs the command below, except for the files that nobody may read.
    home.chmod(0o777)
    for parent in home.parents:
        if parent.stat().st_uid == os.getuid() and parent.name.startswith("pytest"):
            parent.chmod(0o755)
    return folder, bad


def as_a_user(*arguments: str, cwd: Path) -> subprocess.CompletedProcess:
    """Run data_prep without root's right to read everything; worker processes would get it back."""
    code = (
        "import ctypes, os, sys\n"
        "if os.getuid() == 0:\n"
        "    libc = ctypes.CDLL(None, use_errno=True)\n"
        "    CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 1, 2\n"
        "    header = (ctypes.c_uint32 * 2)(0x20080522, 0)\n"
        "    data = (ctypes.c_uint32 * 6)()\n"
        "    assert libc.capget(header, data) == 0\n"
        "    for cap in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):\n"
        "        for i in range(3): data[i] &= ~(1 << cap)\n"
        "    assert libc.capset(header, data) == 0\n"
        "from data_prep.__main__ import main\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=cwd, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
        timeout=120,
    )  # fmt: skip


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="drops rights as Linux does")
def test_fifty_bad_files_in_a_thousand_are_named_and_the_rest_becomes_a_set(thousand, tmp_path):
    folder, bad = thousand
    before = tree(folder.parent)
    arguments = ["folder", "--from", str(folder), "--size", "24", "--out", "set", "--workers", "1"]
    done = as_a_user(*arguments, cwd=tmp_path)
    assert done.returncode == 3, done.stderr
    assert "50 dropped" in done.stderr
    made = read_set(tmp_path / "set", verify=True)
    assert made.images.shape == (950, 3, 24, 24)
    assert made.manifest["found"] == 1000 and made.manifest["exact_duplicates"] == 0
    rows = report(tmp_path / "set")
    assert {name for name, row in rows.items() if row[0] == "dropped"} == set(bad)
    for name, reason in bad.items():
        assert re.search(reason, rows[name][2]), f"{name}: {rows[name][2]}"
    assert [rows[f"{i:04d}.jpg"][:2] for i in range(950)] == [("kept", str(i)) for i in range(950)]
    listed = {row["file"]: row["reason"] for row in made.manifest["dropped"]}
    assert listed == {name: rows[name][2] for name in bad}
    assert tree(folder.parent) == before
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="drops rights as Linux does")
def test_strict_refuses_and_names_them(thousand, tmp_path):
    folder, bad = thousand
    arguments = ["folder", "--from", str(folder), "--size", "24", "--out", "set", "--workers", "1"]
    done = as_a_user(*arguments, "--strict", cwd=tmp_path)
    assert done.returncode == 1 and not (tmp_path / "set").exists()
    assert "--strict, and 50 of 1000 pictures cannot be used" in done.stderr
    assert all(name in done.stderr for name in bad)


# --- what is found ----------------------------------------------------------------------------


def write(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def names(path: Path) -> list[str]:
    return [item.name for item in listing(path).items]


def test_a_folder_a_zip_and_a_folder_of_zips_give_the_same_pictures(tmp_path):
    pictures = {f"{i}.png": encoded(noise(i)) for i in range(6)}
    for name, content in pictures.items():
        write(tmp_path / "plain" / name, content)
    zipped(tmp_path / "one.zip", pictures)
    zipped(tmp_path / "zips" / "a.zip", dict(list(pictures.items())[:3]))
    zipped(tmp_path / "zips" / "b.zip", dict(list(pictures.items())[3:]))
    sets = [
        make(tmp_path / source, tmp_path / f"set {i}", size=32)[1]
        for i, source in enumerate(["plain", "one.zip", "zips"])
    ]
    assert (sets[0].images == sets[1].images).all() and (sets[0].images == sets[2].images).all()
    assert all(made.labels is None for made in sets)


def test_the_same_names_in_two_zips_stay_apart(tmp_path):
    for name, number in (("a", 1), ("b", 2)):
        zipped(tmp_path / "in" / f"{name}.zip", {"x.png": encoded(noise(number))})
    assert names(tmp_path / "in") == ["a.zip/x.png", "b.zip/x.png"]
    _, made = make(tmp_path / "in", tmp_path / "out", size=32)
    assert not (made.images[0] == made.images[1]).all()


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name_are_two_pictures(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("x.png", encoded(noise(1)))
        archive.writestr("x.png", encoded(noise(2)))
    assert names(tmp_path / "a.zip") == ["x.png", "x.png (2)"]
    first, second = (read(item.place) for item in listing(tmp_path / "a.zip").items)
    assert (first, second) == (encoded(noise(1)), encoded(noise(2)))


def test_what_is_no_picture_and_does_not_say_so_is_ignored_and_counted(tmp_path):
    folder = tmp_path / "in"
    write(folder / "a.png", encoded(noise(0)))
    write(folder / "notes.txt", b"taken in May")
    write(folder / ".DS_Store", b"...")
    zipped(folder / "b.zip", {"x.png": encoded(noise(1)), "__MACOSX/._x.png": b"x", "r.md": b""})
    result, made = make(folder, tmp_path / "out", size=32)
    assert result.dropped == [] and result.count == 2 and made.manifest["ignored"] == 4
    outcomes = {name: row[0] for name, row in report(result.folder).items()}
    assert outcomes == {
        "a.png": "kept", "b.zip/x.png": "kept", "notes.txt": "ignored", ".DS_Store": "ignored",
        "b.zip/__MACOSX/._x.png": "ignored", "b.zip/r.md": "ignored",
    }  # fmt: skip


@pytest.mark.parametrize(
    "name", ["../x.png", "a/../../x.png", "/x.png", "C:/x.png", "..\\x.png", "\\x.png", "C:\\x.png"]
)
def test_members_that_lead_out_of_the_zip_are_refused(tmp_path, name):
    zipped(tmp_path / "in" / "a.zip", {name: encoded(noise(0)), "good.png": encoded(noise(1))})
    before = tree(tmp_path)
    result, _ = make(tmp_path / "in" / "a.zip", tmp_path / "in" / "out", size=32)
    assert [row["reason"] for row in result.dropped] == ["unsafe path: it leads out of the zip"]
    assert result.count == 1
    after = {path: facts for path, facts in tree(tmp_path).items() if "/out" not in path}
    before.pop(str(tmp_path / "in")), after.pop(str(tmp_path / "in"))  # its time changed
    assert after == before


def test_links_to_folders_are_not_followed(tmp_path):
    write(tmp_path / "in" / "a.png", encoded(noise(0)))
    (tmp_path / "in" / "back").symlink_to(tmp_path / "in")
    found = listing(tmp_path / "in")
    assert [item.name for item in found.items] == ["a.png"]
    assert found.refused == [("back", "a link to a folder is not followed")]


def test_a_member_whose_name_was_destroyed_is_refused(tmp_path):
    """A zero byte ends a name; Python 3.11 then fails to say whether the member is a folder."""
    path = zipped(tmp_path / "a.zip", {"x.png": encoded(noise(0)), "y.png": encoded(noise(1))})
    content = path.read_bytes()
    place = content.rindex(b"x.png")
    path.write_bytes(content[:place] + b"\0" + content[place + 1 :])
    found = listing(path)
    assert found.refused == [("member 0", "without a name")]
    assert [item.name for item in found.items] == ["y.png"]


def test_an_encrypted_or_damaged_member_is_dropped_with_its_reason(tmp_path):
    path = zipped(tmp_path / "a.zip", {"x.png": encoded(noise(0)), "y.png": encoded(noise(1))})
    content = bytearray(path.read_bytes())
    start = content.index(b"\x89PNG")
    content[start + 100] ^= 255
    path.write_bytes(content)
    result, _ = make(path, tmp_path / "out", size=32)
    assert [row["file"] for row in result.dropped] == ["x.png"]
    assert result.dropped[0]["reason"].startswith("damaged in the zip (Bad CRC-32")


@pytest.mark.parametrize(
    ("there", "sentence"),
    [
        (None, "there is no folder and no zip"),
        ("empty", "holds no pictures"),
        ("text", "is no zip"),
    ],
)
def test_nothing_to_read_is_one_sentence(tmp_path, there, sentence):
    path = tmp_path / "in"
    if there == "empty":
        path.mkdir()
    elif there == "text":
        path.write_text("not a zip at all")
    with pytest.raises(BookError, match=sentence):
        Folder(source=path).job()


def test_without_from_the_flag_is_named():
    with pytest.raises(BookError, match="--from"):
        Folder().job()


# --- labels -----------------------------------------------------------------------------------


def classes_of(tmp_path: Path, files: list[str], **flags):
    for number, name in enumerate(files):
        write(tmp_path / "in" / name, encoded(noise(number)))
    _, made = make(tmp_path / "in", tmp_path / "out", size=32, **flags)
    return made.manifest.get("classes"), None if made.labels is None else made.labels.tolist()


def test_sub_folders_are_classes_where_every_picture_lies_in_one(tmp_path):
    files = ["dogs/1.png", "cats/2.png", "cats/deep/3.png"]
    assert classes_of(tmp_path, files) == (["cats", "dogs"], [0, 0, 1])


@pytest.mark.parametrize("files", [["a.png", "cats/b.png"], ["all/a.png", "all/b.png"]])
def test_a_single_folder_or_a_picture_beside_folders_means_no_classes(tmp_path, files):
    assert classes_of(tmp_path, files) == (None, None)


def test_labels_can_be_left_out_or_insisted_on(tmp_path):
    assert classes_of(tmp_path / "1", ["a/1.png", "b/2.png"], labels="none") == (None, None)
    assert classes_of(tmp_path / "2", ["a/1.png"], labels="folders") == (["a"], [0])
    with pytest.raises(BookError, match="every picture in a sub-folder"):
        classes_of(tmp_path / "3", ["a/1.png", "2.png"], labels="folders")


def test_classes_inside_a_zip_count_too(tmp_path):
    path = zipped(
        tmp_path / "a.zip", {f"{c}/{i}.png": encoded(noise(i)) for c in "ab" for i in range(2)}
    )
    assert make(path, tmp_path / "out", size=32)[1].labels.tolist() == [0, 0, 1, 1]


# --- fuzzing ----------------------------------------------------------------------------------

GOOD_ZIP = None


def good_zip() -> bytes:
    global GOOD_ZIP
    if GOOD_ZIP is None:
        import io

        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for i in range(3):
                archive.writestr(f"a/{i}.png", encoded(noise(i, 8, 8)))
            archive.writestr("notes.txt", "x" * 50)
        GOOD_ZIP = file.getvalue()
    return GOOD_ZIP


@st.composite
def damaged_zips(draw) -> bytes:
    content = bytearray(good_zip())
    for _ in range(draw(st.integers(1, 6))):
        where = draw(st.integers(0, len(content) - 1))
        content[where] = draw(st.integers(0, 255))
    return (
        bytes(content[: draw(st.integers(0, len(content)))])
        if draw(st.booleans())
        else bytes(content)
    )


@settings(
    deadline=None,
    max_examples=int(os.environ.get("FUZZ", 150)),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(content=st.one_of(damaged_zips(), st.binary(max_size=300)))
def test_any_bytes_called_zip_give_a_listing_or_one_sentence(tmp_path, content):
    from data_prep.pictures import decode

    path = tmp_path / "any.zip"
    path.write_bytes(content)
    try:
        found = listing(path)
    except BookError:
        return
    for item in found.items:
        try:
            decode(read(item.place))
        except Dropped as reason:
            assert str(reason)


def test_the_command_answers_with_one_sentence_and_exit_code_1(tmp_path, capsys):
    assert main(["folder", "--from", str(tmp_path / "no")]) == 1
    assert capsys.readouterr().err.startswith("data_prep: there is no folder and no zip")
    assert main(["nonsense"]) == 1
    assert "there is no source 'nonsense'" in capsys.readouterr().err


def test_other_pixels_under_the_same_names_in_a_zip_are_another_set(tmp_path):
    out = tmp_path / "out"
    for number in (0, 1):
        path = zipped(tmp_path / str(number) / "a.zip", {"x.bmp": encoded(noise(number), "BMP")})
        if number == 0:
            make(path, out, size=32)
    with pytest.raises(BookError, match="already holds a set made from other files"):
        make(path, out, size=32)


def test_pictures_that_go_away_stop_the_work_instead_of_being_dropped(tmp_path):
    write(tmp_path / "in" / "a.png", encoded(noise(0)))
    job = Folder(source=tmp_path / "in", size=32).job()
    (tmp_path / "in").rename(tmp_path / "away")
    with pytest.raises(BookError, match="no longer there.*finished work is kept"):
        pack(job, tmp_path / "out", workers=1, progress=False)
    (tmp_path / "away").rename(tmp_path / "in")
    assert pack(job, tmp_path / "out", workers=1, progress=False).count == 1


def test_pictures_of_kinds_that_are_not_read_are_named(tmp_path):
    write(tmp_path / "in" / "a.png", encoded(noise(0)))
    write(tmp_path / "in" / "IMG_0001.HEIC", b"\0\0\0\x18ftypheic")
    write(tmp_path / "in" / "photo", encoded(noise(1, 400, 400), "WEBP", lossless=True))
    write(tmp_path / "in" / "other", b"\0\0\0\x18ftypavif" + bytes(100))
    inner = zipped(tmp_path / "inner.zip", {"b.png": encoded(noise(1))}).read_bytes()
    zipped(tmp_path / "in" / "z.zip", {"more/inner.zip": inner, "c.HEIC": b"x"})
    result, _ = make(tmp_path / "in", tmp_path / "out", size=32)
    reasons = {row["file"]: row["reason"] for row in result.dropped}
    assert reasons == {
        "IMG_0001.HEIC": ".heic pictures are not read: export them as JPEG",
        "z.zip/c.HEIC": ".heic pictures are not read: export them as JPEG",
        "z.zip/more/inner.zip": "a zip within a zip is not read: unpack the outer one",
        "photo": "wrong extension: holds a WEBP picture, but its name has no ending",
        "other": "wrong extension: holds a AVIF or HEIC picture, but its name has no ending",
    }


def test_zips_in_class_folders_have_their_classes(tmp_path):
    for number, name in enumerate(("cat", "dog")):
        zipped(tmp_path / "in" / name / "p.zip", {"a.png": encoded(noise(number))})
    _, made = make(tmp_path / "in", tmp_path / "out", size=32)
    assert made.manifest["classes"] == ["cat", "dog"] and made.labels.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("folder", "size", "name"),
    [("photos", 64, "photos64"), ("photos64", 64, "photos64"), ("photos64", 4, "photos644"),
     ("photos.v2", 64, "photos.v264")],
)  # fmt: skip
def test_a_set_is_named_after_its_folder_and_its_size(tmp_path, folder, size, name):
    write(tmp_path / folder / "a.png", encoded(noise(0)))
    assert Folder(source=tmp_path / folder, size=size).job().name == name


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [({"name": "../x"}, "no name of a set"), ({"name": ".x"}, "no name of a set"),
     ({"smallest": 0}, "--smallest is 0"), ({"size": 5_000}, "4096 is the most")],
)  # fmt: skip
def test_impossible_flags_are_one_sentence(tmp_path, flags, sentence):
    write(tmp_path / "in" / "a.png", encoded(noise(0)))
    with pytest.raises(BookError, match=sentence):
        make(tmp_path / "in", tmp_path / "out", **flags)
    assert not (tmp_path / ".out.part").exists()


def test_a_set_does_not_go_into_the_folder_of_its_pictures(tmp_path, capsys):
    write(tmp_path / "in" / "a.png", encoded(noise(0)))
    for out in ("in", "in/set"):
        arguments = ["folder", "--from", str(tmp_path / "in"), "--out", str(tmp_path / out)]
        assert main(arguments) == 1
        assert "Choose another --out" in capsys.readouterr().err
    assert [path.name for path in tmp_path.rglob("*")] == ["in", "a.png"]


def test_a_picture_smaller_than_half_is_dropped_unless_asked_for(tmp_path):
    write(tmp_path / "in" / "a.png", encoded(Image.new("RGB", (15, 40))))
    with pytest.raises(BookError, match="no picture could be kept. 1 x 15 x 40 pixels"):
        make(tmp_path / "in", tmp_path / "out", size=32)
    assert make(tmp_path / "in", tmp_path / "out", size=32, smallest=10)[0].count == 1


def test_grey_sets_have_one_channel(tmp_path):
    image = noise(0, 32, 32)
    write(tmp_path / "in" / "a.png", encoded(image))
    _, made = make(tmp_path / "in", tmp_path / "out", size=32, grey=True)
    assert made.images.shape == (1, 1, 32, 32)
    expected = np.asarray(image, float) @ [0.299, 0.587, 0.114]
    assert abs(made.images[0, 0].numpy() - expected).max() <= 1
