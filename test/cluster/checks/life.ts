/** The resource's life: its configuration wrong, mended and emptied; its link gone and back; and the end of it all. */
import { join } from "node:path"
import { until } from "../../lab/run.ts"
import { inside, mustInside, project } from "../node/space.ts"
import { kubectl } from "../pods/kubectl.ts"
import { create, linkOf, remove, run } from "../pods/pods.ts"
import { describeConfig, offered, offers, setUp, usualResources } from "../pods/setting.ts"
import { assert, assertSame, assertSays, type Check, since } from "./Check.ts"

/** The executable on the node: beside the client, where there is one. */
const tool = async (...words: ReadonlyArray<string>) =>
  inside([
    "sh",
    "-c",
    'cd /opt/cni/bin; if [ -x macvtap-standalone ]; then exec ./macvtap-standalone "$@"; fi; exec ./macvtap "$@"',
    "sh",
    ...words
  ])

/**
 * What `doctor` says, which has to hold the words; in the answer what it finds wrong, in its own words. What it says of /dev
 * is so here: the cluster's is no devtmpfs.
 */
const doctor = async (...words: ReadonlyArray<string>): Promise<string> => {
  const { stdout, stderr } = await tool("doctor")
  assertSays("doctor", `${stdout}${stderr}`, "fine", ...words)
  const wrong = stdout.split("\n").filter((line) => line.startsWith("WRONG") && !line.includes("/dev is a tmpfs"))
  return wrong.length === 0 ? "nothing wrong" : wrong.join(" / ")
}

/** `doctor` has nothing to complain of. */
const doctorIsContent = async (when: string, ...words: ReadonlyArray<string>): Promise<void> =>
  assertSame(`doctor, ${when}`, await doctor(...words), "nothing wrong")

const logOfPlugin = (): Promise<string> =>
  kubectl("-n macvtap-cni logs daemonset/macvtap-cni -c device-plugin --tail=60")

const configuration: Check = {
  name: "life: configuration",
  claim:
    "A wrong ConfigMap changes nothing and is told with its entry and key; mended it is taken up, emptied it ends the resources, without a restart.",
  prove: async () => {
    const began = Date.now()
    await doctorIsContent("before", 'resource "lan": it answers, and the kubelet has 60 devices')
    await create(describeConfig('[{ "name": "lan", "lowerDevice": "uplink", "mode": "bride", "capacity": 60 }]'))
    await until("the log tells what is wrong", async () => (await logOfPlugin()).includes("bride"), 90_000)
    const line = (await logOfPlugin()).split("\n").find((one) => one.includes("bride")) ?? ""
    assertSays("the log", line, "mode")
    assertSame("lan, while it is wrong", await offered("lan"), "60")
    await doctorIsContent("while it is wrong, with what was before", "the kubelet has 60 devices")
    await create(
      describeConfig(JSON.stringify([...usualResources, { name: "third", lowerDevice: "uplink", capacity: 7 }]))
    )
    await offers("third", 7, 90)
    await doctorIsContent("when it is mended", 'resource "third": it answers, and the kubelet has 7 devices')
    await create(describeConfig(JSON.stringify([])))
    await offers("lan", 0, 90)
    await doctorIsContent("when it is empty", "it offers no resource on this node")
    await setUp()
    return `${since(began)}; doctor each time: nothing wrong, 60 devices, 7 of the third, no resource; the log: ${line.slice(0, 300)}`
  }
}

const uplink: Check = {
  name: "life: the uplink",
  claim:
    "With its link gone a resource offers nothing and the pod is told; with the link back it offers all, and a new pod works.",
  prove: async () => {
    await run({ name: "orphan", networks: ["lan"], devices: { lan: 1 } })
    await mustInside(["ip", "link", "delete", "uplink"])
    await offers("lan", 0, 60)
    const whenGone = await doctor("lower device uplink: there is no such link", "of pod default/orphan has no link")
    assert(!whenGone.includes("leftovers"), `doctor takes something for left over: ${whenGone}`)
    await mustInside(["ip", "link", "add", "uplink", "type", "veth", "peer", "name", "wire", "netns", "world"])
    await mustInside(["ip", "address", "add", "10.90.0.2/24", "dev", "uplink"])
    await mustInside(["ip", "link", "set", "uplink", "up"])
    await mustInside(["ip", "-n", "world", "address", "add", "10.90.0.1/24", "dev", "wire"])
    await mustInside(["ip", "-n", "world", "link", "set", "wire", "up"])
    const began = Date.now()
    await offers("lan", 60, 60)
    const took = since(began)
    await run({ name: "newcomer", networks: ["lan"], devices: { lan: 1 } })
    const { operstate } = await linkOf("newcomer")
    assertSame("the newcomer's link", operstate, "UP")
    const whenBack = await doctor("lower device uplink: up", "of pod default/orphan has no link")
    await remove("orphan", "newcomer")
    await until("doctor has nothing to complain of", async () => (await doctor()) === "nothing wrong", 60_000)
    return `offered again ${took} after it was back; doctor while it was gone: ${whenGone}; when it was back: ${whenBack}; without that pod: nothing wrong`
  }
}

const uninstall: Check = {
  name: "life: uninstall",
  claim:
    "uninstall does nothing while pods have attachments, and names them; without them it takes everything back; applied again, all works.",
  prove: async () => {
    await run({ name: "last", networks: ["lan"], devices: { lan: 1 } })
    await kubectl(`delete --timeout=90s -f ${join(project, "deploy/macvtap-cni.yaml")}`, { timeout: 120_000 })
    const whenStopped = await doctor("it does not run")
    await mustInside(["cp", "/opt/cni/bin/macvtap-standalone", "/tmp/doctor"])
    const refused = await tool("uninstall")
    assert(refused.status !== 0, "uninstall went on while a pod had a link")
    assertSays("what uninstall says", `${refused.stdout}${refused.stderr}`, "last")
    assertSame("the pod's link", (await linkOf("last")).operstate, "UP")
    await remove("last")
    await until(
      "the pod's link is gone",
      async () => !(await mustInside(["ls", "/run/netns"])).includes("cni-"),
      60_000
    )
    // The kubelet clears the pod's folder a moment later, and until then its device counts as in use.
    await until("uninstall goes on", async () => (await tool("uninstall")).status === 0, 60_000)
    const left = await mustInside([
      "sh",
      "-c",
      "ls -d /opt/cni/bin/macvtap* /var/lib/macvtap-cni /run/macvtap-cni /var/lib/kubelet/device-plugins/macvtap* 2>/dev/null; true"
    ])
    assertSame("left on the node", left.trim(), "")
    const whenGone = await inside(["/tmp/doctor", "doctor"])
    assertSays(
      "doctor afterwards",
      whenGone.stdout,
      'there is no plugin "macvtap"',
      "it has not run here",
      "leftovers: none"
    )
    await kubectl(`apply -f ${join(project, "deploy/macvtap-cni.yaml")}`)
    await kubectl("-n macvtap-cni rollout status daemonset/macvtap-cni --timeout=120s", { timeout: 150_000 })
    await setUp()
    await run({ name: "first", networks: ["lan"], devices: { lan: 1 } })
    await remove("first")
    await doctorIsContent("when it is there again")
    return `doctor without the DaemonSet: ${whenStopped}; refused: ${refused.stderr.trim().split("\n")[0] ?? refused.stdout.trim()}; then nothing of it was left; applied again, a pod came up, and doctor has nothing to complain of`
  }
}

export const lifeChecks: ReadonlyArray<Check> = [configuration, uplink, uninstall]
