import Foundation
import TestServers

/// botocore in a Python process: a second implementation of what is tested here.
enum BotocorePeer {
    static func answers<Question: Encodable>(to questions: [Question]) async throws -> [String] {
        try await PythonPeer(script: SigningVectors.url("botocore_peer.py").path).answers(to: questions)
    }
}
