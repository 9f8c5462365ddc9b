/**
 * Live migration: two namespaces stand in for two nodes, a bridge for their switch. A guest on a tap that ADD made on the one
 * is migrated by QEMU to one that waits on a tap with the same MAC address on the other, while two ping it: one on the
 * wire, and one in another pod of the node that it leaves.
 */
import { chmod } from "node:fs/promises"
import { join } from "node:path"
import { startDaemon } from "../lab/daemon.ts"
import { makeFolder } from "../lab/folder.ts"
import { ipLink } from "../lab/ip.ts"
import { install } from "../lab/long/debian.ts"
import { expect, Skipped, say, step } from "../lab/long/report.ts"
import { makeNetns, type TestNetns } from "../lab/netns.ts"
import { until } from "../lab/run.ts"
import { attach } from "./attachment.ts"
import { bootGuest } from "./guest.ts"
import type { SharedBoot } from "./kernel.ts"
import { type Count, startPings } from "./pings.ts"
import { openMonitor } from "./qmp.ts"
import type { Way } from "./way.ts"

const mac = "02:00:00:00:63:02"
const config = { cniVersion: "1.1.0", name: "migrating", type: "macvtap", master: "eth0", mode: "bridge" }
const guestAddress = "10.63.0.2"

/** A node on the switch: its eth0 ends in a port of the same name. */
const plugIn = async (scope: AsyncDisposableStack, theSwitch: TestNetns, port: string): Promise<TestNetns> => {
  const node = scope.use(await makeNetns(`e2-${port}`))
  await theSwitch.ip(`link add ${port} type veth peer name eth0 netns ${node.name}`)
  await theSwitch.ip(`link set ${port} master br0 up`)
  await node.ip("link set eth0 up")
  return node
}

const inWords = ({ sent, received, duplicates, longestGap }: Count): string =>
  `${received} of ${sent} pings answered, ${duplicates} twice, the longest gap ${longestGap} ms`

export const migration = async (way: Way, sharedBoot: SharedBoot): Promise<void> => {
  if (process.arch !== "x64") throw new Skipped(`the guests are x86-64 machines, this one is ${process.arch}`)
  await install({
    "qemu-system-x86": "/usr/bin/qemu-system-x86_64",
    "busybox-static": "/bin/busybox",
    cpio: "/usr/bin/cpio",
    "iputils-ping": "/usr/bin/ping",
    tcpdump: "/usr/bin/tcpdump"
  })
  await using scope = new AsyncDisposableStack()
  const folder = scope.use(await makeFolder("macvtap-cni-e2e"))
  await chmod(folder.path, 0o777)
  const boot = await sharedBoot.get()
  const theSwitch = scope.use(await makeNetns("e2-switch"))
  await theSwitch.ip("link add br0 type bridge")
  await theSwitch.ip("link set br0 up")
  const nodeA = await plugIn(scope, theSwitch, "node-a")
  const nodeB = await plugIn(scope, theSwitch, "node-b")
  const third = await plugIn(scope, theSwitch, "third")
  await third.ip("addr add 10.63.0.1/24 dev eth0")
  const podOf = async (name: string) => scope.use(await makeNetns(`e2-${name}`))
  const [podA, podB, neighbour] = [await podOf("pod-a"), await podOf("pod-b"), await podOf("neighbour")]
  const args = `MAC=${mac}`
  const source = await attach({ way, host: nodeA, pod: podA, ifname: "net1", config, args })
  const beside = await attach({
    way,
    host: nodeA,
    pod: neighbour,
    ifname: "net1",
    config: { ...config, type: "macvtap" }
  })
  // The neighbour speaks for itself, as a pod of a network with IPAM does.
  await neighbour.ip("addr add 10.63.0.3/24 dev net1")
  const monitorOf = (name: string) => join(folder.path, name)
  const monitored = (name: string) => ["-qmp", `unix:${monitorOf(name)},server=on,wait=off`]

  const guest = await step("a guest boots on the first node", async () => {
    const booted = await bootGuest(scope, "guest", podA, boot, [source], monitored("a"))
    const { status } = await booted.run(`ip link set eth0 up && ip addr add ${guestAddress}/24 dev eth0`)
    expect("the guest has its card", status === 0)
    return booted
  })
  if (guest === undefined) return

  await using frames = startDaemon("ip", [
    "netns",
    "exec",
    theSwitch.name,
    "tcpdump",
    "-n",
    "-l",
    "-tt",
    "-i",
    "node-b",
    "-Q",
    "in",
    `ether src ${mac}`
  ])
  await frames.line(/listening on/, 10_000)
  const framesFromB = () => frames.lines.filter((line) => /^\d+\.\d+ /.test(line))

  const target = await step("a tap with the same MAC address is made on the second, and QEMU waits on it", async () => {
    const made = await attach({ way, host: nodeB, pod: podB, ifname: "net1", config, args })
    expect("it has the MAC address, as the first has", made.link.address === mac && source.link.address === mac)
    const incoming = `unix:${monitorOf("migration")}`
    const waiting = await bootGuest(
      scope,
      "guest, moved",
      podB,
      boot,
      [made],
      [...monitored("b"), "-incoming", incoming]
    )
    return { made, waiting, incoming }
  })
  if (target === undefined) return
  await using onWire = startPings(third, guestAddress)
  await using onNode = startPings(neighbour, guestAddress)
  await using monitorA = await openMonitor(monitorOf("a"))
  await using monitorB = await openMonitor(monitorOf("b"))

  await step("the waiting link says nothing of its own", async () => {
    await until("the guest answers both", () => onWire.answered() > 100 && onNode.answered() > 100, 60_000)
    expect("no frame came from the second node", framesFromB().length === 0, framesFromB())
  })

  await step("QEMU migrates the guest", async () => {
    await monitorA.execute("migrate", { uri: target.incoming })
    await until(
      "it has been migrated",
      async () => {
        const { status } = await monitorA.execute("query-migrate")
        expect("the migration has not failed", status !== "failed", status)
        return status === "completed"
      },
      120_000
    )
    await until("it runs there", async () => (await monitorB.execute("query-status"))["status"] === "running", 30_000)
    const { downtime } = await monitorA.execute("query-migrate")
    say(`QEMU: down for ${downtime} ms`)
    const { status } = await target.waiting.run("true")
    expect("the guest answers on its console there", status === 0)
  })

  await step("whoever is on the wire has it again, nothing came twice", async () => {
    const before = onWire.answered()
    await until("it answers", () => onWire.answered() > before + 100, 60_000)
    const count = await onWire.stop()
    say(`from the wire: ${inWords(count)}`)
    expect("no duplicate", count.duplicates === 0, count)
    expect("the second node speaks now", framesFromB().length > 0)
  })

  await step("the neighbour on the node that it left has it again with the DEL there", async () => {
    const stale = onNode.answered()
    await new Promise((resolve) => setTimeout(resolve, 2000))
    const lost = onNode.answered() === stale
    say(lost ? "until then frames for the guest end at the link that it left" : "it was reached before")
    await monitorA.execute("quit").catch(() => ({}))
    await source.del()
    const before = onNode.answered()
    await until("it answers", () => onNode.answered() > before + 100, 60_000)
    const count = await onNode.stop()
    say(`from the node: ${inWords(count)}`)
    expect("no duplicate", count.duplicates === 0, count)
    expect("the source's link is gone", (await ipLink(podA.name, "net1")) === undefined)
  })

  await step("everything is taken back", async () => {
    await target.waiting.powerOff()
    await target.made.del()
    await beside.del()
  })
}
