"""How plots look: figures on their axes are what they are."""

from app.ui.widgets.plot_style import label_axis, make_plot, style_plot


def test_small_figures_are_not_written_as_thousandths_when_the_theme_changes(qtbot):
    plot = make_plot("Shares")
    qtbot.addWidget(plot)
    axis = plot.getAxis("bottom")
    for _theme in range(2):
        style_plot(plot)
        label_axis(plot, "bottom", "Share")
        plot.setRange(xRange=(0, 0.8), padding=0)
        assert axis.autoSIPrefixScale == 1.0
        assert "0.001" not in axis.labelString()
