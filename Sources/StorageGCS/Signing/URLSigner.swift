import MirrorCore

/// What signs the addresses of objects.
enum URLSigner: Sendable, Equatable {
    /// The private key of a service account.
    case key(AccountKey)
    /// A key of the XML API.
    case keys(GCSKeys)
    /// The service itself, for an account whose private key only Google has.
    case service(BlobSigning)

    /// As in signed URLs.
    var algorithm: String {
        switch self {
        case .keys: "GOOG4-HMAC-SHA256"
        case .key, .service: "GOOG4-RSA-SHA256"
        }
    }

    /// The signer's name, as in signed URLs.
    var name: String {
        switch self {
        case .key(let key): key.email
        case .keys(let keys): keys.accessID
        case .service(let signing): signing.account
        }
    }

    /// How long an address may last: seven days, and twelve hours where Google may retire the key after that time.
    ///
    /// - SeeAlso: Cloud Storage, "Signed URLs"; IAM Service Account Credentials API, `SignBlobResponse`.
    var maxLife: Duration {
        switch self {
        case .key, .keys: .seconds(604_800)
        case .service: .seconds(43_200)
        }
    }
}

/// How the service is asked to sign for an account.
struct BlobSigning: Sendable, Equatable {
    /// The address of the account.
    let account: String
    /// `…/serviceAccounts/ACCOUNT:signBlob`
    let address: ArtifactURL
    /// The credentials of an identity that may create tokens for the account.
    let token: String
    /// The accounts between that one and this.
    let delegates: [String]
}
