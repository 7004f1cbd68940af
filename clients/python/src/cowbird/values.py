"""From plain Python values to the messages of the contract: events, attributes, filters, versions."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Optional, Union

from .v1 import (
    DURABILITY_DURABLE,
    DURABILITY_RECEIVED,
    DURABILITY_UNSPECIFIED,
    DURABILITY_WRITTEN,
    ENTITY_KIND_ITEM,
    ENTITY_KIND_USER,
    SEEN_POLICY_EXCLUDE,
    SEEN_POLICY_INCLUDE,
    SEEN_POLICY_ONLY,
    SEEN_POLICY_UNSPECIFIED,
    Attribute,
    AttributeLimit,
    Boost,
    Candidate,
    Durability,
    EntityChange,
    EntityKind,
    Event,
    Filter,
    Interaction,
    NumberList,
    Retraction,
    SeenPolicy,
    TextList,
    VersionSelector,
)

AttributeValue = Union[float, int, str, bool, Sequence[str], Sequence[float]]
Attributes = Union[Mapping[str, AttributeValue], Iterable[Attribute]]
Candidates = Iterable[Union[str, Candidate, tuple[str, Mapping[str, AttributeValue]]]]
DurabilityName = Union[str, "Durability"]
Moment = Union[int, datetime.datetime]
VersionLike = Union[VersionSelector, str, datetime.datetime]


class Refused(NamedTuple):
    """An event that the daemon did not accept, and why."""

    event: Event
    #: One of gRPC's codes.
    code: int
    #: The field at fault, as a path from Event: "interaction.value".
    field: str
    reason: str


def attribute(name: str, value: AttributeValue) -> Attribute:
    """A named value: a number, a text, a flag, or a sequence of texts or of numbers.

    >>> attribute("price", 9.5).number
    9.5
    >>> list(attribute("genres", ["Comedy", "Drama"]).texts.values)
    ['Comedy', 'Drama']
    """
    if isinstance(value, bool):
        return Attribute(name=name, flag=value)
    if isinstance(value, (int, float)):
        return Attribute(name=name, number=value)
    if isinstance(value, str):
        return Attribute(name=name, text=value)
    values: list[Any] = list(value)
    if all(isinstance(one, str) for one in values):
        return Attribute(name=name, texts=TextList(values=values))
    if all(isinstance(one, (int, float)) for one in values):
        return Attribute(name=name, numbers=NumberList(values=values))
    raise TypeError(f"{name}: {value!r} is no number, text, flag, sequence of texts or sequence of numbers")


def attributes(values: Optional[Attributes]) -> list[Attribute]:
    """A mapping from name to value, or messages as they are."""
    if not values:
        return []
    if isinstance(values, Mapping):
        return [attribute(name, value) for name, value in values.items()]
    return list(values)


def nanos(moment: Moment) -> int:
    """Unix time in nanoseconds, of an int (as it is) or of a datetime that knows its zone.

    >>> nanos(datetime.datetime(1970, 1, 1, 0, 0, 1, 500, tzinfo=datetime.timezone.utc))
    1000500000
    """
    if isinstance(moment, int):
        return moment
    if moment.tzinfo is None:
        raise ValueError(f"time: {moment!r} has no time zone")
    since = moment - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    return ((since.days * 86400 + since.seconds) * 1_000_000 + since.microseconds) * 1000


def interaction(
    type: str,
    user: str = "",
    item: str = "",
    value: Optional[float] = None,
    context: Optional[Attributes] = None,
    *,
    weight: Optional[float] = None,
    request_id: str = "",
    id: str = "",
    time: Moment = 0,
    source: str = "",
    sequence: int = 0,
) -> Event:
    """A user did something to an item.

    >>> event = interaction("rating", "ann", "dune", 5, {"device": "ios"})
    >>> event.interaction.value, event.interaction.context[0].text
    (5.0, 'ios')
    """
    inner = Interaction(type=type, user=user, item=item, request_id=request_id)
    if value is not None:
        inner.value = value
    if weight is not None:
        inner.weight = weight
    if context:
        inner.context.extend(attributes(context))
    return Event(id=id, time_nanos=nanos(time), source=source, sequence=sequence, interaction=inner)


def entity_kind(entity: str) -> EntityKind:
    if entity == "user":
        return ENTITY_KIND_USER
    if entity == "item":
        return ENTITY_KIND_ITEM
    raise ValueError(f'entity: {entity!r} is neither "user" nor "item"')


def _change(
    entity: str, id: str, action: EntityChange.Action, values: Optional[Attributes], time: Moment
) -> Event:
    change = EntityChange(entity=entity_kind(entity), id=id, action=action, attributes=attributes(values))
    return Event(time_nanos=nanos(time), entity=change)


def set_attributes(entity: str, id: str, values: Attributes, *, time: Moment = 0) -> Event:
    """These attributes replace all that were known of the user or item.

    >>> set_attributes("item", "dune", {"genres": ["SF"], "year": 1984}).entity.id
    'dune'
    """
    return _change(entity, id, EntityChange.ACTION_SET, values, time)


def merge_attributes(entity: str, id: str, values: Attributes, *, time: Moment = 0) -> Event:
    """These attributes replace those of the same name; the others stay."""
    return _change(entity, id, EntityChange.ACTION_MERGE, values, time)


def delete_entity(entity: str, id: str, *, time: Moment = 0) -> Event:
    """The item is no longer recommended; the user's state and history are dropped."""
    return _change(entity, id, EntityChange.ACTION_DELETE, None, time)


