"""The same as `_async`, for callers that wait: every other file here is made from its sibling there."""

from .diagnostics import Echo as Echo, Health as Health
from .event_stream import EventStream as EventStream
from .ingest import Ingest as Ingest
from .predict import Predict as Predict
from .update import Update as Update
from .version import Version as Version
