import CloudMirror
import WebDAVStorage

await CloudMirror.run(services: .standard + [WebDAVService.self])
