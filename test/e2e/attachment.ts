/** One attachment, made by ADD and taken back by DEL, as the parts of the run use it. */
import { type IpLink, ipLink } from "../lab/ip.ts"
import { expect } from "../lab/long/report.ts"
import type { TestNetns } from "../lab/netns.ts"
import { attachmentEnv, callPlugin } from "../lab/plugin.ts"
import { linkDevice, nodeStatus, tapNode } from "../lab/tap.ts"
import type { Way } from "./way.ts"

export interface Attachment {
  readonly link: IpLink
  /** `/dev/tap<ifindex>`. */
  readonly node: string
  /** ADD's answer. */
  readonly result: unknown
  readonly del: () => Promise<void>
}

export interface AttachmentOptions {
  readonly way: Way
  readonly host: TestNetns
  readonly pod: TestNetns
  readonly ifname: string
  readonly config: Readonly<Record<string, unknown>>
  readonly args?: string
}

/** Throws unless `/dev/tap<ifindex>` opens this link, and belongs to the user that QEMU runs as. */
export const expectOwnNode = async (netns: string, link: IpLink): Promise<void> => {
  const node = await nodeStatus(tapNode(link))
  const device = await linkDevice(netns, link)
  expect(`${tapNode(link)} is ${link.ifname}'s own device ${device}`, node?.device === device, node)
  expect(`${tapNode(link)} belongs to 107:107`, node?.uid === 107 && node.gid === 107, node)
}

/** ADD; throws with the plugin's words when it refuses. What `ip` shows of the link is in the answer. */
export const attach = async (options: AttachmentOptions): Promise<Attachment> => {
  const { way, host, pod, ifname, config } = options
  const call = (command: "ADD" | "DEL") =>
    callPlugin({
      executable: way.program,
      host: host.name,
      stdin: config,
      env: attachmentEnv(command, {
        containerID: pod.name,
        netns: pod.path,
        ifname,
        ...(options.args === undefined ? {} : { args: options.args })
      })
    })
  const added = await call("ADD")
  expect(`ADD of ${ifname} succeeds`, added.status === 0, added.stdout || added.stderr)
  const link = await ipLink(pod.name, ifname)
  if (link === undefined) throw new Error(`ADD succeeded, but ip shows no ${ifname} in ${pod.name}`)
  const node = tapNode(link)
  await expectOwnNode(pod.name, link)
  return {
    link,
    node,
    result: JSON.parse(added.stdout),
    del: async () => {
      const deleted = await call("DEL")
      expect(
        `DEL of ${ifname} succeeds and says nothing`,
        deleted.status === 0 && deleted.stdout === "",
        deleted.stdout
      )
      expect(`${ifname} is gone`, (await ipLink(pod.name, ifname)) === undefined)
      expect(`${node} is gone`, (await nodeStatus(node)) === undefined)
    }
  }
}
