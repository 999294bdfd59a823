import MirrorCore
import MirrorStorage
import NIOCore
import NIOHTTP1

@testable import StorageCloud
@testable import StorageGCS

extension FuzzTarget {
    static let storageGCS: [FuzzTarget] = [
        FuzzTarget(
            "gcs-error",
            seeds: [
                "<Error><Code>SlowDown</Code><Message>m</Message><Details>d</Details></Error>", "",
                #"{"error": {"code": 429, "message": "m", "status": "RESOURCE_EXHAUSTED", "errors": [{"reason": "rateLimitExceeded"}]}}"#,
            ], words: xmlWords + jsonWords + ["\"error\"", "\"reason\""]
        ) { bytes in
            for status in [200, 308, 400, 403, 404, 503] {
                let failure = GCSFailure(status: status, headers: ["x-guploader-uploadid": text(bytes)], body: ByteBuffer(bytes: bytes))
                let message = failure.storageError(call: "get", bucket: "b", subject: "s").message
                try require(message.unicodeScalars.allSatisfy { $0.value >= 0x20 }, "\(message) has more than one line")
            }
        },
        FuzzTarget(
            "gcs-account",
            seeds: [
                #"{"type": "authorized_user", "client_id": "i", "client_secret": "s", "refresh_token": "r"}"#,
                #"{"type": "external_account", "audience": "a", "subject_token_type": "t", "credential_source": {"file": "/f", "format": {"type": "json", "subject_token_field_name": "v"}}}"#,
                #"{"type": "external_account", "audience": "a", "subject_token_type": "t", "credential_source": {"environment_id": "aws1", "regional_cred_verification_url": "https://sts.{region}.amazonaws.com"}}"#,
                #"{"type": "impersonated_service_account", "delegates": [], "source_credentials": {"type": "authorized_user", "client_id": "i", "client_secret": "s", "refresh_token": "r"}, "service_account_impersonation_url": "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/a@b:generateAccessToken"}"#,
            ],
            words: jsonWords + [
                "\"service_account\"", "\"token_uri\"", "\"token_url\"", "\"executable\"", "\"url\"", "\"headers\"", "\"universe_domain\"",
                "https://evil.example/", "https://sts.googleapis.com/", "..", "%2F",
            ]
        ) { bytes in
            _ = try AccountDocument.parse(bytes, of: "it", hosts: GoogleHosts(endpoint: .google))
        },
        FuzzTarget(
            "gcs-subject",
            seeds: [
                #"{"version": 1, "success": true, "token_type": "urn:ietf:params:oauth:token-type:jwt", "id_token": "t", "expiration_time": 4000000000}"#
            ], words: jsonWords + ["\"expiration_time\"", "\"saml_response\"", "-1", "9223372036854775807"]
        ) { bytes in
            let now = Timestamp(milliseconds: 1_700_000_000_000)
            let subject = try SubjectProgram.token(in: bytes, of: "it", now: now, mustEnd: false)
            try require(!subject.isEmpty, "a token without text")
        },
        FuzzTarget(
            "gcs-token", seeds: [#"{"access_token": "t", "expires_in": 3599, "token_type": "Bearer"}"#],
            words: jsonWords + ["\"expires_in\"", "\"access_token\"", "-1", "9223372036854775807"]
        ) { bytes in
            let now = Timestamp(milliseconds: 1_700_000_000_000)
            let answer = CredentialsTransport.Answer(status: 200, headers: [:], body: bytes)
            let grant = try GoogleTokenService.grant(answer, from: ArtifactURL("https://oauth2.googleapis.com/token"), now: now)
            try require(JSONFields.isToken(grant.token), "a token that no field can hold")
            try require(grant.expires > now && now.duration(to: grant.expires) <= .seconds(86_400), "a token that does not end")
        },
        FuzzTarget(
            "gcs-url",
            seeds: [
                "gs://bucket/a b#12", "https://bucket.storage.googleapis.com/a%20b?generation=1",
                "https://storage.googleapis.com/bucket/key?x=1",
                "https://storage.googleapis.com/download/storage/v1/b/bucket/o/a%2Fb?alt=media",
            ],
            words: urlWords + [
                "gs://", "bucket", "?generation=", ".storage.", "googleapis.com", "/storage/v1/b/", "/o/", "X-Goog-Signature=",
            ]
        ) { bytes in
            let urls = GCSBucketURLs(endpoint: .google, bucket: "bucket")
            guard let object = urls.object(text(bytes)), let url = urls.url(of: object) else { return }
            try require(urls.object(url.description) == object, "\(url) is not read back")
        },
        FuzzTarget(
            "gcs-bucket",
            seeds: [
                #"{"location": "EU", "metageneration": "1", "lifecycle": {"rule": [{"action": {"type": "Delete"}, "condition": {"age": 3, "matchesPrefix": ["a/"]}}]}}"#,
                #"{"etag": "e", "bindings": [{"role": "roles/storage.objectViewer", "members": ["allUsers"]}]}"#,
            ], words: jsonWords + ["\"bindings\"", "\"members\"", "\"condition\"", "\"age\"", "allUsers"]
        ) { bytes in
            guard let json = JSONValue(parsing: bytes) else { return }
            _ = GCSBucket(json)
            let lifecycle = GCSLifecycle(json: json["lifecycle"])
            try require(GCSLifecycle(json: lifecycle.json) == lifecycle, "rules are not read back")
            if case .object = json {
                let open = GCSPolicy(json).addingEverybody()
                try require(open.letsEverybodyRead && !open.removingEverybody().hasEverybody, "everybody is not added and removed")
            }
        },
        FuzzTarget(
            "gcs-range", seeds: ["bytes=0-9", "bytes=0-3\nbytes=0-9"], words: ["bytes=0-", "-", "0", "9223372036854775807", "\u{661}"]
        ) { bytes in
            var progress = ResumableProgress()
            progress.take(ByteBuffer(repeating: 0, count: 10))
            for line in text(bytes).split(separator: "\n", omittingEmptySubsequences: false) {
                _ = try progress.note(String(line))
                try require((0...10).contains(progress.stored) && progress.count == 10, "bytes appear or vanish")
            }
        },
        FuzzTarget(
            "gcs-hash", seeds: ["x-goog-hash: crc32c=n03x6A==,md5=Ojk9c3dhfxgoKVVHYwFbHQ=="], words: ["crc32c=", "md5=", ",", "="]
        ) { bytes in
            let hashes = ObjectHashes(headers(bytes))
            try require(hashes.agrees(with: hashes), "hashes that differ from themselves")
        },
    ]
}
