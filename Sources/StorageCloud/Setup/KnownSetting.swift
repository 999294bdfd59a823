/// What is known of one setting of a bucket.
package enum KnownSetting<Value: Sendable & Equatable>: Sendable, Equatable {
    case value(Value)
    /// The server does not know the call.
    case unsupported
    /// Why it could not be read, in words that say what to do.
    case unknown(String)
}

extension KnownSetting where Value: ExpressibleByNilLiteral {
    /// Of a bucket that does not exist yet: nothing is set, and all that can be known is what the server does not support.
    package var orNothing: KnownSetting {
        switch self {
        case .unsupported: .unsupported
        case .value, .unknown: .value(nil)
        }
    }
}
