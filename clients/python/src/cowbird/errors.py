"""What can go wrong: one exception for each of gRPC's codes, all of them `CowbirdError`."""

from __future__ import annotations

import enum


class Code(enum.IntEnum):
    """gRPC's canonical codes."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


class CowbirdError(Exception):
    """A call failed. `code` says who is at fault, `message` what to do.

    >>> error = error_of(5, "version: no label \\"canary\\"")
    >>> error.code, isinstance(error, NotFound), str(error)
    (<Code.NOT_FOUND: 5>, True, 'NOT_FOUND: version: no label "canary"')
    """

    code: Code = Code.UNKNOWN

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def __str__(self) -> str:
        return f"{self.code.name}: {self.message}"


class Cancelled(CowbirdError):
    """The call was given up."""

    code = Code.CANCELLED


class Unknown(CowbirdError):
    """The server could not say more."""

    code = Code.UNKNOWN


class InvalidArgument(CowbirdError):
    """A field is wrong; the message names it, its value and its bound."""

    code = Code.INVALID_ARGUMENT


class DeadlineExceeded(CowbirdError):
    """The time was over first; the server may or may not have done what was asked."""

    code = Code.DEADLINE_EXCEEDED


class NotFound(CowbirdError):
    """What was named does not exist."""

    code = Code.NOT_FOUND


class AlreadyExists(CowbirdError):
    """What was to be made exists."""

    code = Code.ALREADY_EXISTS


class PermissionDenied(CowbirdError):
    """This user may not do that."""

    code = Code.PERMISSION_DENIED


class ResourceExhausted(CowbirdError):
    """A bound was met: disk full, too many events, a frame that is too large."""

    code = Code.RESOURCE_EXHAUSTED


class FailedPrecondition(CowbirdError):
    """The state does not allow it now."""

    code = Code.FAILED_PRECONDITION


class Aborted(CowbirdError):
    """Somebody else was faster."""

    code = Code.ABORTED


class OutOfRange(CowbirdError):
    """Past the end of what there is."""

    code = Code.OUT_OF_RANGE


class Unimplemented(CowbirdError):
    """The server knows no such service or method."""

    code = Code.UNIMPLEMENTED


class Internal(CowbirdError):
    """An answer could not be understood."""

    code = Code.INTERNAL


class Unavailable(CowbirdError):
    """No connection, or it was lost.

    `sent` is False when the request certainly did not reach the server.
    """

    code = Code.UNAVAILABLE

    def __init__(self, message: str, sent: bool = True) -> None:
        super().__init__(message)
        self.sent = sent


class DataLoss(CowbirdError):
    """Something was lost beyond repair."""

    code = Code.DATA_LOSS


class Unauthenticated(CowbirdError):
    """The caller is not known."""

    code = Code.UNAUTHENTICATED


_BY_CODE: dict[int, type[CowbirdError]] = {
    int(kind.code): kind
    for kind in (
        Cancelled, Unknown, InvalidArgument, DeadlineExceeded, NotFound, AlreadyExists, PermissionDenied,
        ResourceExhausted, FailedPrecondition, Aborted, OutOfRange, Unimplemented, Internal, Unavailable,
        DataLoss, Unauthenticated,
    )
}  # fmt: skip


def error_of(code: int, message: str) -> CowbirdError:
    """The exception for a status; codes that gRPC does not know are `Unknown`."""
    return _BY_CODE.get(code, Unknown)(message)
