"""A small fixed sample of the campaign, and whether its oracle can fail."""

import sys

import pytest

from app.core.data import Caution
from tests.fuzz import campaign
from tests.fuzz.drive import Answer, Course
from tests.fuzz.mutations import WAYS, make_input
from tests.fuzz.oracle import judge

READERS = (*WAYS, "places")
RIGHT = Answer(12.0, frozenset({Caution("site_unknown", "as ever")}), "outline", "grey")


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited and measured as Linux does it")
def test_a_fixed_sample_of_damaged_files_holds_no_finding():
    inputs = [(reader, number) for reader in READERS for number in range(0, 14 * 13, 13)]
    results = list(campaign.run(1, inputs))
    assert [f"{campaign.name(each)}: {each['why']}" for each in results if each["verdict"] == "FINDING"] == []
    told = [each["verdict"] for each in results]
    counts = {verdict: told.count(verdict) for verdict in ("refused", "same", "caution")}
    assert len(results) == len(inputs) == 154
    assert min(counts.values()) > 12, counts
    assert max(each["megabytes"] for each in results) < 1024
    assert campaign.tabulate(results).splitlines()[-1].split()[:2] == ["all", "154"]


@pytest.mark.parametrize("reader", ["nifti", "dicom", "table"])
def test_an_input_is_known_by_its_number(reader):
    for number in (3, 40, 75):
        one, again = make_input(5, reader, number), make_input(5, reader, number)
        assert (one.way, one.sample.name, one.damaged, one.exempt) == (
            again.way, again.sample.name, again.damaged, again.exempt)


def verdict(answer=None, *, faults=(), seconds=0.1, peak=1.0, exempt=False):
    course = Course(answers=[answer] if answer else [], faults=list(faults), refusals=[] if answer else ["It is cut."])
    return judge(course, [RIGHT], exempt=exempt, seconds=seconds, peak=peak).verdict


def test_what_may_not_be_is_found():
    usual = RIGHT.cautions
    spoken = usual | {Caution("mask_resampled", "on another grid")}
    about_results = usual | {Caution("tiny_mask", "3 voxels"), Caution("outside_training_range", "large")}
    assert verdict() == "refused"
    assert verdict(RIGHT) == "same"
    assert verdict(Answer(12.0, usual, "outline", "other")) == "grey"
    assert verdict(Answer(15.0, usual, "outline", "grey")) == "FINDING"
    assert verdict(Answer(15.0, about_results, "outline", "grey")) == "FINDING"
    assert verdict(Answer(15.0, spoken, "outline", "grey")) == "caution"
    assert verdict(Answer(15.0, usual, "outline", "grey"), exempt=True) == "voxels"
    assert verdict(Answer(12.01, usual, "outline", "grey")) == "same"
    assert verdict(Answer(12.01, usual, "another", "grey")) == "FINDING"
    assert verdict(Answer(float("nan"), usual, "outline", "grey")) == "FINDING"
    assert verdict(RIGHT, faults=["identify: KeyError"], exempt=True) == "FINDING"
    assert verdict(RIGHT, seconds=11.0) == "FINDING"
    assert verdict(RIGHT, peak=5000.0) == "FINDING"


def test_only_sentences_are_refusals(monkeypatch):
    course = Course()
    for error in (KeyError("x"), MemoryError(), OSError(36, "too long")):
        def fail(error=error):
            raise error
        course.step("view", fail)
    assert len(course.faults) == 3
    course.step("score", lambda: None, disk=True)
    assert len(course.faults) == 3
