/** The edge: which CNI code a service's error has, and its words. A missing row does not compile. */
import { CniError, codes } from "../cni/call/CniError.ts"
import type { AnswerLost } from "../services/CallerService.ts"
import type { DelegateError } from "../services/DelegateService.ts"
import type { LinkNotFound, NetlinkError } from "../services/NetlinkService.ts"
import type { NetnsError, NetnsNotFound, NotANetns } from "../services/NetnsService.ts"
import type { ReservationError } from "../services/ReservationService.ts"
import type { TapError } from "../services/TapService.ts"
import { quote, shorten } from "../wire/foreign.ts"

export type ServiceError =
  | NetlinkError
  | LinkNotFound
  | NetnsError
  | NetnsNotFound
  | NotANetns
  | TapError
  | DelegateError
  | ReservationError
  | AnswerLost

type Row<E> = readonly [code: number, msg: (error: E) => string, details?: (error: E) => string]

type Table = { readonly [Tag in ServiceError["_tag"]]: Row<Extract<ServiceError, { readonly _tag: Tag }>> }

const unusable = (e: { readonly errno: string }): string =>
  e.errno === "EACCES"
    ? "it must be a file that root may execute (chmod +x), on a file system that is not mounted noexec"
    : e.errno === "ENOEXEC"
      ? "it must be a program for this machine, or a script that begins with #!"
      : "see what that plugin is, and run it by hand"

/** The CNI error of whatever failed; a CniError is one already. */
export const toCniError = (error: CniError | ServiceError): CniError => {
  if (error._tag === "CniError") return error
  const [code, msg, details] = table[error._tag] as Row<ServiceError>
  return new CniError({ code, msg: msg(error), ...(details === undefined ? {} : { details: details(error) }) })
}

const table: Table = {
  NetlinkError: [
    codes.internal,
    (e) => `${e.operation}: ${e.extack ?? "refused by the kernel"} (${e.errno})${rights(e.errno)}`
  ],
  LinkNotFound: [codes.internal, (e) => `link ${quote(e.link)} does not exist`, () => "it was removed meanwhile"],
  NetnsError: [codes.invalidNetns, (e) => `${e.operation} ${shown(e.path)}: ${e.errno}${rights(e.errno)}`],
  NetnsNotFound: [
    codes.invalidNetns,
    (e) => `network namespace ${shown(e.path)} does not exist`,
    () => "CNI_NETNS must be the path of the container's network namespace; the container may have ended meanwhile"
  ],
  NotANetns: [
    codes.invalidNetns,
    (e) => `${shown(e.path)} is not a network namespace: ${e.found}`,
    () => "CNI_NETNS must be the path of a network namespace, such as /run/netns/NAME or /proc/PID/ns/net"
  ],
  TapError: [codes.ioFailure, (e) => `${e.operation} ${e.path}: ${e.errno}${rights(e.errno)}`],
  ReservationError: [codes.ioFailure, (e) => `${e.operation} ${e.path}: ${e.problem}`, (e) => e.advice],
  AnswerLost: [codes.ioFailure, (e) => `error writing to stdout: ${e.reason}`],
  DelegateNotFound: [
    codes.invalidConfig,
    (e) => `failed to find plugin "${e.type}" in path [${inOneLine(e.path.join(" "))}]`,
    (e) => `"ipam.type" is "${e.type}": install that plugin in a folder of CNI_PATH, or correct the name`
  ],
  DelegateFailed: [
    codes.internal,
    (e) =>
      `IPAM plugin "${e.type}" failed: ${inOneLine(e.stderr) || inOneLine(e.stdout) || "no error message"}: ${e.status}`
  ],
  DelegateUnusable: [codes.internal, (e) => `IPAM plugin "${e.type}" (${e.file}) cannot be used: ${e.errno}`, unusable],
  DelegateTimeout: [
    codes.tryAgainLater,
    (e) => `IPAM plugin "${e.type}" did not answer within ${e.timeout / 1000} s and was stopped`
  ]
}

const rights = (errno: string): string =>
  errno === "EPERM" || errno === "EACCES" ? "; the plugin needs root's rights (CAP_NET_ADMIN, CAP_SYS_ADMIN)" : ""

/** A path out of the environment, which can hold anything. */
const shown = (path: string): string => quote(shorten(path, 200))

/** What a plugin said to people, as much of it as an error can bear. */
const inOneLine = (text: string): string => shorten(text.trim().replaceAll(/\s*[\p{Cc}\u2028\u2029]+\s*/gu, "; "), 1000)
