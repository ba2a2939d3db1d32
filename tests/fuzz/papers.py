"""Samples of what is no image: tables of cases, recipes, models."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pandas as pd

from tests.fuzz.images import nifti_samples
from tests.fuzz.sample import Layout, Sample

ROOT = Path(__file__).resolve().parents[2]


def table_samples() -> list[Sample]:
    """A table of three cases in every dialect."""
    frame = pd.DataFrame({
        "patient": ["007", "P-2", "Åsa 3"], "image": ["P1_t1.nii", "P2_t1.nii", "sub/P3_t1.nii"],
        "mask": ["P1_mask.nii", "P2_mask.nii", "sub/P3_mask.nii"], "site": ["Lyon", "Oslo; East", "Lyon"],
        "age": [61.5, 43.25, 70.0]})
    packed, columns = io.BytesIO(), io.BytesIO()
    frame.to_excel(packed, index=False)
    frame.to_parquet(columns, index=False)
    semicolons = frame.assign(age=["61,5", "43,25", "70"]).to_csv(index=False, sep=";")
    return [
        _table("comma", "cases.csv", "csv", frame.to_csv(index=False).encode()),
        _table("semicolon", "cases.csv", "csv", semicolons.encode("utf-16")),
        _table("quoted", "cases.tsv", "csv", frame.to_csv(index=False, sep="\t", quoting=1).encode("utf-8-sig")),
        _table("sheet", "cases.xlsx", "zip", _settle(packed.getvalue())),
        _table("parquet", "cases.parquet", "", columns.getvalue()),
    ]


def recipe_samples() -> list[Sample]:
    """The shipped recipes."""
    files = sorted((ROOT / "resources" / "recipes").glob("*.json"))
    return [Sample("recipe", path.stem, {"own.json": path.read_bytes()}, {"own.json": Layout("json")})
            for path in files]


def bundle_samples() -> list[Sample]:
    """The shipped models, as archives and as folders."""
    samples = []
    for folder in sorted((ROOT / "models").iterdir()):
        if not (folder / "bundle.json").is_file():
            continue
        files = {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
            for name, content in files.items():
                packed.writestr(zipfile.ZipInfo(f"{folder.name}/{name}"), content)
        samples.append(Sample("bundle", f"{folder.name} archive", {"model.zip": archive.getvalue()},
                              {"model.zip": Layout("zip")}))
        inside = {f"model/{name}": content for name, content in files.items()}
        samples.append(Sample("bundle", f"{folder.name} folder", inside,
                              {name: Layout("json" if name.endswith(".json") else "zip" if name.endswith(".skops")
                                            else "") for name in inside}))
    return samples


def resign(files: dict[str, bytes]) -> dict[str, bytes]:
    """Make a changed model's hashes agree again, as somebody who means harm would."""
    from app.core.bundle.reading import canonical, sha256

    try:
        values = json.loads(files["model/bundle.json"])
        values["files"] = {name.removeprefix("model/"): sha256(content) for name, content in files.items()
                           if name != "model/bundle.json"}
        values["digest"] = sha256(canonical({**values, "digest": ""}))
        return {**files, "model/bundle.json": canonical(values)}
    except (ValueError, TypeError, KeyError, RecursionError):
        return files


def _table(name: str, file: str, kind: str, content: bytes) -> Sample:
    case = nifti_samples()[0].files
    files = {f"{place}_{name}": case[name] for place in ("P1", "P2", "sub/P3") for name in case}
    return Sample("table", name, {**files, file: content}, {file: Layout(kind)}, given={"table": file})


def _settle(packed: bytes) -> bytes:
    """Take the time out of a spreadsheet, so that an input is known by its number."""
    settled = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(packed)) as source, zipfile.ZipFile(settled, "w", zipfile.ZIP_DEFLATED) as target:
        for entry in source.infolist():
            content = source.read(entry)
            if entry.filename == "docProps/core.xml":
                space = "http://schemas.openxmlformats.org/package/2006/metadata/core-properties"
                content = f"<cp:coreProperties xmlns:cp='{space}'/>".encode()
            target.writestr(zipfile.ZipInfo(entry.filename), content, zipfile.ZIP_DEFLATED)
    return settled.getvalue()
