import MirrorCore
import MirrorSystem

/// Whether this account can keep files in a directory that is there or can be made. Leaves nothing behind.
struct DirectoryCheck {
    /// The directory itself, or the deepest one above it that is there.
    let place: String
    /// What is wrong; `nil` when files can be kept.
    let problem: String?

    init(_ path: String) {
        var place = path
        while true {
            let status: FileStatus
            do throws(Errno) {
                status = try FileStatus(of: place)
            } catch {
                guard error == .noSuchFileOrDirectory || error == .notDirectory, place != "/" else {
                    self.init(place: place, problem: "\(path) cannot be used: \(place): \(error.phrase)")
                    return
                }
                if (try? FileStatus(of: place, followingLinks: false))?.kind == .link {
                    self.init(place: place, problem: "\(path) cannot be created: \(place) is a dangling link")
                    return
                }
                place = Directories.parent(of: place)
                continue
            }
            self.init(path, place: place, status)
            return
        }
    }

    private init(_ path: String, place: String, _ status: FileStatus) {
        guard status.kind == .directory else {
            self.init(
                place: place,
                problem: place == path ? "\(path) is not a directory" : "\(path) cannot be created: \(place) is not a directory")
            return
        }
        let cannot = place == path ? "\(path) cannot be written to" : "\(path) cannot be created in \(place)"
        self.init(
            place: place,
            problem: Self.writeProblem(place).map {
                "\(cannot): \($0); give the service's account (here \(CurrentProcess.effectiveUser)) write access, "
                    + "or choose another directory"
            })
    }

    private init(place: String, problem: String?) {
        self.place = place
        self.problem = problem
    }

    /// Of the file system; `nil` where it cannot be told.
    var space: FileSystemSpace? { try? FileSystemSpace(of: place) }

    /// Which file system it is on.
    var device: UInt64? { (try? FileStatus(of: place))?.device }

    /// What keeps this account from making a file in a directory.
    private static func writeProblem(_ directory: String) -> String? {
        #if os(Linux)
            do throws(Errno) {
                _ = try Descriptor(directory, for: .writing, .unnamed)
                return nil
            } catch {
                // The file system may have no such files.
                guard [.notSupported, .isDirectory, .invalidArgument, .noSuchFileOrDirectory].contains(error) else { return error.phrase }
            }
        #endif
        let probe = "\(directory)/.cloud-mirror-probe-\(Hex.encode((0..<8).map { _ in UInt8.random(in: .min ... .max) }))"
        do throws(Errno) {
            _ = try Descriptor(probe, for: .writing, [.create, .exclusive, .noFollow])
        } catch {
            return error.phrase
        }
        FilePath.remove(probe)
        return nil
    }

    /// What keeps this account from reading and writing a file that is there; `nil` also where there is none.
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
