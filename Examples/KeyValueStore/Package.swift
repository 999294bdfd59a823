// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "key-value-store",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "cloud-mirror", path: "../.."),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    ],
    targets: [
        .target(
            name: "KeyValueStore",
            dependencies: [
                .product(name: "MirrorStorage", package: "cloud-mirror"),
                .product(name: "MirrorCore", package: "cloud-mirror"),
                .product(name: "NIOCore", package: "swift-nio"),
            ]),
        .testTarget(
            name: "KeyValueStoreTests",
            dependencies: [
                "KeyValueStore",
                .product(name: "MirrorStorage", package: "cloud-mirror"),
                .product(name: "MirrorTesting", package: "cloud-mirror"),
            ]),
    ],
    swiftLanguageModes: [.v6]
)
