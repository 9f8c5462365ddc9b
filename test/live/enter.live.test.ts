import { fileURLToPath } from "node:url"
import { assert, describe, it } from "vitest"
import { hasMacvtap } from "../lab/machine.ts"
import { makeNetns } from "../lab/netns.ts"
import { must } from "../lab/run.ts"

const script = fileURLToPath(new URL("strand.ts", import.meta.url))

describe.skipIf(!hasMacvtap)("a thread", () => {
  it("comes back from each step", async () => {
    await using pod = await makeNetns("live-enter")
    const said = JSON.parse(await must(process.execPath, [script, pod.path, "stay"]))
    assert.deepStrictEqual(said, { first: "done", second: "done", ran: 2, home: true })
  })

  it("that could not come back does nothing more", async () => {
    await using pod = await makeNetns("live-enter")
    const said = JSON.parse(await must(process.execPath, [script, pod.path, "drop"]))
    assert.deepStrictEqual(said, { first: "Stranded", second: "Stranded", ran: 1, home: false })
  })

  it("does not leave where the way back is not its own", async () => {
    // A user namespace that owns the new network namespace, but not the one it came from.
    const words = `unshare --net sleep 20 & sleep 0.3; "$0" "$1" /proc/$!/ns/net stay; kill $!`
    const said = JSON.parse(await must("unshare", ["-Ur", "sh", "-c", words, process.execPath, script]))
    assert.deepStrictEqual(said, { first: "SystemError", second: "SystemError", ran: 0, home: true })
  })
})
