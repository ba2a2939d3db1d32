"""The map itself: its voxels, its limits and its colours."""

from __future__ import annotations

import numpy as np
import pytest
from attention_answers import AFFINE, PEAK, answer, map_voxels
from viewer_cases import write_image

from app.ui.widgets.attention_map import AttentionMap, colour_table
from app.ui.widgets.view_case import PLANES


class TestMap:
    @pytest.mark.parametrize("affine", [AFFINE, np.diag([1.0, -1.0, -4.0, 1.0]),
                                        np.array([[0, 0, 4.0, 5], [-1.0, 0, 0, 2], [0, 1.0, 0, -9], [0, 0, 0, 1]])])
    def test_it_is_cut_where_the_volume_is_known(self, tmp_path, affine):
        voxels = map_voxels()
        image = write_image(tmp_path, "t1", np.zeros(voxels.shape), affine)
        found = AttentionMap.from_json(answer(tmp_path), image)
        assert found.peak == pytest.approx(tuple((affine @ (*PEAK, 1))[:3]))
        grid = found.layer.grid
        shown = found.layer.voxels
        for plane in PLANES.values():
            for index in range(grid.shape[plane.fixed]):
                whole = found.layer.picture(plane, index)
                cut = found.cut(plane, index)
                if cut is None:
                    assert np.isnan(whole).all()
                    continue
                part, row, column = cut
                copy = np.full(whole.shape, np.nan, np.float32)
                copy[row:row + part.shape[0], column:column + part.shape[1]] = part
                np.testing.assert_array_equal(copy, whole)
        known = np.flatnonzero(np.isfinite(shown).any(
            axis=tuple(axis for axis in range(3) if axis != found.plane.fixed)))
        assert found.slices == tuple(known)

    def test_a_map_in_which_nothing_speaks_has_no_strongest_place(self, tmp_path):
        image = write_image(tmp_path, "t1", np.zeros((48, 50, 12)), AFFINE)
        found = AttentionMap.from_json(answer(tmp_path, voxels=0 * map_voxels()), image)
        assert found.peak is None

    def test_colours_leave_out_what_is_not_known_and_fade_what_is_weak(self, tmp_path):
        image = write_image(tmp_path, "t1", np.zeros((48, 50, 12)), AFFINE)
        found = AttentionMap.from_json(answer(tmp_path), image)
        pixels = found.colour(np.array([[np.nan, 0.0, 0.1, 1.0]], np.float32))
        alpha = pixels[0] >> 24
        assert alpha[0] == alpha[1] == 0
        assert 0 < alpha[2] < 255 == alpha[3]

    def test_lightness_rises_to_the_strongest_value_and_to_both_sides(self):
        table = colour_table("occlusion")
        assert (table[0] >> 24) == (table[-1] >> 24) == 255
        assert (table[127] >> 24) < 8
        violet, green = table[-1], table[0]
        assert min((violet >> 16) & 255, violet & 255) > 150
        assert max((green >> 16) & 255, green & 255) < 80
