import numpy as np
import pytest

from app.core.data import Acquisition, Caution, Geometry
from app.core.io.pairing import pair
from app.core.io.source import Source


def series(uid, weighting="", folder="/p/P1", frame="f", cautions=(), slices=20):
    geometry = Geometry((64, 64, slices), np.eye(4))
    return Source("dicom", f"{folder}/{uid}", (f"{folder}/{uid}/1.dcm",), series=uid, title=uid, role_hint="image",
                  geometry=geometry, frame=frame, cautions=cautions, acquisition=Acquisition(weighting=weighting))


def outline(*refers_to, folder="/p/P1", name="rs.dcm", frame="f"):
    path = f"{folder}/{name}"
    return Source("rtstruct", path, (path,), title=name, role_hint="mask", frame=frame, refers_to=refers_to)


def test_the_series_drawn_on_comes_first_and_others_of_known_weighting_join():
    scans = [series("1.1", "t2"), series("1.2", "t1"), series("1.3", "t1"), series("1.4")]
    localiser = series("1.5", "pd", cautions=(Caution("localiser", "planning"),))
    result = pair([*scans, localiser, outline("1.3")])
    (case,) = result.cases
    assert case.images == {"t1": "/p/P1/1.3", "t2": "/p/P1/1.1"}
    assert case.series == {"t1": "1.3", "t2": "1.1"}
    assert case.mask == "/p/P1/rs.dcm"
    assert {source.title for source in result.unpaired} == {"1.2", "1.4", "1.5"}
    assert len(result.notes) == 3


def test_series_that_nothing_tells_apart_are_asked_about():
    (case,) = pair([series("1.1", "t1"), series("1.2", "t1")]).cases
    assert case.images == {"image": "/p/P1"}
    assert not case.series


def test_a_stack_of_a_series_is_known_by_the_series_uid():
    (case,) = pair([series("1.1#echo-2", "t2"), outline("1.1")]).cases
    assert case.mask is not None
    assert case.series == {"image": "1.1#echo-2"}


@pytest.mark.parametrize("mask_folder", ["/p/rt", "/p/P2"])
def test_reference_outweighs_the_folder(mask_folder):
    result = pair([series("1.1", frame="a", folder="/p/P1"), series("2.1", frame="b", folder="/p/P2"),
                   outline("1.1", folder=mask_folder, frame="a")])
    masks = {case.id: case.mask for case in result.cases}
    assert masks == {"P1": f"{mask_folder}/rs.dcm", "P2": None}


def test_two_patients_in_one_export_folder_part_by_reference():
    result = pair([series("1.1", frame="a"), series("2.1", frame="b"), outline("1.1", name="r1.dcm", frame="a"),
                   outline("2.1", name="r2.dcm", frame="b")])
    assert sorted((case.images["image"][-3:], case.mask[-6:]) for case in result.cases) == [
        ("1.1", "r1.dcm"), ("2.1", "r2.dcm")]
    assert len({case.id for case in result.cases}) == 2


def test_an_outline_without_reference_is_placed_by_its_frame():
    result = pair([series("1.1", frame="a", folder="/p/P1"), series("2.1", frame="b", folder="/p/P2"),
                   outline(folder="/p/rt", frame="b")])
    assert {case.id: bool(case.mask) for case in result.cases} == {"P1": False, "P2": True}
