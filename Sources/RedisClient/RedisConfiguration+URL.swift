/// To be replaced.
package struct RedisURLError: Error, CustomStringConvertible {
    package var description: String
}

extension RedisConfiguration {
    package init(url: String) throws(RedisURLError) {
        guard url.hasPrefix("redis") else { throw RedisURLError(description: "is no URL of a Redis") }
        self.init(addresses: [Address(host: "127.0.0.1", port: 6379)])
    }
}
