"""The results of a network: how large it is, what it started from, how its epochs went."""

import pytest
from PySide6.QtCore import QObject
from result_fixtures import training

from app.ui.pages.results import TABS
from app.ui.pages.results_network import CAPTION, UNTRAINED, NetworkPart, facts_of
from app.ui.result_session import ResultSession

ORIGIN = {"file": "resnet18.pth", "sha256": "ab" * 32, "origin": "ImageNet", "licence": "BSD",
          "found": "120 tensors of resnet18.pth were taken. Origin: ImageNet. Licence: BSD."}


def epochs(count, auc=0.8):
    return [{"epoch": number, "phase": 1 + (number > 4), "rate": 0.001, "loss": 1 / number,
             "watched": 0.5 + abs(number - 3) / 10, "auc": auc} for number in range(1, count + 1)]


def network(count=2, **more):
    return {"networks": [{"kind": "resnet18", "parameters": 1000, "epochs": 6 + place, "epoch": 3}
                         for place in range(count)],
            "parameters": 1000 * count, "device": "CPU, 1 thread", "weights": [ORIGIN],
            "notices": ["Memory ran out."], "use": "score",
            "history": [epochs(6 + place) for place in range(count)], **more}


@pytest.fixture
def part(qtbot):
    def show(told):
        owner = QObject()
        session = ResultSession(owner)
        session.load({**training(1), "network": told})
        made = NetworkPart(session)
        made.owner = owner
        qtbot.addWidget(made)
        made.resize(1000, 700)
        made.show()
        made.restyle()
        return made

    return show


def test_facts_and_origin_are_told(part):
    made = part(network())
    assert made.facts.text() == (
        "2 networks (resnet18), 2,000 parameters in all. Trained for 6 to 7 epochs. On: CPU, 1 thread.")
    assert "Origin: ImageNet. Licence: BSD. SHA-256: abababababababab…" in made.weights.text()
    assert made.notices.text() == "Memory ran out."
    assert made.caption.text() == CAPTION
    assert made.choice.count() == 2
    assert len(made.plots._curve) == 6
    made.choice.setCurrentIndex(1)
    made.choice.activated.emit(1)
    assert len(made.plots._curve) == 7
    assert not made.grab().isNull()


def test_a_network_that_was_not_trained_has_no_curves(part):
    told = network(1, history=[], use="features", notices=[], weights=[])
    told["networks"] = [{"kind": "resnet50", "parameters": 1000, "epochs": None, "epoch": None}]
    made = part(told)
    assert made.facts.text() == ("One network (resnet50), 1,000 parameters; its pooled features go to the model. On: "
                                 "CPU, 1 thread.")
    assert made.caption.text() == UNTRAINED
    assert not made.plots.isVisible()
    assert not made.weights.isVisible()


def test_one_networks_epochs_are_told():
    assert "Trained for 6 epochs, of which epoch 3 was kept." in facts_of(network(1))


def test_the_tab_is_there_for_networks_alone(driver):
    page = driver.window.results_page
    driver.window.show_named("Results")
    page.show_result({**training(1), "network": network(), "importance": {}})
    shown = {title for place, title in enumerate(TABS) if page.tabs.isTabVisible(place)}
    assert shown == set(TABS) - {"Features"}
    page.show_tab("Network")
    assert page.part("Network").facts.text()
    page.show_result(training(1))
    assert not page.tabs.isTabVisible(TABS.index("Network"))
    assert page.tabs.isTabVisible(TABS.index("Features"))
