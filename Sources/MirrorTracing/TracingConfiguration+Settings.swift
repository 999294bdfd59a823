import MirrorCore
package import MirrorSettings

extension TracingConfiguration {
    /// Bytes of the file with header fields.
    private static let maxHeadersFile = 16 << 10
    /// What OTLP adds to an endpoint that names only the server.
    private static let path = "/v1/traces"

    /// - Returns: `nil` after recording a problem.
    package static func read(_ reader: SettingsReader) -> TracingConfiguration? {
        let endpoint = reader.required(
            "endpoint", .locationURL, example: "http://127.0.0.1:4318",
            doc:
                "The URL of an OpenTelemetry collector that takes OTLP over HTTP. Without a path, the traces go to `/v1/traces`, as the "
                + "protocol says; a path is used as it is.")
        // Without an endpoint, the other keys are read only to report what is wrong with them.
        var tracing = endpoint.map { TracingConfiguration(endpoint: Self.withPath($0)) }
        var (file, sample, asked): (String?, Double, Int) = (nil, 0.1, 10)
        var (name, isSent) = ("cloud-mirror", false)
        reader.value(
            "headersFile", &file, .path, example: "/etc/cloud-mirror/tracing-headers",
            doc:
                "File with header fields for the collector, such as a token: `Name: value` on each line. Only the service may be able to read it."
        )
        reader.value(
            "sample", &sample, .ratio,
            doc:
                "The share of requests on the slow path, copies and sweeps that is traced. Requests that are answered from memory are traced "
                + "only if their `traceparent` says so.")
        reader.value(
            "askedPerSecond", &asked, .integer(in: 0...1_000),
            doc:
                "How many requests per second may be traced because their `traceparent` says so, whatever `sample` is; a burst may have "
                + "ten times as many. 0 ignores the flag.")
        reader.value("serviceName", &name, .attributeText, doc: "`service.name` of the resource.")
        let attributes = reader.map(
            "attributes", named: .attributeName, .attributeText, example: "{deployment.environment.name: production}",
            doc: "More attributes of the resource.")
        reader.value(
            "sendToOrigins", &isSent, .boolean,
            doc: "Whether requests to origins carry `traceparent`. Buckets and other services never get it.")
        let headers = file.map { readHeaders(reader, $0) } ?? []
        tracing?.headers = headers
        tracing?.sample = sample
        tracing?.askedPerSecond = asked
        tracing?.serviceName = name
        tracing?.attributes = Dictionary(attributes) { first, _ in first }
        tracing?.sendToOrigins = isSent
        if let endpoint, !headers.isEmpty, endpoint.scheme == .http, endpoint.hostAddress?.isLoopback != true, endpoint.host != "localhost"
        {
            reader.warn("is not encrypted, so others on the way can read the header fields; use https://", key: "endpoint")
        }
        return tracing
    }

    private static func withPath(_ url: ArtifactURL) -> ArtifactURL {
        guard url.path == "/", let full = try? url.resolving(path) else { return url }
        return full
    }

    private static func readHeaders(_ reader: SettingsReader, _ file: String) -> [Field] {
        guard let content = reader.readFile("headersFile", file, limit: maxHeadersFile, isSecret: true) else { return [] }
        var fields: [Field] = []
        for line in content.split(whereSeparator: { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }) {
            let text = String(decoding: line, as: UTF8.self).trimmed
            guard !text.isEmpty, !text.hasPrefix("#") else { continue }
            let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map { String($0).trimmed }
            guard parts.count == 2, isName(parts[0]), isValue(parts[1]) else {
                reader.report("has a line that is not a header field; write Name: value", key: "headersFile")
                continue
            }
            guard !ownFields.contains(parts[0].lowercased()) else {
                reader.report("has the field \(parts[0].lowercased()), which the mirror sets itself", key: "headersFile")
                continue
            }
            fields.append(Field(name: parts[0], value: Secret(parts[1])))
        }
        if fields.isEmpty { reader.report("has no header fields", key: "headersFile") }
        return fields
    }

    private static let ownFields: Set = [
        "host", "connection", "content-length", "content-type", "content-encoding", "transfer-encoding", "te", "trailer", "upgrade",
        "expect",
    ]

    /// RFC 9110 §5.6.2.
    private static func isName(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy {
                $0.isASCIIDigit || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) || "!#$%&'*+-.^_`|~".utf8.contains($0)
            }
    }

    private static func isValue(_ text: String) -> Bool { !text.isEmpty && text.utf8.allSatisfy { (0x20...0x7E).contains($0) } }
}

extension SettingKind where Value == Double {
    /// A share: `0`, `0.1`, `1`.
    static var ratio: Self {
        SettingKind(
            name: "share", range: "0 to 1",
            parse: { (text, _) throws(InvalidValue) in
                let isDecimal =
                    !text.isEmpty && text.utf8.count <= 20 && text.utf8.allSatisfy { $0.isASCIIDigit || $0 == UInt8(ascii: ".") }
                guard isDecimal, let value = Double(text), (0...1).contains(value) else {
                    throw InvalidValue("is not a share; write a number from 0 to 1, such as 0.1")
                }
                return value
            }, text: { $0 == $0.rounded() ? "\(Int($0))" : "\($0)" })
    }
}

extension SettingKind where Value == String {
    /// A name of OpenTelemetry, such as `deployment.environment.name`.
    static var attributeName: Self {
        SettingKind(
            name: "attribute",
            parse: { (text, _) throws(InvalidValue) in
                let isName =
                    (1...100).contains(text.utf8.count)
                    && text.utf8.allSatisfy { $0.isASCIIDigit || (0x61...0x7A).contains($0) || "._-".utf8.contains($0) }
                guard isName, text != "service.name" else {
                    throw InvalidValue(
                        text == "service.name"
                            ? "has a key of its own: serviceName" : "is not the name of an attribute; write 1 to 100 of a-z 0-9 . _ -")
                }
                return text
            }, text: { $0 })
    }

    /// The value of an attribute.
    static var attributeText: Self {
        SettingKind(
            name: "text",
            parse: { (text, _) throws(InvalidValue) in
                guard (1...256).contains(text.utf8.count), text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F }) else {
                    throw InvalidValue("is not a text of 1 to 256 bytes on one line")
                }
                return text
            }, text: { $0 })
    }
}
