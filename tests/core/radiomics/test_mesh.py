import numpy as np
import pytest

from app.core.radiomics.mesh import measure_diameters, measure_surface
from app.core.radiomics.texture import load_pyradiomics


@pytest.mark.parametrize("share", [0.08, 0.5, 0.9])
@pytest.mark.parametrize("shape", [(12, 11, 9), (1, 30, 40), (3, 1, 25), (1, 1, 6), (1, 1, 1)])
@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (3.3, 0.7, 0.9)])
def test_mesh_equals_pyradiomics_own(shape, share, spacing) -> None:
    load_pyradiomics()
    from radiomics import cShape

    inside = np.random.default_rng(8).random(shape) < share
    inside[0, 0, 0] = True
    inside = np.pad(inside, 1)
    area, volume, diameters = cShape.calculate_coefficients(inside, np.asarray(spacing))
    assert measure_surface(inside, spacing) == pytest.approx((area, volume), rel=1e-11)
    assert measure_diameters(inside, spacing) == pytest.approx(diameters, rel=1e-12)


def test_ball_has_the_area_and_diameters_of_a_ball() -> None:
    i, j, k = np.ogrid[-12:13, -24:25, -24:25]
    inside = (2 * i) ** 2 + j**2 + k**2 <= 20.0**2
    area, volume = measure_surface(inside, (2.0, 1.0, 1.0))
    assert volume == pytest.approx(4 / 3 * np.pi * 20**3, rel=0.01)
    # Steps of voxels make a ball's surface about a tenth larger than it is.
    assert 1.0 < area / (4 * np.pi * 20**2) < 1.12
    assert measure_diameters(inside, (2.0, 1.0, 1.0))[0] == pytest.approx(41.0)
