/// The parameters that make up a URL's signature, for each scheme of the services that sign URLs.
///
/// A scheme is recognised by its marker parameters, all of which must be present: a parameter that is merely called `Expires`, `sig` or `se` stays.
/// Names are compared ignoring case. Parameters that select the bytes, or how they are served, belong to no scheme: `versionId`, `generation`,
/// `partNumber`, `response-content-disposition`, `rscd`, `x-oss-process`, `X-Xet-Signed-Range`.
enum SignatureParameters {
    /// The query without the parameters of signatures; the others keep their order and their bytes.
    ///
    /// - Returns: `nil` if nothing is left.
    static func removing(from query: String) -> String? {
        let parameters = query.utf8.split(separator: UInt8(ascii: "&"), omittingEmptySubsequences: false)
        let names = parameters.map(name)
        let all = Set(names)
        let schemes = Self.schemes.filter { $0.marks.isSubset(of: all) }
        guard !schemes.isEmpty else { return query }
        let kept = zip(parameters, names).filter { parameter, name in
            !schemes.contains { $0.names.contains(name) && (name != methodName || isGet(parameter)) }
        }
        let left = kept.map { String(Substring($0.0)) }.joined(separator: "&")
        return left.isEmpty ? nil : left
    }

    /// Lower-case, decoded.
    private static func name(_ parameter: Substring.UTF8View.SubSequence) -> String {
        let raw = Substring(parameter.prefix { $0 != UInt8(ascii: "=") })
        return (PercentCoding.decode(raw) ?? String(raw)).lowercased()
    }

    /// Added by the JavaScript SDKs; with another value it requests something other than the object.
    private static let methodName = "x-id"

    private static func isGet(_ parameter: Substring.UTF8View.SubSequence) -> Bool {
        Substring(parameter).lowercased() == "x-id=getobject"
    }

    private struct Scheme {
        let marks: Set<String>
        /// Including the markers.
        let names: Set<String>

        init(_ marks: String, _ others: String) {
            self.marks = Set(marks.split(separator: " ").map(String.init))
            names = self.marks.union(others.split(separator: " ").map(String.init))
        }
    }

    private static let schemes = [
        // IAM User Guide, "AWS Signature Version 4 for API requests", in the query, and what the SDKs and Hugging Face's Xet add for each client.
        Scheme(
            "x-amz-signature",
            """
            x-amz-algorithm x-amz-credential x-amz-date x-amz-expires x-amz-signedheaders x-amz-security-token x-amz-content-sha256 x-amz-region-set \
            x-amz-s3session-token x-amz-user-agent x-amz-checksum-mode x-id x-xet-cas-uid
            """),
        // AWS signature version 2.
        Scheme("awsaccesskeyid signature", "expires x-amz-security-token"),
        // Google Cloud Storage, "V4 signing process with your own program"; V2.
        Scheme(
            "x-goog-signature", "x-goog-algorithm x-goog-credential x-goog-date x-goog-expires x-goog-signedheaders x-goog-content-sha256"),
        Scheme("googleaccessid signature", "expires"),
        // Azure Storage, service, account and user-delegation SAS; `jwt` is what GitHub adds for each download of a release's asset.
        Scheme(
            "sig sv",
            "ss srt sp se st spr sip sr si sdd ses skoid sktid skt ske sks skv skdutid sduoid saoid suoid scid srh srq jwt"),
        // Amazon CloudFront Developer Guide, "Create a signed URL"; the rest is what JFrog's and Xet's own front ends add for each download.
        Scheme("signature key-pair-id", "expires policy hash-algorithm x-xet-session-id x-xet-cas-uid x-jf-traceid"),
        // Google Cloud CDN, "Use signed URLs"; Media CDN.
        Scheme("signature keyname", "expires urlprefix"),
        Scheme("edge-cache-token", ""),
        // Alibaba Cloud OSS, V1, V2 and V4.
        Scheme("ossaccesskeyid signature", "expires security-token securitytoken"),
        Scheme("x-oss-signature x-oss-access-key-id", "x-oss-signature-version x-oss-expires x-oss-additional-headers"),
        Scheme(
            "x-oss-signature x-oss-credential",
            "x-oss-signature-version x-oss-date x-oss-expires x-oss-additional-headers x-oss-security-token"),
        // Tencent Cloud COS.
        Scheme("q-signature q-sign-algorithm", "q-ak q-sign-time q-key-time q-header-list q-url-param-list x-cos-security-token"),
        // Huawei Cloud OBS; Volcano Engine TOS.
        Scheme("accesskeyid signature", "expires x-obs-date x-obs-security-token"),
        Scheme(
            "x-tos-signature",
            "x-tos-algorithm x-tos-credential x-tos-date x-tos-expires x-tos-signedheaders x-tos-security-token x-tos-content-sha256"),
        // OpenStack Swift, "TempURL middleware".
        Scheme("temp_url_sig temp_url_expires", "temp_url_prefix temp_url_ip_range"),
    ]
}
