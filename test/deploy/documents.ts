/** The manifests in the repository. */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { parseAllDocuments } from "yaml"
import { root } from "../../scripts/manifests.ts"
import type { Manifest } from "./schema.ts"

/** Strict YAML: a key that is there twice, a tab, or an unknown tag is an error. */
export const readYaml = (text: string): ReadonlyArray<Manifest> =>
  parseAllDocuments(text, { strict: true, uniqueKeys: true, stringKeys: true }).map((document) => {
    const [problem] = [...document.errors, ...document.warnings]
    if (problem !== undefined) throw problem
    return document.toJS() as Manifest
  })

export const read = (path: string): string => readFileSync(join(root, path), "utf8")

/** Every YAML file below deploy, but kustomize's own and Prometheus', which are no objects of Kubernetes. */
export const manifestFiles: ReadonlyArray<string> = readdirSync(join(root, "deploy"), {
  recursive: true,
  encoding: "utf8"
})
  .filter((path) => path.endsWith(".yaml") && !path.endsWith("kustomization.yaml") && !path.startsWith("monitoring/"))
  .map((path) => join("deploy", path))
  .sort()

export const documentsOf = (path: string): ReadonlyArray<Manifest> => readYaml(read(path))
