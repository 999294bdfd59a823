import MirrorCore
import NIOHTTP1

/// What a file name extension says about the content.
enum FileType {
    /// Extensions of files that are never web pages. After `.tar.`, any extension counts.
    private static let noPages: Set<String> = Set(
        [
            // Archives and compressed files.
            "7z br bz2 cab cpio gz lz lz4 lzma lzo rar sz tar tbz tbz2 tgz tlz txz tzst xar xz z zip zst",
            // Packages.
            "aab aar apk appimage appx conda crate crx deb ear egg flatpak gem hpi ipa jar jmod msix nar nupkg phar pkg rpm snap snupkg",
            "udeb vsix war whl xpi",
            // Programs, libraries and disk images.
            "bin class dll dmg dylib elf exe img iso msi o ova pdb qcow2 rom run so squashfs vdi vhd vhdx vmdk wasm",
            // Models and data.
            "arrow avro bam ckpt ggml gguf h5 hdf5 joblib keras mar mlmodel nc npy npz onnx orc parquet pb pickle pkl pt pth rds",
            "safetensors sqlite tfrecord tflite",
            // Pictures, sound, fonts and binary documents.
            "avi flac gif jpeg jpg mkv mov mp3 mp4 ogg otf pdf png tif tiff ttf wav webm webp woff woff2",
        ].flatMap { $0.split(separator: " ").map(String.init) })

    /// Whether the last component of a URL's path says that this is not a web page.
    static func isNoPage(_ url: ArtifactURL) -> Bool {
        guard let last = url.path.utf8.split(separator: UInt8(ascii: "/")).last,
            // Without the parameters that some servers append to a name: `a.zip;v=1`.
            let name = last.split(separator: UInt8(ascii: ";")).first
        else { return false }
        let words = String(Substring(name)).lowercased().utf8.split(separator: UInt8(ascii: ".")).map { String(Substring($0)) }
        guard words.count > 1, let ending = words.last else { return false }
        return noPages.contains(ending) || words.dropLast().last == "tar"
    }
}

extension OriginResponse {
    /// The media type, if it is that of a web page; otherwise `nil`.
    var pageType: String? {
        guard let field = headers.first(name: "Content-Type") else { return nil }
        let type = field.lowercased().prefix { $0 != ";" && $0 != "," }.filter { $0 != " " && $0 != "\t" }
        return ["text/html", "application/xhtml+xml"].contains(type) ? type : nil
    }
}
