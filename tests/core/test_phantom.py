"""The phantom: repeatable, honest about its label, and as hard as life."""

import csv
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest

from app.core.errors import Cancelled
from app.core.phantom import (
    LOCATIONS,
    bayes_auc,
    bayes_score,
    choose_site,
    draw_parameters,
    make_case,
    make_demo_case,
    make_sites,
    write_case,
    write_cohort,
    write_demo,
)
from app.core.phantom.fields import draw_field
from app.core.phantom.parameters import draw_label, draw_split
from app.core.phantom.tumour import draw_shape
from app.core.requests import DemoRequest

SITES = make_sites(43, 5)
DRAWS = 20000


@pytest.fixture(scope="module")
def published():
    return [draw_parameters(index, seed=1, signal=1.0) for index in range(DRAWS)]


@pytest.fixture(scope="module")
def cases():
    return [make_case(index, seed=5, signal=1.0, sites=SITES) for index in range(8)]


def area(labels, scores):
    """Probability that an ALT scores above a lipoma, by counting; independent of the phantom's own."""
    lipoma = np.sort([s for label, s in zip(labels, scores, strict=True) if not label])
    alt = np.array([s for label, s in zip(labels, scores, strict=True) if label])
    below = np.searchsorted(lipoma, alt, side="left") + np.searchsorted(lipoma, alt, side="right")
    return float(below.mean() / 2 / len(lipoma))


def odds_ratio(cases, sign):
    share = [np.mean([sign(case) for case in cases if case.label == label]) for label in (0, 1)]
    return share[1] / (1 - share[1]) * (1 - share[0]) / share[0]


def quiet(fraction, message):
    pass


class TestRepeatable:
    def test_same_arguments_give_the_same_voxels(self):
        first, second = (make_case(7, seed=5, signal=1.0, sites=SITES) for _ in range(2))
        assert np.array_equal(first.image.voxels, second.image.voxels)
        assert np.array_equal(first.mask.voxels, second.mask.voxels)
        assert np.array_equal(first.image.affine, second.image.affine)
        assert first.reading == second.reading

    def test_index_and_seed_matter(self):
        images = [make_case(i, seed=s, signal=1.0, sites=SITES).image for i, s in ((7, 5), (8, 5), (7, 6))]
        assert not any(a.voxels.shape == b.voxels.shape and np.array_equal(a.voxels, b.voxels)
                       for a, b in ((images[0], images[1]), (images[0], images[2])))

    def test_cohort_size_changes_no_case(self, tmp_path):
        for n in (2, 3):
            write_cohort(DemoRequest(kind="cohort", out=str(tmp_path / str(n)), cases=n, sites=4, seed=9), quiet)
        for name in ("P001", "P002"):
            a, b = (nib.load(tmp_path / str(n) / name / "image.nii.gz").get_fdata() for n in (2, 3))
            assert np.array_equal(a, b)

    def test_demo_case_is_an_intramuscular_thigh_tumour_with_septa(self):
        case = make_demo_case()
        assert (case.reading["location"], case.reading["region"]) == ("intramuscular", "thigh")
        assert case.reading["septa_mm"] > 2
        assert case.acquisition.sequence == "t1_fs_gd"


class TestSignal:
    @pytest.mark.parametrize("index", [0, 3, 50])
    def test_at_zero_the_label_changes_no_pixel(self, index):
        lipoma, alt = (make_case(index, seed=5, signal=0.0, sites=SITES, label=label) for label in (0, 1))
        assert (lipoma.label, alt.label) == (0, 1)
        assert np.array_equal(lipoma.image.voxels, alt.image.voxels)
        assert np.array_equal(lipoma.mask.voxels, alt.mask.voxels)
        assert lipoma.reading == alt.reading
        assert lipoma.acquisition == alt.acquisition

    def test_at_one_the_label_changes_the_tumour(self):
        lipoma, alt = (make_case(3, seed=5, signal=1.0, sites=SITES, label=label) for label in (0, 1))
        assert alt.mask.volume_ml > lipoma.mask.volume_ml

    def test_at_zero_the_score_is_zero(self):
        for index in range(500):
            assert bayes_score(draw_parameters(index, seed=2, signal=0.0), age=True) == 0.0

    def test_bayes_auc_as_published(self, published):
        labels = [case.label for case in published]
        assert 0.88 < area(labels, [bayes_score(case) for case in published]) < 0.92
        assert 0.78 < area(labels, [case.volume_ml for case in published]) < 0.83
        assert bayes_auc(1.0, seed=1, draws=2000) == pytest.approx(
            area(labels[:2000], [bayes_score(case) for case in published[:2000]]), abs=1e-12)

    def test_auc_grows_with_the_signal(self):
        areas = [bayes_auc(signal, draws=4000) for signal in (0.0, 0.25, 0.5, 0.75, 1.0)]
        assert areas[0] == 0.5
        assert np.all(np.diff(areas) > 0.04)

    def test_score_is_calibrated(self, published):
        """A log likelihood ratio s plus the prior odds gives the true share of ALT among cases with that s."""
        scores = np.array([bayes_score(case, age=True) for case in published])
        labels = np.array([case.label for case in published])
        expected = 1 / (1 + np.exp(-scores - np.log(9 / 8)))
        for low, high in ((0.0, 0.2), (0.2, 0.4), (0.4, 0.6), (0.6, 0.8), (0.8, 1.0)):
            chosen = (expected >= low) & (expected < high)
            assert labels[chosen].mean() == pytest.approx(expected[chosen].mean(), abs=0.035)


