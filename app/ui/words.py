"""A score in words and figures: short, calm, specific. Pure functions over the score's JSON, so they can be tested."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.ui.theme import Theme

ScoreJson = Mapping[str, Any]
NOTICE = "Research use only, not a medical device."
DEMONSTRATION = "demonstration, synthetic data"
_POLICIES = {"harmonised": "its features were shifted as those of its site in training",
             "reference": "its site is the reference, its features stay as they are",
             "merged": "its features were shifted as those of the small sites together",
             "mean_only": "the mean of its features was shifted as that of its site, their spread was not",
             "adapted": "its features were shifted as learned from cases of that site",
             "nearest": "its features were shifted as those of sites with the same protocol",
             "estimated": "its features were shifted by what was estimated from that site's own cases",
             "left_unseen": "its features are left as they are",
             "left_small": "its features are left as they are"}
DEMONSTRATION_SENTENCE = "Demonstration, synthetic data."


@dataclass(frozen=True)
class Verdict:
    """What the panel and the worklist show: a word, a shape and a role in the theme's colours."""

    word: str
    shape: str
    role: str

    def colour(self, colours: Theme) -> str:
        """Colour of this verdict ('#rrggbb') in a theme."""
        return str(getattr(colours, self.role))


def verdict_of(score: ScoreJson) -> Verdict:
    """Say a score's verdict: the class's own name, 'Uncertain' or 'Unlike the training cases'."""
    verdict, classes = str(score["verdict"]), score["classes"]
    if verdict == classes[1]:
        return Verdict(classes[1], "triangle", "malignant")
    if verdict == classes[0]:
        return Verdict(classes[0], "circle", "lipoma")
    if verdict == "unlike_training":
        return Verdict("Unlike the training cases", "cross", "uncertain")
    return Verdict("Uncertain", "square", "uncertain")


def at_prevalence(probability: float, training: float, used: float) -> float:
    """Carry a probability from the training prevalence to another one, by Bayes' rule on the odds.

    Parameters
    ----------
    probability, training, used : float
        Between 0 and 1, ends excluded for the prevalences.

    Returns
    -------
    float
        The probability where `used` of all such tumours are malignant.

    References
    ----------
    Saerens et al. 2002, 10.1162/089976602753284446.
    """
    for_ = probability * used / training
    against = (1.0 - probability) * (1.0 - used) / (1.0 - training)
    return for_ / (for_ + against)


def figure(probability: float) -> str:
    """Write a probability so that a small one keeps its order of magnitude: '0.84', '0.050', '<0.001'."""
    if probability < 0.001:
        return "<0.001"
    if probability > 0.999:
        return ">0.999"
    return f"{probability:.3f}" if not 0.0995 <= probability <= 0.9949 else f"{probability:.2f}"


def of_hundred(share: float) -> str:
    """Say a share as a count of 100: 'about 5 of 100', 'fewer than 1 of 100', 'more than 99 of 100'."""
    if share < 0.005:
        return "fewer than 1 of 100"
    if share > 0.995:
        return "more than 99 of 100"
    return f"about {round(share * 100)} of 100"


def per_hundred(share: float) -> str:
    """Say a prevalence: 'half', '1 in 100', '1 in 1000'; two figures."""
    if abs(share - 0.5) < 0.005:
        return "half"
    if share < 0.01:
        return f"{share * 1000:.2g} in 1000"
    return f"{share * 100:.2g} in 100"


def _range(interval: Any) -> str:
    return f"{interval[0]:.2f}\N{EN DASH}{interval[1]:.2f}"


def unbroken(text: str) -> str:
    """Keep a figure and its unit on one line."""
    return text.replace(" %", "\N{NO-BREAK SPACE}%").replace(" ml", "\N{NO-BREAK SPACE}ml")


def per_cent(share: float) -> str:
    """Write a share as a percentage: '5 %'."""
    return f"{share * 100:.3g} %"


def interval_text(score: ScoreJson) -> str:
    """Say how far the probability moves: with the outline, and with the patients that the model has learned from."""
    if not score.get("interval"):
        return ""
    network = score.get("network")
    if network and network["networks"] == 1:
        return (f"{_range(score['interval'])} if the outline were drawn slightly differently or the picture turned or "
                "shifted a little; one network cannot tell what other patients would have taught")
    if network:
        return (f"{_range(score['interval'])} if the outline were drawn slightly differently, the picture turned or "
                "shifted a little, and the network fitted on other patients")
    return (f"{_range(score['interval'])} if the outline were drawn slightly differently and the model fitted on other "
            "patients")


def positive_word(score: ScoreJson) -> str:
    """Name the class looked for inside a sentence: 'malignant' for ALT/WDL, else as the model calls it."""
    positive = str(score["classes"][1])
    return "malignant" if positive == "ALT/WDL" else positive


def training_sentence(score: ScoreJson) -> str:
    """Say the probability among tumours like the training cases."""
    probability, training = score["probability"], score["prevalence"]["training"]
    mix = f"{per_hundred(training)} of them {positive_word(score)}"
    sentence = f"{figure(probability)} among tumours like those it was trained on, {mix}"
    if score.get("interval"):
        sentence += f" ({interval_text(score)})"
    return sentence + "."


