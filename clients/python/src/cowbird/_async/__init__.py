"""The services of the contract as methods, for asyncio: names, messages, plain arguments, which calls only read."""

from .diagnostics import AsyncEcho as AsyncEcho, AsyncHealth as AsyncHealth
from .event_stream import AsyncEventStream as AsyncEventStream
from .ingest import AsyncIngest as AsyncIngest
from .predict import AsyncPredict as AsyncPredict
from .update import AsyncUpdate as AsyncUpdate
from .version import AsyncVersion as AsyncVersion
