import MirrorCore
import Testing

@Suite struct ReloadableTests {
    @Test("A value has a version of its own from each replacement on")
    func versions() {
        let setting = Reloadable("a")
        var versions = [setting.version]
        // Also by the same.
        for value in ["b", "b", "a"] {
            setting.replace(with: value)
            #expect(setting.value == value)
            #expect(setting.versioned.value == value)
            #expect(setting.versioned.version == setting.version)
            versions.append(setting.version)
        }
        #expect(Set(versions).count == 4)
    }
}
