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
  }
]
