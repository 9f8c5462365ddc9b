/** The answers to VERSION and to a person, as the Go library gives them. */
import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { aboutText, pluginVersion, versionDocument } from "../../src/cni/call/version.ts"

describe("versions", () => {
  it("VERSION is compact JSON and a newline", () => {
    assert.strictEqual(
      versionDocument,
      '{"cniVersion":"1.1.0","supportedVersions":["0.1.0","0.2.0","0.3.0","0.3.1","0.4.0","1.0.0","1.1.0"]}\n'
    )
  })
  it("about", () => {
    assert.strictEqual(
      aboutText("macvtap"),
      `CNI macvtap plugin version ${pluginVersion}\n` +
        "CNI protocol versions supported: 0.1.0, 0.2.0, 0.3.0, 0.3.1, 0.4.0, 1.0.0, 1.1.0\n"
    )
  })
  it("the plugin's own is that of package.json", () => {
    const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"))
    assert.strictEqual(pluginVersion, version)
  })
})
