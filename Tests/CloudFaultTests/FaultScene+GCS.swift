import MirrorCore
import MirrorStorage
import NIOCore
import NIOHTTP1
import StorageCloud
import TestServers

@testable import StorageGCS

extension FaultScene {
    /// A service account, as the server makes it.
    private struct Account: Decodable {
        struct Key: Decodable {
            let accessKey: String
            let secretKey: String
        }

        let email: String
        let keyFile: KeyFile
        let hmac: Key
    }

    private struct KeyFile: Codable {
        let type: String
        let projectId: String
        let privateKeyId: String
        let privateKey: String
        let clientEmail: String
        var tokenUri: String
    }

    static func openGCS(_ place: Place) async throws -> Opened {
        let account: Account = try await place.control.post("service-accounts", ["roles": ["roles/storage.admin"]])
        var file = account.keyFile
        // Nothing is sent to a server with TLS and to one without.
        file.tokenUri = "\(place.url)/token"
        let directory = try TemporaryDirectory()
        let path = try directory.write(try CloudControl.encoded(file), to: "account.json")
        let endpoint = GCSEndpoint(try ArtifactURL("\(place.url)/"))
        let connection = GCSConnection(http: place.http, clock: place.clock, logger: place.logger)
        let tokens = GCSCredentialsChain.standard(
            client: place.http, endpoint: endpoint, file: path, clockOffset: connection.clockOffset, clock: place.clock,
            logger: place.logger)
        let client = GCSClient(bucket: place.bucket, endpoint: endpoint, credentials: tokens, connection: connection)
        _ = try await client.object(
            GCSCall.json(
                "createBucket", .POST, ["b"], query: [("project", file.projectId)], body: .object(["name": .string(place.bucket)])))

        let keys = StaticCredentials(GCSCredentials(keys: GCSKeys(accessID: account.hmac.accessKey, secret: account.hmac.secretKey)))
        let credentials: any CredentialsProvider<GCSCredentials> = place.credentials == .token ? tokens : keys
        let configuration = GCSConfiguration(
            bucket: place.bucket, endpoint: endpoint, reading: BucketReading(access: .presigned), credentials: credentials,
            hasTokens: place.credentials == .token)
        return Opened(
            store: GCSStore(configuration: configuration, connection: connection),
            putOther: { name in _ = try await client.send(GCSCall("put", .PUT, key: name, body: .bytes([ByteBuffer()]))) },
            names: {
                let document = try await client.document(GCSCall("list", .GET, query: [("list-type", "2")]))
                return Set(document.all("Contents").compactMap { $0["Key"]?.text })
            },
            revoke: { try await place.control.post("revoke", ["email": account.email]) },
            close: {
                await tokens.shutdown()
                withExtendedLifetime(directory) {}
            })
    }
}
