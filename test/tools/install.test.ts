import { chmod, link, mkdir, readdir, readFile, rm, stat, symlink, utimes, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { assert, describe, it } from "vitest"
import { makeFolder } from "../lab/folder.ts"
import { runTool, writeProgram } from "../lab/tool/tool.ts"
import { writeClient } from "./client.ts"

/** An executable to install, and a folder to install it to. */
const place = async () => {
  const folder = await makeFolder("install")
  const executable = join(folder.path, "built")
  const to = join(folder.path, "bin")
  await writeProgram(executable)
  await mkdir(to)
  const install = (...more: ReadonlyArray<string>) => runTool(["install", "--to", to, ...more], { executable })
  return { executable, to, install, [Symbol.asyncDispose]: folder[Symbol.asyncDispose] }
}

const mode = async (path: string) => (await stat(path)).mode & 0o7777

describe("install", () => {
  it("puts the executable there, for everybody to run, with nothing beside it", async () => {
    await using here = await place()
    const before = process.umask(0o077)
    const said = await here.install()
    process.umask(before)
    assert.deepStrictEqual(said, { status: 0, stdout: `${here.to}/macvtap: version 0.1.0 installed\n`, stderr: "" })
    assert.deepStrictEqual(await readdir(here.to), ["macvtap"])
    assert.strictEqual(await mode(join(here.to, "macvtap")), 0o755)
    assert.deepStrictEqual(await readFile(join(here.to, "macvtap")), await readFile(here.executable))
  })

  it("does nothing the second time", async () => {
    await using here = await place()
    await here.install()
    const { ino, mtimeMs } = await stat(join(here.to, "macvtap"))
    const said = await here.install()
    assert.deepStrictEqual(said, { status: 0, stdout: `${here.to}/macvtap: up to date (version 0.1.0)\n`, stderr: "" })
    const after = await stat(join(here.to, "macvtap"))
    assert.deepStrictEqual([after.ino, after.mtimeMs], [ino, mtimeMs])
  })

  it("gives the file its mode back", async () => {
    await using here = await place()
    await here.install()
    await chmod(join(here.to, "macvtap"), 0o600)
    const said = await here.install()
    assert.strictEqual(said.status, 0)
    assert.include(said.stdout, "its mode is 0755 again")
    assert.strictEqual(await mode(join(here.to, "macvtap")), 0o755)
  })

  it.each([
    ["an older version", "#!/bin/sh\necho 'macvtap (macvtap-cni) 0.0.9'\n", "in place of version 0.0.9"],
    ["another program", "#!/bin/sh\necho 'CNI macvtap plugin' >&2\n", "in place of another program"],
    ["a file that is no program", "nothing", "in place of a file that cannot be run"]
  ])("replaces %s, and says so", async (_, content, words) => {
    await using here = await place()
    await writeFile(join(here.to, "macvtap"), content, { mode: 0o755 })
    const { status, stdout } = await here.install()
    assert.strictEqual(status, 0)
    assert.include(stdout, words)
    assert.deepStrictEqual(await readFile(join(here.to, "macvtap")), await readFile(here.executable))
  })

  it("replaces by renaming: who has the old file open keeps it, and a link to elsewhere is not followed", async () => {
    await using here = await place()
    const elsewhere = join(here.to, "..", "elsewhere")
    await writeFile(elsewhere, "old", { mode: 0o755 })
    await symlink(elsewhere, join(here.to, "macvtap"))
    assert.strictEqual((await here.install()).status, 0)
    assert.strictEqual(await readFile(elsewhere, "utf8"), "old")
    assert.deepStrictEqual(await readFile(join(here.to, "macvtap")), await readFile(here.executable))
  })

  it("removes what an installation that was killed has left, and nothing else", async () => {
    await using here = await place()
    await writeFile(join(here.to, ".macvtap-install-0123456789abcdef"), "half")
    await writeFile(join(here.to, ".macvtap-install-mine"), "somebody's")
    await writeFile(join(here.to, "bridge"), "another plugin")
    const { stdout } = await here.install()
    assert.include(stdout, ".macvtap-install-0123456789abcdef: removed")
    assert.deepStrictEqual((await readdir(here.to)).sort(), [".macvtap-install-mine", "bridge", "macvtap"])
  })

  it("leaves the old file alone where the new one is not this version", async () => {
    await using here = await place()
    await writeFile(join(here.to, "macvtap"), "old", { mode: 0o755 })
    await writeProgram(here.executable, "9.9.9")
    const { status, stderr } = await here.install()
    assert.strictEqual(status, 1)
    assert.include(stderr, "the new file is version 9.9.9, and not version 0.1.0; what was there is untouched")
    assert.deepStrictEqual(await readdir(here.to), ["macvtap"])
    assert.strictEqual(await readFile(join(here.to, "macvtap"), "utf8"), "old")
  })

  it("leaves the old file alone where the new one cannot be run", async () => {
    await using here = await place()
    await writeFile(join(here.to, "macvtap"), "old", { mode: 0o755 })
    await writeFile(here.executable, "\u007fELF, cut off")
    const { status, stderr } = await here.install()
    assert.strictEqual(status, 1)
    assert.include(stderr, "a file that cannot be run")
    assert.strictEqual(await readFile(join(here.to, "macvtap"), "utf8"), "old")
    assert.deepStrictEqual(await readdir(here.to), ["macvtap"])
  })

  it("installs under another name, and gives further names to the same file", async () => {
    await using here = await place()
    const said = await here.install("--name", "mvt", "--also", "macvlan", "--also", "mvt")
    assert.strictEqual(
      said.stdout,
      `${here.to}/mvt: version 0.1.0 installed\n${here.to}/macvlan: another name of mvt now\n`
    )
    assert.deepStrictEqual((await readdir(here.to)).sort(), ["macvlan", "mvt"])
    assert.strictEqual((await stat(join(here.to, "macvlan"))).ino, (await stat(join(here.to, "mvt"))).ino)
    const again = await here.install("--name", "mvt", "--also", "macvlan")
    assert.include(again.stdout, `${here.to}/macvlan: up to date`)
    assert.deepStrictEqual((await readdir(here.to)).sort(), ["macvlan", "mvt"])
  })

  it("takes another plugin's name only where told to, in one step", async () => {
    await using here = await place()
    await writeFile(join(here.to, "macvlan"), "Go's", { mode: 0o755 })
    await here.install()
    assert.strictEqual(await readFile(join(here.to, "macvlan"), "utf8"), "Go's")
    await here.install("--also", "macvlan")
    assert.deepStrictEqual(await readFile(join(here.to, "macvlan")), await readFile(here.executable))
    assert.deepStrictEqual((await readdir(here.to)).sort(), ["macvlan", "macvtap"])
  })

  describe("a policy", () => {
    const text = JSON.stringify({ version: 1, rules: [{ name: "all", masters: ["*"] }] })
    const withPolicy = async () => {
      const here = await place()
      const [from, state] = [join(here.to, "..", "policy.json"), join(here.to, "..", "state")]
      await mkdir(state)
      const install = () => here.install("--policy", from, "--state-dir", state)
      return { ...here, from, state, file: join(state, "policy.json"), install }
    }

    it("is copied, for root to write and all to read, and a changed one takes its place", async () => {
      await using here = await withPolicy()
      await writeFile(here.from, text, { mode: 0o600 })
      assert.include((await here.install()).stdout, `${here.file}: installed (1 rule)\n`)
      assert.strictEqual(await readFile(here.file, "utf8"), text)
      assert.strictEqual(await mode(here.file), 0o644)
      if (process.getuid?.() === 0) assert.include((await here.install()).stdout, `${here.file}: up to date (1 rule)\n`)
      await writeFile(here.from, '{"version": 1, "rules": []}')
      assert.include((await here.install()).stdout, `${here.file}: installed (0 rules)\n`)
      assert.deepStrictEqual(await readdir(here.state), ["policy.json"])
    })

    it("that makes no sense is refused by key, with the old one left in force", async () => {
      await using here = await withPolicy()
      await writeFile(here.file, text)
      await writeFile(here.from, '{"version": 1, "rules": [{"masters": ["*"], "mode": ["bridge"]}]}')
      const { status, stderr } = await here.install()
      assert.strictEqual(status, 1)
      assert.match(
        stderr,
        /^macvtap install: the policy \S+ is wrong: .*rules.*mode.*; correct it; what was there is untouched\n$/
      )
      assert.strictEqual(await readFile(here.file, "utf8"), text)
      assert.deepStrictEqual(await readdir(here.state), ["policy.json"])
    })

    it("that is not there changes nothing", async () => {
      await using here = await withPolicy()
      assert.include((await here.install()).stdout, `${here.from}: not there; this node has no policy\n`)
      await writeFile(here.file, text)
      assert.include((await here.install()).stdout, `${here.from}: not there; ${here.file} stays\n`)
      assert.strictEqual(await readFile(here.file, "utf8"), text)
    })
  })

  describe("with a client beside the executable", () => {
    const socket = "/run/macvtap-cni/agent.sock"
    const withClient = async () => {
      const here = await place()
      await writeClient(join(here.to, "..", "macvtap-client"), socket)
      const content = (name: string) => readFile(join(here.to, name), "utf8")
      return { ...here, content, client: await readFile(join(here.to, "..", "macvtap-client"), "utf8") }
    }

    it("is the plugin, and the executable goes beside it", async () => {
      await using here = await withClient()
      assert.deepStrictEqual(await here.install("--also", "macvlan"), {
        status: 0,
        stdout:
          `${here.to}/macvtap-standalone: version 0.1.0 installed\n` +
          `${here.to}/macvtap: version 0.1.0 of the client installed\n${here.to}/macvlan: another name of macvtap now\n`,
        stderr: ""
      })
      assert.deepStrictEqual((await readdir(here.to)).sort(), ["macvlan", "macvtap", "macvtap-standalone"])
      assert.strictEqual(await here.content("macvtap"), here.client)
      assert.strictEqual(await here.content("macvtap-standalone"), await readFile(here.executable, "utf8"))
      const again = await here.install()
      assert.strictEqual(
        again.stdout,
        `${here.to}/macvtap-standalone: up to date (version 0.1.0)\n${here.to}/macvtap: up to date (version 0.1.0 of the client)\n`
      )
    })

    it("takes the place of the executable that was the plugin, and gives it back", async () => {
      await using here = await withClient()
      await writeProgram(join(here.to, "macvtap"), "0.0.9")
      const { stdout } = await here.install()
      assert.include(stdout, `${here.to}/macvtap: version 0.1.0 of the client installed in place of version 0.0.9\n`)
      await rm(join(here.to, "..", "macvtap-client"))
      const back = await here.install()
      assert.strictEqual(
        back.stdout,
        `${here.to}/macvtap: version 0.1.0 installed in place of version 0.1.0 of the client\n`
      )
      assert.strictEqual(await here.content("macvtap"), await readFile(here.executable, "utf8"))
    })

    it("leaves the executable out where it does not run, and says why; and where it is told to", async () => {
      await using here = await withClient()
      const told = await here.install("--without-standalone")
      assert.include(told.stdout, `${here.to}/macvtap-standalone: left out, as told\n`)
      await writeFile(here.executable, "#!/no/such/loader\n", { mode: 0o755 })
      const { status, stdout } = await here.install()
      assert.strictEqual(status, 0)
      assert.match(
        stdout,
        /macvtap-standalone: left out, since the new file is a file that cannot be run \(its dynamic loader is missing.*; calls need the agent/
      )
      assert.deepStrictEqual(await readdir(here.to), ["macvtap"])
    })

    it("is refused where it is of another version, with what was there untouched", async () => {
      await using here = await withClient()
      await writeProgram(join(here.to, "macvtap"), "0.0.9")
      await writeClient(join(here.to, "..", "macvtap-client"), socket, "9.9.9")
      const { status, stderr } = await here.install()
      assert.strictEqual(status, 1)
      assert.include(stderr, "the new file is version 9.9.9 of the client, and not version 0.1.0")
      assert.include(await here.content("macvtap"), "0.0.9")
    })

    it("says of a container that it is one", async () => {
      await using here = await withClient()
      const options = { executable: here.executable, env: { KUBERNETES_SERVICE_HOST: "10.0.0.1" } }
      const { stdout } = await runTool(["install", "--to", here.to], options)
      assert.include(stdout, "installed; it runs in this container, the host's own libraries were not seen\n")
    })

    it("is taken back by uninstall, with what lies beside it", async () => {
      await using here = await withClient()
      await here.install("--also", "macvlan")
      const root = join(here.to, "..")
      const { status, stdout } = await runTool(["uninstall", "--root", root, "--from", "/bin"])
      assert.strictEqual(status, 0)
      for (const name of ["macvtap", "macvlan", "macvtap-standalone"])
        assert.include(stdout, `removed plugin ${here.to}/${name}\n`)
      assert.deepStrictEqual(await readdir(here.to), [])
    })
  })

  it("says what is in the way", async () => {
    await using here = await place()
    const missing = await runTool(["install", "--to", "/no/such/folder"], { executable: here.executable })
    assert.strictEqual(missing.status, 1)
    assert.include(missing.stderr, "there is no folder /no/such/folder; name the folder")
    await mkdir(join(here.to, "macvtap"))
    const folder = await here.install()
    assert.strictEqual(folder.status, 1)
    assert.include(folder.stderr, "a folder is there")
    const sources = await runTool(["install", "--to", here.to])
    assert.strictEqual(sources.status, 1)
    assert.include(sources.stderr, "npm run build")
    const one = await runTool(["install", "--to", here.to], { executable: join(here.to, "nothing") })
    assert.strictEqual(one.status, 1)
  })

  it("is right when several run at once", async () => {
    await using here = await place()
    await Promise.all(Array.from({ length: 5 }, () => here.install()))
    assert.deepStrictEqual(await readdir(here.to), ["macvtap"])
    assert.deepStrictEqual(await readFile(join(here.to, "macvtap")), await readFile(here.executable))
  })

  it("tells equal files from different ones of one size", async () => {
    await using here = await place()
    await writeProgram(here.executable, undefined, "a".repeat(3 * 1024 * 1024))
    await writeProgram(join(here.to, "macvtap"), undefined, `${"a".repeat(3 * 1024 * 1024 - 1)}b`)
    await utimes(join(here.to, "macvtap"), 0, 0)
    const { stdout } = await here.install()
    assert.include(stdout, "installed in place of version 0.1.0")
    await link(join(here.to, "macvtap"), join(here.to, "other"))
    assert.include((await here.install()).stdout, "up to date")
  })
})
