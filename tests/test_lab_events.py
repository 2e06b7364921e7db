"""The driver of labs finds every kind of fault that it is there to find, and uses every control."""

import matplotlib

matplotlib.use("Agg")

import ipywidgets as widgets  # noqa: E402
import matplotlib.pyplot as plt  # noqa: E402
import pytest  # noqa: E402
from hypothesis import HealthCheck, given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from lab_events import (  # noqa: E402
    UPLOADS,
    apply,
    assert_sound,
    draw_event,
    events,
    press_at_random,
    reachable,
)
from planted_lab import PlantedLab  # noqa: E402

from lsgan_lib.labs.lab import Lab  # noqa: E402
from lsgan_lib.labs.pad import Pad  # noqa: E402

MESSAGES = {
    "stale": "picture is not that of",
    "figure": "figure was left open",
    "thread": "threads",
    "exception": "planted",
    "widget": "widgets were made",
    "listener": "listeners were added",
    "forgetful": "picture is not that of",  # once, after hundreds of events
}


@pytest.fixture
def planted():
    labs = []

    def make(fault=None):
        labs.append(PlantedLab(fault))
        return labs[-1]

    yield make
    for lab in labs:
        lab.close()
    plt.close("all")


def test_a_sound_lab_stands_a_thousand_events_on_all_its_controls(planted):
    lab = planted()
    done = press_at_random(lab, 1_000, seed=1)
    assert {event.control for event in done} == {place for place, _ in reachable(lab)}
    kinds = [event.value["kind"] for event in done if event.trait == "hear"]
    assert {"down", "move", "up", "key"} == set(kinds)
    assert lab.calls > 700


@pytest.mark.parametrize("fault", MESSAGES)
def test_each_planted_fault_is_found(planted, fault):
    with pytest.raises((AssertionError, ValueError), match=MESSAGES[fault]) as found:
        press_at_random(planted(fault), 1_000, seed=2)
    assert "events with seed 2, the last: [Event(" in found.value.__notes__[0]


def test_what_the_lab_may_have_while_it_works_is_allowed_up_to_a_bound(planted):
    lab = planted("thread")
    assert_sound(lab)
    lab.press(lab.again)
    with pytest.raises(AssertionError, match="threads"):
        assert_sound(lab)
    assert_sound(lab, threads=1)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.data_too_large])
@given(st.data())
def test_hypothesis_can_draw_the_events(data):
    lab = PlantedLab()
    assert_sound(lab)
    for number in range(30):
        apply(lab, draw_event(data, lab) if number % 2 else data.draw(events(lab)))
        assert_sound(lab)
    lab.close()


def test_hypothesis_finds_a_fault_and_makes_it_short():
    longest = []

    @settings(max_examples=200, deadline=None, database=None)
    @given(st.data())
    def play(data):
        lab = PlantedLab("stale")
        done = []
        try:
            for _ in range(data.draw(st.integers(1, 30))):
                done.append(draw_event(data, lab))
                apply(lab, done[-1])
                assert_sound(lab)
        except AssertionError:
            longest.append(len(done))
            raise
        finally:
            lab.close()

    with pytest.raises(AssertionError, match="picture is not that of"):
        play()
    assert longest[-1] == 1  # "size" set to large, nothing before it


class Everything(Lab):
    """Has one of each control that ipywidgets offers, and shows their values as its settings."""

    sentence = "everything"

    def __init__(self):
        names = ["one", "two", "three"]
        self.image = Pad()
        self.kinds = [
            widgets.IntSlider(3, 2, 11, 4),
            widgets.FloatSlider(0.5, min=0, max=1, step=0.3),
            widgets.FloatLogSlider(1.0, min=-3, max=2, step=0.5),
            widgets.IntRangeSlider(value=(1, 2), min=0, max=9),
            widgets.FloatRangeSlider(value=(0.1, 0.2), min=0, max=1),
            widgets.SelectionSlider(options=names),
            widgets.SelectionRangeSlider(options=names, index=(0, 1)),
            widgets.Dropdown(options=names),
            widgets.ToggleButtons(options=names),
            widgets.RadioButtons(options=names),
            widgets.Select(options=names),
            widgets.SelectMultiple(options=names),
            widgets.Checkbox(),
            widgets.ToggleButton(),
            widgets.Text(),
            widgets.Textarea(),
            widgets.Combobox(),
            widgets.IntText(),
            widgets.FloatText(),
            widgets.BoundedIntText(3, min=0, max=5),
            widgets.BoundedFloatText(3, min=0, max=5),
            widgets.ColorPicker(value="#123456"),
            widgets.FileUpload(),
        ]
        hidden = widgets.HBox([widgets.Button(description="hidden")], layout={"display": "none"})
        self.box = widgets.VBox([*self.kinds, hidden, self.image])
        for kind in self.kinds:
            kind.observe(self.paint, "value")
        self.paint()

    @property
    def settings(self):
        *values, files = (kind.value for kind in self.kinds)
        return *map(str, values), *(file["size"] for file in files)

    def picture(self, settings):
        return b"\x89PNG" + repr(settings).encode()

    def strip(self):
        pass

    def paint(self, _change=None):
        self.image.value = self.picture(self.settings)


def test_every_kind_of_control_is_used_and_takes_many_values():
    lab = Everything()
    done = press_at_random(lab, 3_000, seed=3)
    seen: dict[int, set[str]] = {}
    for event in done:
        value = event.value[0]["size"] if event.name == "Upload" else event.value
        seen.setdefault(event.control, set()).add(str(value))
    assert sorted(seen) == list(range(len(lab.kinds))) + [len(lab.kinds) + 1]
    assert min(map(len, seen.values())) >= 2
    assert seen[0] == {"2", "6", "10"}  # the stops that the page offers, no others
    assert seen[6] == {str(pair) for pair in [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)]}
    assert len(seen[len(lab.kinds) - 1]) == len(UPLOADS)
    lab.close()


def test_a_control_nobody_knows_is_said_and_not_passed_over():
    class Unknown(widgets.DOMWidget):
        disabled = False

    lab = PlantedLab()
    lab.box.children = [Unknown(), lab.image]
    with pytest.raises(NotImplementedError, match="Unknown"):
        press_at_random(lab, 50, seed=0)
    lab.close()
