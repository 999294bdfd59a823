/// Spans as the collector gets them: `ExportTraceServiceRequest` of OTLP 1.
///
/// The names are those of the members. In JSON, IDs are hexadecimal, numbers of 64 bits are strings, and those of enumerations are numbers. A member
/// that is `nil` is left out.
/// - SeeAlso: OpenTelemetry Protocol Specification, "JSON Protobuf Encoding".
struct OTLPDocument: Encodable {
    let resourceSpans: [ResourceSpans]

    struct ResourceSpans: Encodable {
        let resource: Resource
        let scopeSpans: [ScopeSpans]
    }

    struct Resource: Encodable {
        let attributes: [KeyValue]
    }

    struct ScopeSpans: Encodable {
        let scope: Scope
        let spans: [Span]
    }

    struct Scope: Encodable {
        let name: String
        let version: String
    }

    struct Span: Encodable {
        let traceId: String
        let spanId: String
        let parentSpanId: String?
        let flags: UInt32
        let name: String
        let kind: Int
        let startTimeUnixNano: String
        let endTimeUnixNano: String
        let attributes: [KeyValue]
        let droppedAttributesCount: Int?
        let events: [Event]?
        let links: [Link]?
        let status: Status?
    }

    struct Event: Encodable {
        let timeUnixNano: String
        let name: String
        let attributes: [KeyValue]
    }

    struct Link: Encodable {
        let traceId: String
        let spanId: String
        let attributes: [KeyValue]
        let flags: UInt32
    }

    struct Status: Encodable {
        let code: Int
    }

    struct KeyValue: Encodable {
        let key: String
        let value: Value
    }

    /// One of the members is there.
    struct Value: Encodable {
        var stringValue: String?
        var boolValue: Bool?
        var intValue: String?
        var doubleValue: Double?
        var arrayValue: List?

        struct List: Encodable {
            let values: [Value]
        }
    }
}

extension OTLPDocument {
    /// - Parameter resource: What is known about the process.
    init(_ spans: [FinishedSpan], resource: [Attribute], version: String) {
        let scope = ScopeSpans(scope: Scope(name: "cloud-mirror", version: version), spans: spans.map(Span.init))
        resourceSpans = [ResourceSpans(resource: Resource(attributes: resource.map(KeyValue.init)), scopeSpans: [scope])]
    }
}

extension OTLPDocument.Span {
    /// The flags of OTLP above those of W3C: whether it is known where the parent is, and whether that is in another process.
    private static let knowsParent: UInt32 = 0x100
    private static let isParentRemote: UInt32 = 0x200

    init(_ span: FinishedSpan) {
        self.init(
            traceId: "\(span.context.traceID)", spanId: "\(span.context.spanID)", parentSpanId: span.parent?.description,
            flags: span.context.flags | Self.knowsParent | (span.isParentRemote ? Self.isParentRemote : 0), name: span.name,
            kind: span.kind.rawValue, startTimeUnixNano: "\(span.start)", endTimeUnixNano: "\(span.end)",
            attributes: span.attributes.map(OTLPDocument.KeyValue.init),
            droppedAttributesCount: span.droppedAttributes > 0 ? span.droppedAttributes : nil,
            events: span.events.isEmpty
                ? nil
                : span.events.map {
                    OTLPDocument.Event(
                        timeUnixNano: "\($0.time)", name: $0.name, attributes: $0.attributes.map(OTLPDocument.KeyValue.init))
                },
            links: span.links.isEmpty
                ? nil
                : span.links.map {
                    OTLPDocument.Link(
                        traceId: "\($0.context.traceID)", spanId: "\($0.context.spanID)",
                        attributes: $0.attributes.map(OTLPDocument.KeyValue.init), flags: $0.context.flags)
                },
            status: span.status.map { OTLPDocument.Status(code: $0.rawValue) })
    }
}

extension OTLPDocument.KeyValue {
    init(_ attribute: Attribute) {
        self.init(key: attribute.key, value: OTLPDocument.Value(attribute.value))
    }
}

extension OTLPDocument.Value {
    init(_ value: AttributeValue) {
        switch value {
        case .string(let text): self.init(stringValue: text)
        case .bool(let value): self.init(boolValue: value)
        case .integer(let value): self.init(intValue: "\(value)")
        // JSON cannot represent values that are not numbers.
        case .double(let value) where !value.isFinite: self.init(stringValue: "\(value)")
        case .double(let value): self.init(doubleValue: value)
        case .list(let values): self.init(arrayValue: List(values: values.map(Self.init)))
        }
    }
}

extension TraceContext {
    /// The flags of W3C.
    fileprivate var flags: UInt32 { isSampled ? 1 : 0 }
}
