"""A scored case on paper: HTML in one file, PDF, or the JSON itself, all saying the same."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import app
from app.core.data import Identity
from app.core.errors import InputError
from app.core.files import write_atomically
from app.core.radiomics.catalogue import describe
from app.core.report.looked import describe_look
from app.core.report.templates import find_font, open_templates

NO_DATE = datetime(2000, 1, 1, tzinfo=UTC)
MOST_CONTRIBUTIONS = 15


def write_report(
    score: Mapping[str, Any], path: Path, pictures: Sequence[Path], identity: Mapping[str, str] | None = None
) -> None:
    """Write a score's report; the format follows the ending.

    Parameters
    ----------
    score : mapping
        The JSON of a score.
    path : Path
        Ends in .html, .pdf or .json.
    pictures : sequence of Path
        PNG files to show; the caller has left out what identifies a patient.
    identity : mapping, optional
        Fields of an `Identity`, one line of HTML or PDF, when the user said so; JSON never holds it.

    Raises
    ------
    InputError
        The ending is another.
    """
    writers = {".json": _json, ".html": _html, ".pdf": _pdf}
    writer = writers.get(path.suffix.lower())
    if writer is None:
        raise InputError(f"A report cannot be written as '{path.suffix}'.", "Choose .html, .pdf or .json.")
    write_atomically(path, writer(score, pictures, identity_line(identity or {})))


def identity_line(identity: Mapping[str, str]) -> str:
    """The patient and the study in one line; empty where nothing is known."""
    names = [field.name for field in fields(Identity)]
    return ", ".join(str(identity[name]) for name in names if identity.get(name))


def headline(score: Mapping[str, Any]) -> str:
    """The verdict and the probability in one line; a demonstration's is never without that word."""
    verdict = {
        "uncertain": f"Uncertain: the model cannot tell at the error rate chosen ({100 * score['error_rate']:.3g} %)",
        "unlike_training": "No verdict: this tumour is unlike those the model was trained on",
    }.get(score["verdict"], f"Looks like {score['verdict']}")
    low, high = score["interval"]
    lead = "Demonstration, synthetic data. " if score["demonstration"] else ""
    return (
        f"{lead}{verdict}. Probability of {score['classes'][1]} {_figure(score['probability'])} "
        f"({low:.2f} to {high:.2f})"
    )


def sentences(score: Mapping[str, Any]) -> list[str]:
    """What the number means, in words: at both prevalences, at the threshold, beside something simpler."""
    negative, positive = score["classes"]
    prevalence, point, comparator = score["prevalence"], score["operating_point"], score["comparator"]
    low, high = score["interval"]
    side = "at or above" if score["probability"] >= point["threshold"] else "below"
    training = (
        f"{_figure(score['probability'])} among tumours like those the model was trained on, "
        f"{_per_hundred(prevalence['training'])} of them {positive} ({low:.2f} to {high:.2f} if the outline were drawn "
        f"slightly differently{_varied(score.get('network'))})."
    )
    used = _per_hundred(prevalence["used"])
    clinic = (
        f"Where {used} {'is' if used.startswith('1 in ') else 'are'} {positive}, "
        f"{_of_hundred(prevalence['probability_at_used'])} such tumours would be."
    )
    lead = "The"
    if score["verdict"] == "uncertain":
        errors = f"{100 * score['error_rate']:.3g} %"
        lead = f"Uncertain asks what can be ruled out at {errors} errors; the threshold is a separate cut: the"
    operating = (
        f"{lead} score is {side} the threshold {point['threshold']:.3f}, at which the model found "
        f"{100 * point['sensitivity']:.0f} % of {positive} and cleared {100 * point['specificity']:.0f} % of "
        f"{negative} among cases held out of its fit."
    )
    beside = [f"{comparator['title']} says {_figure(comparator['probability'])}."] if _is_telling(comparator) else []
    return [training, clinic, operating, *beside]


def _varied(network: Mapping[str, Any] | None) -> str:
    """What else the interval allows for; a single network tells nothing of those that others would have taught."""
    if network is None:
        return " and the model fitted on other patients"
    if network["networks"] > 1:
        return ", the picture turned or shifted a little, and the network fitted on other patients"
    return " or the picture turned or shifted a little; one network cannot tell what other patients would have taught"


def _figure(probability: float) -> str:
    # a small probability keeps its order of magnitude, and none is ever 0 or 1
    if not 0.001 <= probability <= 0.999:
        return "<0.001" if probability < 0.001 else ">0.999"
    return f"{probability:.2f}" if 0.0995 <= probability <= 0.9949 else f"{probability:.3f}"


def _per_hundred(share: float) -> str:
    if abs(share - 0.5) < 0.005:
        return "half"
    return f"{share * 1000:.2g} in 1000" if share < 0.01 else f"{share * 100:.2g} in 100"


def _of_hundred(share: float) -> str:
    if not 0.005 <= share <= 0.995:
        return "fewer than 1 of 100" if share < 0.005 else "more than 99 of 100"
    return f"about {share * 100:.0f} of 100"


def _is_telling(comparator: Mapping[str, Any] | None) -> bool:
    """Whether a comparator looked at the case; the share in training did not."""
    return comparator is not None and comparator["name"] != "prevalence"


