import { spawnSync } from "node:child_process"
import { mkdir, writeFile } from "node:fs/promises"
import { join, relative } from "node:path"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { assert, describe, it } from "vitest"
import { base, onePlainFile, plain, root } from "../../scripts/manifests.ts"
import { readCniArgs } from "../../src/cni/call/CniArgs.ts"
import { pluginVersion } from "../../src/cni/call/version.ts"
import { readLinkConf } from "../../src/cni/config/LinkConf.ts"
import { readNetConf } from "../../src/cni/config/NetConf.ts"
import { decodePolicy } from "../../src/cni/policy/Policy.ts"
import { parseConfig } from "../../src/device-plugin/config/parseConfig.ts"
import { makeFolder } from "../lab/folder.ts"
import { documentsOf, manifestFiles, read, readYaml } from "./documents.ts"
import { type Manifest, oldest, type Problem, problemsOf } from "./schema.ts"

const all = manifestFiles.flatMap((path) => documentsOf(path).map((document) => ({ path, document })))

// biome-ignore lint/suspicious/noExplicitAny: YAML, judged by the schemas
type Yaml = any

const daemonSet = (): Yaml => documentsOf("deploy/base/daemonset.yaml")[0]

/** The first manifest of a kind, changed. */
const mutated = (kind: string, change: (document: Yaml) => void): Manifest => {
  const found = all.find(({ document }) => document.kind === kind)
  assert.isDefined(found)
  const copy = structuredClone(found?.document) as Manifest
  change(copy)
  return copy
}

/** The release from which a file says to hold. */
const holdsFrom = (path: string): string | undefined => /^# Kubernetes (1\.\d+) and newer/m.exec(read(path))?.[1]

