"""Who may be spoken to on which channel, and when, by the rules of contact of a policy (contact_rules.py).

Pure: everything is computed from the rules, the calendar pinned into the case, and the buyer's contact. The ladder asks
for the next permitted moment when it plans (days.py), and whatever sends asks `may_contact` once more just before it
sends: between the two there may be an outage, and other cases of the same buyer.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from models.calendar import (
    ORDINARY_WEEKEND,
    SEARCH,
    WEEKDAYS,
    PinnedCalendar,
    closing_in_words,
    weekend_in_words,
)
from models.contact_rules import ContactLimit, ContactRules, Window
from models.parties import Channel, Contact

SPOKEN: frozenset[str] = frozenset({"phone", "visit"})
"""Channels on which a person speaks; the others are written."""

# --- channels -------------------------------------------------------------------------------------------------


def channels_for(
    rules: ContactRules, kind: str, channels: Sequence[Channel], contact: Contact, country: str | None
) -> tuple[Channel, ...]:
    """The channels on which a step may reach a debtor, best first; none if the debtor declined them all.

    A written reminder goes where the buyer prefers it, else where people of the region read it (R27), else as the
    step says. What has to be proved (a formal demand, a lawyer's letter) keeps to the channels of its step; so do
    calls and visits. There the buyer's preference only decides which of them comes first.
    """
    own = tuple(channels)
    if kind == "reminder" and own and own[0] not in SPOKEN:
        region = rules.region(country)
        wished = tuple(c for c in (*contact.preferred, *(region.channels if region else ())) if c not in SPOKEN)
    else:
        wished = tuple(c for c in contact.preferred if c in own)
    return tuple(c for c in dict.fromkeys((*wished, *own)) if c not in contact.opt_out)


# --- days -----------------------------------------------------------------------------------------------------


def closed(rules: ContactRules, calendar: PinnedCalendar | None, day: date) -> str | None:
    """Why nobody is contacted on a day, in words; None if contacts are made on it."""
    for quiet in rules.quiet:
        if quiet.holds_on(day, calendar):
            season = calendar.season(day, quiet.season) if calendar and quiet.season else None
            return season.title if season and not quiet.name else str(quiet)
    if calendar is None:
        weekend = rules.days == "business" and WEEKDAYS[day.weekday()] in ORDINARY_WEEKEND
        return "weekend" if weekend else None
    closing = calendar.closing(day) if rules.closing_days else None
    if closing is not None:
        return closing_in_words(closing)
    holiday = calendar.holiday(day) if rules.holidays else None
    if holiday is not None:
        return holiday
    if rules.days == "business" and calendar.weekend_on(day) and not (rules.make_up_days and calendar.made_up(day)):
        return weekend_in_words(day, calendar)
    return None


def next_open(rules: ContactRules, calendar: PinnedCalendar | None, day: date) -> date:
    """`day`, or the first day after it on which contacts are made."""
    for distance in range(SEARCH):
        found = day + timedelta(days=distance)
        if closed(rules, calendar, found) is None:
            return found
    return day


class ContactTimes(NamedTuple):
    """When contacts can be made at all: the rules, the calendar and the zone of a debtor, and the channel."""

    rules: ContactRules
    calendar: PinnedCalendar | None
    zone: str
    channel: Channel

    @property
    def window(self) -> Window:
        """The hours of the channel."""
        return self.rules.window(self.channel, self.calendar.country if self.calendar else None)

    def moment(self, day: date, at: clock_time, jitter: timedelta, share: float) -> datetime:
        """The moment of a contact planned for a day: that day or the next open one, within the hours.

        Args:
            day: The day it is planned for.
            at: The time of day, if it lies within the hours; else they are waited for.
            jitter: Over how long contacts are spread; it ends with the hours.
            share: Which part of the jitter is this contact's, in [0, 1).
        """
        start = self.start(at)
        for _ in range(SEARCH):
            day = next_open(self.rules, self.calendar, day)
            moment = _instant(day, start, self.zone)
            if not self.clocks_skip(day, start):
                break
            day += timedelta(days=1)
        if jitter:
            room = _instant(day, self.window.closes, self.zone) - moment - timedelta(seconds=1)
            moment += max(min(jitter, room), timedelta(0)) * share
        return moment

    def start(self, at: clock_time) -> clock_time:
        """A time of day if it lies within the hours, else when they begin."""
        window = self.window
        return at if window.opens <= at < window.closes else window.opens

    def clocks_skip(self, day: date, at: clock_time) -> bool:
        """Whether the clocks have no such time on a day, as they go forward over it."""
        return local(_instant(day, at, self.zone), self.zone).replace(tzinfo=None) != datetime.combine(day, at)

    def open_at(self, instant: datetime) -> bool:
        """Whether a contact may be made at this very instant."""
        here = local(instant, self.zone)
        window = self.window
        return window.opens <= here.time() < window.closes and closed(self.rules, self.calendar, here.date()) is None

    def why_not(self, instant: datetime) -> str:
        """Why a contact may not be made at an instant, in words."""
        here = local(instant, self.zone)
        reason = closed(self.rules, self.calendar, here.date())
        if reason is not None:
            return f"{here:%a} {here.day} {here:%b}: {reason}"
        return f"{here:%H:%M} {self.zone} lies outside the hours of {self.channel} ({self.window})"

    def opens(self, instant: datetime) -> datetime:
        """The first moment from an instant on at which a contact may be made."""
        if self.open_at(instant):
            return instant
        here = local(instant, self.zone)
        later = here.time() >= self.window.opens
        return self.moment(here.date() + timedelta(days=int(later)), self.window.opens, timedelta(0), 0.0)


def local(instant: datetime, zone: str) -> datetime:
    """An instant as the clocks of a zone show it."""
    return instant.astimezone(_zone(zone))


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


@lru_cache(maxsize=50_000)
def _instant(day: date, at: clock_time, zone: str) -> datetime:
    return datetime.combine(day, at, _zone(zone)).astimezone(UTC)


# --- just before sending --------------------------------------------------------------------------------------


class Permitted(NamedTuple):
    """The contact may be made now."""


class Delayed(NamedTuple):
    """The contact may be made later."""

    until: datetime
    reason: str


class Forbidden(NamedTuple):
    """The contact may not be made on this channel at all."""

    reason: str


Verdict = Permitted | Delayed | Forbidden


def may_contact(
    rules: ContactRules,
    calendar: PinnedCalendar | None,
    contact: Contact,
    channel: Channel,
    now: datetime,
    recent_contacts: Sequence[datetime] = (),
) -> Verdict:
    """Whether a debtor may be contacted at this moment: asked just before something is sent, on every try.

    Args:
        rules: The policy's rules of contact.
        calendar: The calendar pinned into the case.
        contact: Whom it is about.
        channel: The channel on which it is to be sent.
        now: The business instant.
        recent_contacts: When this buyer was contacted lately, in whichever case; needed for `buyer_limit` alone.
    """
    if rules.business_contacts_only and contact.private:
        return Forbidden("the contact is a private one, and only business contacts may be addressed")
    if channel in contact.opt_out:
        return Forbidden(f"the debtor declined to be contacted by {channel}")
    zone = calendar.zone if calendar else contact.timezone
    times = ContactTimes(rules, calendar, zone, channel)
    crowded = uncrowded(rules.buyer_limit, zone, now, recent_contacts)
    if crowded is not None:
        limit = rules.buyer_limit
        assert limit is not None
        reason = f"at most {limit.most} contacts in {limit.within} days with this buyer"
        return Delayed(times.opens(crowded), reason)
    if not times.open_at(now):
        return Delayed(times.opens(now), times.why_not(now))
    return Permitted()


def uncrowded(
    limit: ContactLimit | None, zone: str, now: datetime, contacts: Sequence[datetime]
) -> datetime | None:  # fmt: skip
    """The start of the day on which a limit allows another contact; None if it does now. Days are local ones."""
    if limit is None:
        return None
    today = local(now, zone).date()
    days = sorted(local(at, zone).date() for at in contacts)
    near = [day for day in days if (today - day).days < limit.within]
    if len(near) < limit.most:
        return None
    return _instant(near[-limit.most] + timedelta(days=limit.within), clock_time(0), zone)
