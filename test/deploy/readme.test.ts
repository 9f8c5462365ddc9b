import { existsSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "vitest"
import { parse } from "yaml"
import { root } from "../../scripts/manifests.ts"
import { pluginVersion } from "../../src/cni/call/version.ts"
import { runTool } from "../lab/tool/tool.ts"
import { documentsOf, read } from "./documents.ts"

const readme = read("deploy/README.md")

// biome-ignore lint/suspicious/noExplicitAny: YAML, judged elsewhere
const { spec } = (documentsOf("deploy/base/daemonset.yaml")[0] as any).spec.template

describe("deploy/README.md", () => {
  it("gives a reason for every mount, and names where it is", () => {
    for (const { name, hostPath, configMap } of spec.volumes) {
      const where = configMap === undefined ? `\`${hostPath?.path ?? `/${name}`}\`` : "ConfigMap"
      assert.match(readme, new RegExp(`^\\| ${where} \\(\`${name}\`\\) \\|`, "m"))
    }
  })

  it("gives a reason for every capability, and there are no others", () => {
    const { patches } = parse(read("deploy/components/standalone/kustomization.yaml"))
    const [container] = parse(patches[0].patch).spec.template.spec.containers
    for (const name of container.securityContext.capabilities.add)
      assert.match(readme, new RegExp(`^\\| [^|]*\`${name}\`[^|]* \\|`, "m"))
    for (const { name, securityContext } of [...spec.initContainers, ...spec.containers])
      if (name !== "agent") assert.isUndefined(securityContext.capabilities.add)
    const agent = spec.containers.find(({ name }: { name: string }) => name === "agent")
    const [, before = ""] = readme.split("What the agent may do is")
    const [rows = ""] = before.split("Each was tried")
    for (const name of agent.securityContext.capabilities.add)
      assert.match(rows, new RegExp(`^\\| [^|]*\`${name}\`[^|]* \\|`, "m"))
    assert.match(readme, /^\| capabilities \| none \| none \| see below \|/m)
  })

  it("says what the manifest says", () => {
    const words = { hostNetwork: spec.hostNetwork, hostPID: spec.hostPID, hostIPC: spec.hostIPC }
    assert.deepStrictEqual(words, { hostNetwork: true, hostPID: undefined, hostIPC: undefined })
    assert.match(readme, /^\| `hostNetwork` \| yes \| yes \| yes \|/m)
    assert.match(readme, /^\| `hostPID`, `hostIPC` \| no \| no \| no \|/m)
    assert.include(readme, `\`${spec.securityContext.seLinuxOptions.type}\``)
    assert.include(readme, `\`${spec.securityContext.seccompProfile.type}\``)
    const listen = spec.containers[0].args.find((word: string) => word.startsWith("--listen="))
    assert.include(readme, `| ${listen.slice("--listen=".length)} |`)
    for (const { httpGet } of [
      spec.containers[0].livenessProbe,
      spec.containers[0].readinessProbe,
      spec.containers[0].startupProbe
    ]) {
      assert.deepStrictEqual(`--listen=${httpGet.host}:${httpGet.port}`, listen)
    }
    assert.include(readme, `macvtap-cni:${pluginVersion}`)
  })

  it("links to files that are there", () => {
    const links = [...readme.matchAll(/\]\(([^)]+)\)/g)].map(([, path = ""]) => path)
    assert.isNotEmpty(links)
    for (const path of links) assert.isTrue(existsSync(join(root, "deploy", path)), path)
  })

  it("names commands and options that there are", async () => {
    const commands = [...readme.matchAll(/macvtap (doctor|list|uninstall|install)((?: --[a-z-]+(?: \/\w+)?)*)/g)]
    assert.isAtLeast(commands.length, 5)
    for (const [, name = "", options = ""] of commands) {
      const { stdout } = await runTool([name, "--help"])
      for (const [option] of options.matchAll(/--[a-z-]+/g)) assert.include(stdout, `  ${option}`)
    }
  })
})
