import MirrorSystem
import Synchronization

/// An object opened as a file: its bytes are 0..<`info.size` of the file, whatever follows them.
///
/// It still refers to the opened object after that is deleted or replaced. It closes the descriptor when it is dropped.
public final class ObjectFile: Sendable {
    /// The store's information about the object.
    public let info: ObjectInfo
    private let descriptor: Mutex<CInt?>

    /// - Parameter descriptor: Open for positional reads (`pread`, `sendfile`); owned by this object from now on.
    public init(info: ObjectInfo, owning descriptor: CInt) {
        self.info = info
        self.descriptor = Mutex(descriptor)
    }

    deinit {
        if let descriptor = takeDescriptor() { systemClose(descriptor) }
    }

    /// Transfers the descriptor to the caller, who has to close it.
    ///
    /// - Returns: `nil` if it was transferred before.
    public func takeDescriptor() -> CInt? {
        descriptor.withLock { descriptor in
            defer { descriptor = nil }
            return descriptor
        }
    }
}
