import MirrorCore
import MirrorSystem

/// Where objects were before the first release: `<directory>/objects/<2 hex>/<64 hex>/<name>`, each in a directory of its own.
enum EarlierLayout {
    /// Moves objects to where they are now. If it is interrupted, it goes on when it is called again.
    ///
    /// - Returns: How many were moved.
    static func move(from root: Descriptor, to files: Descriptor) throws(Errno) -> Int {
        guard let objects = try? root.openDirectory("objects") else { return 0 }
        var moved = 0
        for prefix in try objects.entries() where prefix.utf8.count == 2 {
            guard let old = try? objects.openDirectory(prefix) else { continue }
            try files.makeDirectory(prefix)
            let new = try files.openDirectory(prefix)
            for hash in try old.entries() where hash.hasPrefix(prefix) {
                guard let directory = try? old.openDirectory(hash) else { continue }
                for name in try directory.entries() where ObjectKey("\(hash)/\(name)") != nil {
                    try directory.rename(name, to: new, as: hash)
                    moved += 1
                }
                try? old.removeDirectory(hash)
            }
            try new.sync()
            try? objects.removeDirectory(prefix)
        }
        try? root.removeDirectory("objects")
        return moved
    }
}
