/** What an endpoint hears, and what it asks for. */
import type { KubeletFolder } from "../kubelet/Kubelet.ts"

export type Event =
  /** The kubelet's folder was looked at, and our socket in it: `"none"` where none was served. */
  | { readonly _tag: "Looked"; readonly folder: KubeletFolder; readonly socket: "none" | "ours" | "lost" | "taken" }
  | { readonly _tag: "Served" }
  | { readonly _tag: "NotServed"; readonly problem: string }
  /** The kubelet's answer to registration `number`. */
  | { readonly _tag: "Registered"; readonly number: number }
  | { readonly _tag: "NotRegistered"; readonly number: number; readonly problem: string }
  /** So many ListAndWatch streams are open. */
  | { readonly _tag: "Streams"; readonly open: number }
  /** It is the time that `alarm` named, or later. */
  | { readonly _tag: "Tick" }

export type Action =
  /** Make the socket; answered by Served or NotServed. */
  | { readonly _tag: "Serve" }
  /** Take the socket back, and end all streams. */
  | { readonly _tag: "EndServing" }
  /** Call the kubelet's Register; answered by Registered or NotRegistered with the number. */
  | { readonly _tag: "Register"; readonly number: number }
  /** Leave the registration that is under way; what it is answered no longer matters. */
  | { readonly _tag: "Abandon" }
  /** Say how it is, for /healthz. */
  | { readonly _tag: "Show"; readonly well: boolean; readonly words: string }
  | { readonly _tag: "Say"; readonly level: "info" | "warning" | "error"; readonly words: string }
  | { readonly _tag: "Count"; readonly what: "registration" | "register" | "serve" }
