/**
 * What `record-goldens.ts` records: a story in two namespaces, `golden-a` (the host's part) and `golden-b` (the
 * container's), each command run in order, those with a name recorded under it.
 */
import { macvtap } from "../src/link/macvtap.ts"
import { encode, type Request } from "../src/netlink/message.ts"
import { addressDump, kindProbe, linkDump, linkGet, linkSet, routeDump } from "../src/netlink/requests.ts"

export interface Scene {
  /** Of the golden's file; absent: only run. */
  readonly name?: string
  readonly command: ReadonlyArray<string>
}

const words = (line: string): ReadonlyArray<string> => line.split(" ")

/** Run, not recorded. */
const run = (line: string): Scene => ({ command: words(line) })

const record = (name: string, line: string): Scene => ({ name, command: words(line) })

/** Sends bytes as they are, on a socket with the options that we set: NETLINK_CAP_ACK (10), NETLINK_EXT_ACK (11), strict (12). */
const send = `import socket, sys
s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
[s.setsockopt(270, option, 1) for option in (10, 11, 12)]
s.settimeout(0.2)
s.send(bytes.fromhex(sys.argv[1]))
try:
    while True: s.recv(65536)
except TimeoutError: pass`

/** A request of our own, in `golden-a`. */
const ours = (name: string, request: Request): Scene => ({
  name,
  command: [...words("ip netns exec golden-a python3 -c"), send, Buffer.from(encode(request, 7, 0)).toString("hex")]
})

export const scenes: ReadonlyArray<Scene> = [
  run("ip netns add golden-a"),
  run("ip netns add golden-b"),
  run(
    "ip -n golden-a link add lower index 10 address 02:00:00:00:00:0a type veth peer name wire index 11 address 02:00:00:00:00:0b"
  ),
  run("ip -n golden-a link set lower up"),
  run("ip -n golden-a link set wire up"),

  record(
    "macvtap-add",
    "ip -n golden-a link add link lower name tap0 index 1234567890 netns golden-b mtu 1400 address 02:03:04:05:06:07 alias macvtap-cni:net/id/tap0 up allmulticast on type macvtap mode bridge bcqueuelen 500"
  ),
  record("macvtap-show", "ip -n golden-b -d -j link show dev tap0"),
  record("macvtap-mode", "ip -n golden-b link set dev tap0 type macvtap mode private"),
  record("link-set", "ip -n golden-b link set dev tap0 mtu 1300 alias none up promisc on allmulticast off"),
  record("link-move", "ip -n golden-b link set dev tap0 name tap1 address 02:03:04:05:06:08 netns golden-a down"),
  record("link-del", "ip -n golden-a link del dev tap1"),

  record(
    "macvlan-source-add",
    "ip -n golden-a link add link lower name mac0 index 77 address 02:03:04:05:06:09 type macvlan mode source macaddr set 02:00:00:00:01:02 02:00:00:00:01:01"
  ),
  record("macvlan-source-show", "ip -n golden-a -d -j link show dev mac0"),
  run("ip -n golden-a link del dev mac0"),
  record(
    "macvlan-passthru-add",
    "ip -n golden-a link add link lower name mac1 index 78 type macvlan mode passthru nopromisc"
  ),
  record("macvlan-passthru-show", "ip -n golden-a -d -j link show dev mac1"),
  run("ip -n golden-a link del dev mac1"),

  record("ipvlan-add", "ip -n golden-a link add link lower name ipv0 index 79 type ipvlan mode l3s private"),

  run("ip -n golden-a link add bridge index 20 address 02:00:00:00:00:14 type bridge"),
  run("ip -n golden-a link set wire master bridge"),
  run("ip -n golden-a link property add dev lower altname a-name-longer-than-fifteen"),
  record("veth-show", "ip -n golden-a -d -j link show dev lower"),
  record("veth-show-altname", "ip -n golden-a -d -j link show dev a-name-longer-than-fifteen"),
  record("link-list", "ip -n golden-a -d -j link show"),

  record("address-add", "ip -n golden-a addr add 10.1.2.3/22 brd + dev lower"),
  record("address-add-31", "ip -n golden-a addr add 10.9.9.0/31 dev lower"),
  record("address-add-ipv6", "ip -n golden-a addr add 2001:db8::3/64 dev lower"),
  run("ip -n golden-a addr add 10.8.8.1 peer 10.8.8.2/32 dev lower"),
  record("address-list", "ip -n golden-a -d -j addr show dev lower"),

  record("route-add", "ip -n golden-a route add 10.20.0.0/16 via 10.1.2.1 dev lower"),
  record("route-add-link", "ip -n golden-a route add 10.21.0.0/16 dev lower"),
  record("route-add-default", "ip -n golden-a route add default via 10.1.2.1 dev lower metric 50 mtu 1400 advmss 1360"),
  record("route-add-table", "ip -n golden-a route add 10.22.0.0/16 via 10.1.2.1 dev lower table 1000 scope site"),
  record("route-add-via-inet6", "ip -n golden-a route add 10.23.0.0/16 via inet6 fe80::1 dev lower"),
  record("route-add-ipv6-default", "ip -n golden-a -6 route add default via 2001:db8::1 dev lower metric 50 mtu 1400"),
  run("ip -n golden-a route add 10.24.0.0/16 nexthop via 10.1.2.8 dev lower weight 2 nexthop via 10.1.2.9 dev lower"),
  run(
    "ip -n golden-a -6 route add 2001:db8:1::/48 nexthop via 2001:db8::8 dev lower nexthop via 2001:db8::9 dev lower"
  ),
  run("ip -n golden-a route add unreachable 10.25.0.0/16"),
  run("ip -n golden-a -6 route add blackhole 2001:db8:2::/48"),
  record("route-list", "ip -n golden-a -N -d -j route show table all"),

  record("route-add-ipv6-net", "ip -n golden-a -6 route add 2001:db8:5::/48 via 2001:db8::1 dev lower"),

  record("route-add-protocol", "ip -n golden-a route add 10.26.0.7/32 dev lower proto 109 metric 3000000000"),
  run("ip -n golden-a -6 route add 2001:db8:6::7/128 dev lower proto 109 metric 3000000000"),
  ours("route-dump-protocol", routeDump(109)),
  record("route-del", "ip -n golden-a route del 10.26.0.7/32 dev lower proto 109 metric 3000000000"),
  record("route-del-ipv6", "ip -n golden-a -6 route del 2001:db8:6::7/128 dev lower proto 109 metric 3000000000"),
  record("address-add-nodad", "ip -n golden-a addr add fe80::7/64 dev lower nodad"),
  record("address-del", "ip -n golden-a addr del 10.9.9.0/31 dev lower"),
  record("address-del-ipv6", "ip -n golden-a addr del 2001:db8::3/64 dev lower"),

  record("error-not-found", "ip -n golden-a link show dev nothing"),
  record("error-exists", "ip -n golden-a link add link lower name bridge type macvlan"),
  record("error-words", "ip -n golden-a link add link lower name mtu mtu 70000 type macvlan"),
  ours("error-words-capped", linkSet(10, { mtu: 70000 })),
  ours("link-get", linkGet("lower")),
  ours("address-dump", addressDump(10)),
  ours("route-dump", routeDump()),
  ours("link-dump", linkDump()),
  ours("kind-known", kindProbe(macvtap)),
  ours("kind-unknown", kindProbe({ ...macvtap, kind: "nonesuch" }))
]
