import { assert, describe, it } from "vitest"
import { commands } from "../../src/commands.ts"
import { runTool } from "../lab/tool/tool.ts"

describe("the command line", () => {
  it("says which commands there are, without one and with --help", async () => {
    for (const argv of [[], ["--help"], ["-h"], ["help"]]) {
      const { status, stdout, stderr } = await runTool(argv)
      assert.strictEqual(status, 0)
      assert.strictEqual(stderr, "")
      for (const name of ["device-plugin", "install", "uninstall", "doctor", "list"])
        assert.include(stdout, `\n  ${name} `)
    }
  })

  it("says its version", async () => {
    assert.deepStrictEqual(await runTool(["--version"]), {
      status: 0,
      stdout: "macvtap (macvtap-cni) 0.1.0\n",
      stderr: ""
    })
  })

  it.each(commands.map(({ name }) => name))("explains %s with every option", async (name) => {
    const { status, stdout } = await runTool([name, "--help"])
    assert.strictEqual(status, 0)
    assert.match(stdout, new RegExp(`^Usage: macvtap ${name} \\[options\\]( .*)?\n`))
    assert.include(stdout, "--help")
    assert.isTrue(
      stdout
        .split("\n")
        .slice(1)
        .every((line) => line.length <= 100),
      stdout
    )
  })

  it("refuses a command that it does not know, on one line, with status 2", async () => {
    const { status, stdout, stderr } = await runTool(["instal\u001b[31ml"])
    assert.strictEqual(status, 2)
    assert.strictEqual(stdout, "")
    assert.match(
      stderr,
      /^macvtap: unknown command "instal\\u001b\[31ml"; there are agent, device-plugin, install, .*\n$/
    )
  })

  it.each([
    [["install", "--tto", "/x"], "macvtap install: Unknown option '--tto'; see \"macvtap install --help\"\n"],
    [["list", "more"], "macvtap list: Unexpected argument 'more'"],
    [["install", "--to"], "macvtap install: Option '--to <value>' argument missing"],
    [["doctor", "--json=yes"], "macvtap doctor: Option '--json' does not take an argument"],
    [["list", "--json", "--mermaid"], "macvtap list: --json and --mermaid exclude each other"],
    [["install", "--to", "bin"], 'macvtap install: --to is "bin", but must be an absolute path: "/home/me/bin"?; see'],
    [
      ["doctor", "--cni-bin", "/a", "--cni-bin", "../b"],
      '--cni-bin is "../b", but must be an absolute path: "/home/b"?'
    ],
    [["list", "--root", "\u001b[2J"], '--root is "\\u001b[2J", but must be an absolute path: "/home/me/\\u001b[2J"?'],
    [["device-plugin", "--log-level", "loud"], '--log-level is "loud", but must be debug, info, warning, error'],
    [["install", "--name", "../x"], 'macvtap install: "../x" is no name for a plugin']
  ])("refuses %j with status 2", async (argv, words) => {
    const { status, stdout, stderr } = await runTool(argv, { env: { PWD: "/home/me" } })
    assert.strictEqual(status, 2)
    assert.strictEqual(stdout, "")
    assert.include(stderr, words)
    assert.strictEqual(stderr.split("\n").length, 2, stderr)
  })
})
