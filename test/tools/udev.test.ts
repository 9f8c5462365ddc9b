import { assert, describe, it } from "vitest"
import { udev } from "../../src/tools/doctor/host/udev.ts"
import { makeFolder } from "../lab/folder.ts"
import { writeBelow } from "../lab/tool/tool.ts"

const findings = async (files: Readonly<Record<string, string>>) => {
  await using folder = await makeFolder("udev")
  for (const [path, text] of Object.entries(files)) await writeBelow(folder.path, path, text)
  return udev({ root: folder.path }).map(({ status, says }) => `${status}: ${says.split(folder.path).join("")}`)
}

const rule = (text: string) => findings({ "etc/udev/rules.d/70-net.rules": text })

describe("udev's rules", () => {
  it.each([
    'SUBSYSTEM=="net", ACTION=="add", ATTR{address}=="02:00:00:00:00:01", NAME="lan0"',
    'ACTION=="add", SUBSYSTEM=="net", KERNEL=="macvtap*", NAME="tap_%n"',
    'SUBSYSTEM=="net", KERNEL=="eth*|mvt*", NAME:="x%n"',
    'SUBSYSTEM=="net", \\\n  ATTR{type}=="1", \\\n  NAME="lan0"'
  ])("would rename: %s", async (text) => {
    assert.deepStrictEqual(await rule(`# a comment\n\n${text}\n`), [
      "wrong: /etc/udev/rules.d/70-net.rules:3 would rename a macvtap that is made in the host's namespace"
    ])
  })

  it.each([
    'SUBSYSTEM=="net", ACTION=="add", DRIVERS=="?*", ATTR{address}=="02:00:00:00:00:01", NAME="lan0"',
    'SUBSYSTEM=="net", KERNEL=="eth*", NAME="lan0"',
    'SUBSYSTEM=="net", ENV{DEVTYPE}=="wlan", NAME="w0"',
    'SUBSYSTEM=="net", NAME=="", ENV{ID_NET_NAME}!="", NAME="$env{ID_NET_NAME}"',
    'SUBSYSTEM=="net", SUBSYSTEMS=="pci", KERNELS=="0000:00:03.0", NAME="lan0"',
    'SUBSYSTEM=="block", NAME="disk"',
    '# SUBSYSTEM=="net", NAME="lan0"',
    'SUBSYSTEM=="net", NAME=="lan0", RUN+="/bin/true"'
  ])("would not rename: %s", async (text) => {
    assert.deepStrictEqual(await rule(text), [
      `fine: no rule renames macvtaps (${text.startsWith("#") ? 0 : 1} rules looked at)`
    ])
  })

  it("tells of rules that set the owner of tap nodes", async () => {
    assert.deepStrictEqual(await rule('SUBSYSTEM=="macvtap", GROUP="kvm", MODE="0660"'), [
      "wrong: /etc/udev/rules.d/70-net.rules:1 sets owner or mode of tap nodes, at the same time as the plugin does"
    ])
  })

  it("lets a file of /etc hide the one of the same name in /usr/lib", async () => {
    const renames = 'SUBSYSTEM=="net", NAME="lan0"'
    assert.match(
      (await findings({ "etc/udev/rules.d/70.rules": "", "usr/lib/udev/rules.d/70.rules": renames }))[0] ?? "",
      /^fine/
    )
    assert.match((await findings({ "usr/lib/udev/rules.d/70.rules": renames }))[0] ?? "", /^wrong/)
  })

  it.each([
    ["[Match]\nOriginalName=*\n\n[Link]\nNamePolicy=keep kernel database onboard slot path\n", "fine"],
    ["[Match]\nOriginalName=*\n[Link]\nNamePolicy=mac\n", "wrong"],
    ["[Match]\nMACAddress=02:00:00:00:00:01\n[Link]\nName=lan0\n", "wrong"],
    ["[Match]\nMACAddress=02:00:00:00:00:01\nType=wlan\n[Link]\nName=lan0\n", "fine"],
    ["[Match]\nDriver=ixgbe\n[Link]\nName=lan0\n", "fine"],
    ["[Match]\nOriginalName=eth0\n[Link]\nName=lan0\n", "fine"],
    ["[Match]\nPermanentMACAddress=02:00:00:00:00:01\n[Link]\nName=lan0\n", "fine"],
    ["[Match]\nOriginalName=*\n[Link]\nMTUBytes=9000\n", "fine"]
  ])("judges a .link file %j: %s", async (text, status) => {
    assert.match((await findings({ "etc/systemd/network/10-x.link": text }))[0] ?? "", new RegExp(`^${status}`))
  })
})
