/** The plugin as a process: its streams, its logs, its signals, and nothing left on the host. */
import { spawn } from "node:child_process"
import { mkdir, readFile, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "vitest"
import { bothWays, type Call, makeNode, type Node, names, programs } from "../lab/call/node.ts"
import { assertError, assertResult } from "../lab/call/wellFormed.ts"
import { makeFolder } from "../lab/folder.ts"
import { hasExecutable, hasMacvtap } from "../lab/machine.ts"
import { executable } from "../lab/plugin.ts"
import { must, run, until } from "../lab/run.ts"

const able = hasMacvtap && hasExecutable

/** The call by way of a shell, which arranges its streams: `"$@" > /dev/full`. */
const inShell = (node: Node, script: string, call: Call = {}) =>
  run("sh", ["-c", script, "sh", ...node.command], { env: node.envOf("ADD", call), stdin: node.stdinOf(call) })

describe.skipIf(!hasExecutable).each(programs)("%s", (_, [first = "", ...rest]) => {
  it("answers VERSION without a look at a stdin that never ends", async () => {
    const child = spawn(first, rest, { env: { CNI_COMMAND: "VERSION" }, stdio: ["pipe", "pipe", "inherit"] })
    let stdout = ""
    child.stdout.on("data", (chunk) => {
      stdout += chunk
    })
    const status = await new Promise((resolve) => child.on("close", resolve))
    child.stdin.destroy()
    assert.strictEqual(status, 0)
    assert.strictEqual(
      stdout,
      '{"cniVersion":"1.1.0","supportedVersions":["0.1.0","0.2.0","0.3.0","0.3.1","0.4.0","1.0.0","1.1.0"]}\n'
    )
  })

  it("is ended by a signal while it waits for a stdin that never ends", async () => {
    const env = { CNI_COMMAND: "DEL", CNI_CONTAINERID: "c", CNI_IFNAME: "net1", CNI_PATH: "/opt/cni/bin" }
    const child = spawn(first, rest, { env, stdio: ["pipe", "pipe", "inherit"] })
    child.stdin.write("{")
    await new Promise((resolve) => setTimeout(resolve, 500))
    child.kill("SIGTERM")
    const signal = await new Promise((resolve) => child.on("close", (_, ended) => resolve(ended)))
    assert.strictEqual(signal, "SIGTERM")
  })

  it("tells a person what it is, on stderr", async () => {
    const { status, stdout, stderr } = await run(first, rest, { env: {} })
    assert.deepStrictEqual([status, stdout], [0, ""])
    assert.match(
      stderr,
      /^CNI \S+ plugin version 0\.1\.0\nCNI protocol versions supported: 0\.1\.0, 0\.2\.0, 0\.3\.0, 0\.3\.1, 0\.4\.0, 1\.0\.0, 1\.1\.0\n$/
    )
  })

  it.each([
    ["no JSON", "{", 6],
    ["nothing", "", 6],
    ["bytes that are no text", "\ufffd\u0000", 6],
    ["no name", "{}", 7],
    ["an array", "[]", 6],
    ["a deep one", `{"name":"lan","x":${"[".repeat(300_000)}`, 6]
  ])("answers a configuration that is %s with one error object", async (_, stdin, code) => {
    const env = {
      CNI_COMMAND: "ADD",
      CNI_CONTAINERID: "c",
      CNI_NETNS: "/run/netns/none",
      CNI_IFNAME: "net1",
      CNI_PATH: "/opt/cni/bin"
    }
    const { status, stdout, stderr } = await run(first, rest, { env, stdin })
    assert.deepStrictEqual([status, stderr], [1, ""])
    assert.strictEqual(assertError(stdout).code, code)
  })
})

describe.skipIf(!able).each(programs)("%s, in a node", (_, program) => {
  it("takes back what it made where nobody takes the answer", async () => {
    await using node = await makeNode(program)
    const full = await inShell(node, 'exec "$@" > /dev/full')
    assert.deepStrictEqual([full.status, full.stdout], [1, ""])
    assert.strictEqual(full.stderr, "error writing to stdout: ENOSPC\n")
    const closed = await inShell(node, '{ "$@"; echo "$?" >&2; } | true')
    assert.include(closed.stderr, "error writing to stdout: EPIPE\n1\n")
    assert.deepStrictEqual(await names(node.pod), ["lo"])
  })

  it("logs each request and reply to stderr, and only there", async () => {
    await using node = await makeNode(program)
    const { status, stdout, stderr } = await node.call("ADD", { conf: { logLevel: "debug" } })
    assert.strictEqual(status, 0)
    assertResult(stdout, "1.1.0")
    const lines = stderr.trimEnd().split("\n")
    for (const line of lines) assert.match(line, /^\d{4}-\d\d-\d\dT\S+Z debug pl-pod\S+ /)
    const [request] = lines.filter((line) => /> ip link add net1 .*RTM_NEWLINK/.test(line))
    assert.match(request ?? "", /flags up\|allmulti .*IFNAME "net1" .*NET_NS_FD .*"macvtap" \{"mode":"bridge"\}/)
    assert.isTrue(lines.some((line) => /< .*acknowledged/.test(line)))
    assert.strictEqual((await node.call("DEL")).stderr, "")
  })

  it("logs to logFile, from call to call", async () => {
    await using node = await makeNode(program)
    await using folder = await makeFolder("pl-log")
    const logFile = join(folder.path, "macvtap.log")
    const conf = { logFile, logLevel: "debug" }
    const { stderr } = await node.call("ADD", { conf })
    assert.strictEqual(stderr, "")
    const once = await readFile(logFile, "utf8")
    assert.match(once, /^# macvtap-cni log\n/)
    assert.match(once, /ip link add net1/)
    await node.silent("DEL", { conf })
    const twice = await readFile(logFile, "utf8")
    assert.isTrue(twice.startsWith(once))
    assert.match(twice, /ip link del/)
  })

  it("leaves the host as it was when it is told to stop, whenever that is", async () => {
    await using node = await makeNode(program)
    const [first = "", ...rest] = node.command
    for (let time = 0; time < 12; time++) {
      const child = spawn(first, rest, { env: node.envOf("ADD"), stdio: ["pipe", "pipe", "pipe"] })
      const said = { stdout: "", stderr: "" }
      child.stdout.on("data", (chunk) => {
        said.stdout += chunk
      })
      child.stderr.on("data", (chunk) => {
        said.stderr += chunk
      })
      child.stdin.on("error", () => {})
      child.stdin.end(node.stdinOf())
      const ended = new Promise<readonly [number | null, string | null]>((resolve) =>
        child.on("close", (code, signal) => resolve([code, signal]))
      )
      await new Promise((resolve) => setTimeout(resolve, program.length === 1 ? time * 3 : 40 + time * 20))
      child.kill("SIGTERM")
      const [code, signal] = await ended
      if (code === 0) {
        assertResult(said.stdout, "1.1.0")
        assert.deepStrictEqual(await names(node.pod), ["lo", "net1"])
        await node.silent("DEL")
      } else {
        // Before the program is there to hear it, the signal ends it as it ends any process.
        if (code === null) assert.deepStrictEqual([signal, said.stdout], ["SIGTERM", ""])
        else assert.strictEqual(assertError(said.stdout).code, 11)
        assert.deepStrictEqual(await names(node.pod), ["lo"])
      }
      assert.strictEqual(said.stderr, "")
    }
  })
})

describe.skipIf(!able).each(bothWays)("%s: a logFile that is none", (_, program) => {
  const text = "root:x:0:0\n"

  const makers: ReadonlyArray<readonly [what: string, make: (path: string) => Promise<unknown>]> = [
    ["is somebody's file", (path) => writeFile(path, text)],
    [
      "is a link to somebody's file",
      async (path) => {
        await writeFile(`${path}.target`, text)
        await symlink(`${path}.target`, path)
      }
    ],
    ["is a folder", (path) => mkdir(path)],
    ["is a FIFO", (path) => must("mkfifo", [path])],
    ["is in no folder", async () => {}]
  ]

  it.each(makers)("since it %s, is not touched, keeps no ADD from its work, and is told of", async (what, make) => {
    await using node = await makeNode(program)
    await using folder = await makeFolder("pl-log")
    const logFile = join(folder.path, what === "is in no folder" ? "none/some.log" : "some.log")
    await make(logFile)
    const { status, stdout, stderr } = await node.call("ADD", { conf: { logFile, logLevel: "info" } })
    assert.strictEqual(status, 0)
    assertResult(stdout, "1.1.0")
    assert.match(stderr, /warning .*"logFile" ".*some\.log" is not used: /)
    if (what === "is somebody's file") assert.strictEqual(await readFile(logFile, "utf8"), text)
    if (what === "is a link to somebody's file") assert.strictEqual(await readFile(`${logFile}.target`, "utf8"), text)
  })

  it.each(["/etc/passwd", "/dev/null", "/proc/self/mem", "/sys/kernel/uevent_helper", "/dev/sda"])(
    "%s is not written to",
    async (logFile) => {
      await using node = await makeNode(program)
      const { status, stderr } = await node.call("ADD", { conf: { logFile } })
      assert.strictEqual(status, 0)
      assert.match(stderr, /is not used/)
    }
  )
})

describe.skipIf(!able).each(bothWays)("%s: a call", (_, program) => {
  it("shows nothing of the link in the host's namespace, not for an instant", async () => {
    await using node = await makeNode(program)
    const monitor = spawn("ip", ["-n", node.host.name, "-o", "monitor", "link"], {
      stdio: ["ignore", "pipe", "inherit"]
    })
    let events = ""
    monitor.stdout.on("data", (chunk) => {
      events += chunk
    })
    try {
      await until("the monitor hears", async () => {
        await node.host.ip("link set eth0 txqueuelen 999")
        await node.host.ip("link set eth0 txqueuelen 1000")
        return events.includes("eth0")
      })
      await node.add()
      await node.silent("DEL")
      await node.host.ip("link set eth0 alias end")
      await until("all has been heard", async () => {
        await node.host.ip("link set eth0 txqueuelen 999")
        await node.host.ip("link set eth0 txqueuelen 1000")
        return events.split("\n").length > 4
      })
    } finally {
      monitor.kill("SIGKILL")
    }
    for (const event of events.split("\n").filter((line) => line !== "")) assert.match(event, /eth0/)
  })
})

describe.skipIf(!able)("the executable", () => {
  it("leaves no file in /tmp, and needs neither PATH nor HOME nor a working directory", async () => {
    await using node = await makeNode()
    const env = node.envOf("ADD", { env: { PATH: undefined } })
    // A /tmp of its own, in which nobody else leaves anything; the folder goes while the shell is in it.
    const script = `
      exec 9<"$0"
      /usr/bin/mount -t tmpfs none ${tmpdir()}
      /usr/bin/mkdir ${tmpdir()}/gone; cd ${tmpdir()}/gone; /usr/bin/rmdir ${tmpdir()}/gone
      /usr/bin/env -u PATH -u PWD -u OLDPWD /usr/bin/nsenter --net=${node.host.path} -- /proc/self/fd/9
      /usr/bin/ls -A ${tmpdir()} >&2`
    const call = [...["--mount", "--propagation", "private", "/bin/sh", "-ec"], script, executable]
    const { status, stdout, stderr } = await run("/usr/bin/unshare", call, { env, stdin: node.stdinOf() })
    assert.deepStrictEqual([status, stderr], [0, ""], stdout)
    assertResult(stdout, "1.1.0")
  })
})
