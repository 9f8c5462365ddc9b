/**
 * A machine for one group of calls: a network and a mount namespace with the same names, MAC addresses and ifindexes every
 * time. /run and /var/lib are empty file systems there, and /proc shows no other process: the machine's own are neither
 * seen nor changed, and GC finds no namespace of another run's.
 */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { readFileSync } from "node:fs"
import { type RunResult, run } from "../lab/run.ts"
import { ipamPlugins } from "./ipam.ts"

export interface Scene extends AsyncDisposable {
  /** Runs a script in the scene; it has to succeed. */
  readonly sh: (script: string) => Promise<void>
  /** Runs `/run/bin/<program>` in the scene, with this environment and no more. */
  readonly call: (program: string, env: Readonly<Record<string, string>>, stdin: string) => Promise<RunResult>
}

const setUp = `
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/lib
mkdir /run/netns /run/bin /run/ipam /var/lib/macvtap-cni
for name in macvtap macvlan macvtap-cni; do ln -s "$1" /run/bin/$name; done
ip link set lo up
ip link add eth0 index 10 address 02:ee:00:00:00:01 type veth peer name wire0 index 11 address 02:ee:00:00:00:02
ip link set eth0 up
ip link set wire0 up
ip address add 192.168.1.2/24 dev eth0
ip route add default via 192.168.1.1
ip netns add c1
ip netns add c2
ip -n c1 link set lo up
ip -n c2 link set lo up
`

/** `executable` is an absolute path. */
export const makeScene = async (executable: string): Promise<Scene> => {
  // Holds the namespaces until its stdin ends.
  const holder = spawn(
    "unshare",
    [
      ...["--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private"],
      "sh",
      "-ec",
      `${setUp}${ipamPlugins()}\necho ready\ncat`,
      "sh",
      executable
    ],
    { stdio: ["pipe", "pipe", "pipe"] }
  )
  const ended = once(holder, "close")
  let said = ""
  holder.stderr.on("data", (chunk) => {
    said += chunk
  })
  await Promise.race([once(holder.stdout, "data"), ended])
  if (holder.exitCode !== null) throw new Error(`the scene cannot be made: ${said}`)
  // unshare's child is the first process of the namespace that unshare itself is not in.
  const first = readFileSync(`/proc/${holder.pid}/task/${holder.pid}/children`, "utf8").trim()
  const enter = ["--target", first, "--mount", "--net", "--pid", "--"]
  return {
    sh: async (script) => {
      const { status, stderr } = await run("nsenter", [...enter, "sh", "-ec", script])
      if (status !== 0) throw new Error(`${script}: ${stderr}`)
    },
    call: (program, env, stdin) => run("/usr/bin/nsenter", [...enter, `/run/bin/${program}`], { env, stdin }),
    [Symbol.asyncDispose]: async () => {
      holder.stdin.end()
      await ended
    }
  }
}
