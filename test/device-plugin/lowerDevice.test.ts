import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { chooseLowerDevice, isFit, matchesPattern } from "../../src/device-plugin/offer/lowerDevice.ts"
import type { Link } from "../../src/link/Link.ts"
import { unknownHardware } from "../../src/services/HardwareService.ts"
import { plainLink as link } from "../lab/link.ts"
import { card } from "../lab/node/world.ts"

describe("a pattern", () => {
  it.each([
    ["eth*", "eth0", true],
    ["eth*", "eth", true],
    ["eth*", "xeth0", false],
    ["eth?", "eth10", false],
    ["en[op]?", "enp", false],
    ["en[op]?", "enp3", true],
    ["en[!op]?", "enp3", false],
    ["en[!op]?", "ens3", true],
    ["eth[0-3]", "eth2", true],
    ["eth[0-3]", "eth4", false],
    ["eth[", "eth[", true],
    ["e.h0", "eth0", false],
    ["*", "anything", true]
  ])("%s matches %s: %s", (pattern, name, expected) => assert.strictEqual(matchesPattern(pattern, name), expected))

  it.prop("never throws", [Schema.String, Schema.String], ([pattern, name]) => {
    assert.include([true, false], matchesPattern(pattern, name))
  })
})

describe("the lower device of a resource", () => {
  const links = ["lo", "eth10", "eth2", "ens3"].map((name, n) => link(name, n + 1))
  it.each([
    [["eth0"], "eth0"],
    [["eth0", "eth2"], "eth2"],
    [["eth*"], "eth2"],
    [["wlan*", "ens3", "eth2"], "ens3"],
    [["eth0", "wlan*"], undefined],
    [["*"], "ens3"]
  ])("%j on this node is %s", (wanted, expected) => assert.strictEqual(chooseLowerDevice(wanted, links), expected))

  it("is never by a pattern what a plugin has made", () => {
    const made = [link("mvt0", 5, { kind: "macvtap" }), link("mv0", 6, { kind: "macvlan" })]
    assert.isUndefined(chooseLowerDevice(["m*"], made))
    assert.strictEqual(chooseLowerDevice(["eno1", "mv0"], made), "mv0")
  })
})

describe("discovery", () => {
  const bond = link("bond0", 9, { kind: "bond" })
  const bridge = link("br0", 10, { kind: "bridge" })
  const fits = (one: Link, hardware = card) => isFit(one, hardware, [one, bond, bridge])

  it("takes physical links and bonds", () => {
    assert.isTrue(fits(link("eth0", 2)))
    assert.isTrue(fits(link("eth0.100", 2)))
    assert.isTrue(fits(bond, unknownHardware))
  })

  it.each([
    ["the loopback, teql and what else has no device", link("teql0", 3), unknownHardware],
    ["a veth", link("veth0", 3, { kind: "veth" }), card],
    ["a VLAN", link("eth0.5", 3, { kind: "vlan" }), unknownHardware],
    ["a tunnel", link("tunl0", 3, { kind: "ipip" }), unknownHardware],
    ["a bridge", bridge, unknownHardware],
    ["InfiniBand, CAN, a modem", link("ib0", 3), { ...card, ethernet: false }],
    ["Wi-Fi", link("wlan0", 3), { ...card, wireless: true }],
    ["Thunderbolt", link("thunderbolt0", 3), { ...card, bus: "thunderbolt" }],
    ["a bond's port", link("eth1", 3, { controller: 9 }), card],
    ["a bridge's port", link("eth1", 3, { controller: 10 }), card],
    ["a name that no resource can have", link("eth0_", 3), card]
  ])("does not take %s", (_, one, hardware) => assert.isFalse(fits(one, hardware)))
})

it("a pattern never means the loopback link, however it sorts", () => {
  const lo = link("lo", 1)
  assert.strictEqual(chooseLowerDevice(["*"], [lo, link("wan0", 2)]), "wan0")
  assert.isUndefined(chooseLowerDevice(["l*", "?o"], [lo]))
})
