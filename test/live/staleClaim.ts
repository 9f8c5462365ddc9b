/** The claim of a pod that ended without a DEL. */
export const stale = { alias: "macvtap-cni:lan/old/net1", netnsID: "4:1", netnsPath: "/run/netns/old" }
