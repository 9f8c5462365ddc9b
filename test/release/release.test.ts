/** What a release is made of, as far as no image has to be built for it. */
import { execFileSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "vitest"
import { withImage } from "../../scripts/release/manifests.ts"
import { notesOf } from "../../scripts/release/notes.ts"
import { reproducibleSbom } from "../../scripts/release/sbom.ts"
import { sumsOf } from "../../scripts/release/sums.ts"
import { pluginVersion } from "../../src/cni/call/version.ts"

const changelog = "# Changelog\n\n## 0.2.0 - 2027-01-01\n\n- two\n\n### Kept\n\n## 0.1.0\n\n- one\n\n## 0.0.1\n"

describe("notes", () => {
  it("are what stands below the version's heading", () => {
    assert.strictEqual(notesOf(changelog, "0.2.0"), "- two\n\n### Kept\n")
    assert.strictEqual(notesOf(changelog, "0.1.0"), "- one\n")
  })

  it("are missed by name, before anything is built", () => {
    assert.throws(() => notesOf(changelog, "0.1"), `has no "## 0.1"`)
    assert.throws(() => notesOf(changelog, "0.0.1"), `says nothing below "## 0.0.1"`)
  })

  it("are there for this version", () => {
    assert.include(notesOf(readFileSync("CHANGELOG.md", "utf8"), pluginVersion), "CNI")
  })
})

describe("manifests", () => {
  it("name the published image wherever they named the local one, and are else as they were", () => {
    const text = readFileSync("deploy/macvtap-cni.yaml", "utf8")
    const released = withImage(text, "ghcr.io/example/macvtap-cni:9.9.9")
    const local = /localhost\/macvtap-cni:\S+/g
    assert.isAbove([...text.matchAll(local)].length, 1)
    assert.strictEqual(released, text.replaceAll(local, "ghcr.io/example/macvtap-cni:9.9.9"))
  })
})

describe("SBOM", () => {
  const ask = () =>
    execFileSync("npm", ["sbom", "--package-lock-only", "--sbom-format=cyclonedx"], { encoding: "utf8" })

  it("is npm's, and the same each time", () => {
    const [one, other] = [ask(), ask()]
    assert.notStrictEqual(one, other)
    assert.strictEqual(reproducibleSbom(one), reproducibleSbom(other))
    const document = JSON.parse(reproducibleSbom(one))
    assert.match(
      document.serialNumber,
      /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
    )
    const names = (document.components as ReadonlyArray<{ readonly name: string }>).map(({ name }) => name)
    const { dependencies, devDependencies } = JSON.parse(readFileSync("package.json", "utf8"))
    for (const name of Object.keys(dependencies)) assert.include(names, name)
    for (const name of ["vitest", "typescript"]) {
      assert.property(devDependencies, name)
      assert.notInclude(names, name)
    }
  })

  it("with other contents has another serial number", () => {
    const of = (name: string) => JSON.parse(reproducibleSbom(JSON.stringify({ name, metadata: {} }))).serialNumber
    assert.notStrictEqual(of("a"), of("b"))
  })
})

describe("SHA256SUMS", () => {
  it("are what sha256sum makes of the files", () => {
    const folder = mkdtempSync(join(tmpdir(), "release-"))
    try {
      for (const name of ["b", "a"]) writeFileSync(join(folder, name), `contents of ${name}`)
      const theirs = execFileSync("sha256sum", ["a", "b"], { cwd: folder, encoding: "utf8" })
      assert.strictEqual(sumsOf(folder, ["b", "a"]), theirs)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
