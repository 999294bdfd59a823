/// The body of every error answer, whatever the call.
package struct ErrorAnswer: Codable, Sendable, Equatable {
    /// The kind of error: `InputError`, `ResourceNotFound`, …
    package var code: String
    /// What went wrong, in a sentence; contains no path, credential or stack of the mirror.
    package var message: String
    /// The same as `message`, under the original's name.
    package var msg: String
    /// The original's code, if it did not use `code`: `InvalidUrl` or `BadHTTPStatus`.
    package var err: String?
    /// The canonical URL of the artifact that the error is about.
    package var url: String?
    package var requestInfo: RequestInfo

    /// The request that was answered.
    package struct RequestInfo: Codable, Sendable, Equatable {
        /// `GET`, `DELETE`, …
        package var method: String
        package var params: Parameters
        /// When it was answered: RFC 3339, UTC, with milliseconds.
        package var time: String
    }

    package struct Parameters: Codable, Sendable, Equatable {
        /// The request's path without its query, cut off at 2,048 bytes.
        package var path: String
    }

    package init(code: String, message: String, err: String?, url: String?, method: String, path: String, time: String) {
        self.code = code
        self.message = message
        self.msg = message
        self.err = err
        self.url = url
        requestInfo = RequestInfo(method: method, params: Parameters(path: path), time: time)
    }
}
