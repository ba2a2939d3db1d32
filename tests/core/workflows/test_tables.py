"""A table's columns and their few values, from every kind of file."""

import pandas as pd
import pytest

from app.core.errors import InputError
from app.core.jobs import run_workflow

FRAME = pd.DataFrame({"patient": [f"P{number:02}" for number in range(25)], "patient_name": ["Doe^Jane"] * 25,
                      "label": [0.0, 1.0] * 12 + [None], "site": ["Lyon", "Oslo"] * 12 + ["Lyon"],
                      "volume_ml": [number + 0.5 for number in range(25)]})


def describe(path):
    return run_workflow("app.core.workflows:describe_table", {"table": str(path)}, lambda _share, _words: None)


@pytest.mark.parametrize("ending", ["csv", "xlsx", "parquet"])
def test_columns_and_few_values_are_told(tmp_path, ending):
    path = tmp_path / f"features.{ending}"
    write = {"csv": FRAME.to_csv, "xlsx": FRAME.to_excel, "parquet": FRAME.to_parquet}[ending]
    write(path, index=False)
    told = describe(path)
    assert told["rows"] == 25
    assert {column["name"]: column["values"] for column in told["columns"]} == {
        "patient": None, "patient_name": None, "label": ["0", "1"], "site": ["Lyon", "Oslo"], "volume_ml": None}


def test_what_is_no_table_is_refused(tmp_path):
    path = tmp_path / "features.parquet"
    path.write_bytes(b"not a table")
    with pytest.raises(InputError, match="cannot be read as a table"):
        describe(path)
