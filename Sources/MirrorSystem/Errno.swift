import CLibrary

/// An error number of the operating system (errno(3)).
package struct Errno: Error, Hashable, CustomStringConvertible {
    package let code: CInt

    package init(code: CInt) {
        self.code = code
    }

    /// The error of this thread's last system call.
    package static var last: Errno { Errno(code: errno) }

    package var description: String { String(cString: strerror(code)) }

    /// The description for the middle of a sentence.
    package var phrase: String { description.lowercased() }

    package static let addressInUse = Errno(code: EADDRINUSE)
    package static let addressNotAvailable = Errno(code: EADDRNOTAVAIL)
    package static let diskQuotaExceeded = Errno(code: EDQUOT)
    package static let fileExists = Errno(code: EEXIST)
    package static let fileNameTooLong = Errno(code: ENAMETOOLONG)
    package static let fileTooLarge = Errno(code: EFBIG)
    package static let interrupted = Errno(code: EINTR)
    package static let invalidArgument = Errno(code: EINVAL)
    package static let ioError = Errno(code: EIO)
    package static let isDirectory = Errno(code: EISDIR)
    package static let noBufferSpace = Errno(code: ENOBUFS)
    package static let noMemory = Errno(code: ENOMEM)
    package static let noSpace = Errno(code: ENOSPC)
    package static let noSuchFileOrDirectory = Errno(code: ENOENT)
    package static let notDirectory = Errno(code: ENOTDIR)
    package static let notImplemented = Errno(code: ENOSYS)
    package static let notPermitted = Errno(code: EPERM)
    package static let notSupported = Errno(code: EOPNOTSUPP)
    package static let permissionDenied = Errno(code: EACCES)
    package static let readOnlyFileSystem = Errno(code: EROFS)
    package static let tooManyOpenFiles = Errno(code: EMFILE)
    package static let tooManyOpenFilesInSystem = Errno(code: ENFILE)
    package static let tooManySymbolicLinkLevels = Errno(code: ELOOP)
    package static let wouldBlock = Errno(code: EWOULDBLOCK)
}

/// Repeats a system call as long as a signal interrupts it.
@discardableResult
func retryingInterrupts<Result: SignedInteger>(_ call: () -> Result) throws(Errno) -> Result {
    while true {
        let result = call()
        if result != -1 { return result }
        let error = Errno.last
        if error != .interrupted { throw error }
    }
}
