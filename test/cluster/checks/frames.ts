/** A frame out of a pod's tap, and the world's answer back through it: nothing but the pod's own shell opens the tap. */

import { mustInside } from "../node/space.ts"
import { inPod, linkOf } from "../pods/pods.ts"
import { assert } from "./Check.ts"

const hex = (address: string): string => address.replaceAll(":", "")
const ipv4 = (address: string): string =>
  address
    .split(".")
    .map((part) => Number(part).toString(16).padStart(2, "0"))
    .join("")

/** An ARP request for 10.90.0.1 as `sender`, behind the empty virtio header (10 bytes) that a tap has by default. */
const request = (mac: string, sender: string): string =>
  `${"00".repeat(10)}ffffffffffff${hex(mac)}0806${"0001080006040001"}${hex(mac)}${ipv4(sender)}${"00".repeat(6)}${ipv4("10.90.0.1")}`

/**
 * Sends an ARP request through the tap of a link in the pod, reads the answer from it, and looks whom the world has come to
 * know. `sender` is an unused address of 10.90.0.0/24.
 */
export const exchangeFrames = async (pod: string, link: string, sender: string): Promise<string> => {
  const { address, ifindex } = await linkOf(pod, link)
  const tap = `/dev/tap${ifindex}`
  const octal = (request(address, sender).match(/../g) ?? []).map(
    (byte) => `\\${Number(`0x${byte}`).toString(8).padStart(3, "0")}`
  )
  // One open file for both ways, since the queue of a tap lives as long as it is open; a frame is one write.
  const script = `exec 3<>${tap}
    printf '${octal.join("")}' >/tmp/frame || exit 3
    for attempt in 1 2 3 4 5; do
      dd if=/tmp/frame bs=4096 count=1 >&3 2>/dev/null
      timeout 2 dd bs=4096 count=30 <&3 2>/dev/null | hexdump -v -e '1/1 "%02x"' | tee -a /tmp/got | grep -q ${`0806${"0001080006040002"}`} && break
    done
    id -u; grep CapEff /proc/self/status; stat -c '%u:%g %a %t:%T' ${tap}; cat /tmp/got`
  const said = await inPod(pod, script)
  const answer = `${hex(address)}`
  assert(
    said.includes(`0806${"0001080006040002"}`) && said.includes(answer),
    `no answer came back through ${tap}: ${said}`
  )
  const neighbours = JSON.parse(
    await mustInside(["ip", "-j", "-n", "world", "neighbour", "show", sender])
  ) as ReadonlyArray<{ lladdr?: string }>
  assert(
    neighbours[0]?.lladdr === address,
    `the world knows ${sender} as ${JSON.stringify(neighbours)}, not ${address}`
  )
  const [user, capabilities, node] = said.split("\n")
  return `user ${user}, ${capabilities?.replace(/\s+/, " ")}, opens ${tap} (${node}); the world knows ${sender} as ${address}, and its answer came back`
}
