/** Links that are made, and those that the kernel or somebody else's link does not let us make. */
import { type Call, conf, confAfter, env, env2, type Group, life } from "../call.ts"

const add = (what: string, more: object = {}): Call => ({ what: `ADD ${what}`, env: env("ADD"), stdin: conf(more) })
const add2 = (what: string, more: object = {}): Call => ({
  what: `ADD ${what} to the other pod`,
  env: env2("ADD"),
  stdin: conf(more)
})
const check = (what: string, more: object = {}): Call => ({
  what: `CHECK ${what}`,
  env: env("CHECK"),
  stdin: confAfter(more)
})
const del = (what: string, more: object = {}): Call => ({ what: `DEL ${what}`, env: env("DEL"), stdin: conf(more) })

const source = { mode: "source", sourceMACs: ["02:00:00:00:00:21", "02-00-00-00-00-22"] }

const prevResult = {
  cniVersion: "1.1.0",
  interfaces: [{ name: "eth0", mac: "02:00:00:00:00:77", sandbox: "/run/netns/c1" }],
  ips: [{ address: "10.5.0.5/24", interface: 0 }],
  routes: [{ dst: "0.0.0.0/0", gw: "10.5.0.1" }],
  dns: { nameservers: ["1.1.1.1"] }
}

export const links: ReadonlyArray<Group> = [
  {
    name: "modes",
    steps: [
      ...["bridge", "vepa", "private"].flatMap((mode) => life(mode, { mode })),
      ...life("source", source),
      ...life("passthru", { mode: "passthru", mac: undefined }),
      ...life("passthru with a MAC", { mode: "passthru" })
    ]
  },
  {
    name: "options",
    steps: [
      ...life("with an MTU", { mtu: 1400 }),
      ...life("promiscuous", { promiscMode: true }),
      ...life("without allmulti", { allmulti: false }),
      ...life("for an owner", { owner: 1000, group: 1001 }),
      ...life("with a queue", { bcqueuelen: 500 }),
      ...life("without a master", { master: undefined }),
      ...life("with dns", {
        dns: { nameservers: ["1.1.1.1"], domain: "example.org", search: ["a"], options: ["ndots:2"] }
      }),
      ...life("with a mac of the runtime's", {
        runtimeConfig: { mac: "02-00-00-00-00-33" },
        capabilities: { mac: true }
      }),
      ...life("with a mac in args", { args: { cni: { mac: "0200.0000.0044" } } }),
      ...life("of type macvlan", { type: "macvlan" }),
      ...life("of type macvtap-cni", { type: "macvtap-cni" }),
      ...life("without a type", { type: undefined })
    ]
  },
  {
    name: "names",
    steps: [
      { what: "ADD as macvlan", env: env("ADD"), stdin: conf({ type: "macvlan" }), program: "macvlan" },
      { what: "CHECK as macvlan", env: env("CHECK"), stdin: confAfter({ type: "macvlan" }), program: "macvlan" },
      { what: "DEL as macvlan", env: env("DEL"), stdin: conf({ type: "macvlan" }), program: "macvlan" },
      { what: "ADD as macvtap-cni", env: env("ADD"), stdin: conf({ type: "macvtap-cni" }), program: "macvtap-cni" },
      { what: "DEL as macvtap-cni", env: env("DEL"), stdin: conf({ type: "macvtap-cni" }), program: "macvtap-cni" },
      {
        what: "ADD with a MAC in CNI_ARGS",
        env: env("ADD", { CNI_ARGS: "IgnoreUnknown=1;K8S_POD_NAME=web;MAC=02:00:00:00:00:55" }),
        stdin: conf()
      },
      del("without CNI_ARGS")
    ]
  },
  {
    name: "in the pod's own link",
    steps: [
      {
        sh: "ip -n c1 link add eth9 index 20 type veth peer name eth8 index 21; ip -n c1 link set eth9 up; ip -n c1 link set eth8 up"
      },
      ...life("with linkInContainer", { linkInContainer: true, master: "eth9" }),
      add("with linkInContainer and the host's master", { linkInContainer: true })
    ]
  },
  {
    name: "prevResult of another plugin",
    steps: [
      add("behind it", { prevResult }),
      check("behind it"),
      del("behind it"),
      add("at 0.3.1", { cniVersion: "0.3.1", prevResult: { ...prevResult, cniVersion: "0.3.1", ips: undefined } }),
      del("at 0.3.1", { cniVersion: "0.3.1" }),
      add("at 0.2.0", { cniVersion: "0.2.0", prevResult: { ip4: { ip: "10.5.0.5/24" } } }),
      del("at 0.2.0", { cniVersion: "0.2.0" })
    ]
  },
  {
    name: "in the way",
    steps: [
      add("first"),
      add("twice"),
      add2("with the same MAC"),
      add2("in passthru", { mode: "passthru", mac: "02:00:00:00:00:02" }),
      add2("with eth0's MAC", { mac: "02:ee:00:00:00:01" }),
      add2("that is fine", { mac: "02:00:00:00:00:02" }),
      {
        what: "GC of c2",
        env: env("GC"),
        stdin: conf({ "cni.dev/valid-attachments": [{ containerID: env("ADD")["CNI_CONTAINERID"], ifname: "net1" }] })
      },
      check("after GC"),
      { what: "GC of all", env: env("GC"), stdin: conf({ "cni.dev/valid-attachments": [] }) },
      check("after GC of all"),
      add2("in passthru alone", { mode: "passthru" }),
      add("beside passthru", { mac: "02:00:00:00:00:03" }),
      { sh: "ip -n c2 link del net1; ip -n c1 link add net1 type veth peer name v1" },
      add("where a veth has the name"),
      del("where a veth has the name"),
      { sh: "ip -n c1 link del net1; ip link add br0 index 30 type bridge; ip link set eth0 master br0" },
      add("on a bridge's port"),
      { sh: "ip link set eth0 nomaster; ip link set eth0 down" },
      add("on a link that is down"),
      check("on a link that is down"),
      del("on a link that is down")
    ]
  },
  {
    name: "what CHECK finds",
    steps: [
      add("plain"),
      check("plain"),
      check("another mode", { mode: "vepa" }),
      check("another MTU", { mtu: 1300 }),
      check("another master", { master: "wire0" }),
      check("another MAC", { mac: "02:00:00:00:00:99" }),
      check("a kind", { type: "macvlan" }),
      check("promiscuous", { promiscMode: true }),
      { sh: "ip -n c1 link set net1 down" },
      check("down"),
      { sh: "ip -n c1 link set net1 up address 02:00:00:00:00:98" },
      check("a changed MAC"),
      { sh: "ip -n c1 link set net1 address 02:00:00:00:00:01; ip -n c1 link set net1 mtu 1200" },
      check("a changed MTU"),
      { sh: "ip -n c1 link set net1 mtu 1500; ip -n c1 link set net1 name other" },
      check("another name"),
      del("another name"),
      { sh: "ip netns del c2" },
      { what: "DEL of a namespace that is gone", env: env2("DEL"), stdin: conf() },
      { what: "CHECK of a namespace that is gone", env: env2("CHECK"), stdin: confAfter() },
      { what: "DEL without a namespace", env: env("DEL", { CNI_NETNS: "" }), stdin: conf() }
    ]
  }
]
