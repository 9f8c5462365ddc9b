import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import { help, parseOptions } from "../../src/device-plugin/options.ts"

describe("the daemon's command line", () => {
  it("has defaults", () => {
    assert.deepStrictEqual(Result.getOrThrow(parseOptions([])), {
      kubelet: "/var/lib/kubelet/device-plugins",
      state: "/var/lib/macvtap-cni",
      level: "Info"
    })
  })

  it("says everything", () => {
    const args = "--config /c.json --kubelet-dir /k/ --state-dir=/s --listen [::1]:9 --log-level debug".split(" ")
    assert.deepStrictEqual(Result.getOrThrow(parseOptions(args)), {
      config: "/c.json",
      kubelet: "/k",
      state: "/s",
      listen: { host: "::1", port: 9 },
      level: "Debug"
    })
  })

  it("has help that names every option", () => {
    assert.strictEqual(Result.getOrThrow(parseOptions(["--help", "--log-level", "info"])), "help")
    for (const option of ["--config", "--kubelet-dir", "--state-dir", "--listen", "--log-level", "DP_MACVTAP_CONF"]) {
      assert.include(help, option)
    }
  })

  it.each([
    [["--bogus"], /--bogus/],
    [["extra"], /extra/],
    [["--config"], /--config/],
    [["--listen", "nowhere"], /--listen is "nowhere", but must be HOST:PORT/],
    [["--log-level", "loud"], /--log-level is "loud", but must be debug, info, warning, error/],
    [["--state-dir", "relative"], /absolute/]
  ])("%j is wrong", (args, words) => {
    const parsed = parseOptions(args)
    assert.match(Result.isFailure(parsed) ? parsed.failure : "", words)
  })
})