class TestFrequencies:
    def test_readers_signs(self, published):
        thick = [case.septa_mm > 2 for case in published if case.label]
        assert np.mean(thick) == pytest.approx(0.85, abs=0.02)
        assert odds_ratio(published, lambda case: case.septa_mm > 2) == pytest.approx(6.24, rel=0.15)
        assert odds_ratio(published, lambda case: case.enhances) == pytest.approx(2.95, rel=0.15)

    def test_volumes(self, published):
        for label, median in ((0, 154), (1, 437)):
            volumes = [case.volume_ml for case in published if case.label == label]
            assert np.median(volumes) == pytest.approx(median, rel=0.06)
            assert min(volumes) >= 2
            assert max(volumes) <= 2106

    def test_longest_dimension(self, published):
        rng = np.random.default_rng(0)
        sizes = {label: [draw_shape(case, 0.0, 0.0, rng).longest_cm for case in published[:300] if case.label == label]
                 for label in (0, 1)}
        assert np.mean(sizes[0]) == pytest.approx(13.9, rel=0.12)
        assert np.mean(sizes[1]) == pytest.approx(18.7, rel=0.12)
        assert max(map(max, sizes.values())) < 38
        over = [np.mean(np.array(sizes[label]) > 13) for label in (0, 1)]
        assert 2.0 < over[1] / (1 - over[1]) * (1 - over[0]) / over[0] < 6.5

    def test_age_and_location(self, published):
        assert np.mean([case.age for case in published if not case.label]) == pytest.approx(52.5, abs=1)
        assert np.mean([case.age for case in published if case.label]) == pytest.approx(60, abs=1)
        inter = [np.mean([LOCATIONS[case.location] == "intermuscular" for case in published if case.label == label])
                 for label in (0, 1)]
        assert inter[1] > inter[0] + 0.2

    def test_labels_and_split_are_balanced_wherever_the_cohort_ends(self):
        assert sum(draw_label(index, 3) for index in range(85)) == 45
        assert len({tuple(draw_label(i, seed) for i in range(17)) for seed in range(6)}) == 6
        for count in (40, 85, 300):
            for label in (0, 1):
                parts = [draw_split(i, 3) for i in range(count) if draw_label(i, 3) == label]
                assert parts.count("test") / len(parts) == pytest.approx(0.3, abs=0.07)


class TestSites:
    def test_every_site_sends_a_case_and_some_only_one(self):
        names = [choose_site(index, seed=5, sites=SITES).name for index in range(85)]
        counts = [names.count(site.name) for site in SITES]
        assert min(counts) == 1
        assert counts.count(1) > 8
        assert max(counts) > 4

    def test_vendors(self):
        cases = [choose_site(i, seed=s, sites=make_sites(43, s)) for s in range(12) for i in range(85)]
        published = {"GE": 0.388, "Siemens": 0.376, "Philips": 0.212, "Toshiba": 0.024}
        share = {vendor: np.mean([site.vendor == vendor for site in cases]) for vendor in published}
        assert share == pytest.approx(published, abs=0.04)
        assert {site.field_strength for site in cases} == {1.0, 1.5, 3.0}

    def test_site_says_nothing_of_the_label(self):
        """Chi-squared of site by label, over many cohorts, near its degrees of freedom."""
        table = np.zeros((2, 10))
        sites = make_sites(10, 0)
        for index in range(4000):
            table[draw_label(index, 0), int(choose_site(index, seed=0, sites=sites).name[1:]) - 1] += 1
        expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
        assert ((table - expected) ** 2 / expected).sum() < 27.9  # 99.9 % point for 9 degrees of freedom

    def test_one_site(self):
        assert choose_site(12, seed=0, sites=make_sites(1, 0)).name == "S01"


