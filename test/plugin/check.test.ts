/** CHECK fails after any single change of what ADD left, and names it. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { kindByName } from "../../src/link/kinds.ts"
import { macvtap } from "../../src/link/macvtap.ts"
import type { Kernel } from "../../src/mock/Kernel.ts"
import { callOn } from "../lab/call/onMock.ts"
import { assertError } from "../lab/call/wellFormed.ts"
import { consistent, type Scenario, scenarios } from "./any/scenario.ts"
import { invocationOf, makeWorld, sandbox } from "./any/world.ts"

interface Change {
  readonly of: string
  /** What has to be so for there to be something to change. */
  readonly given?: Partial<Scenario>
  readonly make: (kernel: Kernel, scenario: Scenario) => void
  /** What the error says of it. */
  readonly says: RegExp
}

const mode = (kernel: Kernel, { ifname }: Scenario) => kernel.inside(sandbox).link(ifname).options["mode"]
const nodeOf = (kernel: Kernel, { ifname }: Scenario) => {
  const path = `/dev/tap${kernel.inside(sandbox).link(ifname).index}`
  return { path, node: kernel.machine.devtmpfs?.get(path) ?? { device: "none", owner: 0, group: 0, mode: 0 } }
}

/** The link again by all that a person can see, but its own: made by another, with the alias that ours had. */
const replace = (kernel: Kernel, { ifname, kind }: Scenario): void => {
  const pod = kernel.inside(sandbox)
  const { alias = "", mtu, options, up, promisc, allmulti } = pod.link(ifname)
  pod.linkDel(ifname)
  kernel.addLink({ netns: sandbox, name: "dummy0", kind: "dummy" })
  const parent = pod.link("dummy0").index
  const mimicked = kindByName(kind) ?? macvtap
  const { bcQueueLenUsed: _, ...own } = options
  pod.linkAdd({ kind: mimicked, name: ifname, parent, mtu, options: own, up, promisc, allmulti })
  pod.linkSet(ifname, { alias })
}

