/**
 * `npm run demo`: one real ADD, the look inside the container, CHECK, DEL, the look again. All of it happens in
 * namespaces (network, mount, without root also user) that only this program and its children are in: they end with it,
 * and nothing outside sees them. `npm run demo -- --simulate` plays it on the kernel in memory in any case.
 */
import { spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { constants, release } from "node:os"
import { fileURLToPath } from "node:url"
import { run } from "./demo/programs.ts"
import { Surprise, story } from "./demo/story.ts"

const inside = "--inside"
const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const

/** What every namespace of the demo needs: a /run of its own, where `ip netns` keeps its names. */
const ownRun = ["mount", "-t", "tmpfs", "tmpfs", "/run"]

/** Where the plugin keeps what a node decides. */
const stateFolder = "/var/lib/macvtap-cni"

const say = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

/** The words of unshare(1) that work here, root's first; undefined and the reason where none do. */
const findWay = async (): Promise<{ readonly words?: ReadonlyArray<string>; readonly refusal: string }> => {
  const own = ["--mount", "--net"]
  const withUser = ["--user", "--map-root-user", ...own]
  let refusal = ""
  for (const words of process.getuid?.() === 0 ? [own, withUser] : [withUser]) {
    const attempt = await run("unshare", [...words, ...ownRun])
    if (attempt.status === 0) return { words, refusal: "" }
    refusal ||= attempt.stderr.trim().split("\n")[0] ?? ""
  }
  return { refusal }
}

const simulate = async (reason: string): Promise<number> => {
  const { simulatedStage } = await import("./demo/simulated.ts")
  say(`${reason}: what follows is played on a kernel in memory.`)
  await story(simulatedStage(), (line) => say(`[simulated] ${line}`.trimEnd()))
  return 0
}

/** In the namespaces: the story, and everything taken down however it ends. */
const play = async (): Promise<number> => {
  const interrupted = new AbortController()
  let status = 0
  for (const signal of signals) {
    process.on(signal, () => {
      status = 128 + constants.signals[signal]
      interrupted.abort()
    })
  }
  process.stdout.on("error", () => interrupted.abort())

  await run("mount", ownRun.slice(1))
  // This machine may be a node, whose policy is for its own networks.
  if (existsSync(stateFolder)) await run("mount", ["-t", "tmpfs", "tmpfs", stateFolder])
  const real = await import("./demo/real.ts").catch((error: Error) => error)
  if (real instanceof Error) return simulate(`The plugin cannot call this machine's C library (${real.message})`)
  const reason = await real.whyNot()
  if (reason !== undefined) return simulate(`This machine ${reason}`)
  const stage = await real.realStage(interrupted.signal)
  try {
    await story(stage, (line) => {
      interrupted.signal.throwIfAborted()
      say(line)
    })
    say("Nothing is left behind: the namespaces end with this program.")
  } catch (error) {
    if (interrupted.signal.aborted) process.stderr.write("interrupted: what was made is taken down\n")
    else if (error instanceof Surprise) {
      status = 1
      process.stderr.write(`${error.message}\n`)
    } else throw error
  } finally {
    await real.takeDown()
  }
  return status
}

/** The executable that a runtime would call. Where it cannot be built the demo runs the sources, and says so itself. */
const build = async (): Promise<void> => {
  if (existsSync(fileURLToPath(new URL("../dist/macvtap", import.meta.url)))) return
  say("npm run build: dist/macvtap, the executable that a container runtime calls")
  await run(process.execPath, [fileURLToPath(new URL("build.ts", import.meta.url))])
}

/** Outside: enters the namespaces with a second process, and hands on signals to it. */
const enter = async (): Promise<number> => {
  const user = process.getuid?.() === 0 ? "root" : `user ${process.getuid?.()}`
  const { words, refusal } = await findWay()
  if (words === undefined) return simulate(`This machine gives ${user} no namespaces (${refusal})`)
  await build()
  const how = words.includes("--user") ? "in a user namespace of its own, where it is root" : "in namespaces of its own"
  say(`macvtap-cni on Linux ${release()}, run by ${user}, ${how}`)
  const again = [process.execPath, fileURLToPath(import.meta.url), inside]
  // The child dies with this process, also by SIGKILL; setpriv comes last, since entering a user namespace clears it.
  const child = spawn("unshare", [...words, "setpriv", "--pdeathsig", "KILL", ...again], { stdio: "inherit" })
  for (const signal of signals) process.on(signal, () => child.kill(signal))
  return new Promise((resolve) => {
    child.on("error", () => resolve(127))
    child.on("close", (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])))
  })
}

const [, , mode] = process.argv
process.exitCode = await (mode === inside ? play() : mode === "--simulate" ? simulate("As asked") : enter())
