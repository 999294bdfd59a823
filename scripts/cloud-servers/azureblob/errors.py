"""Refusals, with the codes of the service."""

import json
from xml.sax.saxutils import escape

from web.messages import Response


class Failure(Exception):
    def __init__(self, status, code, message=None, headers=None, more=""):
        super().__init__(code)
        self.status = status
        self.code = code
        self.message = message or MESSAGES.get(code, code)
        self.headers = headers or {}
        self.more = more  # further elements

    def response(self):
        body = f"<Error><Code>{self.code}</Code><Message>{escape(self.message)}</Message>{self.more}</Error>"
        headers = {"x-ms-error-code": self.code, **self.headers}
        if self.status == 304:
            return Response(304, headers)
        return xml(body, self.status, headers)


class OAuthFailure(Exception):
    """Of the token endpoint and of those of machines."""

    def __init__(self, status, error, number, description):
        super().__init__(description)
        self.status = status
        self.body = {"error": error, "error_description": f"AADSTS{number}: {description}", "error_codes": [number]}

    def response(self):
        return Response(self.status, {"Content-Type": "application/json; charset=utf-8"}, json.dumps(self.body).encode())


def xml(body, status=200, headers=None):
    """As the service does, with a byte order mark."""
    text = f'\ufeff<?xml version="1.0" encoding="utf-8"?>{body}'
    return Response(status, {"Content-Type": "application/xml", **(headers or {})}, text.encode())


MESSAGES = {
    "AuthenticationFailed": "Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly including the "
    "signature.",
    "AuthorizationFailure": "This request is not authorized to perform this operation.",
    "AuthorizationPermissionMismatch": "This request is not authorized to perform this operation using this permission.",
    "AuthorizationProtocolMismatch": "This request is not authorized to perform this operation using this protocol.",
    "AuthorizationResourceTypeMismatch": "This request is not authorized to perform this operation using this resource type.",
    "AuthorizationServiceMismatch": "This request is not authorized to perform this operation using this service.",
    "AuthorizationSourceIPMismatch": "This request is not authorized to perform this operation using this source IP.",
    "BlobAlreadyExists": "The specified blob already exists.",
    "BlobNotFound": "The specified blob does not exist.",
    "BlockCountExceedsLimit": "The committed block count cannot exceed the maximum limit of 50,000 blocks.",
    "ConditionNotMet": "The condition specified using HTTP conditional header(s) is not met.",
    "ContainerAlreadyExists": "The specified container already exists.",
    "ContainerBeingDeleted": "The specified container is being deleted. Try operation later.",
    "ContainerNotFound": "The specified container does not exist.",
    "Crc64Mismatch": "The CRC64 value specified in the request did not match with the CRC64 value calculated by the server.",
    "InternalError": "Server encountered an internal error. Please try again after some time.",
    "InvalidBlobOrBlock": "The specified blob or block content is invalid.",
    "InvalidBlockList": "The specified block list is invalid.",
    "InvalidHeaderValue": "The value for one of the HTTP headers is not in the correct format.",
    "InvalidQueryParameterValue": "Value for one of the query parameters specified in the request URI is invalid.",
    "InvalidRange": "The range specified is invalid for the current size of the resource.",
    "InvalidResourceName": "The specifed resource name contains invalid characters.",
    "InvalidXmlDocument": "XML specified is not syntactically valid.",
    "Md5Mismatch": "The MD5 value specified in the request did not match with the MD5 value calculated by the server.",
    "MissingContentLengthHeader": "Content-Length HTTP header is missing.",
    "MissingRequiredHeader": "An HTTP header that's mandatory for this request is not specified.",
    "NoAuthenticationInformation": "Server failed to authenticate the request. Please refer to the information in the www-authenticate header.",
    "OperationTimedOut": "Operation could not be completed within the specified time.",
    "OutOfRangeInput": "One of the request inputs is out of range.",
    "PublicAccessNotPermitted": "Public access is not permitted on this storage account.",
    "RequestBodyTooLarge": "The request body is too large and exceeds the maximum permissible limit.",
    "ResourceNotFound": "The specified resource does not exist.",
    "ServerBusy": "The server is currently unable to receive requests. Please retry your request.",
    "SourceConditionNotMet": "The source condition specified using HTTP conditional header(s) is not met.",
    "UnsupportedHeader": "One of the HTTP headers specified in the request is not supported.",
    "UnsupportedHttpVerb": "The resource doesn't support specified Http Verb.",
}

# For a status that nothing else is known of.
GENERAL = {
    400: "InvalidInput", 403: "AuthorizationFailure", 404: "ResourceNotFound", 405: "UnsupportedHttpVerb", 408: "RequestTimeout",
    409: "LeaseIdMissing", 411: "MissingContentLengthHeader", 412: "ConditionNotMet", 413: "RequestBodyTooLarge", 429: "TooManyRequests",
    500: "InternalError", 503: "ServerBusy", 504: "OperationTimedOut",
}


def general(status, code=None):
    return Failure(status, code or GENERAL.get(status, "Unknown"))


def bad_header(name, value=""):
    more = f"<HeaderName>{escape(name)}</HeaderName><HeaderValue>{escape(value)}</HeaderValue>"
    return Failure(400, "InvalidHeaderValue", more=more)


def missing_header(name):
    return Failure(400, "MissingRequiredHeader", more=f"<HeaderName>{escape(name)}</HeaderName>")


def bad_parameter(name, value=""):
    more = f"<QueryParameterName>{escape(name)}</QueryParameterName><QueryParameterValue>{escape(value)}</QueryParameterValue>"
    return Failure(400, "InvalidQueryParameterValue", more=more)
