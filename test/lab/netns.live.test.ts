import { assert, describe, it } from "vitest"
import { ipLink, ipLinks } from "./ip.ts"
import { hasMacvtap } from "./machine.ts"
import { makeHost, makeNetns } from "./netns.ts"
import { run } from "./run.ts"

describe.skipIf(!hasMacvtap)("namespaces of tests", () => {
  it("are there within the block and gone after it", async () => {
    let name: string
    {
      await using wire = await makeNetns("e2-support")
      await using host = await makeHost("e2-support", wire)
      name = host.name
      assert.strictEqual((await ipLink(host.name, "eth0"))?.linkinfo?.info_kind, "veth")
      assert.deepStrictEqual((await ipLinks(wire.name)).map((link) => link.ifname).sort(), ["lo", "wire0"])
    }
    const list = await run("ip", ["netns", "list"])
    assert.notInclude(list.stdout, name)
  })
})
