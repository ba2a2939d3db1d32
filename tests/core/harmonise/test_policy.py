"""Sites that training did not have, or hardly: every policy, what it does and what it says."""

import numpy as np
import pytest

from app.core.errors import InputError
from app.core.harmonise.combat import Combat
from tests.core.harmonise.site_tables import FEATURES, make_table


def plain(table):
    return table[list(FEATURES)].to_numpy()


@pytest.fixture
def cohort():
    table, _ = make_table()
    new, _ = make_table(9, ("N",) * 12 + ("M",) * 3)
    return table, new.assign(vendor="GE", field=3.0)


def test_refuse(cohort):
    table, new = cohort
    combat = Combat(FEATURES).fit(table)
    with pytest.raises(InputError, match="The site M, N was not among the 5 sites of training"):
        combat.transform(new)
    assert {row["policy"] for row in combat.explain(new)} == {"refused"}
    with pytest.raises(InputError, match="not stated"):
        combat.transform(table.head(2).assign(site=None))


def test_leave(cohort):
    table, new = cohort
    combat = Combat(FEATURES, unseen="leave").fit(table)
    np.testing.assert_array_equal(combat.transform(new), plain(new))
    row = combat.explain(new)[0]
    assert (row["policy"], row["site"], row["batch"]) == ("left_unseen", "N", "")
    assert row["caution"] == "The site N was not in training; the features are left as they are."


def test_nearest_group_stands_in_and_falls_back(cohort):
    table, new = cohort
    combat = Combat(FEATURES, unseen="nearest", group_by=("vendor", "field")).fit(table)
    as_c = combat.transform(new.assign(site="C"))
    np.testing.assert_allclose(combat.transform(new), as_c)  # C is the only site of GE at 3 T
    assert combat.explain(new)[0]["batch"] == "GE | 3"
    wider = new.assign(vendor="Siemens", field=7.0)
    row = combat.explain(wider)[0]
    assert (row["policy"], row["batch"]) == ("nearest", "Siemens")
    a, b = (combat.batches_.index(site) for site in "AB")
    expected = (20 * combat.location_[a] + 15 * combat.location_[b]) / 35
    np.testing.assert_allclose(combat.groups_["Siemens"][0], expected)
    assert combat.explain(new.assign(field=None))[0]["batch"] == "GE"
    unknown = new.assign(vendor="Canon")
    np.testing.assert_array_equal(combat.transform(unknown), plain(unknown))
    assert combat.explain(unknown)[0]["policy"] == "left_unseen"


def test_estimate_from_enough_unlabelled_cases(cohort):
    table, new = cohort
    combat = Combat(FEATURES, unseen="estimate", eb=False).fit(table)
    done = combat.transform(new)
    large = (new.site == "N").to_numpy()
    np.testing.assert_allclose(done[large].mean(axis=0), combat.mean_)
    np.testing.assert_allclose(done[large].std(axis=0, ddof=1), combat.deviation_)
    np.testing.assert_array_equal(done[~large], plain(new)[~large])
    assert [row["policy"] for row in combat.explain(new)] == ["estimated"] * 12 + ["left_unseen"] * 3
    assert combat.explain(new.head(4))[0]["policy"] == "left_unseen"


def test_adapt_adds_a_site_and_changes_nothing_else(cohort):
    table, new = cohort
    combat = Combat(FEATURES).fit(table)
    before = combat.transform(table)
    adapted = combat.adapt(new)
    np.testing.assert_array_equal(adapted.transform(table), before)
    assert combat.batches_ == ["A", "B", "C"]
    assert adapted.adapted_ == {"N": 12}
    one = new.head(1)
    assert adapted.explain(one)[0]["policy"] == "adapted"
    estimated = Combat(FEATURES, unseen="estimate").fit(table).transform(new)
    np.testing.assert_allclose(adapted.transform(one)[0], estimated[0])
    with pytest.raises(InputError, match="No new site of the table has 5 cases; the largest has 3"):
        combat.adapt(new[new.site == "M"])
    with pytest.raises(InputError, match="No new site"):
        combat.adapt(table[table.site == "A"])


def test_small_sites_are_merged_by_protocol():
    table, _ = make_table(0, ("A",) * 20 + ("B",) * 15 + ("D",) * 3 + ("E",) * 3 + ("P",) * 2)
    combat = Combat(FEATURES, small="merge", group_by=("vendor",)).fit(table)
    assert combat.batches_ == ["A", "B", "small sites (GE)"]
    rows = combat.explain(table)
    assert [row["policy"] for row in rows[35:]] == ["merged"] * 6 + ["left_small"] * 2
    together = Combat(FEATURES, small="merge").fit(table)
    assert together.batches_ == ["A", "B", "small sites"]
    assert together.explain(table)[-1]["batch"] == "small sites"
    # Merged sites are treated as one: the same parameters for each.
    alone = table.assign(site=table.site.where(~table.site.isin(["D", "E", "P"]), "merged"))
    np.testing.assert_allclose(together.transform(table), Combat(FEATURES).fit(alone).transform(alone))


def test_small_sites_with_a_location_only():
    table, _ = make_table()
    combat = Combat(FEATURES, small="mean_only").fit(table)
    place = combat.batches_.index("D")
    np.testing.assert_array_equal(combat.scale_[place], 1.0)
    assert "E" not in combat.batches_
    assert [row["policy"] for row in combat.explain(table)][-3:] == ["mean_only", "mean_only", "left_small"]
    gaps = np.diff(plain(table)[45:47], axis=0)
    np.testing.assert_allclose(np.diff(combat.transform(table)[45:47], axis=0), gaps)


def test_numbered_sites_are_the_same_as_whole_floats(cohort):
    table, _ = cohort
    numbered = table.assign(site=table.site.map({"A": 1, "B": 2, "C": 3, "D": 4, "E": 5}))
    combat = Combat(FEATURES).fit(numbered)
    np.testing.assert_array_equal(combat.transform(numbered.astype({"site": float})), combat.transform(numbered))


def test_training_rows_without_a_site_are_left(cohort):
    table, _ = cohort
    table.loc[[0, 1], "site"] = None
    combat = Combat(FEATURES).fit(table)
    np.testing.assert_array_equal(combat.transform(table)[:2], plain(table)[:2])
    row = combat.explain(table)[0]
    assert (row["site"], row["policy"]) == (None, "left_small")
    assert row["caution"] == "The row's site is not stated; the features are left as they are."
