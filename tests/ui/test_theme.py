"""The colours keep their promises: readable, and the verdicts told apart."""

import pytest

from app.ui.theme import set_theme, style_sheet, theme


def _luminance(colour: str) -> float:
    channels = [int(colour[n:n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("name", ["dark", "light"])
@pytest.mark.parametrize("background", ["panel", "panel_high"])
@pytest.mark.parametrize("ink", ["text", "text_dim", "accent", "lipoma", "malignant", "uncertain", "warning"])
def test_every_ink_reads_on_every_panel(name, background, ink):
    colours = set_theme(name)
    try:
        assert _contrast(getattr(colours, ink), getattr(colours, background)) >= 4.5
    finally:
        set_theme("dark")


def test_dark_verdict_colours_are_the_specified_ones():
    colours = set_theme("dark")
    assert (colours.viewer, colours.lipoma, colours.malignant) == ("#0f1114", "#4c9be8", "#f0a030")


def test_an_unknown_name_means_dark_and_text_is_never_below_twelve_pixels():
    assert set_theme("sepia").name == "dark"
    assert theme().small_px >= 12
    assert "font-size: 12px" in style_sheet(theme())


def test_neighbouring_labels_have_their_own_colours():
    assert len({theme().label_colour(n) for n in range(1, 7)}) == 6
    assert theme().label_colour(1) == theme().label_colour(7)
