/// What the configuration says of one pool or origin of a service.
public protocol StorageSettings: Sendable, Equatable {
    /// Whether this and another one of the same service cannot both be: they would be one place.
    ///
    /// - Parameter name: What the other one is called: "the pool s3/eu".
    func clash(with other: Self, called name: String) -> SettingsClash?

    /// The key by which the way to the place is plain HTTP, without TLS; `nil` if it is not.
    var plainHTTPKey: String? { get }
}

extension StorageSettings {
    public var plainHTTPKey: String? { nil }

    /// Whether both are of the same type and equal.
    package func isEqual(to other: any StorageSettings) -> Bool { self == other as? Self }

    package func anyClash(with other: any StorageSettings, called name: String) -> SettingsClash? {
        (other as? Self).flatMap { clash(with: $0, called: name) }
    }
}

/// Why two pools, or two origins, cannot both be.
public struct SettingsClash: Sendable, Hashable {
    /// The key whose value is to blame.
    public var key: String
    /// In words that follow the key: "is the directory of the pool local/dev already".
    public var message: String

    public init(key: String, message: String) {
        self.key = key
        self.message = message
    }
}

/// The settings of origins of a service that is none.
public enum NoOrigin: StorageSettings {
    public func clash(with other: NoOrigin, called name: String) -> SettingsClash? {}
}
