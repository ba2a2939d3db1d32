"""The picture is the right way round, in the right place and in true proportions, for any affine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from viewer_cases import grid_around, open_case, paint_ball, to_array, write_image

from app.core.data import Geometry
from app.ui.widgets.view_case import PLANES, DisplayGrid, say_position
from app.ui.widgets.viewer import Viewer

CENTRE = np.array([12.0, -30.0, 250.0])
MARK = CENTRE + np.array([30.0, 18.0, 24.0])  # towards the patient's right, anterior, superior


def _turn(degrees: float, axis: int) -> np.ndarray:
    a, b = [n for n in range(3) if n != axis]
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turn = np.eye(3)
    turn[a, a], turn[a, b], turn[b, a], turn[b, b] = c, -s, s, c
    return turn


AXES = {
    "LPS": np.diag([-1.0, -1.0, 1.0]),
    "RAS": np.eye(3),
    "LPI": np.diag([-1.0, -1.0, -1.0]),
    "sagittal ASL": np.array([[0, 0, -1.0], [1.0, 0, 0], [0, 1.0, 0]]),
    "coronal RSA": np.array([[1.0, 0, 0], [0, 0, 1.0], [0, 1.0, 0]]),
    "oblique": _turn(14, 2) @ _turn(8, 0) @ np.diag([-1.0, -1.0, 1.0]),
}


def _ball_case(tmp_path: Path, axes: np.ndarray):
    shape, spacing = (70, 64, 26), (1.6, 1.8, 5.0)
    affine = grid_around(CENTRE, axes, spacing, shape)
    return open_case({"t1": write_image(tmp_path, "t1", 1000 * paint_ball(shape, affine, MARK, 9.0), affine)}), affine


@pytest.mark.parametrize("name", AXES)
@pytest.mark.parametrize("plane", PLANES)
def test_mark_appears_where_the_reader_expects_it(qtbot, tmp_path, name, plane):
    case, affine = _ball_case(tmp_path, AXES[name])
    viewer = Viewer()
    qtbot.addWidget(viewer)
    viewer.resize(900, 700)
    viewer.set_layout(plane)
    viewer.show_case(case)
    viewer.state.set_world(MARK)
    picture = to_array(viewer.grab_picture(overlays=False)) - 17
    picture[picture < 60] = 0
    rows, columns = np.indices(picture.shape)
    found = np.array([(picture * columns).sum(), (picture * rows).sum()]) / picture.sum()
    # Screen directions in the world, written out by hand: right of the screen and down.
    right, down = {"axial": ((-1, 0, 0), (0, -1, 0)), "coronal": ((-1, 0, 0), (0, 0, -1)),
                   "sagittal": ((0, -1, 0), (0, 0, -1))}[plane]
    directions = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    along = []
    for wanted in (right, down):  # the voxel axis nearest to the screen's direction, pointing the same way
        projections = np.asarray(wanted) @ directions
        axis = int(np.abs(projections).argmax())
        along.append(float(directions[:, axis] @ (MARK - CENTRE)) * np.sign(projections[axis]))
    middle = (np.array([picture.shape[1], picture.shape[0]])) / 2
    expected = middle + np.array(along) * viewer.panes[plane].pixels_per_mm
    assert found == pytest.approx(expected, abs=3.0 * viewer.panes[plane].pixels_per_mm)
    assert found[0] < middle[0], "right or anterior must be on the left"
    assert found[1] < middle[1], "anterior or superior must be up"
    spread = np.array([((picture > 0) @ np.ones(picture.shape[1]) > 0).sum(), (picture > 0).any(axis=0).sum()])
    assert spread[0] / spread[1] == pytest.approx(1.0, abs=0.35), "a ball must look round"


@pytest.mark.parametrize("name", AXES)
def test_pixel_and_world_agree(qtbot, tmp_path, name):
    case, _ = _ball_case(tmp_path, AXES[name])
    viewer = Viewer()
    qtbot.addWidget(viewer)
    viewer.resize(800, 800)
    viewer.show_case(case)
    viewer.grab()
    viewer.state.set_world(MARK)
    for pane in viewer.panes.values():
        index = pane.index_at(pane.to_pixel(tuple(MARK)))
        exact = pane.grid.to_index(MARK)
        for axis in (pane.plane.across, pane.plane.down):
            assert index[axis] == pytest.approx(exact[axis], abs=1e-6)
        assert abs(index[pane.plane.fixed] - exact[pane.plane.fixed]) <= 0.5


@pytest.mark.parametrize("name", AXES)
def test_display_grid_keeps_every_voxel_at_its_place(name):
    shape = (5, 7, 3)
    geometry = Geometry(shape, grid_around(CENTRE, AXES[name], (1.0, 2.0, 5.0), shape))
    grid = DisplayGrid.of(geometry)
    array = np.arange(np.prod(shape)).reshape(shape)
    shown = grid.arrange(array)
    assert shown.base is not None
    rng = np.random.default_rng(1)
    for _ in range(10):
        index = [int(rng.integers(n)) for n in grid.shape]
        voxel = grid.to_file(index)
        assert shown[tuple(index)] == array[voxel]
        assert grid.to_world(index) == pytest.approx(geometry.affine[:3, :3] @ voxel + geometry.affine[:3, 3])
    assert Geometry(grid.shape, grid.affine).axis_codes == "LPI"


def test_oblique_is_measured_and_said(qtbot, tmp_path):
    case, _ = _ball_case(tmp_path, _turn(14, 2))
    viewer = Viewer()
    qtbot.addWidget(viewer)
    viewer.show_case(case)
    assert case.images["t1"].before.grid.oblique_degrees == pytest.approx(14, abs=1e-6)
    assert "oblique 14 degrees" in viewer.panes["axial"].describe().bottom_left
    straight, _ = _ball_case(tmp_path, AXES["LPS"])
    viewer.show_case(straight)
    assert not any("oblique" in line for line in viewer.panes["axial"].describe().bottom_left)


@pytest.mark.shared
def test_mirror_stored_twins_look_the_same(qtbot, tmp_path, shared_data):
    nibabel = pytest.importorskip("nibabel")
    pictures = []
    for name in ("mniLR", "mniRL"):
        twin = nibabel.load(shared_data / "analyze" / "nifti" / f"{name}.nii.gz")
        voxels = np.asarray(twin.dataobj, dtype=np.float32)
        image = write_image(tmp_path, name, voxels, twin.affine, window=[0.0, float(np.percentile(voxels, 99.5))])
        viewer = Viewer()
        qtbot.addWidget(viewer)
        viewer.resize(900, 800)
        viewer.show_case(open_case({"t1": image | {"acquisition": {}}}))
        viewer.state.set_world((30.0, -20.0, 10.0))
        pictures.append([to_array(viewer.grab_picture(plane=plane)) for plane in PLANES])
        viewer.grab().save(str(tmp_path / f"{name}.png"))
    for first, second in zip(*pictures, strict=True):
        assert np.abs(first - second).max() <= 1
    axial = pictures[0][0]
    assert np.abs(axial - axial[:, ::-1]).mean() > 1, "the brain's halves differ, so a mirrored twin would show"


def test_position_is_written_with_letters():
    assert say_position((-34.2, -12.0, 80.1)) == "L 34.2 P 12.0 S 80.1"
    assert say_position((1.0, 2.0, -3.0)) == "R 1.0 A 2.0 I 3.0"
