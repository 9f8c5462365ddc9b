/**
 * `npm run manifests [-- --check]`: deploy/macvtap-cni.yaml from deploy/base, for those who have no kustomize. The base
 * transforms nothing, so that the one file is its resources one after the other, with their comments.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { parse } from "yaml"

export const root = fileURLToPath(new URL("..", import.meta.url))
export const base = "deploy/base/kustomization.yaml"
export const plain = "deploy/macvtap-cni.yaml"

/** The one file's text, from the base's. Throws where the base holds what this cannot express. */
export const onePlainFile = (read: (path: string) => string): string => {
  const { apiVersion: _, kind: __, resources, ...rest } = parse(read(base)) as Record<string, unknown>
  const more = Object.keys(rest)
  if (more.length > 0) throw new Error(`${base}: ${more.join(", ")} would be lost in ${plain}`)
  if (!Array.isArray(resources)) throw new Error(`${base} has no resources`)
  const parts = resources.map((name) => read(join(dirname(base), String(name))).trim())
  return `# Made from deploy/base by \`npm run manifests\`; change it there.\n${parts.join("\n---\n")}\n`
}

export const readBelow = (path: string): string => readFileSync(join(root, path), "utf8")

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const text = onePlainFile(readBelow)
  if (!process.argv.includes("--check")) {
    writeFileSync(join(root, plain), text)
    console.log(`${plain} written`)
  } else if (readBelow(plain) !== text) {
    console.error(`${plain} is not what deploy/base gives; run npm run manifests`)
    process.exitCode = 1
  }
}
