/** What names, metrics and addresses follow from. */
import { assert, describe, it } from "vitest"
import { readAlias } from "../../src/cni/identity/alias.ts"
import {
  hostLinkAlias,
  hostLinkMac,
  hostLinkName,
  hostRouteMetric,
  isHostLink,
  linkLocalOf
} from "../../src/cni/identity/hostAccess.ts"
import type { Link } from "../../src/link/Link.ts"
import { parseMac } from "../../src/wire/mac.ts"
import { plainLink } from "../lab/link.ts"

const parent = plainLink("eth0", 2, { mac: "02:ee:00:00:00:01" })
const own: Link = {
  ...parent,
  index: 9,
  name: "mvhost2",
  kind: "macvlan",
  parent: { index: 2 },
  options: { mode: "bridge" },
  alias: hostLinkAlias,
  mac: hostLinkMac(parent)
}

describe("identity of host access", () => {
  it("names fit the kernel's limit for every ifindex, and differ", () => {
    assert.strictEqual(hostLinkName({ index: 2 }), "mvhost2")
    assert.isAtMost(hostLinkName({ index: 2 ** 31 - 1 }).length, 15)
    assert.notStrictEqual(hostLinkName({ index: 36 }), hostLinkName({ index: 37 }))
  })

  it("MAC addresses are locally administered, unicast, and the master's own", () => {
    const mac = hostLinkMac(parent)
    assert.strictEqual(parseMac(mac), mac)
    assert.match(mac, /^02:/)
    assert.strictEqual(hostLinkMac(parent), mac)
    assert.notStrictEqual(hostLinkMac({ mac: "02:ee:00:00:00:02" }), mac)
  })

  it("link-local addresses are what the kernel makes of a MAC", () => {
    assert.strictEqual(linkLocalOf("02:03:04:05:06:07"), "fe80::3:4ff:fe05:607")
    assert.strictEqual(linkLocalOf("00:11:22:33:44:55"), "fe80::211:22ff:fe33:4455")
  })

  it("metrics are an attachment's, never 0, and stay what they are in later versions", () => {
    assert.strictEqual(hostRouteMetric("macvtap-cni:lan/c1/net1"), hostRouteMetric("macvtap-cni:lan/c1/net1"))
    assert.strictEqual(hostRouteMetric("macvtap-cni:lan/c1/net1"), 1629274112)
    const all = new Set(Array.from({ length: 2000 }, (_, i) => hostRouteMetric(`macvtap-cni:lan/c${i}/net1`)))
    assert.strictEqual(all.size, 2000)
    for (const metric of all) assert.isTrue(metric > 0 && metric < 2 ** 32)
  })

  it("a link is the host's own by its alias, or by its MAC address where it has no alias yet, and by nothing else", () => {
    assert.isTrue(isHostLink(own, parent))
    const { alias: _, ...bare } = own
    assert.isTrue(isHostLink(bare, parent))
    const others: ReadonlyArray<Link> = [
      { ...bare, mac: "02:00:00:00:00:01" },
      { ...own, alias: "somebody's" },
      { ...own, kind: "macvtap" },
      { ...own, options: { mode: "private" } },
      { ...own, parent: { index: 3 } },
      { ...own, parent: { index: 2, netnsid: 0 } }
    ]
    for (const other of others) assert.isFalse(isHostLink(other, parent))
  })

  it("its alias is no attachment's", () => {
    assert.isUndefined(readAlias(hostLinkAlias))
  })
})
