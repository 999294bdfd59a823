import Logging
package import MirrorCore
package import MirrorNet
package import MirrorStorage
import NIOCore
package import StorageCloud
import Synchronization

/// Sends requests to one bucket: address, authorization, the service's errors in our words.
///
/// What can be put right is put right once: credentials that have ended, a clock that is off. Throttling and passing failures are the caller's to wait out.
package final class GCSClient: CloudClient {
    package let bucket: String
    package let endpoint: GCSEndpoint
    package let credentials: any CredentialsProvider<GCSCredentials>
    let connection: GCSConnection
    /// Of the HMAC key that was used last.
    let headerSigner = Mutex<GCSHeaderSigner?>(nil)

    /// The corrections made in the course of one call, each at most once, so that a service that contradicts itself cannot cause an endless loop.
    private enum Correction {
        case credentials, clock
    }

    package init(bucket: String, endpoint: GCSEndpoint, credentials: any CredentialsProvider<GCSCredentials>, connection: GCSConnection) {
        self.bucket = bucket
        self.endpoint = endpoint
        self.credentials = credentials
        self.connection = connection
    }

    package var http: ServiceClient { connection.http }
    package var clock: any MirrorClock { connection.clock }
    package var clockOffset: ClockOffset { connection.clockOffset }
    var logger: Logger { connection.logger }

    /// Sends a request whose answer is an object of the JSON API.
    func object(_ call: GCSCall) async throws -> JSONValue { try await object(in: send(call), to: call) }

    /// The body of an answer as an object.
    ///
    /// - Throws: What reading it throws; `.unavailable` if it is none.
    func object(in answer: GCSAnswer, to call: GCSCall) async throws -> JSONValue {
        let bytes = try await answer.body.collect(upTo: 4 << 20)
        guard let value = JSONValue(parsing: bytes.readableBytesView), case .object = value else {
            throw CloudErrors.gcs.odd("the service's answer is not a JSON object", call.name)
        }
        return value
    }

    package func answer(to call: GCSCall) async throws -> GCSAnswer {
        logger.trace("asking the service", metadata: ["call": "\(call.name)", "bucket": "\(bucket)"])
        var corrections: Set<Correction> = []
        while true {
            let attempt = try await attempt(call)
            guard let failure = attempt.answer.failure, let used = attempt.credentials else { return attempt.answer }
            if failure.refusesCredentials, used.token != nil, corrections.insert(.credentials).inserted {
                credentials.invalidate(used)
                logger.info("the service refused credentials as expired; requesting new ones", metadata: ["bucket": "\(bucket)"])
            } else if attempt.isTimeNews, failure.mayBeOfTime, used.token == nil, corrections.insert(.clock).inserted {
                logger.info("a request is signed again with the service's time", metadata: ["bucket": "\(bucket)"])
            } else {
                return attempt.answer
            }
            guard call.body.mayRepeat else {
                throw CloudErrors.gcs.odd("\(subject(of: call)) has to be sent again (\(failure))", call.name)
            }
        }
    }

    /// `object a/b in the bucket c`
    func subject(of call: GCSCall) -> String {
        if case .object(let key) = call.place { "object \(key) in the bucket \(bucket)" } else { "bucket \(bucket)" }
    }

    package func error(_ failure: GCSFailure, _ call: GCSCall) -> StorageError {
        failure.storageError(call: call.name, bucket: bucket, subject: subject(of: call))
    }
}
