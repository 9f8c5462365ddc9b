/** The options that say where things are on a node. */
import { defaultStateFolder } from "../devices/resources.ts"

export const siteOptions = {
  root: { type: "string", value: "DIR", path: true, default: "/", help: "where the node's files are, if not at /" },
  "cni-bin": {
    type: "string",
    multiple: true,
    value: "DIR",
    path: true,
    default: ["/opt/cni/bin", "/usr/lib/cni", "/usr/libexec/cni"],
    help: "a folder of CNI plugins, below the root"
  },
  "cni-conf": {
    type: "string",
    value: "DIR",
    path: true,
    default: "/etc/cni/net.d",
    help: "the runtime's network configurations, below the root"
  },
  "kubelet-dir": {
    type: "string",
    value: "DIR",
    path: true,
    default: "/var/lib/kubelet/device-plugins",
    help: "the kubelet's folder of device plugins, below the root"
  },
  "state-dir": {
    type: "string",
    value: "DIR",
    path: true,
    default: defaultStateFolder,
    help: "the device plugin's state, below the root"
  }
} as const
