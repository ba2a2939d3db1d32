"""What is left of a finding, a result or a table when nobody shall be recognised by it.

Cases and sites become numbers. Names of files, folders and sequences of one's own, paths and dates are taken out of
every sentence, makers and models of scanners out of every table. Free text that a user writes for the purpose stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from app.core.requests import CaseFiles

if TYPE_CHECKING:
    import pandas as pd

CASE, SITE = "case", "site"
_TELLING = {"manufacturer", "model", "kernel", "station", "device", "scanner", "date", "birth", "born", "birthday"}
_PHYSICS = {"repetition", "echo", "inversion"}
# What no one can be recognised by, and what must stay as it is to be read again.
_KEPT = frozenset({"features", "versions", "classes", "model", "model_purpose", "model_digest", "notice", "title",
                   "comparator", "operating_point", "recipes", "folds", "digest"})  # fmt: skip
_SEQUENCE = re.compile(
    r"(image|t1|t2|pd|flair|stir|dwi|adc|dixon|swi|gre|tse|mr|water|fat|in|opp|out)"
    r"(c|w|[_-]?(fs|gd|ce|se|tse|gre|w|c|fat|water|in|out|opp|phase|\d+))*",
    re.IGNORECASE,
)
_COMMON = re.compile(
    r"(images?|masks?|outlines?|cases?|data|dicom|dcm|series|scans?|labels?|seg(mentation)?|tumou?rs?|gtv|roi|"
    r"cohort|nifti|niftis|in|out|input|output|home|users?|tmp|temp|documents|desktop|downloads|\d{1,3})",
    re.IGNORECASE,
)
_PATH = re.compile(r"(?<![\w.])(?:[A-Za-z]:[\\/]|\\\\|/)(?:[^\s'\"<>|]+[\\/])+[^\s'\"<>|;,]*")
_FILE = re.compile(
    r"[\w()+.-]*\w\.(?:nii|hdr|img|nrrd|nhdr|mha|mhd|dcm|csv|tsv|xlsx|parquet|json|zip)(?:\.gz)?\b", re.IGNORECASE
)
_DATE = re.compile(r"\b(?:19|20)\d\d(?P<dash>[-./]?)(?:0[1-9]|1[0-2])(?P=dash)(?:0[1-9]|[12]\d|3[01])\b")


def number(kind: str, place: int) -> str:
    """Name the case or the site at a place, from 0: 'case-0001', 'site-01'."""
    return f"{kind}-{place + 1:0{4 if kind == CASE else 2}d}"


def number_each(kind: str, names: Iterable[Any]) -> dict[str, str]:
    """Number names in the order in which they come; the same name gets the same number, none stays none."""
    known = dict.fromkeys(str(each) for each in names if _is_name(each))
    return {name: number(kind, place) for place, name in enumerate(known)}


def _is_name(value: Any) -> bool:
    return bool(value) and value == value  # what a table lacks equals nothing


def name_sequences(files: CaseFiles | None) -> dict[str, str]:
    """Rename the sequences that are called by a file's name, which may tell a patient; those of the field stay."""
    own = [name for name in (files.images if files else ()) if not _SEQUENCE.fullmatch(name)]
    return {name: f"image{place + 1}" for place, name in enumerate(own)}


def veil(value: Any, words: Mapping[str, str]) -> Any:
    """Take words, paths, names of files and dates out of every sentence of a JSON value.

    Parameters
    ----------
    value : JSON value
    words : mapping of str to str
        What to say in place of a name; the longest names go first. One or two letters may be a word of any sentence:
        they are replaced where they stand alone or in quotes.

    Returns
    -------
    JSON value
        Of the same shape; keys stay, for they are the program's own.
    """
    known = sorted((word for word in words if word), key=len, reverse=True)
    places = [rf"(?<![^\W_]){re.escape(word)}(?![^\W_])" if len(word) > 2 else rf"(?<=['\"]){re.escape(word)}(?=['\"])"
              for word in known]  # fmt: skip
    pattern = re.compile("|".join(places)) if known else None

    def replace(text: str) -> str:
        if text in words:
            return words[text]
        return pattern.sub(lambda found: words[found[0]], text) if pattern else text

    def clear(each: Any) -> Any:
        if isinstance(each, Mapping):
            return {key: inner if key in _KEPT else clear(inner) for key, inner in each.items()}
        if isinstance(each, (list, tuple)):
            return [clear(inner) for inner in each]
        if isinstance(each, str):
            return _DATE.sub("a date", _FILE.sub("the file", _PATH.sub("a path", replace(each))))
        return each

    return clear(value)


