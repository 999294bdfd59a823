import Crypto
import MirrorCore
import NIOCore
import NIOHTTP1
import StorageCloud

extension S3Call {
    /// Creates a bucket in the endpoint's region, with the service's defaults otherwise.
    static func createBucket(in endpoint: S3Endpoint) -> S3Call {
        let (name, region) = ("createBucket", endpoint.region)
        // Amazon's first region must not be named (Amazon S3 API Reference, "CreateBucket"); other servers have only one place.
        guard endpoint.isAWS, region != "us-east-1" else { return S3Call(name, .PUT) }
        return sending(
            name,
            "<CreateBucketConfiguration xmlns=\"\(S3Lifecycle.namespace)\"><LocationConstraint>\(Markup.escape(region))</LocationConstraint>"
                + "</CreateBucketConfiguration>")
    }

    /// A call with a document. Such calls need a digest, and MD5 is the one that every server accepts.
    static func sending(
        _ name: String, subresource: String? = nil, _ body: String, method: HTTPMethod = .PUT, type: String? = "application/xml"
    ) -> S3Call {
        let digest = Base64.encode(Array(Insecure.MD5.hash(data: Array(body.utf8))))
        var headers: [(name: String, value: String)] = [("content-md5", digest)]
        if let type { headers.append(("content-type", type)) }
        return S3Call(
            name, method, query: subresource.map { [($0, nil)] } ?? [], headers: headers, body: .bytes([ByteBuffer(string: body)]))
    }
}
