import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "vitest"
import { hasExecutable, hasMacvtap } from "../../lab/machine.ts"
import { makeNode } from "../../lab/node/node.ts"
import { run } from "../../lab/run.ts"

const config = [{ name: "dataplane", lowerDevice: "eth0", capacity: 100 }]
/** MiB that the daemon may ever have in memory, pages of the executable included. */
const memory = 96
const seconds = 4

const peak = (pid: number): number => {
  const status = readFileSync(`/proc/${pid}/status`, "utf8")
  return Math.round(Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024)
}

/** As flood.ts names them. */
const kinds = [...readFileSync(new URL("flood.ts", import.meta.url), "utf8").matchAll(/^ {2}"([^"]+)": \{/gm)].map(
  ([, kind = ""]) => kind
)

describe.skipIf(!hasMacvtap || !hasExecutable)("the device plugin, flooded with", () => {
  it.each(kinds)("%s: stays small, and answers the kubelet within a second", async (kind) => {
    await using node = await makeNode("flood")
    const daemon = node.daemon(config)
    await node.kubelet.healthy("dataplane", 100)
    const program = fileURLToPath(new URL("flood.ts", import.meta.url))
    const flood = run(process.execPath, [
      program,
      kind,
      `${node.kubelet.folder}/macvtap-dataplane.sock`,
      String(seconds)
    ])
    const times: Array<number> = []
    const end = Date.now() + seconds * 1000
    while (Date.now() < end) {
      const start = Date.now()
      await node.kubelet.allocate(`pod${times.length}`, "dataplane")
      times.push(Date.now() - start)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    assert.strictEqual((await flood).status, 0, (await flood).stderr)
    assert.isBelow(peak(daemon.pid), memory, "MiB")
    assert.isBelow(Math.max(...times), 1000, "ms")
    assert.lengthOf(node.kubelet.registrations, 1)
  })
})
