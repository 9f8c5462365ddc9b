/** Lines of the debug log, as a person reads them. */
import { assert, describe, it } from "@effect/vitest"
import { macvtap } from "../../src/link/macvtap.ts"
import { describe as line } from "../../src/netlink/describe.ts"
import { kindProbe, linkAdd, linkDump, linkGet, linkSet, routeAdd } from "../../src/netlink/requests.ts"
import { golden, request } from "../goldens/golden.ts"

describe("describe", () => {
  it("a request to be", () => {
    assert.strictEqual(line(linkGet("net1")), `REQUEST RTM_GETLINK IFNAME "net1" EXT_MASK 8`)
    assert.strictEqual(line(linkDump()), "REQUEST|DUMP RTM_GETLINK EXT_MASK 8")
    assert.strictEqual(
      line(linkAdd({ kind: macvtap, name: "net1", parent: 3, up: true, options: { mode: "vepa" } }, 9)),
      `REQUEST|ACK|EXCL|CREATE RTM_NEWLINK flags up change up IFNAME "net1" LINK 3 NET_NS_FD 9 LINKINFO "macvtap" {"mode":"vepa"}`
    )
    assert.strictEqual(line(linkSet(7, { up: false })), "REQUEST|ACK RTM_NEWLINK index 7 change up")
    assert.strictEqual(
      line(routeAdd({ family: 4, dst: "10.0.0.0", prefix: 8, gw: "10.1.2.1", mtu: 1400 })),
      "REQUEST|ACK|CREATE RTM_NEWROUTE family 2 prefix 8 table 254 type 1 DST 10.0.0.0 GATEWAY 10.1.2.1 METRICS {MTU 1400}"
    )
    assert.include(line(kindProbe(macvtap)), `MTU 4294967295 LINKINFO "macvtap"`)
  })

  it("a request that was sent, and its answer, by their number", () => {
    const { received, sent } = golden("error-words-capped")
    assert.deepStrictEqual([...sent, ...received].map(line), [
      "#7 REQUEST|ACK RTM_NEWLINK index 10 MTU 70000",
      `#7 CAPPED|ACK_TLVS EINVAL "mtu greater than device maximum"`
    ])
  })

  it("what the kernel says of a macvtap: what we know of it, and how much we do not", () => {
    const link = golden("macvtap-show").received.map(line)[0] ?? ""
    assert.match(link, /RTM_NEWLINK index 1234567890 flags up\|allmulti .*IFNAME "tap0" .*\+\d+ more$/)
    assert.include(link, `LINKINFO "macvtap" {"mode":"bridge","flags":[],"bcqueuelen":500,"bcQueueLenUsed":500}`)
  })

  it("routes of several next hops", () => {
    assert.include(
      golden("route-list").received.map(line).join("\n"),
      "DST 10.24.0.0 MULTIPATH [GATEWAY 10.1.2.8 OIF 10] [GATEWAY 10.1.2.9 OIF 10]"
    )
  })

  it("the beginning and the end of a dump", () => {
    const { received, ...rest } = golden("address-dump")
    assert.strictEqual(line(request({ received, ...rest }, 22)), "#7 REQUEST|DUMP RTM_GETADDR index 10")
    assert.strictEqual(line(received.at(-1) ?? linkDump()), "#7 MULTI done")
  })

  it("a message that is none of ours", () => {
    assert.strictEqual(line({ type: 99, flags: 0, body: new Uint8Array(3) }), "type 99, 3 bytes")
  })
})
