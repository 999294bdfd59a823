#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
import MirrorCore

/// Writes spans as OTLP in JSON, and reads what the collector says to them.
struct OTLPEncoder: Sendable {
    static let contentType = "application/json"

    /// What is known about the process.
    let resource: [Attribute]
    var version = CloudMirrorVersion.current

    func encode(_ spans: [FinishedSpan]) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return [UInt8](try encoder.encode(OTLPDocument(spans, resource: resource, version: version)))
    }

    /// The body of an answer with status 200. All of its members may be missing.
    private struct Answer: Decodable {
        struct PartialSuccess: Decodable {
            let rejectedSpans: JSONValue?
        }

        let partialSuccess: PartialSuccess?
    }

    /// How many of the spans the collector did not want; 0 if its answer does not say so.
    static func rejected(_ body: [UInt8]) -> Int {
        guard let answer = try? ForeignJSON.decode(Answer.self, from: body) else { return 0 }
        // A number of 64 bits is a string, but not everybody writes it so.
        let number: Int64? =
            switch answer.partialSuccess?.rejectedSpans {
            case .string(let text): Int64(text)
            case .integer(let number): number
            default: nil
            }
        return Int(clamping: max(number ?? 0, 0))
    }
}
