/** ADD answers what is there: its result, and its configuration, against the kernel. */
import { assert } from "vitest"
import { encodeAlias } from "../../../src/cni/identity/alias.ts"
import type { Kernel } from "../../../src/mock/Kernel.ts"
import { deviceOf } from "../../../src/mock/kernel/taps.ts"
import { assertResult, type ResultDocument } from "../../lab/call/wellFormed.ts"
import { isImport, type Scenario } from "./scenario.ts"
import { deviceMac, expectedMac, sandbox } from "./world.ts"

const modeOf = (scenario: Scenario): string =>
  scenario.mode || (isImport(scenario) || scenario.source === "reserved" ? scenario.deviceMode : "bridge")

const mtuOf = (scenario: Scenario): number => scenario.mtu || (isImport(scenario) ? scenario.deviceMtu : 1500)

/** Every address and route of the result that is ours, on the link. */
const assertAddresses = (kernel: Kernel, scenario: Scenario, result: ResultDocument): void => {
  const pod = kernel.inside(sandbox)
  const offset = scenario.chained ? 2 : 0
  const ours =
    result.ips?.filter(({ interface: index }) => index === offset).map(({ address }) => address) ??
    (scenario.chained ? [] : [result.ip4?.ip, result.ip6?.ip].filter((ip) => ip !== undefined))
  const has = pod.addresses(scenario.ifname).map(({ address, prefix }) => `${address}/${prefix}`)
  for (const address of ours) assert.include(has, address)
  if (scenario.ipam !== undefined && !scenario.chained) assert.isNotEmpty(ours)
  const routes = pod.routes().map((route) => `${route.dst}/${route.prefix}`)
  for (const { dst } of result.routes ?? []) assert.include(routes, dst)
}

/** `whole`: no step of those that may fail was refused. */
export const assertIsThere = (kernel: Kernel, scenario: Scenario, stdout: string, whole = true): void => {
  const result = assertResult(stdout, scenario.cniVersion)
  const { link: find } = kernel.inside(sandbox)
  const link = find(scenario.ifname)
  assert.strictEqual(link.kind, scenario.kind)
  assert.strictEqual(link.options["mode"], modeOf(scenario))
  assert.strictEqual(link.mtu, mtuOf(scenario))
  assert.isTrue(link.up)
  assert.strictEqual(link.allmulti, scenario.allmulti ?? scenario.kind === "macvtap")
  assert.strictEqual(link.promisc, scenario.promiscMode ?? false)
  const mac =
    expectedMac(scenario) ?? (isImport(scenario) && scenario.deviceMode !== "passthru" ? deviceMac : undefined)
  if (mac !== undefined) assert.strictEqual(link.mac, mac)
  if (scenario.bcqueuelen) assert.strictEqual(link.options["bcqueuelen"], scenario.bcqueuelen)
  const { name, containerID, ifname } = scenario
  assert.strictEqual(link.alias, encodeAlias({ network: name, containerID, ifname }))
  assert.deepStrictEqual(kernel.snapshot().openHandles, { namespaces: 0, sockets: 0 })

  const mine = result.interfaces?.at(-1)
  if (result.interfaces !== undefined) {
    assert.strictEqual(result.interfaces.length, scenario.chained ? 3 : 1)
    assert.deepStrictEqual(mine, {
      name: ifname,
      ...(link.mac === undefined ? {} : { mac: link.mac }),
      ...(scenario.cniVersion.startsWith("1.") ? { mtu: link.mtu } : {}),
      sandbox
    })
  }
  assertAddresses(kernel, scenario, result)
  assertNode(kernel, scenario, whole)
}

/** The tap node is the link's own, and belongs to whom it shall. */
const assertNode = (kernel: Kernel, scenario: Scenario, whole: boolean): void => {
  const { index } = kernel.inside(sandbox).link(scenario.ifname)
  const state = [...kernel.machine.netnses]
    .flatMap((netns) => [...netns.links.values()])
    .find((link) => link.index === index && link.name === scenario.ifname)
  const node = kernel.machine.devtmpfs?.get(`/dev/tap${index}`)
  if (scenario.kind === "macvlan") return
  if (!scenario.devtmpfs) {
    assert.isUndefined(node)
    return
  }
  if (state === undefined) assert.fail("no such link")
  assert.strictEqual(node?.device, deviceOf(state))
  if (!whole) return
  assert.strictEqual(node?.owner, scenario.owner ?? 107)
  assert.strictEqual(node?.group, scenario.group ?? 107)
  assert.strictEqual(node?.mode, 0o660)
}
