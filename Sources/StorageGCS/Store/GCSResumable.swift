import MirrorCore
import MirrorStorage
import NIOCore
import NIOHTTP1
import StorageCloud

/// Uploads a stream of unknown length as one object, in chunks. Each chunk is kept until the service has it, so that an interruption costs at most one
/// chunk.
struct GCSResumable: Sendable {
    let client: GCSClient
    let multipart: GCSMultipart
    let retries: StepRetry

    /// Here, 308 means "Resume Incomplete" and is not a redirect.
    private static let incomplete = 308

    /// How an exchange about a session ended.
    private enum Outcome {
        case done(ObjectHashes)
        /// The service waits for more.
        case waiting(range: String?)
    }

    /// - Parameters:
    ///   - first: The chunks that were already read.
    ///   - rest: The rest of the stream.
    /// - Throws: What the stream throws, unchanged; `.checksumMismatch`.
    func upload(_ first: [ByteBuffer], _ rest: inout ByteStream.AsyncIterator, to name: String) async throws -> TemporaryObject {
        let session = try await retries.run { _ in try await begin(name) }
        do {
            var progress = ResumableProgress()
            let check = RunningCheck()
            for chunk in first {
                check.update(chunk)
                progress.take(chunk)
            }
            while true {
                // Before waiting for more: `first` may contain a whole chunk.
                while progress.next != nil { _ = try await send(&progress, to: session, name) }
                guard let chunk = try await rest.next() else { break }
                check.update(chunk)
                progress.take(chunk)
            }
            progress.end()
            let size = progress.count
            var stated: ObjectHashes?
            while stated == nil { stated = try await send(&progress, to: session, name) }
            if let stated, stated.crc32c != nil {
                try GCSMultipart.require(stated, check.value, "write")
            } else {
                try await multipart.requireObject(name, size: size, check.value, "write")
            }
            return TemporaryObject(name: name, size: size)
        } catch {
            await giveUp(session)
            throw error
        }
    }

    /// - Returns: The path and query of the session.
    private func begin(_ name: String) async throws -> String {
        let call = GCSCall(
            "beginSession", .POST, key: name, headers: [("x-goog-resumable", "start"), ("content-type", GCSMultipart.type)])
        let answer = try await client.send(call)
        guard let text = answer.headers.first(name: "location"), let url = try? ArtifactURL(text), url.query != nil else {
            throw CloudErrors.gcs.odd("the service returned no address for an upload", call.name)
        }
        guard let session = Self.session(at: url, of: client.endpoint) else {
            throw CloudErrors.gcs.odd("the service sends an upload to \(url.service)", call.name)
        }
        return session
    }

    /// The path and query of a session at an endpoint: the bytes go where the operator said, and nowhere else.
    ///
    /// - Parameter url: The service's address for it. At a private or regional endpoint of Google's, it may have the name of another one.
    /// - Returns: `nil` if it is not an address of the endpoint's service.
    static func session(at url: ArtifactURL, of endpoint: GCSEndpoint) -> String? {
        let stated = GCSEndpoint(url)
        guard let query = url.query, stated == endpoint || stated.scheme == .https && stated.isGoogle && endpoint.isGoogle else {
            return nil
        }
        return "\(url.path)?\(query)"
    }

    /// Sends the next chunk until the service has at least a part of it.
    ///
    /// - Returns: The hashes of the object, if this was the end.
    private func send(_ progress: inout ResumableProgress, to session: String, _ name: String) async throws -> ObjectHashes? {
        var current = progress
        defer { progress = current }
        return try await retries.run { attempt -> ObjectHashes? in
            // After an interruption only the service knows what it has.
            if attempt > 1 {
                switch try await exchange(session, name, range: "bytes */*", nil) {
                case .done(let hashes): return try finished(hashes, current, name)
                case .waiting(let range): _ = try note(range, &current, name)
                }
            }
            guard let chunk = current.next else { return nil }
            switch try await exchange(session, name, range: chunk.range, chunk.bytes) {
            case .done(let hashes): return try finished(hashes, current, name)
            case .waiting(let range):
                // No range may be a slip where some bytes were confirmed before: the question that comes first in the next attempt tells.
                guard let range, try note(range, &current, name) else {
                    throw CloudErrors.gcs.error(.unavailable, "the service stores none of the bytes that it is sent for \(name)", "write")
                }
                return nil
            }
        }
    }

    private func finished(_ hashes: ObjectHashes, _ progress: ResumableProgress, _ name: String) throws -> ObjectHashes {
        guard progress.isEnded else { throw CloudErrors.gcs.odd("the service ended the upload \(name) too early", "write") }
        return hashes
    }

    private func note(_ range: String?, _ progress: inout ResumableProgress, _ name: String) throws -> Bool {
        do {
            return try progress.note(range)
        } catch {
            throw CloudErrors.gcs.odd("the service lost what it had of the upload \(name)", "write")
        }
    }

    private func exchange(_ session: String, _ name: String, range: String, _ bytes: ByteBuffer?) async throws -> Outcome {
        var call = GCSCall(
            "writeChunk", .PUT, .session(session), headers: [("content-range", range)], body: bytes.map { .bytes([$0]) } ?? .none)
        call.expected = [Self.incomplete]
        let answer = try await client.answer(to: call)
        guard let failure = answer.failure else {
            // Read to its end: dropping a body closes the connection.
            for try await _ in answer.body {}
            guard answer.status == Self.incomplete else { return .done(ObjectHashes(answer.headers)) }
            return .waiting(range: answer.headers.first(name: "range"))
        }
        // Cloud Storage, "Resumable uploads": an expired session has to be started again.
        guard failure.status != 404, failure.status != 410 else {
            throw CloudErrors.gcs.odd("the service no longer has the upload \(name)", call.name)
        }
        throw failure.storageError(call: call.name, bucket: client.bucket, subject: "upload \(name)")
    }

    private func giveUp(_ session: String) async {
        var call = GCSCall("endSession", .DELETE, .session(session))
        // Cloud Storage, "Cancel a resumable upload".
        call.expected = [499]
        let (client, cancel) = (client, call)
        await cleaningUp(by: client.clock) {
            // The service forgets it after a week in any case.
            do { _ = try await client.send(cancel) } catch {}
        }
    }
}
