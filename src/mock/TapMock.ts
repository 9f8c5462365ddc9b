/** TapService on the in-memory kernel. */

import { TapError, TapService } from "../services/TapService.ts"
import { attempt } from "./attempt.ts"
import { netnsOfDescriptor } from "./kernel/namespaces.ts"
import { type Refusal, refuse } from "./kernel/Refusal.ts"
import type { Machine } from "./kernel/state.ts"
import { allLinks, deviceOf, nodePath } from "./kernel/taps.ts"

const error =
  (operation: string, path: string) =>
  ({ errno }: Refusal): TapError =>
    new TapError({ operation, path, errno })

export const tapMock = (machine: Machine): TapService["Service"] =>
  TapService.of({
    node: (ifindex) => {
      const path = nodePath(ifindex)
      return attempt(
        () => {
          const node = machine.devtmpfs?.get(path)
          return node === undefined ? undefined : { path, ...node }
        },
        error("stat", path)
      )
    },
    deviceNumber: (netns, { name, index }) => {
      const path = `class/net/${name}/tap${index}/dev`
      return attempt(
        () => {
          if (!machine.sysfs) refuse("EPERM")
          const state = netnsOfDescriptor(machine, netns.fd)
          const link = [...state.links.values()].find((link) => link.name === name && link.index === index)
          return (link === undefined ? undefined : deviceOf(link)) ?? refuse("ENOENT")
        },
        error("read", path)
      )
    },
    reportedMac: (node) =>
      attempt(
        () => {
          if (machine.devtmpfs?.get(node.path)?.device !== node.device) refuse("ENOENT")
          const link = [...allLinks(machine)].find((link) => deviceOf(link) === node.device)
          return link?.mac ?? refuse("ENXIO")
        },
        error("open", node.path)
      ),
    give: (node, { owner, group, mode }) =>
      attempt(
        () => {
          const state = machine.devtmpfs?.get(node.path) ?? refuse("ENOENT")
          Object.assign(state, { owner, group, mode })
        },
        error("chown", node.path)
      )
  })