def anonymise_score(
    score: Mapping[str, Any], files: CaseFiles | None = None, name: str = CASE, site: str = "this site"
) -> dict[str, Any]:
    """Make a score, or why there is none, tell nothing of whose it is.

    Parameters
    ----------
    score : mapping
        The JSON of a score, or of a case that failed.
    files : CaseFiles, optional
        Of the case: what its files and folders are called is taken out, too.
    name, site : str
        What to call the case and its site.

    Returns
    -------
    dict
        With `anonymised`.
    """
    sequences = name_sequences(files)
    words = dict.fromkeys(_names_of(files), "the file") | sequences
    if files is not None and files.site:
        words[files.site] = site
    words[str(score["case"])] = name
    if re.fullmatch(r"\d{1,3}", str(score["case"])):
        del words[str(score["case"])]  # as a word, so short a number would stand for counts as well
    told = veil(score, words)
    if "features" in score:
        told["features"] = dict(zip(veil(list(score["features"]), sequences), score["features"].values(), strict=True))
        told["contributions"] = veil(score["contributions"], sequences)
    return {**told, "case": name, "anonymised": True}


def _names_of(files: CaseFiles | None) -> Iterable[str]:
    """Give what files and their folders are called, and series' numbers, but words that any sentence may hold."""
    if files is None:
        return
    paths = [PurePath(path) for path in (*files.images.values(), files.mask, files.mask_2) if path]
    names = {part for path in paths for part in (path.name, path.name.split(".")[0], *path.parts[-3:-1])}
    for name in (*names, *files.series.values()):
        if len(name) > 2 and not _COMMON.fullmatch(name) and not _SEQUENCE.fullmatch(name):
            yield name


def anonymise_result(view: Mapping[str, Any]) -> dict[str, Any]:
    """Make a training run or an external test, as `view_results` tells it, name no case and no site."""
    cases, sites = view.get("cases") or {}, [str(row["site"]) for row in view.get("sites") or () if row.get("site")]
    words = number_each(CASE, cases.get("case") or ()) | number_each(SITE, [*sites, *(cases.get("site") or ())])
    told: dict[str, Any] = veil(view, words)
    return told


def anonymise_table(
    table: pd.DataFrame, patients: Mapping[str, str] | None = None, patient: str = "patient", site: str = "site"
) -> pd.DataFrame:
    """Number patients and sites of a table, and leave out what tells the scanner, a date or a path.

    Parameters
    ----------
    table : pandas.DataFrame
    patients : mapping of str to str, optional
        The numbers of the patients; by default in the order of the table.
    patient, site : str
        Columns, where there are such.
    """
    left = [name for name in table.columns if not _tells(str(name), table[name].tolist(), (patient, site))]
    told = table[left].copy()
    for column, kind in ((patient, CASE), (site, SITE)):
        if column in told.columns:
            given = patients if column == patient else None
            numbers = given or number_each(kind, told[column].tolist())
            told[column] = [numbers.get(str(each), "") if _is_name(each) else "" for each in told[column].tolist()]
    return told


def _tells(name: str, values: Sequence[Any], spared: tuple[str, str]) -> bool:
    if name in spared:
        return False
    words = set(re.split(r"[\W_]+", name.lower()))
    if words & _TELLING or ("time" in words and not words & _PHYSICS):
        return True
    texts = [each for each in values if isinstance(each, str) and each]
    return any(_DATE.search(each) or _PATH.search(each) or _FILE.search(each) for each in texts)