describe("manifests", () => {
  it.each(["newest", oldest] as const)(
    "are what Kubernetes' and KubeVirt's schemas of %s allow, without a key that they do not know",
    async (release) => {
      assert.isAtLeast(all.length, 14)
      assert.deepStrictEqual(
        await problemsOf(
          all.map(({ document }) => document),
          release
        ),
        []
      )
    }
  )

  it("say from which release they hold", () => {
    for (const path of [plain, "deploy/base/daemonset.yaml"]) assert.strictEqual(holdsFrom(path), oldest)
    assert.strictEqual(holdsFrom("deploy/components/standalone/kustomization.yaml"), "1.30")
    assert.strictEqual(holdsFrom("deploy/components/standalone-before-1.30/kustomization.yaml"), oldest)
    assert.match(read("deploy/README.md"), new RegExp(`Kubernetes ${oldest.replace(".", "\\.")} and newer`))
  })

  it("are found to be broken by the oldest schemas where only the newer ones know a key", async () => {
    const newer = mutated(
      "DaemonSet",
      (d) => (d.spec.template.spec.securityContext.appArmorProfile = { type: "Unconfined" })
    )
    assert.deepStrictEqual(await problemsOf([newer]), [])
    assert.match((await problemsOf([newer], oldest))[0]?.problem ?? "", /appArmorProfile/)
  })

  it("are found to be broken where they are", async () => {
    const broken: ReadonlyArray<readonly [expected: RegExp, document: Manifest]> = [
      [/imagePullPolice/, mutated("DaemonSet", (d) => (d.spec.template.spec.containers[0].imagePullPolice = "Always"))],
      [/number/, mutated("DaemonSet", (d) => (d.spec.template.spec.terminationGracePeriodSeconds = "10"))],
      [/selector/, mutated("DaemonSet", (d) => delete d.spec.selector)],
      [/hostNetwok/, mutated("DaemonSet", (d) => (d.spec.template.spec.hostNetwok = true))],
      [
        /capabilities|string/,
        mutated("DaemonSet", (d) => (d.spec.template.spec.containers[0].securityContext.capabilities.drop = "ALL"))
      ],
      [/no DaemonSet in apps\/v2/, { ...daemonSet(), apiVersion: "apps/v2" }],
      [/no DaemonSett in apps\/v1/, { ...daemonSet(), kind: "DaemonSett" }],
      [/string/, mutated("ConfigMap", (d) => (d.data.DP_MACVTAP_CONF = []))],
      [/restartPolic/, mutated("Pod", (d) => (d.spec.restartPolic = "Never"))],
      [/sidecar/, mutated("KubeVirt", (d) => (d.spec.configuration.network.binding.macvtap.sidecar = "x"))],
      [
        /number|string/,
        mutated("KubeVirt", (d) => (d.spec.configuration.network.binding.macvtap.domainAttachmentType = 1))
      ],
      [/bindings/, mutated("VirtualMachine", (d) => (d.spec.template.spec.domain.devices.interfaces[0].bindings = {}))],
      [/template/, mutated("VirtualMachine", (d) => delete d.spec.template)],
      [/confg/, mutated("NetworkAttachmentDefinition", (d) => (d.spec.confg = ""))],
      [/string/, mutated("NetworkAttachmentDefinition", (d) => (d.spec.config = {}))]
    ]
    const problems = await problemsOf(broken.map(([, document]) => document))
    for (const [expected, document] of broken) {
      const { kind, metadata } = document
      const words = ({ subject, problem }: Problem) => subject === `${kind} ${metadata?.name}` && expected.test(problem)
      assert.isTrue(problems.some(words), `${expected} in ${JSON.stringify(problems, undefined, 1)}`)
    }
    // Each on its own, so that none is carried by another.
    for (const [expected, document] of broken.filter(([, { kind }]) => kind === "DaemonSet")) {
      assert.isNotEmpty(await problemsOf([document]), String(expected))
    }
  })

  it("say what Kubernetes checks beyond its schemas", () => {
    const { selector, template } = daemonSet().spec
    for (const [key, value] of Object.entries(selector.matchLabels))
      assert.strictEqual(template.metadata.labels[key], value)
    const volumes = template.spec.volumes.map(({ name }: Yaml) => name)
    const containers = [...template.spec.initContainers, ...template.spec.containers]
    const mounted = containers.flatMap(({ volumeMounts }: Yaml) => volumeMounts.map(({ name }: Yaml) => name))
    assert.deepStrictEqual([...new Set(mounted)].sort(), [...volumes].sort())
    for (const { securityContext } of containers) {
      // The API server refuses this one with CAP_SYS_ADMIN.
      if (securityContext.allowPrivilegeEscalation === false) assert.isUndefined(securityContext.capabilities.add)
    }
    const namespaced = all.filter(({ path }) => path.startsWith("deploy/base")).map(({ document }) => document)
    for (const { kind, metadata } of namespaced) {
      assert.strictEqual(metadata?.namespace, kind === "Namespace" ? undefined : "macvtap-cni")
    }
  })

  it("run this version", () => {
    const { initContainers, containers } = daemonSet().spec.template.spec
    for (const { image } of [...initContainers, ...containers]) {
      assert.strictEqual(image, `localhost/macvtap-cni:${pluginVersion}`)
    }
    assert.strictEqual(JSON.parse(read("package.json")).version, pluginVersion)
  })

  it("give device plugin and installer no right, and the agent those that were seen to be needed", () => {
    const { spec } = daemonSet().spec.template
    assert.strictEqual(spec.hostPID, undefined)
    assert.strictEqual(spec.automountServiceAccountToken, false)
    const withoutRights = [...spec.initContainers, ...spec.containers].filter(({ name }: Yaml) => name !== "agent")
    assert.lengthOf(withoutRights, 2)
    for (const { securityContext } of withoutRights) {
      assert.deepStrictEqual(securityContext, {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"] }
      })
    }
    const agent = spec.containers.find(({ name }: Yaml) => name === "agent")
    assert.deepStrictEqual(agent.securityContext, {
      readOnlyRootFilesystem: true,
      allowPrivilegeEscalation: true,
      capabilities: { drop: ["ALL"], add: ["NET_ADMIN", "SYS_ADMIN", "MKNOD", "CHOWN", "FOWNER"] }
    })
    assert.deepStrictEqual(
      agent.volumeMounts.map(({ name }: Yaml) => name),
      ["agent", "tmp"]
    )
  })
})

describe("the plain file", () => {
  it("is the base in one", () => {
    assert.strictEqual(read(plain), onePlainFile(read), "run npm run manifests")
  })

  it("refuses to be made where it would lose something", () => {
    const withPatches = (path: string) => (path === base ? `${read(path)}patches: []\n` : read(path))
    assert.throws(() => onePlainFile(withPatches), /patches would be lost/)
  })
})

const hasKubectl = spawnSync("kubectl", ["kustomize", "--help"]).status === 0

const kustomize = (folder: string): ReadonlyArray<Manifest> => {
  const { status, stdout, stderr } = spawnSync("kubectl", ["kustomize", folder], { encoding: "utf8" })
  assert.strictEqual(status, 0, stderr)
  return readYaml(stdout)
}

