import MirrorCore
import Testing

@Suite("Names of signed URLs")
struct SignatureParametersTests {
    private static let base = "https://host.example/path/obj.bin"

    private static func name(_ query: String, _ rule: QueryRule = .dropSignatures) throws -> String {
        let source = ArtifactSource(try ArtifactURL("\(base)?\(query)"), rule)
        #expect(source.url.description == "\(base)?\(query)")
        #expect(source.name.redacted.hasPrefix(base))
        return String(source.name.description.dropFirst(base.count))
    }

    @Test(
        "The parameters of a signature are not part of the name, whoever made it",
        arguments: [
            // Amazon S3, version 4: as few as there can be, and as many as SDKs add.
            "X-Amz-Date=A&X-Amz-Expires=300&X-Amz-Signature=1",
            "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIA%2F20260131%2Feu-central-1%2Fs3%2Faws4_request&X-Amz-Date=20260131T120000Z&X-Amz-Expires=300&X-Amz-SignedHeaders=host&X-Amz-Signature=0f",
            "X-Amz-Algorithm=A&X-Amz-Content-Sha256=UNSIGNED-PAYLOAD&X-Amz-Credential=C&X-Amz-Date=D&X-Amz-Expires=900&X-Amz-Security-Token=T&X-Amz-Signature=S&X-Amz-SignedHeaders=host&x-amz-checksum-mode=ENABLED&x-id=GetObject",
            "x-amz-algorithm=A&x-amz-credential=C&x-amz-date=D&x-amz-expires=9&x-amz-signedheaders=host&x-amz-signature=S",
            "X%2DAmz%2DSignature=1&X-Amz-Date=A",
            "X-Amz-S3session-Token=t&X-Amz-Region-Set=*&X-Amz-Signature=1",
            // Amazon S3, version 2.
            "AWSAccessKeyId=AKIA&Expires=1700000000&Signature=a%2Fb%3D",
            "Signature=a&Expires=1&AWSAccessKeyId=b&x-amz-security-token=t",
            // Google Cloud Storage.
            "X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-Credential=c&X-Goog-Date=d&X-Goog-Expires=900&X-Goog-SignedHeaders=host&X-Goog-Signature=s",
            "GoogleAccessId=a%40b.iam.gserviceaccount.com&Expires=1&Signature=s",
            // Azure: service, account, user delegation, stored policy, directory.
            "sv=2022-11-02&st=2026-01-01&se=2026-01-02&sr=b&sp=r&sig=abc%3D",
            "sv=2022-11-02&ss=b&srt=sco&sp=rl&se=2026-01-02&spr=https&sip=10.0.0.1&sig=abc",
            "skoid=a&sktid=b&skt=c&ske=d&sks=b&skv=2022-11-02&saoid=e&suoid=f&scid=g&sdd=2&ses=s&sv=2022-11-02&sr=d&sp=r&se=e&sig=s",
            "sv=2022-11-02&si=policy&sr=c&sig=abc",
            // A release's asset of GitHub.
            "sp=r&sv=2018-11-09&sr=b&spr=https&se=2026-01-01T00%3A00%3A00Z&skoid=a&sktid=b&skt=c&ske=d&sks=b&skv=2018-11-09&sig=s&jwt=eyJ0",
            // CloudFront, and Hugging Face behind it.
            "Expires=1&Signature=s~&Key-Pair-Id=K", "Policy=eyJ&Signature=s&Key-Pair-Id=K&Hash-Algorithm=SHA256",
            "X-Amz-Signature=a&X-Amz-Date=b&X-Xet-Cas-Uid=public&Expires=1&Policy=p&Signature=s&Key-Pair-Id=K&x-id=GetObject",
            // Google Cloud CDN and Media CDN.
            "Expires=1&KeyName=k&Signature=s", "URLPrefix=aHR0&Expires=1&KeyName=k&Signature=s",
            "Edge-Cache-Token=URLPrefix%3Daa~Expires%3D1~KeyName%3Dk~Signature%3Ds",
            // Alibaba Cloud OSS.
            "OSSAccessKeyId=a&Expires=1&Signature=s&security-token=t",
            "x-oss-signature-version=OSS2&x-oss-access-key-id=a&x-oss-expires=1&x-oss-signature=s",
            "x-oss-signature-version=OSS4-HMAC-SHA256&x-oss-credential=c&x-oss-date=d&x-oss-expires=1&x-oss-additional-headers=host&x-oss-security-token=t&x-oss-signature=s",
            // Tencent Cloud COS, Huawei Cloud OBS, Volcano Engine TOS, OpenStack Swift.
            "q-sign-algorithm=sha1&q-ak=a&q-sign-time=1%3B2&q-key-time=1%3B2&q-header-list=host&q-url-param-list=&q-signature=s&x-cos-security-token=t",
            "AccessKeyId=a&Expires=1&Signature=s&x-obs-security-token=t",
            "X-Tos-Algorithm=a&X-Tos-Credential=c&X-Tos-Date=d&X-Tos-Expires=1&X-Tos-SignedHeaders=host&X-Tos-Signature=s",
            "temp_url_sig=a&temp_url_expires=1&temp_url_prefix=p",
        ])
    func dropsSignatures(_ query: String) throws {
        #expect(try Self.name(query) == "")
        // In any order.
        #expect(try Self.name(query.split(separator: "&").reversed().joined(separator: "&")) == "")
        #expect(try Self.name(query, .keep) == "?\(query)")
    }

