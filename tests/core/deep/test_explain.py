import numpy as np
import pytest
import torch

from app.core.deep.explain import (
    attainable_share,
    check_attention,
    count_cells,
    draw_gradcam,
    draw_occlusion,
    find_layer,
    share_inside,
)
from tests.core.deep.toy_networks import SIDE, SPOT, SpotNetwork, ToyNetwork


@pytest.fixture(scope="module")
def picture():
    made = np.zeros((2, 1, SIDE, SIDE), dtype=np.float32)
    made[0, 0, *SPOT] = 3.0
    return made


def spot():
    mask = np.zeros((1, SIDE, SIDE), dtype=bool)
    mask[0, *SPOT] = True
    return mask


def test_gradcam_points_at_the_spot(picture):
    network = SpotNetwork().requires_grad_(False)
    maps = draw_gradcam(network, picture)
    assert maps.shape == (2, SIDE, SIDE)
    assert maps[0].max() == 1
    share, expected = share_inside(maps[:1], spot())
    assert share > 0.7
    assert expected == pytest.approx(25 / SIDE**2)
    assert (maps[1] == 0).all()


def test_gradcam_for_the_other_class_finds_nothing_that_speaks_for_it(picture):
    assert (draw_gradcam(SpotNetwork(), picture[:1], label=0) == 0).all()


def test_gradcam_leaves_the_network_as_it_was(picture):
    network = ToyNetwork().train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    draw_gradcam(network, picture)
    assert network.training
    assert not any(module._forward_hooks or module._backward_hooks for module in network.modules())
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_occlusion_loses_probability_at_the_spot(picture):
    maps = draw_occlusion(SpotNetwork(), picture[:1], patch=4)
    assert maps.shape == (1, SIDE, SIDE)
    row, column = np.unravel_index(maps[0].argmax(), maps[0].shape)
    assert SPOT[0].start <= row < SPOT[0].stop
    assert SPOT[1].start <= column < SPOT[1].stop
    assert share_inside(maps, spot())[0] > 0.5


def test_occlusion_agrees_with_covering_by_hand(picture):
    network = SpotNetwork()
    maps = draw_occlusion(network, picture[:1], patch=SIDE)
    covered = np.full_like(picture[:1], picture[:1].mean())
    with torch.no_grad():
        whole, without = (torch.sigmoid(network(torch.from_numpy(each))).item() for each in (picture[:1], covered))
    assert maps == pytest.approx(whole - without, abs=1e-6)


def test_the_last_convolution_is_found(picture):
    assert find_layer(ToyNetwork(), picture[0]) == "features.4"
    with pytest.raises(ValueError, match="no convolution"):
        find_layer(torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(SIDE**2, 1)), picture[0])


def test_maps_in_three_dimensions():
    volume = np.zeros((1, 1, 6, 8, 8), dtype=np.float32)
    volume[0, 0, 3:5, 2:5, 2:5] = 3

    class Solid(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.smooth = torch.nn.Conv3d(1, 1, 1)
            torch.nn.init.ones_(self.smooth.weight)
            torch.nn.init.zeros_(self.smooth.bias)

        def forward(self, pictures):
            return self.smooth(pictures).mean(dim=(1, 2, 3, 4))

    maps = draw_gradcam(Solid(), volume)
    assert maps.shape == (1, 6, 8, 8)
    assert share_inside(maps, volume[:, 0] > 0)[0] == pytest.approx(1)
    assert draw_occlusion(Solid(), volume, patch=3).shape == (1, 6, 8, 8)


def test_a_caution_when_the_network_looks_elsewhere():
    assert check_attention(0.8, 0.3) is None
    assert "20%" in check_attention(0.2, 0.1).message
    assert check_attention(0.6, 0.7) is not None
    assert "No place" in check_attention(float("nan"), 0.1).message
    assert check_attention(0.3, 0.1, attainable=0.5) is None
    assert check_attention(0.3, 0.3, attainable=0.5) is not None
    assert "5% of the picture, and 40% would if it looked at nothing else" in check_attention(0.1, 0.05, 0.4).message


def test_a_map_as_coarse_as_the_network_s_cannot_lie_inside_a_small_tumour():
    """A tumour of one cell of four by four: its map spills half a cell over, of a tumour of all cells nothing does."""
    mask = np.zeros((1, 16, 16), dtype=bool)
    mask[0, 4:8, 4:8] = True
    by_hand = np.zeros((16, 16))
    weight = np.interp(np.arange(16), [1.5, 5.5, 9.5], [0.0, 1.0, 0.0])
    by_hand[:] = np.outer(weight, weight)
    assert attainable_share(mask, (4, 4)) == pytest.approx(by_hand[4:8, 4:8].sum() / by_hand.sum(), abs=1e-6)
    assert attainable_share(np.ones((1, 16, 16), dtype=bool), (4, 4)) == pytest.approx(1.0)
    assert attainable_share(mask, (16, 16)) == pytest.approx(1.0)
    assert attainable_share(mask, (2, 2)) < attainable_share(mask, (4, 4)) < attainable_share(mask, (8, 8)) < 1.0001
    cube = np.zeros((1, 8, 8, 8), dtype=bool)
    cube[0, 2:6, 2:6, 2:6] = True
    assert 0.1 < attainable_share(cube, (2, 2, 2)) < attainable_share(cube, (4, 4, 4)) <= 1.0


def test_cells_of_the_last_map_are_counted(picture):
    network = ToyNetwork()
    assert count_cells(network, picture[0]) == (SIDE // 2, SIDE // 2)
    assert network.training
