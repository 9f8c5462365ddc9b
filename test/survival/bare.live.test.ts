import { copyFile, mkdir } from "node:fs/promises"
import { basename, dirname, join } from "node:path"
import { assert, describe, it } from "vitest"
import { bothWays } from "../lab/call/node.ts"
import { hasExecutable } from "../lab/machine.ts"
import { executable, inNetns } from "../lab/plugin.ts"
import { must, run } from "../lab/run.ts"
import { documentOf, makeScene, ready, type Scene } from "./scene.ts"

/** The scene's network without IPAM, whose plugins would need libraries of their own. */
const config = { ipam: undefined }

const addAndDel = async (scene: Scene, before: ReadonlyArray<string>): Promise<void> => {
  const added = await scene.call("ADD", { before, config })
  assert.strictEqual(added.status, 0, added.stdout + added.stderr)
  documentOf(added)
  assert.lengthOf(await scene.links(), 1)
  await scene.clear({ before, config })
}

/** Words that run what follows after `script`, in a mount namespace of its own. */
const afterMounts = (script: string): ReadonlyArray<string> => [
  "unshare",
  "--mount",
  "sh",
  "-c",
  `${script}; exec "$@"`,
  "sh"
]

/** Over the path itself, so that the executable is still there where the project lies below it. */
const remount = (path: string, option: string): string =>
  `mount --bind ${path} ${path} && mount -o remount,bind,${option} ${path}`

/** A folder with the executable and the libraries that it is linked to, and the C++ library that koffi needs. */
const makeRoot = async (path: string): Promise<void> => {
  const linked = [...(await must("ldd", [executable])).matchAll(/(\/\S+) \(0x/g)].map((match) => match[1] ?? "")
  const folder = dirname(
    linked.find((file) => basename(file).startsWith("libc.so")) ?? "/lib/x86_64-linux-gnu/libc.so.6"
  )
  const libraries = [
    ...linked,
    join(folder, "libstdc++.so.6"),
    join(folder, "libgcc_s.so.1"),
    join(folder, "libm.so.6")
  ]
  for (const file of new Set(libraries)) {
    const real = (await run("sh", ["-c", `test -e ${file} || ls /usr/lib/*/${basename(file)}`])).stdout.trim() || file
    await mkdir(join(path, dirname(file)), { recursive: true })
    await copyFile(real, join(path, file))
  }
  for (const name of ["proc", "dev", "sys", "run/netns", "tmp"]) await mkdir(join(path, name), { recursive: true })
  await copyFile(executable, join(path, "macvtap"))
}

describe.skipIf(!ready).each(bothWays)("%s, in bare surroundings", (_, program) => {
  it("a /tmp that is read-only", async () => {
    await using scene = await makeScene("e2-bare", program)
    await addAndDel(scene, afterMounts(remount("/tmp", "ro")))
  })

  it("a /tmp, /var/tmp and /dev/shm that nothing can be run from", async () => {
    await using scene = await makeScene("e2-bare", program)
    const mounts = ["/tmp", "/var/tmp", "/dev/shm"].map((path) => remount(path, "noexec"))
    await addAndDel(scene, afterMounts([...mounts, remount(program[0] ?? "", "exec")].join("; ")))
  })

  it("no HOME, and a working directory that is gone", async () => {
    await using scene = await makeScene("e2-bare", program)
    const gone = join(scene.folder, "gone")
    await addAndDel(scene, ["sh", "-c", `mkdir ${gone}; cd ${gone}; rmdir ${gone}; exec "$@"`, "sh"])
  })

  it("few file descriptors", async () => {
    await using scene = await makeScene("e2-bare", program)
    await addAndDel(scene, ["sh", "-c", 'ulimit -n 64; exec "$@"', "sh"])
  })

  it("files in the working directory that runtimes read: .env, bunfig.toml, package.json", async () => {
    await using scene = await makeScene("e2-bare", program)
    const trap = `cd ${scene.folder}; echo CNI_IFNAME=trap0 > .env; echo '[' > bunfig.toml; echo '{' > package.json`
    await addAndDel(scene, ["sh", "-c", `${trap}; exec "$@"`, "sh"])
  })

  it("as Multus runs it: chroot into the host's root, with the environment of another image", async () => {
    await using scene = await makeScene("e2-bare", program)
    const root = join(scene.folder, "root")
    await mkdir(root)
    // exec of nsenter and the executable happen inside; PATH is that of no folder there is.
    await addAndDel(scene, afterMounts(`mount --rbind / ${root}; set -- chroot ${root} "$@"; export HOME=/nowhere`))
  })
})

describe.skipIf(!ready)("the executable in bare surroundings", () => {
  it("a root of its own with only the C and C++ libraries", async () => {
    await using scene = await makeScene("e2-bare", [executable])
    const root = join(scene.folder, "root")
    await makeRoot(root)
    const binds = ["/proc", "/dev", "/sys", "/run/netns"].map((path) => `mount --rbind ${path} ${root}${path}`)
    // The words of the call are `nsenter --net=… -- <executable>`: the program becomes the copy in the new root.
    const enter = `exec "$1" "$2" -- /usr/sbin/chroot ${root} /macvtap`
    await addAndDel(scene, ["unshare", "--mount", "sh", "-c", `${binds.join(" && ")} && ${enter}`, "sh"])
  })
})

describe.skipIf(!hasExecutable)("the executable in an empty environment", () => {
  it("answers VERSION where nothing else is set", async () => {
    const { status, stdout } = await run(executable, [], { env: { CNI_COMMAND: "VERSION" } })
    assert.strictEqual(status, 0)
    assert.isArray(JSON.parse(stdout).supportedVersions)
  })

  it.each([{ BUN_BE_BUN: "1" }, { BUN_OPTIONS: "--version" }, { BUN_OPTIONS: "--preload=/nowhere.js" }])(
    "is not taken over by %o",
    async (variables) => {
      const { status, stdout } = await run(executable, [], { env: { CNI_COMMAND: "VERSION", ...variables } })
      assert.strictEqual(status, 0)
      assert.isArray(JSON.parse(stdout).supportedVersions)
    }
  )

  it("says what it is on stderr where there is no command", async () => {
    const [command = "", ...args] = inNetns(undefined, [executable])
    const { status, stdout, stderr } = await run(command, args, { env: {} })
    assert.deepStrictEqual([status, stdout], [0, ""])
    assert.include(stderr, "CNI protocol versions supported")
  })
})
