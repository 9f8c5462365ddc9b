/**
 * Records test/goldens: the bytes that `ip` and this machine's kernel say to each other, seen by strace. As root, with
 * iproute2, strace and python3: `node scripts/record-goldens.ts`. Sequence numbers and ports differ each time.
 */
import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { release, tmpdir } from "node:os"
import { join } from "node:path"
import { type Scene, scenes } from "./golden-scenes.ts"

type Datagram = { readonly sent: string } | { readonly received: string }

const goldens = new URL("../test/goldens/", import.meta.url)
const folder = mkdtempSync(join(tmpdir(), "goldens-"))
const trace = join(folder, "trace")

const run = (command: ReadonlyArray<string>) => {
  const [program = "", ...args] = command
  return spawnSync(program, args, { encoding: "utf8" })
}

/**
 * The datagrams of a trace: after the line of a call come dumps of its buffers, sixteen bytes a line,
 * ` | 00010  00 00 00 00 4d 00 00 00  00 00 00 00 00 00 00 00  ....M........... |`.
 */
const datagrams = (text: string): ReadonlyArray<Datagram> => {
  const list: Array<Datagram> = []
  let sending = false
  let hex = ""
  const flush = () => {
    if (hex !== "") list.push(sending ? { sent: hex } : { received: hex })
    hex = ""
  }
  for (const line of text.split("\n")) {
    if (line.startsWith(" |")) hex += line.slice(10, 59).replaceAll(" ", "")
    else if (!line.startsWith(" *")) {
      flush()
      sending = line.startsWith("send")
    }
  }
  flush()
  return list
}

const says = (stdout: string): unknown => {
  try {
    return JSON.parse(stdout)
  } catch {
    return undefined
  }
}

const perform = ({ command, name }: Scene): void => {
  if (name === undefined) {
    const { status, stderr } = run(command)
    if (status !== 0) throw new Error(`${command.join(" ")}: ${stderr}`)
    return
  }
  const calls = "trace=sendmsg,recvmsg,sendto,recvfrom"
  const { stdout } = run(["strace", "-qq", "-o", trace, "-e", calls, "-e", "read=all", "-e", "write=all", ...command])
  const golden = {
    command: command.join(" "),
    kernel: release().replace(/-.*/, ""),
    ip: run(["ip", "-V"]).stdout.trim(),
    exchange: datagrams(readFileSync(trace, "utf8")),
    /** What `ip -j` made of it: the judge of our own reading. */
    says: says(stdout)
  }
  writeFileSync(new URL(`${name}.json`, goldens), `${JSON.stringify(golden, undefined, 2)}\n`)
}

try {
  for (const scene of scenes) perform(scene)
} finally {
  run(["ip", "netns", "del", "golden-a"])
  run(["ip", "netns", "del", "golden-b"])
  rmSync(folder, { recursive: true })
}
