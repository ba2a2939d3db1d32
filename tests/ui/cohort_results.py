"""Answers of the engine about a cohort, and a window whose page shows them."""

import pytest

SHIPPED = {"name": "pyradiomics", "title": "pyradiomics", "description": "Every feature, as it comes.",
           "shipped": True, "kind": "features",
           "recipe": {"name": "pyradiomics", "description": "Every feature, as it comes.",
                      "features": {"bin_width": 25.0}}}
IBSI = {"name": "ibsi", "title": "IBSI", "description": "By the letter.", "shipped": True, "kind": "features",
        "recipe": {"name": "ibsi", "description": "By the letter.",
                   "features": {"standard": "ibsi", "bin_count": 32, "quantised": {"levels": [8, 16]},
                                "filters": {"Original": {}, "LoG": {"sigma": [1.0, 4.0]}}}}}
MODEL = {"name": "logistic", "title": "Logistic", "description": "", "shipped": True, "kind": "model",
         "recipe": {"name": "logistic"}}


def row(case, status="ready", message="", **more):
    outline = None if status == "no outline" else f"/data/{case}/gtv.nii"
    return {"case": case, "images": {"t1": f"/data/{case}/t1.nii"}, "mask": outline, "mask_2": None,
            "status": status, "message": message, **more}


def listing(ready=4, bare=1, broken=1):
    rows = [*(row(f"P{number}") for number in range(1, ready + 1)),
            *(row(f"B{number}", "no outline", "It has no outline.") for number in range(1, bare + 1)),
            *(row(f"X{number}", "problem", "The image cannot be read.") for number in range(1, broken + 1))]
    cases = [{"id": each["case"], "images": each["images"], "mask": each["mask"]} for each in rows
             if each["status"] != "problem"]
    return {"cases": cases, "rows": rows, "unpaired": [{"path": "/data/odd.nii", "kind": "nifti", "title": "odd"}],
            "notes": ["P1: two outlines, gtv.nii was taken."], "columns": ["case", "label"]}


def extraction(**more):
    return {"written": "/data/out.csv", "errors": "/data/out.errors.csv", "roles": "/data/out.roles.json", "cases": 4,
            "measured": 2, "reused": 1, "failed": [{"case": "P4", "message": "The outline is empty."}], "cautions": [],
            "features": 107, "seconds": 42.0, "seconds_per_case": 10.5, **more}


@pytest.fixture
def cohort(driver, tmp_path):
    """The page with a cohort of six cases on it."""
    driver.window.resize(1400, 860)
    driver.window.show_page(1)
    driver.qtbot.waitUntil(lambda: driver.window.cohort_page.is_made)
    driver.cohort_page = driver.window.cohort_page
    driver.source = tmp_path / "cases"
    driver.source.mkdir()
    driver.jobs.answer("list_recipes", {"recipes": [SHIPPED, IBSI, MODEL], "problems": []})
    driver.cohort_page.take([str(driver.source)])
    driver.jobs.answer("list_cohort", listing())
    driver.cohort = driver.cohort_page.cohort
    return driver
