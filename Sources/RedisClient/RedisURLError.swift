/// What is wrong with the URL of a Redis, and what to write instead. Holds nothing of the URL but its words for host, path and query.
package struct RedisURLError: Error, Sendable, Hashable, CustomStringConvertible {
    package var description: String
}
