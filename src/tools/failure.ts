/** What services refuse, in words for the person who runs a tool. */

import { ToolError } from "../command/Command.ts"
import type { NetlinkError } from "../services/NetlinkService.ts"
import type { NetnsError } from "../services/NetnsService.ts"

const advice: Readonly<Record<string, string>> = {
  EPERM: "run it as root",
  EACCES: "run it as root"
}

export const describeFailure = (error: NetlinkError | NetnsError): ToolError => {
  const doing = error._tag === "NetnsError" ? `${error.operation} ${error.path}` : error.operation
  const said = error._tag === "NetlinkError" && error.extack !== undefined ? ` (${error.extack})` : ""
  const todo = advice[error.errno]
  return new ToolError({ problem: `${doing}: ${error.errno}${said}`, ...(todo === undefined ? {} : { advice: todo }) })
}
