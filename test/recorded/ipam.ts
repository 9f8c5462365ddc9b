/** The scene's IPAM plugins: shell scripts in /run/ipam that answer ADD with just this, and all else with nothing. */
import { versions } from "./call.ts"

const v4 = { cniVersion: "1.1.0", ips: [{ address: "10.9.0.5/24", gateway: "10.9.0.1" }] }

const answers: Readonly<Record<string, object | string>> = {
  v4,
  both: {
    cniVersion: "1.1.0",
    ips: [...v4.ips, { address: "fd00:9::5/64", gateway: "fd00:9::1" }],
    routes: [{ dst: "0.0.0.0/0" }, { dst: "::/0" }]
  },
  routes: {
    ...v4,
    routes: [
      { dst: "10.20.0.0/16", gw: "10.9.0.7", mtu: 1300, advmss: 1200, priority: 50 },
      { dst: "10.30.0.0/16", table: 100 },
      { dst: "10.40.0.0/16", scope: 253 }
    ],
    dns: { nameservers: ["10.9.0.1"] }
  },
  garbage: "garbage",
  mute: "",
  none: { cniVersion: "1.1.0", ips: [] },
  old: { cniVersion: "0.2.0", ip4: { ip: "10.9.0.5/24" } },
  "bad-address": { cniVersion: "1.1.0", ips: [{ address: "10.9.0.500/24" }] },
  "bad-route": { ...v4, routes: [{ dst: "10.20.0.0/16", gw: "172.16.0.1" }] }
}

/** A result at a version, in that version's shape. */
const ofVersion = (cniVersion: string): object => {
  if (/^0\.[12]/.test(cniVersion)) return { cniVersion, ip4: { ip: "10.9.0.5/24", gateway: "10.9.0.1" } }
  const [ip] = v4.ips
  return { cniVersion, ips: [/^0\./.test(cniVersion) ? { version: "4", ...ip } : ip] }
}

const script = (name: string, text: string): string =>
  `cat > /run/ipam/${name} <<'SCRIPT'\n#!/bin/sh\n${text}\nSCRIPT\nchmod 755 /run/ipam/${name}\n`

const onAdd = (text: string): string => `[ "$CNI_COMMAND" != ADD ] || ${text}`

const says = (answer: object | string): string =>
  `printf '%s' '${typeof answer === "string" ? answer : JSON.stringify(answer)}'`

const refusal = says({ cniVersion: "1.0.0", code: 107, msg: "no more addresses", details: "all 253 are taken" })

/** The shell commands that write them. */
export const ipamPlugins = (): string =>
  [
    ...Object.entries(answers).map(([name, answer]) => script(name, onAdd(says(answer)))),
    ...versions.map((version) => script(`of-${version}`, onAdd(says(ofVersion(version))))),
    script("refuses", onAdd(`{ ${refusal}; exit 1; }`)),
    script("only-adds", `if [ "$CNI_COMMAND" = ADD ]; then ${says(v4)}; else ${refusal}; exit 1; fi`),
    "echo nothing > /run/ipam/not-executable\n"
  ].join("")
