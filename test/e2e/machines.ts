/** Real virtual machines: two guests in two pods, each with a card on a bridge network and one on a private network. */

import { install } from "../lab/long/debian.ts"
import { expect, Skipped, say, step } from "../lab/long/report.ts"
import { makeHost, makeNetns, type TestNetns } from "../lab/netns.ts"
import { run } from "../lab/run.ts"
import { type Attachment, attach } from "./attachment.ts"
import { bootGuest, type Guest } from "./guest.ts"
import type { SharedBoot } from "./kernel.ts"
import type { Way } from "./way.ts"

const config = (mode: "bridge" | "private") => ({
  cniVersion: "1.1.0",
  name: `vm-${mode}`,
  type: "macvtap",
  master: "eth0",
  mode
})

/** `.1` is the wire, `.2` and `.3` are the guests; 10.61.0 and fd60 on the bridge network, 10.61.1 and fd61 on the private one. */
const v4 = (net: 0 | 1, host: number) => `10.61.${net}.${host}`
const v6 = (net: 0 | 1, host: number) => `fd6${net}::${host}`

const configure = async (guest: Guest, host: number): Promise<void> => {
  for (const net of [0, 1] as const) {
    const { status } = await guest.run(
      `echo 0 > /proc/sys/net/ipv6/conf/eth${net}/accept_dad && ip link set eth${net} up && ` +
        `ip addr add ${v4(net, host)}/24 dev eth${net} && ip addr add ${v6(net, host)}/64 dev eth${net}`
    )
    expect(`the guest has a card eth${net}`, status === 0)
  }
}

const reaches = async (guest: Guest, address: string, expected: boolean): Promise<void> => {
  const { status, stdout } = await guest.run(`ping -c 2 -W ${expected ? 5 : 2} ${address}`)
  expect(`${address} ${expected ? "answers" : "does not answer"}`, (status === 0) === expected, stdout)
}

/** The node is 107's, so another user (KubeVirt's neighbours run as others) cannot open it. */
const closedToOthers = async (attachment: Attachment): Promise<void> => {
  const other = ["--reuid=1234", "--regid=1234", "--clear-groups", "sh", "-c", `exec 3<>${attachment.node}`]
  const { status } = await run("setpriv", other)
  expect(`user 1234 cannot open ${attachment.node}`, status !== 0)
}

const file = async (a: Guest, b: Guest): Promise<void> => {
  const made = await b.run("dd if=/dev/urandom of=/file bs=64k count=16 2>/dev/null; sha256sum < /file")
  await b.run("httpd -p 80 -h /")
  const fetched = await a.run(`wget -q -O - http://${v4(0, 3)}/file | sha256sum`, 120_000)
  expect("the file arrives as it was", made.stdout !== "" && made.stdout === fetched.stdout, [
    made.stdout,
    fetched.stdout
  ])
}

const talk = async (a: Guest, b: Guest, wire: TestNetns): Promise<void> => {
  await step("bridge mode: ping from guest to guest", () => reaches(a, v4(0, 3), true))
  await step("bridge mode: IPv6 ping from guest to guest", () => reaches(b, v6(0, 2), true))
  await step("bridge mode: a file of 1 MiB from guest to guest by HTTP", () => file(a, b))
  await step("bridge mode: ping from guest to the wire", () => reaches(a, v4(0, 1), true))
  await step("bridge mode: IPv6 ping from the wire to a guest that nobody has heard of", async () => {
    await a.run("ip neigh flush dev eth0")
    const { status, stdout } = await run("nsenter", [
      `--net=${wire.path}`,
      "ping",
      "-6",
      "-c",
      "2",
      "-W",
      "5",
      v6(0, 2)
    ])
    expect("the guest answers", status === 0, stdout)
  })
  await step("private mode: no ping from guest to guest", () => reaches(a, v4(1, 3), false))
  await step("private mode: no IPv6 ping from guest to guest", () => reaches(b, v6(1, 2), false))
  await step("private mode: but from both to the wire", async () => {
    await reaches(a, v4(1, 1), true)
    await reaches(b, v4(1, 1), true)
  })
}

export const machines = async (way: Way, sharedBoot: SharedBoot): Promise<void> => {
  if (process.arch !== "x64") throw new Skipped(`the guests are x86-64 machines, this one is ${process.arch}`)
  await install({
    "qemu-system-x86": "/usr/bin/qemu-system-x86_64",
    "busybox-static": "/bin/busybox",
    cpio: "/usr/bin/cpio",
    "iputils-ping": "/usr/bin/ping"
  })
  const boot = await sharedBoot.get()
  await using wire = await makeNetns("e2-wire")
  await using host = await makeHost("e2-host", wire)
  await using podA = await makeNetns("e2-pod-a")
  await using podB = await makeNetns("e2-pod-b")
  for (const net of [0, 1] as const) {
    await wire.ip(`addr add ${v4(net, 1)}/24 dev wire0`)
    await wire.ip(`addr add ${v6(net, 1)}/64 dev wire0 nodad`)
  }
  const add = async (pod: TestNetns): Promise<ReadonlyArray<Attachment>> => [
    await attach({ way, host, pod, ifname: "net1", config: config("bridge") }),
    await attach({ way, host, pod, ifname: "net2", config: config("private") })
  ]
  const attached = await step("ADD gives each pod two taps, 107's alone", async () => {
    const both = [await add(podA), await add(podB)] as const
    for (const attachment of both.flat()) await closedToOthers(attachment)
    say(
      both
        .flat()
        .map(({ node, link }) => `${node} (${link.address})`)
        .join(", ")
    )
    return both
  })
  if (attached === undefined) return
  await using scope = new AsyncDisposableStack()
  const guests = await step("two guests boot on them, QEMU being user 107", () =>
    Promise.all([
      bootGuest(scope, "guest a", podA, boot, attached[0]),
      bootGuest(scope, "guest b", podB, boot, attached[1])
    ])
  )
  if (guests === undefined) return
  const [a, b] = guests
  await step("each finds its two cards", async () => {
    await configure(a, 2)
    await configure(b, 3)
  })
  await talk(a, b, wire)
  await step("the guests power off, DEL takes everything back", async () => {
    await Promise.all([a.powerOff(), b.powerOff()])
    for (const attachment of attached.flat()) await attachment.del()
  })
}
