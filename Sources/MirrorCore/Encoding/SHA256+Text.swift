package import Crypto

extension SHA256 {
    /// Of the text's own bytes in UTF-8: a copy of them would cost as much as a part of the hash.
    package static func hash(of text: String) -> SHA256Digest {
        var text = text
        return text.withUTF8 { bytes in
            var hash = SHA256()
            hash.update(bufferPointer: UnsafeRawBufferPointer(bytes))
            return hash.finalize()
        }
    }
}
