"""Sites held out whole, and splits from a file: nothing of a patient on both sides, every fault told."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.errors import CohortError
from app.core.evaluate.folds import Folds, leave_one_site_out, leave_sites_out, make_folds, read_splits


def draw_sites(seed, count, cases):
    rng = np.random.default_rng(seed)
    sites = np.concatenate([np.arange(count), rng.integers(0, count, cases - count)])
    labels = (rng.random(cases) < 0.4).astype(int)
    return labels, np.arange(cases).astype(str), np.array([f"site {number}" for number in sites])


def test_five_sites_are_held_out_one_at_a_time():
    labels, patients, sites = draw_sites(0, 5, 120)
    folds = leave_sites_out(labels, patients, sites, k=10, repeats=5, seed=0)
    assert (folds.k, folds.repeats, folds.scheme) == (5, 1, "sites")
    for train, test in folds.splits:
        assert len(set(sites[test])) == 1
        assert set(sites[train]) == set(sites) - set(sites[test])
        assert len(train) + len(test) == 120


def test_many_sites_are_held_out_in_balanced_groups():
    labels, patients, sites = draw_sites(1, 43, 85)
    folds = leave_sites_out(labels, patients, sites, k=10, repeats=3, seed=0)
    assert (folds.k, folds.repeats, len(folds.splits)) == (10, 3, 30)
    for train, test in folds.splits:
        assert set(sites[train]).isdisjoint(sites[test])
    for repeat in range(3):
        tests = [test for _, test in folds.splits[10 * repeat:10 * repeat + 10]]
        np.testing.assert_array_equal(np.sort(np.concatenate(tests)), np.arange(85))
        assert max(map(len, tests)) - min(map(len, tests)) <= 6
        shares = [labels[test].mean() for test in tests]
        assert np.ptp(shares) < 0.4
    assert leave_sites_out(labels, patients, sites, 10, 3, seed=0).digest == folds.digest
    assert leave_sites_out(labels, patients, sites, 10, 3, seed=1).digest != folds.digest


@given(seed=st.integers(0, 10_000), count=st.integers(5, 20), cases=st.integers(60, 120))
@settings(max_examples=25, deadline=None)
def test_a_patient_is_never_on_both_sides_even_when_seen_at_two_sites(seed, count, cases):
    labels, _, sites = draw_sites(seed, count, cases)
    patients = np.random.default_rng(seed).integers(0, cases // 2, cases).astype(str)
    try:
        folds = leave_sites_out(labels, patients, sites, k=6, repeats=2, seed=seed)
    except CohortError:
        return
    for train, test in folds.splits:
        assert set(patients[train]).isdisjoint(patients[test])
        assert set(sites[train]).isdisjoint(sites[test])
        assert set(labels[train]) == {0, 1}


def test_each_of_many_sites_can_be_held_out_alone():
    labels, patients, sites = draw_sites(2, 43, 85)
    folds = leave_one_site_out(labels, patients, sites)
    assert sorted(sites[test][0] for _, test in folds.splits) == sorted(set(sites))
    assert all(len(set(sites[test])) == 1 for _, test in folds.splits)


def test_rows_of_an_unknown_site_take_no_part():
    labels, patients, sites = draw_sites(3, 6, 100)
    sites = sites.astype(object)
    sites[:4] = ["", None, float("nan"), ""]
    folds = leave_sites_out(labels, patients, sites, 10, 1, seed=0)
    assert not set(range(4)) & {row for split in folds.splits for rows in split for row in rows.tolist()}


def test_four_sites_are_too_few():
    labels, patients, sites = draw_sites(4, 4, 80)
    with pytest.raises(CohortError, match=r"4 site\(s\), holding sites out needs at least 5"):
        leave_sites_out(labels, patients, sites, 10, 1, seed=0)


def test_sites_that_say_all_about_the_label_are_refused():
    sites = np.repeat(["a", "b", "c", "d", "e"], 10)
    labels = np.isin(sites, ["a", "b"]).astype(int)
    with pytest.raises(CohortError, match="nothing can be said about new sites"):
        leave_sites_out(labels, np.arange(50), sites, 5, 1, seed=0)


def test_figures_of_a_partition_are_those_of_k_folds():
    labels, patients, _ = draw_sites(5, 5, 100)
    folds = make_folds(labels, patients, 10, 5, seed=0)
    assert folds.ratio == pytest.approx(1 / 9)
    assert folds.freedom == 9
    assert folds.inflation == pytest.approx(1 / 5 + 10 / 9)


def test_figures_of_overlapping_splits():
    rng = np.random.default_rng(0)
    splits = tuple((order[20:], order[:20]) for order in (rng.permutation(100) for _ in range(50)))
    folds = Folds(splits, 1, 50, "fixed")
    assert folds.ratio == 0.25
    assert folds.freedom == pytest.approx(4), "as five folds"
    assert folds.inflation == pytest.approx(5 * (1 / 50 + 0.25))
    assert Folds(splits[:2], 1, 2, "fixed").freedom == pytest.approx(4), "two splits say no less than their sizes do"


@pytest.fixture
def cohort():
    return np.array([0, 1] * 10), np.array([f"{number:03d}" for number in range(20)])


def write_splits(path, splits):
    columns = {f"{name}_{side}": pd.Series(ids, dtype=object)
               for name, pair in splits.items() for side, ids in pair.items()}
    pd.DataFrame(columns).to_csv(path, index=False)
    return path


def test_splits_are_read_with_their_ids_as_text(tmp_path, cohort):
    labels, patients = cohort
    test = [set(patients[:6]), set(patients[4:10])]
    pairs = {str(place): {"train": sorted(set(patients) - own), "test": sorted(own)} for place, own in enumerate(test)}
    path = write_splits(tmp_path / "splits.csv", pairs)
    folds = read_splits(path, labels, patients)
    assert (folds.k, folds.repeats, folds.scheme) == (1, 2, "fixed")
    for (trained, tested), own in zip(folds.splits, test, strict=True):
        assert set(patients[tested]) == own
        assert set(patients[trained]) == set(patients) - own


def test_splits_that_partition_the_cohort_are_folds(tmp_path, cohort):
    labels, patients = cohort
    splits = {str(fold): {"train": [p for p in patients if p not in patients[4 * fold:4 * fold + 4]],
                          "test": list(patients[4 * fold:4 * fold + 4])} for fold in range(5)}
    folds = read_splits(write_splits(tmp_path / "splits.csv", splits), labels, patients)
    assert (folds.k, folds.repeats, folds.freedom) == (5, 1, 4)


def test_numeric_ids_of_a_spreadsheet_are_found(tmp_path):
    labels, patients = np.array([0, 1] * 6), np.array([str(number) for number in range(1, 13)])
    table = pd.DataFrame({"1_train": pd.Series(range(1, 9)), "1_test": pd.Series(range(9, 13))})
    table.to_parquet(tmp_path / "s.parquet")
    folds = read_splits(tmp_path / "s.parquet", labels, patients)
    assert patients[folds.splits[0][1]].tolist() == ["9", "10", "11", "12"]


def test_every_fault_of_the_splits_is_told_at_once(tmp_path, cohort):
    labels, patients = cohort
    path = write_splits(tmp_path / "splits.csv", {
        "1": {"train": list(patients[:10]), "test": [*patients[9:15]]},
        "2": {"train": list(patients[:10]), "test": ["900", "901"]},
        "3": {"train": list(patients[:10])},
        "4": {"train": list(patients[:10]), "test": list(patients[10:20:2])},
    })
    with pytest.raises(CohortError) as caught:
        read_splits(path, labels, patients)
    assert caught.value.issues == [
        "Split 1 has 1 patient(s) on both sides, 009 first.",
        "Split 2 names 2 patient(s) that the table lacks, 900 first.",
        "Split 3 has the column 3_train alone.",
        "The test side of split 4 lacks one of the classes.",
    ]


def test_a_table_without_splits_is_refused(tmp_path, cohort):
    (tmp_path / "splits.csv").write_text("patient\n001\n")
    with pytest.raises(CohortError, match="no pair of columns"):
        read_splits(tmp_path / "splits.csv", *cohort)
