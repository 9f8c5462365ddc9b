/** What a run needs: programs from Debian, the built plugin, the variants. */
import { existsSync } from "node:fs"
import { delimiter, join } from "node:path"
import { install } from "../test/lab/long/debian.ts"
import { Skipped, say, skip } from "../test/lab/long/report.ts"
import { executable } from "../test/lab/plugin.ts"
import { setup } from "../test/lab/suite/build.ts"
import { goMacvlan } from "./call.ts"
import type { Executables } from "./cold.ts"
import { buildVariant } from "./variants.ts"

const has = (program: string): boolean =>
  (process.env["PATH"] ?? "").split(delimiter).some((folder) => existsSync(join(folder, program)))

/** Debian's packages, where something of them is missing; what cannot be had is skipped later, by whoever needs it. */
export const installPrograms = async (): Promise<void> => {
  const wanted = {
    ...(has("ip") ? {} : { iproute2: "/usr/sbin/ip" }),
    "containernetworking-plugins": goMacvlan,
    time: "/usr/bin/time",
    ...(has("strace") ? {} : { strace: "/usr/bin/strace" })
  }
  try {
    await install(wanted)
  } catch (error) {
    if (!(error instanceof Skipped)) throw error
    skip("what Debian has and this machine lacks", error.message)
  }
}

/** dist/macvtap where it is missing or older than its sources, and the executables that it is compared with. */
export const build = async (
  root: string,
  folder: string
): Promise<Omit<Executables, "client"> & { readonly marked: string; readonly markedEmpty: string }> => {
  say("npm run build, where dist/macvtap is missing or stale")
  setup()
  if (!existsSync(executable)) throw new Error(`${executable} was not built`)
  say("building variants with the same flags: empty, moving, marked")
  return {
    plugin: executable,
    empty: await buildVariant(root, folder, "empty"),
    moving: await buildVariant(root, folder, "moving"),
    marked: await buildVariant(root, folder, "marked"),
    markedEmpty: await buildVariant(root, folder, "markedEmpty")
  }
}
