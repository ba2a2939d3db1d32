import json
from importlib import import_module, metadata

import numpy as np
import pytest
import SimpleITK as sitk

from app.core.errors import Cancelled

module = import_module("app.core.workflows.self_test")


def test_stored_figures_are_those_of_simpleitk_alone() -> None:
    volume, tissue = module.make_biased_image()
    image = sitk.GetImageFromArray(volume.voxels.transpose(2, 1, 0))
    image.SetSpacing((2.0, 2.0, 4.0))
    everywhere = sitk.Image(image.GetSize(), sitk.sitkUInt8) + 1
    everywhere.CopyInformation(image)
    engine = sitk.N4BiasFieldCorrectionImageFilter()
    engine.Execute(sitk.Shrink(image, [2, 2, 1]), sitk.Shrink(everywhere, [2, 2, 1]))
    field = np.exp(sitk.GetArrayFromImage(engine.GetLogBiasFieldAsImage(image)).T)
    before, after = volume.voxels[tissue], (volume.voxels / field)[tissue]
    assert before.std() / before.mean() == pytest.approx(module.N4_EXPECTED["cv_before"], rel=1e-4)
    assert after.std() / after.mean() == pytest.approx(module.N4_EXPECTED["cv_after"], rel=1e-3)
    # Noise alone is 2 in 100.
    assert 0.02 < module.N4_EXPECTED["cv_after"] < 0.03


def test_selftest_passes_and_is_plain_json() -> None:
    steps: list[tuple[float, str]] = []
    found = json.loads(json.dumps(module.selftest({}, lambda fraction, message: steps.append((fraction, message))),
                                  allow_nan=False))
    assert found["ok"] is True
    assert set(found) == {"ibsi", "combat", "n4", "versions", "devices", "ok"}
    counts = {state: sum(row["state"] == state for row in found["ibsi"]["rows"])
              for state in ("within", "outside", "not_implemented")}
    assert {state: found["ibsi"][state] for state in counts} == counts
    assert counts["outside"] == 0
    assert found["n4"]["state"] == "within"
    assert found["combat"]["state"] == "within"
    assert set(found["combat"]["differences"]) == {"parametric", "nonparametric", "no_eb", "mean_only", "reference"}
    assert found["devices"][0] == "cpu"
    assert found["versions"]["numpy"] == metadata.version("numpy")
    assert [step[0] for step in steps] == sorted(step[0] for step in steps)


@pytest.mark.parametrize("part", ["ibsi", "n4", "combat"])
def test_selftest_fails_when_a_value_lies_outside(monkeypatch, part: str) -> None:
    monkeypatch.setattr(module, "find_devices", lambda: ["cpu"])
    if part == "ibsi":
        monkeypatch.setattr(module, "compare_with_ibsi", lambda: [{"state": "within"}, {"state": "outside"}])
    elif part == "combat":
        monkeypatch.setattr(module, "COMBAT_TOLERANCE", 1e-12)
    else:
        monkeypatch.setitem(module.N4_EXPECTED, "cv_after", 0.03)
    assert module.selftest({}, lambda *_: None)["ok"] is False


def test_selftest_can_be_cancelled() -> None:
    def stop(fraction: float, message: str) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        module.selftest({}, stop)
