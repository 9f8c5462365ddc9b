/** Another build of this tree, which says that it is of another version: what a node had before an update, or gets by it. */
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { must } from "../../lab/run.ts"
import { architecture, loadLayers } from "./images.ts"
import { project } from "./space.ts"

const versionFile = "src/cni/call/version.ts"

/** Builds it with that version, and loads it; the image's name. It shares Debian's libraries with the image of the tree. */
export const loadOtherBuild = async (version: string): Promise<string> => {
  const libraries = join(project, "dist/image", architecture, "libraries")
  if (!existsSync(libraries)) throw new Error(`there is no ${libraries}: npm run image`)
  const folder = mkdtempSync(join(tmpdir(), "cluster-build-"))
  try {
    for (const name of ["src", "scripts", "package.json"]) {
      cpSync(join(project, name), join(folder, name), { recursive: true })
    }
    symlinkSync(realpathSync(join(project, "node_modules")), join(folder, "node_modules"))
    const file = join(folder, versionFile)
    const text = readFileSync(file, "utf8")
    const changed = text.replace(/pluginVersion = "[^"]+"/, `pluginVersion = "${version}"`)
    if (changed === text) throw new Error(`${versionFile} says no pluginVersion`)
    writeFileSync(file, changed)
    const plugin = join(folder, "plugin")
    const words = ["scripts/node", "scripts/build.ts", "--out", join(plugin, "macvtap")]
    await must("sh", words, { cwd: folder, timeout: 300_000 })
    const name = `localhost/macvtap-cni:${version}`
    await loadLayers(name, ["/macvtap"], [libraries, plugin])
    return name
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
