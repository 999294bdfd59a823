import MirrorCore
import MirrorStorage
import MirrorTesting
import NIOCore
import NIOHTTP1
import StorageCloud
import TestServers

@testable import StorageAzure

extension FaultScene {
    /// An application of Entra ID, as the server makes it.
    private struct Application: Decodable {
        let tenantId: String
        let clientId: String
        let clientSecret: String
    }

    static func openAzure(_ place: Place) async throws -> Opened {
        let application: Application = try await place.control.post("applications", ["role": "contributor"])
        let account = try place.cloud.required("ACCOUNT")
        let endpoint = try requireValue(AzureEndpoint(try ArtifactURL(place.url), account: account), "endpoint")
        let tokens = AzureCredentialsChain.provider(
            for: .chain, of: endpoint, client: place.http,
            environment: [
                "AZURE_AUTHORITY_HOST": String(place.url.dropLast(account.count + 1)), "AZURE_TENANT_ID": application.tenantId,
                "AZURE_CLIENT_ID": application.clientId, "AZURE_CLIENT_SECRET": application.clientSecret,
            ], clock: place.clock, logger: place.logger)
        let key = try requireValue(SharedKey(account: account, base64: try place.cloud.required("KEY")), "key")
        let credentials: any CredentialsProvider<AzureCredentials> =
            place.credentials == .token ? tokens : StaticCredentials(AzureCredentials(key: key))
        let offset = ClockOffset()
        let delegation = AzureDelegationKeys(
            endpoint: endpoint, credentials: credentials, http: place.http, clock: place.clock, clockOffset: offset, logger: place.logger)
        let store = AzureStore(
            configuration: AzureConfiguration(
                container: place.bucket, endpoint: endpoint, reading: BucketReading(access: .presigned),
                credentials: credentials, delegation: delegation),
            http: place.http, clock: place.clock, clockOffset: offset, logger: place.logger)
        _ = try await store.client.send(AzureCall("createContainer", .PUT, .bucket, query: [("restype", "container")]))
        return Opened(
            store: store,
            putOther: { name in
                _ = try await store.client.send(
                    AzureCall("put", .PUT, .object(name), headers: [("x-ms-blob-type", "BlockBlob")], body: .bytes([ByteBuffer()])))
            },
            names: {
                let document = try await store.client.document(
                    AzureCall("list", .GET, .bucket, query: [("restype", "container"), ("comp", "list")]))
                return Set((document["Blobs"]?.all("Blob") ?? []).compactMap { $0["Name"]?.text })
            },
            revoke: { try await place.control.post("revoke", ["client_id": application.clientId]) },
            close: {
                await delegation.shutdown()
                await tokens.shutdown()
            })
    }
}
