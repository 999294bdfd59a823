import MirrorCore
package import MirrorNet
import MirrorSettings
import NIOCore
import NIOHTTP1

/// Where spans are sent.
package struct Collector: Sendable {
    /// What it answers.
    struct Answer: Sendable {
        let status: Int
        /// The value of `Retry-After`.
        var retryAfter: String?
        var body: [UInt8] = []
    }

    /// Bytes of an answer that are read.
    private static let maxAnswer = 64 << 10

    /// Sends one document.
    let send: @Sendable ([UInt8]) async throws -> Answer

    init(send: @escaping @Sendable ([UInt8]) async throws -> Answer) {
        self.send = send
    }

    /// A collector that is reached by HTTP.
    package init(_ configuration: TracingConfiguration, client: ServiceClient) {
        let url = configuration.endpoint
        var headers: HTTPHeaders = ["Content-Type": OTLPEncoder.contentType]
        for field in configuration.headers { headers.add(name: field.name, value: field.value.value) }
        let fields = headers
        send = { document in
            let request = ServiceRequest(
                method: .POST, scheme: url.scheme, host: "\(url.host)", port: url.port, target: url.path, headers: fields,
                body: .bytes([ByteBuffer(bytes: document)]))
            let (status, headers, body) = try await client.collect(request, upTo: Self.maxAnswer)
            return Answer(status: status, retryAfter: headers.first(name: "retry-after"), body: Array(body.readableBytesView))
        }
    }
}
