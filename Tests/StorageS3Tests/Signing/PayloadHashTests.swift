import NIOCore
import Testing

@testable import StorageS3

@Suite struct PayloadHashTests {
    @Test func `the payload's hash says what the body is`() {
        #expect(PayloadHash(of: [ByteBuffer()]) == .empty)
        #expect(PayloadHash.empty.fieldValue == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        #expect(PayloadHash.unsigned.fieldValue == "UNSIGNED-PAYLOAD")
        let hash = PayloadHash(of: [ByteBuffer(string: "Welcome to "), ByteBuffer(string: "Amazon S3.")])
        #expect(hash.fieldValue == "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072")
    }
}
