package import MirrorCore
package import MirrorStorage
package import StorageCloud

/// A bucket of Google Cloud Storage that artifacts are fetched from.
///
/// Without the permission to list the bucket, the service answers about a missing object as about a refused caller.
package struct GCSOrigin: CloudOrigin {
    package let client: GCSClient
    package let urls: GCSBucketURLs
    package let trouble: OriginTrouble<GCSClient>

    /// - Parameter connection: Shared by all clients of the service.
    package init(bucket: String, endpoint: GCSEndpoint, credentials: any CredentialsProvider<GCSCredentials>, connection: GCSConnection) {
        client = GCSClient(bucket: bucket, endpoint: endpoint, credentials: credentials, connection: connection)
        urls = GCSBucketURLs(endpoint: endpoint, bucket: bucket)
        trouble = OriginTrouble(client, bucket: bucket, logger: connection.logger)
    }

    package func source(of artifact: ArtifactURL, _ answer: BucketAnswer) -> CopySource? {
        guard let object = urls.object(artifact.description), answer.status == 200,
            let size = ObjectFields.size(answer.header("x-goog-stored-content-length") ?? answer.header("content-length"))
        else { return nil }
        return CopySource(
            service: GCSService.name, endpoint: client.endpoint.url, region: "", bucket: client.bucket, key: object.key,
            version: object.version, size: size, etag: answer.etag)
    }
}
