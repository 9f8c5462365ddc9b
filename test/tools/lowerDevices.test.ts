import { assert, describe, it } from "vitest"
import type { Link } from "../../src/link/Link.ts"
import { lowerDevices } from "../../src/tools/doctor/host/lowerDevices.ts"
import { plainLink as link } from "../lab/link.ts"

const resources = { lan: { lowerDevice: "eth0", mode: "bridge", capacity: 1, standalone: false } }

const judge = (host: ReadonlyArray<Link>) =>
  lowerDevices(
    { host, links: [], unseen: [], records: { records: [], problems: [] }, hostRoutes: [] },
    resources,
    [],
    "/nowhere"
  ).map(({ status, says }) => `${status}: ${says}`)

describe("lower devices", () => {
  it("cannot have macvtaps beside ipvlans", () => {
    const eth0 = link("eth0", 2)
    assert.deepStrictEqual(judge([eth0, link("ipv0", 3, { kind: "ipvlan", parent: { index: 2 } })]), [
      `wrong: ipv0 on it is an ipvlan, beside which there can be no macvtaps (EBUSY) (resource "lan")`
    ])
    assert.match(judge([eth0, link("ipv0", 3, { kind: "ipvlan", parent: { index: 9 } })])[0] ?? "", /^fine/)
  })

  it("may be ports of something in another namespace", () => {
    assert.match(
      judge([link("eth0", 2, { controller: 7 })])[0] ?? "",
      /^wrong: it is a port of the link with ifindex 7/
    )
  })

  it("are asked for by name", () => {
    assert.deepStrictEqual(judge([]), [`wrong: there is no such link (resource "lan")`])
  })
})
