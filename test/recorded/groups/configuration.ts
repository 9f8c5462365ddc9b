/** What is wrong with the configuration: its text, its header, its keys. */
import { type Call, conf, configured, env, type Group } from "../call.ts"

const texts: ReadonlyArray<readonly [what: string, stdin: string]> = [
  ["nothing", ""],
  ["a brace", "{"],
  ["an array", "[]"],
  ["null", "null"],
  ["a number", "7"],
  ["a string", '"lan"'],
  ["an empty object", "{}"],
  ["no JSON", "{name: lan}"],
  ["a comma too many", '{"name":"lan",}'],
  ["two documents", `${conf()}${conf()}`],
  ["a byte order mark", `\ufeff${conf({ master: "none0" })}`],
  ["NULs", "\0\0\0"],
  ["a deep array", `{"name":"lan","x":${"[".repeat(20_000)}`],
  ["an empty name", '{"name":""}'],
  ["a bad name", '{"name":"a b"}'],
  ["a number as name", '{"name":7}'],
  ["two names", '{"name":"x","NAME":"%"}'],
  ["a number as version", conf({ cniVersion: 7 })],
  ["null as version", '{"name":"lan","cniVersion":null,"master":"none0"}'],
  ["no version", '{"name":"lan","master":"none0"}'],
  ["version 1.1", conf({ cniVersion: "1.1" })],
  ["version 9.9.9", conf({ cniVersion: "9.9.9" })],
  ["version x", conf({ cniVersion: "x" })],
  ["version v1.0.0", conf({ cniVersion: "v1.0.0" })]
]

/** Judged by every command, if differently. */
const everywhere: ReadonlyArray<object> = [
  { type: "macvtop" },
  { type: 7 },
  { ipam: "host-local" },
  { ipam: { type: "../bin/sh" } },
  { ipam: { type: "macvtap" } },
  { ipam: { type: "none-such" } },
  { logFile: "relative.log" },
  { logLevel: "loud" },
  { prevResult: 7 },
  { prevResult: { cniVersion: "0.4.0" } },
  { "cni.dev/valid-attachments": 7 },
  { "cni.dev/valid-attachments": [{ containerID: 1 }] },
  { "cni.dev/attachments": [] }
]

/** Judged where a link is made or compared. */
const ofLink: ReadonlyArray<object> = [
  { mtu: "1500" },
  { mtu: 1501 },
  { mtu: 60 },
  { mtu: -1 },
  { mtu: 1.5 },
  { mode: "brigde" },
  { mode: 0 },
  { mode: "source" },
  { sourceMACs: ["02:00:00:00:00:01"] },
  { mode: "source", sourceMACs: ["xx"] },
  { mac: "xx" },
  { mac: "01:00:5e:00:00:01" },
  { mac: 5 },
  { runtimeConfig: { mac: "00:00:00:00:00:00" } },
  { runtimeConfig: { ips: "10.1.0.5" } },
  { args: { cni: { mac: 5 } } },
  { args: { cni: { mac: "zz" } } },
  { promiscMode: "yes" },
  { allmulti: 1 },
  { owner: "root" },
  { group: -1 },
  { owner: 4294967295 },
  { bcqueuelen: -1 },
  { linkInContainer: "true" },
  { linkInContainer: true },
  { master: "a/b" },
  { master: "sixteen-letters!" },
  { master: "eth7" },
  { master: 7 },
  { master: "lo" },
  { dns: { nameservers: "1.1.1.1" } },
  { dns: 1 },
  { capabilities: 1 },
  { deviceID: "a/b" },
  { deviceID: "eth0" },
  { deviceID: "gone" },
  { deviceID: "dev0", linkInContainer: true },
  { deviceID: 7 }
]

const withConf =
  (commands: ReadonlyArray<string>) =>
  (more: object): ReadonlyArray<Call> =>
    commands.map((command) => ({ what: `${command} ${JSON.stringify(more)}`, env: env(command), stdin: conf(more) }))

const prevResult = {
  cniVersion: "1.1.0",
  interfaces: [{ name: "net1", mac: "02:00:00:00:00:01", sandbox: "/run/netns/c1" }]
}

const prevResults: ReadonlyArray<readonly [what: string, prevResult: unknown]> = [
  ["null", null],
  ["without interfaces", { cniVersion: "1.1.0" }],
  ["of another interface", { ...prevResult, interfaces: [{ name: "net2", sandbox: "/run/netns/c1" }] }],
  ["of another sandbox", { ...prevResult, interfaces: [{ name: "net1", sandbox: "/run/netns/c2" }] }],
  ["of a link that is not there", prevResult],
  ["with a bad address", { ...prevResult, ips: [{ address: "10.1.0.5" }] }],
  ["with an interface out of range", { ...prevResult, ips: [{ address: "10.1.0.5/24", interface: 7 }] }]
]

export const configuration: ReadonlyArray<Group> = [
  ...configured.map((command) => ({
    name: `text for ${command}`,
    steps: texts.map(([what, stdin]) => ({ what, env: env(command), stdin }))
  })),
  { name: "key", steps: everywhere.flatMap(withConf(["CHECK", "DEL", "GC", "STATUS"])) },
  // ADD takes some of these; every one is taken away again.
  { name: "key of ADD", steps: everywhere.flatMap(withConf(["ADD", "DEL"])) },
  { name: "key of a link", steps: ofLink.flatMap(withConf(["ADD", "CHECK", "DEL"])) },
  {
    name: "prevResult",
    steps: ["CHECK", "DEL"].flatMap((command) =>
      prevResults.map(([what, prevResult]) => ({
        what: `${command} ${what}`,
        env: env(command),
        stdin: conf({ prevResult })
      }))
    )
  }
]
