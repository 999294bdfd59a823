/// What is known about one setting of a bucket.
package enum KnownSetting<Value: Sendable & Equatable>: Sendable, Equatable {
    case value(Value)
    /// The server does not know the call.
    case unsupported
    /// Why it could not be read, and what to do.
    case unknown(String)
}

extension KnownSetting where Value: ExpressibleByNilLiteral {
    /// For a bucket that does not exist yet: nothing is set, and only unsupported settings are known.
    package var orNothing: KnownSetting {
        switch self {
        case .unsupported: .unsupported
        case .value, .unknown: .value(nil)
        }
    }
}
