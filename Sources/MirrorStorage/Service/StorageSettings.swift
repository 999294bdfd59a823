/// The settings of one pool or origin of a service.
public protocol StorageSettings: Sendable, Equatable {
    /// Whether this and another one of the same service exclude each other, because they would be in the same place.
    ///
    /// - Parameter name: The name of the other one: "the pool s3/eu".
    func clash(with other: Self, called name: String) -> SettingsClash?

    /// The key that makes the connection plain HTTP, without TLS; `nil` if it uses TLS.
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

/// Why two pools, or two origins, exclude each other.
public struct SettingsClash: Sendable, Hashable {
    /// The key whose value causes the clash.
    public var key: String
    /// The reason, phrased to follow the key: "is the directory of the pool local/dev already".
    public var message: String

    public init(key: String, message: String) {
        self.key = key
        self.message = message
    }
}

/// The origin settings of a service that is not an origin.
public enum NoOrigin: StorageSettings {
    public func clash(with other: NoOrigin, called name: String) -> SettingsClash? {}
}
