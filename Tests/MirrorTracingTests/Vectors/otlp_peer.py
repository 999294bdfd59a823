"""Reads traces in OTLP's JSON with the messages of the package opentelemetry-proto, and says what is in them."""

import base64
import json
import sys

from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

IDS = {"traceId", "spanId", "parentSpanId"}


def with_bytes(value):
    """Protobuf's JSON writes bytes in Base64, and OTLP its IDs in hexadecimal."""
    if isinstance(value, dict):
        return {key: base64.b64encode(bytes.fromhex(item)).decode() if key in IDS else with_bytes(item) for key, item in value.items()}
    return [with_bytes(item) for item in value] if isinstance(value, list) else value


for line in sys.stdin:
    document = with_bytes(json.loads(json.loads(line)["document"]))
    # Members that the messages do not have are errors.
    request = json_format.ParseDict(document, ExportTraceServiceRequest(), ignore_unknown_fields=False)
    answer = {"resource": {}, "spans": []}
    for resource in request.resource_spans:
        answer["resource"] |= {item.key: item.value.string_value for item in resource.resource.attributes}
        for span in (span for scope in resource.scope_spans for span in scope.spans):
            assert len(span.trace_id) == 16 and len(span.span_id) == 8
            answer["spans"].append(
                {
                    "trace": span.trace_id.hex(),
                    "span": span.span_id.hex(),
                    "parent": span.parent_span_id.hex(),
                    "name": span.name,
                    "kind": Span.SpanKind.Name(span.kind),
                    "start": span.start_time_unix_nano,
                    "end": span.end_time_unix_nano,
                    "attributes": len(span.attributes),
                    "status": Status.StatusCode.Name(span.status.code),
                    "flags": span.flags,
                }
            )
    print(json.dumps(answer))
