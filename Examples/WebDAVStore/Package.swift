// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

let cloudMirror = Target.Dependency.product(name: "CloudMirror", package: "cloud-mirror")
let mirrorCore = Target.Dependency.product(name: "MirrorCore", package: "cloud-mirror")
let mirrorNet = Target.Dependency.product(name: "MirrorNet", package: "cloud-mirror")
let mirrorSettings = Target.Dependency.product(name: "MirrorSettings", package: "cloud-mirror")
let mirrorStorage = Target.Dependency.product(name: "MirrorStorage", package: "cloud-mirror")
let mirrorTesting = Target.Dependency.product(name: "MirrorTesting", package: "cloud-mirror")
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")

let package = Package(
    name: "webdav-store",
    platforms: [.macOS(.v15)],
    dependencies: [
        // Elsewhere: its URL and a version.
        .package(name: "cloud-mirror", path: "../.."),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    ],
    targets: [
        .target(
            name: "WebDAVStorage",
            dependencies: [mirrorStorage, mirrorSettings, mirrorNet, mirrorCore, nioCore, nioHTTP1],
            swiftSettings: settings),
        .executableTarget(name: "webdav-mirror", dependencies: ["WebDAVStorage", cloudMirror], swiftSettings: settings),
        .testTarget(
            name: "WebDAVStorageTests",
            dependencies: [
                "WebDAVStorage", mirrorStorage, mirrorSettings, mirrorNet, mirrorTesting, mirrorCore, nioCore, nioHTTP1, nioPosix,
            ],
            swiftSettings: settings),
    ],
    swiftLanguageModes: [.v6]
)
