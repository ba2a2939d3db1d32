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
    from app.core.report.looked import describe_look
    from app.core.report.score import headline, sentences

    lines = [f"{result['case']}: {headline(result)}", *sentences(result), *describe_look(result)]
    lines += [f"Caution: {each['message']}" for each in result["cautions"]]
    return "\n".join([*lines, result["notice"]])


def _show_row(row: dict[str, Any]) -> str:
    if "error" in row:
        return f"{row['case']}\t{row['error']['message']}"
    low, high = row["interval"]
    return f"{row['case']}\t{row['probability']:.3f}\t[{low:.3f}, {high:.3f}]\t{row['verdict']}"


def show_evaluation(result: dict[str, Any]) -> str:
    """What the model is worth on the cases: areas, each operating point, and what it adds to something simpler."""
    counts = ", ".join(f"{name} {count}" for name, count in result["counts"].items())
    lines = [f"{result['model']}: {result['cases']} cases ({counts})", f"AUC {_with_interval(result['auc'], 'mean')}"]
    for name, point in result["points"].items():
        found, cleared = (_with_interval(point[each], "value") for each in ("sensitivity", "specificity"))
        lines.append(f"{name} (threshold {point['threshold']:.3f}): sensitivity {found}, specificity {cleared}")
    slope = (result["calibration"] or {}).get("slope")
    told = "not known" if slope is None else f"{slope:.2f}"
    lines.append(f"Brier score {result['brier']:.3f}, calibration slope {told}")
    for name, comparator in result["comparators"].items():
        alone, adds = (_with_interval(comparator[each], "mean") for each in ("auc", "difference"))
        lines.append(f"{name}: AUC {alone}; the model adds {adds}")
    return "\n".join([*lines, show_written(result)])


def _with_interval(figure: dict[str, Any] | None, name: str) -> str:
    if figure is None or figure[name] is None:
        return "not known"
    low, high = figure["interval"]
    return f"{figure[name]:.3f} ({low:.3f} to {high:.3f})"


def show_extraction(result: dict[str, Any]) -> str:
    """How many cases were measured, what failed and why, and the table."""
    done = result["measured"] + result["reused"]
    counts = f"{result['features']} features of {done} of {result['cases']} cases"
    before = f" ({result['reused']} measured before)" if result["reused"] else ""
    pace = f", {result['seconds_per_case']:.1f} s a case" if result["measured"] else ""
    lines = [f"{counts}{before} in {result['seconds']:.0f} s{pace}"]
    lines += [f"failed: {each['case']}: {each['message']}" for each in result["failed"]]
    lines += _counted_cautions(result["cautions"])
    lines += [result["errors"]] if result["errors"] else []
    return "\n".join([*lines, result["written"]])


def _counted_cautions(cautions: list[dict[str, Any]]) -> list[str]:
    """One line per kind of caution, with one of its cases: a cohort has too many to list."""
    lines = []
    for code in dict.fromkeys(each["code"] for each in cautions):
        alike = [each for each in cautions if each["code"] == code]
        cases = {each["case"]: each["message"] for each in alike if each.get("case")}
        others = f" (and {len(cases) - 1} more like it)" if len(cases) > 1 else ""
        first = f"{next(iter(cases))}: " if cases else ""
        lines.append(f"Caution: {first}{alike[0]['message']}{others}")
    return lines


def show_quality(result: dict[str, Any]) -> str:
    """Every flag as a line: the cohort's, then each case's."""
    lines = [f"{len(result['cases'])} images looked at"]
    lines += [f"{each['severity']}: {each['message']}" for each in result["flags"]]
    for case in result["cases"]:
        where = f"{case['case']} {case['sequence']}" if case.get("sequence", "image") != "image" else case["case"]
        lines += [f"{each['severity']}: {where}: {each['message']}" for each in case["flags"]]
    return "\n".join([*lines, *filter(None, [show_written(result)])])


def show_stability(result: dict[str, Any]) -> str:
    """How many features repeat."""
    share = f"{result['stable']} of {len(result['features'])} features"
    counts = f"{share} repeat on other outlines ({result['cases']} cases)"
    return "\n".join([counts, *filter(None, [show_written(result)])])


def show_exploration(result: dict[str, Any]) -> str:
    """The features that tell the classes apart best, and the figures."""
    lines = [f"{result['rows']} cases, {len(result['features'])} features"]
    ranked = [each for each in result["table"] if each.get("auc") is not None]
    for each in sorted(ranked, key=lambda each: -abs(each["auc"] - 0.5))[:10]:
        volume = ", follows volume" if each.get("surrogate") else ""
        lines.append(f"{each['feature']}: AUC {each['auc']:.3f} ({each['low']:.3f} to {each['high']:.3f}){volume}")
    return "\n".join([*lines, *filter(None, [show_written(result)])])


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
        f"ComBat: {result['combat']['state']} {result['combat']['tolerance']:g}\n"
        f"N4: {json.dumps(result['n4'])}\nDevices: {', '.join(result['devices'])}\n"
        f"{'All is well.' if result['ok'] else 'Something differs from the stored references.'}"
    )