describe.skipIf(!hasKubectl)("kustomize", () => {
  it("makes the same of the base", () => {
    const byName = (documents: ReadonlyArray<Manifest>) =>
      new Map(documents.map((d) => [`${d.kind} ${d.metadata?.name}`, d]))
    assert.deepStrictEqual(byName(kustomize(join(root, "deploy/base"))), byName(documentsOf(plain)))
  })

  it.each([
    ["standalone", "newest"],
    ["standalone-before-1.30", oldest],
    ["standalone-before-1.30", "newest"]
  ] as const)(
    "adds the rights for standalone devices by %s, and they are what the schemas of %s allow",
    async (component, release) => {
      await using folder = await makeFolder("kustomize")
      const here = join(folder.path, "overlay")
      await mkdir(here)
      const to = (path: string) => relative(here, join(root, path))
      await writeFile(
        join(here, "kustomization.yaml"),
        `resources: [${to("deploy/base")}]\ncomponents: [${to(`deploy/components/${component}`)}]\n`
      )
      const documents = kustomize(here)
      assert.deepStrictEqual(await problemsOf(documents, release), [])
      if (component === "standalone")
        assert.match((await problemsOf(documents, oldest))[0]?.problem ?? "", /appArmorProfile/)
      const set = documents.find(({ kind }) => kind === "DaemonSet") as Yaml
      const [container] = set.spec.template.spec.containers
      assert.deepStrictEqual(container.securityContext.capabilities, {
        drop: ["ALL"],
        add: ["NET_ADMIN", "SYS_ADMIN", "MKNOD", "CHOWN", "FOWNER"]
      })
      assert.notStrictEqual(container.securityContext.allowPrivilegeEscalation, false)
      assert.isUndefined(set.spec.template.spec.initContainers[0].securityContext.capabilities.add)
    }
  )
})

const networks = all.filter(({ document }) => document.kind === "NetworkAttachmentDefinition")
const configMaps = all.filter(({ document }) => document.kind === "ConfigMap")

/** The configurations in a NetworkAttachmentDefinition, as a plugin of ours gets them. */
const configurations = (document: Yaml): ReadonlyArray<Yaml> => {
  const { plugins, ...rest } = JSON.parse(document.spec.config)
  const given = plugins === undefined ? [rest] : plugins.map((plugin: Yaml) => ({ ...rest, ...plugin }))
  return given.filter(({ type }: Yaml) => type === "macvtap" || type === "macvlan")
}

describe("configurations in manifests", () => {
  it.each(networks.map(({ path, document }) => [`${document.metadata?.name} of ${path}`, document] as const))(
    "network %s is what the plugin takes",
    async (_, document) => {
      const given = configurations(document)
      assert.isNotEmpty(given)
      for (const configuration of given) {
        const conf = await Effect.runPromise(readNetConf("macvtap", "ADD", JSON.stringify(configuration)))
        const link = await Effect.runPromise(readLinkConf(conf, await Effect.runPromise(readCniArgs(""))))
        assert.strictEqual(conf.name, document.metadata?.name)
        assert.isTrue(link.master !== undefined || /resourceName/.test(JSON.stringify(document.metadata)), conf.name)
      }
    }
  )

  it("a broken one would be found", async () => {
    const configuration = { ...configurations(networks[0]?.document)[0], mtu: "1500" }
    const result = await Effect.runPromise(
      Effect.result(
        Effect.gen(function* () {
          const conf = yield* readNetConf("macvtap", "ADD", JSON.stringify(configuration))
          return yield* readLinkConf(conf, yield* readCniArgs(""))
        })
      )
    )
    assert.isTrue(Result.isFailure(result))
  })

  it.each(configMaps.map(({ path, document }) => [path, document as Yaml] as const))(
    "the resources of %s are what the device plugin takes",
    (path, document) => {
      const result = parseConfig(path, document.data.DP_MACVTAP_CONF)
      assert.isTrue(Result.isSuccess(result), String(Result.isFailure(result) && result.failure.message))
    }
  )

  it("the policies are such", () => {
    const policies = configMaps.flatMap(({ document }) => {
      const text: unknown = (document as Yaml).data["policy.json"]
      return typeof text === "string" ? [decodePolicy(text)] : []
    })
    assert.isNotEmpty(policies)
    for (const policy of policies)
      assert.isTrue(Result.isSuccess(policy), String(Result.isFailure(policy) && policy.failure))
  })

  it("pods and networks ask for resources that a configuration of the same folder offers", () => {
    const offered = configMaps.flatMap(({ document }) => {
      const result = parseConfig("", (document as Yaml).data.DP_MACVTAP_CONF)
      const config = Result.isSuccess(result) ? result.success.config : undefined
      return config?._tag === "Resources" ? config.resources : []
    })
    const names = new Set(offered.map(({ name }) => name))
    const asked = manifestFiles
      .filter((path) => path.startsWith("deploy/examples"))
      .flatMap((path) =>
        [...read(path).matchAll(/macvtap\.network\.kubevirt\.io\/([a-z0-9-]+)/g)].map(([, name]) => name)
      )
    assert.isAtLeast(asked.length, 4)
    for (const name of asked) assert.isTrue(names.has(name ?? ""), name)
  })
})
