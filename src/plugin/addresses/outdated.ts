/** Delegates that are older than the network's version: what such a one answers, in words that name it and what to set. */
import { CniError, codes } from "../../cni/call/CniError.ts"
import { parseErrorDocument } from "../../cni/call/errorDocument.ts"
import { supportedVersions } from "../../cni/call/version.ts"
import type { DelegateError } from "../../services/DelegateService.ts"

/** Whether the delegate cannot have reserved anything: it is not there, or it refused the call by its version. */
export const didNothing = (error: DelegateError, cniVersion: string): boolean =>
  error._tag === "DelegateNotFound" || outdated(error, cniVersion) !== undefined

/** The delegate's refusal of the version, or of a command that its own does not have; undefined for anything else. */
export const outdated = (error: DelegateError, cniVersion: string): CniError | undefined => {
  const said = error._tag === "DelegateFailed" ? parseErrorDocument(error.stdout) : undefined
  if (said === undefined || !isRefusal(said)) return undefined
  const { type } = error
  const newest = supportedVersions.findLast(
    (version) => said.details?.includes(`"${version}"`) && version !== cniVersion
  )
  const older = newest === undefined ? `an older version` : `"${newest}"`
  return new CniError({
    code: codes.incompatibleVersion,
    msg: `IPAM plugin "${type}" does not speak CNI ${cniVersion}: ${said.msg}`,
    details:
      `${said.details === undefined ? "" : `${said.details}; `}set the network's "cniVersion" to ${older}, ` +
      `or install a newer "${type}"`
  })
}

/** In the Go library's words, which its plugins share. */
const isRefusal = ({ code, msg }: CniError): boolean =>
  (code === codes.incompatibleVersion &&
    /^(incompatible CNI versions|(config|plugin) version does not allow )/.test(msg)) ||
  (code === codes.invalidEnvironment && msg.startsWith("unknown CNI_COMMAND: "))
