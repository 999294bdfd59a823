import CloudMirror

await CloudMirror.run(services: .standard)
