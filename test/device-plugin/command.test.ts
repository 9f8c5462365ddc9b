import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Command } from "../../src/command/Command.ts"
import { commandHelp } from "../../src/command/help.ts"
import { parse } from "../../src/command/parse.ts"
import { devicePlugin, type Options, readOptions } from "../../src/device-plugin/command.ts"

/** What the daemon is told by a command line, or what is wrong with that. */
const optionsOf = (args: ReadonlyArray<string>): Result.Result<Options, string> =>
  Effect.runSync(
    Effect.fromResult(parse(devicePlugin.options, args)).pipe(
      Effect.flatMap((parsed) => (parsed.help ? Effect.die("asked for help") : readOptions(parsed.values))),
      Effect.mapError(({ problem }) => problem),
      Effect.result
    )
  )

describe("the daemon's command line", () => {
  it("has defaults", () => {
    assert.deepStrictEqual(Result.getOrThrow(optionsOf([])), {
      kubelet: "/var/lib/kubelet/device-plugins",
      state: "/var/lib/macvtap-cni",
      checksOwner: true,
      level: "Info"
    })
  })

  it("says everything", () => {
    const args =
      "--config /c.json --kubelet-dir /k/ --state-dir=/s --listen [::1]:9 --log-level debug --no-owner-check".split(" ")
    assert.deepStrictEqual(Result.getOrThrow(optionsOf(args)), {
      config: "/c.json",
      kubelet: "/k",
      state: "/s",
      checksOwner: false,
      listen: { host: "::1", port: 9 },
      level: "Debug"
    })
  })

  it("has help that names every option, the variable and what a configuration is", () => {
    const help = commandHelp(devicePlugin as unknown as Command)
    for (const option of [
      "--config",
      "--kubelet-dir",
      "--state-dir",
      "--listen",
      "--log-level",
      "--no-owner-check",
      "DP_MACVTAP_CONF"
    ])
      assert.include(help, option)
    assert.match(help, /^ {2}\[\{ "name": "dataplane", .*\}\]$/m)
  })

  it.each([
    [["--bogus"], /--bogus/],
    [["extra"], /extra/],
    [["--config"], /--config/],
    [["--config", "c.json"], /--config is "c.json", but must be an absolute path/],
    [["--listen", "nowhere"], /--listen is "nowhere", but must be HOST:PORT/],
    [["--log-level", "loud"], /--log-level is "loud", but must be debug, info, warning, error/],
    [["--state-dir", "relative"], /absolute/]
  ])("%j is wrong", (args, words) => {
    const parsed = optionsOf(args)
    assert.match(Result.isFailure(parsed) ? parsed.failure : "", words)
  })
})
