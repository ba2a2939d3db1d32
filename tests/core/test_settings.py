"""What does not fit is told in a sentence that can be read."""

import pytest

from app.core.errors import RecipeError
from app.core.requests import TrainRequest


def test_a_long_value_is_cut():
    recipe = {"name": "twice", "features": None}
    with pytest.raises(RecipeError) as caught:
        TrainRequest.parse(
            {"table": "t.csv", "label": "l", "patient": "p", "out": "o", "recipes": [recipe, recipe]}
        )
    text = str(caught.value)
    assert "two recipes are named 'twice'" in text
    assert len(text) < 250


def test_a_short_value_is_told_whole():
    with pytest.raises(RecipeError, match="The setting 'jobs' has the value 0: it should be"):
        TrainRequest.parse({"table": "t.csv", "label": "l", "patient": "p", "out": "o", "jobs": 0,
                            "recipes": [{"name": "one", "features": None}]})