def retraction(event_id: str = "", *, offset: int = 0, time: Moment = 0) -> Event:
    """An earlier event is taken back, by its id or its log offset."""
    return Event(time_nanos=nanos(time), retraction=Retraction(event_id=event_id, offset=offset))


def candidates(values: Candidates) -> list[Candidate]:
    """Item ids, pairs of an id and a context, or messages.

    >>> [one.item for one in candidates(["a", ("b", {"price": 3}), Candidate(item="c")])]
    ['a', 'b', 'c']
    """
    made = []
    for value in values:
        if isinstance(value, str):
            made.append(Candidate(item=value))
        elif isinstance(value, Candidate):
            made.append(value)
        else:
            made.append(Candidate(item=value[0], context=attributes(value[1])))
    return made


def version(value: Optional[VersionLike]) -> Optional[VersionSelector]:
    """A version by its name.

    "serving", "head", "latest" and "previous" are those; "v17" is an id; anything else a label ("label:v17" when
    a label looks like an id); a datetime is the newest version made by then.

    >>> version("v17").id, version("stable").label, version("head").head
    ('v17', 'stable', True)
    """
    if value is None or isinstance(value, VersionSelector):
        return value
    if isinstance(value, datetime.datetime):
        return VersionSelector(as_of_nanos=nanos(value))
    if value == "serving":
        return VersionSelector(serving=True)
    if value == "head":
        return VersionSelector(head=True)
    if value == "latest":
        return VersionSelector(latest=True)
    if value == "previous":
        return VersionSelector(previous=True)
    if value.startswith("label:"):
        return VersionSelector(label=value[len("label:") :])
    if re.fullmatch(r"v\d+", value):
        return VersionSelector(id=value)
    return VersionSelector(label=value)


def durability(value: DurabilityName) -> Durability:
    """
    >>> durability("written") == DURABILITY_WRITTEN
    True
    """
    if not isinstance(value, str):
        return value
    known = {
        "": DURABILITY_UNSPECIFIED,
        "durable": DURABILITY_DURABLE,
        "written": DURABILITY_WRITTEN,
        "received": DURABILITY_RECEIVED,
    }
    if value not in known:
        raise ValueError(f'durability: {value!r} is none of "durable", "written", "received"')
    return known[value]


def seen_policy(value: str) -> SeenPolicy:
    known = {
        "": SEEN_POLICY_UNSPECIFIED,
        "exclude": SEEN_POLICY_EXCLUDE,
        "include": SEEN_POLICY_INCLUDE,
        "only": SEEN_POLICY_ONLY,
    }
    if value not in known:
        raise ValueError(f'seen: {value!r} is none of "exclude", "include", "only"')
    return known[value]


def limits(values: Optional[Mapping[str, int]]) -> list[AttributeLimit]:
    """At most so many items of an answer share one value of the attribute."""
    return [AttributeLimit(attribute=name, limit=limit) for name, limit in (values or {}).items()]


def boosts(values: Union[str, Boost, Iterable[Union[str, Boost]]]) -> list[Boost]:
    """Rules that raise scores: expressions, or messages that hold them; one alone is a list of one."""
    if isinstance(values, (str, Boost)):
        values = [values]
    return [Boost(expression=value) if isinstance(value, str) else value for value in values]


# -- filters


def all_of(*filters: Filter) -> Filter:
    """True when every filter is."""
    return Filter(all=Filter.All(filters=filters))


def any_of(*filters: Filter) -> Filter:
    """True when one filter is."""
    return Filter(any=Filter.Any(filters=filters))


def none_of(*filters: Filter) -> Filter:
    """True when no filter is.

    >>> none_of(has("sold_out")).WhichOneof("kind")
    'not'
    """
    inner: dict[str, Any] = {"not": filters[0] if len(filters) == 1 else any_of(*filters)}
    return Filter(**inner)


def is_in(attribute: str, *values: str) -> Filter:
    """True when the attribute, or one of its values, equals one of these."""
    inner: dict[str, Any] = {"in": Filter.In(attribute=attribute, values=values)}
    return Filter(**inner)


def between(attribute: str, at_least: Optional[float] = None, at_most: Optional[float] = None) -> Filter:
    """True when the numeric attribute lies within; both bounds are inclusive.

    >>> between("price", at_most=20).range.at_most
    20.0
    """
    inner = Filter.Range(attribute=attribute)
    if at_least is not None:
        inner.at_least = at_least
    if at_most is not None:
        inner.at_most = at_most
    return Filter(range=inner)


def has(attribute: str) -> Filter:
    """True when the item has this attribute."""
    return Filter(has=attribute)
