"""What stops a step of the wizard from being left, and what was said at each, in the width of the list at its side."""

from __future__ import annotations

from app.ui.class_names import class_title
from app.ui.training import Training
from app.ui.training_needs import lack
from app.ui.training_words import EFFORT, STEPS, auc_words
from app.ui.widgets.step_list import StepState

CASES, FEATURES, SITES, MODELS, VALIDATION, RUN, RESULTS, SAVE = range(len(STEPS))


def blocker(training: Training, step: int) -> str:
    """Say what stops a step from being left; '' when nothing does."""
    draft, found = training.draft, training.found
    if step == CASES:
        if not draft.source:
            return "No table is chosen."
        if not found:
            return "The table is being read." if training.is_looking else "The table could not be read."
        stops = [each for each in found["problems"] if each["stops"]]
        if stops:
            return f"{len(stops)} problem{'s' * (len(stops) != 1)} to put right first."
        return "" if draft.positive_class(found) else "Choose which value is looked for."
    if step == FEATURES and found.get("holds_images") and training.recipes.recipe(draft.recipe) is None:
        return "Choose what is measured."
    if step == MODELS and not draft.models:
        return "Choose at least one model."
    missing = next(filter(None, (lack(training, name) for name in draft.models)), None) if step == MODELS else None
    if missing is not None:
        return missing.sentence
    if step == RUN:
        if training.is_running:
            return "The run goes on."
        if draft.run.get("state") != "done":
            return "Train first."
        return "" if training.is_as_run else "The settings have changed: train again."
    return ""


def steps_of(training: Training) -> list[StepState]:
    """Every step with what was said there, whether it is done, and whether it can be gone to."""
    draft, states, free = training.draft, [], True
    for number, title in enumerate(STEPS):
        stopped = bool(blocker(training, number))
        reached = number <= draft.furthest
        done = free and not stopped and number < draft.furthest
        if number == SAVE:
            done = bool(draft.run.get("saved"))
        is_open = number == draft.step or (free and (reached or number == draft.step + 1))
        states.append(StepState(title, _said(training, number) if reached else "", done, is_open))
        free = free and not stopped
    return states


def _said(training: Training, step: int) -> str:
    draft, found = training.draft, training.found
    if step == CASES:
        sought = draft.positive_class(found) if found else ""
        if not found:
            return ""
        named = class_title(found["chosen"]["label"], sought)
        return f"{found['cases']:,} cases" + (f", {found['classes'][sought]:,} {named}" if sought else "")
    if step == FEATURES:
        if not found:
            return ""
        title = str(training.recipes.known.get(draft.recipe, {}).get("title") or draft.recipe)
        return title if found["holds_images"] else f"{found['features']:,} in the table"
    if step == SITES:
        return "ComBat" if draft.harmonise == "combat" else "Left as they are"
    if step == MODELS:
        titles = {each["name"]: str(each.get("title") or each["name"]) for each in training.recipes.for_models}
        named = ", ".join(titles.get(name, name) for name in draft.models)
        return f"{named}; {EFFORT[draft.effort][0].lower()}" if draft.effort else named
    if step == VALIDATION:
        folds = min(draft.folds, int(found.get("most_folds") or draft.folds)) if found else draft.folds
        return f"{folds} folds × {draft.repeats}" + (", audit" if draft.audit else "")
    if step == RUN:
        return "Running" if training.is_running else str(draft.run.get("state") or "").capitalize()
    result = draft.run.get("result") or {}
    if step == RESULTS and result:
        return f"AUC {auc_words(result['models'][result['saved']]['auc'])}" if result["saved"] in result[
            "models"] else ""
    return ""
