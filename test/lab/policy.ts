/** A policy on the node, for one call: in a mount namespace of its own, so that the machine's /var/lib is left alone. */
import { writeFile } from "node:fs/promises"
import { join } from "node:path"

/** What a shell does there; `$1` is the file, the rest is the program. */
const script = [
  "mount -t tmpfs -o mode=755 tmpfs /var/lib",
  "mkdir /var/lib/macvtap-cni",
  'cp -a "$1" /var/lib/macvtap-cni/policy.json',
  "shift",
  'exec "$@"'
].join(" && ")

/** The words before a program that runs it where that file, copied, is the policy. */
export const underPolicyFile = (file: string): ReadonlyArray<string> => [
  "unshare",
  "--mount",
  "--propagation",
  "private",
  "sh",
  "-c",
  script,
  "sh",
  file
]

/** The same with these rules, in a file in the folder. */
export const underPolicy = async (folder: string, rules: ReadonlyArray<object>): Promise<ReadonlyArray<string>> => {
  const file = join(folder, "policy.json")
  await writeFile(file, JSON.stringify({ version: 1, rules }), { mode: 0o644 })
  return underPolicyFile(file)
}
