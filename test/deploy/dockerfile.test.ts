import { spawnSync } from "node:child_process"
import { join } from "node:path"
import { assert, describe, it } from "vitest"
import { root } from "../../scripts/manifests.ts"
import { pluginVersion } from "../../src/cni/call/version.ts"
import { read } from "./documents.ts"

const dockerfile = read("Dockerfile")

describe("the Dockerfile", () => {
  it("makes what npm run image makes: the same libraries, entry point and labels", () => {
    const image = read("scripts/image.ts")
    assert.include(dockerfile, "RUN /libraries.sh ")
    assert.include(image, "scripts/image/libraries.sh")
    assert.match(dockerfile, /^ENTRYPOINT \["\/macvtap"\]$/m)
    assert.include(image, 'Entrypoint: ["/macvtap"]')
    for (const label of ["title", "version", "licenses"]) {
      assert.include(dockerfile, `org.opencontainers.image.${label}=`)
      assert.include(image, `"org.opencontainers.image.${label}":`)
    }
    assert.include(dockerfile, "test -x /plugin/macvtap-client")
    assert.include(dockerfile, `image.version="${pluginVersion}"`)
    assert.include(dockerfile, `macvtap-cni:${pluginVersion}`)
  })

  it("runs nothing on the target's architecture, which would need emulation", () => {
    const stages = dockerfile.split(/^FROM /m).slice(1)
    assert.strictEqual(stages.length, 3)
    for (const stage of stages) {
      assert.isTrue(stage.startsWith("--platform=$BUILDPLATFORM ") || !stage.includes("\nRUN "), stage)
    }
  })

  it("copies only what .dockerignore lets in", () => {
    const allowed = read(".dockerignore")
      .split("\n")
      .flatMap((line) => (line.startsWith("!") ? [line.slice(1)] : []))
    const copied = [...dockerfile.matchAll(/^COPY ([^-.].*) \S+$/gm)].flatMap(([, words = ""]) => words.split(" "))
    assert.isNotEmpty(copied)
    for (const path of copied) {
      assert.isTrue(
        allowed.some((name) => path === name || path.startsWith(`${name}/`)),
        path
      )
    }
  })
})

describe("the script that takes the libraries", () => {
  it("refuses an architecture for which there is no executable, before anything is fetched", () => {
    const { status, stderr } = spawnSync(join(root, "scripts/image/libraries.sh"), ["riscv64", "/nowhere"], {
      encoding: "utf8"
    })
    assert.strictEqual(status, 2)
    assert.match(stderr, /no executable for riscv64\n$/)
  })
})
