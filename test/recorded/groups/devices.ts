/** Devices: links of the host that are imported, and those that the device plugin reserved. */
import { deviceIndex } from "../../../src/devices/deviceID.ts"
import { type Call, conf, confAfter, env, env2, type Group, token } from "../call.ts"

/** A resource's name is in its devices' ifindexes. */
const resource = `r${token}`
const standalone = `s${token}`

const resources = JSON.stringify({
  version: 1,
  resources: {
    [resource]: { lowerDevice: "eth0", mode: "bridge", capacity: 4, standalone: false },
    absent: { lowerDevice: "eth0", mode: "bridge", capacity: 4, standalone: true },
    [standalone]: { lowerDevice: "eth0", mode: "bridge", capacity: 4, standalone: true },
    [`n${token}`]: { mode: "bridge", capacity: 4, standalone: false },
    [`g${token}`]: { lowerDevice: "gone0", mode: "bridge", capacity: 4, standalone: false }
  }
})

const write = (text: string): { readonly sh: string } => ({
  sh: `cat > /var/lib/macvtap-cni/resources.json <<'END'\n${text}\nEND`
})

const device = (command: string, what: string, deviceID: string, more: object = {}): Call => ({
  what: `${command} ${what}`,
  env: env(command),
  stdin: command === "CHECK" ? confAfter({ deviceID, ...more }) : conf({ deviceID, ...more })
})

const wholeLife = (what: string, deviceID: string, more: object = {}): ReadonlyArray<Call> =>
  ["ADD", "CHECK", "DEL", "DEL again"].map((command) => ({
    ...device(command.split(" ")[0] ?? "", what, deviceID, more),
    what: `${command} ${what}`
  }))

const dev = (name: string, type = "macvtap mode bridge") => ({
  sh: `ip link add link eth0 name ${name} address 02:00:00:00:01:0${name.slice(-1)} type ${type}; ip link set ${name} up`
})

export const devices: ReadonlyArray<Group> = [
  {
    name: "import",
    steps: [
      dev("dev0"),
      device("ADD", "of another master", "dev0", { master: "wire0" }),
      device("ADD", "of another kind", "dev0", { type: "macvlan" }),
      device("ADD", "with too large an MTU", "dev0", { mtu: 1501 }),
      ...wholeLife("with all", "dev0", { mtu: 1400, promiscMode: true }),
      dev("dev1"),
      ...wholeLife("as it is", "dev1", { mac: undefined }),
      dev("mvtf81e82d3e5f1"),
      ...wholeLife("by hash", "dev2"),
      dev("dev3"),
      { sh: "ip link set dev3 alias macvtap-cni:lan/other/net1" },
      device("ADD", "of what is held", "dev3"),
      { sh: "ip link del dev3" },
      dev("dev4", "macvlan mode bridge"),
      device("ADD", "of a macvlan", "dev4"),
      ...wholeLife("of a macvlan as macvlan", "dev4", { type: "macvlan" }),
      dev("dev5"),
      device("ADD", "by the runtime", "gone", { runtimeConfig: { deviceID: "dev5" } }),
      device("DEL", "by the runtime", "gone", { runtimeConfig: { deviceID: "dev5" } })
    ]
  },
  {
    name: "reserved",
    steps: [
      write(resources),
      ...wholeLife("of a resource", `${resource}Mvp0`),
      ...wholeLife("without a master", `${resource}Mvp0`, { master: undefined }),
      device("ADD", "of another master", `${resource}Mvp0`, { master: "wire0" }),
      device("ADD", "of another mode", `${resource}Mvp0`, { mode: "vepa" }),
      device("ADD", "beyond what there is", `${resource}Mvp4`),
      device("DEL", "beyond what there is", `${resource}Mvp4`),
      device("ADD", "of no resource", "noneMvp0"),
      device("ADD", "without a lower device", `n${token}Mvp0`, { master: undefined }),
      device("ADD", "of a lower device that is gone", `g${token}Mvp0`, { master: undefined }),
      device("ADD", "standalone that is not there", "absentMvp0"),
      { sh: "ip -n c1 link del net1 2>/dev/null || true" },
      {
        // As the device plugin makes it: CHECK knows the device by its ifindex.
        sh: (own) => {
          const index = deviceIndex({ resource: standalone.replace(token, own), ordinal: 0 })
          return `ip link add link eth0 name ${standalone}Mvp0 index ${index} type macvtap mode bridge`
        }
      },
      ...wholeLife("standalone", `${standalone}Mvp0`),
      device("ADD", "once", `${resource}Mvp1`),
      {
        what: "ADD of what is held",
        env: env2("ADD"),
        stdin: conf({ deviceID: `${resource}Mvp1`, mac: "02:00:00:00:00:02" })
      },
      { what: "GC with a device", env: env("GC"), stdin: conf({ "cni.dev/valid-attachments": [] }) },
      {
        what: "ADD of what was held",
        env: env2("ADD"),
        stdin: conf({ deviceID: `${resource}Mvp1`, mac: "02:00:00:00:00:02" })
      },
      { what: "DEL of what was held", env: env2("DEL"), stdin: conf({ deviceID: `${resource}Mvp1` }) }
    ]
  },
  {
    name: "resources.json",
    steps: [
      "",
      "{",
      "[]",
      "{}",
      '{"version":2}',
      '{"version":1,"resources":7}',
      '{"version":1,"resources":{"x":{"mode":1}}}'
    ].flatMap((text) => [
      write(text),
      device("ADD", `with ${text}`, `${resource}Mvp0`),
      device("DEL", `with ${text}`, `${resource}Mvp0`)
    ])
  }
]