const changes: ReadonlyArray<Change> = [
  {
    of: "the link, which is gone",
    make: (kernel, { ifname }) => kernel.inside(sandbox).linkDel(ifname),
    says: /interface .* not found/
  },
  {
    of: "its name",
    make: (kernel, { ifname }) => kernel.inside(sandbox).linkSet(ifname, { name: "renamed" }),
    says: /interface .* not found/
  },
  {
    of: "the link, which is another with the same alias",
    make: replace,
    says: /MAC address|is not on master|tap/
  },
  {
    of: "its alias",
    make: (kernel, { ifname }) => kernel.inside(sandbox).linkSet(ifname, { alias: "macvtap-cni:lan/other/net1" }),
    says: /not the one that was added/
  },
  {
    of: "its alias, which is a note of somebody's",
    make: (kernel, { ifname }) => kernel.inside(sandbox).linkSet(ifname, { alias: "do not touch" }),
    says: /not the one that was added/
  },
  {
    of: "its MAC address",
    make: (kernel, { ifname }) => kernel.inside(sandbox).linkSet(ifname, { mac: "02:ff:00:00:00:01" }),
    says: /MAC address 02:ff:00:00:00:01/
  },
  {
    of: "its MTU",
    make: (kernel, { ifname }) => kernel.inside(sandbox).linkSet(ifname, { mtu: 1281 }),
    // Without a configured one it may be tuning's, later in the chain.
    given: { mtu: 1400 },
    says: /MTU 1281/
  },
  {
    of: "its mode",
    make: (kernel, scenario) =>
      kernel.inside(sandbox).linkSet(scenario.ifname, {
        kind: kindByName(scenario.kind) ?? macvtap,
        options: { mode: mode(kernel, scenario) === "vepa" ? "private" : "vepa" }
      }),
    // What a device brought along is not configured; the kernel never changes passthru.
    given: { source: "host", mode: "bridge" },
    says: /"mode" "(vepa|private)"/
  },
  {
    of: "its source list",
    make: (kernel, { ifname, kind }) =>
      kernel.inside(sandbox).linkSet(ifname, {
        kind: kindByName(kind) ?? macvtap,
        options: { sourceMACs: ["02:00:00:00:00:aa"] }
      }),
    given: { source: "host", mode: "source" },
    says: /"sourceMACs"/
  },
  {
    of: "its queue",
    make: (kernel, { ifname, kind }) =>
      kernel.inside(sandbox).linkSet(ifname, { kind: kindByName(kind) ?? macvtap, options: { bcqueuelen: 77 } }),
    given: { bcqueuelen: 5000 },
    says: /"bcqueuelen" 77/
  },
  {
    of: "up",
    make: (kernel, { ifname }) => kernel.inside(sandbox).linkSet(ifname, { up: false }),
    says: /is down/
  },
  {
    of: "allmulti",
    make: (kernel, { ifname }) => kernel.inside(sandbox).linkSet(ifname, { allmulti: false }),
    given: { allmulti: true },
    says: /"allmulti" off/
  },
  {
    of: "promiscMode",
    make: (kernel, { ifname }) => kernel.inside(sandbox).linkSet(ifname, { promisc: false }),
    given: { promiscMode: true },
    says: /"promiscMode" off/
  },
  {
    of: "an IPv4 address",
    make: (kernel, { ifname, ipam }) =>
      kernel.inside(sandbox).addressDel(ifname, "10.9.0.5", ipam === "bare" ? 32 : 24),
    given: { ipam: "both" },
    says: /Failed to match addr 10\.9\.0\.5/
  },
  {
    of: "an IPv6 address",
    make: (kernel, { ifname, ipam }) =>
      kernel.inside(sandbox).addressDel(ifname, "fd00:9::5", ipam === "bare" ? 128 : 64),
    given: { ipam: "both" },
    says: /Failed to match addr fd00:9::5/
  },
  {
    of: "an address's prefix",
    make: (kernel, { ifname }) => {
      kernel.inside(sandbox).addressDel(ifname, "10.9.0.5", 24)
      kernel.inside(sandbox).addressAdd(ifname, { family: 4, address: "10.9.0.5", prefix: 16 })
    },
    given: { ipam: "v4" },
    says: /Failed to match addr 10\.9\.0\.5\/24/
  },
  {
    of: "the subnet's route",
    make: (kernel) => kernel.inside(sandbox).routeDel("10.9.0.0", 24),
    given: { ipam: "v4" },
    says: /Failed to find the route to 10\.9\.0\.0\/24/
  },
  {
    of: "a route",
    make: (kernel) => kernel.inside(sandbox).routeDel("10.20.0.0", 16),
    given: { ipam: "both", routes: true },
    says: /Failed to find route 10\.20\.0\.0\/16 via 10\.9\.0\.7/
  },
  {
    of: "a route of a table of its own",
    make: (kernel) => kernel.inside(sandbox).routeDel("10.30.0.0", 16),
    given: { ipam: "both", routes: true },
    says: /Failed to find route 10\.30\.0\.0\/16/
  },
  {
    of: "a route's table",
    make: (kernel, { ifname }) => {
      const pod = kernel.inside(sandbox)
      pod.routeDel("10.30.0.0", 16)
      pod.routeAdd({ family: 4, dst: "10.30.0.0", prefix: 16, gw: "10.9.0.1", dev: pod.link(ifname).index })
    },
    given: { ipam: "both", routes: true },
    says: /Failed to find route 10\.30\.0\.0\/16/
  },
  {
    of: "a route's MTU",
    make: (kernel, { ifname }) => {
      const pod = kernel.inside(sandbox)
      pod.routeDel("10.20.0.0", 16)
      const { index: dev } = pod.link(ifname)
      pod.routeAdd({ family: 4, dst: "10.20.0.0", prefix: 16, gw: "10.9.0.7", dev, mtu: 9000, priority: 50 })
    },
    given: { ipam: "both", routes: true },
    says: /Failed to find route 10\.20\.0\.0\/16/
  },
  {
    of: "an IPv6 route",
    make: (kernel) => kernel.inside(sandbox).routeDel("fd00:20::", 48),
    given: { ipam: "v6", routes: true },
    says: /Failed to find route fd00:20::\/48/
  },
  {
    of: "the reservation of its address",
    make: (kernel) => kernel.machine.reservations.clear(),
    given: { ipam: "v4" },
    says: /^not reserved$/
  },
  {
    of: "its tap node, which another link's has replaced",
    make: (kernel, scenario) => {
      const { path, node } = nodeOf(kernel, scenario)
      kernel.addNode(path, { ...node, device: "246:99" })
    },
    // Of a reserved device the kernel's node is not the pod's.
    given: { kind: "macvtap", devtmpfs: true, sysfs: true, source: "host" },
    says: /\/dev\/tap\d+ is not the tap of link/
  },
  {
    of: "its tap node, which is gone",
    make: (kernel, scenario) => kernel.machine.devtmpfs?.delete(nodeOf(kernel, scenario).path),
    given: { kind: "macvtap", devtmpfs: true, owner: 4242 },
    says: /has no tap node/
  },
  {
    of: "its tap node's owner",
    make: (kernel, scenario) => {
      const { path, node } = nodeOf(kernel, scenario)
      kernel.addNode(path, { ...node, owner: 1 })
    },
    given: { kind: "macvtap", devtmpfs: true, owner: 107 },
    says: /belongs to user 1, configured is/
  },
  {
    of: "its tap node's group",
    make: (kernel, scenario) => {
      const { path, node } = nodeOf(kernel, scenario)
      kernel.addNode(path, { ...node, group: 1 })
    },
    given: { kind: "macvtap", devtmpfs: true, group: 36 },
    says: /belongs to group 1, configured is/
  },
  {
    of: "the node of its device, which is gone",
    make: (kernel) => kernel.machine.stateFolder.nodes.clear(),
    given: { source: "reserved", kind: "macvtap", sysfs: true },
    says: /\/dataplaneMvp3 is not the tap of link/
  },
  {
    of: "the node of its device, which leads elsewhere",
    make: (kernel) => {
      for (const node of kernel.machine.stateFolder.nodes.values()) Object.assign(node, { device: "246:99" })
    },
    given: { source: "standalone", kind: "macvtap", sysfs: true },
    says: /\/dataplaneMvp3 is not the tap of link/
  },
  {
    of: "the master, made anew",
    make: (kernel) => {
      kernel.removeLink(undefined, "eth0")
      kernel.addLink({ name: "eth0", index: 50 })
    },
    given: { source: "host" },
    says: /not found/
  },
  {
    of: "the master's name, which another link has",
    make: (kernel) => {
      kernel.inside().linkSet("eth0", { name: "old0" })
      kernel.inside().linkSet("eth1", { name: "eth0" })
    },
    given: { source: "host", withMaster: true },
    says: /is not on master "eth0"/
  },
  {
    of: "the master's name, which is gone",
    make: (kernel) => kernel.inside().linkSet("eth0", { name: "old0" }),
    given: { source: "host", withMaster: true },
    says: /master "eth0" does not exist/
  },
  {
    of: "the namespace, which is gone",
    make: (kernel) => kernel.removeNetns("/run/netns/c1"),
    says: /network namespace .* does not exist/
  }
]

