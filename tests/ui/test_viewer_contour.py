"""The outline runs along voxel edges: every edge once, none invented."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from app.ui.widgets.contour import MaskItem, edge_path, edge_segments


def _edges_one_by_one(inside: np.ndarray) -> set[tuple[tuple[int, int], tuple[int, int]]]:
    rows, columns = inside.shape
    edges = set()
    for r in range(rows):
        for c in range(columns):
            if not inside[r, c]:
                continue
            for dr, dc, edge in ((-1, 0, ((c, r), (c + 1, r))), (1, 0, ((c, r + 1), (c + 1, r + 1))),
                                 (0, -1, ((c, r), (c, r + 1))), (0, 1, ((c + 1, r), (c + 1, r + 1)))):
                inner = 0 <= r + dr < rows and 0 <= c + dc < columns
                if not (inner and inside[r + dr, c + dc]):
                    edges.add(edge)
    return edges


@pytest.mark.parametrize("seed", range(4))
def test_segments_cover_every_border_edge_once(seed):
    inside = np.random.default_rng(seed).random((9, 13)) > 0.5
    covered = []
    for (x0, y0), (x1, y1) in edge_segments(inside):
        length = int(abs(x1 - x0) + abs(y1 - y0))
        step = (int(np.sign(x1 - x0)), int(np.sign(y1 - y0)))
        places = [(int(x0) + n * step[0], int(y0) + n * step[1]) for n in range(length + 1)]
        covered += pairwise(places)
    assert len(covered) == len(set(covered))
    assert set(covered) == _edges_one_by_one(inside)


def test_runs_are_joined():
    inside = np.zeros((6, 8), bool)
    inside[1:4, 2:7] = True
    assert sorted(map(tuple, edge_segments(inside).reshape(-1, 4).tolist())) == [
        (2, 1, 2, 4), (2, 1, 7, 1), (2, 4, 7, 4), (7, 1, 7, 4)]
    assert edge_path(inside).boundingRect().getRect() == (2, 1, 5, 3)


def test_empty_slice_has_no_path(qtbot):
    assert edge_path(np.zeros((4, 4), bool)).isEmpty()
    item = MaskItem()
    assert item.boundingRect().isEmpty()
