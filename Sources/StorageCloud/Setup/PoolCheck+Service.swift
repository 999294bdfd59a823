import MirrorCore
import MirrorNet
package import MirrorStorage
import NIOCore
import NIOHTTP1

/// Services refuse signatures whose time differs by more than this.
private let refusedSkew: Duration = .seconds(900)
private let toleratedSkew: Duration = .seconds(60)

/// The part of a pool's check that concerns the service, the credentials and clients' requests, not the bucket.
extension PoolCheck {
    /// Checks whether credentials can be obtained.
    ///
    /// - Returns: Whether nothing is wrong with them.
    func checkCredentials(of client: Store.Client, _ say: Say) async throws -> Bool {
        do {
            guard let credentials = try await client.credentials.credentials() else {
                say(.ok, "credentials: none, requests are not signed (\(credentialsSource))")
                return true
            }
            let end = credentials.expires.map { ending(of: credentials, $0) } ?? ""
            say(.ok, "credentials: \(name(of: credentials)), \(credentialsSource)\(end)")
            return true
        } catch let error as CredentialsError {
            say(.error, "credentials: \(error.message)")
            return false
        }
    }

    /// Checks whether the service answers, and whether its clock agrees with this machine's.
    ///
    /// - Returns: Whether it answers.
    func checkEndpoint(of client: Store.Client, _ say: Say) async throws -> Bool {
        let endpoint = client.endpoint
        let response: ServiceResponse
        do {
            response = try await client.http.send(
                ServiceRequest(scheme: endpoint.scheme, host: endpoint.host, port: endpoint.port, target: "/"))
        } catch let error as OutboundError {
            say(.error, "endpoint: \(endpoint.url) cannot be reached: \(error.message); correct `endpoint`, or the network's route to it")
            return false
        }
        await ServiceClient.discard(response)
        say(.ok, "endpoint: \(endpoint.url) answers")
        guard let theirs = response.headers.first(name: "date").flatMap(Timestamp.init(rfc3339OrHTTPDate:)) else {
            say(.warning, "clock: the service does not report its time")
            return true
        }
        let skew = client.clock.now.duration(to: theirs)
        let size = skew < .zero ? .zero - skew : skew
        let words = "clock: this machine's is \(Int64(size.inSeconds.rounded())) s \(skew > .zero ? "behind" : "ahead of") the service's"
        if size >= refusedSkew {
            say(.error, "\(words): set it, or run a time service")
        } else if size > toleratedSkew {
            say(.warning, "\(words): run a time service")
        } else {
            say(.ok, "clock: this machine's agrees with the service's")
        }
        return true
    }

    /// Checks whether clients can read what was written.
    func checkReading(_ objects: ProbeObjects, in store: Store, _ say: Say) async throws {
        let (client, base, name) = (store.client, store.reading.publicURL, store.name(of: objects.whole))
        let plain = client.url(ofKey: name, base: base)
        do {
            let plainStatus = try await status(of: plain, expecting: objects.body, client)
            guard store.reading.access == .presigned else {
                if plainStatus == 200 { return say(.ok, "clients may read: \(plain)") }
                return say(.error, "clients may not read \(plain) (\(Self.words(plainStatus))): \(words.publicAdvice)")
            }
            let signed = try await client.signedURL(ofKey: name, version: nil, base: base, life: .seconds(60)).url
            let status = try await status(of: signed, expecting: objects.body, client)
            if status == 200 {
                say(.ok, "clients may read by \(words.signed) URLs, at \(plain)")
            } else {
                say(.error, "clients may not read by \(words.signed) URLs at \(plain) (\(Self.words(status))): \(words.signedAdvice)")
            }
            if plainStatus == 200 {
                say(.warning, "everybody may read without a signature: run `cloud-mirror pools apply`, or choose `access: public`")
            }
        } catch let error as StorageError {
            say(.error, "clients may not read: \(error.message)")
        } catch let error as OutboundError {
            say(.error, "clients may not read, at least from this machine: \(error.message)")
        }
    }

    /// What to do if clients cannot read a bucket that is meant to be public.
    package static func adviceOnReading(_ reading: BucketReading) -> String {
        reading.isElsewhere
            ? "the server behind publicURL must give everyone the bucket's objects"
            : "run `cloud-mirror pools apply`, which makes them public, or choose `access: presigned`"
    }

    private static func words(_ status: Int?) -> String { status.map { "status \($0)" } ?? "different data" }

    /// The status that a client gets with nothing but a URL; `nil` if the body differs from what was written.
    ///
    /// - Throws: ``OutboundError``; `.invalidRequest` for what is not a URL.
    private func status(of url: String, expecting body: ByteBuffer, _ client: Store.Client) async throws -> Int? {
        guard let url = try? ArtifactURL(url) else {
            throw Store.Client.Failure.errors.invalid("\(url.prefix { $0 != "?" }) is not a URL", "location")
        }
        let target = url.query.map { "\(url.path)?\($0)" } ?? url.path
        let answer = try await client.http.collect(
            ServiceRequest(scheme: url.scheme, host: url.host, port: url.port, target: target), upTo: 1 << 16)
        return answer.status == 200 && answer.body != body ? nil : answer.status
    }
}