describe("CHECK holds", () => {
  it.effect.prop(
    "after changes of what is nobody's business, and for a result in capitals",
    [scenarios],
    ([drawn]) =>
      Effect.gen(function* () {
        const scenario = consistent({ ...drawn, cniVersion: drawn.cniVersion < "0.4" ? "1.0.0" : drawn.cniVersion })
        const kernel = makeWorld(scenario)
        const { stdout } = yield* callOn(kernel, invocationOf(scenario, "ADD"))
        const prevResult = JSON.parse(
          stdout.replaceAll(/"mac": "[^"]*"/g, (text) => text.toUpperCase().replace("MAC", "mac"))
        )
        const pod = kernel.inside(sandbox)
        kernel.addLink({ netns: sandbox, name: "other0", index: 99 })
        // As tuning does, later in the chain, without a word in the result.
        if (scenario.mtu === undefined) pod.linkSet(scenario.ifname, { mtu: 1300 })
        pod.addressAdd("other0", { family: 4, address: "10.77.0.1", prefix: 24 })
        pod.addressAdd(scenario.ifname, { family: 4, address: "10.78.0.1", prefix: 24 })
        pod.routeAdd({ family: 4, dst: "10.79.0.0", prefix: 16, gw: "10.78.0.9", dev: pod.link(scenario.ifname).index })
        kernel.inside().routeDel("0.0.0.0", 0)
        const { status, stdout: words } = yield* callOn(kernel, invocationOf(scenario, "CHECK", { prevResult }))
        assert.strictEqual(status, 0, words)
      }),
    { arbitrary: { runs: 100 } }
  )
})

describe("CHECK fails after a change of", () => {
  for (const { of, given, make, says } of changes) {
    it.effect.prop(
      of,
      [scenarios],
      ([drawn]) =>
        Effect.gen(function* () {
          const cniVersion = drawn.cniVersion < "0.4" ? "1.1.0" : drawn.cniVersion
          const scenario = consistent({ ...drawn, cniVersion, ...given })
          const kernel = makeWorld(scenario)
          const added = yield* callOn(kernel, invocationOf(scenario, "ADD"))
          assert.strictEqual(added.status, 0, added.stdout)
          const prevResult = JSON.parse(added.stdout)
          make(kernel, scenario)
          const before = kernel.snapshot()
          const checked = yield* callOn(kernel, invocationOf(scenario, "CHECK", { prevResult }))
          assert.strictEqual(checked.status, 1)
          const { msg } = assertError(checked.stdout, scenario.cniVersion)
          assert.match(msg, says)
          assert.deepStrictEqual(kernel.snapshot(), before)
        }),
      { arbitrary: { runs: 25 } }
    )
  }
})
