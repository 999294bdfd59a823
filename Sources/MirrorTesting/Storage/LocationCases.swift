import MirrorCore
import MirrorStorage

extension ObjectStoreSuite {
    static let location: [Case] = [
        Case("a location is a path of the mirror if the mirror serves the objects, and otherwise an absolute URL") { store in
            let object = try SampleObject("a file (1)+ü%25.tar.gz", size: 10)
            try await object.put(into: store)
            let location = try await store.location(of: object.key, life: .seconds(600))
            if store.capabilities.features.contains(.servedByMirror) {
                try require(location.url.hasPrefix("/") && !location.url.hasPrefix("//"), "\(location.url) is not a path")
            } else {
                let isAbsolute = location.url.hasPrefix("https://") || location.url.hasPrefix("http://")
                try require(isAbsolute, "\(location.url) is not an absolute URL")
            }
            try require(location.url.utf8.allSatisfy { (0x21...0x7E).contains($0) }, "\(location.url) is not encoded")
            try await store.delete(object.key)
        },
        Case("a location names the object's file, and another key has another location") { store in
            let (object, other) = (try SampleObject("tool.tar.gz", size: 10), try SampleObject("tool.tar.gz", size: 10))
            let url = try await store.location(of: object.key, life: .seconds(600)).url
            try require(url.prefix { $0 != "?" }.hasSuffix("/tool.tar.gz"), "\(url) does not end in the artifact's file name")
            try require(url != (try await store.location(of: other.key, life: .seconds(600)).url), "two keys have the location \(url)")
        },
        Case("a location that expires works at least as long as requested") { store in
            let object = try SampleObject(size: 10)
            let now = SystemClock().now
            let location = try await store.location(of: object.key, life: .seconds(600))
            let works = location.expires.map { now.duration(to: $0) >= .seconds(600) } ?? true
            try require(works, "the location ends before the 600 seconds that were asked for")
        },
        Case("a store that works says that it is healthy") { store in
            try await store.checkHealth()
        },
        Case("the part sizes allow an object of the maximum size to be made from parts") { store in
            let capabilities = store.capabilities
            try require(capabilities.minPartSize >= 1, "minPartSize is \(capabilities.minPartSize)")
            try require(capabilities.maxPartSize >= capabilities.minPartSize, "maxPartSize is below minPartSize")
            try require(capabilities.maxParts >= 1, "maxParts is \(capabilities.maxParts)")
            let (most, overflow) = capabilities.maxPartSize.multipliedReportingOverflow(by: Int64(capabilities.maxParts))
            try require(overflow || most >= capabilities.maxObjectSize, "maxParts of maxPartSize are less than maxObjectSize")
        },
    ]
}
