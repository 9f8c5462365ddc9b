/** A program that answers as the client does: becomes the standalone one beside itself, else says what it is. */
import { chmod, mkdir, writeFile } from "node:fs/promises"
import { dirname } from "node:path"
import { pluginVersion } from "../../src/cni/call/version.ts"

export const writeClient = async (path: string, socket: string, version: string = pluginVersion): Promise<void> => {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(
    path,
    `#!/bin/sh
beside="\${0%/*}/macvtap-standalone"
[ -x "$beside" ] && exec "$beside" "$@"
echo "CNI macvtap client version ${version}, for the agent on ${socket}" >&2
echo "CNI protocol versions supported: 1.1.0" >&2
exit 2
`
  )
  await chmod(path, 0o755)
}
