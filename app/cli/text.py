"""What a person reads on the terminal when no JSON was asked for."""

from __future__ import annotations

import json
from typing import Any


def as_text(result: dict[str, Any]) -> str:
    """Indented JSON, where nothing better is known."""
    return json.dumps(result, indent=1, ensure_ascii=False)


def show_written(result: dict[str, Any]) -> str:
    """The files written, and what failed."""
    written = result.get("written", [])
    lines = [written] if isinstance(written, str) else list(written)
    lines += [f"failed: {each.get('path') or each.get('case')}: {each['message']}" for each in result.get("failed", [])]
    lines += [f"caution: {each['message']}" for each in result.get("cautions", [])]
    return "\n".join(lines)


def show_n4(result: dict[str, Any]) -> str:
    """Seconds, and the coefficient of variation before and after."""
    return (
        f"{result['engine']}: {result['seconds']:.2f} s, coefficient of variation {result['cv_before']:.4f} -> "
        f"{result['cv_after']:.4f}\n{show_written(result)}"
    )


def show_score(result: dict[str, Any]) -> str:
    """A case in sentences, or a cohort as a list."""
    if "results" in result:
        return "\n".join([*map(_show_row, result["results"]), "Research use only, not a medical device."])
    from app.core.report import headline, sentences

    lines = [f"{result['case']}: {headline(result)}", *sentences(result)]
    lines += [f"Caution: {each['message']}" for each in result["cautions"]]
    return "\n".join([*lines, result["notice"]])


def _show_row(row: dict[str, Any]) -> str:
    if "error" in row:
        return f"{row['case']}\t{row['error']['message']}"
    low, high = row["interval"]
    return f"{row['case']}\t{row['probability']:.3f}\t[{low:.3f}, {high:.3f}]\t{row['verdict']}"


def show_training(result: dict[str, Any]) -> str:
    """The headline of a training run."""
    lines = []
    for name, model in result["models"].items():
        low, high = model["auc"]["interval"]
        lines.append(f"{name}: AUC {model['auc']['mean']:.3f} ({low:.3f} to {high:.3f}), {model['target']}")
    for name, comparator in result["comparators"].items():
        low, high = comparator["difference"]["interval"]
        lines.append(
            f"{name} alone: AUC {comparator['auc']['mean']:.3f}; the model adds "
            f"{comparator['difference']['mean']:+.3f} ({low:+.3f} to {high:+.3f})"
        )
    lines += [f"failed: {each['case']}: {each['message']}" for each in result["failed"]]
    lines += [f"Caution: {each['message']}" for each in result["cautions"]]
    return "\n".join([*lines, result["bundle"]])


def show_models(result: dict[str, Any]) -> str:
    """The library's list, one model's card, or the bundles written."""
    if "card" in result:
        return str(result["card"])
    if "written" in result:
        return show_written(result)
    return "\n".join(
        f"{each['name']}\t{'verified' if each['verified'] else each['problem']}\t{each.get('title', '')}"
        for each in result["models"]
    )


def show_selftest(result: dict[str, Any]) -> str:
    """Counts and a verdict."""
    ibsi = result["ibsi"]
    counts = f"{ibsi['within']} within tolerance, {ibsi['outside']} outside, {ibsi['not_implemented']} not implemented"
    return (
        f"IBSI phantom: {counts}\n"
        f"N4: {json.dumps(result['n4'])}\nDevices: {', '.join(result['devices'])}\n"
        f"{'All is well.' if result['ok'] else 'Something differs from the stored references.'}"
    )
