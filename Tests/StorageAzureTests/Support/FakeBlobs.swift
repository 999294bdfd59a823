import Crypto
import MirrorCore
import Synchronization
import TestServers

@testable import StorageAzure

/// A container of the blob service in memory. It looks at no signatures: another server, which the conformance tests run against, does.
final class FakeBlobs: Sendable {
    struct Blob: Sendable {
        var bytes: [UInt8]
        /// Those of the content and `x-ms-meta-…`, as they are given out.
        var headers: [(name: String, value: String)] = []
        var etag: String
    }

    private struct State {
        var blobs: [String: Blob] = [:]
        var blocks: [String: [String: [UInt8]]] = [:]
        var number = 0
    }

    /// What lies elsewhere, by URL.
    let sources: [String: [UInt8]]
    /// Names on a page of a listing, at most.
    let pageSize: Int
    private let state = Mutex(State())

    init(sources: [String: [UInt8]] = [:], pageSize: Int = 5_000) {
        self.sources = sources
        self.pageSize = pageSize
    }

    var names: [String] { state.withLock { $0.blobs.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) } } }

    func blob(_ name: String) -> Blob? { state.withLock { $0.blobs[name] } }

    /// Of the blocks of a blob that nobody has committed.
    func uncommitted(_ name: String) -> Int { state.withLock { $0.blocks[name]?.count ?? 0 } }

    @discardableResult
    func put(_ name: String, _ bytes: [UInt8], headers: [(name: String, value: String)] = []) -> Blob {
        state.withLock { state in
            state.number += 1
            let blob = Blob(bytes: bytes, headers: headers, etag: "\"0x\(state.number)\"")
            state.blobs[name] = blob
            state.blocks[name] = nil
            return blob
        }
    }

    func remove(_ name: String) -> Bool { state.withLock { $0.blobs.removeValue(forKey: name) != nil } }

    // MARK: Answers

    func answer(_ request: BlobRequest) -> ScriptedServer.Answer {
        switch request.kind {
        case .head, .get: read(request)
        case .put: store(request)
        case .block: hold(request, request.bytes)
        case .blocks: commit(request)
        case .copy: source(request).map { write(request, $0) } ?? Self.error(404, "CannotVerifyCopySource")
        case .copyBlock: source(request).map { hold(request, $0) } ?? Self.error(404, "CannotVerifyCopySource")
        case .delete: remove(request.blob ?? "") ? .init(status: 202) : Self.error(404, "BlobNotFound")
        case .batch: batch(request)
        case .list: list(request)
        case .properties, .access: .init(body: "<SignedIdentifiers/>")
        case .create: .init(status: 201)
        case .delegationKey, .other: Self.error(400, "InvalidUri")
        }
    }

    static let date = "Sun, 06 Nov 1994 08:49:37 GMT"

    static func error(_ status: Int, _ code: String, headers: [(name: String, value: String)] = []) -> ScriptedServer.Answer {
        let time = "RequestId:r-1\nTime:2026-01-31T12:00:00.0000000Z"
        return .init(
            status: status, headers: [("x-ms-error-code", code), ("x-ms-request-id", "r-1")] + headers,
            body: "<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>\(code)</Code><Message>A message.\n\(time)</Message></Error>")
    }

    /// The service's answer to whoever asks for a key of an identity.
    static func delegationKey(from start: Timestamp, to end: Timestamp) -> ScriptedServer.Answer {
        .init(
            body: """
                <UserDelegationKey><SignedOid>o-1</SignedOid><SignedTid>t-1</SignedTid>\
                <SignedStart>\(SharedAccessSignature.time(start))</SignedStart>\
                <SignedExpiry>\(SharedAccessSignature.time(end))</SignedExpiry><SignedService>b</SignedService>\
                <SignedVersion>2023-11-03</SignedVersion><Value>\(GivenCredentials.key)</Value></UserDelegationKey>
                """)
    }

    private func read(_ request: BlobRequest) -> ScriptedServer.Answer {
        guard let blob = blob(request.blob ?? "") else { return Self.error(404, "BlobNotFound") }
        if let etag = request.header("if-match"), etag != blob.etag { return Self.error(412, "ConditionNotMet") }
        let md5 = Base64.encode(Array(Insecure.MD5.hash(data: blob.bytes)))
        let headers = blob.headers + [("ETag", blob.etag), ("Last-Modified", Self.date)]
        guard let range = request.header("x-ms-range") else {
            return .init(headers: headers + [("Content-MD5", md5)], bytes: blob.bytes)
        }
        guard let asked = Self.range(range, of: blob.bytes.count) else { return Self.error(416, "InvalidRange") }
        let stated = "bytes \(asked.lowerBound)-\(asked.upperBound - 1)/\(blob.bytes.count)"
        return .init(
            status: 206, headers: headers + [("Content-Range", stated), ("x-ms-blob-content-md5", md5)], bytes: Array(blob.bytes[asked]))
    }

    private static func range(_ text: String, of count: Int) -> Range<Int>? {
        let ends = text.dropFirst("bytes=".count).split(separator: "-").compactMap { Int($0) }
        guard ends.count == 2, ends[0] < count else { return nil }
        return ends[0]..<min(ends[1] + 1, count)
    }

    private func store(_ request: BlobRequest) -> ScriptedServer.Answer {
        let crc64 = Self.crc64(request.bytes)
        if let stated = request.header("x-ms-content-crc64"), stated != crc64 { return Self.error(400, "Crc64Mismatch") }
        var answer = write(request, request.bytes)
        answer.headers.append(("x-ms-content-crc64", crc64))
        return answer
    }

    private func write(_ request: BlobRequest, _ bytes: [UInt8]) -> ScriptedServer.Answer {
        let name = request.blob ?? ""
        if request.header("if-none-match") == "*", blob(name) != nil { return Self.error(409, "BlobAlreadyExists") }
        let contentFields = [
            "x-ms-blob-content-type": "Content-Type", "x-ms-blob-content-encoding": "Content-Encoding",
            "x-ms-blob-content-disposition": "Content-Disposition",
        ]
        let kept = request.headers.compactMap { header -> (name: String, value: String)? in
            if header.name.lowercased().hasPrefix("x-ms-meta-") { return header }
            return contentFields[header.name.lowercased()].map { ($0, header.value) }
        }
        let blob = put(name, bytes, headers: kept)
        return .init(status: 201, headers: [("ETag", blob.etag), ("Last-Modified", Self.date)])
    }

    static func crc64(_ bytes: [UInt8]) -> String {
        var crc = CRC64NVME()
        bytes.withUnsafeBytes { crc.update($0) }
        return Base64.encode(crc.bytes.reversed())
    }

    private func hold(_ request: BlobRequest, _ bytes: [UInt8]) -> ScriptedServer.Answer {
        guard let name = request.blob, let id = request.query["blockid"] else { return Self.error(400, "InvalidQueryParameterValue") }
        let crc64 = Self.crc64(bytes)
        if let stated = request.header("x-ms-content-crc64"), stated != crc64 { return Self.error(400, "Crc64Mismatch") }
        let isLike = state.withLock { state in
            guard state.blocks[name, default: [:]].keys.allSatisfy({ $0.utf8.count == id.utf8.count }) else { return false }
            state.blocks[name, default: [:]][id] = bytes
            return true
        }
        return isLike ? .init(status: 201, headers: [("x-ms-content-crc64", crc64)]) : Self.error(400, "InvalidBlobOrBlock")
    }

    private func commit(_ request: BlobRequest) -> ScriptedServer.Answer {
        let name = request.blob ?? ""
        let held = state.withLock { $0.blocks[name] ?? [:] }
        var bytes: [UInt8] = []
        for item in request.text.components(between: "<Latest>", and: "</Latest>") {
            guard let block = held[item] else { return Self.error(400, "InvalidBlockList") }
            bytes += block
        }
        return write(request, bytes)
    }

    /// What the service reads by itself.
    private func source(_ request: BlobRequest) -> [UInt8]? {
        guard let url = request.header("x-ms-copy-source"), let whole = sources[url] ?? sources[String(url.prefix { $0 != "?" })] else {
            return nil
        }
        guard let range = request.header("x-ms-source-range") else { return whole }
        return Self.range(range, of: whole.count).map { Array(whole[$0]) }
    }

    private func batch(_ request: BlobRequest) -> ScriptedServer.Answer {
        var body = ""
        for part in request.text.components(between: "content-id: ", and: "content-length: 0") {
            let lines = part.split(separator: "\r\n")
            let words = lines.first { $0.hasPrefix("DELETE ") }?.split(separator: " ") ?? []
            let asked = BlobRequest(method: "DELETE", uri: words.count > 1 ? String(words[1]) : "", headers: [])
            let answer = answer(asked)
            body += "--batchresponse_1\r\nContent-Type: application/http\r\nContent-ID: \(lines.first ?? "")\r\n\r\n"
            body += "HTTP/1.1 \(answer.status) Status\r\n"
            for (name, value) in answer.headers { body += "\(name): \(value)\r\n" }
            body += "\r\n\(answer.body)\r\n"
        }
        body += "--batchresponse_1--\r\n"
        return .init(status: 202, headers: [("Content-Type", "multipart/mixed; boundary=batchresponse_1")], body: body)
    }

    private func list(_ request: BlobRequest) -> ScriptedServer.Answer {
        let begin = request.query["marker"].flatMap { Base64.decode($0) }.map { String(decoding: $0, as: UTF8.self) } ?? ""
        let prefix = request.query["prefix"] ?? ""
        let all = names.filter { $0.hasPrefix(prefix) && !$0.utf8.lexicographicallyPrecedes(begin.utf8) }
        let page = all.prefix(min(Int(request.query["maxresults"] ?? "") ?? 5_000, pageSize))
        let next = all.dropFirst(page.count).first.map { Base64.encode(Array($0.utf8)) } ?? ""
        let entries = page.compactMap { name in blob(name).map { (name, $0) } }.map { name, blob in
            """
            <Blob><Name>\(name.xml)</Name><Properties><Last-Modified>\(Self.date)</Last-Modified>\
            <Etag>\(blob.etag.filter { $0 != "\"" })</Etag><Content-Length>\(blob.bytes.count)</Content-Length>\
            <BlobType>BlockBlob</BlobType></Properties></Blob>
            """
        }
        return .init(
            headers: [("Content-Type", "application/xml")],
            body: """
                \u{FEFF}<?xml version="1.0" encoding="utf-8"?>
                <EnumerationResults ServiceEndpoint="x" ContainerName="c"><Blobs>\(entries.joined())</Blobs>\
                <NextMarker>\(next)</NextMarker></EnumerationResults>
                """)
    }
}

extension String {
    /// What stands between two words, each time.
    func components(between begin: String, and end: String) -> [String] {
        split(separator: begin, omittingEmptySubsequences: false).dropFirst().compactMap { part in
            part.firstRange(of: end).map { String(part[..<$0.lowerBound]) }
        }
    }

    /// As text of an element.
    var xml: String {
        replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;").replacing("\"", with: "&quot;")
    }
}
