"""A model's classes are named with their column where they are codes, and a test elsewhere still finds them."""

from pathlib import Path

import pytest

from app.core.bundle import Bundle
from app.core.workflows.external import evaluate
from app.core.workflows.training import train
from tests.core.small_cohorts import quiet, training, write_features

CODES = [index % 2 for index in range(60)]


@pytest.fixture(scope="module")
def coded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("coded")
    table = write_features(folder / "features.csv", 60, metastasis=CODES)
    request = training(table, folder / "coded", label="metastasis", positive="1", ignore=["label"])
    return table, Path(train(request, quiet)["bundle"])


def test_codes_are_named_with_their_column(coded):
    specification = Bundle.load(coded[1]).specification
    assert specification.classes == ("metastasis = 0", "metastasis = 1")
    assert specification.training.counts == {"metastasis = 0": 30, "metastasis = 1": 30}


def test_an_external_table_holds_the_codes_themselves(coded, tmp_path):
    table, folder = coded
    found = evaluate({"bundle": str(folder), "table": str(table), "out": str(tmp_path / "out")}, quiet)
    assert found["counts"] == {"metastasis = 0": 30, "metastasis = 1": 30}
