"""Refusals, as the JSON API, the XML API and downloads say them."""

import json
from xml.sax.saxutils import escape

from web.messages import Response


class Failure(Exception):
    """`reason` is the JSON API's word, `code` the XML API's."""

    def __init__(self, status, reason, code, message, headers=None):
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.code = code
        self.message = message
        self.headers = headers or {}

    def as_json(self):
        errors = [{"message": self.message, "domain": "global", "reason": self.reason}]
        body = {"error": {"code": self.status, "message": self.message, "errors": errors}}
        return Response(self.status, {"Content-Type": "application/json; charset=UTF-8", **self.headers}, json.dumps(body).encode())

    def as_xml(self):
        body = f"<?xml version='1.0' encoding='UTF-8'?><Error><Code>{self.code}</Code><Message>{escape(self.message)}</Message></Error>"
        return Response(self.status, {"Content-Type": "application/xml; charset=UTF-8", **self.headers}, body.encode())

    def as_text(self):
        return Response(self.status, {"Content-Type": "text/html; charset=UTF-8", **self.headers}, self.message.encode())

    def as_oauth(self):
        body = {"error": self.reason, "error_description": self.message}
        return Response(self.status, {"Content-Type": "application/json; charset=utf-8", **self.headers}, json.dumps(body).encode())


# For a status that nothing else is known of: the reason, the code and the message.
GENERAL = {
    400: ("badRequest", "InvalidArgument", "Invalid argument."),
    401: ("authError", "AuthenticationRequired", "Invalid Credentials"),
    403: ("forbidden", "AccessDenied", "Access denied."),
    404: ("notFound", "NoSuchKey", "Not Found"),
    408: ("requestTimeout", "RequestTimeout", "The request timed out."),
    409: ("conflict", "OperationAborted", "A conflicting operation is in progress."),
    411: ("required", "MissingContentLength", "You must provide the Content-Length HTTP header."),
    412: ("conditionNotMet", "PreconditionFailed", "At least one of the pre-conditions you specified did not hold."),
    413: ("uploadTooLarge", "EntityTooLarge", "The body is too large."),
    429: ("rateLimitExceeded", "SlowDown", "The project exceeded the rate limit for creating and deleting buckets."),
    500: ("backendError", "InternalError", "We encountered an internal error. Please try again."),
    502: ("backendError", "InternalError", "Bad gateway"),
    503: ("backendError", "ServiceUnavailable", "We encountered an internal error. Please try again."),
    504: ("backendError", "InternalError", "Gateway timeout"),
}


def general(status, code=None):
    reason, known, message = GENERAL.get(status, ("unknown", "Unknown", "Unknown"))
    return Failure(status, code or reason, code or known, message)


def invalid(message, code="InvalidArgument"):
    return Failure(400, "invalid", code, message)


def no_bucket():
    return Failure(404, "notFound", "NoSuchBucket", "The specified bucket does not exist.")


def no_object(bucket, name):
    return Failure(404, "notFound", "NoSuchKey", f"No such object: {bucket}/{name}")


def condition_failed():
    return general(412)


def digest_differs(kind, given, computed):
    return Failure(400, "invalid", "BadDigest", f'Provided {kind} "{given}" doesn\'t match calculated {kind} "{computed}".')


def unsupported(what):
    return Failure(501, "notImplemented", "NotImplemented", f"This server for tests does not know {what}.")
