"""The errors a caller can meet, each with the HTTP status and the words it is told in.

Everything a service or runtime raises on purpose is an `AppError`; the routes turn it into one
RFC 9457 problem document, or into a WebSocket error message and close code. A message says what was
expected and what to do; host paths and secrets never appear in one.
"""

from typing import ClassVar


class AppError(Exception):
    """An expected failure. `detail` is a sentence for the person; `extra` is added to the problem document."""

    status: ClassVar[int] = 500
    close_code: ClassVar[int] = 1011
    title: ClassVar[str] = "Something went wrong"

    def __init__(self, detail: str, **extra: object) -> None:
        super().__init__(detail)
        self.detail = detail
        self.extra = extra


class Invalid(AppError):
    """The request is well-formed but a value in it is not acceptable; `extra["field"]` names it where one does."""

    status = 422
    close_code = 4422
    title = "Not acceptable"


class BadRequest(AppError):
    """The request can't be understood at all: no JSON, a missing parameter, a size that is no number."""

    status = 400
    close_code = 4400
    title = "Bad request"


class NotSignedIn(AppError):
    status = 401
    close_code = 4401
    title = "Not signed in"


class Forbidden(AppError):
    status = 403
    close_code = 4403
    title = "Not allowed"


class NotFound(AppError):
    """Does not exist, or is not the caller's: the two answer alike."""

    status = 404
    close_code = 4404
    title = "Not found"


class Conflict(AppError):
    """The state does not allow it: the target exists, the project is not running."""

    status = 409
    close_code = 4409
    title = "Conflict"


class Idle(AppError):
    """Nobody has used it for too long, so it was ended. It starts again when it is asked for."""

    status = 408
    close_code = 4408
    title = "Not used"


class PreconditionFailed(AppError):
    """The file changed since the version the caller names."""

    status = 412
    title = "Changed meanwhile"


class TooLarge(AppError):
    status = 413
    close_code = 1009
    title = "Too large"


class TooMany(AppError):
    """A limit on the caller; `retry_after` is in seconds and becomes the header of that name."""

    status = 429
    close_code = 4429
    title = "Too many"

    def __init__(self, detail: str, *, retry_after: int = 1, **extra: object) -> None:
        super().__init__(detail, **extra)
        self.retry_after = retry_after


class StorageFull(AppError):
    status = 507
    title = "No space left"


class BadGateway(AppError):
    """The app in the container gave no usable answer."""

    status = 502
    title = "The app did not answer"


class GatewayTimeout(AppError):
    status = 504
    title = "The app took too long"


class Unavailable(AppError):
    """The engine, or a part of the server, can't be used just now. Trying again later may work."""

    status = 503
    close_code = 1013
    title = "Not available now"


class LinkLost(Unavailable):
    """The connection to a project's supervisor broke. The processes in the container live on."""

    close_code = 1012
    title = "Connection to the container lost"