class TestPicture:
    def test_mask_holds_the_drawn_volume(self, cases):
        for case in cases:
            assert case.mask.volume_ml == pytest.approx(case.parameters.volume_ml, rel=0.15)
        shares = [case.mask.volume_ml / case.parameters.volume_ml for case in cases]
        assert np.median(shares) == pytest.approx(1, abs=0.02)

    def test_grid(self, cases):
        for case in cases:
            shape, spacing = case.image.voxels.shape, case.image.geometry.spacing
            assert 160 <= shape[0] == shape[1] <= 256
            assert 16 <= shape[2] <= 40
            assert spacing[2] > 2 * spacing[0]
            assert case.image.geometry.axis_codes == case.site.axes
            assert case.image.geometry.matches(case.mask.geometry)
            assert case.acquisition.slice_gap == pytest.approx(spacing[2], abs=0.01)
            first, last = case.mask.voxels[..., 0], case.mask.voxels[..., -1]
            assert not first.any()
            assert not last.any()

    def test_axes_and_obliquity_differ_between_sites(self):
        assert len({site.axes for site in SITES}) > 2
        assert 0 < sum(site.obliquity > 0 for site in SITES) < 25

    def test_fat_is_dark_and_surroundings_brighter(self, cases):
        """Most of the tumour is suppressed fat: darker than the body's median, brighter than air."""
        for case in cases:
            voxels, inside = case.image.voxels, case.mask.voxels
            body = voxels > 0.12 * np.percentile(voxels, 99)
            fat = np.percentile(voxels[inside], 15)
            assert np.median(voxels[~body]) < fat < np.percentile(voxels[body], 60)
            assert np.all(voxels == np.rint(voxels))
            assert voxels.min() >= 0

    def test_enhancement_shows(self):
        case = make_case(3, seed=5, signal=1.0, sites=SITES)
        lipoma_like = replace(case.parameters, stroma=(-2.0, -2.0, -2.0))
        assert (lipoma_like.nodules, lipoma_like.enhances) == (0, False)
        assert bayes_score(lipoma_like) < bayes_score(replace(case.parameters, stroma=(2.0, 2.0, 2.0)))

    def test_field_has_unit_variance(self):
        axes = (np.arange(60.0), np.arange(50.0))
        fields = [draw_field(np.random.default_rng(seed), axes, 8.0) for seed in range(200)]
        assert np.std(fields) == pytest.approx(1, abs=0.05)


class TestFiles:
    def test_case(self, tmp_path):
        written = write_case(tmp_path / "new", make_case(2, seed=5, signal=1.0, sites=SITES))
        image, mask = nib.load(written["image"]), nib.load(written["mask"])
        assert [p.name for p in sorted((tmp_path / "new").iterdir())] == ["image.nii.gz", "mask.nii.gz"]
        assert np.allclose(image.affine, mask.affine)
        assert set(np.unique(mask.get_fdata())) == {0, 1}

    def test_demo_request_for_a_case(self, tmp_path):
        result = write_demo(DemoRequest(out=str(tmp_path)), quiet)
        assert result["label"] == "ALT/WDL"
        assert result["patient"] == "demo"

    def test_cohort_table(self, tmp_path):
        told = []
        request = DemoRequest(kind="cohort", out=str(tmp_path), cases=4, sites=3, signal=0.5)
        result = write_demo(request, lambda fraction, _: told.append(fraction))
        with (tmp_path / "cohort.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        assert list(rows[0]) == ["patient", "image", "mask", "label", "site", "vendor", "field_strength", "split",
                                 "age", "sex", "location"]
        assert {row["label"] for row in rows} <= {"lipoma", "ALT/WDL"}
        assert {row["site"] for row in rows} == {"S01", "S02", "S03"}
        assert all((tmp_path / row[kind]).is_file() for row in rows for kind in ("image", "mask"))
        assert told == sorted(told)
        assert told[-1] == 1.0
        assert (result["cases"], result["sites"], len(result["written"])) == (4, 3, 9)

    def test_several_processes_write_the_same(self, tmp_path):
        for jobs in (1, 2):
            write_cohort(DemoRequest(kind="cohort", out=str(tmp_path / str(jobs)), cases=2, sites=2, jobs=jobs), quiet)
        for kind in ("image", "mask"):
            one, two = (nib.load(tmp_path / str(jobs) / "P002" / f"{kind}.nii.gz").get_fdata() for jobs in (1, 2))
            assert np.array_equal(one, two)

    @pytest.mark.parametrize("jobs", [1, 2])
    def test_cancelled_leaves_whole_cases_only(self, tmp_path, jobs):
        def stop(fraction, message):
            if fraction > 0.1:
                raise Cancelled

        with pytest.raises(Cancelled):
            write_cohort(DemoRequest(kind="cohort", out=str(tmp_path), cases=12, sites=2, jobs=jobs), stop)
        assert not (tmp_path / "cohort.csv").exists()
        folders = list(tmp_path.iterdir())
        assert 1 <= len(folders) < 12
        for folder in folders:
            assert folder.name.startswith("P")
            assert [p.name for p in sorted(folder.iterdir())] == ["image.nii.gz", "mask.nii.gz"]
