"""Client of the Cowbird recommender: events in, predictions out, over a Unix socket.

`Client` is the sync one, `AsyncClient` that of asyncio. What they take and give are the messages of
`cowbird.v1`, or plain Python values: see `cowbird.values`. What goes wrong is a `CowbirdError`.
"""

from . import values as values
from ._async import AsyncEventStream as AsyncEventStream
from ._calls import Stream as Stream, Submitted as Submitted
from ._connection import AsyncStream as AsyncStream
from ._sync import EventStream as EventStream
from .aio import AsyncClient as AsyncClient
from .client import Client as Client
from .errors import (
    Aborted as Aborted,
    AlreadyExists as AlreadyExists,
    Cancelled as Cancelled,
    Code as Code,
    CowbirdError as CowbirdError,
    DataLoss as DataLoss,
    DeadlineExceeded as DeadlineExceeded,
    FailedPrecondition as FailedPrecondition,
    Internal as Internal,
    InvalidArgument as InvalidArgument,
    NotFound as NotFound,
    OutOfRange as OutOfRange,
    PermissionDenied as PermissionDenied,
    ResourceExhausted as ResourceExhausted,
    Unauthenticated as Unauthenticated,
    Unavailable as Unavailable,
    Unimplemented as Unimplemented,
    Unknown as Unknown,
)
from .values import (
    Refused as Refused,
    delete_entity as delete_entity,
    interaction as interaction,
    merge_attributes as merge_attributes,
    retraction as retraction,
    set_attributes as set_attributes,
)

__version__ = "0.1.0"
