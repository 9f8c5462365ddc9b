/**
 * What the executable answers otherwise than it did when the record was made, on purpose: with the reason, and for each
 * call what it answers now. No other difference is allowed, and none may be listed that is not there.
 */

export interface Change {
  readonly reason: string
  /** By the call's name in answers.jsonl: what is another now. The rest of the answer is as recorded. */
  readonly calls: Readonly<
    Record<string, { readonly status?: number; readonly stdout?: string; readonly stderr?: string }>
  >
}

const withoutAddresses = (cniVersion: string) => ({
  status: 0,
  stdout: `{\n    "cniVersion": "${cniVersion}",\n    "dns": {}\n}`
})

/** What is said of these now that they come so far. */
const noMaster = JSON.stringify(
  {
    cniVersion: "0.1.0",
    code: 7,
    msg: `master "none0" does not exist`,
    details: `there is no link of that name on this node; "master" must name one that this node has (see "ip link")`
  },
  undefined,
  4
)

export const changes: ReadonlyArray<Change> = [
  {
    reason: "a device's former pod is waited for, three seconds, and the answer says so",
    calls: {
      "reserved: ADD of what is held": {
        stdout: JSON.stringify(
          {
            cniVersion: "1.1.0",
            code: 11,
            msg: `device "rttttttttMvp1" is still held by its former pod`,
            details:
              "a link with ifindex <index> exists until that pod's network namespace is gone, which it was not within 3 s; try again"
          },
          undefined,
          4
        )
      }
    }
  },
  {
    reason: "a standalone device's link that is not there is made: it ended with the sandbox, where that is made anew",
    calls: {
      "reserved: ADD standalone that is not there": {
        status: 0,
        stdout: JSON.stringify(
          {
            cniVersion: "1.1.0",
            interfaces: [{ name: "net1", mac: "02:00:00:00:00:01", mtu: 1500, sandbox: "/run/netns/c1" }]
          },
          undefined,
          4
        )
      }
    }
  },
  {
    reason: "a link without addresses is made at 0.1.0 and 0.2.0 too, whose results can say no more of it than dns",
    calls: {
      "text for ADD: null as version": { stdout: noMaster },
      "text for ADD: no version": { stdout: noMaster },
      "0.1.0, no IPAM: ADD": withoutAddresses("0.1.0"),
      "0.2.0, no IPAM: ADD": withoutAddresses("0.2.0")
    }
  },
  {
    reason: "a macvtap is put on no link that nobody has named: a pod may have forgotten to request its device",
    calls: {
      "options: ADD without a master": {
        status: 1,
        stdout: `{
    "cniVersion": "1.1.0",
    "code": 7,
    "msg": "a macvtap needs \\"master\\" or \\"deviceID\\", and the network has neither",
    "details": "set \\"master\\" to a link of the node; or, for a device plugin's device, which comes as \\"deviceID\\", let the pod request its resource (resources.limits) and the network attachment name that (annotation k8s.v1.cni.cncf.io/resourceName)"
}`
      },
      "options: CHECK without a master": {
        status: 1,
        stdout: `{
    "cniVersion": "1.1.0",
    "code": 999,
    "msg": "container interface net1 not found",
    "details": "it was removed, or its master was: the links of a master that is deleted or recreated go with it"
}`
      }
    }
  },
  {
    reason: "an alias is its pod's word, and is told as that",
    calls: {
      "in the way: ADD twice": {
        stdout: `{
    "cniVersion": "1.1.0",
    "code": 7,
    "msg": "cannot create macvtap \\"net1\\" on master \\"eth0\\": link \\"net1\\" (macvtap; its alias says attachment net1 of container c1-tttttttt in network lan) already has that name in the container (EEXIST)",
    "details": "by its alias it is this very attachment: it was added before; DEL it first"
}`
      },
      "in the way: ADD with the same MAC to the other pod": {
        stdout: `{
    "cniVersion": "1.1.0",
    "code": 7,
    "msg": "cannot create macvtap \\"net1\\" on master \\"eth0\\": MAC address 02:00:00:00:00:01 is in use on \\"eth0\\" by link \\"net1\\" (macvtap in /run/netns/c1; its alias says attachment net1 of container c1-tttttttt in network lan) (EADDRINUSE)",
    "details": "two links on one master cannot have the same \\"mac\\"; choose another, or remove that link"
}`
      },
      "in the way: ADD in passthru to the other pod": {
        stdout: `{
    "cniVersion": "1.1.0",
    "code": 7,
    "msg": "cannot create macvtap \\"net1\\" on master \\"eth0\\": \\"mode\\" is \\"passthru\\", which takes the master for itself, but link \\"net1\\" (macvtap in /run/netns/c1; its alias says attachment net1 of container c1-tttttttt in network lan) is on \\"eth0\\" too (EINVAL)",
    "details": "use another \\"mode\\", or another \\"master\\""
}`
      },
      "in the way: ADD beside passthru": {
        stdout: `{
    "cniVersion": "1.1.0",
    "code": 7,
    "msg": "cannot create macvtap \\"net1\\" on master \\"eth0\\": link \\"net1\\" (macvtap in /run/netns/c2; its alias says attachment net1 of container c2-tttttttt in network lan) is on it in mode \\"passthru\\", which takes the master for itself (EINVAL)",
    "details": "use another \\"master\\", or remove that link"
}`
      }
    }
  },
  {
    reason: "a delegate that is not there is said once, in the error: it has nothing to release",
    calls: { 'key of ADD: ADD {"ipam":{"type":"none-such"}}': { stderr: "" } }
  },
  {
    reason:
      "CHECK compares only a configured MTU: a later plugin of the chain may have set another, of which no result tells",
    calls: { "what CHECK finds: CHECK a changed MTU": { status: 0, stdout: "" } }
  }
]
