"""A case's clock: how the engine's time maps to business time. Factor 1 is reality, more is time-lapse."""

from datetime import datetime, timedelta

from pydantic import AwareDatetime, Field

from models.base import Value

TICK = timedelta(microseconds=1)


class CaseClock(Value):
    """Fixed when a case starts, and kept over its whole life: business = `business` + (now - `wall`) x `factor`."""

    wall: AwareDatetime
    business: AwareDatetime
    factor: float = Field(default=1.0, gt=0, le=10_000_000)

    @classmethod
    def real(cls, now: datetime) -> "CaseClock":
        """The clock on the wall."""
        return cls(wall=now, business=now)

    def at(self, wall: datetime) -> datetime:
        """The business instant at the engine's instant `wall`."""
        if self.factor == 1:
            return self.business + (wall - self.wall)
        return self.business + (wall - self.wall) * self.factor

    def delay(self, wall: datetime, until: datetime) -> timedelta:
        """How long the engine waits, from `wall`, for the business instant `until`; rounded up to be sure."""
        if self.factor == 1:
            return until - self.at(wall)
        return (until - self.at(wall)) / self.factor + TICK
