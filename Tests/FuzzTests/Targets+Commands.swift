import MirrorCore

@testable import CloudMirror

extension FuzzTarget {
    /// What the commands read of the answers of mirrors and origins.
    static let commands: [FuzzTarget] = [
        FuzzTarget(
            "answer-json",
            seeds: [
                #"{"replicas":[]}"#,
                #"{"replicas":[{"url":"u","pool":"a/b","state":"error","size":1500,"error":{"reason":"origin","status":404,"message":"m","retryAt":"t"}}]}"#,
                #"{"next":"n","replicas":[{"url":"u","pool":"a/b","state":"present","size":1500,"new":[{}]}]}"#,
            ],
            words: ["{", "}", "[", "]", ":", ",", "\"", "null", "true", "1e999", "-0", "\\u0000", "\\ud800", "[[[[[[[["]
        ) { bytes in
            do {
                let _: WholeAnswer<ReplicasCall.Answer> = try JSONText.decode(bytes)
            } catch let error as DecodingError {
                try require(!error.words.isEmpty, "no words for \(error)")
                throw error
            }
        }
    ]
}
