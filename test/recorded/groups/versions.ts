/** Every command at every version, with addresses and without. */
import { type Call, conf, confAfter, env, type Group, versions } from "../call.ts"

const atVersion = (cniVersion: string, ipam?: object): ReadonlyArray<Call> => {
  const more = { cniVersion, ...(ipam === undefined ? {} : { ipam }) }
  const valid = { ...more, "cni.dev/valid-attachments": [] }
  return [
    { what: "STATUS", env: env("STATUS"), stdin: conf(more) },
    { what: "ADD", env: env("ADD"), stdin: conf(more) },
    { what: "CHECK", env: env("CHECK"), stdin: confAfter(more) },
    { what: "CHECK without prevResult", env: env("CHECK"), stdin: conf(more) },
    { what: "DEL", env: env("DEL"), stdin: confAfter(more) },
    { what: "CHECK after DEL", env: env("CHECK"), stdin: confAfter(more) },
    { what: "GC", env: env("GC"), stdin: conf(valid) },
    { what: "VERSION", env: env("VERSION"), stdin: conf(more) }
  ]
}

export const ofVersions: ReadonlyArray<Group> = versions.flatMap((cniVersion) => [
  { name: `${cniVersion}, no IPAM`, steps: atVersion(cniVersion) },
  { name: `${cniVersion}, IPAM`, steps: atVersion(cniVersion, { type: `of-${cniVersion}` }) }
])
