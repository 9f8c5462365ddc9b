/** The shape of our result at every version: the key sets of the Go library's pkg/types/{020,040,100}. */
import { assert, describe, it } from "@effect/vitest"
import { supportedVersions } from "../../src/cni/call/version.ts"
import { encodeResult } from "../../src/cni/result/encodeResult.ts"
import { parseCidr, parseIp } from "../../src/cni/result/Ip.ts"
import { emptyResult, type Result } from "../../src/cni/result/Result.ts"

const cidr = (text: string) => parseCidr(text) ?? assert.fail(text)
const ip = (text: string) => parseIp(text) ?? assert.fail(text)

const full: Result = {
  interfaces: [
    { name: "eth0" },
    {
      name: "net1",
      mac: "02:03:04:05:06:07",
      mtu: 1400,
      sandbox: "/run/netns/c1",
      socketPath: "/s",
      pciID: "0000:00:01.0"
    }
  ],
  ips: [
    { interface: 1, address: cidr("10.1.2.3/24"), gateway: ip("10.1.2.1") },
    { interface: 0, address: cidr("10.9.9.9/32") },
    { address: cidr("FD00::0:1/64") }
  ],
  routes: [
    { dst: cidr("0.0.0.0/0") },
    { dst: cidr("192.168.7.5/24"), gw: ip("10.1.2.9"), mtu: 1300, advmss: 1200, priority: 5, table: 0, scope: 0 },
    { dst: cidr("::/0"), gw: ip("FD00::9"), table: 100, scope: 253 }
  ],
  dns: { nameservers: ["10.1.2.1"], domain: "d", search: ["s"], options: ["o"] }
}

const dns = { nameservers: ["10.1.2.1"], domain: "d", search: ["s"], options: ["o"] }

const routes = [
  { dst: "0.0.0.0/0" },
  { dst: "192.168.7.5/24", gw: "10.1.2.9", mtu: 1300, advmss: 1200, priority: 5, table: 0, scope: 0 },
  { dst: "::/0", gw: "fd00::9", table: 100, scope: 253 }
]

/** 1.0.0 and 1.1.0. */
const shape100 = {
  interfaces: full.interfaces,
  ips: [
    { interface: 1, address: "10.1.2.3/24", gateway: "10.1.2.1" },
    { interface: 0, address: "10.9.9.9/32" },
    { address: "fd00::1/64" }
  ],
  routes,
  dns
}

const shape030 = {
  interfaces: [{ name: "eth0" }, { name: "net1", mac: "02:03:04:05:06:07", sandbox: "/run/netns/c1" }],
  ips: [
    { version: "4", interface: 1, address: "10.1.2.3/24", gateway: "10.1.2.1" },
    { version: "4", interface: 0, address: "10.9.9.9/32" },
    { version: "6", address: "fd00::1/64" }
  ],
  routes,
  dns
}

const shape010 = {
  ip4: {
    ip: "10.1.2.3/24",
    gateway: "10.1.2.1",
    routes: [{ dst: "0.0.0.0/0" }, { dst: "192.168.7.5/24", gw: "10.1.2.9" }]
  },
  ip6: { ip: "fd00::1/64", routes: [{ dst: "::/0", gw: "fd00::9" }] },
  dns
}

const shapes: Readonly<Record<string, object>> = {
  "0.1.0": shape010,
  "0.2.0": shape010,
  "0.3.0": shape030,
  "0.3.1": shape030,
  "0.4.0": shape030,
  "1.0.0": shape100,
  "1.1.0": shape100
}

const encoded = (result: Result, version: string): unknown => JSON.parse(encodeResult(result, version))

describe("a result", () => {
  for (const version of supportedVersions) {
    it(`with everything, at ${version}`, () => {
      assert.deepStrictEqual(encoded(full, version), { cniVersion: version, ...shapes[version] })
    })
  }

  const l2: Result = {
    ...emptyResult,
    interfaces: [{ name: "net1", mac: "02:03:04:05:06:07", mtu: 1500, sandbox: "/n" }]
  }
  for (const version of ["0.1.0", "0.2.0"]) {
    it(`without an address at ${version}: nothing but dns`, () => {
      assert.deepStrictEqual(encoded(l2, version), { cniVersion: version, dns: {} })
    })
  }
  it("without an address at 0.4.0: dns is always there", () => {
    assert.deepStrictEqual(encoded(l2, "0.4.0"), {
      cniVersion: "0.4.0",
      interfaces: [{ name: "net1", mac: "02:03:04:05:06:07", sandbox: "/n" }],
      dns: {}
    })
  })
  it("without an address at 1.1.0: dns only where there is some", () => {
    assert.deepStrictEqual(encoded(l2, "1.1.0"), { cniVersion: "1.1.0", interfaces: l2.interfaces })
  })
  it("that is empty", () => {
    assert.deepStrictEqual(encoded(emptyResult, "0.3.0"), { cniVersion: "0.3.0", dns: {} })
    assert.deepStrictEqual(encoded(emptyResult, "1.0.0"), { cniVersion: "1.0.0" })
  })
  it("drops the routes of a family without an address at 0.2.0", () => {
    const onlyV6 = { ...full, ips: full.ips.slice(2) }
    assert.deepStrictEqual(encoded(onlyV6, "0.2.0"), { cniVersion: "0.2.0", ip6: shape010.ip6, dns })
  })
  it("is indented by 4 spaces, without a newline at its end", () => {
    assert.strictEqual(encodeResult(emptyResult, "0.4.0"), '{\n    "cniVersion": "0.4.0",\n    "dns": {}\n}')
  })
})
