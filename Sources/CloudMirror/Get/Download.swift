import AsyncHTTPClient
import MirrorCore
import NIOCore
import NIOHTTP1

/// Downloads one artifact from where the mirror says, or from the origin if that fails.
struct Download: ~Copyable {
    /// Attempts at one source; each continues where the previous one stopped.
    private static let maxAttempts = 4
    /// Seconds until a server must have begun to answer.
    private static let answerTimeout: Int64 = 60

    private let inquiry: MirrorInquiry
    private let name: String
    private let transport: HTTPTransport
    private let isQuiet: Bool
    private var target: DownloadTarget
    private var meter: ProgressMeter

    /// A source failed to deliver the artifact.
    private struct SourceFailure: Error {
        var reason: String
        /// `nil` if there was no answer.
        var status: Int?
    }

    init(_ inquiry: MirrorInquiry, to target: consuming DownloadTarget, name: String, transport: HTTPTransport, isQuiet: Bool) {
        self.inquiry = inquiry
        self.name = name
        self.transport = transport
        self.isQuiet = isQuiet
        self.target = target
        meter = ProgressMeter(name: name, isQuiet: isQuiet)
    }

    private var artifact: ArtifactURL { inquiry.artifact }

    /// - Parameters:
    ///   - pinned: The digest that the user requires; `nil` trusts the one that the mirror states, if any.
    ///   - mayReport: Whether a missing copy can still be reported to the mirror.
    /// - Throws: ``CommandFailure``
    mutating func run(_ answer: MirrorAnswer, pinned: Digest?, mayReport: Bool = true) async throws {
        switch answer {
        case .refused(let message, let exit):
            throw CommandFailure(message, exit: exit)
        case .hop:
            // The inquiry follows hops itself.
            try await fetchFromOrigin(expected: pinned)
        case .originFailed(let status, let said):
            say("the origin answered the mirror with status \(status)\(said); asking the origin itself")
            try await fetchFromOrigin(expected: pinned)
        case .unusable(let reason):
            say("the mirror at \(inquiry.address) cannot be used (\(reason)); asking the origin")
            try await fetchFromOrigin(expected: pinned)
        case .redirect(let redirect):
            if let pinned, let stated = redirect.sha256, pinned != stated {
                throw CommandFailure("the mirror's copy has \(stated), not the expected \(pinned)", exit: .digestMismatch)
            }
            do {
                try await follow(redirect, expected: pinned ?? redirect.sha256)
            } catch let failure as SourceFailure where mayReport && redirect.isToCopy && Self.meansMissing(failure.status) {
                say("the copy is missing (\(failure.reason)); asking the mirror for another")
                let answer = await inquiry.ask(transport, isMissing: true)
                try await run(answer, pinned: pinned, mayReport: false)
            } catch let failure as SourceFailure {
                say("the copy cannot be fetched (\(failure.reason)); asking the origin")
                try await fetchFromOrigin(expected: pinned ?? redirect.sha256)
            }
        }
    }

    /// Object storage answers 403 instead of 404 to a client that may not list the bucket.
    private static func meansMissing(_ status: Int?) -> Bool { status.map { [403, 404, 410].contains($0) } ?? false }

    /// - Throws: ``SourceFailure`` if the source fails to deliver it; ``CommandFailure``.
    private mutating func follow(_ redirect: MirrorAnswer.Redirect, expected: Digest?) async throws {
        do {
            let source = try HTTPTransport.resolve(redirect.location, from: inquiry.address.url.description)
            if (try? ArtifactURL(source)) == artifact {
                say("the mirror redirects to the origin (\(redirect.outcome))")
                return try await fetchFromOrigin(expected: expected)
            }
            try await fetch(source)
            try finish(expected, from: "\(redirect.pool ?? "the mirror") (\(redirect.outcome))")
        } catch let failure as HTTPTransport.Unreachable {
            throw SourceFailure(reason: failure.reason)
        }
    }

