"""How long a job will still take, from how far it has come."""

from __future__ import annotations

_SMOOTHING = 0.3
_SETTLING_SECONDS = 1.0
_SETTLING_FRACTION = 0.02


class TimeLeft:
    """Estimates the seconds left from the pace so far, the recent pace counting more.

    Parameters
    ----------
    start : float
        The clock when the job began, s.
    """

    def __init__(self, start: float) -> None:
        self._begin(start, 0.0)

    def _begin(self, now: float, fraction: float) -> None:
        self._start, self._start_fraction = now, fraction
        self._last_time, self._last_fraction = now, fraction
        self._pace: float | None = None

    def update(self, now: float, fraction: float) -> float | None:
        """Take in a report.

        Parameters
        ----------
        now : float
            The clock, s.
        fraction : float
            How far the job is, 0 to 1.

        Returns
        -------
        float or None
            Seconds left; None while too little is known.
        """
        step, span = fraction - self._last_fraction, now - self._last_time
        if step < 0:
            self._begin(now, fraction)
        if step > 0 and span > 0:
            pace = step / span
            self._pace = pace if self._pace is None else self._pace + _SMOOTHING * (pace - self._pace)
            self._last_time, self._last_fraction = now, fraction
        elapsed = now - self._start
        if self._pace is None or elapsed < _SETTLING_SECONDS or fraction < _SETTLING_FRACTION:
            return None
        overall = (fraction - self._start_fraction) / elapsed
        return max(0.0, (1.0 - fraction) / (0.5 * (self._pace + overall)) - (now - self._last_time))
