/** `up`: builds what is missing, makes the namespaces, starts the parts, and brings Multus and the project into them. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { until } from "../../lab/run.ts"
import { build, moduleFolder, type PartName, part, program } from "../parts/parts.ts"
import { apply, kubectl, tryKubectl } from "../pods/kubectl.ts"
import { type ComponentName, componentNames, logOf, start, tailOf } from "./components.ts"
import { certificates, files, node, writeFiles } from "./files.ts"
import { loadBaseImages, loadMultusImage, loadOurImage } from "./images.ts"
import { firstProcess, inside, makeSpace, mustInside, project } from "./space.ts"

export interface UpOptions {
  /** The form of Multus; `none` leaves the pods' own network alone. */
  readonly multus: "thick" | "thin" | "none"
  /** Whether the project's manifests are applied. */
  readonly ours: boolean
  /** The project's image, if it was made before. */
  readonly image?: string | undefined
}

/** Starts a cluster. Throws where one is up already, or a part does not come up, with the end of its log. */
export const up = async ({ multus, ours, image }: UpOptions): Promise<void> => {
  if (firstProcess() !== undefined) throw new Error("a cluster is up already: npm run cluster -- down")
  for (const name of ["kubernetes", "plugins", "multus"] satisfies ReadonlyArray<PartName>) await build(name)
  await step("namespaces, with a second one for the world behind the node", makeSpace)
  writeFiles()
  await step(`Kubernetes ${part("kubernetes").version}`, startKubernetes)
  await step("images of pause and busybox", loadBaseImages)
  await step("the node", nodeIsReady)
  if (multus !== "none") await step(`Multus ${part("multus").version}, ${multus}`, () => installMultus(multus))
  if (ours) await step("macvtap-cni, by its own manifests", () => installOurs(image))
}

const step = async (what: string, effect: () => Promise<unknown>): Promise<void> => {
  const began = Date.now()
  process.stdout.write(`${what} … `)
  await effect()
  console.log(`${((Date.now() - began) / 1000).toFixed(1)} s`)
}

/** Waits for a component until `words` succeed on the node. */
const startAndWait = async (name: ComponentName, words: ReadonlyArray<string>): Promise<void> => {
  start(name)
  await answers(name, words)
}

const answers = (name: ComponentName, words: ReadonlyArray<string>): Promise<void> =>
  until(`${name} answers`, () => mustInside(words).then(Boolean, () => false), 90_000).catch((error: Error) => {
    throw new Error(`${error.message}; ${logOf(name)} ends with\n${tailOf(name)}`)
  })

const startKubernetes = async (): Promise<void> => {
  start("etcd")
  start("kube-apiserver")
  await until(
    "the API server is ready",
    async () => (await tryKubectl("get --raw /readyz")).status === 0,
    90_000
  ).catch((error: Error) => {
    throw new Error(`${error.message}; ${logOf("kube-apiserver")} ends with\n${tailOf("kube-apiserver")}`)
  })
  start("kube-controller-manager")
  start("kube-scheduler")
  await mustInside(["mkdir", "-p", "/opt/cni/bin", "/etc/cni/net.d", certificates])
  for (const name of part("plugins").programs) {
    await mustInside(["install", "-m", "755", program("plugins", name), `/opt/cni/bin/${name}`])
  }
  await mustInside(["rm", "-rf", "/etc/cni/net.d"])
  await mustInside(["install", "-D", "-m", "644", join(files, "10-pods.conf"), "/etc/cni/net.d/10-pods.conf"])
  await startAndWait("containerd", ["ctr", "version"])
  start("kubelet")
}

const nodeIsReady = (): Promise<void> =>
  kubectl(`wait --for=create node/${node.name} --timeout=60s`)
    .then(() => kubectl(`wait --for=condition=Ready node/${node.name} --timeout=60s`))
    .then(
      () => undefined,
      (error: Error) => {
        throw new Error(`${error.message}; ${logOf("kubelet")} ends with\n${tailOf("kubelet", 25)}`)
      }
    )

/** The manifest of Multus' own release, as it is in its module, but for the image's name. */
const installMultus = async (form: "thick" | "thin"): Promise<void> => {
  const name = form === "thick" ? "multus-daemonset-thick.yml" : "multus-daemonset.yml"
  const manifest = readFileSync(join(moduleFolder("multus"), "deployments", name), "utf8")
  const image = /image: (\S+)/.exec(manifest)?.[1] ?? ""
  await loadMultusImage(image)
  await apply(manifest)
  await kubectl("-n kube-system rollout status daemonset/kube-multus-ds --timeout=90s")
  await multusStands()
}

/**
 * Waits until Multus has put itself before the pods' network, as it does when it starts, and containerd has had a second to
 * see it: a pod before that would have the pods' network alone, and be ready.
 */
export const multusStands = async (): Promise<void> => {
  await until(
    "Multus stands before the pods' network",
    async () => (await inside(["sh", "-c", "ls /etc/cni/net.d/00-multus.conf*"])).status === 0,
    60_000
  )
  await new Promise((resolve) => setTimeout(resolve, 1000))
}

/** The project's manifests, as a user applies them. */
const installOurs = async (image: string | undefined): Promise<void> => {
  await loadOurImage(image)
  await kubectl(`apply -f ${join(project, "deploy/macvtap-cni.yaml")}`)
  await kubectl("-n macvtap-cni rollout status daemonset/macvtap-cni --timeout=90s")
}

/** The names of the components and where they log, for a person. */
export const whereTheyLog = (): ReadonlyArray<string> => componentNames.map((name) => `  ${name}: ${logOf(name)}`)
