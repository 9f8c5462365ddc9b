import { spawn } from "node:child_process"
import { readdirSync, readlinkSync, statSync, symlinkSync } from "node:fs"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import { assert, describe, it } from "vitest"
import { inside } from "../../src/live/netns/enter.ts"
import { netnsLive } from "../../src/live/netns/NetnsLive.ts"
import { NetnsService } from "../../src/services/NetnsService.ts"
import { makeFolder } from "../lab/folder.ts"
import { hasMacvtap } from "../lab/machine.ts"
import { makeHost, makeNetns } from "../lab/netns.ts"
import { must, run as runProgram } from "../lab/run.ts"

const run = <A, E>(program: Effect.Effect<A, E, NetnsService | Scope.Scope>): Promise<A> =>
  Effect.runPromise(Effect.provide(Effect.scoped(program), netnsLive))

const ownNamespace = (): string => readlinkSync("/proc/thread-self/ns/net")
const openFiles = (): number => readdirSync("/proc/self/fd").length
const identity = (path: string): string => `${statSync(path).dev}:${statSync(path).ino}`

describe.skipIf(!hasMacvtap)("namespaces of the kernel", () => {
  it("are told apart by identity, not by path", async () => {
    await using one = await makeNetns("live-ns")
    await using two = await makeNetns("live-ns")
    await using folder = await makeFolder("live-ns")
    symlinkSync(one.path, `${folder.path}/alias`)
    const ids = await run(
      Effect.gen(function* () {
        const { current, open } = yield* NetnsService
        return {
          one: (yield* open(one.path)).id,
          alias: (yield* open(`${folder.path}/alias`)).id,
          two: (yield* open(two.path)).id,
          current: (yield* current).id
        }
      })
    )
    assert.strictEqual(ids.one, identity(one.path))
    assert.strictEqual(ids.alias, ids.one)
    assert.strictEqual(ids.current, identity("/proc/thread-self/ns/net"))
    assert.strictEqual(new Set(Object.values(ids)).size, 3)
  })

  it("are left open for their scope and no longer", async () => {
    await using pod = await makeNetns("live-ns")
    // The handle on our own namespace is opened by the first step inside another, and kept.
    await run(
      Effect.flatMap(NetnsService, ({ open, sysctlGet }) =>
        Effect.flatMap(open(pod.path), (netns) => sysctlGet(netns, "net/ipv4/ip_forward"))
      )
    )
    const before = openFiles()
    await run(
      Effect.gen(function* () {
        const { current, list, open, sysctlGet } = yield* NetnsService
        for (let i = 0; i < 20; i++) {
          yield* Effect.ignore(sysctlGet(yield* open(pod.path), "net/nosuch"))
          yield* current
          yield* Effect.ignore(open("/proc/self/ns/mnt"))
        }
        yield* list
        assert.strictEqual(openFiles(), before + 40)
      })
    )
    assert.strictEqual(openFiles(), before)
  })

  it("stay alive by their handle when their name is gone", async () => {
    const pod = await makeNetns("live-ns")
    const value = await run(
      Effect.gen(function* () {
        const { open, sysctlGet } = yield* NetnsService
        const netns = yield* open(pod.path)
        yield* Effect.promise(() => pod[Symbol.asyncDispose]())
        return yield* sysctlGet(netns, "net/ipv4/conf/lo/forwarding")
      })
    )
    assert.strictEqual(value, "0")
  })

  it("have sysctls of their own", async () => {
    await using host = await makeHost("live-ns")
    await using pod = await makeNetns("live-ns")
    const key = "net/ipv6/conf/eth0/disable_ipv6"
    const outcome = await run(
      Effect.gen(function* () {
        const { open, sysctlGet, sysctlSet } = yield* NetnsService
        const netns = yield* open(host.path)
        yield* sysctlSet(netns, key, "1")
        return {
          value: yield* sysctlGet(netns, key),
          elsewhere: yield* Effect.flip(sysctlGet(yield* open(pod.path), key)),
          refused: yield* Effect.flip(sysctlSet(netns, "net/ipv4/ip_forward", "many")),
          outside: yield* Effect.flip(sysctlGet(netns, "net/../kernel/hostname"))
        }
      })
    )
    assert.strictEqual(outcome.value, "1")
    assert.deepInclude(outcome.elsewhere, {
      _tag: "NetnsError",
      operation: `sysctl ${key}`,
      path: pod.path,
      errno: "ENOENT"
    })
    assert.deepInclude(outcome.refused, { operation: "sysctl -w net/ipv4/ip_forward=many", errno: "EINVAL" })
    assert.deepInclude(outcome.outside, { errno: "EINVAL" })
    const judged = await must("ip", ["netns", "exec", host.name, "sysctl", "-n", "net.ipv6.conf.eth0.disable_ipv6"])
    assert.strictEqual(judged.trim(), "1")
  })

  it("are left again, also by a step that fails", async () => {
    await using pod = await makeNetns("live-ns")
    const home = ownNamespace()
    const exit = await run(
      Effect.exit(
        Effect.gen(function* () {
          const netns = yield* (yield* NetnsService).open(pod.path)
          inside(netns, () => {
            assert.strictEqual(ownNamespace(), `net:[${statSync(pod.path).ino}]`)
            throw new Error("a bug in the step")
          })
        })
      )
    )
    assert.isTrue(Exit.isFailure(exit))
    assert.strictEqual(ownNamespace(), home)
  })

  it("are found by name and by process, each once", async () => {
    await using named = await makeNetns("live-ns")
    await using gone = await makeNetns("live-ns")
    const children = [
      spawn("unshare", ["--net", "sleep", "60"]),
      spawn("nsenter", [`--net=${named.path}`, "sleep", "60"])
    ]
    const [unnamed] = children
    const unnamedPath = `/proc/${unnamed?.pid}/ns/net`
    while (statSync(unnamedPath).ino === statSync("/proc/self/ns/net").ino) await new Promise((r) => setTimeout(r, 10))
    // What `ip netns` leaves behind when its mount goes away: an ordinary file.
    await runProgram("umount", [gone.path])
    const paths = await run(Effect.flatMap(NetnsService, ({ list }) => list))
    for (const child of children) child.kill("SIGKILL")
    assert.include(paths, named.path)
    assert.include(paths, unnamedPath)
    assert.notInclude(paths, gone.path)
    assert.isFalse(paths.some((path) => path.startsWith(`/proc/${children[1]?.pid}/`)))
    assert.isTrue(paths.some((path) => path.startsWith("/proc/") && path !== unnamedPath))
  })
})
