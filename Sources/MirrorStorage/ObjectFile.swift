import MirrorSystem
import Synchronization

/// An object opened as a file: its bytes are 0..<`info.size` of the descriptor, whatever follows them.
///
/// Goes on showing the object that was opened when that is deleted or replaced. Closes the descriptor when it is dropped.
public final class ObjectFile: Sendable {
    /// What the store knows of the object.
    public let info: ObjectInfo
    private let descriptor: Mutex<CInt?>

    /// - Parameter descriptor: Open for reading at positions (`pread`, `sendfile`); owned by this object from now on.
    public init(info: ObjectInfo, owning descriptor: CInt) {
        self.info = info
        self.descriptor = Mutex(descriptor)
    }

    deinit {
        if let descriptor = takeDescriptor() { systemClose(descriptor) }
    }

    /// Hands the descriptor over to the caller, who closes it.
    ///
    /// - Returns: `nil` when it was handed over before.
    public func takeDescriptor() -> CInt? {
        descriptor.withLock { descriptor in
            defer { descriptor = nil }
            return descriptor
        }
    }
}