    private mutating func fetchFromOrigin(expected: Digest?) async throws {
        do {
            try await fetch(artifact.description)
        } catch let failure as SourceFailure {
            let isItsWord = failure.status.map { (400..<500).contains($0) && !MirrorAnswer.isTransient($0) } ?? false
            meter.clear()
            throw CommandFailure("the origin does not serve this artifact: \(failure.reason)", exit: isItsWord ? .notAvailable : .failed)
        }
        try finish(expected, from: "the origin")
    }

    /// Completes the target.
    ///
    /// - Throws: ``SourceFailure``, or ``CommandFailure`` if the target fails.
    private mutating func fetch(_ source: String) async throws {
        var attempt = 1
        while true {
            let before = target.size
            do {
                if try await transfer(source) { return }
                guard attempt < Self.maxAttempts else { throw SourceFailure(reason: "its answers contradict each other") }
            } catch let failure as HTTPTransport.Unreachable {
                // A source that sent something before it broke off gets another attempt; one that never sent anything does not.
                guard attempt < Self.maxAttempts, attempt > 1 || target.size > before else { throw SourceFailure(reason: failure.reason) }
                say("\(failure.reason); continuing at \(HumanText.bytes(target.size))")
                try await Task.sleep(for: .milliseconds(500 << attempt))
            }
            attempt += 1
        }
    }

    /// Makes one request.
    ///
    /// - Returns: Whether the download is complete; `false` to ask again.
    private mutating func transfer(_ source: String) async throws -> Bool {
        let fields = PartialRecord.rangeFields(of: target.record, artifact: artifact, offset: target.size)
        if fields.isEmpty, target.size > 0 { try target.discard() }
        let response = try await transport.get(source, headers: fields, timeout: Self.answerTimeout)
        let start = TransferStart(
            status: Int(response.status.code), offset: target.size, contentRange: response.headers.first(name: "content-range"),
            contentLength: response.headers.first(name: "content-length"))
        let total: Int64?
        switch start {
        case .append(let length): total = length
        case .restart(let length):
            try target.discard()
            target.remember(
                PartialRecord(
                    artifact: artifact, etag: response.headers.first(name: "etag"),
                    lastModified: response.headers.first(name: "last-modified")))
            total = length
        case .complete: return true
        case .discard:
            try target.discard()
            return false
        case .failed(let status): throw SourceFailure(reason: "status \(status)", status: status)
        }
        try await receive(response.body, total: total)
        if let total, target.size < total { throw HTTPTransport.Unreachable(reason: "the transfer was cut short") }
        if let total, target.size > total {
            try target.discard()
            throw SourceFailure(reason: "it sent more than it announced")
        }
        return true
    }

    private mutating func receive(_ body: HTTPClientResponse.Body, total: Int64?) async throws {
        var chunks = body.makeAsyncIterator()
        while true {
            let chunk: ByteBuffer?
            do { chunk = try await chunks.next() } catch is CancellationError {
                throw CancellationError()
            } catch {
                throw HTTPTransport.Unreachable(reason: HTTPTransport.words(error))
            }
            guard let chunk else { return }
            var failure: CommandFailure?
            chunk.withUnsafeReadableBytes { bytes in
                do throws(CommandFailure) { try target.append(bytes) } catch { failure = error }
            }
            if let failure { throw failure }
            meter.update(received: target.size, total: total)
        }
    }

    private mutating func finish(_ expected: Digest?, from source: String) throws(CommandFailure) {
        meter.clear()
        if let expected, target.sha256 != expected {
            target.remove()
            throw CommandFailure(
                "the data from \(source) has \(target.sha256?.description ?? "no digest"), not the expected \(expected)"
                    + (target.isFile ? "; it was discarded" : "; do not use the output"),
                exit: .digestMismatch)
        }
        try target.finish()
        guard !isQuiet else { return }
        let verified = expected == nil ? "" : ", sha-256 verified"
        Terminal.note("\(name): \(HumanText.bytes(target.size)) in \(HumanText.tenths(meter.elapsed)) s from \(source)\(verified)")
    }

    private mutating func say(_ message: String) {
        meter.clear()
        Terminal.note(message)
    }
}
