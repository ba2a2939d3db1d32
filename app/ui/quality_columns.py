"""How the checked cases of a cohort are told in a table: their flags in words with a mark, and how they were made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from app.ui.widgets.mark_icon import SEVERITIES
from app.ui.widgets.record_model import Column, Mark, Record

_PLURALS = {"problem": "problems", "caution": "cautions", "note": "notes"}


def severities(record: Record) -> Counter[str]:
    """Count the flags of a case by severity."""
    return Counter(str(flag["severity"]) for flag in record.get("flags") or ())


def worst(record: Record) -> str:
    """The gravest severity of a case; '' without flags."""
    found = severities(record)
    return next((name for name in SEVERITIES if found[name]), "")


def _flags_text(record: Record) -> str:
    found = severities(record)
    parts = [f"{found[name]} {name if found[name] == 1 else _PLURALS[name]}" for name in SEVERITIES if found[name]]
    return ", ".join(parts) or "none"


def _mark(record: Record) -> Mark | None:
    return SEVERITIES.get(worst(record))


def _messages(record: Record) -> str:
    return "\n".join(str(flag["message"]) for flag in record.get("flags") or ()) or "Nothing was flagged."


def _tag(name: str) -> Any:
    return lambda record: (record.get("acquisition") or {}).get(name)


def _figure(value: Any) -> str:
    return f"{float(value):.4g}"


def _sizes(values: Sequence[float] | None) -> str:
    return " × ".join(f"{float(value):.3g}" for value in values or ())


def _spacing(record: Record) -> str:
    return _sizes(record.get("spacing"))


def _shape(record: Record) -> str:
    return " × ".join(str(size) for size in record.get("shape") or ())


COLUMNS = (
    Column("Case", lambda record: record["case"]),
    Column("Sequence", lambda record: None if record.get("sequence") == "image" else record.get("sequence")),
    Column("Flags", _flags_text, mark=_mark, tip=_messages, about="What deserves a look"),
    Column("Maker", _tag("manufacturer")),
    Column("Model", _tag("model")),
    Column("Field, T", _tag("field_strength"), _figure, numeric=True),
    Column("TR, ms", _tag("repetition_time"), _figure, "Repetition time", numeric=True),
    Column("TE, ms", _tag("echo_time"), _figure, "Echo time", numeric=True),
    Column("Spacing, mm", _spacing, about="Voxel size along rows, columns and slices", numeric=True),
    Column("Slice, mm", _tag("thickness"), _figure, "Slice thickness", numeric=True),
    Column("Voxels", _shape, numeric=True),
    Column("Tumour, ml", lambda record: record.get("volume_ml"), lambda value: f"{value:,.1f}", numeric=True),
    Column("Findings", lambda record: " ".join(str(flag["message"]) for flag in record.get("flags") or ()),
           tip=_messages),
)


def records_of(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Make the rows of a check: one per case and sequence, those that failed last."""
    rows = [{**each, "key": f"{each['case']}\n{each.get('sequence', '')}"} for each in result.get("cases") or ()]
    rows += [{"case": each["case"], "key": f"{each['case']}\nfailed {place}", "sheet": None,
              "flags": [{"code": "failed", "message": str(each["message"]), "severity": "problem"}]}
             for place, each in enumerate(result.get("failed") or ())]
    return rows


def counts_text(records: Sequence[Record]) -> str:
    """Count images by their gravest flag: '32 images: 3 with problems, 5 with cautions, 24 without'."""
    found = Counter(worst(record) for record in records)
    parts = [f"{found[name]:,} with {_PLURALS[name]}" for name in SEVERITIES if found[name]]
    plain = f"{found['']:,} without flags" if found[""] else ""
    return f"{len(records):,} image{'s' if len(records) != 1 else ''}: " + ", ".join(
        part for part in (*parts, plain) if part)
