/** `ipam.type` dhcp, by Debian's daemon and dnsmasq: the lease comes at once, and the address is announced. */
import { existsSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "vitest"
import { bothWays, makeNode } from "../lab/call/node.ts"
import { startDaemon } from "../lab/daemon.ts"
import { makeFolder } from "../lab/folder.ts"
import { ipAddresses } from "../lab/ip.ts"
import { hasDebianPlugins, hasExecutable, hasMacvtap } from "../lab/machine.ts"
import { debianPlugins, inNetns } from "../lab/plugin.ts"
import { until } from "../lab/run.ts"

const able = hasMacvtap && hasExecutable && hasDebianPlugins
const tools = ["/usr/sbin/dnsmasq", "/usr/bin/tcpdump"].filter((path) => !existsSync(path))

const start = (netns: string, ...command: ReadonlyArray<string>) => {
  const [first = "", ...rest] = inNetns(netns, command)
  return startDaemon(first, rest)
}

describe.skipIf(!able || tools.length > 0).each(bothWays)(
  `%s: dhcp${tools.length > 0 ? ` (skipped: no ${tools.join(", ")})` : ""}`,
  (_, program) => {
    it.each(["macvtap", "macvlan"])(
      "gives a %s its lease without a second try, and neighbours hear of it",
      async (type) => {
        await using node = await makeNode(program)
        await using folder = await makeFolder("pl-dhcp")
        await node.wire.ip("addr add 192.0.2.1/24 dev wire0")
        const file = (name: string) => join(folder.path, name)
        await using server = start(
          node.wire.name,
          "dnsmasq",
          "--keep-in-foreground",
          "--conf-file=/dev/null",
          "--interface=wire0",
          "--bind-interfaces",
          "--port=0",
          "--dhcp-range=192.0.2.100,192.0.2.199,1h",
          `--dhcp-leasefile=${file("leases")}`,
          "--pid-file=",
          "--no-ping",
          "--dhcp-authoritative",
          "--log-facility=-"
        )
        await using daemon = start(node.host.name, `${debianPlugins}/dhcp`, "daemon", "-socketpath", file("sock"))
        await using dump = start(node.wire.name, "tcpdump", "-n", "-l", "-i", "wire0", "arp")
        await server.line(/DHCP, IP range/, 10_000)
        await dump.line(/listening on/, 10_000)
        await until("the daemon's socket", () => existsSync(file("sock")))

        const conf = { type, cniVersion: "1.0.0", ipam: { type: "dhcp", daemonSocketPath: file("sock") } }
        const result = await node.add({ conf })
        const [{ address } = { address: "" }] = result.ips ?? []
        assert.match(address ?? "", /^192\.0\.2\.1\d\d\/24$/)
        const found = await ipAddresses(node.pod.name, "net1")
        assert.include(
          found.map(({ local, prefixlen }) => `${local}/${prefixlen}`),
          address
        )
        const ip = (address ?? "").split("/")[0]
        await dump.line(new RegExp(`who-has ${ip} (\\(\\S+\\) )?tell ${ip}[ ,]`), 5000)
        await daemon.line(/lease acquired/, 5000)
        const troubles = daemon.lines.filter((line) => /retrying|Attempting to set up|network is down/.test(line))
        assert.deepStrictEqual(troubles, [])
        await node.silent("DEL", { conf })
      }
    )
  }
)