    @Test("Where a rule drops the query nothing of it is in the name", arguments: ["x=1", "version=2&sig=s", "a=1&b=2&c", "", "&"])
    func dropsAll(_ query: String) throws {
        #expect(try Self.name(query, .drop) == "")
    }

    @Test(
        "What names the bytes stays, in its order and byte for byte",
        arguments: [
            ("versionId=v1&X-Amz-Signature=1&X-Amz-Date=A", "?versionId=v1"),
            ("X-Amz-Signature=1&partNumber=2&X-Amz-Date=A&versionId=%7e", "?partNumber=2&versionId=%7e"),
            ("b=2&a=1&X-Amz-Signature=1&c=%2f+x&&d", "?b=2&a=1&c=%2f+x&&d"),
            (
                "X-Amz-Signature=1&response-content-disposition=attachment%3B%20filename%3Da",
                "?response-content-disposition=attachment%3B%20filename%3Da"
            ),
            ("generation=7&X-Goog-Signature=s&X-Goog-Date=d&userProject=p", "?generation=7&userProject=p"),
            ("snapshot=2026&sv=1&sig=2&rscd=attachment&versionid=3", "?snapshot=2026&rscd=attachment&versionid=3"),
            ("x-oss-process=image%2Fresize&OSSAccessKeyId=a&Expires=1&Signature=s", "?x-oss-process=image%2Fresize"),
            ("X-Xet-Signed-Range=bytes%3D0-9&Expires=1&Signature=s&Key-Pair-Id=K", "?X-Xet-Signed-Range=bytes%3D0-9"),
            ("X-Amz-Signature=1&x-id=HeadObject", "?x-id=HeadObject"),
            ("X-Amz-Signature=1&Expires=5", "?Expires=5"),
            ("X-Amz-Signature=1&sig=5&se=6", "?sig=5&se=6"),
            ("filename=a&temp_url_sig=a&temp_url_expires=1&inline", "?filename=a&inline"),
        ])
    func keepsTheRest(_ query: String, _ expected: String) throws {
        #expect(try Self.name(query) == expected)
        // A name is its own name.
        #expect(ArtifactSource(try ArtifactURL(Self.base + expected), .dropSignatures).name.description == Self.base + expected)
    }

    @Test(
        "A parameter that is merely called like one of a signature is never dropped alone",
        arguments: [
            "Expires=1700000000", "sig=abc", "se=x&sp=y&sr=z", "sv=1", "Signature=a", "Signature=a&Expires=1", "Policy=p&Expires=1",
            "Key-Pair-Id=K", "X-Amz-Date=A&X-Amz-Expires=1", "X-Amz-Credential=c", "x-id=GetObject", "AWSAccessKeyId=a&Expires=1",
            "GoogleAccessId=a", "KeyName=k&Expires=1", "q-ak=a&q-sign-time=1", "temp_url_expires=1", "x-oss-signature=s", "jwt=eyJ0",
            "policy=p&token=t", "st=1&sip=2&ss=3", "", "&", "=", "a", "a=b&a=c", "%", "%zz=1", "X-Amz-Signatur=1",
        ])
    func leavesHonestParametersAlone(_ query: String) throws {
        #expect(try Self.name(query) == "?\(query)")
    }

    @Test("`drop` leaves nothing in the name; what fetches is the whole URL")
    func drops() throws {
        for query in ["a=1", "token=t&x=2", "X-Amz-Signature=1", ""] {
            #expect(try Self.name(query, .drop) == "")
        }
        let source = ArtifactSource(try ArtifactURL("\(Self.base)?token=t"), .drop)
        #expect(source.query == FetchQuery("token=t"))
        #expect(ArtifactSource(source.name, query: source.query) == source)
    }

    @Test("What fetches an artifact is kept where it is not in its name, and found again by the name")
    func rebuilds() throws {
        let source = ArtifactSource(try ArtifactURL("\(Self.base)?a=%5b1]&X-Amz-Signature=1"), .dropSignatures)
        #expect(source.name.description == "\(Self.base)?a=%5b1]")
        #expect(source.query?.text == "a=%5b1]&X-Amz-Signature=1")
        #expect(ArtifactSource(source.name, query: source.query) == source)
        let plain = ArtifactSource(try ArtifactURL("\(Self.base)?a=1"), .dropSignatures)
        #expect(plain.query == nil)
        #expect(plain == ArtifactSource(plain.name))
    }

    @Test("Nothing that prints a query prints what it holds")
    func isSecret() throws {
        let query = FetchQuery("X-Amz-Signature=secret")
        var dumped = ""
        dump(query, to: &dumped)
        dump([query], to: &dumped)
        for text in ["\(query)", String(reflecting: query), dumped, "\(Optional(query) as Any)", "\([query])"] {
            #expect(!text.contains("secret"))
        }
    }
}
