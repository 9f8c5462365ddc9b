/**
 * An image as a file, without any container tool: an OCI image layout (github.com/opencontainers/image-spec) in a tar,
 * which `podman load`, `ctr images import`, `skopeo`, `kind load image-archive` and Docker 25 read. The same contents
 * give the same bytes.
 */
import { execFileSync, spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { gzipSync } from "node:zlib"

/** One architecture's part of the image. */
export interface Platform {
  /** As Go and OCI call it: `amd64`. */
  readonly architecture: string
  /** Folders that become layers, the one that changes least first. */
  readonly layers: ReadonlyArray<string>
}

export interface ImageConfig {
  readonly Entrypoint: ReadonlyArray<string>
  readonly Labels: Readonly<Record<string, string>>
  readonly User?: string
}

interface Descriptor {
  readonly mediaType: string
  readonly digest: string
  readonly size: number
}

const digestOf = (bytes: Uint8Array): string => `sha256:${createHash("sha256").update(bytes).digest("hex")}`

/** Names in order, no times, no users: what differs are the contents. */
const reproducible = ["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner", "--format=ustar"]

const tar = (folder: string): Buffer => {
  const words = ["--create", ...reproducible, "--directory", folder, "."]
  const { stdout, status, stderr } = spawnSync("tar", words, { maxBuffer: 2 ** 31 - 1 })
  if (status !== 0) throw new Error(`tar: ${stderr}`)
  return stdout
}

/** Writes the archive. `name` is what the image is called when it is loaded: `localhost/macvtap-cni:0.1.0`. */
export const writeImage = (
  file: string,
  name: string,
  config: ImageConfig,
  platforms: ReadonlyArray<Platform>
): void => {
  const layout = mkdtempSync(join(tmpdir(), "image-"))
  try {
    mkdirSync(join(layout, "blobs/sha256"), { recursive: true })
    const blob = (mediaType: string, bytes: Uint8Array): Descriptor => {
      const digest = digestOf(bytes)
      writeFileSync(join(layout, "blobs", digest.replace(":", "/")), bytes)
      return { mediaType, digest, size: bytes.length }
    }
    const json = (mediaType: string, value: object) => blob(mediaType, Buffer.from(JSON.stringify(value)))
    const oci = (what: string) => `application/vnd.oci.image.${what}`

    const manifests = platforms.map(({ architecture, layers }) => {
      const archives = layers.map(tar)
      const platform = { architecture, os: "linux" }
      const rootfs = { type: "layers", diff_ids: archives.map(digestOf) }
      return {
        ...json(oci("manifest.v1+json"), {
          schemaVersion: 2,
          mediaType: oci("manifest.v1+json"),
          config: json(oci("config.v1+json"), { ...platform, config, rootfs }),
          layers: archives.map((archive) => blob(oci("layer.v1.tar+gzip"), gzipSync(archive)))
        }),
        platform
      }
    })
    const image = { schemaVersion: 2, mediaType: oci("index.v1+json"), manifests }
    const [only] = manifests
    // Several architectures are one image by an index of their own: some readers take only one entry in index.json.
    const entry = manifests.length === 1 && only !== undefined ? only : json(oci("index.v1+json"), image)
    const annotations = {
      "org.opencontainers.image.ref.name": name,
      "io.containerd.image.name": name
    }
    writeFileSync(join(layout, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }))
    writeFileSync(
      join(layout, "index.json"),
      JSON.stringify({ schemaVersion: 2, manifests: [{ ...entry, annotations }] })
    )
    execFileSync("tar", [
      "--create",
      ...reproducible,
      "--file",
      file,
      "--directory",
      layout,
      "oci-layout",
      "index.json",
      "blobs"
    ])
  } finally {
    rmSync(layout, { recursive: true, force: true })
  }
}

/** `110.2 MB`. */
export const sizeOf = (file: string): string => `${(statSync(file).size / 1e6).toFixed(1)} MB`
