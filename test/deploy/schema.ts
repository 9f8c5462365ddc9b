/**
 * Kubernetes' and KubeVirt's own schemas, as three judges that see different things: kubernetes-models validates values
 * (Kubernetes' OpenAPI, compiled); TypeScript, with the same packages' types, also refuses what no schema knows, as
 * `kubectl apply` with strict validation does; KubeVirt's generated converters drop what KubeVirt does not know.
 *
 * Kubernetes as it is today (kubernetes-models, whose pods know `schedulingGroup`: 1.36 or newer), and as it was at the
 * oldest release for which manifests are written (kubernetes-types, which has types only).
 */
import { spawnSync } from "node:child_process"
import { mkdir, symlink, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { root } from "../../scripts/manifests.ts"
import { makeFolder } from "../lab/folder.ts"

export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata?: { readonly name?: string; readonly namespace?: string }
  readonly [key: string]: unknown
}

export interface Problem {
  /** `DaemonSet macvtap-cni`. */
  readonly subject: string
  readonly problem: string
}

const kubevirt = "@kubevirt-ui-ext/kubevirt-api/kubevirt"

/** k8snetworkplumbingwg/network-attachment-definition-client, artifacts/networks-crd.yaml: the CRD has nothing else. */
const networkType = `import type { IObjectMeta } from "@kubernetes-models/apimachinery/apis/meta/v1/ObjectMeta"
interface NetworkAttachmentDefinition {
  apiVersion: "k8s.cni.cncf.io/v1"
  kind: "NetworkAttachmentDefinition"
  metadata: IObjectMeta
  spec: { config: string }
}
`

/** The oldest release of Kubernetes that is judged by. */
export const oldest = "1.25"
export type Release = typeof oldest | "newest"

type Converter = (value: unknown) => unknown

/** Paths of what is in `given` and not, or otherwise, in `kept`: `spec.template.spec.domain.cpus`. */
const lost = (given: unknown, kept: unknown, path = ""): ReadonlyArray<string> => {
  if (typeof given !== "object" || given === null) return given === kept ? [] : [path]
  if (typeof kept !== "object" || kept === null) return [path]
  return Object.entries(given).flatMap(([key, value]) =>
    lost(value, (kept as Readonly<Record<string, unknown>>)[key], path === "" ? key : `${path}.${key}`)
  )
}

interface Judgement {
  /** What makes the type known, and its name. */
  readonly imports: string
  readonly type: string
  /** The document as it has to have the type. */
  readonly value: unknown
  /** What the run time finds. */
  readonly problems: ReadonlyArray<string>
}

const nothing = (value: unknown, problem: string): Judgement => ({
  imports: "",
  type: "unknown",
  value,
  problems: [problem]
})

/** How one document is judged. */
const judge = async (document: Manifest, release: Release): Promise<Judgement> => {
  const { apiVersion, kind } = document
  if (apiVersion.startsWith("kubevirt.io/")) {
    const module = (await import(kubevirt)) as unknown as Record<string, Converter>
    const type = `V1${kind}`
    const [from, to] = [module[`${type}FromJSON`], module[`${type}ToJSON`]]
    if (from === undefined || to === undefined) return nothing(document, `KubeVirt has no ${kind}`)
    const value = from(document)
    const kept = JSON.parse(JSON.stringify(to(value)))
    const problems = lost(document, kept).map((path) => `KubeVirt knows no ${path}`)
    return { type, imports: `import type { ${type} } from "${kubevirt}"\n`, value, problems }
  }
  if (kind === "NetworkAttachmentDefinition") return { type: kind, imports: networkType, value: document, problems: [] }
  if (release === oldest) {
    // The core's group has a name there.
    const from = `kubernetes-types/${apiVersion.includes("/") ? apiVersion : `core/${apiVersion}`}`
    return { type: kind, imports: `import type { ${kind} } from "${from}.js"\n`, value: document, problems: [] }
  }
  const path = `kubernetes-models/${apiVersion}`
  const models = (await import(path).catch(() => ({}))) as Record<
    string,
    (new (data: unknown) => { validate(): void }) | undefined
  >
  const Model = models[kind]
  if (Model === undefined) return nothing(document, `Kubernetes has no ${kind} in ${apiVersion}`)
  const problems: Array<string> = []
  try {
    new Model(document).validate()
  } catch (error) {
    problems.push((error as Error).message)
  }
  return { type: `I${kind}`, imports: `import type { I${kind} } from "${path}"\n`, value: document, problems }
}

const subjectOf = ({ kind, metadata }: Manifest): string => `${kind} ${metadata?.name}`

/** tsc on one module a document: `file(line,column): error TS2353: …`. */
const typeProblems = async (
  modules: ReadonlyArray<string>
): Promise<ReadonlyArray<{ index: number; problem: string }>> => {
  await using folder = await makeFolder("manifests")
  await symlink(join(root, "node_modules"), join(folder.path, "node_modules"))
  await mkdir(join(folder.path, "m"))
  await writeFile(join(folder.path, "package.json"), `{ "type": "module" }`)
  for (const [index, text] of modules.entries()) await writeFile(join(folder.path, "m", `${index}.ts`), text)
  const files = modules.map((_, index) => `m/${index}.ts`)
  const options =
    "--noEmit --strict --skipLibCheck --target esnext --lib esnext --module nodenext --pretty false".split(" ")
  const { stdout, status } = spawnSync(
    process.execPath,
    [join(root, "node_modules/typescript/bin/tsc"), ...options, "--types", "", ...files],
    { cwd: folder.path, encoding: "utf8" }
  )
  const problems = [...stdout.matchAll(/^m\/(\d+)\.ts\(.*?\): error (.*)$/gm)]
  if ((status === 0) !== (problems.length === 0)) throw new Error(`tsc: ${stdout}`)
  return problems.map(([, index, problem]) => ({ index: Number(index), problem: problem ?? "" }))
}

/** Everything that is wrong with the documents, by their schemas. */
export const problemsOf = async (
  documents: ReadonlyArray<Manifest>,
  release: Release = "newest"
): Promise<ReadonlyArray<Problem>> => {
  const judged = await Promise.all(documents.map((document) => judge(document, release)))
  const modules = judged.map(
    ({ type, imports, value }) => `${imports}export const document: ${type} = ${JSON.stringify(value, undefined, 2)}\n`
  )
  const typed = await typeProblems(modules)
  return documents.flatMap((document, position) => {
    const found = [
      ...(judged[position]?.problems ?? []),
      ...typed.filter(({ index }) => index === position).map(({ problem }) => problem)
    ]
    return found.map((problem) => ({ subject: subjectOf(document), problem }))
  })
}