def draw_scale(score: Mapping[str, Any]) -> str:
    """The probability on a scale from 0 to 1 as SVG: interval, threshold, and what the comparator says.

    Shapes alone, no colour that has to be told from another: a disc, a bar, a line, a triangle.
    """
    left, width = 10.0, 480.0
    shares = (score["interval"][0], score["probability"], score["interval"][1])
    low, value, high = (left + width * share for share in shares)
    threshold = left + width * score["operating_point"]["threshold"]
    parts = [
        f'<line x1="{left}" y1="30" x2="{left + width}" y2="30" stroke="#59636e" stroke-width="1.5"/>',
        f'<rect x="{low:.1f}" y="25" width="{high - low:.1f}" height="10" fill="#9fb6cc"/>',
        f'<line x1="{threshold:.1f}" y1="14" x2="{threshold:.1f}" y2="46" stroke="#1b1f24" stroke-width="1.5"/>',
        f'<circle cx="{value:.1f}" cy="30" r="7" fill="#1b1f24"/>',
    ]
    if _is_telling(score["comparator"]):
        at = left + width * score["comparator"]["probability"]
        parts.append(f'<polygon points="{at - 6:.1f},8 {at + 6:.1f},8 {at:.1f},20" fill="#59636e"/>')
    for tick in range(11):
        at, end = left + width * tick / 10, 40 if tick % 5 == 0 else 36
        parts.append(f'<line x1="{at}" y1="30" x2="{at}" y2="{end}" stroke="#59636e" stroke-width="1"/>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 500 52" width="500" height="52">{"".join(parts)}</svg>'
    )


SCALE_KEY = (
    "From 0 to 1: disc = probability, bar = interval, upright line = threshold, triangle = the simpler comparison."
)


def _contributions(score: Mapping[str, Any]) -> list[dict[str, str]]:
    rows = []
    for each in score["contributions"][:MOST_CONTRIBUTIONS]:
        definition = describe(each["feature"])
        value = "missing" if each["value"] is None else f"{each['value']:,.4g} {definition.unit}".strip()
        rows.append({"title": definition.title, "value": value, "effect": f"{each['effect']:+.2f}"})
    return rows


def _json(score: Mapping[str, Any], _pictures: Sequence[Path], _identity: str) -> bytes:
    return (json.dumps(score, indent=1, ensure_ascii=False) + "\n").encode()


def _html(score: Mapping[str, Any], pictures: Sequence[Path], identity: str) -> bytes:
    text = (
        open_templates()
        .get_template("score.html")
        .render(
            score=score,
            identity=identity,
            headline=headline(score),
            sentences=sentences(score),
            contributions=_contributions(score),
            looked=describe_look(score),
            scale=draw_scale(score),
            scale_key=SCALE_KEY,
            pictures=[base64.b64encode(picture.read_bytes()).decode() for picture in pictures],
            version=app.__version__,
        )
    )
    return str(text).encode()


def _pdf(score: Mapping[str, Any], pictures: Sequence[Path], identity: str) -> bytes:
    from fpdf import FPDF

    page = FPDF(format="A4")
    page.set_title(f"LipoScope: {score['case']}")
    if score.get("anonymised"):
        page.set_creation_date(NO_DATE)
    page.set_auto_page_break(auto=True, margin=15)
    for style, file in (("", "DejaVuSans.ttf"), ("B", "DejaVuSans-Bold.ttf")):
        page.add_font("body", style, find_font(file))
    page.add_page()

    def paragraph(text: str, size: float = 9.5, style: str = "") -> None:
        page.set_font("body", style, size)
        page.multi_cell(0, size * 0.55, text, align="L", new_x="LMARGIN", new_y="NEXT")
        page.ln(1.5)

    def table(rows: Sequence[Sequence[str]], widths: tuple[int, ...]) -> None:
        page.set_font("body", "", 8)
        with page.table(rows, col_widths=widths, line_height=5, text_align="LEFT", borders_layout="HORIZONTAL_LINES"):
            pass

    paragraph(f"LipoScope - case {score['case']}", 12, "B")
    if identity:
        paragraph(identity)
    paragraph(score["notice"] + (" Demonstration, synthetic data." if score["demonstration"] else ""), 9.5, "B")
    paragraph(headline(score), 14, "B")
    page.image(io.BytesIO(draw_scale(score).encode()), w=110)
    paragraph(SCALE_KEY, 8)
    for sentence in sentences(score):
        paragraph(sentence)
    for picture in pictures:
        page.image(str(picture), w=page.epw)
        page.ln(2)
    paragraph(f"Cautions ({len(score['cautions'])})", 11, "B")
    for caution in score["cautions"]:
        paragraph(f"- {caution['message']}")
    looked, rows = describe_look(score), _contributions(score)
    if looked:
        paragraph("Where the network looked", 11, "B")
        for sentence in looked:
            paragraph(sentence)
    if rows or not looked:
        paragraph("What moved the score", 11, "B")
        shown = [(row["title"], row["value"], row["effect"]) for row in rows]
        table([("Feature", "Value", "Effect, log odds"), *shown], (50, 30, 20))
        paragraph("")
    paragraph("How the images were prepared", 11, "B")
    if score["trace"]:
        steps = [(step["step"], json.dumps(step["settings"]), f"{step['seconds']:.2f}") for step in score["trace"]]
        table([("Step", "Settings", "Seconds"), *steps], (25, 60, 15))
    else:
        paragraph("As they are stored.")
    paragraph(f"Model {score['model']}: {score['model_purpose']}")
    paragraph(", ".join(f"{name} {version}" for name, version in score["versions"].items()), 8)
    return bytes(page.output())
