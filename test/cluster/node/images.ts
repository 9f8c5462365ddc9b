/** The images of the cluster, made here, and brought into its containerd: there is no registry and no internet. */
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { writeImage } from "../../../scripts/image/oci.ts"
import { must, run } from "../../lab/run.ts"
import { part } from "../parts/parts.ts"
import { pauseImage } from "./files.ts"
import { mustInside, project, state } from "./space.ts"

/** This machine's, as images name it. */
export const architecture = { x64: "amd64", arm64: "arm64" }[process.arch as "x64" | "arm64"] ?? process.arch

/** The image of pods that do something: Debian's static busybox. */
export const busyboxImage = "localhost/busybox:1"

/** Makes an image from a folder that `fill` has filled, and loads it. */
const makeAndLoad = async (
  name: string,
  entrypoint: ReadonlyArray<string>,
  fill: (folder: string) => Promise<void> | void
): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), "cluster-image-"))
  try {
    await fill(folder)
    await loadLayers(name, entrypoint, [folder])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Loads an image whose layers are folders. */
export const loadLayers = async (
  name: string,
  entrypoint: ReadonlyArray<string>,
  layers: ReadonlyArray<string>
): Promise<void> => {
  const file = join(state, "image.tar")
  try {
    writeImage(file, name, { Entrypoint: entrypoint, Labels: {} }, [{ architecture, layers }])
    await load(file)
  } finally {
    rmSync(file, { force: true })
  }
}

const load = (file: string): Promise<string> =>
  mustInside(["ctr", "--namespace", "k8s.io", "images", "import", file], { timeout: 120_000 })

const busybox = async (folder: string): Promise<void> => {
  mkdirSync(join(folder, "bin"))
  const path = (await must("sh", ["-c", "command -v busybox"])).trim()
  copyFileSync(path, join(folder, "bin/busybox"))
  for (const applet of (await must(path, ["--list"])).trim().split("\n")) {
    if (applet !== "busybox") symlinkSync("busybox", join(folder, "bin", applet))
  }
  mkdirSync(join(folder, "tmp"))
  chmodSync(join(folder, "tmp"), 0o1777)
  // multus-daemon asks it who root is, and ends where it is not there.
  mkdirSync(join(folder, "etc"))
  writeFileSync(join(folder, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n")
}

/** A sandbox's first process, and a shell for pods. */
export const loadBaseImages = async (): Promise<void> => {
  await makeAndLoad(pauseImage, ["/bin/sleep", "infinity"], busybox)
  await makeAndLoad(busyboxImage, ["/bin/sh"], busybox)
}

/** Multus as its own Dockerfiles lay it out, with busybox for the shell that its thin form calls. */
export const loadMultusImage = (name: string): Promise<void> =>
  makeAndLoad(name, ["/usr/src/multus-cni/bin/multus-daemon"], async (folder) => {
    await busybox(folder)
    // As Debian's, on which Multus' image stands: the runtime names namespaces below /var/run.
    mkdirSync(join(folder, "var"))
    symlinkSync("/run", join(folder, "var/run"))
    const { folder: built } = part("multus")
    const bin = join(folder, "usr/src/multus-cni/bin")
    cpSync(built, bin, { recursive: true })
    renameSync(join(bin, "passthru-cni"), join(bin, "passthru"))
    for (const one of ["thin_entrypoint", "kubeconfig_generator", "install_multus"]) {
      copyFileSync(join(built, one), join(folder, one))
    }
  })

/** The project's image: a file that was made before, or made now by the project's own command. */
export const loadOurImage = async (made?: string): Promise<void> => {
  if (made === undefined) await makeOurImage()
  else copyFileSync(made, ourImageFile)
  await load(ourImageFile)
}

/** What `up` and `reload` have made last. */
export const ourImageFile = join(state, "macvtap-cni-image.tar")

const makeOurImage = async (): Promise<void> => {
  const words = ["scripts/node", "scripts/image.ts", "--out", ourImageFile]
  const made = await run("sh", words, { cwd: project, timeout: 600_000 })
  if (made.status !== 0) throw new Error(`npm run image: ${made.stdout}${made.stderr}`)
}
