"""Client of the Cowbird recommender: events in, predictions out, over a Unix socket.

`Client` is the sync one, `AsyncClient` that of asyncio. What they take and give are the messages of
`cowbird.v1`, or plain Python values: see `cowbird.values`. What goes wrong is a `CowbirdError`.
"""

from . import values as values
from ._event_stream import EventStream as EventStream
from ._event_stream_async import AsyncEventStream as AsyncEventStream
from .aio import AsyncClient as AsyncClient
from .aio import AsyncStream as AsyncStream
from .client import Client as Client
from .client import Stream as Stream
from .client import Submitted as Submitted
from .errors import Aborted as Aborted
from .errors import AlreadyExists as AlreadyExists
from .errors import Cancelled as Cancelled
from .errors import Code as Code
from .errors import CowbirdError as CowbirdError
from .errors import DataLoss as DataLoss
from .errors import DeadlineExceeded as DeadlineExceeded
from .errors import FailedPrecondition as FailedPrecondition
from .errors import Internal as Internal
from .errors import InvalidArgument as InvalidArgument
from .errors import NotFound as NotFound
from .errors import OutOfRange as OutOfRange
from .errors import PermissionDenied as PermissionDenied
from .errors import ResourceExhausted as ResourceExhausted
from .errors import Unauthenticated as Unauthenticated
from .errors import Unavailable as Unavailable
from .errors import Unimplemented as Unimplemented
from .errors import Unknown as Unknown
from .values import Refused as Refused
from .values import delete_entity as delete_entity
from .values import interaction as interaction
from .values import merge_attributes as merge_attributes
from .values import retraction as retraction
from .values import set_attributes as set_attributes

__version__ = "0.1.0"
