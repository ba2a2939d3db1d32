"""What a cohort holds twice is found by digests that say nothing about whom they are of."""

import numpy as np

from app.core.data import Identity, Mask, Volume
from app.core.io.duplicates import Fingerprint, digest_patient, digest_voxels, find_duplicates
from app.core.preprocess.reorient import reorient

VOXELS = np.random.default_rng(0).normal(size=(6, 5, 4)).astype(np.float32)


def test_the_same_voxels_in_another_order_are_the_same():
    image = Volume(VOXELS, np.diag([1.0, 1.0, 3.0, 1.0]))
    assert digest_voxels(reorient(image, "LPS")) == digest_voxels(reorient(image, "SAL")) == digest_voxels(image)
    moved = Volume(VOXELS, np.diag([2.0, 2.0, 2.0, 1.0]))
    assert digest_voxels(moved) == digest_voxels(image)


def test_another_voxel_or_a_mirror_image_is_another():
    image = Volume(VOXELS, np.eye(4))
    changed = VOXELS.copy()
    changed[3, 2, 1] += 1e-4
    assert digest_voxels(Volume(changed, np.eye(4))) != digest_voxels(image)
    assert digest_voxels(Volume(VOXELS[::-1], np.eye(4))) != digest_voxels(image)
    inside = VOXELS > 0
    assert digest_voxels(Mask(inside, np.eye(4))) != digest_voxels(Mask(~inside, np.eye(4)))


def test_patients_are_told_apart_without_a_trace():
    one = Identity(patient_name="Roe, Jane", patient_id="P-77", birth_date="1960-01-02")
    digest = digest_patient(one, "salt")
    assert digest == digest_patient(Identity(patient_id=" p-77"), "salt")
    assert digest != digest_patient(one, "pepper")
    assert digest != digest_patient(Identity(patient_id="P-78"), "salt")
    by_name = Identity(patient_name="Roe, Jane", birth_date="1960-01-02")
    assert digest_patient(by_name, "salt") not in ("", digest)
    for nobody in (Identity(), Identity(patient_id="ANONYMOUS"), Identity(patient_id="0000"),
                   Identity(patient_name="Roe, Jane")):
        assert digest_patient(nobody, "salt") == ""


def test_what_is_shared_is_told_with_its_cases():
    prints = [Fingerprint("A", "t1", "x", "m", "p"), Fingerprint("B", "t1", "x", "n", "q"),
              Fingerprint("C", "t1", "y", "m", "q"), Fingerprint("D", "t1", "z"), Fingerprint("D", "t2", "z"),
              Fingerprint("E", "t1"), Fingerprint("F", "t1")]
    found = [(flag.code, flag.cases) for flag in find_duplicates(prints)]
    assert found == [("duplicate_image", ("A", "B")), ("duplicate_image", ("D",)), ("duplicate_mask", ("A", "C")),
                     ("same_patient", ("B", "C"))]
    many = [Fingerprint(name, "t1", "x") for name in "ABCDEFGH"]
    assert find_duplicates(many)[0].message == "The same image is found in A, B, C, D, E and 3 others."
