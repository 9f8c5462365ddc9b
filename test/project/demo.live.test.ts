/** `npm run demo` on this kernel: it works, and leaves nothing behind, however it ends. */
import { spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { resolve } from "node:path"
import { assert, describe, it } from "vitest"
import { hasMacvtap } from "../lab/machine.ts"
import { run, until } from "../lab/run.ts"

const demo = [process.execPath, "scripts/demo.ts"] as const

/** The namespace that the demo names; another's of that name, on this machine, is no business of ours. */
const netns = "/run/netns/ns1"
const others = existsSync(netns)

/** Waits until nothing is left of the tap that the demo showed, nor of the namespace. */
const nothingIsLeft = (said: string): Promise<void> => {
  const paths = [/\/dev\/tap\d+/.exec(said)?.[0] ?? "/nowhere", ...(others ? [] : [netns])]
  return until("everything is gone", () => !paths.some((path) => existsSync(path)))
}

describe.skipIf(!hasMacvtap)("the demo", () => {
  it("makes a macvtap, checks it and takes it back", async () => {
    const { status, stdout, stderr } = await run(demo[0], [demo[1]])
    assert.deepStrictEqual({ status, stderr }, { status: 0, stderr: "" })
    assert.match(stdout, /eth2@if\d+: <BROADCAST,MULTICAST,ALLMULTI,UP,LOWER_UP> mtu 1500/)
    assert.match(stdout, /link\/ether 02:03:04:05:06:07/)
    assert.match(stdout, /crw-rw---- 1 107 107 /)
    const times = ["ADD", "DEL", "ADD", "DEL", "ADD", "CHECK", "DEL"].map((command) => `${command} [\\d.]+ ms`)
    assert.match(stdout, new RegExp(times.join(", ")))
    // The seed's configuration, word for word, and what it is answered at the version that is meant by none.
    const seed = '{"name":"mynet","type":"macvtap","master":"eth0","mode":"bridge","mtu":1500'
    assert.include(stdout, `${seed}}\n`)
    assert.include(stdout, `${seed},"deviceID":"macvtap0"}\n`)
    assert.strictEqual([...stdout.matchAll(/\{\n {4}"cniVersion": "0\.1\.0",\n {4}"dns": \{\}\n\}/g)].length, 2)
    assert.match(stdout, /CNI_IFNAME=eth2 CNI_PATH=\S+ CNI_ARGS="MAC=02:03:04:05:06:07"/)
    assert.notInclude(stdout, "simulated")
    await nothingIsLeft(stdout)
  })

  it("works without root, in a user namespace", async (context) => {
    const nobody = ["--reuid", "65534", "--regid", "65534", "--clear-groups"]
    const readable = await run("setpriv", [...nobody, "test", "-r", resolve("scripts/demo.ts")])
    if (readable.status !== 0) context.skip("another user than root cannot read this folder")
    const { status, stdout, stderr } = await run("setpriv", [...nobody, ...demo])
    assert.deepStrictEqual({ status, stderr }, { status: 0, stderr: "" })
    assert.match(stdout, /link\/ether 02:03:04:05:06:07|\[simulated\]/)
    assert.notMatch(stdout, /not here, macvtap agent/)
    await nothingIsLeft(stdout)
  })

  it.each(["SIGINT", "SIGTERM", "SIGKILL"] as const)("leaves nothing behind when ended by %s", async (signal) => {
    const child = spawn(demo[0], [demo[1]], { stdio: ["ignore", "pipe", "inherit"] })
    let said = ""
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      said += text
    })
    const closed = new Promise<number | null>((resolve) => child.on("close", resolve))
    await until("the tap is there", () => said.includes("crw-"))
    child.kill(signal)
    assert.notStrictEqual(await closed, 0)
    await nothingIsLeft(said)
  })
})
