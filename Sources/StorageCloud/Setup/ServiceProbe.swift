package import MirrorCore
package import MirrorNet
package import MirrorStorage
package import NIOCore
import NIOHTTP1

/// The part of a pool's check that concerns the service, the credentials and clients' requests, not the bucket.
package struct ServiceProbe: Sendable {
    private let http: ServiceClient
    private let clock: any MirrorClock

    /// Services refuse signatures whose time differs by more than this.
    private static let refusedSkew: Duration = .seconds(900)
    private static let toleratedSkew: Duration = .seconds(60)

    package init(http: ServiceClient, clock: any MirrorClock) {
        self.http = http
        self.clock = clock
    }

    /// Checks whether credentials can be obtained.
    ///
    /// - Parameters:
    ///   - source: Where they come from, for messages.
    ///   - name: What the service calls them.
    ///   - end: The end of the line for credentials that expire.
    ///   - say: Called with each line.
    /// - Returns: Whether nothing is wrong with them.
    package func checkCredentials<Credentials: ExpiringCredentials>(
        _ provider: any CredentialsProvider<Credentials>, source: String, name: (Credentials) -> String,
        end: (Credentials, Timestamp) -> String = { _, end in ", they expire at \(end.iso8601) and are renewed before" },
        _ say: (SetupLine.Mark, String) -> Void
    ) async throws -> Bool {
        do {
            guard let credentials = try await provider.credentials() else {
                say(.ok, "credentials: none, requests are not signed (\(source))")
                return true
            }
            let words = credentials.expires.map { end(credentials, $0) } ?? ""
            say(.ok, "credentials: \(name(credentials)), \(source)\(words)")
            return true
        } catch let error as CredentialsError {
            say(.error, "credentials: \(error.message)")
            return false
        }
    }

    /// Checks whether the service answers, and whether its clock agrees with this machine's.
    ///
    /// - Parameters:
    ///   - name: The service for messages: scheme, host and port.
    ///   - say: Called with each line.
    /// - Returns: Whether it answers.
    package func checkEndpoint(
        scheme: ArtifactURL.Scheme, host: String, port: Int, named name: String, _ say: (SetupLine.Mark, String) -> Void
    ) async throws -> Bool {
        let response: ServiceResponse
        do {
            response = try await http.send(ServiceRequest(scheme: scheme, host: host, port: port, target: "/"))
        } catch let error as OutboundError {
            say(.error, "endpoint: \(name) cannot be reached: \(error.message); correct `endpoint`, or the network's route to it")
            return false
        }
        await ServiceClient.discard(response)
        say(.ok, "endpoint: \(name) answers")
        guard let theirs = response.headers.first(name: "date").flatMap(Timestamp.init(rfc3339OrHTTPDate:)) else {
            say(.warning, "clock: the service does not report its time")
            return true
        }
        let skew = clock.now.duration(to: theirs)
        let size = skew < .zero ? .zero - skew : skew
        let words = "clock: this machine's is \(Int64(size.inSeconds.rounded())) s \(skew > .zero ? "behind" : "ahead of") the service's"
        if size >= Self.refusedSkew {
            say(.error, "\(words): set it, or run a time service")
        } else if size > Self.toleratedSkew {
            say(.warning, "\(words): run a time service")
        } else {
            say(.ok, "clock: this machine's agrees with the service's")
        }
        return true
    }

    /// Checks whether clients can read what was written.
    ///
    /// - Parameters:
    ///   - plain: The object's URL without a signature.
    ///   - kind: What signed URLs are called: `presigned`.
    ///   - sign: Creates a signed URL; `nil` if everybody may read.
    ///   - advice: What to do if clients may not read.
    ///   - say: Called with each line.
    package func checkReading(
        _ plain: String, expecting body: ByteBuffer, kind: String = "presigned", sign: (() async throws -> String)?, advice: String,
        errors: CloudErrors, _ say: (SetupLine.Mark, String) -> Void
    ) async throws {
        do {
            guard let sign else {
                let status = try await status(of: plain, expecting: body, errors: errors)
                if status == 200 { return say(.ok, "clients may read: \(plain)") }
                return say(.error, "clients may not read \(plain) (\(Self.words(status))): \(advice)")
            }
            let status = try await status(of: try await sign(), expecting: body, errors: errors)
            if status == 200 {
                say(.ok, "clients may read by \(kind) URLs, at \(plain)")
            } else {
                say(.error, "clients may not read by \(kind) URLs at \(plain) (\(Self.words(status))): \(advice)")
            }
            if try await self.status(of: plain, expecting: body, errors: errors) == 200 {
                say(.warning, "everybody may read without a signature: run `cloud-mirror pools apply`, or choose `access: public`")
            }
        } catch let error as StorageError {
            say(.error, "clients may not read: \(error.message)")
        } catch let error as OutboundError {
            say(.error, "clients may not read, at least from this machine: \(error.message)")
        }
    }

    /// What to do if clients cannot read a bucket that is meant to be public.
    ///
    /// - Parameter isReadElsewhere: Whether they read at a URL other than the bucket's own.
    package static func adviceOnReading(isReadElsewhere: Bool) -> String {
        isReadElsewhere
            ? "the server behind publicURL must give everyone the bucket's objects"
            : "run `cloud-mirror pools apply`, which makes them public, or choose `access: presigned`"
    }

    private static func words(_ status: Int?) -> String { status.map { "status \($0)" } ?? "different data" }

    /// The status that a client gets with nothing but a URL; `nil` if the body differs from what was written.
    ///
    /// - Throws: ``OutboundError``; `.invalidRequest` for what is not a URL.
    private func status(of url: String, expecting body: ByteBuffer, errors: CloudErrors) async throws -> Int? {
        guard let url = try? ArtifactURL(url) else { throw errors.invalid("\(url.prefix { $0 != "?" }) is not a URL", "location") }
        let target = url.query.map { "\(url.path)?\($0)" } ?? url.path
        let answer = try await http.collect(
            ServiceRequest(scheme: url.scheme, host: url.host, port: url.port, target: target), upTo: 1 << 16)
        return answer.status == 200 && answer.body != body ? nil : answer.status
    }
}
