/** `macvtap list --json`. Keys are always there, so that a program needs not ask; what is not known is null. */
import type { Attachment, Held, StandaloneDevice, Tap } from "../node/attachments.ts"
import type { HostAccess } from "../node/hostAccess.ts"

export const listDocument = (
  attachments: ReadonlyArray<Attachment>,
  devices: ReadonlyArray<StandaloneDevice>,
  hostAccess: ReadonlyArray<HostAccess>,
  unseen: ReadonlyArray<string>
) => ({
  attachments: attachments.map(({ network, container, knownBy, ...held }) => ({
    network,
    container,
    knownBy,
    deviceID: held.deviceID ?? null,
    ...heldDocument(held)
  })),
  devices: devices.map(({ deviceID, ...held }) => ({ deviceID, ...heldDocument(held) })),
  hostAccess: hostAccess.map(hostAccessDocument),
  unseen
})

const hostAccessDocument = ({ link, master, routes }: HostAccess) => ({
  link: link.name,
  mac: link.mac ?? null,
  master,
  up: link.up,
  routes: routes.map(({ destination, attachment }) => ({
    destination,
    attachment: attachment === undefined ? null : attachment.ownership.owner
  }))
})

const heldDocument = ({ pod, ifname, mac, master, kind, mode, tap, netns, index, up }: Held) => ({
  pod: pod === undefined ? null : { namespace: pod.namespace ?? null, name: pod.name, uid: pod.uid ?? null },
  ifname,
  mac: mac ?? null,
  master: master ?? null,
  kind,
  mode: mode ?? null,
  tap: tap === undefined ? null : tapDocument(tap),
  netns,
  ifindex: index,
  up
})

const tapDocument = ({ node, device, owner, group, mode, problem }: Tap) => ({
  node: node ?? null,
  device: device ?? null,
  owner: owner ?? null,
  group: group ?? null,
  mode: mode === undefined ? null : mode.toString(8).padStart(4, "0"),
  problem: problem ?? null
})