def prevalence_sentence(score: ScoreJson, used: float) -> str:
    """Say what the same finding means where another share of tumours is malignant."""
    share = at_prevalence(score["probability"], score["prevalence"]["training"], used)
    mix = per_hundred(used)
    verb = "is" if mix.startswith("1 in ") else "are"
    return f"Where {mix} {verb} {positive_word(score)}, {of_hundred(share)} such tumours would be."


def verdict_sentence(score: ScoreJson) -> str:
    """Say the verdict in one clause, with the reason when there is no verdict."""
    verdict = verdict_of(score)
    if verdict.shape == "cross":
        return ("No verdict: this tumour is unlike those the model was trained on. Read the cautions before the "
                "number.")
    if verdict.shape == "square":
        return f"Uncertain: the model cannot tell at the error rate you chose ({per_cent(score['error_rate'])})."
    return f"Looks like {verdict.word}."


def whole_sentence(score: ScoreJson, used: float) -> str:
    """Say everything in the reading order of a report: verdict, both probabilities, size, model, notice."""
    verdict = verdict_sentence(score)
    first = training_sentence(score)
    lead = f"{verdict[:-1]}: {first}" if verdict.startswith("Looks like") else f"{verdict} {first}"
    parts = [DEMONSTRATION_SENTENCE if score.get("demonstration") else "", lead, prevalence_sentence(score, used),
             threshold_sentence(score), comparator_sentence(score), model_sentence(score),
             str(score.get("notice") or NOTICE)]
    return " ".join(part for part in parts if part)


def threshold_sentence(score: ScoreJson) -> str:
    """Say the operating point: the threshold, the score's side of it, and how many of each kind it told right."""
    point = score.get("operating_point") or {}
    if "sensitivity" not in point:
        return f"The threshold is {score['threshold']:.3f}." if score.get("threshold") is not None else ""
    negative, positive = score["classes"]
    side = "at or above" if score["probability"] >= point["threshold"] else "below"
    lead = "The"
    if score["verdict"] == "uncertain":
        lead = (f"Uncertain asks what can be ruled out at {per_cent(score['error_rate'])} errors; the threshold is a "
                "separate cut: the")
    return (f"{lead} score is {side} the threshold {point['threshold']:.3f}, at which the model found "
            f"{point['sensitivity'] * 100:.0f} % of {positive} and cleared {point['specificity'] * 100:.0f} % of "
            f"{negative} among cases held out of its fit.")


def comparator_of(score: ScoreJson) -> Mapping[str, Any] | None:
    """Return what something simpler says; None for the share in training, which says nothing of the case."""
    comparator = score.get("comparator")
    return comparator if comparator and comparator.get("name") != "prevalence" else None


def comparator_sentence(score: ScoreJson) -> str:
    """Say what something simpler makes of the same case; empty when the model has no comparator."""
    comparator = comparator_of(score)
    if not comparator:
        return ""
    name = comparator_name(score)
    title = str(comparator.get("title") or f"{name[:1].upper()}{name[1:]} alone")
    return f"{title} says {figure(comparator['probability'])}."


def comparator_name(score: ScoreJson) -> str:
    """Return what the comparator looks at: 'tumour volume', or its own name."""
    name = str((score.get("comparator") or {}).get("name", ""))
    return "tumour volume" if "size" in name or "volume" in name else name


def comparator_label(score: ScoreJson) -> str:
    """Say the comparison in the width of a mark on the scale."""
    return f"{comparator_name(score)} alone {figure(score['comparator']['probability'])}"


def model_sentence(score: ScoreJson, data: str = "") -> str:
    """Say which model, which version, which data."""
    versions = score.get("versions") or {}
    version = versions.get("bundle") or versions.get("model") or ""
    name = f"{score['model']} {version}".strip()
    parts = [DEMONSTRATION] if score.get("demonstration") else []
    if data:
        parts.append(f"trained on {data.rstrip('.')}")
    return f"Model {name}" + (f": {', '.join(parts)}." if parts else ".")


def title_of(score: ScoreJson) -> str:
    """Say the verdict in a heading's width; a demonstration's never stands alone."""
    verdict = verdict_of(score)
    words = f"Looks like {verdict.word}" if verdict.shape in ("circle", "triangle") else verdict.word
    return f"Demo: {words[:1].lower()}{words[1:]}" if score.get("demonstration") else words


def short_score(score: ScoreJson) -> str:
    """Say a score in the width of a worklist row."""
    return figure(score["probability"])


def duration(seconds: float) -> str:
    """Say a duration as mm:ss."""
    whole = max(0, round(seconds))
    return f"{whole // 60:02d}:{whole % 60:02d}"


def harmonisation_sentence(score: ScoreJson) -> str:
    """Say what was done about the site of a case; empty of a model that does not harmonise. Doubts are cautions."""
    found = score.get("harmonisation")
    if not isinstance(found, Mapping) or found.get("policy") not in _POLICIES:
        return ""
    site = f"site {found['site']}" if found.get("site") else "a site that is not stated"
    return f"Differences between sites: this case is of {site}; {_POLICIES[str(found['policy'])]}."


def left_words(seconds: float) -> str:
    """Say how long something that still runs will take: 'mm:ss left', hours roughly; empty where unknown."""
    if seconds < 0:
        return ""
    if seconds < 1:
        return "a moment left"
    return f"{duration(seconds)} left" if seconds < 3600 else f"about {seconds / 3600:.1f} h left"
