/** What a guest boots: Debian's cloud kernel, unpacked and not installed, and an initramfs of busybox made here. */
import { chmod, copyFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises"
import { basename, join } from "node:path"
import { makeFolder } from "../lab/folder.ts"
import { dependency, unpack } from "../lab/long/debian.ts"
import { interrupted } from "../lab/long/report.ts"
import { must } from "../lab/run.ts"

export interface Boot {
  readonly kernel: string
  readonly initramfs: string
}

/** The guest's whole world: it answers each line of its console with what the line prints and a line `@<status>`. */
const init = (modules: ReadonlyArray<string>): string => `#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
for module in ${modules.join(" ")}; do insmod /modules/$module; done
stty -echo
ip link set lo up
echo "$(uname -sr), $(ls /sys/class/net | tr '\\n' ' ')"
echo @ready
while read -r line; do
  echo "# $line"
  eval "$line"
  echo "@$?"
done
poweroff -f
`

/** The modules that one needs, itself last: what `depends=` in their .modinfo says. */
const withDependencies = async (
  name: string,
  files: ReadonlyMap<string, string>,
  found: Array<string> = []
): Promise<ReadonlyArray<string>> => {
  const file = files.get(name)
  if (file === undefined || found.includes(file)) return found
  const depends = /\0depends=([^\0]*)\0/.exec((await readFile(file)).toString("latin1"))?.[1] ?? ""
  for (const other of depends.split(",")) await withDependencies(other, files, found)
  found.push(file)
  return found
}

/** Every module of the kernel by name, decompressed where Debian compresses them. */
const moduleFiles = async (folder: string): Promise<ReadonlyMap<string, string>> => {
  const entries = await readdir(folder, { recursive: true })
  const wanted = entries.filter((entry) => /\/(virtio\w*|\w*failover)\.ko(\.xz)?$/.test(entry))
  const compressed = wanted.filter((entry) => entry.endsWith(".xz"))
  if (compressed.length > 0) await must("xz", ["-d", ...compressed.map((entry) => join(folder, entry))])
  const plain = wanted.map((entry) => join(folder, entry.replace(/\.xz$/, "")))
  return new Map(plain.map((file) => [basename(file, ".ko"), file]))
}

/** Made when it is first asked for, and there for all of a run. */
export interface SharedBoot extends AsyncDisposable {
  readonly get: () => Promise<Boot>
}

export const shareBoot = (): SharedBoot => {
  const stack = new AsyncDisposableStack()
  const make = async (): Promise<Boot> => makeBoot(stack.use(await makeFolder("macvtap-cni-e2e-kernel")).path)
  let made: Promise<Boot> | undefined
  return { get: () => (made ??= make()), [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

/** Fetches and unpacks the kernel into `folder`, and makes the initramfs there. */
const makeBoot = async (folder: string): Promise<Boot> => {
  const unpacked = join(folder, "kernel")
  await mkdir(unpacked)
  await unpack(await dependency("linux-image-cloud-amd64"), unpacked)
  const boot = (await readdir(join(unpacked, "boot"))).find((file) => file.startsWith("vmlinuz"))
  if (boot === undefined) throw new Error("the kernel's package holds no vmlinuz")
  const library = join(unpacked, (await readdir(unpacked)).includes("lib") ? "lib/modules" : "usr/lib/modules")
  const files = await moduleFiles(library)
  const modules: Array<string> = []
  for (const name of ["virtio_pci", "virtio_net"]) await withDependencies(name, files, modules)
  const root = join(folder, "initramfs")
  for (const name of ["bin", "dev", "proc", "sys", "modules"]) await mkdir(join(root, name), { recursive: true })
  await copyFile("/bin/busybox", join(root, "bin/busybox"))
  for (const file of modules) await copyFile(file, join(root, "modules", basename(file)))
  await writeFile(join(root, "init"), init(modules.map((file) => basename(file))))
  await chmod(join(root, "init"), 0o755)
  const initramfs = join(folder, "initramfs.cpio")
  await must("sh", ["-c", `find . | cpio --quiet -o -H newc > ${initramfs}`], { cwd: root, signal: interrupted })
  return { kernel: join(unpacked, "boot", boot), initramfs }
}
