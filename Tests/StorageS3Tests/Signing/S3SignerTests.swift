import MirrorCore
import NIOCore
import StorageCloud
import Testing

@testable import StorageS3

@Suite struct S3SignerTests {
    private let signer = SigningVectors.signer
    private let time = SigningVectors.time

    @Test func `requests are signed as the documentation's examples are`() throws {
        for vector in try SigningVectors.requests() where vector.life == nil {
            let signed = signer.sign(SignableRequest(vector), payload: PayloadHash(of: [ByteBuffer(string: vector.body ?? "")]), at: time)
            let hash = try #require(signed.header("x-amz-content-sha256"))
            let canonical = CanonicalRequest(signed, query: CanonicalQuery(signed.query).signed, payloadHash: hash)
            #expect(canonical.hash == vector.canonicalHash, "\(vector.name): \(canonical.text)")
            #expect(
                signed.authorization == [
                    "Credential": "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request", "SignedHeaders": vector.signedHeaders,
                    "Signature": vector.signature,
                ], "\(vector.name)")
            #expect(signed.header("x-amz-date") == "20130524T000000Z")
        }
    }

    @Test func `a URL is presigned as the documentation's example is`() throws {
        let vectors = try SigningVectors.requests().filter { $0.life != nil }
        #expect(vectors.count == 1)
        for vector in vectors {
            let request = SignableRequest(vector)
            let life = Duration.seconds(vector.life ?? 0)
            #expect(signer.presign(request, life: life, at: time).queryValue("X-Amz-Signature") == vector.signature)
            // The example as it is printed, but for the slashes that it leaves unencoded for reading.
            #expect(
                signer.presignedTarget(request, life: life, at: time)
                    == "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=\(vector.signature)"
            )
        }
    }

    @Test func `a signed request is signed anew, with nothing of the first signature left`() {
        let later = time + .seconds(90_000)
        let request = SignableRequest(method: "GET", host: "bucket.example.org", path: "/key", headers: [("Range", "bytes=0-1")])
        let temporary = S3Signer(
            credentials: S3Credentials(accessKeyID: "id", secretAccessKey: "secret", sessionToken: "token"), region: "eu-central-1")
        let again = signer.sign(temporary.sign(request, payload: .unsigned, at: time), payload: .empty, at: later)
        let fresh = signer.sign(request, payload: .empty, at: later)
        #expect(again.authorization == fresh.authorization)
        #expect(again.headers.count == fresh.headers.count)
        #expect(again.header("x-amz-security-token") == nil)

        let presigned = signer.presign(temporary.presign(request, life: .seconds(5), at: time), life: .seconds(60), at: later)
        #expect(presigned.target == signer.presign(request, life: .seconds(60), at: later).target)
    }

    @Test func `a session's token is sent and signed, in the fields and in the query`() {
        let temporary = S3Signer(
            credentials: S3Credentials(accessKeyID: "id", secretAccessKey: "secret", sessionToken: "to/ken+=="), region: "eu-central-1")
        let request = SignableRequest(method: "GET", host: "bucket.example.org", path: "/key")
        let signed = temporary.sign(request, payload: .empty, at: time)
        #expect(signed.header("x-amz-security-token") == "to/ken+==")
        #expect(signed.authorization["SignedHeaders"] == "host;x-amz-content-sha256;x-amz-date;x-amz-security-token")
        let target = temporary.presignedTarget(request, life: .seconds(60), at: time)
        #expect(target.contains("&X-Amz-Security-Token=to%2Fken%2B%3D%3D&"))
    }

    @Test func `overrides of the answer's fields are part of what is presigned`() {
        let request = SignableRequest(
            method: "GET", host: "bucket.example.org", path: "/key",
            query: [
                ("response-content-type", "text/plain; charset=utf-8"), ("response-content-disposition", "attachment; filename=\"a b\""),
            ])
        let presigned = signer.presign(request, life: .seconds(60), at: time)
        let other = signer.presign(SignableRequest(method: "GET", host: request.host, path: request.path), life: .seconds(60), at: time)
        #expect(presigned.queryValue("X-Amz-Signature") != other.queryValue("X-Amz-Signature"))
        #expect(presigned.target.contains("response-content-disposition=attachment%3B%20filename%3D%22a%20b%22&"))
        #expect(presigned.target.contains("response-content-type=text%2Fplain%3B%20charset%3Dutf-8"))
    }

    @Test(arguments: [
        (Duration.zero, "1"), (.seconds(-9), "1"), (.milliseconds(1_999), "1"), (.seconds(604_800), "604800"),
        (.seconds(604_801), "604800"),
        (.seconds(Int64.max), "604800"),
    ])
    func `a presigned URL lasts between a second and seven days`(life: Duration, expires: String) {
        let request = SignableRequest(method: "GET", host: "bucket.example.org", path: "/key")
        #expect(signer.presign(request, life: life, at: time).queryValue("X-Amz-Expires") == expires)
    }

    @Test func `a presigned URL does not outlive the credentials`() {
        let credentials = S3Credentials(
            accessKeyID: "id", secretAccessKey: "secret", sessionToken: "token", expires: time + .milliseconds(100_500))
        let temporary = S3Signer(credentials: credentials, region: "eu-central-1")
        let request = SignableRequest(method: "GET", host: "bucket.example.org", path: "/key")
        #expect(temporary.presign(request, life: .seconds(3_600), at: time).queryValue("X-Amz-Expires") == "100")
        #expect(temporary.presign(request, life: .seconds(30), at: time).queryValue("X-Amz-Expires") == "30")
        #expect(temporary.presign(request, life: .seconds(30), at: time + .seconds(900)).queryValue("X-Amz-Expires") == "1")
    }

    @Test func `the key of the day is never used on another day`() {
        let request = SignableRequest(method: "GET", host: "bucket.example.org", path: "/key")
        let midnight = time + .seconds(86_400)
        for moment in [midnight - .milliseconds(1), midnight, midnight - .seconds(1), midnight + .seconds(86_400)] {
            let fresh = S3Signer(credentials: SigningVectors.credentials, region: SigningVectors.region)
            let expected = fresh.sign(request, payload: .empty, at: moment).authorization
            #expect(signer.sign(request, payload: .empty, at: moment).authorization == expected)
        }
    }

    @Test func `signing from many tasks gives what signing from one does`() async {
        let signer = signer
        let moments = (0..<200).map { time + .seconds(Int64($0 % 4) * 43_200) }
        let request = SignableRequest(method: "GET", host: "bucket.example.org", path: "/key")
        let expected = moments.map { moment in
            S3Signer(credentials: SigningVectors.credentials, region: SigningVectors.region)
                .presignedTarget(request, life: .seconds(60), at: moment)
        }
        let got = await withTaskGroup(of: (Int, String).self, returning: [String].self) { group in
            for (index, moment) in moments.enumerated() {
                group.addTask { (index, signer.presignedTarget(request, life: .seconds(60), at: moment)) }
            }
            var targets = [String](repeating: "", count: moments.count)
            for await (index, target) in group { targets[index] = target }
            return targets
        }
        #expect(got == expected)
    }

    @Test func `signatures use the service's time once it is known`() {
        let clock = ClockOffset()
        let signer = S3Signer(credentials: SigningVectors.credentials, region: SigningVectors.region, clock: clock)
        let request = SignableRequest(method: "GET", host: "bucket.example.org", path: "/key")
        let slow = time - .seconds(3_600)
        #expect(signer.sign(request, payload: .empty, at: slow).header("x-amz-date") == "20130523T230000Z")
        #expect(clock.learn(date: "Fri, 24 May 2013 00:00:00 GMT", at: slow))
        #expect(signer.sign(request, payload: .empty, at: slow).header("x-amz-date") == "20130524T000000Z")
        #expect(signer.presign(request, life: .seconds(60), at: slow).queryValue("X-Amz-Date") == "20130524T000000Z")
    }

    @Test func `texts for people show no secret`() {
        let credentials = S3Credentials(accessKeyID: "id", secretAccessKey: "hidden-1", sessionToken: "hidden-2", expires: time)
        let signer = S3Signer(credentials: credentials, region: "eu-central-1")
        let request = signer.presign(
            signer.sign(SignableRequest(method: "GET", host: "bucket.example.org", path: "/key"), payload: .empty, at: time),
            life: .seconds(60),
            at: time)
        var texts = ["\(credentials)", "\(request)", "\(signer)"]
        texts += [String(reflecting: credentials), String(reflecting: request), String(reflecting: signer)]
        for value: Any in [credentials, request, signer] {
            var text = ""
            dump(value, to: &text)
            texts.append(text)
        }
        for text in texts {
            #expect(!text.contains("hidden"))
            #expect(!text.lowercased().contains("signature="))
        }
        #expect("\(credentials)" == "S3Credentials(id, temporary, until 2013-05-24T00:00:00.000Z)")
        #expect("\(request)" == "GET bucket.example.org/key")
    }
}
