import MirrorCore
import NIOHTTP1

/// What the end of a file's name says of its bytes.
enum FileType {
    /// Endings of what is never a web page. What stands behind `.tar.` is not asked for.
    private static let noPages: Set<String> = Set(
        [
            // Archives and compressed files.
            "7z br bz2 cab cpio gz lz lz4 lzma lzo rar sz tar tbz tbz2 tgz tlz txz tzst xar xz z zip zst",
            // Packages.
            "aab aar apk appimage appx conda crate crx deb ear egg flatpak gem hpi ipa jar jmod msix nar nupkg phar pkg rpm snap snupkg",
            "udeb vsix war whl xpi",
            // Programs, libraries and images of disks.
            "bin class dll dmg dylib elf exe img iso msi o ova pdb qcow2 rom run so squashfs vdi vhd vhdx vmdk wasm",
            // Models and data.
            "arrow avro bam ckpt ggml gguf h5 hdf5 joblib keras mar mlmodel nc npy npz onnx orc parquet pb pickle pkl pt pth rds",
            "safetensors sqlite tfrecord tflite",
            // Pictures, sound and documents of bytes.
            "avi flac gif jpeg jpg mkv mov mp3 mp4 ogg otf pdf png tif tiff ttf wav webm webp woff woff2",
        ].flatMap { $0.split(separator: " ").map(String.init) })

    /// Whether the last component of a URL's path says that this is no web page.
    static func isNoPage(_ url: ArtifactURL) -> Bool {
        guard let last = url.path.utf8.split(separator: UInt8(ascii: "/")).last,
            // Without the parameters that some servers put behind a name: `a.zip;v=1`.
            let name = last.split(separator: UInt8(ascii: ";")).first
        else { return false }
        let words = String(Substring(name)).lowercased().utf8.split(separator: UInt8(ascii: ".")).map { String(Substring($0)) }
        guard words.count > 1, let ending = words.last else { return false }
        return noPages.contains(ending) || words.dropLast().last == "tar"
    }
}

extension OriginResponse {
    /// The media type, where it is that of a web page.
    var pageType: String? {
        guard let field = headers.first(name: "Content-Type") else { return nil }
        let type = field.lowercased().prefix { $0 != ";" && $0 != "," }.filter { $0 != " " && $0 != "\t" }
        return ["text/html", "application/xhtml+xml"].contains(type) ? type : nil
    }
}
