"""An own model leaves the library and comes back whole; shipped ones stay."""

import shutil

import pytest

from app.core.errors import InputError
from app.core.jobs import run_workflow
from app.core.paths import data_folder, program_folder
from app.core.workflows.models import list_models
from app.core.workflows.removal import remove_model, restore_model


def told(_fraction, _message):
    pass


@pytest.fixture
def own():
    """The shipped model among the user's own, under the same name."""
    folder = data_folder() / "models" / "lipoma-size"
    shutil.copytree(program_folder() / "models" / "lipoma-size", folder)
    return folder


def home(name="lipoma-size"):
    return {model["name"]: model["home"] for model in list_models({}, told)["models"]}[name]


def test_it_leaves_and_returns(own):
    before = {path.name: path.read_bytes() for path in own.iterdir()}
    assert home() == "own"
    assert run_workflow("app.core.workflows:remove_model", {"model": "lipoma-size"}, told) == {"name": "lipoma-size"}
    assert home() == "shipped"
    assert run_workflow("app.core.workflows:restore_model", {"model": "lipoma-size"}, told) == {"name": "lipoma-size"}
    assert {path.name: path.read_bytes() for path in own.iterdir()} == before


def test_a_shipped_model_stays():
    with pytest.raises(InputError, match="came with the program"):
        remove_model({"model": "lipoma-size"}, told)
    assert (program_folder() / "models" / "lipoma-size").is_dir()


@pytest.mark.parametrize("name", ["../elsewhere", "", ".", "no-such-model"])
def test_nothing_outside_the_library_is_touched(name):
    with pytest.raises(InputError):
        remove_model({"model": name}, told)


def test_a_name_that_is_taken_again_is_not_overwritten(own):
    remove_model({"model": "lipoma-size"}, told)
    with pytest.raises(InputError, match="No model"):
        restore_model({"model": "never-there"}, told)
    own.mkdir()
    with pytest.raises(InputError, match="another model"):
        restore_model({"model": "lipoma-size"}, told)
