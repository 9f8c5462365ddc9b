/** Addresses: what IPAM plugins answer, good and bad. Those of the scene are shell scripts. */
import { conf, confAfter, env, type Group, life } from "../call.ts"

const ofPlugin = (type: string): Group => ({
  name: `IPAM ${type}`,
  steps: [
    ...life("with it", { ipam: { type } }),
    { what: "STATUS", env: env("STATUS"), stdin: conf({ ipam: { type } }) },
    { what: "GC", env: env("GC"), stdin: conf({ ipam: { type }, "cni.dev/valid-attachments": [] }) }
  ]
})

export const addresses: ReadonlyArray<Group> = [
  ...[
    "v4",
    "both",
    "routes",
    "refuses",
    "garbage",
    "mute",
    "none",
    "old",
    "bad-address",
    "bad-route",
    "not-executable"
  ].map(ofPlugin),
  {
    name: "IPAM refuses CHECK, DEL, GC and STATUS",
    steps: [
      { what: "ADD", env: env("ADD"), stdin: conf({ ipam: { type: "only-adds" } }) },
      { what: "CHECK", env: env("CHECK"), stdin: confAfter({ ipam: { type: "only-adds" } }) },
      { what: "STATUS", env: env("STATUS"), stdin: conf({ ipam: { type: "only-adds" } }) },
      { what: "GC", env: env("GC"), stdin: conf({ ipam: { type: "only-adds" }, "cni.dev/valid-attachments": [] }) },
      { what: "DEL", env: env("DEL"), stdin: confAfter({ ipam: { type: "only-adds" } }) }
    ]
  },
  {
    name: "addresses that are gone",
    steps: [
      { what: "ADD", env: env("ADD"), stdin: conf({ ipam: { type: "routes" } }) },
      { sh: "ip -n c1 route del 10.20.0.0/16" },
      { what: "CHECK without a route", env: env("CHECK"), stdin: confAfter({ ipam: { type: "routes" } }) },
      { sh: "ip -n c1 address flush dev net1" },
      { what: "CHECK without addresses", env: env("CHECK"), stdin: confAfter({ ipam: { type: "routes" } }) },
      { what: "DEL", env: env("DEL"), stdin: confAfter({ ipam: { type: "routes" } }) }
    ]
  }
]
