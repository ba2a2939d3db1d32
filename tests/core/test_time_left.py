"""The estimate of the time left, against paces worked out by hand."""

import pytest

from app.core.jobs import TimeLeft


class TestTimeLeft:
    def test_a_steady_pace_is_told_exactly(self):
        left = TimeLeft(100.0)
        assert left.update(100.5, 0.05) is None
        assert left.update(102.0, 0.2) == pytest.approx(8.0)
        assert left.update(105.0, 0.5) == pytest.approx(5.0)
        assert left.update(106.0, 0.5) == pytest.approx(4.0, abs=0.5)

    def test_a_slower_second_half_is_noticed(self):
        left = TimeLeft(0.0)
        for second in range(1, 6):
            left.update(second, second * 0.1)
        estimates = [left.update(5 + 4 * step, 0.5 + step * 0.1) for step in range(1, 5)]
        assert estimates[-1] == pytest.approx(4.0, rel=0.5)

    def test_a_new_phase_begins_anew(self):
        left = TimeLeft(0.0)
        left.update(5.0, 0.9)
        assert left.update(6.0, 0.1) is None
        assert left.update(8.0, 0.3) == pytest.approx(7.0)

    def test_never_below_zero(self):
        left = TimeLeft(0.0)
        left.update(2.0, 0.5)
        assert left.update(60.0, 0.5) == 0.0
