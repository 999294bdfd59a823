import MirrorCore
import MirrorSystem

/// Whether this account can keep files in a directory that exists or can be created. Leaves nothing behind.
struct DirectoryCheck {
    /// The directory itself, or its deepest ancestor that exists.
    let place: String
    /// What is wrong; `nil` if files can be kept.
    let problem: String?

    init(_ path: String) {
        var place = path
        problem = Self.problem(path, &place)
        self.place = place
    }

    private static func problem(_ path: String, _ place: inout String) -> String? {
        var kind: FileStatus.Kind?
        while kind == nil {
            do throws(Errno) {
                kind = try FileStatus(of: place).kind
            } catch {
                guard error == .noSuchFileOrDirectory || error == .notDirectory, place != "/" else {
                    return "\(path) cannot be used: \(place): \(error.phrase)"
                }
                if (try? FileStatus(of: place, followingLinks: false))?.kind == .link {
                    return "\(path) cannot be created: \(place) is a dangling link"
                }
                place = Directories.parent(of: place)
            }
        }
        guard kind == .directory else {
            return place == path ? "\(path) is not a directory" : "\(path) cannot be created: \(place) is not a directory"
        }
        let cannot = place == path ? "\(path) cannot be written to" : "\(path) cannot be created in \(place)"
        return writeProblem(place).map {
            "\(cannot): \($0); give the service's account (here \(CurrentProcess.effectiveUser)) write access, or choose another directory"
        }
    }

    /// Of the file system; `nil` if unknown.
    var space: FileSystemSpace? { try? FileSystemSpace(of: place) }

    /// The file system that the directory is on.
    var device: UInt64? { (try? FileStatus(of: place))?.device }

    /// Why this account cannot create a file in a directory.
    private static func writeProblem(_ directory: String) -> String? {
        #if os(Linux)
            do throws(Errno) {
                _ = try Descriptor(directory, for: .writing, .unnamed)
                return nil
            } catch {
                // The file system may not support unnamed files.
                guard [.notSupported, .isDirectory, .invalidArgument, .noSuchFileOrDirectory].contains(error) else { return error.phrase }
            }
        #endif
        let probe = "\(directory)/.cloud-mirror-probe-\(RandomBytes.hex(8))"
        do throws(Errno) {
            _ = try Descriptor(probe, for: .writing, [.create, .exclusive, .noFollow])
        } catch {
            return error.phrase
        }
        FilePath.remove(probe)
        return nil
    }

    /// Why this account cannot read and write an existing file; also `nil` if the file does not exist.
    static func fileProblem(_ path: String) -> String? {
        do throws(Errno) {
            guard try FileStatus(of: path).kind == .regular else { return "it is not a regular file" }
            _ = try Descriptor(path, for: .readingAndWriting, .nonBlocking)
            return nil
        } catch {
            return error == .noSuchFileOrDirectory ? nil : error.phrase
        }
    }
}
