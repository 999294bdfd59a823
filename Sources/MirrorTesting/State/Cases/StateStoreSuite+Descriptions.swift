import MirrorCore
import MirrorState

extension StateStoreSuite {
    static let descriptions: [Case] = [
        .scene("describe adds what the pool reports about a present object, whatever happens to the replica afterwards") { scene in
            let id = try scene.id(1)
            var object = scene.object(id, size: 7)
            _ = try await scene.store.recordPresent(id, object)
            let totals = try await scene.store.totals(of: id.pool)
            for representation in [full(scene), bare(scene)] {
                object.representation = representation
                try await scene.store.describe(id, object)
                try await scene.requireStatus(id, .present(object))
            }
            try requireEqual(try await scene.store.totals(of: id.pool), totals, "totals")
            try await scene.store.touch([ReplicaUse(id: id, at: scene.now + .seconds(5))])
            object.lastUsed = scene.now + .seconds(5)
            try await scene.requireStatus(id, .present(object))
            try requireEqual(
                try await scene.store.replicas(in: id.pool, after: nil, limit: 10).map(\.status), [.present(object)], "listing")
        },
        .scene("describe changes no other object, and nothing that is not present") { scene in
            let id = try scene.id(1)
            let object = scene.object(id, size: 7)
            var other = object
            other.representation = full(scene)
            try await scene.store.describe(id, other)
            try await scene.requireStatus(id, nil)
            _ = try await scene.store.recordPresent(id, object)
            other.size = 8
            try await scene.store.describe(id, other)
            other.size = 7
            other.storedAt = object.storedAt + .seconds(1)
            try await scene.store.describe(id, other)
            other.storedAt = object.storedAt
            other.sha256 = nil
            try await scene.store.describe(id, other)
            try await scene.requireStatus(id, .present(object))

            let pending = try scene.id(2)
            try requireEqual(try await scene.store.claim(pending), .claimed, "claim")
            var described = scene.object(pending)
            described.representation = full(scene)
            try await scene.store.describe(pending, described)
            try await scene.requireStatus(pending, .pending)

            try requireEqual(try await scene.store.beginRemoval(id) != nil, true, "removal")
            other = object
            other.representation = full(scene)
            try await scene.store.describe(id, other)
            try await scene.requireStatus(id, .removing)
        },
        .scene("An object may be recorded with what the pool reports about it") { scene in
            let id = try scene.id(1)
            var object = scene.object(id)
            object.representation = full(scene)
            try requireEqual(try await scene.store.recordPresent(id, object)?.status, .present(object), "back-filled")
            try await scene.requireStatus(id, .present(object))
            let copied = try scene.id(2)
            object = scene.object(copied)
            object.representation = bare(scene)
            try await scene.store.finish(try await scene.claimAndLease(copied), .present(object))
            try await scene.requireStatus(copied, .present(object))
        },
    ]

    static func full(_ scene: StateScene) -> Representation {
        Representation(
            etag: "\"d41d8cd98f00b204e9800998ecf8427e-7\"", lastModified: scene.now, contentType: "text/plain; charset=\"utf-8\"",
            contentEncoding: "gzip", contentDisposition: "attachment; filename*=UTF-8''na%C3%AFve.txt")
    }

    private static func bare(_ scene: StateScene) -> Representation {
        Representation(etag: "\"x\"", lastModified: scene.now + .seconds(1))
    }
}
